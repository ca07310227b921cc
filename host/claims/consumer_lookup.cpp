// SPDX-License-Identifier: Apache-2.0
#include "host/claims/consumer_lookup.hpp"

#include <algorithm>
#include <utility>

#include "host/model/log.hpp"

namespace knd {

bool ConsumerLookup::is_unknown(const PodSandbox& pod, const Binding& binding) const {
    const auto& claim = binding.record.claim;
    if (pod.is_static || claim.ns != pod.ns || binding.record.ending || binding.serves_pod(pod.uid))
        return false;
    const auto others = others_.find(claim.uid);
    return others == others_.end() || !others->second.contains(pod.uid);
}

bool ConsumerLookup::must_ask(const PodSandbox& pod) const {
    const auto all = bindings_.all();
    return std::any_of(all.begin(), all.end(),
                       [&](const Binding* binding) { return is_unknown(pod, *binding); });
}

void ConsumerLookup::look_up(std::vector<PodSandbox> pods, Done<> then) {
    waiting_.push_back({std::move(pods), std::move(then)});
    if (asked_.empty()) ask();
}

/// One round. Its answers say nothing about pods that come after it has begun: they may have been
/// given before such a pod was let in.
void ConsumerLookup::ask() {
    asked_ = std::exchange(waiting_, {});
    errors_.clear();
    std::map<std::string, ClaimRef> unknown;
    for (const auto* binding : bindings_.all())
        for (const auto& question : asked_)
            for (const auto& pod : question.pods)
                if (is_unknown(pod, *binding))
                    unknown.emplace(binding->record.claim.uid, binding->record.claim);
    left_ = unknown.size();
    if (unknown.empty()) return answer();
    for (const auto& [uid, ref] : unknown)
        ports_.source.get_claim(
            ref, [this, alive = std::weak_ptr(alive_), ref = ref](const Result<Claim>& claim) {
                if (alive.expired()) return;
                take(ref, claim);
                if (--left_ == 0) answer();
            });
}

void ConsumerLookup::take(const ClaimRef& ref, const Result<Claim>& claim) {
    if (!claim && !is_gone(claim)) {
        errors_.emplace(ref.uid,
                        Error(claim.error().code(),
                              "cannot tell whether it uses claim " + ref.text() +
                                  ", which is prepared on this node: " + claim.error().message()));
        return;
    }
    const auto uids = claim ? pod_uids(claim->reserved_for) : std::vector<std::string>();
    for (const auto& question : asked_)
        for (const auto& pod : question.pods) {
            if (pod.ns != ref.ns) continue;
            const bool its = claim && std::find(uids.begin(), uids.end(), pod.uid) != uids.end();
            if (!its) others_[ref.uid].insert(pod.uid);
        }
    if (claim) add(bindings_.of_claim(ref.uid), uids);
}

void ConsumerLookup::answer() {
    std::vector<std::pair<Done<>, Result<void>>> answers;
    for (auto& question : std::exchange(asked_, {}))
        answers.emplace_back(std::move(question.then), outcome(question.pods));
    if (!waiting_.empty()) ask();
    for (auto& [then, result] : answers)
        then(std::move(result));
}

Result<void> ConsumerLookup::outcome(const std::vector<PodSandbox>& pods) const {
    for (const auto* binding : bindings_.all()) {
        const auto error = errors_.find(binding->record.claim.uid);
        if (error == errors_.end()) continue;
        for (const auto& pod : pods)
            if (is_unknown(pod, *binding)) return error->second;
    }
    return {};
}

void ConsumerLookup::add(const std::vector<Binding*>& bindings,
                         const std::vector<std::string>& uids) {
    std::vector<JournalChange> changes;
    for (auto* binding : bindings) {
        const auto known = binding->record.pods.size();
        for (const auto& uid : uids)
            if (!binding->serves_pod(uid)) binding->record.pods.push_back(uid);
        if (binding->record.pods.size() > known)
            changes.push_back(JournalChange::put(binding->record));
    }
    if (changes.empty()) return;
    ports_.journal.commit(std::move(changes), Durability::kThisBoot,
                          [](const Result<void>& result) {
                              if (!result)
                                  log::warn("the journal does not know a pod of a claim",
                                            {{"error", result.error().message()}});
                          });
}

}  // namespace knd
