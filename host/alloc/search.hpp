// SPDX-License-Identifier: Apache-2.0
//
// One allocate(): prepares the requests of all claims, then searches depth first, device by device,
// in the order of pools, slices and devices. The first solution is the answer. What cannot lead to
// one is left out where that changes nothing but the time. Internal to alloc.
//
//   search.cpp            the recursion over claims, requests, devices
//   search_prepare.cpp    requests and constraints before it; errors that concern all nodes
//   search_candidate.cpp  what a device and a request say of each other, whatever else is picked
//   search_pick.cpp       taking a device and giving it back: counters, constraints, capacity
//   search_growth.cpp     amounts that change while they are looked for, as before 1.37
//   search_digits.cpp     counters that change while they are counted, as before 1.37
//   search_bounds.cpp     proofs that what is left to try leads nowhere
//   search_trace.cpp      why candidates were refused, for those who ask
//   result.cpp            from picks to allocations
#pragma once

#include <map>
#include <memory>
#include <memory_resource>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "host/alloc/allocator.hpp"
#include "host/alloc/behaviour.hpp"
#include "host/alloc/capacity.hpp"
#include "host/alloc/constraint.hpp"
#include "host/alloc/derived.hpp"
#include "host/alloc/groups.hpp"
#include "host/alloc/node_pools.hpp"
#include "host/alloc/selectors.hpp"

namespace knd::alloc {

struct Context {
    const Inventory::Data& data;
    const ClassLookup& classes;
    const Holdings& holdings;
    const Options& options;
    const ShareIds& share_ids;
    SelectorCache& selectors;
    Trace* trace;  ///< null: nobody asks
    /// For what a search needs while it runs: given back as a whole, when it has ended.
    std::pmr::memory_resource* scratch;
};

/// What is known of a candidate for a request before anything is picked.
enum class Fitness : std::uint8_t {
    kUnknown,
    kRefused,   ///< by a selector or the node
    kSelected,  ///< only "All": its other reasons come when it is taken
    kUnfit,     ///< selected, but tainted or the like
    kFit,
    kError,  ///< never kept: error_ says why
};

/// A request, or one of the alternatives of a firstAvailable.
struct Prepared {
    explicit Prepared(std::pmr::memory_resource* scratch)
        : selectors(scratch), all_candidates(scratch), fitness(scratch), constraints(scratch) {}
    const api::ResourceClaim* claim = nullptr;
    const api::ExactRequest* request = nullptr;
    const api::DeviceClass* device_class = nullptr;
    std::string_view base;  ///< the request's name
    std::string_view sub;   ///< the alternative's name, or empty
    bool all = false;
    std::size_t count = 0;
    /// The class's, then the request's; null: one without an expression.
    std::pmr::vector<Selector*> selectors;
    std::pmr::vector<CandidateIndex> all_candidates;
    std::pmr::vector<Fitness> fitness;            ///< by candidate
    std::pmr::vector<std::uint32_t> constraints;  ///< of the claim, those that concern it
    std::optional<Capacity> grown;  ///< what the request asks for now; none: what it says
    std::size_t trace = 0;          ///< its place in Trace::requests
    /// How the request computes the constraint's attribute; null: it does not.
    const api::DerivedAttribute* derived(const api::DeviceConstraint& constraint) const;
    const Capacity& capacity() const { return grown ? *grown : request->capacity; }
    std::string_view own_name() const { return sub.empty() ? base : sub; }
    std::string result_name() const {
        return sub.empty() ? std::string(base) : std::string(base) + "/" + std::string(sub);
    }
};

struct PreparedClaim {
    explicit PreparedClaim(std::pmr::memory_resource* scratch)
        : requests(scratch), constraints(scratch), chosen(scratch) {}
    const api::ResourceClaim* claim = nullptr;
    /// Per request its alternatives: one for `exactly`.
    std::pmr::vector<std::pmr::vector<Prepared>> requests;
    std::pmr::vector<Constraint> constraints;
    std::vector<bool> by_value;            ///< of a constraint: a request computes its attribute
    std::pmr::vector<std::size_t> chosen;  ///< per request the alternative of the solution
    std::size_t picks = 0;
};

/// A device that the search has taken, and what it must give back.
struct Pick {
    CandidateIndex candidate = 0;
    const Prepared* prepared = nullptr;
    std::uint32_t claim = 0;
    bool shared = false;
    bool charged_counters = false;
    bool joined_groups = false;
    Amounts consumed;  ///< of a shared device
    /// Where an amount is the request's own, which may still grow, else null; empty: all are null.
    std::vector<const Quantity*> own;
    const Quantity& amount(std::size_t capacity) const {
        return own.empty() || own[capacity] == nullptr ? consumed[capacity] : *own[capacity];
    }
};

/// Devices that a request still needs, from a candidate on. Several are to be met together.
struct Demand {
    std::uint32_t claim = 0;
    const Prepared* prepared = nullptr;
    std::size_t needed = 0;
    CandidateIndex start = 0;
};

/// What the picks of this run hold of a shared device.
struct Shares {
    std::size_t count = 0;
    Amounts sum;  ///< may be empty when nothing is consumed
};

/// What is consumed of a counter: a number of its own, or one that a device has lent.
struct ConsumedCounter {
    Quantity own;
    Quantity* lent = nullptr;
    Quantity& value() { return lent == nullptr ? own : *lent; }
};

class Search {
  public:
    Search(const Context& context, NodePools& pools,
           std::span<const api::ResourceClaim* const> claims);
    Result<std::optional<Allocations>> run();
    std::uint64_t steps() const { return steps_; }

