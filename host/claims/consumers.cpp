// SPDX-License-Identifier: Apache-2.0
#include "host/claims/consumers.hpp"

#include <algorithm>
#include <utility>

#include "host/model/log.hpp"

namespace knd {

Consumers::Claims Consumers::unknown_to(const PodSandbox& pod) const {
    Claims unknown;
    if (pod.is_static) return unknown;
    for (const auto* held : bindings_.all()) {
        const auto& claim = held->record.claim;
        if (claim.ns != pod.ns || held->record.ending || held->serves_pod(pod.uid)) continue;
        const auto others = others_.find(claim.uid);
        if (others == others_.end() || !others->second.contains(pod.uid))
            unknown.emplace(claim.uid, claim);
    }
    return unknown;
}

bool Consumers::must_ask(const PodSandbox& pod) const {
    return !unknown_to(pod).empty();
}

void Consumers::look_up(const std::vector<PodSandbox>& pods, Done<> then) {
    Claims unknown;
    for (const auto& pod : pods)
        unknown.merge(unknown_to(pod));
    if (unknown.empty()) return then({});
    struct Round {
        std::size_t left;
        Result<void> outcome;
        Done<> then;
    };
    // Shared by the answers.
    auto round = std::make_shared<Round>(Round{unknown.size(), {}, std::move(then)});
    for (const auto& [uid, ref] : unknown)
        ports_.source.get_claim(ref, [this, alive = std::weak_ptr(alive_), round, pods,
                                      ref = ref](const Result<Claim>& claim) {
            if (alive.expired()) return;
            if (auto taken = take(pods, ref, claim); !taken) round->outcome = std::move(taken);
            if (--round->left == 0) round->then(std::move(round->outcome));
        });
}

Result<void> Consumers::take(const std::vector<PodSandbox>& pods, const ClaimRef& ref,
                             const Result<Claim>& claim) {
    if (!claim && !is_gone(claim))
        return Error(claim.error().code(),
                     "cannot tell whether it uses claim " + ref.text() +
                         ", which is prepared on this node: " + claim.error().message());
    for (const auto& pod : pods) {
        if (pod.ns != ref.ns) continue;
        const bool its = claim && std::find(claim->reserved_for.begin(), claim->reserved_for.end(),
                                            pod.uid) != claim->reserved_for.end();
        if (!its) others_[ref.uid].insert(pod.uid);
    }
    if (claim) add(bindings_.of_claim(ref.uid), claim->reserved_for);
    return {};
}

void Consumers::add(const std::vector<Held*>& held, const std::vector<std::string>& pod_uids) {
    std::vector<JournalChange> changes;
    for (auto* binding : held) {
        const auto known = binding->record.pods.size();
        for (const auto& uid : pod_uids)
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
