// SPDX-License-Identifier: Apache-2.0
//
// Claims: the one state machine of the domain. It answers the kubelet (prepare, unprepare) and the
// container runtime (pods come and go) and sees to it that every device is where its claim says.
//
// How it works: each binding (a device in the hands of a claim) has a state, which is what the
// journal says, and a target, which is what the last call asked for. Calls only change targets;
// BindingMachine takes one journey at a time from the state towards the target, journals it, and
// looks again. So a call that comes twice, late or out of order has no second effect, and a restart
// needs no code of its own: it reads the states and goes on.
//
// Threads: domain thread. Kernel work runs on `workers`; answers are posted to `loop`.
// Failure: an error concerns one claim or pod and is a sentence for its user. A device that does
//          not return is tried again with growing pauses, and by each unprepare of the kubelet.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "host/claims/options.hpp"

namespace knd {

class Claims final : public ClaimService, public PodService {
  public:
    Claims(ClaimsOptions options, ClaimsPorts ports);
    ~Claims() override;

    /// Reads the journal. Before anything else; afterwards held_devices() is right.
    Result<void> load();
    /// After the backends have started: tells each what is live, and finishes or undoes what a
    /// predecessor had begun. `done` runs when the first pass is over; a device that would not come
    /// home is still being retried then, and that is logged, not an error.
    void recover(std::function<void()> done);
    /// Tells one backend, which has started late, what is live.
    void reconcile(Backend& backend, std::function<void()> done);
    /// Asks the API server about claims that no pod uses and releases those that are gone: the
    /// kubelet forgets a claim when it dies between prepare and its own checkpoint.
    void collect_garbage();
    /// Runs `done` when no step is under way. No new calls may come in.
    void drain(std::function<void()> done);

    void prepare(ClaimRef claim, std::chrono::steady_clock::time_point deadline,
                 Done<std::vector<PreparedDevice>> done) override;
    void unprepare(ClaimRef claim, std::chrono::steady_clock::time_point deadline,
                   Done<> done) override;

    void runtime_connected(const RuntimeInfo& runtime) override;
    void synchronize(std::vector<PodSandbox> pods, std::vector<Container> containers,
                     Done<> done) override;
    void run_pod_sandbox(PodSandbox pod, Done<> done) override;
    void create_container(PodSandbox pod, Container container, Done<ContainerEdits> done) override;
    void stop_pod_sandbox(PodSandbox pod, Done<> done) override;
    void remove_pod_sandbox(PodSandbox pod, Done<> done) override;

    /// The health of some of a backend's devices has changed: the status of claims that have one
    /// says so.
    void health_changed(const Backend& backend);
    /// Passes it on to the claim, if this backend has prepared a device for it.
    void backend_event(const Backend& backend, const BackendEvent& event);

    /// Why effects for containers cannot be confined to those that list a claim; empty: they can.
    std::string blind_spot() const;
    /// All bindings, sorted by key: for `kndctl claims`, `kndctl journal` and /metrics.
    std::vector<BindingRecord> snapshot() const;
    /// Devices that claims hold, as they were at prepare: the inventory keeps them published.
    std::vector<Device> held_devices() const;
    /// Runs when held_devices() has changed.
    std::function<void()> on_held_changed;

  private:
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

/// Why a binding is where it is, in one sentence: for `kndctl explain`.
std::string explain(const BindingRecord& record);

}  // namespace knd
