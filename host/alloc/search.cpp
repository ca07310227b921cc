// SPDX-License-Identifier: Apache-2.0
#include "host/alloc/search.hpp"

#include <algorithm>

namespace knd::alloc {
namespace {

constexpr std::size_t kMaxResults = 32;
constexpr std::uint64_t kStepsBetweenQuestions = 1024;
/// Counting a candidate is so much cheaper than trying it.
constexpr std::size_t kCandidatesPerStep = 8;

}  // namespace

Result<std::optional<Allocations>> Search::run() {
    KND_TRY(prepare());
    KND_TRY_ASSIGN(const auto outcome, next_request(0, 0));
    if (outcome == Outcome::kFound) {
        KND_TRY_ASSIGN(auto results, assemble());
        return std::optional(std::move(results));
    }
    // Other pools might have had a solution, so that invalid ones are worth a word only now.
    const bool invalid =
        std::any_of(pools_.begin(), pools_.end(), [](const Pool& pool) { return pool.invalid; });
    if (invalid && outcome == Outcome::kNone)
        return Error(Code::kFailedPrecondition, "invalid resource pools were encountered");
    return std::optional<Allocations>();
}

Result<void> Search::step() {
    ++context_.steps;
    if (context_.steps > context_.options.step_limit)
        return Error(Code::kDeadlineExceeded, "filter operation aborted: no decision after " +
                                                  std::to_string(context_.options.step_limit) +
                                                  " candidates");
    if (context_.steps % kStepsBetweenQuestions == 0 && context_.options.cancelled &&
        context_.options.cancelled())
        return Error(Code::kCancelled, "filter operation aborted: cancelled");
    return {};
}

Result<Search::Outcome> Search::next_request(std::uint32_t claim, std::size_t request) {
    if (claim >= prepared_.size()) return Outcome::kFound;
    auto& prepared = prepared_[claim];
    if (request >= prepared.requests.size()) {
        KND_TRY_ASSIGN(const auto outcome, next_request(claim + 1, 0));
        // The limit is one claim's own: for the claims before it this is a plain failure.
        return outcome == Outcome::kTooMany ? Outcome::kNone : outcome;
    }
    if (!prepared.claim->devices.requests[request].first_available.empty())
        return first_available(claim, request);
    return next_device(claim, request, prepared.requests[request][0], 0, 0);
}

Result<Search::Outcome> Search::first_available(std::uint32_t claim, std::size_t request) {
    bool all_too_many = true;
    auto& alternatives = prepared_[claim].requests[request];
    for (std::size_t i = 0; i < alternatives.size(); ++i) {
        KND_TRY_ASSIGN(const auto outcome, next_device(claim, request, alternatives[i], 0, 0));
        if (outcome == Outcome::kTooMany) continue;
        all_too_many = false;
        if (outcome != Outcome::kFound) continue;
        prepared_[claim].chosen[request] = i;
        return outcome;
    }
    return all_too_many ? Outcome::kTooMany : Outcome::kNone;
}

/// `picked` devices of the request are there; the next one is looked for from `start` on, so that
/// combinations are tried, not permutations.
Result<Search::Outcome> Search::next_device(std::uint32_t claim, std::size_t request,
                                            Prepared& prepared, std::size_t picked,
                                            std::uint32_t start) {
    if (prepared.all && prepared.all_candidates.empty()) return Outcome::kNone;
    if (picked >= prepared.count) return next_request(claim, request + 1);
    if (picks_of_claim_[claim] + prepared.count - picked > kMaxResults) return Outcome::kTooMany;
    if (prepared.all) {
        KND_TRY(step());
        const auto candidate = prepared.all_candidates[picked];
        KND_TRY_ASSIGN(const auto taken, take(claim, prepared, candidate, true));
        if (taken == Taken::kNo) return Outcome::kNone;
        KND_TRY_ASSIGN(const auto outcome, next_device(claim, request, prepared, picked + 1, 0));
        if (outcome != Outcome::kFound) give_back();
        return outcome;
    }
    KND_TRY_ASSIGN(const bool possible, enough_left(claim, prepared, picked, start));
    if (!possible) return Outcome::kNone;
    for (auto candidate = start; candidate < candidates_.size(); ++candidate) {
        KND_TRY(step());
        KND_TRY_ASSIGN(const auto outcome,
                       try_candidate(claim, request, prepared, picked, candidate));
        if (outcome != Outcome::kNone) return outcome;
    }
    return Outcome::kNone;
}

/// Whether the rest of the request can be had from `start` on at all: counts what is free, may
/// match the selectors and would not break a matchAttribute whose value is decided. Where it
/// cannot, no solution is lost by not trying, and the selectors that trying would have evaluated
/// are evaluated here, so that their errors are not lost either.
Result<bool> Search::enough_left(std::uint32_t claim, Prepared& prepared, std::size_t picked,
                                 std::uint32_t start) {
    if (!may_prune_) return true;
    const auto needed = prepared.count - picked;
    const bool admin = prepared.request->admin_access;
    std::size_t left = 0;
    for (auto i = start; i < candidates_.size() && left < needed; ++i) {
        if (prepared.selectable[i] == kNotSelectable) continue;
        const auto& device = device_of(i);
        if (in_use(device, candidates_[i].device, claim, admin)) continue;
        if (may_join(claim, prepared, device)) ++left;
    }
    context_.steps += (candidates_.size() - start) / kCandidatesPerStep;
    if (left >= needed) return true;
    for (auto i = start; i < candidates_.size(); ++i) {
        if (in_use(device_of(i), candidates_[i].device, claim, admin)) continue;
        KND_TRY(selectable(*prepared_[claim].claim, prepared, i));
    }
    return false;
}

bool Search::may_join(std::uint32_t claim, const Prepared& prepared,
                      const DeviceEntry& device) const {
    const auto& constraints = prepared_[claim].constraints;
    return std::all_of(constraints.begin(), constraints.end(), [&](const Constraint& constraint) {
        return !constraint.concerns(prepared.base, prepared.sub) ||
               constraint.may_add(data_.view(device));
    });
}

Result<Search::Outcome> Search::try_candidate(std::uint32_t claim, std::size_t request,
                                              Prepared& prepared, std::size_t picked,
                                              std::uint32_t candidate) {
    const auto index = candidates_[candidate].device;
    const auto& device = data_.devices[index];
    if (in_use(device, index, claim, prepared.request->admin_access)) return Outcome::kNone;
    KND_TRY_ASSIGN(const bool usable, selectable(*prepared_[claim].claim, prepared, candidate));
    if (!usable) return Outcome::kNone;
    KND_TRY_ASSIGN(const auto taken, take(claim, prepared, candidate, false));
    if (taken == Taken::kNo) return Outcome::kNone;
    KND_TRY_ASSIGN(const auto outcome,
                   next_device(claim, request, prepared, picked + 1, candidate + 1));
    if (outcome != Outcome::kFound) give_back();
    return outcome;
}

bool Search::in_use(const DeviceEntry& device, DeviceIndex index, std::uint32_t claim,
                    bool admin) const {
    if (!admin) return context_.holdings.devices[index] || taken_.contains(index);
    // An administrator may look into what others use, but not twice in one claim.
    const bool shared = features_.consumable_capacity && device.allow_multiple;
    return !shared && std::any_of(picks_.begin(), picks_.end(), [&](const Pick& pick) {
        return pick.claim == claim && candidates_[pick.candidate].device == index;
    });
}

bool Search::tainted(const DeviceEntry& device, const api::ExactRequest& request) const {
    const auto* extra = data_.extra(device);
    if (!features_.device_taints || extra == nullptr) return false;
    return std::any_of(extra->taints.begin(), extra->taints.end(), [&](const auto& taint) {
        if (taint.effect != "NoSchedule" && taint.effect != "NoExecute") return false;
        return std::none_of(request.tolerations.begin(), request.tolerations.end(),
                            [&](const auto& it) { return api::tolerates(it, taint); });
    });
}

bool Search::capacity_fits(const DeviceEntry& device, DeviceIndex index,
                           const api::ExactRequest& request, Capacity& consumed) const {
    auto wanted = consumed_by(data_, device, request.capacity);
    if (!wanted) return false;
    const auto held = context_.holdings.capacity.find(index);
    const auto taking = shared_.find(index);
    Capacity sum;
    if (held != context_.holdings.capacity.end()) sum = held->second;
    if (taking != shared_.end())
        for (const auto& [name, value] : taking->second)
            sum[name] += value;
    consumed = *std::move(wanted);
    return has_room(data_, device, consumed, sum.empty() ? nullptr : &sum);
}

/// The checks that depend on what is taken already. `must`: a constraint that fails is an error.
Result<Search::Taken> Search::take(std::uint32_t claim, const Prepared& prepared,
                                   std::uint32_t candidate, bool must) {
    const auto index = candidates_[candidate].device;
    const auto pool = candidates_[candidate].pool;
    const auto& device = data_.devices[index];
    const auto& request = *prepared.request;
    if (in_use(device, index, claim, request.admin_access)) return Taken::kNo;
    Pick pick{candidate, &prepared, claim, false, false, {}};
    pick.shared = features_.consumable_capacity && device.allow_multiple;
    const auto* extra = counting(device);
    if (extra != nullptr && !features_.partitionable_devices) return Taken::kNo;
    // The shares of one device use its counters together, so only the first one pays.
    const bool paid =
        pick.shared && (context_.holdings.capacity.contains(index) || shared_.contains(index));
    if (extra != nullptr && !paid) {
        if (!take_counters(pool, *extra)) return Taken::kNo;
        pick.charged_counters = true;
    }
    const bool allowed = !tainted(device, request);
    if (!allowed || !join_constraints(claim, prepared, device)) {
        if (pick.charged_counters) return_counters(pool, *extra);
        if (allowed && must)
            return Error(Code::kInvalidArgument,
                         "claim " + prepared_[claim].claim->meta.text() + ", request " +
                             std::string(prepared.own_name()) + ": cannot add device " +
                             data_.id(device).text() +
                             " because a claim constraint would not be satisfied");
        return Taken::kNo;
    }
    if (features_.consumable_capacity && !capacity_fits(device, index, request, pick.consumed)) {
        leave_constraints(claim, prepared, prepared_[claim].constraints.size());
        if (pick.charged_counters) return_counters(pool, *extra);
        return Taken::kNo;
    }
    if (pick.shared) {
        auto& sum = shared_[index];
        for (const auto& [name, value] : pick.consumed)
            sum[name] += value;
    } else {
        ++taken_[index];
        pick.consumed.clear();
    }
    ++picks_of_claim_[claim];
    picks_.push_back(std::move(pick));
    return Taken::kYes;
}

/// Undoes the last take().
void Search::give_back() {
    const auto pick = std::move(picks_.back());
    picks_.pop_back();
    --picks_of_claim_[pick.claim];
    const auto index = candidates_[pick.candidate].device;
    leave_constraints(pick.claim, *pick.prepared, prepared_[pick.claim].constraints.size());
    if (pick.charged_counters)
        return_counters(candidates_[pick.candidate].pool, *data_.extra(data_.devices[index]));
    if (pick.shared) {
        const bool others = std::any_of(picks_.begin(), picks_.end(), [&](const Pick& other) {
            return other.shared && candidates_[other.candidate].device == index;
        });
        auto& sum = shared_[index];
        for (const auto& [name, value] : pick.consumed)
            sum[name] -= value;
        if (!others) shared_.erase(index);
    } else if (--taken_[index] == 0) {
        taken_.erase(index);
    }
}

bool Search::join_constraints(std::uint32_t claim, const Prepared& prepared,
                              const DeviceEntry& device) {
    auto& constraints = prepared_[claim].constraints;
    const auto view = data_.view(device);
    for (std::size_t i = 0; i < constraints.size(); ++i) {
        if (!constraints[i].concerns(prepared.base, prepared.sub)) continue;
        if (constraints[i].add(view, prepared.base)) continue;
        leave_constraints(claim, prepared, i);
        return false;
    }
    return true;
}

void Search::leave_constraints(std::uint32_t claim, const Prepared& prepared, std::size_t count) {
    auto& constraints = prepared_[claim].constraints;
    for (std::size_t i = 0; i < count; ++i)
        if (constraints[i].concerns(prepared.base, prepared.sub))
            constraints[i].remove(prepared.base);
}

}  // namespace knd::alloc
