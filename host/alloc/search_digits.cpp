// SPDX-License-Identifier: Apache-2.0
//
// Behaviour::counters_share_digits. Kubernetes copies a counter before it adds to it or takes from
// it; but until 1.37 the copy of a big decimal ("1.5Gi") shares its digits with what it is a copy
// of, which changes with it. From 1.34 on the first device that consumes a counter of the pool
// lends its own amount to the sum, and when the device is given back the sum takes that from
// itself: from then on it consumes nothing. In 1.33 what devices take is taken from the total of
// the slice again each time that one is looked at.
//
// Not copied: in Kubernetes such changes last until the slice is read again, so that they are seen
// on other nodes and by other pods. Here each search begins with what the slices say.
#include "host/alloc/search.hpp"

namespace knd::alloc {

/// What the device takes of the counter by now.
Quantity& Search::amount_of(CandidateIndex candidate, PoolIndex pool, const CounterUse& use) {
    const auto& name = pools_.counters(pool).names[use.counter];
    return own_uses_.try_emplace({candidates_[candidate].device, name}, use.value).first->second;
}

void Search::count_digits(PoolIndex pool) {
    auto& left = counters(pool);
    left = pools_.available(pool, context_.holdings, !behaviour_.shares_hold_no_counters);
    for (std::uint32_t i = 0; i < left.size(); ++i)
        if (const auto found = consumed_.find({pool, i}); found != consumed_.end())
            left[i] -= found->second.value();
}

void Search::take_digits(CandidateIndex candidate, PoolIndex pool) {
    for (const auto& use : uses(candidate, pool)) {
        auto& amount = amount_of(candidate, pool, use);
        const auto [entry, is_first] = consumed_.try_emplace({pool, use.counter});
        auto& sum = entry->second;
        if (!is_first)
            sum.value() += Quantity(amount);
        else if (amount.is_plain())
            sum.own = amount;
        else
            sum.lent = &amount;
    }
    count_digits(pool);
}

void Search::return_digits(CandidateIndex candidate, PoolIndex pool) {
    for (const auto& use : uses(candidate, pool)) {
        // It may be the sum itself.
        const Quantity amount = amount_of(candidate, pool, use);
        consumed_[{pool, use.counter}].value() -= amount;
    }
    count_digits(pool);
}

/// Of 1.33: what is left for the device when all others of its slice have what they take.
void Search::count_again(CandidateIndex candidate) {
    const auto pool = candidates_[candidate].pool;
    const auto& names = pools_.counters(pool).names;
    const auto is_named = [&](std::uint32_t counter) {
        for (const auto& used : data_.extra(device_of(candidate))->counters)
            if (used.counter_set == names[counter].first) return true;
        return false;
    };
    auto& totals = totals_.try_emplace(pool, pools_.counters(pool).total).first->second;
    auto& left = counters(pool);
    left = totals;
    for (CandidateIndex other = 0; other < candidates_.size(); ++other) {
        if (candidates_[other].pool != pool || (!held(other) && taken_[other] == 0)) continue;
        for (const auto& use : pools_.uses(other))
            if (is_named(use.counter)) left[use.counter] -= use.value;
    }
    for (std::uint32_t i = 0; i < left.size(); ++i)
        if (!totals[i].is_plain()) totals[i] = left[i];
}

}  // namespace knd::alloc