  private:
    enum class Outcome : std::uint8_t {
        kFound,
        kNone,
        kTooMany,  ///< more than 32 devices in the claim, whatever is taken
        kStop,     ///< none, and nothing else is to be tried
        kError,    ///< error_ says which
    };
    /// Where the search is: a request of a claim, or one of its alternatives.
    struct Place {
        std::uint32_t claim = 0;
        std::size_t request = 0;
        Prepared* prepared = nullptr;
    };

    // search_prepare.cpp
    Result<void> prepare();
    Result<void> prepare_claim(const api::ResourceClaim& claim, PreparedClaim& out);
    Result<std::size_t> prepare_request(const api::DeviceRequest& request, PreparedClaim& out);
    Result<void> prepare_one(Prepared& prepared);
    void find_selectors(Prepared& prepared) const;
    Result<void> check_features(const api::ResourceClaim& claim,
                                const api::DeviceRequest& request) const;
    Result<void> collect_all(Prepared& prepared);
    Result<void> prepare_constraints(PreparedClaim& out);

    // search_candidate.cpp
    Fitness fitness(Prepared& prepared, CandidateIndex candidate);
    Fitness select(Prepared& prepared, CandidateIndex candidate);
    CandidateIndex namesake(CandidateIndex candidate) const;
    enum class Match : std::uint8_t { kNo, kYes, kError };
    Match match(const Prepared& prepared, bool by_class, CandidateIndex candidate);
    Error run_error(const std::string& where, const std::string& why, DeviceIndex index) const;
    bool is_fit(const Prepared& prepared, CandidateIndex candidate);
    const api::DeviceTaint* taint(const DeviceExtra& extra, const api::ExactRequest& request) const;
    bool may_skip_operations(const Prepared& prepared, CandidateIndex candidate);
    AmountRules amount_rules() const;
    bool check_amounts(const Prepared& prepared, CandidateIndex candidate,
                       const std::string& device);
    bool plain_capacity(const Prepared& prepared, CandidateIndex candidate) const;

    // search.cpp
    Outcome next_request(std::uint32_t claim, std::size_t request);
    Outcome first_available(std::uint32_t claim, std::size_t request);
    Outcome next_device(const Place& place, std::size_t picked, CandidateIndex start);
    Outcome next_of_all(const Place& place, std::size_t picked);
    Outcome try_rest(const Place& place, std::size_t picked, CandidateIndex start);
    Outcome try_candidates(const Place& place, std::size_t picked, CandidateIndex start,
                           std::size_t base);
    Outcome fail(Error error);
    Outcome fail_for(const Pool& invalid);
    bool step(std::uint64_t count);
    Trace::End end(Outcome outcome) const;

