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
        if (behaviour_.unsorted_slices) {
            consider_as_given();
        } else {
            for (const auto index : data_.slices_of_node(node_.name))
                consider(index);
            for (const auto index : data_.shared)
                consider(index);
        }
        for (auto& [key, slices] : found_)
            finish(key, std::move(slices));
        // Devices with binding conditions take time to become usable, so they are tried last.
        std::stable_sort(pools_.begin(), pools_.end(), [&](const Pool& a, const Pool& b) {
            if (a.has_bindings != b.has_bindings && !behaviour_.bindings_anywhere)
                return b.has_bindings;
            if (*a.key.driver != *b.key.driver) return *a.key.driver < *b.key.driver;
            return *a.key.pool < *b.key.pool;
        });
        return std::move(pools_);
    }

  private:
    /// Where names do not tell, slices with binding conditions come after the others.
    void consider_as_given() {
        const auto local = data_.slices_of_node(node_.name);
        std::vector<SliceIndex> indexes(local.begin(), local.end());
        indexes.insert(indexes.end(), data_.shared.begin(), data_.shared.end());
        std::sort(indexes.begin(), indexes.end());
        if (!behaviour_.bindings_anywhere)
            std::stable_partition(indexes.begin(), indexes.end(), [&](SliceIndex index) {
                return !data_.slices[index].has_bindings;
            });
        for (const auto index : indexes)
            consider(index);
    }

    void consider(SliceIndex index) {
        const auto& slice = data_.slices[index];
        if (is_skipped(slice)) return;
        const bool everywhere = behaviour_.counters_reach_all_nodes && !slice.counter_sets.empty();
        if (!everywhere && !reaches_node(slice)) return;
        auto& slices = found_[{slice.driver, slice.pool}];
        if (!slices.empty()) {
            const auto generation = data_.slices[slices.front()].generation;
            if (slice.generation < generation) return;
            if (slice.generation > generation) slices.clear();
        }
        slices.push_back(index);
    }

    /// What a feature that is off would be needed for.
    bool is_skipped(const SliceEntry& slice) const {
        const bool counts = !slice.counter_sets.empty() && !behaviour_.keeps_counter_slices;
        if (!features_.partitionable_devices && (slice.per_device || counts)) return true;
        return slice.has_groups && !features_.compatibility_groups &&
               features_.kubernetes_minor >= 37;
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

    void finish(const PoolKey& key, std::vector<SliceIndex> slices) {
        Pool pool;
        pool.key = key;
        const auto& first = data_.slices[slices.front()];
        if (static_cast<std::int64_t>(slices.size()) != first.slice_count) {
            // A newer generation is on its way, so that what is known here is out of date.
            if (!behaviour_.sees_own_slices_only && !add_others(pool, slices)) return;
            pool.incomplete =
                static_cast<std::int64_t>(slices.size() + pool.others.size()) != first.slice_count;
            if (pool.incomplete) {
                pool.reason = std::to_string(slices.size() + pool.others.size()) + " of " +
                              std::to_string(first.slice_count) + " slices are there";
                pool.others.clear();
            }
        }
        const bool is_used = !pool.incomplete || behaviour_.uses_incomplete_pools;
        if (is_used || behaviour_.checks_incomplete_pools) fill(pool, std::move(slices));
        if (!is_used) pool.slices.clear();
        if (behaviour_.counters_by_slice && !pool.slices.empty())
            split(pool);
        else
            pools_.push_back(std::move(pool));
    }

    /// The pool's slices that this node has no use for. False: there is a newer generation.
    bool add_others(Pool& pool, const std::vector<SliceIndex>& slices) const {
        const auto mine = data_.slices[slices.front()].generation;
        for (const auto index : data_.slices_of(pool.key)) {
            const auto& slice = data_.slices[index];
            if (slice.generation > mine) return false;
            const bool known = std::find(slices.begin(), slices.end(), index) != slices.end();
            const bool hidden = slice.has_groups && is_skipped(slice);
            if (slice.generation == mine && !known && !hidden) pool.others.push_back(index);
        }
        return true;
    }

    void fill(Pool& pool, std::vector<SliceIndex> slices) const {
        if (!behaviour_.unsorted_slices)
            std::sort(slices.begin(), slices.end(), [&](SliceIndex a, SliceIndex b) {
                return data_.slices[a].name < data_.slices[b].name;
            });
        const bool counted = features_.partitionable_devices && !behaviour_.counters_by_slice;
        for (const auto index : slices) {
            const auto& slice = data_.slices[index];
            if (slice.counter_sets.empty() || !counted)
                pool.slices.push_back(index);
            else
                add_counter_sets(pool, slice);
        }
        if (counted && !behaviour_.counters_reach_all_nodes) take_counters_of_others(pool);
        check_names(pool);
        if (counted) {
            check_counters(pool, slices);
            check_counters(pool, pool.others);
        }
        // An invalid pool that ends the search has its place among the others.
        if (!pool.invalid || behaviour_.invalid_pools_fail)
            pool.has_bindings =
                std::any_of(pool.slices.begin(), pool.slices.end(),
                            [&](SliceIndex index) { return data_.slices[index].has_bindings; });
        if (pool.invalid && !behaviour_.invalid_devices_fail) pool.slices.clear();
    }

    void take_counters_of_others(Pool& pool) const {
        std::erase_if(pool.others, [&](SliceIndex index) {
            const auto& slice = data_.slices[index];
            if (slice.counter_sets.empty()) return false;
            add_counter_sets(pool, slice);
            return true;
        });
    }

    /// One pool per slice, which all else is the same for.
    void split(const Pool& pool) {
        for (const auto index : pool.slices) {
            auto& part = pools_.emplace_back(pool);
            part.slices = {index};
            if (!features_.partitionable_devices) continue;
            for (const auto& set : data_.slices[index].counter_sets)
                part.counter_sets.insert_or_assign(set.name, &set);
        }
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
    std::vector<Pool> pools_;
};

}  // namespace

std::vector<Pool> gather_pools(const Inventory::Data& data, const api::Node& node,
                               const Features& features, const Behaviour& behaviour) {
    return Gatherer(data, node, features, behaviour).run();
}

}  // namespace knd::alloc
