// SPDX-License-Identifier: Apache-2.0
#include "host/claims/mover.hpp"

#include <fcntl.h>

#include "host/sandbox/container_process.hpp"

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

Result<PodNetns> SandboxMover::pin(const std::string& path) {
    return attacher_.pin(path);
}

Result<DeviceMover::Survey> SandboxMover::survey(const BindingRecord& record) {
    const auto& effects = record.effects;
    if (effects.netdevs.empty() && effects.rdma_links.empty()) {
        KND_TRY_ASSIGN(auto netns, attacher_.pin_any(record.netns_path));
        return Survey{Json(), std::move(netns)};
    }
    AttachPlan plan;
    plan.key = record.binding_key();
    plan.effects = effects;
    plan.network = record.network;
    KND_TRY_ASSIGN(plan.netns, attacher_.pin(record.netns_path));
    KND_TRY_ASSIGN(const auto state, attacher_.inspect(plan));
    return Survey{to_json(state), std::move(plan.netns)};
}

Result<std::vector<AttachedFacts>> SandboxMover::attach(const BindingRecord& record, int netns_fd,
                                                        const StepHook& on_step) {
    KND_TRY_ASSIGN(const auto plan, attach_plan(record, netns_fd, on_step));
    KND_TRY_ASSIGN(const auto state, host_state_from_json(record.host_state));
    return attacher_.attach(plan, state);
}

Result<std::vector<AttachedFacts>> SandboxMover::configure_made(const BindingRecord& record,
                                                                int netns_fd,
                                                                const StepHook& on_step) {
    KND_TRY_ASSIGN(const auto plan, attach_plan(record, netns_fd, on_step));
    return attacher_.configure_made(plan, record.attached);
}

Result<Detached> SandboxMover::detach(const BindingRecord& record, int netns_fd,
                                      const StepHook& on_step) {
    DetachPlan plan;
    plan.key = record.binding_key();
    plan.effects = record.effects;
    plan.network = record.network;
    plan.attached = record.attached;
    plan.on_step = on_step;
    KND_TRY_ASSIGN(plan.netns, netns_of(record, netns_fd));
    KND_TRY_ASSIGN(plan.host_state, host_state_from_json(record.host_state));
    return attacher_.detach(plan);
}

Result<void> SandboxMover::stop_container(const Container& container, const std::string& path) {
    KND_TRY_ASSIGN(const auto netns, attacher_.pin(path));
    return kill_container(container, netns.id);
}

}  // namespace knd
