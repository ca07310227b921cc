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

/// What is not usable, behind what else is said. Not all of very many.
std::string unusable_pools(const alloc::Trace& trace) {
    constexpr std::size_t kMostPools = 2;
    std::string out;
    std::size_t count = 0;
    for (const auto& pool : trace.pools) {
        const auto text = unusable_text(pool);
        if (!text.empty() && ++count <= kMostPools) out += "; " + text;
    }
    if (count > kMostPools) out += "; and " + std::to_string(count - kMostPools) + " more pools";
    return out;
}

std::string why_not_met(const alloc::Trace& trace,
                        std::span<const api::ResourceClaim* const> claims) {
    const auto* request = stopper(trace);
    if (request == nullptr) return "the requests cannot be met together";
    std::string where;
    if (claims.size() > 1 && request->claim < claims.size())
        where = "claim " + claims[request->claim]->meta.text() + ", ";
    if (request->limit_reached) return where + "a claim may have 32 devices at most";
    where += "request " + request->name;
    if (request->devices.empty()) return where + " sees no device";
    if (request->all && request->wanted == 0)
        where += " asks for all devices, and none will do";
    else
        where += " gets " + std::to_string(devices_had(*request)) + " of " +
                 devices_text(request->wanted);
    const auto reasons = summary(*request);
    return reasons.empty() ? where : where + " (" + reasons + ")";
}

}  // namespace

std::string why_not(const alloc::Trace& trace, std::span<const api::ResourceClaim* const> claims) {
    return why_not_met(trace, claims) + unusable_pools(trace);
}

std::string why_not(const alloc::Trace& trace, const std::string& error) {
    return error.substr(0, error.find('\n')) + unusable_pools(trace);
}

std::string_view state_text(alloc::PoolTrace::State state) {
    switch (state) {
        case alloc::PoolTrace::State::kIncomplete:
            return "incomplete";
        case alloc::PoolTrace::State::kInvalid:
            return "invalid";
        case alloc::PoolTrace::State::kUsable:
            break;
    }
    return "usable";
}

std::string unusable_text(const alloc::PoolTrace& pool) {
    if (pool.state == alloc::PoolTrace::State::kUsable) return {};
    return "pool " + pool.driver + "/" + pool.pool + " is " + std::string(state_text(pool.state)) +
           (pool.reason.empty() ? "" : ": " + pool.reason);
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
