// SPDX-License-Identifier: Apache-2.0
//
// What is to be allocated: the claims that have no devices yet, those made from the templates and
// for the extended resources of pods among them, and the pods that wait for them.
#pragma once

#include <deque>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "tools/kndctl/simulate/extended_resources.hpp"
#include "tools/kndctl/simulate/gates.hpp"
#include "tools/kndctl/simulate/objects.hpp"

namespace knd::simulate {

/// Points into the Objects that it was made from, which must outlive it.
struct Workload {
    std::vector<const api::ResourceClaim*> open;  ///< in the order given
    /// Of `open`, those that were made from a template: each copy of a pod has its own. The others
    /// are shared by the copies of a pod that name them.
    std::deque<api::ResourceClaim> made;
    /// Those that stand for extended resources; `open` has them whole.
    std::deque<ExtendedClaim> extended;
    /// Pods that wait for one of `open`.
    std::vector<const api::Pod*> pods;
    /// What those pods use besides and have already: the node must be able to reach it.
    std::vector<const api::ResourceClaim*> allocated;
    /// Of only(): the one that is meant; the others of `open` are allocated with it, for its pod.
    const api::ResourceClaim* asked = nullptr;
    /// Pods left out because a claim or template that they name is not there, and the error.
    std::vector<std::pair<const api::Pod*, Error>> stuck;

    /// The claims as that node sees them: without what its device plugins provide.
    std::vector<const api::ResourceClaim*> on(
        const api::Node& node, std::span<const api::ResourceClaim* const> claims) const;
    /// Whether each copy of a pod has its own.
    bool is_made(const api::ResourceClaim& claim) const;
    /// Whether it stands for the extended resources of a pod: kube-scheduler writes it.
    bool is_extended(const api::ResourceClaim& claim) const;
    /// Whether a pod uses it.
    bool is_used(const api::ResourceClaim& claim) const;
};

/// Everything that waits for devices. Pods that wait for something else first are `stuck`.
Result<Workload> gather(const Objects& objects, const Gates& gates);

/// The same. NOT_FOUND: a pod is stuck.
Result<Workload> waiting(const Objects& objects, const Gates& gates);

/// One claim by name, also one that waiting() would make for a pod, with the pods that wait for it
/// and what the first of them waits for besides. NOT_FOUND names the nearest, or what a pod that
/// uses the claim is stuck for.
Result<Workload> only(const Objects& objects, const Gates& gates, const std::string& ns,
                      const std::string& name);

/// Why the node cannot take the pods, devices aside, in kube-scheduler's words; empty: it can.
std::string reject(const Workload& workload, const api::Node& node);

}  // namespace knd::simulate
