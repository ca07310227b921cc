// SPDX-License-Identifier: Apache-2.0
#include "host/claims/sandbox_calls.hpp"

#include <fcntl.h>

namespace knd {
namespace {

/// The plan owns its descriptor and may outlive ours.
Result<PodNetns> netns_of(const BindingRecord& record, int netns_fd) {
    PodNetns netns{{}, record.netns_path, record.netns_id};
    if (netns_fd < 0) return netns;
    netns.fd = Fd(::fcntl(netns_fd, F_DUPFD_CLOEXEC, 0));
    if (!netns.fd) return Error::from_errno("keep network namespace " + record.netns_path, errno);
    return netns;
}

Result<AttachPlan> attach_plan(const BindingRecord& record, int netns_fd, const StepHook& on_step) {
    AttachPlan plan;
    plan.key = record.binding_key();
    plan.effects = record.effects;
    plan.network = record.network;
    plan.on_step = on_step;
    KND_TRY_ASSIGN(plan.netns, netns_of(record, netns_fd));
    return plan;
}

}  // namespace

Result<Survey> survey(const Attacher& attacher, const BindingRecord& record) {
    const auto& effects = record.effects;
    if (effects.netdevs.empty() && effects.rdma_links.empty()) {
        KND_TRY_ASSIGN(auto netns, attacher.pin_any(record.netns_path));
        return Survey{Json(), std::move(netns)};
    }
    AttachPlan plan;
    plan.key = record.binding_key();
    plan.effects = effects;
    plan.network = record.network;
    KND_TRY_ASSIGN(plan.netns, attacher.pin(record.netns_path));
    KND_TRY_ASSIGN(const auto state, attacher.inspect(plan));
    return Survey{to_json(state), std::move(plan.netns)};
}

Result<std::vector<AttachedFacts>> attach(const Attacher& attacher, const BindingRecord& record,
                                          int netns_fd, const StepHook& on_step) {
    KND_TRY_ASSIGN(const auto plan, attach_plan(record, netns_fd, on_step));
    KND_TRY_ASSIGN(const auto state, host_state_from_json(record.host_state));
    return attacher.attach(plan, state);
}

Result<std::vector<AttachedFacts>> configure_made(const Attacher& attacher,
                                                  const BindingRecord& record, int netns_fd,
                                                  const StepHook& on_step) {
    KND_TRY_ASSIGN(const auto plan, attach_plan(record, netns_fd, on_step));
    return attacher.configure_made(plan, record.attached);
}

Result<Detached> detach(const Attacher& attacher, const BindingRecord& record, int netns_fd,
                        const StepHook& on_step) {
    DetachPlan plan;
    plan.key = record.binding_key();
    plan.effects = record.effects;
    plan.network = record.network;
    plan.attached = record.attached;
    plan.on_step = on_step;
    KND_TRY_ASSIGN(plan.netns, netns_of(record, netns_fd));
    KND_TRY_ASSIGN(plan.host_state, host_state_from_json(record.host_state));
    return attacher.detach(plan);
}

}  // namespace knd
