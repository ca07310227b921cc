// SPDX-License-Identifier: Apache-2.0
#include "host/claims/sandbox_controller.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "host/claims/container_edits.hpp"
#include "host/claims/device_status.hpp"
#include "host/claims/gate.hpp"
#include "host/model/log.hpp"

namespace knd {
namespace {

/// A runtime that waits for an answer about one container serves no other pod.
constexpr std::chrono::milliseconds kAnswerPatience(500);

}  // namespace

SandboxController::SandboxController(const ClaimsOptions& options, const ClaimsPorts& ports,
                                     BindingTable& bindings, BindingMachine& machine,
                                     ConsumerLookup& consumers)
    : options_(options),
      ports_(ports),
      bindings_(bindings),
      machine_(machine),
      consumers_(consumers),
      admission_(options, ports),
      listing_(options),
      registry_(ports.markers) {}

std::vector<Binding*> SandboxController::bindings_of(const PodSandbox& pod) {
    auto bindings = bindings_.of_pod(pod.uid);
    std::erase_if(bindings, [](const Binding* b) { return b->record.ending; });
    return bindings;
}

// --- calls of the runtime
// -------------------------------------------------------------------------

void SandboxController::run(const PodSandbox& pod, Done<> done) {
    if (!consumers_.must_ask(pod)) return begin(pod, std::move(done));
    if (options_.attach.mode == AttachMode::kAsync) {
        // What is known begins at once; the containers come later, and then wait for the answer.
        Result<void> begun;
        begin(pod, [&](Result<void> result) { begun = std::move(result); });
        std::exchange(done, [](const Result<void>&) {})(begun);
        if (!begun) return;
    }
    look_up(pod, [this, pod, done = std::move(done)](Result<void> known) mutable {
        if (!known) return done(std::move(known));
        begin(pod, std::move(done));
    });
}

/// `then` with an error if nobody can be asked, and if the pod is stopped meanwhile: what it is
/// given then, nobody would take back.
void SandboxController::look_up(const PodSandbox& pod, Done<> then) {
    const auto asked = arriving_.emplace(pod.id, ++arrivals_).first;
    consumers_.look_up({pod},
                       [this, pod, asked = *asked, then = std::move(then)](Result<void> known) {
                           if (arriving_.erase(asked) == 0)
                               known = Error(Code::kCancelled, "it was stopped meanwhile");
                           then(std::move(known).wrap("pod " + pod.text()));
                       });
}

void SandboxController::begin(const PodSandbox& pod, Done<> done) {
    const auto bindings = bindings_of(pod);
    if (bindings.empty()) return done({});
    leave_dead_pods(pod, bindings);
    if (auto checked = admission_.check(pod, bindings); !checked) {
        auto error = std::move(checked).error().wrap("pod " + pod.text());
        refuse(pod, bindings, error);
        return done(std::move(error));
    }
    admit(pod, bindings);
    if (options_.attach.mode == AttachMode::kAsync) return done({});
    wait(pod.id, std::move(done));
}

void SandboxController::create_container(const PodSandbox& pod, const Container& container,
                                         Done<ContainerEdits> done) {
    if (!consumers_.must_ask(pod)) return begin_container(pod, container, done);
    // Shared by the answer and the end of patience: the first empties it.
    auto then = std::make_shared<Done<ContainerEdits>>(std::move(done));
    auto patience = std::make_shared<boost::asio::steady_timer>(ports_.loop, kAnswerPatience);
    look_up(pod, [this, pod, container, then, patience](const Result<void>& known) {
        patience->cancel();
        const auto answer = std::exchange(*then, nullptr);
        if (!answer) return;
        if (!known) return answer(known.error());
        begin_container(pod, container, answer);
    });
    patience->async_wait([then, patience, pod](const boost::system::error_code& cancelled) {
        if (cancelled || !*then) return;
        std::exchange(*then, nullptr)(
            Error(Code::kUnavailable, "pod " + pod.text() +
                                          ": the API server has not said in time which claims it "
                                          "uses; the kubelet tries again"));
    });
}

void SandboxController::begin_container(const PodSandbox& pod, const Container& container,
                                        Done<ContainerEdits> done) {
    const auto context = "pod " + pod.text();
    if (auto adopted = adopt(pod, container); !adopted)
        return done(std::move(adopted).error().wrap(context));
    const auto bindings = bindings_of(pod);
    if (bindings.empty()) return done(ContainerEdits{});
    leave_dead_pods(pod, bindings);
    if (auto checked = admission_.check(pod, bindings); !checked)
        return done(std::move(checked).error().wrap(context));
    const auto failed = std::find_if(bindings.begin(), bindings.end(), [&](const Binding* b) {
        return has_failed(*b, pod.id) && !b->is_target(pod.id);
    });
    if (failed != bindings.end()) {
        // Known now: better here, where every restart policy tries again, than in the gate.
        Error error(Code::kUnavailable, (*failed)->record.reason);
        admit(pod, bindings);
        return done(error.wrap("claim " + (*failed)->record.claim.text()).wrap(context));
    }
    // Its RunPodSandbox may have come and gone while nobody listened.
    admit(pod, bindings);
    done(edits(pod, bindings, container).wrap(context));
}

void SandboxController::stop(const PodSandbox& pod) {
    std::erase_if(arriving_, [&](const auto& asked) { return asked.first == pod.id; });
    if (registry_.erase(pod.id))
        registry_.close_gates(pod.id, claim_uids(bindings_.of_pod(pod.uid)),
                              "the pod is being stopped");
    told_all_.erase(pod.id);
    hand_over(pod.id);
    leave(pod.id);
    waiters_.answer(pod.id,
                    Error(Code::kCancelled, "pod " + pod.text() + " was stopped meanwhile"));
}

void SandboxController::remove(const PodSandbox& pod) {
    stop(pod);
    consumers_.forget_pod(pod.uid);
    registry_.remove_markers(pod.id);
}

void SandboxController::leave(const std::string& sandbox_id) {
    for (auto* binding : bindings_.of_sandbox(sandbox_id)) {
        if (binding->is_target(sandbox_id)) binding->target.reset();
        machine_.advance(*binding);
    }
}

/// What several pods share is attached for one of them; the next one keeps it.
void SandboxController::hand_over(const std::string& sandbox_id) {
    for (auto* binding : bindings_.of_sandbox(sandbox_id)) {
        if (binding->has_place() || !binding->is_target(sandbox_id)) continue;
        for (const auto& [id, entry] : registry_.entries())
            if (id != sandbox_id && binding->serves_pod(entry.sandbox.uid))
                binding->target = entry.sandbox;
    }
}

/// A claim may go from one pod to the next while the end of the first was told to nobody.
void SandboxController::leave_dead_pods(const PodSandbox& pod,
                                        const std::vector<Binding*>& bindings) {
    for (const auto* binding : bindings) {
        if (!binding->target || binding->target->uid == pod.uid || !binding->has_place()) continue;
        if (admission_.has_ended(*binding->target)) leave(std::string(binding->target->id));
    }
}

void SandboxController::admit(const PodSandbox& pod, const std::vector<Binding*>& bindings) {
    // What the gates were told by a predecessor, or at a refusal, is void.
    const auto* known = registry_.find(pod.id);
    const bool void_markers = known == nullptr || known->refused;
    registry_.add(pod).refused = false;
    for (auto* binding : bindings) {
        if (void_markers || !binding->is_target(pod.id))
            if (!all_available(bindings, pod.id))
                registry_.reset_gate(pod.id, binding->record.claim.uid);
        if (binding->is_target(pod.id)) continue;
        // Shared: attached for another pod, which serves this one as well.
        if (binding->target && !binding->has_place() && binding->target->uid != pod.uid) continue;
        binding->target = pod;
        machine_.advance(*binding);
    }
    open_gates(pod.id);
}

void SandboxController::refuse(const PodSandbox& pod, const std::vector<Binding*>& bindings,
                               const Error& error) {
    if (auto* known = registry_.find(pod.id)) known->refused = true;
    registry_.close_gates(pod.id, claim_uids(bindings), error.message());
    ports_.source.pod_event(pod, true, "AttachRefused", error.message());
}

/// A claim may be shared by a pod that was not known when it was prepared: the kubelet prepares it
/// once. That the pod uses it shows by the gate that its container carries.
Result<void> SandboxController::adopt(const PodSandbox& pod, const Container& container) {
    for (const auto& hook : container.create_runtime_hooks) {
        const auto uid = gated_claim(hook, options_);
        if (uid.empty()) continue;
        const auto bindings = bindings_.of_claim(uid);
        if (bindings.empty())
            return Error(Code::kFailedPrecondition,
                         "claim " + std::string(uid) +
                             " is not prepared on this node; the kubelet "
                             "prepares it before it tries again");
        consumers_.add(bindings, {pod.uid});
    }
    return {};
}

// --- containers
// -----------------------------------------------------------------------------------

Result<ContainerEdits> SandboxController::edits(const PodSandbox& pod,
                                                const std::vector<Binding*>& bindings,
                                                const Container& container) {
    ContainerEdits edits;
    std::set<std::string> gated;
    for (const auto& hook : container.create_runtime_hooks)
        gated.emplace(gated_claim(hook, options_));
    for (const auto* binding : bindings) {
        const auto& record = binding->record;
        // Where CDI is off, or the container does not list the claim, nothing else would hold it
        // back, and it may still see the device in the pod.
        if (gated.insert(record.claim.uid).second)
            edits.create_runtime_hooks.push_back(gate_hook(options_, record.claim));
        auto gets = gets_effects(pod, *binding, container);
        if (!gets) return std::move(gets).error().wrap(binding->text());
        if (*gets) KND_TRY(add_effects(record.effects, edits).wrap(binding->text()));
    }
    return edits;
}

/// Whether this container gets what the effects say of containers.
Result<bool> SandboxController::gets_effects(const PodSandbox& pod, const Binding& binding,
                                             const Container& container) {
    const auto answer = listing_.lists(container, binding.record.claim.uid);
    if (!binding.record.effects.for_containers()) return false;
    if (answer != ContainerListing::Answer::kUnknown)
        return answer == ContainerListing::Answer::kListed;
    const auto blind_spot = listing_.blind_spot();
    if (options_.nri.without_cdi == WithoutCdi::kRefuse)
        return Error(
            Code::kFailedPrecondition,
            "it has device nodes, mounts, variables or limits for the containers that list "
            "it, and " +
                blind_spot +
                "; switch CDI on there (enable_cdi = true), or let all containers of the "
                "pod have them (nri.without_cdi = \"all\")");
    if (told_all_.insert(pod.id).second) {
        log::warn("every container of the pod gets what is for those that list a claim",
                  {{"pod", pod.text()}, {"error", blind_spot}});
        ports_.source.pod_event(
            pod, true, "ClaimNotConfined",
            "every container gets the device nodes, mounts, variables and limits "
            "of claim " +
                binding.record.claim.text() + ": " + blind_spot);
    }
    return true;
}

// --- after a (re)connect
// --------------------------------------------------------------------------

void SandboxController::begin_synchronize() {
    registry_.clear();
    arriving_.clear();
}

void SandboxController::take_up(const PodSandbox& pod, const std::vector<Container>& running) {
    const auto bindings = bindings_of(pod);
    if (bindings.empty()) return;
    const bool missed = !all_available(bindings, pod.id);
    auto checked = admission_.check(pod, bindings);
    if (checked && missed && !running.empty() && options_.attach.missed == LateAttach::kFail)
        checked = stop_missed(pod, running);
    if (!checked) return refuse(pod, bindings, checked.error().wrap("pod " + pod.text()));
    if (missed) log::info("devices are attached late", {{"pod", pod.text()}});
    admit(pod, bindings);
    // A predecessor may have died between the journal and the API server.
    for (const auto* binding : bindings)
        if (!binding->status_published &&
            all_available(bindings_.of_claim(binding->record.claim.uid), pod.id))
            publish(*binding);
}

/// Nobody may compute without what was claimed: the containers are killed, and when the kubelet
/// makes them anew they get their devices as any others do.
Error SandboxController::stop_missed(const PodSandbox& pod, const std::vector<Container>& running) {
    std::string outcome = "they were killed (attach.missed = \"fail\")";
    for (const auto& container : running) {
        auto stopped = ports_.attacher.stop_container(container, pod.netns);
        if (stopped || stopped.code() == Code::kNotFound) continue;
        outcome = "container " + container.name +
                  " cannot be killed: " + stopped.error().message() + "; delete the pod";
    }
    return {Code::kFailedPrecondition,
            "containers were started without their devices while kndd was away; " + outcome};
}

// --- what became of it
// ----------------------------------------------------------------------------

void SandboxController::on_attached(const Binding& binding) {
    if (all_available(bindings_.of_claim(binding.record.claim.uid), binding.record.sandbox_id))
        publish(binding);
    std::vector<std::string> served;
    for (const auto& [id, entry] : registry_.entries())
        if (binding.serves_pod(entry.sandbox.uid)) served.push_back(id);
    for (const auto& id : served)
        open_gates(id);
}

void SandboxController::on_attach_failed(const Binding& binding) {
    const auto& record = binding.record;
    const auto error = Error(Code::kUnavailable, record.reason)
                           .wrap("claim " + record.claim.text())
                           .wrap("pod " + record.pod);
    log::error("attach failed", {{"error", error.message()}});
    const auto* known = registry_.find(record.sandbox_id);
    if (known == nullptr) return;  // stopped meanwhile: nobody waits
    const auto entry = *known;
    const auto& id = entry.sandbox.id;
    registry_.close_gates(id, {record.claim.uid}, error.message());
    ports_.source.pod_event(entry.sandbox, true, "AttachFailed", error.message());
    ports_.source.claim_event(record.claim, true, "AttachFailed", error.message());
    publish(binding);
    // A claim that came late must not take from running containers what they have.
    if (entry.released) return;
    registry_.close_gates(id, claim_uids(bindings_.of_sandbox(id)), error.message());
    leave(id);
    waiters_.answer(id, error);
}

void SandboxController::on_claim_gone(const std::string& claim_uid) {
    consumers_.forget(claim_uid);
    registry_.remove_markers_of_claim(claim_uid);
    // After a restart of the runtime a pod may end without a word about its sandbox.
    std::vector<std::string> unused;
    for (const auto& [id, entry] : registry_.entries())
        if (bindings_of(entry.sandbox).empty()) unused.push_back(id);
    for (const auto& id : unused)
        registry_.erase(id);
}

/// All claims of a pod at once: were one container let go earlier, a device that fails later would
/// have to be taken from under it.
void SandboxController::open_gates(const std::string& sandbox_id) {
    auto* entry = registry_.find(sandbox_id);
    const auto bindings = bindings_of(entry->sandbox);
    if (!all_available(bindings, sandbox_id)) return;
    entry->released = true;
    registry_.open_gates(sandbox_id, claim_uids(bindings));
    waiters_.answer(sandbox_id, {});
}

void SandboxController::publish(const Binding& any) {
    std::vector<DeviceStatus> devices;
    for (auto* binding : bindings_.of_claim(any.record.claim.uid)) {
        const auto* backend = ports_.devices.backend(binding->record.device.backend);
        const auto health =
            backend == nullptr ? std::nullopt : backend->health_of(binding->record.device.name);
        devices.push_back(status_of(*binding, health ? &*health : nullptr));
        binding->status_published = true;
        binding->published_health = health;
    }
    ports_.source.publish_status(any.record.claim, std::move(devices));
}

void SandboxController::warn(const Binding& binding, std::string_view reason,
                             const std::string& message) {
    ports_.source.claim_event(binding.record.claim, true, reason, message);
    if (const auto* entry = registry_.find(binding.record.sandbox_id))
        ports_.source.pod_event(entry->sandbox, true, reason,
                                "claim " + binding.record.claim.text() + ": " + message);
}

// --- attach mode `sync`
// ---------------------------------------------------------------------------

void SandboxController::wait(const std::string& sandbox_id, Done<> done) {
    if (registry_.find(sandbox_id)->released) return done({});
    waiters_.add(sandbox_id, std::move(done));
    auto timer = std::make_shared<boost::asio::steady_timer>(ports_.loop, options_.hook_budget);
    timer->async_wait([this, alive = std::weak_ptr(alive_), timer,
                       sandbox_id](const boost::system::error_code& cancelled) {
        if (alive.expired() || cancelled || !waiters_.has(sandbox_id)) return;
        // The runtime will give this sandbox up without telling us again.
        leave(sandbox_id);
        waiters_.answer(sandbox_id,
                        Error(Code::kDeadlineExceeded,
                              "its devices were not attached within " +
                                  std::to_string(options_.hook_budget.count()) + " ms"));
    });
}

}  // namespace knd
