// SPDX-License-Identifier: Apache-2.0
#include "tests/interop/differential/minimise.hpp"

#include <set>
#include <string>
#include <vector>

namespace knd::differential {
namespace {

using Pointer = Json::json_pointer;

/// What the API server fills in or demands: a case without it is a case of another sort.
const std::set<std::string, std::less<>> kNeeded = {
    "kind",       "metadata", "name",               "spec",     "driver",   "pool",
    "generation", "key",      "resourceSliceCount", "operator", "effect",   "features",
    "device",     "count",    "deviceClassName",    "devices",  "requests", "allocationMode"};

/// Every container and entry below `json`, outermost first.
void collect(const Json& json, const Pointer& at, std::vector<Pointer>& out) {
    if (json.is_array()) {
        // From the end: what was removed does not move what is still to be tried.
        for (auto i = json.size(); i-- > 0;) out.push_back(at / i);
        for (auto i = json.size(); i-- > 0;) collect(json[i], at / i, out);
    }
    if (json.is_object()) {
        for (const auto& item : json.items()) out.push_back(at / item.key());
        for (const auto& item : json.items()) collect(item.value(), at / item.key(), out);
    }
}

void remove(Json& json, const Pointer& at) {
    auto& parent = json[at.parent_pointer()];
    if (parent.is_array()) parent.erase(std::stoul(at.back()));
    else parent.erase(at.back());
}

/// CEL shrinks by pieces of its text.
bool shorten_text(Json& one, const std::function<bool(const Json&)>& holds, std::size_t& budget) {
    if (!one.contains("expression")) return false;
    bool changed = false;
    for (auto size = one["expression"].get_ref<const std::string&>().size() / 2; size > 0;
         size /= 2)
        for (std::size_t at = 0;
             budget > 0 && at + size <= one["expression"].get_ref<const std::string&>().size();) {
            auto smaller = one;
            smaller["expression"].get_ref<std::string&>().erase(at, size);
            --budget;
            if (holds(smaller)) {
                one = std::move(smaller);
                changed = true;
            } else {
                at += size;
            }
        }
    return changed;
}

bool drop_entries(Json& one, const std::function<bool(const Json&)>& holds, std::size_t& budget) {
    std::vector<Pointer> entries;
    collect(one, Pointer(), entries);
    bool changed = false;
    for (const auto& entry : entries) {
        if (budget == 0) return false;
        if (!one.contains(entry) || kNeeded.contains(entry.back())) continue;
        auto smaller = one;
        remove(smaller, entry);
        --budget;
        if (!holds(smaller)) continue;
        one = std::move(smaller);
        changed = true;
    }
    return changed;
}

}  // namespace

Json minimise(Json one, const std::function<bool(const Json&)>& holds, std::size_t budget) {
    for (bool changed = true; changed && budget > 0;) {
        changed = shorten_text(one, holds, budget);
        changed = drop_entries(one, holds, budget) || changed;
    }
    return one;
}

}  // namespace knd::differential
