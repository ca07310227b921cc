// SPDX-License-Identifier: Apache-2.0
//
// Proofs that nothing can come of what is left to try. They are looked for after a failure only, so
// that a search that goes straight to its solution does not pay for them. Where one is found no
// solution is lost by not trying; and the selectors that trying would have evaluated are evaluated
// all the same, so that their errors are not lost either.
//
//   counting    requests need so many devices together; so many may serve at most, by each thing
//               that limits them taken alone: devices, values of attributes, counters, capacity
//   repetition  a device that nothing tells from one that has led nowhere leads nowhere
#include <algorithm>

#include "host/alloc/search.hpp"

namespace knd::alloc {
namespace {

constexpr std::size_t kMaxResults = 32;
/// Counting a candidate is so much cheaper than trying it.
constexpr std::size_t kCandidatesPerStep = 8;

/// How many of the amounts fit into `left` together at most: the smallest.
std::size_t most_that_fit(std::vector<Quantity>& amounts, Quantity left) {
    std::sort(amounts.begin(), amounts.end());
    std::size_t count = 0;
    for (const auto& amount : amounts) {
        left -= amount;
        if (left.sign() < 0) break;
        ++count;
    }
    return count;
}

}  // namespace

/// Not where upstream's constraints remember what failed attempts have done to them.
bool Search::may_prune(const Behaviour& behaviour, const Features& features,
                       std::span<const api::ResourceClaim* const> claims) {
    const auto is_safe = [&](const api::DeviceConstraint& constraint) {
        return constraint.match_attribute
                   ? !behaviour.keeps_intersection || !features.list_attributes
                   : !behaviour.distinct_per_request;
    };
    if (behaviour.leaks_counters || behaviour.shares_hold_no_counters ||
        behaviour.bare_shares_pay_again || behaviour.distinct_by_device ||
        behaviour.invalid_pools_fail)
        return false;
    const auto is_derived = [](const api::ExactRequest& request) {
        return !request.derived_attributes.empty();
    };
    return std::all_of(claims.begin(), claims.end(), [&](const api::ResourceClaim* claim) {
        for (const auto& request : claim->devices.requests) {
            const auto& subs = request.first_available;
            if (request.exactly && is_derived(*request.exactly)) return false;
            if (std::any_of(subs.begin(), subs.end(), is_derived)) return false;
        }
        const auto& constraints = claim->devices.constraints;
        return std::all_of(constraints.begin(), constraints.end(), is_safe);
    });
}

/// Asked after a failure: whether no choice from `start` on helps, because the rest of the request,
/// a later one, or all of them together cannot be met.
bool Search::hopeless(const Place& place, std::size_t picked, CandidateIndex start) {
    if (!may_prune_) return false;
    demands_.clear();
    demands_.push_back({place.claim, place.prepared, place.prepared->count - picked, start});
    if (!enough(demands_)) return true;
    if (!demand_later(place, picked)) return true;
    for (std::size_t i = 1; i < demands_.size(); ++i)
        if (!enough(std::span(demands_).subspan(i, 1))) return true;
    return demands_.size() > 1 && !enough(demands_);
}

/// Appends the requests after this one, up to the first that may be met or fail in other ways.
/// False: one of them asks for all of no device, and is never met.
bool Search::demand_later(const Place& place, std::size_t picked) {
    auto request = place.request + 1;
    auto total = prepared_[place.claim].picks + place.prepared->count - picked;
    for (auto claim = place.claim; claim < prepared_.size(); ++claim, request = 0, total = 0) {
        for (; request < prepared_[claim].requests.size(); ++request) {
            auto& later = prepared_[claim].requests[request][0];
            const auto& spec = prepared_[claim].claim->devices.requests[request];
            if (!spec.first_available.empty()) return true;
            if (later.all) return !later.all_candidates.empty() || behaviour_.all_of_none_fits;
            total += later.count;
            // Too many devices end a search in another way than too few.
            if (total > kMaxResults || !evaluate(claim, later)) return true;
            demands_.push_back({claim, &later, later.count, 0});
        }
    }
    return true;
}

/// Has all selectors say what they say of free candidates, perhaps before trying would have. False
/// when one fails: whether that is the end is for the search to find out.
bool Search::evaluate(std::uint32_t claim, Prepared& prepared) {
    const bool admin = prepared.request->admin_access;
    for (CandidateIndex i = 0; i < candidates_.size(); ++i) {
        if (in_use(i, claim, admin) || fitness(prepared, i) != Fitness::kError) continue;
        error_.reset();
        return false;
    }
    return true;
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

// --- counting ------------------------------------------------------------------------------------

bool Search::may_use(const Demand& demand, CandidateIndex candidate) const {
    if (candidate < demand.start) return false;
    const auto& prepared = *demand.prepared;
    const auto fit = prepared.fitness[candidate];
    if (fit != Fitness::kFit && fit != Fitness::kUnknown) return false;
    if (in_use(candidate, demand.claim, prepared.request->admin_access)) return false;
    const auto& constraints = prepared_[demand.claim].constraints;
    return std::all_of(
        prepared.constraints.begin(), prepared.constraints.end(),
        [&](std::uint32_t number) { return constraints[number].may_add(candidate); });
}

/// False: what is left cannot meet all the demands together.
bool Search::enough(std::span<const Demand> demands) {
    // What an administrator looks into others may use as well.
    if (demands.size() > 1 && std::any_of(demands.begin(), demands.end(), [](const Demand& demand) {
            return demand.prepared->request->admin_access;
        }))
        return true;
    steps_ += candidates_.size() * demands.size() / kCandidatesPerStep;
    std::size_t needed = 0;
    for (const auto& demand : demands)
        needed += demand.needed;
    weights_.assign(candidates_.size(), 0);
    std::size_t most = 0;
    for (CandidateIndex i = 0; i < candidates_.size(); ++i) {
        weights_[i] = weight(demands, i);
        most += weights_[i];
    }
    return most >= needed && enough_values(demands) && enough_counters(needed);
}

/// How many of the demands a candidate may serve at once.
std::uint32_t Search::weight(std::span<const Demand> demands, CandidateIndex candidate) {
    std::uint32_t uses = 0;
    for (const auto& demand : demands)
        if (demand.needed > 0 && may_use(demand, candidate)) ++uses;
    if (uses <= 1) return uses;
    const bool shared = features_.consumable_capacity && device_of(candidate).allow_multiple;
    return shared ? std::min(uses, shares_possible(demands, candidate)) : 1;
}

/// How many of the demands a shared device has room for, by each of its capacities alone.
std::uint32_t Search::shares_possible(std::span<const Demand> demands, CandidateIndex candidate) {
    const auto index = candidates_[candidate].device;
    const auto view = data_.view(data_.devices[index]);
    std::vector<Amounts> wanted;
    for (const auto& demand : demands) {
        if (!may_use(demand, candidate)) continue;
        auto taken = consumed_by(view, data_.extra(data_.devices[index]),
                                 demand.prepared->request->capacity, amount_rules());
        if (taken.verdict == Consumption::Verdict::kPossible)
            wanted.push_back(std::move(taken.amounts));
    }
    auto most = wanted.size();
    const auto held = context_.holdings.capacity.find(index);
    const auto* picked = taking(index);
    for (std::size_t i = 0; i < view.capacity.size(); ++i) {
        amounts_.clear();
        for (const auto& amounts : wanted)
            amounts_.push_back(amounts[i]);
        auto left = *view.capacity[i].quantity;
        if (held != context_.holdings.capacity.end()) left -= held->second[i];
        if (picked != nullptr) left -= (*picked)[i];
        const bool grows = std::all_of(amounts_.begin(), amounts_.end(),
                                       [](const Quantity& amount) { return amount.sign() >= 0; });
        if (grows) most = std::min(most, most_that_fit(amounts_, left));
    }
    return static_cast<std::uint32_t>(most);
}

/// Whether the values of attributes allow for so many devices, by each constraint alone: with the
/// most frequent value, or all of them different.
bool Search::enough_values(std::span<const Demand> demands) {
    const auto last = demands.back().claim;
    for (auto claim = demands.front().claim; claim <= last; ++claim) {
        const auto& constraints = prepared_[claim].constraints;
        for (std::uint32_t number = 0; number < constraints.size(); ++number) {
            const auto* values = constraints[number].countable_values();
            if (values == nullptr) continue;
            concerned_.clear();
            std::size_t needed = 0;
            for (const auto& demand : demands) {
                const auto& all = demand.prepared->constraints;
                if (demand.claim != claim || std::find(all.begin(), all.end(), number) == all.end())
                    continue;
                concerned_.push_back(demand);
                needed += demand.needed;
            }
            if (needed > most_by_value(constraints[number].kind(), *values)) return false;
        }
    }
    return true;
}

/// Of the candidates for the demands concerned: with one value at most, or with different ones.
std::size_t Search::most_by_value(Constraint::Kind kind, const ValueNumbers& values) {
    tally_.assign(candidates_.size(), 0);
    std::size_t most_alike = 0;
    std::size_t different = 0;
    for (CandidateIndex i = 0; i < candidates_.size(); ++i) {
        const bool may_serve = weights_[i] > 0 && std::any_of(concerned_.begin(), concerned_.end(),
                                                              [&](const Demand& demand) {
                                                                  return may_use(demand, i);
                                                              });
        if (!may_serve) continue;
        // Lists are compared by what they hold, so that each may be alone or go with all.
        if (values[i] == kListValue) {
            ++different;
            most_alike = std::max<std::size_t>(most_alike, weights_[i]);
            continue;
        }
        auto& count = tally_[values[i]];
        if (count == 0) ++different;
        count += weights_[i];
        most_alike = std::max<std::size_t>(most_alike, count);
    }
    return kind == Constraint::Kind::kMatch ? most_alike : different;
}

/// Whether the counters of the pools allow for so many devices, by each counter alone.
bool Search::enough_counters(std::size_t needed) {
    if (!pools_.has_counters() || pools_.has_negative_uses() || behaviour_.counters_by_pool_name)
        return true;
    std::size_t most = 0;
    for (CandidateIndex first = 0; first < candidates_.size() && most < needed;) {
        const auto pool = candidates_[first].pool;
        auto last = first;
        std::size_t charged = 0;
        for (; last < candidates_.size() && candidates_[last].pool == pool; ++last) {
            // The shares of a device pay once, and perhaps have paid.
            const bool pays = !pools_.uses(last).empty() && !device_of(last).allow_multiple;
            if (pays && weights_[last] > 0)
                ++charged;
            else
                most += weights_[last];
        }
        if (charged > 0) most += most_by_counters(pool, first, last, charged);
        first = last;
    }
    return most >= needed;
}

/// Of the candidates from `first` to `last` that pay, how many each counter of the pool allows for.
std::size_t Search::most_by_counters(PoolIndex pool, CandidateIndex first, CandidateIndex last,
                                     std::size_t charged) {
    const auto& left = counters(pool);
    auto most = charged;
    for (std::uint32_t counter = 0; counter < left.size() && most > 0; ++counter) {
        amounts_.clear();
        for (auto i = first; i < last; ++i) {
            if (weights_[i] == 0 || pools_.uses(i).empty() || device_of(i).allow_multiple) continue;
            Quantity amount;
            for (const auto& use : pools_.uses(i))
                if (use.counter == counter) amount += use.value;
            amounts_.push_back(amount);
        }
        steps_ += amounts_.size() / kCandidatesPerStep;
        most = std::min(most, most_that_fit(amounts_, left[counter]));
    }
    return most;
}

// --- repetition ----------------------------------------------------------------------------------

/// Whether a device like this one has failed at this place already (failed_ from `base` on).
bool Search::repeats_failure(const Place& place, CandidateIndex candidate, std::size_t base) {
    steps_ += (failed_.size() - base) / kCandidatesPerStep;
    return std::any_of(failed_.begin() + static_cast<std::ptrdiff_t>(base), failed_.end(),
                       [&](CandidateIndex other) { return are_twins(place, candidate, other); });
}

/// Whether a solution with `a` would be one with `b` as well, and the two are free. Rationale: swap
/// them in it. The picks before are the same, those after in the request come behind both, and
/// later requests see one where they would see the other. What their selectors have not said yet of
/// one they have not said of the other either, so that no error is lost.
bool Search::are_twins(const Place& place, CandidateIndex a, CandidateIndex b) const {
    const auto shared_state = [&](CandidateIndex candidate) {
        const auto index = candidates_[candidate].device;
        return context_.holdings.shared(index) || shares_.contains(index);
    };
    // Kinds know nothing of compatibility groups.
    if (features_.compatibility_groups && !pools_.uses(a).empty()) return false;
    if (pools_.kind(a) != pools_.kind(b) || held(a) != held(b) || taken_[a] != taken_[b] ||
        shared_state(a) || shared_state(b))
        return false;
    for (auto claim = place.claim; claim < prepared_.size(); ++claim) {
        const auto& prepared = prepared_[claim];
        for (const auto& constraint : prepared.constraints)
            if (!constraint.same_value(a, b)) return false;
        auto request = claim == place.claim ? place.request + 1 : 0;
        for (; request < prepared.requests.size(); ++request)
            for (const auto& later : prepared.requests[request])
                // "All" may end with an error, which depends on the order of devices.
                if (later.all || later.fitness[a] != later.fitness[b]) return false;
    }
    return true;
}

}  // namespace knd::alloc
