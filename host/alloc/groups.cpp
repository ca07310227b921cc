// SPDX-License-Identifier: Apache-2.0
#include "host/alloc/groups.hpp"

#include <algorithm>

namespace knd::alloc {
namespace {

bool has(const std::vector<std::string>& groups, const std::string& group) {
    return std::find(groups.begin(), groups.end(), group) != groups.end();
}

}  // namespace

bool CommonGroups::admits(const std::vector<std::string>& groups) const {
    if (!any_) return true;
    if (groups.empty()) return !grouped_;
    return std::any_of(groups.begin(), groups.end(),
                       [&](const std::string& group) { return has(groups_, group); });
}

void CommonGroups::add(const std::vector<std::string>& groups) {
    if (!any_) {
        groups_ = groups;
        grouped_ = !groups.empty();
    }
    if (any_ && !groups.empty())
        std::erase_if(groups_, [&](const std::string& group) { return !has(groups, group); });
    any_ = true;
}

bool Groups::add(CandidateIndex candidate) {
    const auto& picked = pools_.candidates()[candidate];
    const auto* extra = data_.extra(data_.devices[picked.device]);
    auto& before = before_.emplace_back();
    if (extra == nullptr) return true;
    for (const auto& used : extra->counters) {
        auto& groups = common(picked.pool, used.counter_set);
        if (!groups.admits(used.compatibility_groups)) {
            remove();
            return false;
        }
        before.emplace_back(Key(picked.pool, used.counter_set), groups);
        groups.add(used.compatibility_groups);
    }
    return true;
}

void Groups::remove() {
    auto& before = before_.back();
    for (auto entry = before.rbegin(); entry != before.rend(); ++entry)
        common_[entry->first] = std::move(entry->second);
    before_.pop_back();
}

CommonGroups& Groups::common(PoolIndex pool, std::string_view counter_set) {
    const auto [entry, is_new] = common_.try_emplace({pool, counter_set});
    if (!is_new) return entry->second;
    for (const auto* slices : {&pools_.pools()[pool].slices, &pools_.pools()[pool].others}) {
        for (const auto index : *slices) {
            const auto& slice = data_.slices[index];
            for (auto i = slice.first_device; i < slice.first_device + slice.device_count; ++i) {
                const auto* extra = data_.extra(data_.devices[i]);
                if (extra == nullptr || !(holdings_.has(i) || holdings_.shared(i))) continue;
                for (const auto& used : extra->counters)
                    if (used.counter_set == counter_set)
                        entry->second.add(used.compatibility_groups);
            }
        }
    }
    return entry->second;
}

}  // namespace knd::alloc
