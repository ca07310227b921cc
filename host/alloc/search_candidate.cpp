// SPDX-License-Identifier: Apache-2.0
//
// What a device and a request say of each other, whatever else is picked: asked once per pair.
#include <algorithm>

#include "host/alloc/search.hpp"

namespace knd::alloc {

/// For a request of a number of devices.
Fitness Search::fitness(Prepared& prepared, CandidateIndex candidate) {
    auto& known = prepared.fitness[candidate];
    if (known != Fitness::kUnknown) return known;
    const auto selected = select(prepared, candidate);
    if (selected != Fitness::kSelected) return selected;
    if (!check_amounts(prepared, candidate, data_.id(device_of(candidate)).text())) {
        known = Fitness::kUnknown;
        return Fitness::kError;
    }
    known = is_fit(prepared, candidate) ? Fitness::kFit : Fitness::kUnfit;
    return known;
}

/// The first device of the pool with that name: where names repeat it speaks for the others.
CandidateIndex Search::namesake(CandidateIndex candidate) const {
    const auto& key = pools_.pools()[candidates_[candidate].pool].key;
    for (CandidateIndex i = 0; i < candidate; ++i)
        if (pools_.pools()[candidates_[i].pool].key == key &&
            device_of(i).name == device_of(candidate).name)
            return i;
    return candidate;
}

/// kSelected, kRefused or kError: what selectors and nodes say.
Fitness Search::select(Prepared& prepared, CandidateIndex candidate) {
    auto& known = prepared.fitness[candidate];
    if (behaviour_.invalid_devices_fail && pools_.pools()[candidates_[candidate].pool].invalid) {
        const auto first = namesake(candidate);
        if (first != candidate && prepared.fitness[first] == Fitness::kUnknown)
            return select(prepared, first);
        if (first != candidate) return prepared.fitness[first];
    }
    known = Fitness::kRefused;
    const auto& device = device_of(candidate);
    const auto* extra = data_.extra(device);
    if (!features_.device_binding && extra != nullptr && !extra->binding_conditions.empty()) {
        refuse(prepared, candidate, Refusal::kBindingConditions);
        return known;
    }
    for (const bool by_class : {true, false}) {
        const auto matched = match(prepared, by_class, candidate);
        if (matched == Match::kYes) continue;
        if (matched == Match::kError) known = Fitness::kUnknown;
        return matched == Match::kError ? Fitness::kError : known;
    }
    const bool reached = !data_.slices[device.slice].per_device ||
                         (extra != nullptr && extra->reach.covers(pools_.node()));
    if (reached)
        known = Fitness::kSelected;
    else
        refuse(prepared, candidate, Refusal::kOtherNode);
    return known;
}

Search::Match Search::match(const Prepared& prepared, bool by_class, CandidateIndex candidate) {
    const auto index = candidates_[candidate].device;
    const auto& selectors =
        by_class ? prepared.device_class->selectors : prepared.request->selectors;
    const std::size_t first = by_class ? 0 : prepared.device_class->selectors.size();
    for (std::size_t i = 0; i < selectors.size(); ++i) {
        const auto where = [&] {
            return (by_class ? "class " + prepared.device_class->meta.name
                             : "claim " + prepared.claim->meta.text()) +
                   ": selector #" + std::to_string(i);
        };
        const auto stop = [&](Error error) {
            note_selector(prepared, candidate, Refusal::kSelectorError, i);
            error_ = std::move(error);
            return Match::kError;
        };
        auto* selector = prepared.selectors[first + i];
        if (selector == nullptr)
            return stop({Code::kInvalidArgument,
                         where() + ": CEL expression empty (unsupported selector type?)"});
        auto& verdict = pools_.verdict(selector->number(), candidate);
        if (verdict == Verdict::kUnknown) {
            if (auto compiled = context_.selectors.compile(*selector); !compiled.ok())
                return stop(std::move(compiled).error().wrap(where() + ": CEL compile error"));
            const auto matches = selector->matches(data_, index, behaviour_.knows_no_capacity);
            if (!matches.ok()) return stop(run_error(where(), matches.error().message(), index));
            verdict = *matches ? Verdict::kTrue : Verdict::kFalse;
        }
        if (verdict == Verdict::kTrue) continue;
        note_selector(prepared, candidate,
                      by_class ? Refusal::kClassSelector : Refusal::kRequestSelector, i);
        return Match::kNo;
    }
    return Match::kYes;
}

Error Search::run_error(const std::string& where, const std::string& why, DeviceIndex index) const {
    if (behaviour_.terse_errors)
        return {Code::kInvalidArgument, where + ": CEL runtime error: " + why};
    auto text = where + " on device " + data_.id(data_.devices[index]).text() +
                ": CEL runtime error: " + why;
    if (why.find("no such key:") != std::string::npos)
        text += " (use has(), or .? with orValue(), for what a device may lack)";
    return {Code::kInvalidArgument, std::move(text)};
}

AmountRules Search::amount_rules() const {
    return {behaviour_.odd_amounts_are_errors, features_.fractional_range};
}

/// False: error_ tells of an amount that nobody can count with.
bool Search::check_amounts(const Prepared& prepared, CandidateIndex candidate,
                           const std::string& device) {
    if (!features_.consumable_capacity || !behaviour_.odd_amounts_are_errors) return true;
    const auto& entry = device_of(candidate);
    const auto taken =
        consumed_by(data_.view(entry), data_.extra(entry), prepared.capacity(), amount_rules());
    if (taken.verdict != Consumption::Verdict::kOdd) return true;
    error_ = Error(Code::kInvalidArgument, "claim " + prepared.claim->meta.text() + ", request " +
                                               std::string(prepared.own_name()) +
                                               ": checking capacity for device " + device + ": " +
                                               taken.error);
    return false;
}

/// Whether anything keeps a selected device from the request for ever.
bool Search::is_fit(const Prepared& prepared, CandidateIndex candidate) {
    const auto& device = device_of(candidate);
    const auto* extra = data_.extra(device);
    const auto& request = *prepared.request;
    if (features_.consumable_capacity && !prepared.grown && !plain_capacity(prepared, candidate)) {
        const auto view = data_.view(device);
        const auto taken = consumed_by(view, extra, prepared.capacity(), amount_rules());
        if (taken.verdict == Consumption::Verdict::kMissing)
            return note_capacity(prepared, candidate, Refusal::kCapacityMissing, taken.missing);
        if (taken.verdict == Consumption::Verdict::kForbidden)
            return note_capacity(prepared, candidate, Refusal::kCapacityPolicy,
                                 capacity_name(view, taken.number));
    }
    if (!may_skip_operations(prepared, candidate)) return false;
    if (extra == nullptr) return true;
    if (!features_.partitionable_devices && !extra->counters.empty() &&
        !behaviour_.counters_judged_by_use)
        return refuse(prepared, candidate, Refusal::kCountersOff);
    if (taints_come_last()) return true;
    const auto* taint = this->taint(*extra, request);
    return taint == nullptr || note_taint(prepared, candidate, *taint);
}

/// A device that needs nothing of its node may go where the kubelet knows about that.
bool Search::may_skip_operations(const Prepared& prepared, CandidateIndex candidate) {
    if (data_.slices[device_of(candidate).slice].skip_node_operations.empty()) return true;
    const auto& known = pools_.node().declared_features;
    const bool knows =
        std::find(known.begin(), known.end(), "DRAOptionalNodeOperations") != known.end();
    // Releases that have never heard of the field do not look at it.
    if (features_.kubernetes_minor < 37 || behaviour_.ignores_node_operations ||
        (features_.optional_node_operations && knows))
        return true;
    return refuse(prepared, candidate, Refusal::kNodeOperations);
}

/// The first one that is not tolerated, or null.
const api::DeviceTaint* Search::taint(const DeviceExtra& extra,
                                      const api::ExactRequest& request) const {
    if (!features_.device_taints) return nullptr;
    for (const auto& taint : extra.taints) {
        const bool blocks = taint.effect == "NoSchedule" || taint.effect == "NoExecute";
        if (!blocks && !behaviour_.all_effects_block) continue;
        const bool tolerated =
            std::any_of(request.tolerations.begin(), request.tolerations.end(),
                        [&](const auto& toleration) { return api::tolerates(toleration, taint); });
        if (!tolerated) return &taint;
    }
    return nullptr;
}

/// A dedicated device of which nothing special is asked has room for all of itself.
bool Search::plain_capacity(const Prepared& prepared, CandidateIndex candidate) const {
    const auto index = candidates_[candidate].device;
    const auto& device = data_.devices[index];
    const auto* extra = data_.extra(device);
    return !device.allow_multiple && prepared.request->capacity.empty() &&
           (extra == nullptr || extra->policies.empty()) &&
           (context_.holdings.capacity.empty() || !context_.holdings.capacity.contains(index));
}

}  // namespace knd::alloc
