// SPDX-License-Identifier: Apache-2.0
#include "host/alloc/pools.hpp"

#include <algorithm>
#include <set>

namespace knd::alloc {
namespace {

class Gatherer {
  public:
    Gatherer(const Inventory::Data& data, const api::Node& node, const Features& features,
             const Behaviour& behaviour)
        : data_(data), node_(node), features_(features), behaviour_(behaviour) {}

    std::vector<Pool> run() {
        for (const auto index : data_.slices_of_node(node_.name))
            consider(index);
        for (const auto index : data_.shared)
            consider(index);
        std::vector<Pool> pools;
        for (auto& [key, slices] : found_)
            if (auto pool = finish(key, std::move(slices))) pools.push_back(*std::move(pool));
        // Devices with binding conditions take time to become usable, so they are tried last.
        std::sort(pools.begin(), pools.end(), [](const Pool& a, const Pool& b) {
            if (a.has_bindings != b.has_bindings) return b.has_bindings;
            if (*a.key.driver != *b.key.driver) return *a.key.driver < *b.key.driver;
            return *a.key.pool < *b.key.pool;
        });
        return pools;
    }

  private:
    void consider(SliceIndex index) {
        const auto& slice = data_.slices[index];
        const bool partitioned = slice.per_device || !slice.counter_sets.empty();
        if (partitioned && !features_.partitionable_devices) return;
        if (slice.counter_sets.empty() && !reaches_node(slice)) return;
        auto& slices = found_[{slice.driver, slice.pool}];
        if (!slices.empty()) {
            const auto generation = data_.slices[slices.front()].generation;
            if (slice.generation < generation) return;
            if (slice.generation > generation) slices.clear();
        }
        slices.push_back(index);
    }

    bool reaches_node(const SliceEntry& slice) const {
        if (slice.reach.kind != Reach::Kind::kUnknown) return slice.reach.covers(node_);
        if (!slice.per_device) return false;
        for (auto i = slice.first_device; i < slice.first_device + slice.device_count; ++i) {
            const auto* extra = data_.extra(data_.devices[i]);
            if (extra != nullptr && extra->reach.covers(node_)) return true;
        }
        return false;
    }

    /// Empty: a newer generation is on its way, so that what is known here is out of date.
    std::optional<Pool> finish(const PoolKey& key, std::vector<SliceIndex> slices) const {
        Pool pool;
        pool.key = key;
        const auto& first = data_.slices[slices.front()];
        if (static_cast<std::int64_t>(slices.size()) != first.slice_count) {
            for (const auto index : data_.slices_of(key)) {
                const auto generation = data_.slices[index].generation;
                if (generation > first.generation) return std::nullopt;
                const bool known = std::find(slices.begin(), slices.end(), index) != slices.end();
                if (generation == first.generation && !known) pool.others.push_back(index);
            }
            if (static_cast<std::int64_t>(slices.size() + pool.others.size()) !=
                first.slice_count) {
                pool.incomplete = true;
                pool.others.clear();
                if (behaviour_.uses_incomplete_pools) fill(pool, std::move(slices));
                return pool;
            }
        }
        fill(pool, std::move(slices));
        return pool;
    }

    void fill(Pool& pool, std::vector<SliceIndex> slices) const {
        std::sort(slices.begin(), slices.end(), [&](SliceIndex a, SliceIndex b) {
            return data_.slices[a].name < data_.slices[b].name;
        });
        for (const auto index : slices) {
            const auto& slice = data_.slices[index];
            if (slice.counter_sets.empty() || !features_.partitionable_devices)
                pool.slices.push_back(index);
            else
                add_counter_sets(pool, slice);
        }
        check_names(pool);
        if (features_.partitionable_devices) {
            check_counters(pool, slices);
            check_counters(pool, pool.others);
        }
        if (pool.invalid) {
            pool.slices.clear();
            return;
        }
        pool.has_bindings =
            std::any_of(pool.slices.begin(), pool.slices.end(),
                        [&](SliceIndex index) { return data_.slices[index].has_bindings; });
    }

    static void invalidate(Pool& pool, std::string reason) {
        if (!pool.invalid) pool.reason = std::move(reason);
        pool.invalid = true;
    }

    static void add_counter_sets(Pool& pool, const SliceEntry& slice) {
        for (const auto& set : slice.counter_sets)
            if (!pool.counter_sets.emplace(set.name, &set).second)
                invalidate(pool, "duplicate counter set name " + set.name);
    }

    void check_names(Pool& pool) const {
        if (pool.slices.size() == 1 && !data_.slices[pool.slices[0]].repeats_names) return;
        std::set<const std::string*> names;
        for (const auto index : pool.slices) {
            const auto& slice = data_.slices[index];
            for (auto i = slice.first_device; i < slice.first_device + slice.device_count; ++i)
                if (!names.insert(data_.devices[i].name).second)
                    invalidate(pool, "duplicate device name " + *data_.devices[i].name);
        }
    }

    void check_counters(Pool& pool, const std::vector<SliceIndex>& slices) const {
        for (const auto index : slices) {
            const auto& slice = data_.slices[index];
            for (auto i = slice.first_device; i < slice.first_device + slice.device_count; ++i)
                if (const auto* extra = data_.extra(data_.devices[i]))
                    for (const auto& used : extra->counters)
                        check_consumption(pool, used);
        }
    }

    static void check_consumption(Pool& pool, const api::CounterConsumption& used) {
        const auto set = pool.counter_sets.find(used.counter_set);
        if (set == pool.counter_sets.end())
            return invalidate(pool, "counter set " + used.counter_set + " not found");
        for (const auto& [name, value] : used.counters)
            if (!set->second->counters.contains(name))
                invalidate(pool,
                           "counter " + name + " not found in counter set " + used.counter_set);
    }

    const Inventory::Data& data_;
    const api::Node& node_;
    const Features& features_;
    const Behaviour& behaviour_;
    std::unordered_map<PoolKey, std::vector<SliceIndex>, PoolKeyHash> found_;
};

}  // namespace

std::vector<Pool> gather_pools(const Inventory::Data& data, const api::Node& node,
                               const Features& features, const Behaviour& behaviour) {
    return Gatherer(data, node, features, behaviour).run();
}

}  // namespace knd::alloc
