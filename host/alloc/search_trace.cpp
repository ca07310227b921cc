// SPDX-License-Identifier: Apache-2.0
//
// Why candidates were refused. Nothing here is reached unless a Trace is asked for, except the
// checks for that; details are found again rather than carried along by the search.
#include "host/alloc/search.hpp"

namespace knd::alloc {

void Search::trace_begin() {
    auto& trace = *context_.trace;
    trace = {};
    std::vector<std::size_t> devices(pools_.pools().size(), 0);
    for (const auto& candidate : candidates_)
        ++devices[candidate.pool];
    for (PoolIndex i = 0; i < devices.size(); ++i) {
        const auto& pool = pools_.pools()[i];
        auto& out = trace.pools.emplace_back();
        out.driver = *pool.key.driver;
        out.pool = *pool.key.pool;
        if (pool.incomplete) out.state = PoolTrace::State::kIncomplete;
        if (pool.invalid) out.state = PoolTrace::State::kInvalid;
        out.reason = pool.reason;
        out.devices = devices[i];
    }
}

void Search::trace_request(Prepared& prepared) {
    auto& requests = context_.trace->requests;
    prepared.trace = requests.size();
    auto& out = requests.emplace_back();
    while (claims_[out.claim] != prepared.claim)
        ++out.claim;
    out.name = prepared.result_name();
    out.devices.resize(candidates_.size());
    for (CandidateIndex i = 0; i < candidates_.size(); ++i)
        out.devices[i].id = data_.id(device_of(i));
}

void Search::trace_place(const Place& place, std::size_t picked) {
    auto& trace = *context_.trace;
    auto& out = trace.requests[place.prepared->trace];
    const auto& prepared = *place.prepared;
    out.reached = true;
    out.most_picked = std::max(out.most_picked, picked);
    const bool is_met = picked >= prepared.count && !(prepared.all && prepared.count == 0);
    if (!is_met && picks_.size() >= trace.best.size()) trace.stopped_at = prepared.trace;
}

void Search::trace_pick() {
    auto& trace = *context_.trace;
    const auto& last = picks_.back();
    trace.requests[last.prepared->trace].devices[last.candidate].picked = true;
    if (picks_.size() <= trace.best.size()) return;
    trace.best.clear();
    for (const auto& pick : picks_)
        trace.best.push_back({pick.prepared->trace, data_.id(device_of(pick.candidate))});
}

void Search::trace_end(Outcome outcome) {
    auto& trace = *context_.trace;
    trace.steps = steps_;
    trace.end = end(outcome);
    for (const auto& claim : prepared_) {
        for (const auto& alternatives : claim.requests) {
            for (const auto& prepared : alternatives) {
                // Errors may have ended the preparation before all requests were seen.
                if (prepared.claim == nullptr) continue;
                trace.requests[prepared.trace].all = prepared.all;
                trace.requests[prepared.trace].wanted = prepared.count;
            }
        }
    }
    if (trace.end == Trace::End::kAllocated) trace.stopped_at.reset();
}

/// Null: another reason is kept.
DeviceTrace* Search::note(const Prepared& prepared, CandidateIndex candidate, Refusal refusal) {
    auto& device = context_.trace->requests[prepared.trace].devices[candidate];
    ++device.refusals;
    const bool is_better = is_lasting(refusal) && !is_lasting(device.refusal);
    if (device.refusal != Refusal::kNone && !is_better) return nullptr;
    device.refusal = refusal;
    return &device;
}

void Search::note_selector(const Prepared& prepared, CandidateIndex candidate, Refusal refusal,
                           std::size_t selector) {
    if (context_.trace == nullptr) return;
    if (auto* device = note(prepared, candidate, refusal)) device->selector = selector;
}

bool Search::note_capacity(const Prepared& prepared, CandidateIndex candidate, Refusal refusal,
                           const std::string& name) {
    if (context_.trace == nullptr) return false;
    auto* device = note(prepared, candidate, refusal);
    if (device == nullptr) return false;
    device->shortage.emplace().name = name;
    const auto& wanted = prepared.request->capacity;
    if (const auto found = wanted.find(name); found != wanted.end())
        device->shortage->wanted = found->second;
    return false;
}

bool Search::note_room(const Prepared& prepared, CandidateIndex candidate, std::size_t number,
                       const Amounts& taken) {
    if (context_.trace == nullptr) return false;
    auto* device = note(prepared, candidate, Refusal::kCapacity);
    if (device == nullptr) return false;
    const auto index = candidates_[candidate].device;
    const auto view = data_.view(data_.devices[index]);
    auto left = *view.capacity[number].quantity;
    if (const auto held = context_.holdings.capacity.find(index);
        held != context_.holdings.capacity.end())
        left -= held->second[number];
    if (const auto* picked = taking(index); picked != nullptr) left -= (*picked)[number];
    device->shortage = {{}, capacity_name(view, number), left, taken[number]};
    return false;
}

bool Search::note_counter(const Prepared& prepared, CandidateIndex candidate,
                          std::uint32_t counter) {
    if (context_.trace == nullptr) return false;
    auto* device = note(prepared, candidate, Refusal::kCounters);
    if (device == nullptr) return false;
    const auto pool = counter_pool(candidate);
    const auto [set, name] = pools_.counters(pool).names[counter];
    Quantity wanted;
    for (const auto& use : uses(candidate, pool))
        if (use.counter == counter) wanted += use.value;
    device->shortage = {std::string(set), std::string(name), counters(pool)[counter], wanted};
    return false;
}

/// It names a counter that there is not.
bool Search::note_no_counter(const Prepared& prepared, CandidateIndex candidate) {
    if (context_.trace == nullptr) return false;
    auto* device = note(prepared, candidate, Refusal::kCounters);
    if (device == nullptr) return false;
    const auto& sets = pools_.pools()[candidates_[candidate].pool].counter_sets;
    for (const auto& used : data_.extra(device_of(candidate))->counters) {
        const auto set = sets.find(used.counter_set);
        for (const auto& [name, value] : used.counters)
            if (set == sets.end() || !set->second->counters.contains(name))
                device->shortage = {used.counter_set, name, Quantity(), value};
    }
    return false;
}

bool Search::note_taint(const Prepared& prepared, CandidateIndex candidate,
                        const api::DeviceTaint& taint) {
    if (context_.trace == nullptr) return false;
    if (auto* device = note(prepared, candidate, Refusal::kTaint)) device->taint = taint;
    return false;
}

bool Search::note_conflict(std::uint32_t claim, const Prepared& prepared, CandidateIndex candidate,
                           std::uint32_t number) {
    if (context_.trace == nullptr) return false;
    auto* device = note(prepared, candidate, Refusal::kConstraint);
    if (device == nullptr) return false;
    const auto& constraint = prepared_[claim].constraints[number];
    const auto& spec = prepared.claim->devices.constraints[number];
    auto& conflict = device->conflict.emplace();
    conflict.constraint = number;
    conflict.attribute = spec.match_attribute ? *spec.match_attribute : *spec.distinct_attribute;
    conflict.value = constraint.value_text(candidate);
    if (const auto rival = constraint.rival(candidate)) {
        conflict.other = data_.id(device_of(*rival));
        conflict.other_value = constraint.value_text(*rival);
    }
    return false;
}

/// A candidate that was not tried, because the request cannot be met with all of them.
void Search::note_skipped(const Place& place, CandidateIndex candidate) {
    const auto& prepared = *place.prepared;
    if (in_use(candidate, place.claim, prepared.request->admin_access)) {
        refuse(prepared, candidate, held(candidate) ? Refusal::kInUse : Refusal::kPicked);
        return;
    }
    if (prepared.fitness[candidate] != Fitness::kFit) return;
    const auto& constraints = prepared_[place.claim].constraints;
    for (const auto number : prepared.constraints) {
        if (constraints[number].may_add(candidate)) continue;
        note_conflict(place.claim, prepared, candidate, number);
        return;
    }
}

}  // namespace knd::alloc
