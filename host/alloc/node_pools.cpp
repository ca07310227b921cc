// SPDX-License-Identifier: Apache-2.0
#include "host/alloc/node_pools.hpp"

#include <algorithm>
#include <functional>

namespace knd::alloc {
namespace {

using Type = cel::Slot::Type;

/// What a scalar is told by: equal strings have equal addresses, and so have versions of one text.
struct ValueKey {
    Type type = Type::kInt;
    std::int64_t number = 0;
    const void* address = nullptr;
    bool operator==(const ValueKey&) const = default;
};

struct ValueHash {
    std::size_t operator()(const ValueKey& key) const {
        return std::hash<const void*>()(key.address) * 31 + std::hash<std::int64_t>()(key.number) +
               static_cast<std::size_t>(key.type);
    }
};

std::optional<ValueKey> value_key(const cel::Slot& slot) {
    switch (slot.type) {
        case Type::kInt:
            return ValueKey{slot.type, slot.integer, nullptr};
        case Type::kBool:
            return ValueKey{slot.type, slot.boolean ? 1 : 0, nullptr};
        case Type::kString:
            return ValueKey{slot.type, 0, slot.string};
        case Type::kVersion:
            return ValueKey{slot.type, 0, slot.version};
        case Type::kList:
        case Type::kQuantity:
            break;
    }
    return std::nullopt;
}

/// Enough of a node where no selector looks at it.
api::Node without_labels(const api::Node& node) {
    api::Node out;
    out.name = node.name;
    out.declared_features = node.declared_features;
    return out;
}

}  // namespace

NodePools::NodePools(const Inventory::Data& data, const api::Node& node, const Features& features,
                     const Behaviour& behaviour)
    : data_(data),
      node_(data.selectors.empty() ? without_labels(node) : node),
      pools_(gather_pools(data, node, features, behaviour)) {
    bool counters = false;
    std::size_t count = 0;
    for (const auto& pool : pools_)
        for (const auto index : pool.slices)
            count += data.slices[index].device_count;
    candidates_.reserve(count);
    for (PoolIndex pool = 0; pool < pools_.size(); ++pool) {
        any_invalid_ = any_invalid_ || pools_[pool].invalid;
        if (pools_[pool].invalid)
            invalid_.emplace_back(static_cast<CandidateIndex>(candidates_.size()), pool);
        counters = counters || !pools_[pool].counter_sets.empty();
        for (const auto index : pools_[pool].slices) {
            const auto& slice = data.slices[index];
            for (DeviceIndex i = 0; i < slice.device_count; ++i) {
                const auto device = slice.first_device + i;
                any_shareable_ = any_shareable_ || data.devices[device].allow_multiple;
                candidates_.push_back({device, pool});
            }
        }
    }
    if (counters) read_counters();
}

void NodePools::read_counters() {
    tables_.resize(pools_.size());
    for (PoolIndex pool = 0; pool < pools_.size(); ++pool) {
        auto& table = tables_[pool];
        for (const auto& [set_name, set] : pools_[pool].counter_sets) {
            for (const auto& [name, value] : set->counters) {
                table.numbers.emplace(CounterTable::Name(set_name, name),
                                      static_cast<std::uint32_t>(table.names.size()));
                table.names.emplace_back(set_name, name);
                table.total.push_back(value);
                any_big_counters_ = any_big_counters_ || !value.is_plain();
            }
        }
    }
    for (const auto& candidate : candidates_) {
        first_use_.push_back(static_cast<std::uint32_t>(uses_.size()));
        for (const auto& use : uses_in(tables_[candidate.pool], candidate.device)) {
            has_negative_uses_ = has_negative_uses_ || use.value.sign() < 0;
            any_big_counters_ = any_big_counters_ || !use.value.is_plain();
            uses_.push_back(use);
        }
    }
    first_use_.push_back(static_cast<std::uint32_t>(uses_.size()));
}

std::span<const CounterUse> NodePools::uses(CandidateIndex candidate) const {
    if (first_use_.empty()) return {};
    return std::span(uses_).subspan(first_use_[candidate],
                                    first_use_[candidate + 1] - first_use_[candidate]);
}

bool NodePools::is_counted(CandidateIndex candidate) const {
    if (tables_.empty()) return false;
    const auto* extra = data_.extra(data_.devices[candidates_[candidate].device]);
    return extra != nullptr && !extra->counters.empty();
}

std::vector<CounterUse> NodePools::uses_in(CandidateIndex candidate, PoolIndex pool) const {
    return uses_in(tables_[pool], candidates_[candidate].device);
}

std::vector<CounterUse> NodePools::uses_in(const CounterTable& table, DeviceIndex device) const {
    std::vector<CounterUse> out;
    const auto* extra = data_.extra(data_.devices[device]);
    if (extra == nullptr) return out;
    for (const auto& used : extra->counters)
        for (const auto& [name, value] : used.counters)
            if (const auto found = table.numbers.find({used.counter_set, name});
                found != table.numbers.end())
                out.push_back({found->second, value});
    return out;
}

const std::vector<Quantity>& NodePools::available(PoolIndex pool, const Holdings& holdings,
                                                  bool with_shares) {
    const auto [entry, is_new] = available_.try_emplace(pool);
    auto& known = entry->second;
    if (!is_new && known.changes == holdings.changes) return known.left;
    const auto& table = tables_[pool];
    known = {holdings.changes, table.total};
    for (const auto* slices : {&pools_[pool].slices, &pools_[pool].others}) {
        for (const auto index : *slices) {
            const auto& slice = data_.slices[index];
            for (auto i = slice.first_device; i < slice.first_device + slice.device_count; ++i)
                if (holdings.has(i) || (with_shares && holdings.shared(i)))
                    for (const auto& use : uses_in(table, i))
                        known.left[use.counter] -= use.value;
        }
    }
    return known.left;
}

std::uint32_t NodePools::kind(CandidateIndex candidate) {
    if (kinds_.empty()) number_kinds();
    return kinds_[candidate];
}

void NodePools::number_kinds() {
    std::unordered_multimap<std::size_t, CandidateIndex> first_ones;
    kinds_.resize(candidates_.size());
    for (CandidateIndex i = 0; i < candidates_.size(); ++i) {
        kinds_[i] = i;
        const auto hash = kind_hash(i);
        const auto [begin, end] = first_ones.equal_range(hash);
        const auto known =
            std::find_if(begin, end, [&](const auto& entry) { return same_kind(entry.second, i); });
        if (known == end)
            first_ones.emplace(hash, i);
        else
            kinds_[i] = known->second;
    }
}

std::size_t NodePools::kind_hash(CandidateIndex candidate) const {
    std::size_t hash = 0;
    const auto mix = [&](std::size_t part) { hash = hash * 31 + part; };
    for (const auto& use : uses(candidate)) {
        mix(use.counter);
        mix(static_cast<std::size_t>(use.value.value_rounded_up()));
    }
    for (const auto& slot : data_.view(data_.devices[candidates_[candidate].device]).capacity) {
        mix(slot.name);
        mix(std::hash<const void*>()(slot.quantity));
    }
    return hash;
}

bool NodePools::same_kind(CandidateIndex a, CandidateIndex b) const {
    const auto& one = data_.devices[candidates_[a].device];
    const auto& other = data_.devices[candidates_[b].device];
    const auto same_slot = [](const cel::Slot& x, const cel::Slot& y) {
        return x.name == y.name && x.qualified == y.qualified && x.quantity == y.quantity;
    };
    const auto same_use = [](const CounterUse& x, const CounterUse& y) {
        return x.counter == y.counter && x.value == y.value;
    };
    static const std::map<std::uint32_t, api::CapacityRequestPolicy> kNone;
    const auto policies = [&](const DeviceEntry& device) -> const auto& {
        const auto* extra = data_.extra(device);
        return extra == nullptr ? kNone : extra->policies;
    };
    // In which order amounts come matters where some are negative.
    if (!uses(a).empty() && (candidates_[a].pool != candidates_[b].pool || has_negative_uses_))
        return false;
    return one.allow_multiple == other.allow_multiple &&
           std::ranges::equal(uses(a), uses(b), same_use) &&
           std::ranges::equal(data_.view(one).capacity, data_.view(other).capacity, same_slot) &&
           policies(one) == policies(other);
}

Verdict& NodePools::verdict(std::uint32_t selector, CandidateIndex candidate) {
    if (selector >= verdicts_.size()) verdicts_.resize(selector + 1);
    auto& known = verdicts_[selector];
    if (known.empty()) known.resize(candidates_.size(), Verdict::kUnknown);
    return known[candidate];
}

std::optional<std::pair<CandidateIndex, PoolIndex>> NodePools::next_invalid(
    CandidateIndex start) const {
    for (const auto& [before, pool] : invalid_)
        if (before >= start) return std::pair(before, pool);
    return std::nullopt;
}

const cel::Slot* NodePools::attribute(CandidateIndex candidate, cel::NameId name) const {
    const cel::Slot* out = nullptr;
    for (const auto& slot : data_.view(data_.devices[candidates_[candidate].device]).attributes)
        if (slot.name == name && (out == nullptr || slot.qualified)) out = &slot;
    return out;
}

const ValueNumbers& NodePools::values(cel::NameId attribute_name) {
    const auto [entry, is_new] = values_.try_emplace(attribute_name);
    auto& numbers = entry->second;
    if (!is_new) return numbers;
    std::unordered_map<ValueKey, std::uint32_t, ValueHash> known;
    numbers.reserve(candidates_.size());
    for (CandidateIndex i = 0; i < candidates_.size(); ++i) {
        const auto* slot = attribute(i, attribute_name);
        const auto key = slot == nullptr ? std::nullopt : value_key(*slot);
        if (key)
            numbers.push_back(
                known.try_emplace(*key, static_cast<std::uint32_t>(known.size())).first->second);
        else
            numbers.push_back(slot == nullptr ? kNoValue : kListValue);
    }
    return numbers;
}

}  // namespace knd::alloc
