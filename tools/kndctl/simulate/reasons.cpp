// SPDX-License-Identifier: Apache-2.0
#include "tools/kndctl/simulate/reasons.hpp"

#include <algorithm>
#include <vector>

namespace knd::simulate {
namespace {

/// "in use: 3, taint: 1" of the devices that were refused, the most frequent first.
std::string summary(const alloc::RequestTrace& request) {
    const auto counts = request.counts();
    std::vector<std::size_t> order;
    for (std::size_t i = 1; i < counts.size(); ++i)
        if (counts[i] > 0) order.push_back(i);
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return counts[a] > counts[b]; });
    std::string out;
    for (const auto i : order) {
        if (!out.empty()) out += ", ";
        out += alloc::refusal_text(static_cast<alloc::Refusal>(i));
        out += ": " + std::to_string(counts[i]);
    }
    return out;
}

/// The request that could not be met: the last one that the search came to.
const alloc::RequestTrace* stopper(const alloc::Trace& trace) {
    const alloc::RequestTrace* found = nullptr;
    for (const auto& request : trace.requests)
        if (request.reached && (devices_had(request) < request.wanted || request.wanted == 0))
            found = &request;
    return found;
}

}  // namespace

std::string why_not(const alloc::Trace& trace, std::span<const api::ResourceClaim* const> claims) {
    const auto* request = stopper(trace);
    if (request == nullptr) return "the requests cannot be met together";
    std::string where;
    if (claims.size() > 1 && request->claim < claims.size())
        where = "claim " + claims[request->claim]->meta.text() + ", ";
    if (request->limit_reached) return where + "a claim may have 32 devices at most";
    where += "request " + request->name;
    if (request->devices.empty()) return where + " sees no device";
    where +=
        " gets " + std::to_string(devices_had(*request)) + " of " + devices_text(request->wanted);
    const auto reasons = summary(*request);
    return reasons.empty() ? where : where + " (" + reasons + ")";
}

std::size_t devices_had(const alloc::RequestTrace& request) {
    // A search that cannot succeed is given up early. Where devices do not stand in each other's
    // way, the number of those that were not refused is what it would have come to.
    std::size_t usable = 0;
    for (const auto& device : request.devices) {
        if (device.refusal == alloc::Refusal::kNone)
            ++usable;
        else if (!alloc::is_lasting(device.refusal))
            return request.most_picked;
    }
    return std::min(usable, request.wanted);
}

std::string devices_text(std::size_t count) {
    return std::to_string(count) + (count == 1 ? " device" : " devices");
}

}  // namespace knd::simulate