    // search_bounds.cpp
    static bool may_prune(const Behaviour& behaviour, const Features& features,
                          std::span<const api::ResourceClaim* const> claims);
    bool hopeless(const Place& place, std::size_t picked, CandidateIndex start);
    bool demand_later(const Place& place, std::size_t picked);
    bool evaluate(std::uint32_t claim, Prepared& prepared);
    Outcome settle_rest(const Place& place, CandidateIndex start);
    bool may_use(const Demand& demand, CandidateIndex candidate) const;
    bool enough(std::span<const Demand> demands);
    std::uint32_t weight(std::span<const Demand> demands, CandidateIndex candidate);
    std::uint32_t shares_possible(std::span<const Demand> demands, CandidateIndex candidate);
    bool enough_values(std::span<const Demand> demands);
    std::size_t most_by_value(Constraint::Kind kind, const ValueNumbers& values);
    bool enough_counters(std::size_t needed);
    std::size_t most_by_counters(PoolIndex pool, CandidateIndex first, CandidateIndex last,
                                 std::size_t charged);
    bool repeats_failure(const Place& place, CandidateIndex candidate, std::size_t base);
    bool are_twins(const Place& place, CandidateIndex a, CandidateIndex b) const;

    // search_pick.cpp
    bool held(CandidateIndex candidate) const {
        return context_.holdings.has(candidates_[candidate].device);
    }
    /// An administrator may look into what others use, but not twice in one claim.
    bool in_use(CandidateIndex candidate, std::uint32_t claim, bool admin) const {
        if (!admin) return held(candidate) || taken_[candidate] > 0;
        if (behaviour_.admin_takes_nothing) return false;
        return taken_[candidate] > 0 && taken_in_claim(candidate, claim);
    }
    bool taken_in_claim(CandidateIndex candidate, std::uint32_t claim) const;
    bool take(const Place& place, CandidateIndex candidate);
    bool charge(Pick& pick);
    bool charge_own(Pick& pick);
    void discharge(const Pick& pick);
    bool is_paid(DeviceIndex device) const;
    bool is_tainted(const Prepared& prepared, CandidateIndex candidate);
    /// Taints are looked at after the counters, where that shows.
    bool taints_come_last() const { return behaviour_.leaks_counters || shares_digits_; }
    bool is_counted(CandidateIndex candidate) const;
    bool takes_device(const Pick& pick) const {
        const bool admin = pick.prepared->request->admin_access;
        return !pick.shared && !(admin && behaviour_.admin_takes_nothing);
    }
    void keep(Pick pick);
    void give_back(std::size_t mark);
    void forget_all(std::size_t mark, std::uint32_t claim);
    void give_back_share(const Pick& pick);
    const Amounts* taking(DeviceIndex device) const;
    bool join_constraint(const Place& place, CandidateIndex candidate, std::uint32_t number);
    bool join_constraints(const Place& place, CandidateIndex candidate);
    void leave_constraints(std::uint32_t claim, const Prepared& prepared, std::size_t count);
    bool fits_alone(const Prepared& prepared, CandidateIndex candidate) const;
    bool has_room(Prepared& prepared, CandidateIndex candidate, Amounts& consumed);
    PoolIndex counter_pool(CandidateIndex candidate);
    std::span<const CounterUse> uses(CandidateIndex candidate, PoolIndex pool);
    std::vector<Quantity>& counters(PoolIndex pool);
    bool take_counters(const Prepared& prepared, CandidateIndex candidate);
    void return_counters(CandidateIndex candidate);

    // search_digits.cpp
    Quantity& amount_of(CandidateIndex candidate, PoolIndex pool, const CounterUse& use);
    void count_digits(PoolIndex pool);
    void take_digits(CandidateIndex candidate, PoolIndex pool);
    void return_digits(CandidateIndex candidate, PoolIndex pool);
    void count_again(CandidateIndex candidate);

    // search_growth.cpp
    void may_grow(Prepared& prepared) const;
    Quantity* own_amount(Prepared& prepared, CandidateIndex candidate, std::size_t number) const;
    void grow(Prepared& prepared, CandidateIndex candidate, std::size_t end);
    void compare_unfit(Prepared& prepared, CandidateIndex candidate);
    void consume_grown(Prepared& prepared, Pick& pick) const;

