// SPDX-License-Identifier: Apache-2.0
#include "host/alloc/search.hpp"

#include <algorithm>

namespace knd::alloc {
namespace {

constexpr std::size_t kMaxResults = 32;
constexpr std::uint64_t kStepsBetweenQuestions = 1024;

}  // namespace

Search::Search(const Context& context, NodePools& pools,
               std::span<const api::ResourceClaim* const> claims)
    : context_(context),
      data_(context.data),
      features_(context.options.features),
      behaviour_(context.options),
      shares_digits_(behaviour_.counters_share_digits && pools.any_big_counters()),
      may_prune_(may_prune(behaviour_, features_, claims) && !shares_digits_ &&
                 !(behaviour_.leaks_counters && pools.any_counters()) &&
                 !(behaviour_.invalid_pools_fail && pools.any_invalid()) &&
                 !(behaviour_.permutes && features_.consumable_capacity && pools.any_shareable())),
      pools_(pools),
      candidates_(pools.candidates()),
      claims_(claims),
      prepared_(context.scratch),
      picks_(context.scratch),
      taken_(candidates_.size(), 0, context.scratch),
      groups_(pools, context.data, context.holdings),
      derived_(context.data, context.options.features) {}

Result<std::optional<Allocations>> Search::run() {
    if (context_.trace != nullptr) trace_begin();
    auto outcome = Outcome::kError;
    if (auto prepared = prepare(); !prepared.ok())
        error_ = std::move(prepared).error();
    else
        outcome = next_request(0, 0);
    // What a claim needs at least has been counted before: only all_continues_with_first makes each
    // of the alternatives too many.
    if (outcome == Outcome::kTooMany)
        error_ = Error(Code::kInvalidArgument, "allocation max size exceeded");
    // Other pools might have had a solution, so that invalid ones are worth a word only now.
    const bool fails_early = behaviour_.invalid_pools_fail || behaviour_.invalid_devices_fail;
    if (outcome == Outcome::kNone && pools_.any_invalid() && !fails_early)
        error_ = Error(Code::kFailedPrecondition, "invalid resource pools were encountered");
    std::optional<Allocations> found;
    if (outcome == Outcome::kFound) {
        if (auto results = assemble(); results.ok())
            found = *std::move(results);
        else
            error_ = std::move(results).error();
    }
    if (context_.trace != nullptr) trace_end(outcome);
    if (error_) return *std::move(error_);
    return found;
}

Search::Outcome Search::fail(Error error) {
    error_ = std::move(error);
    return Outcome::kError;
}

/// False: it is time to give up; error_ says why.
bool Search::step(std::uint64_t count) {
    const auto before = steps_ / kStepsBetweenQuestions;
    steps_ += count;
    if (steps_ > context_.options.step_limit) {
        fail({Code::kDeadlineExceeded, "filter operation aborted: no decision after " +
                                           std::to_string(context_.options.step_limit) +
                                           " candidates"});
        return false;
    }
    if (steps_ / kStepsBetweenQuestions != before && context_.options.cancelled &&
        context_.options.cancelled()) {
        fail({Code::kCancelled, "filter operation aborted: cancelled"});
        return false;
    }
    return true;
}

Search::Outcome Search::next_request(std::uint32_t claim, std::size_t request) {
    if (claim >= prepared_.size()) return Outcome::kFound;
    auto& prepared = prepared_[claim];
    if (request >= prepared.requests.size()) {
        const auto outcome = next_request(claim + 1, 0);
        // The limit is one claim's own: for the claims before it this is a plain failure.
        return outcome == Outcome::kTooMany ? Outcome::kNone : outcome;
    }
    if (!prepared.claim->devices.requests[request].first_available.empty())
        return first_available(claim, request);
    return next_device({claim, request, &prepared.requests[request][0]}, 0, 0);
}

Search::Outcome Search::first_available(std::uint32_t claim, std::size_t request) {
    bool all_too_many = true;
    auto& alternatives = prepared_[claim].requests[request];
    for (std::size_t i = 0; i < alternatives.size(); ++i) {
        const auto outcome = next_device({claim, request, &alternatives[i]}, 0, 0);
        if (outcome == Outcome::kTooMany) continue;
        all_too_many = false;
        if (outcome == Outcome::kNone) continue;
        if (outcome == Outcome::kFound) prepared_[claim].chosen[request] = i;
        return outcome;
    }
    return all_too_many ? Outcome::kTooMany : Outcome::kNone;
}

/// `picked` devices of the request are there; the next one is looked for from `start` on, so that
/// combinations are tried, not permutations.
Search::Outcome Search::next_device(const Place& place, std::size_t picked, CandidateIndex start) {
    const auto& prepared = *place.prepared;
    if (context_.trace != nullptr) trace_place(place, picked);
    if (prepared.all && prepared.all_candidates.empty() && !behaviour_.all_of_none_fits)
        return Outcome::kNone;
    if (picked >= prepared.count) return next_request(place.claim, place.request + 1);
    if (prepared_[place.claim].picks + prepared.count - picked > kMaxResults &&
        !behaviour_.limit_is_forgotten) {
        if (context_.trace != nullptr)
            context_.trace->requests[prepared.trace].limit_reached = true;
        return behaviour_.limit_is_a_failure ? Outcome::kNone : Outcome::kTooMany;
    }
    return prepared.all ? next_of_all(place, picked) : try_rest(place, picked, start);
}

/// "All" has no choice: each device in turn, or nothing.
Search::Outcome Search::next_of_all(const Place& place, std::size_t picked) {
    if (!step(1)) return Outcome::kError;
    const auto mark = picks_.size();
    if (!take(place, place.prepared->all_candidates[picked])) {
        if (error_) return Outcome::kError;
        return behaviour_.failed_all_is_the_end ? Outcome::kStop : Outcome::kNone;
    }
    auto next = place;
    if (behaviour_.all_continues_with_first)
        next.prepared = &prepared_[place.claim].requests[place.request][0];
    const auto outcome = next_device(next, picked + 1, 0);
    if (outcome != Outcome::kFound && !behaviour_.all_keeps_devices) give_back(mark);
    return outcome;
}

Search::Outcome Search::try_rest(const Place& place, std::size_t picked, CandidateIndex start) {
    const auto base = failed_.size();
    const auto outcome = try_candidates(place, picked, start, base);
    failed_.resize(base);
    return outcome;
}

/// Those that have led nowhere are put on failed_, where `base` belong to places before this one.
Search::Outcome Search::try_candidates(const Place& place, std::size_t picked, CandidateIndex start,
                                       std::size_t base) {
    auto& prepared = *place.prepared;
    const bool admin = prepared.request->admin_access;
    const auto invalid = behaviour_.invalid_pools_fail ? pools_.next_invalid(start) : std::nullopt;
    for (auto candidate = start; candidate < candidates_.size(); ++candidate) {
        if (invalid && candidate == invalid->first) break;
        if (!step(1)) return Outcome::kError;
        if (in_use(candidate, place.claim, admin)) {
            refuse(prepared, candidate, held(candidate) ? Refusal::kInUse : Refusal::kPicked);
            continue;
        }
        const auto fit = fitness(prepared, candidate);
        if (fit == Fitness::kError) return Outcome::kError;
        if (fit == Fitness::kUnfit) compare_unfit(prepared, candidate);
        if (fit != Fitness::kFit || repeats_failure(place, candidate, base)) continue;
        if (behaviour_.invalid_devices_fail && pools_.pools()[candidates_[candidate].pool].invalid)
            return fail_for(pools_.pools()[candidates_[candidate].pool]);
        const auto mark = picks_.size();
        if (!take(place, candidate)) {
            if (error_) return Outcome::kError;
            continue;
        }
        const auto again = behaviour_.permutes && !may_prune_ ? 0 : candidate + 1;
        const auto outcome = next_device(place, picked + 1, again);
        if (outcome == Outcome::kFound) return outcome;
        give_back(mark);
        if (outcome != Outcome::kNone) return outcome;
        if (hopeless(place, picked, candidate + 1)) return settle_rest(place, candidate + 1);
        if (may_prune_) failed_.push_back(candidate);
    }
    if (!invalid) return Outcome::kNone;
    return fail_for(pools_.pools()[invalid->second]);
}

Search::Outcome Search::fail_for(const Pool& invalid) {
    return fail(
        {Code::kInvalidArgument, "pool " + *invalid.key.pool + " is invalid: " + invalid.reason});
}

Trace::End Search::end(Outcome outcome) const {
    if (error_ && error_->code() == Code::kDeadlineExceeded) return Trace::End::kStepLimit;
    if (error_ && error_->code() == Code::kCancelled) return Trace::End::kCancelled;
    if (error_) return Trace::End::kError;
    return outcome == Outcome::kFound ? Trace::End::kAllocated : Trace::End::kNoSolution;
}

}  // namespace knd::alloc
