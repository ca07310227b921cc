// SPDX-License-Identifier: Apache-2.0
#include "host/claims/claims.hpp"

#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "host/claims/binding_machine.hpp"
#include "host/claims/binding_table.hpp"
#include "host/claims/claim_files.hpp"
#include "host/claims/prepare_request.hpp"
#include "host/claims/preparer.hpp"
#include "host/claims/sandbox_controller.hpp"
#include "host/claims/synchronizer.hpp"
#include "host/claims/unpreparer.hpp"
#include "host/model/log.hpp"

namespace knd {
namespace {

/// Counts down the answers of several calls, then runs what comes next.
std::function<void()> after(std::size_t count, std::function<void()> then) {
    auto left = std::make_shared<std::size_t>(count);  // shared by the calls that are awaited
    return [left, then = std::move(then)] {
        if (--*left == 0) then();
    };
}

/// What a boot of the kernel has undone by itself.
void forget_place(BindingRecord& record) {
    if (record.state != BindingState::kReleasing) record.state = BindingState::kPrepared;
    record.sandbox_id.clear();
    record.pod_uid.clear();
    record.pod.clear();
    record.netns_path.clear();
    record.netns_id.clear();
    record.reason.clear();
    record.host_state = Json();
    record.attached = {};
}

PodSandbox pod_of(const BindingRecord& record) {
    const auto slash = record.pod.find('/');
    PodSandbox pod{record.sandbox_id, record.pod_uid, record.pod.substr(0, slash), "",
                   record.netns_path};
    if (slash != std::string::npos) pod.name = record.pod.substr(slash + 1);
    return pod;
}

}  // namespace

struct Claims::Parts final : BindingMachine::Listener {
    Parts(ClaimsOptions chosen, ClaimsPorts given)
        : options(std::move(chosen)),
          ports(std::move(given)),
          files(options),
          machine(options, ports, bindings, files, *this),
          consumers(ports, bindings),
          preparer(options, ports, bindings, machine, consumers, files),
          unpreparer(bindings, machine, files),
          sandboxes(options, ports, bindings, machine, consumers),
          synchronizer(ports, bindings, consumers, sandboxes) {}

    void on_attached(Binding& binding) override { sandboxes.on_attached(binding); }
    void on_attach_failed(Binding& binding) override { sandboxes.on_attach_failed(binding); }
    void on_stuck(Binding& binding, const Error& error) override {
        unpreparer.on_stuck(binding, error);
    }
    void on_released(const BindingRecord& record) override {
        if (bindings.of_claim(record.claim.uid).empty()) sandboxes.on_claim_gone(record.claim.uid);
        held_changed();
        unpreparer.on_released(record);
    }

    /// They are on tmpfs, a kill may have cut them off, and the gate's settings may have changed. A
    /// CDI file that cannot be written is written again by the next prepare; until then containers
    /// are refused.
    void renew_files() {
        const auto complain = [](const Result<void>& result) {
            if (!result)
                log::warn("files of claims are not up to date",
                          {{"error", result.error().message()}});
        };
        std::set<std::string> claims;
        for (const auto* binding : bindings.all())
            claims.insert(binding->record.claim.uid);
        complain(files.sweep([&](const std::string& uid) { return claims.contains(uid); }));
        for (const auto& uid : claims)
            complain(files.write(bindings.records_of_claim(uid)).wrap("claim " + uid));
    }

    /// What a backend does not find any more: the user is told, and the next pod that wants the
    /// device has it prepared anew.
    void note_lost(const std::string& backend, const std::vector<Backend::Lost>& lost) {
        for (const auto& [key, why] : lost) {
            for (auto* binding : bindings.of_claim(key.claim_uid)) {
                const auto& record = binding->record;
                if (record.binding_key() != key || record.device.backend != backend) continue;
                binding->lost = why.empty() ? "its backend does not find it any more" : why;
                const auto text = "device " + record.device.name + " is lost: " + binding->lost;
                log::warn("device is lost", {{"claim", record.claim.text()},
                                             {"device", record.device.name},
                                             {"backend", backend},
                                             {"error", binding->lost}});
                sandboxes.warn(*binding, "DeviceLost", text);
                sandboxes.publish(*binding);
            }
        }
    }