    // search_trace.cpp; those that say bool always say false, for `return refuse(...)`
    void trace_begin();
    void trace_request(Prepared& prepared);
    void trace_place(const Place& place, std::size_t picked);
    void trace_pick();
    void trace_end(Outcome outcome);
    bool refuse(const Prepared& prepared, CandidateIndex candidate, Refusal refusal) {
        if (context_.trace != nullptr) note(prepared, candidate, refusal);
        return false;
    }
    DeviceTrace* note(const Prepared& prepared, CandidateIndex candidate, Refusal refusal);
    void note_selector(const Prepared& prepared, CandidateIndex candidate, Refusal refusal,
                       std::size_t selector);
    bool note_capacity(const Prepared& prepared, CandidateIndex candidate, Refusal refusal,
                       const std::string& name);
    bool note_room(const Prepared& prepared, CandidateIndex candidate, std::size_t number,
                   const Amounts& taken);
    bool note_counter(const Prepared& prepared, CandidateIndex candidate, std::uint32_t counter);
    bool note_no_counter(const Prepared& prepared, CandidateIndex candidate);
    bool note_taint(const Prepared& prepared, CandidateIndex candidate,
                    const api::DeviceTaint& taint);
    bool note_conflict(std::uint32_t claim, const Prepared& prepared, CandidateIndex candidate,
                       std::uint32_t constraint);
    void note_skipped(const Place& place, CandidateIndex candidate);

    // result.cpp
    Result<Allocations> assemble() const;
    api::DeviceAllocation device_result(const Pick& pick) const;
    void add_class_configs(const PreparedClaim& claim, api::AllocationResult& out) const;
    void add_claim_configs(const PreparedClaim& claim, api::AllocationResult& out) const;
    static void clear_full_configs(const PreparedClaim& claim, api::AllocationResult& out);
    Result<std::optional<api::NodeSelector>> node_selector(std::uint32_t claim) const;

    const DeviceEntry& device_of(CandidateIndex candidate) const {
        return data_.devices[candidates_[candidate].device];
    }

    const Context& context_;
    const Inventory::Data& data_;
    const Features& features_;
    const Behaviour behaviour_;
    const bool shares_digits_;  ///< Behaviour::counters_share_digits shows in these pools
    const bool may_prune_;      ///< an attempt that fails leaves no trace in the constraints
    NodePools& pools_;
    const std::vector<Candidate>& candidates_;
    std::span<const api::ResourceClaim* const> claims_;
    std::pmr::vector<PreparedClaim> prepared_;
    std::pmr::vector<Pick> picks_;
    std::pmr::vector<std::uint32_t> taken_;  ///< by candidate: how many picks, without shared ones
    std::unordered_map<DeviceIndex, Shares> shares_;
    std::map<PoolIndex, std::vector<Quantity>> counters_;  ///< left, by pool
    /// Behaviour::counters_by_pool_name: the first pool of a name.
    std::map<std::string_view, PoolIndex> counter_pools_;
    // Of search_digits.cpp alone.
    std::map<std::pair<DeviceIndex, CounterTable::Name>, Quantity> own_uses_;
    std::map<std::pair<PoolIndex, std::uint32_t>, ConsumedCounter> consumed_;  ///< by counter
    std::map<PoolIndex, std::vector<Quantity>> totals_;
    std::vector<CounterUse> uses_;        ///< scratch of uses()
    std::vector<CandidateIndex> failed_;  ///< by place, a stack of them
    // Scratch of search_bounds.cpp; nothing is allocated for it until something fails.
    std::vector<Demand> demands_;
    std::vector<Demand> concerned_;
    std::vector<std::uint32_t> weights_;  ///< by candidate: how many demands it may serve at once
    std::vector<std::uint32_t> tally_;
    Amounts amounts_;
    Groups groups_;
    DerivedValues derived_;
    std::optional<Error> error_;
    std::uint64_t steps_ = 0;
};

}  // namespace knd::alloc
