// SPDX-License-Identifier: Apache-2.0
//
// SandboxController: what the container runtime says about pods, as targets of bindings; and what
// becomes of them, as markers for the gate, claim status and events.
//
// A pod gets all of its devices or none: when one attach fails, the others return and every gate of
// the pod is told. The next CreateContainer of the kubelet is refused with the reason and starts
// another attempt, so a cause that goes away heals without anybody's help.
//
// Threads: domain thread; nothing here blocks.
#pragma once

#include <boost/asio/steady_timer.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "host/claims/admission.hpp"
#include "host/claims/binding_machine.hpp"
#include "host/claims/binding_table.hpp"
#include "host/claims/consumer_lookup.hpp"
#include "host/claims/container_listing.hpp"
#include "host/claims/options.hpp"
#include "host/claims/sandbox_registry.hpp"
#include "host/claims/waiters.hpp"

namespace knd {

class SandboxController {
  public:
    /// All arguments are borrowed.
    SandboxController(const ClaimsOptions& options, const ClaimsPorts& ports,
                      BindingTable& bindings, BindingMachine& machine, ConsumerLookup& consumers);

    void runtime_connected(const RuntimeInfo& runtime) { listing_.runtime_is(runtime); }
    void run(const PodSandbox& pod, Done<> done);
    void create_container(const PodSandbox& pod, const Container& container,
                          Done<ContainerEdits> done);
    void stop(const PodSandbox& pod);
    void remove(const PodSandbox& pod);

    /// The runtime's list is about to be gone through: what was known of sandboxes is void.
    void begin_synchronize();
    /// A pod of that list that lives: everything is as it should be, or is made so.
    void take_up(const PodSandbox& pod, const std::vector<Container>& running);
    void sweep_markers(const std::set<std::string>& live) { registry_.sweep(live); }
    /// Takes this sandbox out of all targets.
    void leave(const std::string& sandbox_id);

    /// From the machine.
    void on_attached(const Binding& binding);
    void on_attach_failed(const Binding& binding);
    /// The last binding of this claim was forgotten.
    void on_claim_gone(const std::string& claim_uid);
    /// What is to be said of a binding has changed.
    void publish(const Binding& any);
    /// Tells the pod that has it, and the owner of the claim.
    void warn(const Binding& binding, std::string_view reason, const std::string& message);

    /// Those that a pod has or is to get.
    std::vector<Binding*> bindings_of(const PodSandbox& pod);
    const Admission& admission() const { return admission_; }
    /// Why nodes, mounts and the like cannot be given to the right containers; empty: they can.
    std::string blind_spot() const { return listing_.blind_spot(); }

  private:
    void look_up(const PodSandbox& pod, Done<> then);
    void begin(const PodSandbox& pod, Done<> done);
    void begin_container(const PodSandbox& pod, const Container& container,
                         Done<ContainerEdits> done);
    void admit(const PodSandbox& pod, const std::vector<Binding*>& bindings);
    void refuse(const PodSandbox& pod, const std::vector<Binding*>& bindings, const Error& error);
    Result<void> adopt(const PodSandbox& pod, const Container& container);
    Result<ContainerEdits> edits(const PodSandbox& pod, const std::vector<Binding*>& bindings,
                                 const Container& container);
    Result<bool> gets_effects(const PodSandbox& pod, const Binding& binding,
                              const Container& container);
    void hand_over(const std::string& sandbox_id);
    void leave_dead_pods(const PodSandbox& pod, const std::vector<Binding*>& bindings);
    Error stop_missed(const PodSandbox& pod, const std::vector<Container>& running);
    void open_gates(const std::string& sandbox_id);
    void wait(const std::string& sandbox_id, Done<> done);

    const ClaimsOptions& options_;
    const ClaimsPorts& ports_;
    BindingTable& bindings_;
    BindingMachine& machine_;
    ConsumerLookup& consumers_;
    Admission admission_;
    ContainerListing listing_;
    SandboxRegistry registry_;
    /// Calls for which the API server is being asked: sandbox id, number of the call.
    std::set<std::pair<std::string, std::uint64_t>> arriving_;
    std::uint64_t arrivals_ = 0;
    std::set<std::string> told_all_;  ///< sandboxes whose owner knows of nri.without_cdi = "all"
    Waiters waiters_;                 ///< by sandbox id, attach mode `sync`
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);  ///< timers look at it
};

}  // namespace knd