    /// Until it succeeds the backend may hold what belongs to nobody.
    void reconcile_later(Claims& claims, Backend& backend, const Error& error) {
        log::warn("backend could not reconcile; it is asked again",
                  {{"backend", backend.name()}, {"error", error.message()}});
        auto timer = std::make_shared<boost::asio::steady_timer>(ports.loop, options.last_retry);
        timer->async_wait([&claims, &backend, timer, weak = std::weak_ptr(alive)](
                              const boost::system::error_code& cancelled) {
            if (!cancelled && !weak.expired() && is_serving(backend))
                claims.reconcile(backend, [] {});
        });
    }

    ClaimsOptions options;
    ClaimsPorts ports;
    ClaimFiles files;
    BindingTable bindings;
    BindingMachine machine;
    ConsumerLookup consumers;
    Preparer preparer;
    Unpreparer unpreparer;
    SandboxController sandboxes;
    Synchronizer synchronizer;
    std::function<void()> held_changed = [] {};
    std::shared_ptr<int> alive = std::make_shared<int>(0);  ///< late answers look at it
};

Claims::Claims(ClaimsOptions options, ClaimsPorts ports)
    : parts_(std::make_unique<Parts>(std::move(options), std::move(ports))) {
    parts_->held_changed = [this] {
        if (on_held_changed) on_held_changed();
    };
    parts_->preparer.on_prepared = parts_->held_changed;
}

Claims::~Claims() = default;

// --- start and end -------------------------------------------------------------------------------

Result<void> Claims::load() {
    KND_TRY_ASSIGN(auto records, parts_->ports.journal.load());
    for (auto& record : records) {
        if (record.boot_id != parts_->options.boot_id) forget_place(record);
        auto& binding = parts_->bindings.add(std::move(record));
        if (binding.record.state != BindingState::kAttached) continue;
        binding.target = pod_of(binding.record);
        parts_->machine.pin(binding);
    }
    parts_->renew_files();
    std::set<std::string> used;
    for (const auto* binding : parts_->bindings.all())
        if (!binding->record.sandbox_id.empty()) used.insert(binding->record.sandbox_id);
    if (const auto swept = parts_->ports.namespaces.sweep(used); !swept)
        log::warn("namespaces of pods are kept for nothing", {{"error", swept.error().message()}});
    return {};
}

void Claims::recover(std::function<void()> done) {
    auto& parts = *parts_;
    auto go_on = [this, alive = std::weak_ptr(parts.alive), done = std::move(done)] {
        if (alive.expired()) return;
        for (auto* binding : parts_->bindings.all())
            parts_->machine.advance(*binding);
        parts_->machine.drain(done);
    };
    auto backends = parts.ports.devices.backends();
    std::erase_if(backends, [](const Backend* backend) { return !is_serving(*backend); });
    if (backends.empty()) return go_on();
    const auto next = after(backends.size(), std::move(go_on));
    for (auto* backend : backends)
        reconcile(*backend, next);
}

void Claims::reconcile(Backend& backend, std::function<void()> done) {
    auto live = parts_->preparer.in_flight(backend.name());
    for (const auto* binding : parts_->bindings.all())
        if (binding->record.device.backend == backend.name())
            live.push_back(prepare_request(binding->record).binding);
    const auto deadline = std::chrono::steady_clock::now() + parts_->options.backend_timeout;
    backend.reconcile(std::move(live), deadline,
                      [this, alive = std::weak_ptr(parts_->alive), done = std::move(done),
                       &backend](const Result<std::vector<Backend::Lost>>& lost) {
                          if (alive.expired()) return;
                          if (lost)
                              parts_->note_lost(backend.name(), *lost);
                          else
                              parts_->reconcile_later(*this, backend, lost.error());
                          done();
                      });
}

void Claims::collect_garbage() {
    std::map<std::string, ClaimRef> idle;
    const auto is_idle = [parts = parts_.get()](const Binding& binding) {
        return !binding.busy && !binding.target && !binding.record.ending &&
               !parts->preparer.is_preparing(binding.record.claim.uid);
    };
    for (const auto* binding : parts_->bindings.all())
        if (is_idle(*binding)) idle.emplace(binding->record.claim.uid, binding->record.claim);
    for (const auto& [uid, claim] : idle) {
        parts_->ports.source.get_claim(claim, [this, alive = std::weak_ptr(parts_->alive),
                                               ref = claim, is_idle](const Result<Claim>& got) {
            if (alive.expired() || !is_gone(got)) return;
            // A pod may have come for it while we asked, or the kubelet.
            for (const auto* binding : parts_->bindings.of_claim(ref.uid))
                if (!is_idle(*binding)) return;
            log::info("claim is gone; its devices are released", {{"claim", ref.text()}});
            parts_->unpreparer.release(ref, [](const Result<void>&) {});
        });
    }
}

void Claims::drain(std::function<void()> done) {
    parts_->machine.drain(std::move(done));
}

// --- the kubelet ---------------------------------------------------------------------------------

void Claims::prepare(ClaimRef claim, std::chrono::steady_clock::time_point deadline,
                     Done<std::vector<PreparedDevice>> done) {
    if (parts_->unpreparer.is_releasing(claim.uid))
        return done(Error(Code::kAborted, "claim " + claim.text() +
                                              " is still being released; prepare it again later"));
    parts_->preparer.prepare(claim, deadline, std::move(done));
}

void Claims::unprepare(ClaimRef claim, std::chrono::steady_clock::time_point deadline,
                       Done<> done) {
    if (!parts_->preparer.is_preparing(claim.uid))
        return parts_->unpreparer.release(claim, std::move(done));
    // The kubelet has given that call up. What it makes is undone as soon as it is made.
    const auto uid = claim.uid;
    parts_->preparer.when_done(
        uid, [this, claim = std::move(claim), deadline, done = std::move(done)]() mutable {
            unprepare(std::move(claim), deadline, std::move(done));
        });
}

// --- the container runtime -----------------------------------------------------------------------

void Claims::runtime_connected(const RuntimeInfo& runtime) {
    parts_->sandboxes.runtime_connected(runtime);
    if (const auto blind_spot = parts_->sandboxes.blind_spot(); !blind_spot.empty())
        log::warn(
            "device nodes, mounts, variables and limits cannot be confined to the containers "
            "that list a claim",
            {{"error", blind_spot}});
}

void Claims::synchronize(std::vector<PodSandbox> pods, std::vector<Container> containers,
                         Done<> done) {
    parts_->synchronizer.synchronize(pods, containers);
    done({});
}

void Claims::run_pod_sandbox(PodSandbox pod, Done<> done) {
    parts_->sandboxes.run(pod, std::move(done));
}

void Claims::create_container(PodSandbox pod, Container container, Done<ContainerEdits> done) {
    parts_->sandboxes.create_container(pod, container, std::move(done));
}

void Claims::stop_pod_sandbox(PodSandbox pod, Done<> done) {
    parts_->synchronizer.forget(pod.id);
    parts_->sandboxes.stop(pod);
    done({});
}

void Claims::remove_pod_sandbox(PodSandbox pod, Done<> done) {
    parts_->synchronizer.forget(pod.id);
    parts_->sandboxes.remove(pod);
    done({});
}

// --- what backends say ---------------------------------------------------------------------------

void Claims::health_changed(const Backend& backend) {
    std::set<std::string> claims;
    for (auto* binding : parts_->bindings.all()) {
        const auto& record = binding->record;
        if (record.device.backend != backend.name()) continue;
        const auto now = backend.health_of(record.device.name);
        if (now == std::exchange(binding->published_health, now)) continue;
        if (binding->status_published && claims.insert(record.claim.uid).second)
            parts_->sandboxes.publish(*binding);
    }
}

void Claims::backend_event(const Backend& backend, const BackendEvent& event) {
    // A prepare may tell while it is at work why it takes so long, or fails.
    const auto* claim = parts_->preparer.claim_in_flight(event.claim_uid, backend.name());
    for (const auto* binding : parts_->bindings.of_claim(event.claim_uid))
        if (binding->record.device.backend == backend.name()) claim = &binding->record.claim;
    if (claim)
        return parts_->ports.source.claim_event(*claim, event.warning, event.reason,
                                                "backend " + backend.name() + ": " + event.message);
    log::warn("a backend reports on a claim that it has not prepared",
              {{"backend", backend.name()}, {"claim", event.claim_uid}, {"error", event.message}});
}

// --- for the operator ----------------------------------------------------------------------------

std::string Claims::blind_spot() const {
    return parts_->sandboxes.blind_spot();
}

std::vector<BindingRecord> Claims::snapshot() const {
    return parts_->bindings.records();
}

std::vector<Device> Claims::held_devices() const {
    std::vector<Device> devices;
    for (auto& record : parts_->bindings.records())
        devices.push_back(std::move(record.device));
    return devices;
}

}  // namespace knd
