// SPDX-License-Identifier: Apache-2.0
//
// Behaviour::requests_grow. Kubernetes compares a request with a device by adding what is taken of
// the device already to the amount that is asked for. Before 1.37 that is a copy of the request's
// amount which, where it is a big decimal, shares its digits with it: so the request asks for more
// from then on, and the shares that it has got are told to consume as much.
#include <algorithm>

#include "host/alloc/search.hpp"

namespace knd::alloc {

void Search::may_grow(Prepared& prepared) const {
    const auto& capacity = prepared.request->capacity;
    if (features_.consumable_capacity &&
        std::any_of(capacity.begin(), capacity.end(),
                    [](const auto& item) { return !item.second.is_plain(); }))
        prepared.grown = capacity;
}

/// What the request asks of the capacity, if that is what it gets and may grow; else null. Where no
/// policy speaks, and where one has a value of its own, that is copied digit by digit.
Quantity* Search::own_amount(Prepared& prepared, CandidateIndex candidate,
                             std::size_t number) const {
    const auto& device = device_of(candidate);
    const auto found = prepared.grown->find(capacity_name(data_.view(device), number));
    if (found == prepared.grown->end() || found->second.is_plain()) return nullptr;
    const auto* policy = policy_of(data_.extra(device), number);
    return policy != nullptr && leaves(*policy, found->second) ? &found->second : nullptr;
}

/// After the first `end` capacities were compared. What other claims hold is copied before.
void Search::grow(Prepared& prepared, CandidateIndex candidate, std::size_t end) {
    const auto device = candidates_[candidate].device;
    const auto* taken = taking(device);
    if (taken == nullptr || context_.holdings.capacity.contains(device)) return;
    for (std::size_t i = 0; i < end; ++i)
        if (auto* own = own_amount(prepared, candidate, i); own != nullptr) *own += (*taken)[i];
}

/// Capacities are compared before taints are looked at.
void Search::compare_unfit(Prepared& prepared, CandidateIndex candidate) {
    Amounts unused;
    if (prepared.grown) has_room(prepared, candidate, unused);
}

/// A share consumes what the request has become by now, and what it will become.
void Search::consume_grown(Prepared& prepared, Pick& pick) const {
    const auto& device = device_of(pick.candidate);
    pick.consumed =
        consumed_by(data_.view(device), data_.extra(device), prepared.capacity(), amount_rules())
            .amounts;
    for (std::size_t i = 0; i < pick.consumed.size(); ++i)
        pick.own.push_back(own_amount(prepared, pick.candidate, i));
}

}  // namespace knd::alloc
