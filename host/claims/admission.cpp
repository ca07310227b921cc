// SPDX-License-Identifier: Apache-2.0
#include "host/claims/admission.hpp"

#include <algorithm>
#include <map>

namespace knd {

bool is_available(const Binding& binding, const std::string& sandbox_id) {
    return binding.record.state == BindingState::kAttached &&
           binding.is_target(binding.record.sandbox_id) &&
           (binding.is_target(sandbox_id) || !binding.has_place());
}

bool all_available(const std::vector<Binding*>& bindings, const std::string& sandbox_id) {
    return std::all_of(bindings.begin(), bindings.end(),
                       [&](const Binding* b) { return is_available(*b, sandbox_id); });
}

bool has_failed(const Binding& binding, const std::string& sandbox_id) {
    return !binding.record.reason.empty() && binding.record.sandbox_id == sandbox_id &&
           binding.record.state != BindingState::kAttached;
}

Result<void> Admission::check(const PodSandbox& pod, const std::vector<Binding*>& bindings) const {
    std::map<std::string, const Binding*> names;
    const bool on_host = uses_host_network(pod);
    for (const auto* binding : bindings) {
        if (binding->record.boot_id != options_.boot_id)
            return Error(Code::kUnavailable, binding->text() +
                                                 " was prepared before the node's last boot; it "
                                                 "is ready when the kubelet has prepared it again");
        if (!binding->has_place()) continue;
        if (on_host)
            return Error(Code::kFailedPrecondition,
                         binding->text() +
                             " cannot be given to a pod that uses the host's "
                             "network; set hostNetwork: false or remove the claim");
        if (binding->target && binding->target->uid != pod.uid)
            return Error(Code::kUnavailable, binding->text() + " is in use by pod " +
                                                 binding->target->text() +
                                                 "; a network device works in one pod at a time");
        for (const auto& name : binding->names_in_pod()) {
            const auto [other, is_new] = names.emplace(name, binding);
            if (!is_new)
                return Error(Code::kFailedPrecondition,
                             binding->text() + " and " + other->second->text() +
                                 " would both be interface " + name +
                                 " in the pod; give one of them another interface.name");
        }
    }
    return {};
}

bool Admission::has_ended(const PodSandbox& pod) const {
    return !pod.netns.empty() && ports_.attacher.pin(pod.netns).code() == Code::kNotFound;
}

/// CRI-O gives such a pod the path of the host's namespace, containerd none.
bool Admission::uses_host_network(const PodSandbox& pod) const {
    return pod.netns.empty() || ports_.attacher.pin(pod.netns).code() == Code::kFailedPrecondition;
}

}  // namespace knd
