// SPDX-License-Identifier: Apache-2.0
#include "host/claims/pod_desk.hpp"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>
#include <utility>

#include "host/claims/container_edits.hpp"
#include "host/claims/gate.hpp"
#include "host/model/log.hpp"

namespace knd {
namespace {

/// From a question that nobody answered to the next one.
constexpr auto kAskAgain = std::chrono::seconds(5);
/// A runtime that waits for an answer about one container serves no other pod.
constexpr std::chrono::milliseconds kAnswerPatience(500);

bool is_target_of(const Binding& held, const std::string& sandbox_id) {
    return held.target && held.target->id == sandbox_id;
}

/// In this sandbox, and meant to stay there. What does not move serves every pod of its claim once
/// it is attached for one.
bool is_available(const Binding& held, const std::string& sandbox_id) {
    return held.record.state == BindingState::kAttached && held.target &&
           held.target->id == held.record.sandbox_id &&
           (held.target->id == sandbox_id || !held.moves());
}

bool all_available(const std::vector<Binding*>& held, const std::string& sandbox_id) {
    return std::all_of(held.begin(), held.end(),
                       [&](const Binding* h) { return is_available(*h, sandbox_id); });
}

bool has_failed(const Binding& held, const std::string& sandbox_id) {
    return !held.record.reason.empty() && held.record.sandbox_id == sandbox_id &&
           held.record.state != BindingState::kAttached;
}

std::set<std::string> claim_uids(const std::vector<Binding*>& held) {
    std::set<std::string> uids;
    for (const auto* binding : held)
        uids.insert(binding->record.claim.uid);
    return uids;
}

DeviceStatus status_of(const BindingRecord& record) {
    DeviceStatus status;
    status.pool = record.pool;
    status.device = record.device.name;
    status.share_id = record.share_id;
    status.ready = record.state == BindingState::kAttached;
    if (status.ready) {
        status.reason = "Attached";
        status.message = "in pod " + record.pod;
    } else {
        status.reason = record.reason.empty() ? "NotAttached" : "AttachFailed";
        status.message = record.reason.empty() ? "on the node" : record.reason;
    }
    status.interface_name = record.attached.interface_name;
    status.ips = record.attached.addresses;
    status.hardware_address = record.attached.hardware_address;
    return status;
}

void log_marker(const Result<void>& result) {
    // The gate then waits until its time is up and refuses: the safe side.
    if (!result) log::error("cannot tell the gate", {{"error", result.error().message()}});
}

}  // namespace

PodDesk::PodDesk(const ClaimsOptions& options, const ClaimsPorts& ports, BindingTable& bindings,
                 BindingMachine& machine, ConsumerLookup& consumers)
    : options_(options),
      ports_(ports),
      bindings_(bindings),
      machine_(machine),
      consumers_(consumers),
      unseen_again_(ports.home) {}

std::vector<Binding*> PodDesk::claims_of(const PodSandbox& pod) {
    auto held = bindings_.of_pod(pod.uid);
    std::erase_if(held, [](const Binding* h) { return h->record.ending; });
    return held;
}

// --- calls ---------------------------------------------------------------------------------------

void PodDesk::run(const PodSandbox& pod, Done<> done) {
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

/// `then` with an error if nobody can be asked, and if the pod is stopped meanwhile: nobody would
/// take back what it is given then.
void PodDesk::look_up(const PodSandbox& pod, Done<> then) {
    const auto asked = arriving_.emplace(pod.id, ++arrivals_).first;
    consumers_.look_up({pod},
                       [this, pod, asked = *asked, then = std::move(then)](Result<void> known) {
                           if (arriving_.erase(asked) == 0)
                               known = Error(Code::kCancelled, "it was stopped meanwhile");
                           then(std::move(known).wrap("pod " + pod.text()));
                       });
}

void PodDesk::begin(const PodSandbox& pod, Done<> done) {
    const auto held = claims_of(pod);
    if (held.empty()) return done({});
    leave_dead_pods(pod, held);
    if (auto checked = check(pod, held); !checked) {
        auto error = std::move(checked).error().wrap("pod " + pod.text());
        refuse(pod, held, error);
        return done(std::move(error));
    }
    admit(pod, held);
    if (options_.attach.mode == AttachMode::kAsync) return done({});
    wait(pod.id, std::move(done));
}

void PodDesk::create_container(const PodSandbox& pod, const Container& container,
                               Done<ContainerEdits> done) {
    if (!consumers_.must_ask(pod)) return begin_container(pod, container, done);
    // Shared by the answer and the end of patience: the first empties it.
    auto then = std::make_shared<Done<ContainerEdits>>(std::move(done));
    auto patience = std::make_shared<boost::asio::steady_timer>(ports_.home, kAnswerPatience);
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

void PodDesk::begin_container(const PodSandbox& pod, const Container& container,
                              Done<ContainerEdits> done) {
    const auto context = "pod " + pod.text();
    if (auto adopted = adopt(pod, container); !adopted)
        return done(std::move(adopted).error().wrap(context));
    const auto held = claims_of(pod);
    if (held.empty()) return done(ContainerEdits{});
    leave_dead_pods(pod, held);
    if (auto checked = check(pod, held); !checked)
        return done(std::move(checked).error().wrap(context));
    const auto failed = std::find_if(held.begin(), held.end(), [&](const Binding* h) {
        return has_failed(*h, pod.id) && !is_target_of(*h, pod.id);
    });
    if (failed != held.end()) {
        // Known now: better here, where every restart policy tries again, than in the gate.
        Error error(Code::kUnavailable, (*failed)->record.reason);
        admit(pod, held);
        return done(error.wrap("claim " + (*failed)->record.claim.text()).wrap(context));
    }
    // Its RunPodSandbox may have come and gone while nobody listened.
    admit(pod, held);
    done(edits(held, container).wrap(context));
}

void PodDesk::stop(const PodSandbox& pod) {
    std::erase_if(arriving_, [&](const auto& asked) { return asked.first == pod.id; });
    std::erase_if(unseen_, [&](const PodSandbox& unseen) { return unseen.id == pod.id; });
    if (pods_.erase(pod.id) > 0)
        for (const auto& uid : claim_uids(bindings_.of_pod(pod.uid)))
            mark_failed(pod.id, uid, "the pod is being stopped");
    hand_over(pod.id);
    leave(pod.id);
    waiters_.answer(pod.id,
                    Error(Code::kCancelled, "pod " + pod.text() + " was stopped meanwhile"));
}

void PodDesk::remove(const PodSandbox& pod) {
    stop(pod);
    consumers_.forget_pod(pod.uid);
    for (auto& [claim_uid, sandboxes] : marked_)
        sandboxes.erase(pod.id);
    log_marker(ports_.markers.remove_sandbox(pod.id));
}

/// Takes this sandbox out of all goals.
void PodDesk::leave(const std::string& sandbox_id) {
    for (auto* held : bindings_.of_sandbox(sandbox_id)) {
        if (is_target_of(*held, sandbox_id)) held->target.reset();
        machine_.advance(*held);
    }
}

/// What several pods share is attached for one of them; the next one keeps it.
void PodDesk::hand_over(const std::string& sandbox_id) {
    for (auto* held : bindings_.of_sandbox(sandbox_id)) {
        if (held->moves() || !is_target_of(*held, sandbox_id)) continue;
        for (const auto& [id, pod] : pods_)
            if (id != sandbox_id && held->serves_pod(pod.sandbox.uid)) held->target = pod.sandbox;
    }
}

/// A claim may go from one pod to the next while the end of the first was told to nobody.
void PodDesk::leave_dead_pods(const PodSandbox& pod, const std::vector<Binding*>& held) {
    for (const auto* binding : held) {
        if (!binding->target || binding->target->uid == pod.uid || !binding->moves()) continue;
        if (has_ended(*binding->target)) leave(std::string(binding->target->id));
    }
}

/// Its network namespace is gone. A pod that uses the host's has none.
bool PodDesk::has_ended(const PodSandbox& pod) const {
    return !pod.netns.empty() && ports_.mover.pin(pod.netns).code() == Code::kNotFound;
}

/// CRI-O gives such a pod the path of the host's namespace, containerd none.
bool PodDesk::uses_host_network(const PodSandbox& pod) const {
    return pod.netns.empty() || ports_.mover.pin(pod.netns).code() == Code::kFailedPrecondition;
}

// --- rules ---------------------------------------------------------------------------------------

Result<void> PodDesk::check(const PodSandbox& pod, const std::vector<Binding*>& held) const {
    std::map<std::string, const Binding*> names;
    const bool on_host = uses_host_network(pod);
    for (const auto* binding : held) {
        if (binding->record.boot_id != options_.boot_id)
            return Error(Code::kUnavailable, binding->text() +
                                                 " was prepared before the node's last boot; it "
                                                 "is ready when the kubelet has prepared it again");
        if (!binding->moves()) continue;
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

void PodDesk::admit(const PodSandbox& pod, const std::vector<Binding*>& held) {
    auto& known = pods_[pod.id];
    known.sandbox = pod;
    for (auto* binding : held) {
        if (is_target_of(*binding, pod.id)) {
            if (known.refused) unmark(pod.id, binding->record.claim.uid);
            continue;
        }
        if (binding->target && !binding->moves() && binding->target->uid != pod.uid)
            continue;  // shared: attached for another pod, which serves this one as well
        unmark(pod.id, binding->record.claim.uid);
        binding->target = pod;
        machine_.advance(*binding);
    }
    known.refused = false;
    release_gates(pod.id);
}

void PodDesk::refuse(const PodSandbox& pod, const std::vector<Binding*>& held, const Error& error) {
    if (const auto known = pods_.find(pod.id); known != pods_.end()) known->second.refused = true;
    for (const auto& uid : claim_uids(held))
        mark_failed(pod.id, uid, error.message());
    ports_.source.pod_event(pod, true, "AttachRefused", error.message());
}

/// A claim may be shared by a pod that was not known when it was prepared: the kubelet prepares it
/// once. That the pod uses it shows by the gate that its container carries.
Result<void> PodDesk::adopt(const PodSandbox& pod, const Container& container) {
    for (const auto& hook : container.create_runtime_hooks) {
        const auto uid = gated_claim(hook, options_);
        if (uid.empty()) continue;
        const auto held = bindings_.of_claim(uid);
        if (held.empty())
            return Error(Code::kFailedPrecondition,
                         "claim " + std::string(uid) +
                             " is not prepared on this node; the kubelet "
                             "prepares it before it tries again");
        consumers_.add(held, {pod.uid});
    }
    return {};
}

Result<ContainerEdits> PodDesk::edits(const std::vector<Binding*>& held,
                                      const Container& container) const {
    std::set<std::string, std::less<>> listed;
    for (const auto& hook : container.create_runtime_hooks)
        listed.emplace(gated_claim(hook, options_));
    ContainerEdits edits;
    std::set<std::string> gated;
    for (const auto* binding : held) {
        const auto& claim = binding->record.claim;
        if (listed.contains(claim.uid)) {
            KND_TRY(add_effects(binding->record.effects, edits).wrap(binding->text()));
        } else if (gated.insert(claim.uid).second) {
            // CDI is off, or this container does not list the claim. It may still see the device in
            // the pod, and where CDI is off nothing else would hold it back.
            edits.create_runtime_hooks.push_back(gate_hook(options_, claim));
        }
    }
    return edits;
}

// --- after a (re)connect -------------------------------------------------------------------------

void PodDesk::synchronize(const std::vector<PodSandbox>& pods,
                          const std::vector<Container>& containers) {
    // A runtime lists sandboxes that have ended too, until the kubelet removes them (seen with
    // containerd 2.1), in any order.
    std::map<std::string, const PodSandbox*> live;
    for (const auto& pod : pods)
        if (!has_ended(pod)) live[pod.id] = &pod;
    pods_.clear();
    arriving_.clear();
    bring_home_orphans(live);
    // A sandbox that has the device keeps it; otherwise the newest of the pod, which is the last.
    std::map<std::string, const PodSandbox*> by_uid;
    const auto has_device = [this](const PodSandbox& pod) {
        const auto held = claims_of(pod);
        return std::any_of(held.begin(), held.end(),
                           [&](const Binding* h) { return is_target_of(*h, pod.id); });
    };
    for (const auto& pod : pods) {
        if (!live.contains(pod.id)) continue;
        auto& chosen = by_uid[pod.uid];
        if (chosen == nullptr || !has_device(*chosen)) chosen = &pod;
    }
    Running running;
    for (const auto& container : containers)
        if (container.running) running[container.sandbox_id].push_back(container);
    std::vector<PodSandbox> newest;
    for (const auto& [uid, pod] : by_uid) {
        take_up(*pod, running[pod->id]);
        newest.push_back(*pod);
    }
    sweep_markers(live);
    look_up_others(std::move(newest), std::move(running));
}

/// A pod that shares a claim may have come while we were away.
void PodDesk::look_up_others(std::vector<PodSandbox> pods, Running running) {
    std::erase_if(pods, [&](const PodSandbox& pod) { return !consumers_.must_ask(pod); });
    unseen_ = std::move(pods);
    unseen_again_.cancel();
    const auto round = ++unseen_round_;
    if (unseen_.empty()) return;
    consumers_.look_up(unseen_, [this, round, asked = unseen_, running](const Result<void>& known) {
        if (round != unseen_round_) return;  // another list has come
        for (const auto& pod : asked) {
            if (!is_unseen(pod.id)) continue;  // stopped
            const auto containers = running.find(pod.id);
            take_up(pod,
                    containers == running.end() ? std::vector<Container>() : containers->second);
        }
        if (known) return unseen_.clear();
        log::warn("pods may have come unseen; will ask again",
                  {{"error", known.error().message()}});
        unseen_again_.expires_after(kAskAgain);
        unseen_again_.async_wait([this, alive = std::weak_ptr(alive_),
                                  running](const boost::system::error_code& cancelled) {
            if (!cancelled && !alive.expired()) look_up_others(unseen_, running);
        });
    });
}

bool PodDesk::is_unseen(const std::string& sandbox_id) const {
    return std::any_of(unseen_.begin(), unseen_.end(),
                       [&](const PodSandbox& pod) { return pod.id == sandbox_id; });
}

void PodDesk::bring_home_orphans(const std::map<std::string, const PodSandbox*>& live) {
    for (auto* held : bindings_.all()) {
        if (!held->target) continue;
        if (live.contains(held->target->id) && !(held->moves() && has_ended(*held->target)))
            continue;
        log::info("sandbox is gone; its device comes home", {{"pod", held->target->text()},
                                                             {"claim", held->record.claim.text()},
                                                             {"device", held->record.device.name}});
        leave(std::string(held->target->id));
    }
}

/// A pod that lives: everything is as it should be, or is made so.
void PodDesk::take_up(const PodSandbox& pod, const std::vector<Container>& running) {
    const auto held = claims_of(pod);
    if (held.empty()) return;
    const bool missed = !all_available(held, pod.id);
    auto checked = check(pod, held);
    if (checked && missed && !running.empty() && options_.attach.missed == LateAttach::kFail)
        checked = stop_missed(pod, running);
    if (!checked) return refuse(pod, held, checked.error().wrap("pod " + pod.text()));
    if (missed) log::info("devices are attached late", {{"pod", pod.text()}});
    admit(pod, held);
    // A predecessor may have died between the journal and the API server.
    for (const auto* binding : held)
        if (!binding->status_published &&
            all_available(bindings_.of_claim(binding->record.claim.uid), pod.id))
            publish(*binding);
}

/// Nobody may compute without what was claimed: the containers are killed, and when the kubelet
/// makes them anew they get their devices as any others do.
Error PodDesk::stop_missed(const PodSandbox& pod, const std::vector<Container>& running) {
    std::string outcome = "they were killed (attach.missed = \"fail\")";
    for (const auto& container : running) {
        auto stopped = ports_.mover.stop_container(container, pod.netns);
        if (stopped || stopped.code() == Code::kNotFound) continue;
        outcome = "container " + container.name +
                  " cannot be killed: " + stopped.error().message() + "; delete the pod";
    }
    return {Code::kFailedPrecondition,
            "containers were started without their devices while kndd was away; " + outcome};
}

void PodDesk::sweep_markers(const std::map<std::string, const PodSandbox*>& live) {
    std::error_code error;
    std::filesystem::directory_iterator entries(ports_.markers.directory(), error);
    std::vector<std::string> dead;
    for (; !error && entries != std::filesystem::directory_iterator(); entries.increment(error)) {
        auto id = entries->path().filename().string();
        if (!live.contains(id)) dead.push_back(std::move(id));
    }
    for (const auto& id : dead)
        log_marker(ports_.markers.remove_sandbox(id));
}

// --- what became of it ---------------------------------------------------------------------------

void PodDesk::on_attached(const Binding& held) {
    if (all_available(bindings_.of_claim(held.record.claim.uid), held.record.sandbox_id))
        publish(held);
    for (const auto& [id, pod] : pods_)
        if (held.serves_pod(pod.sandbox.uid)) release_gates(id);
}

void PodDesk::on_attach_failed(const Binding& held) {
    const auto& record = held.record;
    const auto error = Error(Code::kUnavailable, record.reason)
                           .wrap("claim " + record.claim.text())
                           .wrap("pod " + record.pod);
    log::error("attach failed", {{"error", error.message()}});
    const auto known = pods_.find(record.sandbox_id);
    if (known == pods_.end()) return;  // stopped meanwhile: nobody waits
    const Pod pod = known->second;
    const auto& id = pod.sandbox.id;
    mark_failed(id, record.claim.uid, error.message());
    ports_.source.pod_event(pod.sandbox, true, "AttachFailed", error.message());
    ports_.source.claim_event(record.claim, true, "AttachFailed", error.message());
    publish(held);
    // A claim that came late must not take from running containers what they have.
    if (pod.released) return;
    for (const auto& uid : claim_uids(bindings_.of_sandbox(id)))
        mark_failed(id, uid, error.message());
    leave(id);
    waiters_.answer(id, error);
}

void PodDesk::on_claim_gone(const std::string& claim_uid) {
    consumers_.forget(claim_uid);
    const auto marked = marked_.find(claim_uid);
    if (marked == marked_.end()) return;
    for (const auto& sandbox_id : marked->second)
        log_marker(ports_.markers.remove(sandbox_id, claim_uid));
    marked_.erase(marked);
    // After a restart of the runtime a pod may end without a word about its sandbox.
    std::erase_if(pods_, [&](const auto& item) { return claims_of(item.second.sandbox).empty(); });
}

/// All claims of a pod at once: were one container let go earlier, a device that fails later would
/// have to be taken from under it.
void PodDesk::release_gates(const std::string& sandbox_id) {
    auto& pod = pods_.at(sandbox_id);
    const auto held = claims_of(pod.sandbox);
    if (!all_available(held, sandbox_id)) return;
    pod.released = true;
    for (const auto& uid : claim_uids(held)) {
        marked_[uid].insert(sandbox_id);
        log_marker(ports_.markers.attached(sandbox_id, uid));
    }
    waiters_.answer(sandbox_id, {});
}

void PodDesk::mark_failed(const std::string& sandbox_id, const std::string& claim_uid,
                          const std::string& why) {
    marked_[claim_uid].insert(sandbox_id);
    log_marker(ports_.markers.failed(sandbox_id, claim_uid, why));
}

/// The gate waits again: what it was told is of an attempt that is over.
void PodDesk::unmark(const std::string& sandbox_id, const std::string& claim_uid) {
    const auto marked = marked_.find(claim_uid);
    if (marked == marked_.end() || marked->second.erase(sandbox_id) == 0) return;
    log_marker(ports_.markers.remove(sandbox_id, claim_uid));
}

void PodDesk::publish(const Binding& any) {
    std::vector<DeviceStatus> devices;
    for (auto* held : bindings_.of_claim(any.record.claim.uid)) {
        devices.push_back(status_of(held->record));
        held->status_published = true;
    }
    ports_.source.publish_status(any.record.claim, std::move(devices));
}

// --- attach mode `sync` --------------------------------------------------------------------------

void PodDesk::wait(const std::string& sandbox_id, Done<> done) {
    if (pods_.at(sandbox_id).released) return done({});
    waiters_.add(sandbox_id, std::move(done));
    auto timer = std::make_shared<boost::asio::steady_timer>(ports_.home, options_.hook_budget);
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
