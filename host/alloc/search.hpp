// SPDX-License-Identifier: Apache-2.0
//
// One allocate(): prepares the requests of all claims, then searches depth first, device by device,
// in the order of pools, slices and devices. The first solution is the answer. Internal to alloc.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "host/alloc/allocator.hpp"
#include "host/alloc/behaviour.hpp"
#include "host/alloc/capacity.hpp"
#include "host/alloc/constraint.hpp"
#include "host/alloc/pools.hpp"

namespace knd::alloc {

/// What allocations of the cluster hold, by device of one inventory.
struct Holdings {
    std::vector<bool> devices;
    std::unordered_map<DeviceIndex, Capacity> capacity;  ///< of shared devices
};

/// Compiled selectors by text; lives as long as the Allocator.
using Programs = std::unordered_map<std::string, cel::Program>;

struct Context {
    const Inventory::Data& data;
    const ClassLookup& classes;
    const Holdings& holdings;
    const Options& options;
    const ShareIds& share_ids;
    Programs& programs;
    std::uint64_t& steps;
};

/// What Prepared::selectable says of a candidate.
constexpr std::uint8_t kSelectableUnknown = 0, kNotSelectable = 1, kSelectable = 2;

/// A request, or one of the alternatives of a firstAvailable.
struct Prepared {
    const api::ExactRequest* request = nullptr;
    const api::DeviceClass* device_class = nullptr;
    std::string_view base;  ///< the request's name
    std::string_view sub;   ///< the alternative's name, or empty
    bool all = false;
    std::size_t count = 0;
    std::vector<std::uint32_t> all_candidates;
    std::vector<std::uint8_t> selectable;  ///< per candidate
    std::string_view own_name() const { return sub.empty() ? base : sub; }
    std::string result_name() const {
        return sub.empty() ? std::string(base) : std::string(base) + "/" + std::string(sub);
    }
};

struct PreparedClaim {
    const api::ResourceClaim* claim = nullptr;
    /// Per request its alternatives: one for `exactly`.
    std::vector<std::vector<Prepared>> requests;
    std::vector<Constraint> constraints;
    std::vector<std::size_t> chosen;  ///< per request the alternative of the solution
};

struct Candidate {
    DeviceIndex device = 0;
    std::uint32_t pool = 0;
};

/// A device that the search has taken, and what it must give back.
struct Pick {
    std::uint32_t candidate = 0;
    const Prepared* prepared = nullptr;
    std::uint32_t claim = 0;
    bool shared = false;
    bool charged_counters = false;
    Capacity consumed;  ///< of a shared device
};

class Search {
  public:
    Search(const Context& context, const api::Node& node,
           std::span<const api::ResourceClaim* const> claims);
    Result<std::optional<Allocations>> run();

  private:
    enum class Outcome { kFound, kNone, kTooMany };
    enum class Taken { kYes, kNo };

    // search_prepare.cpp
    Result<void> prepare();
    static bool may_prune(const Behaviour& behaviour, const Features& features,
                          std::span<const api::ResourceClaim* const> claims);
    Result<PreparedClaim> prepare_claim(const api::ResourceClaim& claim);
    Result<std::size_t> prepare_request(const api::ResourceClaim& claim,
                                        const api::DeviceRequest& request, PreparedClaim& out);
    Result<Prepared> prepare_one(const api::ResourceClaim& claim, const api::DeviceRequest& parent,
                                 const api::ExactRequest& request, bool is_sub);
    Result<void> check_features(const std::string& where, const std::string& sub_where,
                                const api::DeviceRequest& request) const;
    Result<void> collect_all(const api::ResourceClaim& claim, Prepared& prepared);
    Result<void> prepare_constraints(const api::ResourceClaim& claim, PreparedClaim& out) const;
    Result<bool> selectable(const api::ResourceClaim& claim, Prepared& prepared,
                            std::uint32_t candidate);
    Result<bool> evaluate_selectable(const api::ResourceClaim& claim, const Prepared& prepared,
                                     const DeviceEntry& device);
    Result<bool> selectors_match(const std::string& owner,
                                 const std::vector<api::Selector>& selectors,
                                 const DeviceEntry& device);
    Result<const cel::Program*> program(const std::string& expression);

    // search.cpp
    Result<Outcome> next_request(std::uint32_t claim, std::size_t request);
    Result<Outcome> first_available(std::uint32_t claim, std::size_t request);
    Result<Outcome> next_device(std::uint32_t claim, std::size_t request, Prepared& prepared,
                                std::size_t picked, std::uint32_t start);
    Result<bool> enough_left(std::uint32_t claim, Prepared& prepared, std::size_t picked,
                             std::uint32_t start);
    bool may_join(std::uint32_t claim, const Prepared& prepared, const DeviceEntry& device) const;
    Result<Outcome> try_candidate(std::uint32_t claim, std::size_t request, Prepared& prepared,
                                  std::size_t picked, std::uint32_t candidate);
    Result<Taken> take(std::uint32_t claim, const Prepared& prepared, std::uint32_t candidate,
                       bool must);
    void give_back();
    Result<void> step();
    bool in_use(const DeviceEntry& device, DeviceIndex index, std::uint32_t claim,
                bool admin) const;
    bool tainted(const DeviceEntry& device, const api::ExactRequest& request) const;
    bool join_constraints(std::uint32_t claim, const Prepared& prepared, const DeviceEntry& device);
    void leave_constraints(std::uint32_t claim, const Prepared& prepared, std::size_t count);
    bool capacity_fits(const DeviceEntry& device, DeviceIndex index,
                       const api::ExactRequest& request, Capacity& consumed) const;

    // counters.cpp
    using CounterKey = std::pair<std::string_view, std::string_view>;  ///< set, counter
    using Counters = std::map<CounterKey, Quantity>;
    const DeviceExtra* counting(const DeviceEntry& device) const;
    Counters& counters(std::uint32_t pool);
    bool take_counters(std::uint32_t pool, const DeviceExtra& extra);
    void return_counters(std::uint32_t pool, const DeviceExtra& extra);

    // result.cpp
    Result<Allocations> assemble() const;
    api::DeviceAllocation device_result(const Pick& pick) const;
    void add_class_configs(const PreparedClaim& claim, api::AllocationResult& out) const;
    void add_claim_configs(const PreparedClaim& claim, api::AllocationResult& out) const;
    Result<std::optional<api::NodeSelector>> node_selector(std::uint32_t claim) const;

    const DeviceEntry& device_of(std::uint32_t candidate) const {
        return context_.data.devices[candidates_[candidate].device];
    }

    const Context& context_;
    const Inventory::Data& data_;
    const Features& features_;
    const Behaviour behaviour_;
    const bool may_prune_;  ///< an attempt that cannot succeed leaves no trace behind
    const api::Node& node_;
    std::span<const api::ResourceClaim* const> claims_;
    std::vector<Pool> pools_;
    std::vector<Candidate> candidates_;  ///< devices of usable pools, in order
    std::vector<PreparedClaim> prepared_;
    std::vector<Pick> picks_;
    std::vector<std::size_t> picks_of_claim_;
    std::unordered_map<DeviceIndex, std::uint32_t> taken_;  ///< by how many picks, not shared ones
    std::unordered_map<DeviceIndex, Capacity> shared_;      ///< taken of shared devices
    std::map<std::uint32_t, Counters> counters_;            ///< left, by pool
};

}  // namespace knd::alloc
