// SPDX-License-Identifier: Apache-2.0
//
// What one node can allocate from, made ready for searches and kept for the next ones: the devices
// of its pools in the order in which they are tried, their counters, and which of them have equal
// values of an attribute. Internal to alloc.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "host/alloc/inventory.hpp"
#include "host/alloc/pools.hpp"

namespace knd::alloc {

using CandidateIndex = std::uint32_t;
using PoolIndex = std::uint32_t;

struct Candidate {
    DeviceIndex device = 0;
    PoolIndex pool = 0;
};

struct CounterUse {
    std::uint32_t counter = 0;  ///< in the CounterTable of the pool
    Quantity value;
};

/// All counters of one pool.
struct CounterTable {
    using Name = std::pair<std::string_view, std::string_view>;  ///< set, counter
    std::vector<Name> names;
    std::vector<Quantity> total;
    std::map<Name, std::uint32_t> numbers;
};

/// What allocations of the cluster hold, by device of one inventory.
struct Holdings {
    std::vector<bool> devices;  ///< as far as the last one that is held
    bool has(DeviceIndex device) const { return device < devices.size() && devices[device]; }
    /// Of shared devices: sums in the order of their capacities.
    std::unordered_map<DeviceIndex, std::vector<Quantity>> capacity;
    /// How many shares consume nothing at all.
    std::unordered_map<DeviceIndex, std::size_t> bare_shares;
    bool shared(DeviceIndex device) const {
        return capacity.contains(device) || bare_shares.contains(device);
    }
    std::uint64_t changes = 0;
};

/// Values of an attribute as numbers: equal ones have equal numbers.
constexpr std::uint32_t kNoValue = ~std::uint32_t{0};
constexpr std::uint32_t kListValue = kNoValue - 1;
using ValueNumbers = std::vector<std::uint32_t>;

/// What a selector says of a device: the same for ever.
enum class Verdict : std::uint8_t { kUnknown, kFalse, kTrue };

class NodePools {
  public:
    NodePools(const Inventory::Data& data, const api::Node& node, const Features& features,
              const Behaviour& behaviour);

    /// With its labels only where something selects nodes by them.
    const api::Node& node() const { return node_; }
    const std::vector<Pool>& pools() const { return pools_; }
    const std::vector<Candidate>& candidates() const { return candidates_; }
    bool any_invalid() const { return any_invalid_; }
    bool any_shareable() const { return any_shareable_; }
    bool any_counters() const { return !tables_.empty(); }
    /// Some total, or what some device takes, is a big decimal in Kubernetes.
    bool any_big_counters() const { return any_big_counters_; }
    /// The first invalid pool behind the devices before `start`: how many are before it, and which.
    std::optional<std::pair<CandidateIndex, PoolIndex>> next_invalid(CandidateIndex start) const;

    std::span<const CounterUse> uses(CandidateIndex candidate) const;
    /// Whether the device consumes counters of its pool, even if none that the pool has.
    bool is_counted(CandidateIndex candidate) const;
    /// What the device uses, by the names of another pool's counters.
    std::vector<CounterUse> uses_in(CandidateIndex candidate, PoolIndex pool) const;
    const CounterTable& counters(PoolIndex pool) const { return tables_[pool]; }
    /// What the cluster has left of a pool's counters; may be negative.
    const std::vector<Quantity>& available(PoolIndex pool, const Holdings& holdings,
                                           bool with_shares);
    bool has_counters() const { return !tables_.empty(); }
    /// Some device gives a counter more than it had: sums do not only grow.
    bool has_negative_uses() const { return has_negative_uses_; }
    /// Equal numbers: the same counters, capacities and policies. Not compared: attributes, taints.
    std::uint32_t kind(CandidateIndex candidate);
    /// By candidate.
    const ValueNumbers& values(cel::NameId attribute);
    /// Kept for whoever evaluates selectors, by the number of the selector.
    Verdict& verdict(std::uint32_t selector, CandidateIndex candidate);
    void forget_verdicts() { verdicts_.clear(); }
    /// The device's own attribute, the fully qualified spelling first; null: it has none.
    const cel::Slot* attribute(CandidateIndex candidate, cel::NameId name) const;

  private:
    void read_counters();
    void number_kinds();
    std::size_t kind_hash(CandidateIndex candidate) const;
    bool same_kind(CandidateIndex a, CandidateIndex b) const;
    std::vector<CounterUse> uses_in(const CounterTable& table, DeviceIndex device) const;

    const Inventory::Data& data_;
    const api::Node node_;
    std::vector<Pool> pools_;
    std::vector<Candidate> candidates_;
    bool any_invalid_ = false;
    bool any_shareable_ = false;
    std::vector<std::pair<CandidateIndex, PoolIndex>> invalid_;
    std::vector<CounterTable> tables_;      ///< by pool; empty when there are no counters
    std::vector<std::uint32_t> first_use_;  ///< by candidate and one more; empty likewise
    std::vector<CounterUse> uses_;
    bool has_negative_uses_ = false;
    bool any_big_counters_ = false;
    std::vector<std::uint32_t> kinds_;  ///< by candidate; empty: not asked for yet
    struct Available {
        std::uint64_t changes = 0;  ///< of the holdings that were counted
        std::vector<Quantity> left;
    };
    std::map<PoolIndex, Available> available_;
    std::map<cel::NameId, ValueNumbers> values_;
    std::vector<std::vector<Verdict>> verdicts_;  ///< by selector; empty: not met here yet
};

}  // namespace knd::alloc
