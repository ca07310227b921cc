// SPDX-License-Identifier: Apache-2.0
//
// Proofs that a request cannot be met, by counting. Where one is found no solution is lost by not
// trying; and the selectors that trying would have evaluated are evaluated all the same, so that
// their errors are not lost either.
#include <algorithm>

#include "host/alloc/search.hpp"

namespace knd::alloc {
namespace {

constexpr std::size_t kMaxResults = 32;
/// Counting a candidate is so much cheaper than trying it.
constexpr std::size_t kCandidatesPerStep = 8;

}  // namespace

/// Not where upstream's constraints remember what failed attempts have done to them.
bool Search::may_prune(const Behaviour& behaviour, const Features& features,
                       std::span<const api::ResourceClaim* const> claims) {
    const auto is_safe = [&](const api::DeviceConstraint& constraint) {
        return constraint.match_attribute
                   ? !behaviour.keeps_intersection || !features.list_attributes
                   : !behaviour.distinct_per_request;
    };
    return std::all_of(claims.begin(), claims.end(), [&](const api::ResourceClaim* claim) {
        const auto& constraints = claim->devices.constraints;
        return std::all_of(constraints.begin(), constraints.end(), is_safe);
    });
}

/// kFound: the rest of the request may be had from `start` on.
Search::Outcome Search::enough_left(const Place& place, std::size_t picked, CandidateIndex start) {
    if (!may_prune_) return Outcome::kFound;
    const auto& prepared = *place.prepared;
    const auto needed = prepared.count - picked;
    const bool admin = prepared.request->admin_access;
    std::size_t left = 0;
    for (auto i = start; i < candidates_.size() && left < needed; ++i) {
        const auto fit = prepared.fitness[i];
        if (fit != Fitness::kFit && fit != Fitness::kUnknown) continue;
        if (in_use(i, place.claim, admin)) continue;
        if (may_join(place.claim, prepared, i)) ++left;
    }
    if (!step((candidates_.size() - start) / kCandidatesPerStep)) return Outcome::kError;
    // Who asks why wants to see the pair that fails, not that counting shows it.
    if (left >= needed && (picked > 0 || needed == 1 || context_.trace != nullptr))
        return Outcome::kFound;
    if (left >= needed && most_alike(place.claim, prepared, start) >= needed)
        return Outcome::kFound;
    return settle_rest(place, start);
}

/// For a request that cannot be met: kNone, after what trying would have evaluated.
Search::Outcome Search::settle_rest(const Place& place, CandidateIndex start) {
    auto& prepared = *place.prepared;
    const bool admin = prepared.request->admin_access;
    for (auto i = start; i < candidates_.size(); ++i) {
        if (!in_use(i, place.claim, admin) && fitness(prepared, i) == Fitness::kError)
            return Outcome::kError;
        if (context_.trace != nullptr) note_skipped(place, i);
    }
    return Outcome::kNone;
}

/// Of the candidates that may serve, how many can go together at most: where a matchAttribute has
/// not been decided, those with the most frequent value.
std::size_t Search::most_alike(std::uint32_t claim, const Prepared& prepared,
                               CandidateIndex start) {
    const ValueNumbers* groups = nullptr;
    for (const auto i : prepared.constraints)
        if (groups == nullptr) groups = prepared_[claim].constraints[i].groups();
    const bool admin = prepared.request->admin_access;
    tally_.assign(groups == nullptr ? 0 : candidates_.size(), 0);
    std::size_t best = 0;
    std::size_t all = 0;
    for (auto i = start; i < candidates_.size(); ++i) {
        const auto fit = prepared.fitness[i];
        if (fit != Fitness::kFit && fit != Fitness::kUnknown) continue;
        if ((!admin && held(i)) || !may_join(claim, prepared, i)) continue;
        ++all;
        if (groups == nullptr) continue;
        // A list goes with nothing, so that it is alone.
        const auto number = (*groups)[i];
        best = std::max<std::size_t>(best, number == kListValue ? 1 : ++tally_[number]);
    }
    return groups == nullptr ? all : best;
}

/// Whether no choice of devices for `place` matters, because a later request cannot be met anyway.
/// Asked after a failure: by then the selectors of what comes next have been evaluated.
bool Search::hopeless_after(const Place& place, std::size_t picked) {
    if (!may_prune_) return false;
    auto request = place.request + 1;
    auto total = prepared_[place.claim].picks + place.prepared->count - picked;
    for (auto claim = place.claim; claim < prepared_.size(); ++claim, request = 0, total = 0) {
        for (; request < prepared_[claim].requests.size(); ++request) {
            const auto& alternatives = prepared_[claim].requests[request];
            const auto& prepared = alternatives[0];
            const auto& spec = prepared_[claim].claim->devices.requests[request];
            if (!spec.first_available.empty() || prepared.all) return false;
            total += prepared.count;
            if (total > kMaxResults) return false;
            bool known = true;
            if (hopeless(claim, prepared, known)) return true;
            if (!known) return false;
        }
    }
    return false;
}

/// `known` becomes false where a selector has not been evaluated yet: it might fail.
bool Search::hopeless(std::uint32_t claim, const Prepared& prepared, bool& known) {
    const bool admin = prepared.request->admin_access;
    for (CandidateIndex i = 0; i < candidates_.size() && known; ++i)
        known = prepared.fitness[i] != Fitness::kUnknown || (!admin && held(i));
    steps_ += candidates_.size() / kCandidatesPerStep;
    return known && most_alike(claim, prepared, 0) < prepared.count;
}

bool Search::may_join(std::uint32_t claim, const Prepared& prepared,
                      CandidateIndex candidate) const {
    const auto& constraints = prepared_[claim].constraints;
    return std::all_of(
        prepared.constraints.begin(), prepared.constraints.end(),
        [&](std::uint32_t number) { return constraints[number].may_add(candidate); });
}

}  // namespace knd::alloc
