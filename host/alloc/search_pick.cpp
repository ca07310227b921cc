// SPDX-License-Identifier: Apache-2.0
//
// Taking a device and giving it back: the checks that depend on what is picked already.
#include <algorithm>

#include "host/alloc/search.hpp"

namespace knd::alloc {

bool Search::taken_in_claim(CandidateIndex candidate, std::uint32_t claim) const {
    return std::any_of(picks_.begin(), picks_.end(), [&](const Pick& pick) {
        return pick.claim == claim && !pick.shared && pick.candidate == candidate;
    });
}

/// False: the candidate cannot be had now, or error_ is set.
bool Search::take(const Place& place, CandidateIndex candidate) {
    auto& prepared = *place.prepared;
    if (prepared.all) {
        if (in_use(candidate, place.claim, prepared.request->admin_access))
            return refuse(prepared, candidate,
                          held(candidate) ? Refusal::kInUse : Refusal::kPicked);
        if (!is_fit(prepared, candidate)) return false;
    }
    Pick pick{candidate, &prepared, place.claim, false, false, false, {}, {}};
    const auto index = candidates_[candidate].device;
    pick.shared = features_.consumable_capacity && data_.devices[index].allow_multiple;
    if (!prepared.all && !has_room(prepared, candidate, pick.consumed)) return false;
    // The shares of one device use its counters together, so only the first one pays.
    if (!(pick.shared && is_paid(index)) && is_counted(candidate) && !charge(pick)) return false;
    if (taints_come_last() && is_tainted(prepared, candidate)) {
        if (!behaviour_.leaks_counters) discharge(pick);
        return false;
    }
    if (!join_constraints(place, candidate)) {
        if (!behaviour_.leaks_counters) discharge(pick);
        if (prepared.all && !error_)
            fail({Code::kInvalidArgument,
                  "claim " + prepared.claim->meta.text() + ", request " +
                      std::string(prepared.own_name()) + ": cannot add device " +
                      data_.id(data_.devices[index]).text() +
                      " because a claim constraint would not be satisfied"});
        return false;
    }
    // "All" asks for room last, after the error that a constraint is. What grows by being asked is
    // asked for once more.
    if ((prepared.all || prepared.grown) && !has_room(prepared, candidate, pick.consumed)) {
        if (behaviour_.leaks_counters) return false;
        leave_constraints(place.claim, prepared, prepared.constraints.size());
        discharge(pick);
        return false;
    }
    if (prepared.grown && pick.shared) consume_grown(prepared, pick);
    keep(std::move(pick));
    return true;
}

/// Whether what the device takes of counters has to be asked for.
bool Search::is_counted(CandidateIndex candidate) const {
    if (!behaviour_.counters_judged_by_use) return pools_.is_counted(candidate);
    const auto* extra = data_.extra(device_of(candidate));
    return features_.partitionable_devices && extra != nullptr && !extra->counters.empty();
}

/// What a device takes of its counter sets: amounts, and who may use them as well.
bool Search::charge(Pick& pick) {
    if (behaviour_.counters_judged_by_use) return charge_own(pick);
    if (features_.compatibility_groups && !groups_.add(pick.candidate))
        return refuse(*pick.prepared, pick.candidate, Refusal::kGroups);
    pick.joined_groups = features_.compatibility_groups;
    pick.charged_counters = take_counters(*pick.prepared, pick.candidate);
    if (!pick.charged_counters) discharge(pick);
    return pick.charged_counters;
}

/// As before 1.34: nothing but the device's own counters tells.
bool Search::charge_own(Pick& pick) {
    if (shares_digits_) count_again(pick.candidate);
    const auto own = pools_.uses(pick.candidate);
    std::size_t named = 0;
    for (const auto& used : data_.extra(device_of(pick.candidate))->counters)
        named += used.counters.size();
    if (own.size() < named) return note_no_counter(*pick.prepared, pick.candidate);
    if (named == 0) return true;
    auto& left = counters(candidates_[pick.candidate].pool);
    for (const auto& use : own)
        if (left[use.counter] < use.value)
            return note_counter(*pick.prepared, pick.candidate, use.counter);
    if (shares_digits_ || !takes_device(pick)) return true;
    for (const auto& use : own)
        left[use.counter] -= use.value;
    pick.charged_counters = true;
    return true;
}

void Search::discharge(const Pick& pick) {
    if (pick.joined_groups) groups_.remove();
    if (pick.charged_counters) return_counters(pick.candidate);
}

/// Whether the counters of a shared device are charged already.
bool Search::is_paid(DeviceIndex device) const {
    const auto& holdings = context_.holdings;
    if (behaviour_.counters_by_slice) return false;
    return holdings.capacity.contains(device) || shares_.contains(device) ||
           (!behaviour_.bare_shares_pay_again && holdings.bare_shares.contains(device));
}

bool Search::is_tainted(const Prepared& prepared, CandidateIndex candidate) {
    const auto* extra = data_.extra(device_of(candidate));
    const auto* found = extra == nullptr ? nullptr : taint(*extra, *prepared.request);
    return found != nullptr && !note_taint(prepared, candidate, *found);
}

void Search::keep(Pick pick) {
    if (pick.shared) {
        auto& shares = shares_[candidates_[pick.candidate].device];
        shares.sum.resize(pick.consumed.size());
        for (std::size_t i = 0; i < pick.consumed.size(); ++i)
            shares.sum[i] += pick.consumed[i];
        ++shares.count;
    } else if (takes_device(pick)) {
        ++taken_[pick.candidate];
    }
    ++prepared_[pick.claim].picks;
    picks_.push_back(std::move(pick));
    if (context_.trace != nullptr) trace_pick();
}

/// Undoes a take(), with which picks_ became longer than `mark`.
void Search::give_back(std::size_t mark) {
    const auto pick = std::move(picks_[mark]);
    if (mark + 1 < picks_.size()) forget_all(mark + 1, pick.claim);
    picks_.erase(picks_.begin() + static_cast<std::ptrdiff_t>(mark));
    --prepared_[pick.claim].picks;
    leave_constraints(pick.claim, *pick.prepared, pick.prepared->constraints.size());
    if (!pick.shared || !behaviour_.leaks_counters) discharge(pick);
    if (takes_device(pick)) --taken_[pick.candidate];
    if (pick.shared) give_back_share(pick);
}

/// Behaviour::all_keeps_devices: the claim's results go, what they have taken does not come back.
void Search::forget_all(std::size_t mark, std::uint32_t claim) {
    const auto last =
        std::remove_if(picks_.begin() + static_cast<std::ptrdiff_t>(mark), picks_.end(),
                       [&](const Pick& pick) { return pick.claim == claim; });
    prepared_[claim].picks -= static_cast<std::size_t>(picks_.end() - last);
    picks_.erase(last, picks_.end());
}

void Search::give_back_share(const Pick& pick) {
    const auto found = shares_.find(candidates_[pick.candidate].device);
    if (found == shares_.end()) return;  // forgotten
    auto& [count, sum] = found->second;
    for (std::size_t i = 0; i < sum.size(); ++i)
        sum[i] -= pick.amount(i);
    bool is_over = --count == 0;
    if (behaviour_.requests_grow) {
        const bool nothing = std::all_of(sum.begin(), sum.end(),
                                         [](const Quantity& value) { return value.is_zero(); });
        is_over = behaviour_.forgets_bare_shares ? nothing && !sum.empty() : nothing && is_over;
        if (nothing) sum.clear();
    }
    if (is_over) shares_.erase(found);
}

/// What this search has taken of the device; null: nothing.
const Amounts* Search::taking(DeviceIndex device) const {
    const auto found = shares_.find(device);
    return found == shares_.end() || found->second.sum.empty() ? nullptr : &found->second.sum;
}

/// False: error_ is set, or the candidate does not fit.
bool Search::join_constraint(const Place& place, CandidateIndex candidate, std::uint32_t number) {
    auto& claim = prepared_[place.claim];
    auto& constraint = claim.constraints[number];
    if (!claim.by_value[number]) return constraint.add(candidate, place.prepared->base);
    const auto* computed = place.prepared->derived(claim.claim->devices.constraints[number]);
    if (computed == nullptr) return constraint.add_value(candidate, place.prepared->base, nullptr);
    const auto value = derived_.get(*computed, candidates_[candidate].device);
    if (value.ok()) return constraint.add_value(candidate, place.prepared->base, *value);
    error_ = value.error();
    return false;
}

bool Search::join_constraints(const Place& place, CandidateIndex candidate) {
    const auto& prepared = *place.prepared;
    for (std::size_t i = 0; i < prepared.constraints.size(); ++i) {
        if (join_constraint(place, candidate, prepared.constraints[i])) continue;
        leave_constraints(place.claim, prepared, i);
        if (error_) return false;
        return note_conflict(place.claim, prepared, candidate, prepared.constraints[i]);
    }
    return true;
}

void Search::leave_constraints(std::uint32_t claim, const Prepared& prepared, std::size_t count) {
    auto& constraints = prepared_[claim].constraints;
    while (count > 0)
        constraints[prepared.constraints[--count]].remove(prepared.base);
}

/// Whether the device would have room if nobody else held any of it.
bool Search::fits_alone(const Prepared& prepared, CandidateIndex candidate) const {
    if (!features_.consumable_capacity || plain_capacity(prepared, candidate)) return true;
    const auto& device = device_of(candidate);
    const auto view = data_.view(device);
    const auto taken = consumed_by(view, data_.extra(device), prepared.capacity(), amount_rules());
    return taken.verdict == Consumption::Verdict::kPossible &&
           !without_room(view, taken.amounts, nullptr, nullptr);
}

/// Whether what the request takes fits beside what others hold; `consumed` is set for shares.
bool Search::has_room(Prepared& prepared, CandidateIndex candidate, Amounts& consumed) {
    if (!features_.consumable_capacity || plain_capacity(prepared, candidate)) return true;
    const auto index = candidates_[candidate].device;
    const auto& device = data_.devices[index];
    const auto view = data_.view(device);
    auto taken = consumed_by(view, data_.extra(device), prepared.capacity(), amount_rules());
    if (taken.verdict != Consumption::Verdict::kPossible) return false;
    const auto held = context_.holdings.capacity.find(index);
    const auto lacking = without_room(
        view, taken.amounts, held == context_.holdings.capacity.end() ? nullptr : &held->second,
        taking(index));
    if (prepared.grown) grow(prepared, candidate, lacking ? *lacking + 1 : taken.amounts.size());
    if (lacking) return note_room(prepared, candidate, *lacking, taken.amounts);
    if (device.allow_multiple) consumed = std::move(taken.amounts);
    return true;
}

/// What is left of a pool's counters now.
std::vector<Quantity>& Search::counters(PoolIndex pool) {
    const auto [entry, is_new] = counters_.try_emplace(pool);
    if (is_new)
        entry->second =
            pools_.available(pool, context_.holdings, !behaviour_.shares_hold_no_counters);
    return entry->second;
}

/// Whose counters those that the device uses are.
PoolIndex Search::counter_pool(CandidateIndex candidate) {
    const auto own = candidates_[candidate].pool;
    if (!behaviour_.counters_by_pool_name) return own;
    return counter_pools_.try_emplace(*pools_.pools()[own].key.pool, own).first->second;
}

std::span<const CounterUse> Search::uses(CandidateIndex candidate, PoolIndex pool) {
    if (pool == candidates_[candidate].pool) return pools_.uses(candidate);
    uses_ = pools_.uses_in(candidate, pool);
    return uses_;
}

/// Refused when any counter of the pool would be overdrawn, also one that the device does not use.
bool Search::take_counters(const Prepared& prepared, CandidateIndex candidate) {
    const auto pool = counter_pool(candidate);
    auto& left = counters(pool);
    if (shares_digits_)
        take_digits(candidate, pool);
    else
        for (const auto& use : uses(candidate, pool))
            left[use.counter] -= use.value;
    for (std::uint32_t i = 0; i < left.size(); ++i) {
        if (left[i].sign() >= 0) continue;
        return_counters(candidate);
        return note_counter(prepared, candidate, i);
    }
    return true;
}

void Search::return_counters(CandidateIndex candidate) {
    const auto pool = counter_pool(candidate);
    if (shares_digits_) return return_digits(candidate, pool);
    auto& left = counters(pool);
    for (const auto& use : uses(candidate, pool))
        left[use.counter] += use.value;
}

}  // namespace knd::alloc
