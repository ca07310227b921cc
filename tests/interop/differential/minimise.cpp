// SPDX-License-Identifier: Apache-2.0
#include "tests/interop/differential/minimise.hpp"

#include <set>
#include <string>
#include <vector>

namespace knd::differential {
namespace {

using Pointer = Json::json_pointer;
using Holds = std::function<bool(const Json&)>;
using Clock = std::chrono::steady_clock;

/// What the API server fills in or demands: a case without it is a case of another sort.
const std::set<std::string, std::less<>> kNeeded = {"kind",       "metadata", "name",
                                                    "spec",       "driver",   "pool",
                                                    "generation", "key",      "resourceSliceCount",
                                                    "operator",   "effect",   "features",
                                                    "device",     "count",    "deviceClassName",
                                                    "devices",    "requests", "allocationMode"};

/// Every container and entry below `json`, outermost first.
void collect(const Json& json, const Pointer& at, std::vector<Pointer>& out) {
    if (json.is_array()) {
        // From the end: what was removed does not move what is still to be tried.
        for (auto i = json.size(); i-- > 0;)
            out.push_back(at / i);
        for (auto i = json.size(); i-- > 0;)
            collect(json[i], at / i, out);
    }
    if (json.is_object()) {
        for (const auto& item : json.items())
            out.push_back(at / item.key());
        for (const auto& item : json.items())
            collect(item.value(), at / item.key(), out);
    }
}

void remove(Json& json, const Pointer& at) {
    auto& parent = json[at.parent_pointer()];
    if (parent.is_array())
        parent.erase(std::stoul(at.back()));
    else
        parent.erase(at.back());
}

/// CEL shrinks by pieces of its text.
bool shorten_text(Json& one, const Holds& holds, const Clock::time_point& end) {
    if (!one.contains("expression")) return false;
    bool changed = false;
    const auto length = [&] { return one["expression"].get_ref<const std::string&>().size(); };
    for (auto size = length() / 2; size > 0; size /= 2)
        for (std::size_t at = 0; Clock::now() < end && at + size <= length();) {
            auto smaller = one;
            smaller["expression"].get_ref<std::string&>().erase(at, size);
            if (holds(smaller)) {
                one = std::move(smaller);
                changed = true;
            } else {
                at += size;
            }
        }
    return changed;
}

bool drop_entries(Json& one, const Holds& holds, const Clock::time_point& end) {
    std::vector<Pointer> entries;
    collect(one, Pointer(), entries);
    bool changed = false;
    for (const auto& entry : entries) {
        if (Clock::now() >= end) return false;
        if (!one.contains(entry) || kNeeded.contains(entry.back())) continue;
        auto smaller = one;
        remove(smaller, entry);
        if (!holds(smaller)) continue;
        one = std::move(smaller);
        changed = true;
    }
    return changed;
}

}  // namespace

Json minimise(Json one, const std::function<bool(const Json&)>& holds,
              std::chrono::milliseconds time) {
    const auto end = Clock::now() + time;
    for (bool changed = true; changed && Clock::now() < end;) {
        changed = shorten_text(one, holds, end);
        changed = drop_entries(one, holds, end) || changed;
    }
    return one;
}

}  // namespace knd::differential
