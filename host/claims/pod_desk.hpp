// SPDX-License-Identifier: Apache-2.0
//
// PodDesk: what the container runtime says about pods, as goals for bindings; and what becomes of
// them, as markers for the gate, claim status and events.
//
// A pod gets all of its devices or none: when one attach fails, the others go home again and every
// gate of the pod is told. The next CreateContainer of the kubelet is refused with the reason and
// starts another attempt, so a cause that goes away heals without anybody's help.
//
// Threads: domain thread; nothing here blocks.
#pragma once

#include <boost/asio/steady_timer.hpp>

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "host/claims/binding_table.hpp"
#include "host/claims/consumer_lookup.hpp"
#include "host/claims/binding_machine.hpp"
#include "host/claims/options.hpp"
#include "host/claims/waiters.hpp"

namespace knd {

class PodDesk {
  public:
    /// All arguments are borrowed.
    PodDesk(const ClaimsOptions& options, const ClaimsPorts& ports, BindingTable& bindings,
            BindingMachine& machine, ConsumerLookup& consumers);

    void run(const PodSandbox& pod, Done<> done);
    void create_container(const PodSandbox& pod, const Container& container,
                          Done<ContainerEdits> done);
    void stop(const PodSandbox& pod);
    void remove(const PodSandbox& pod);
    void synchronize(const std::vector<PodSandbox>& pods, const std::vector<Container>& containers);

    /// From the machine.
    void on_attached(const Binding& held);
    void on_attach_failed(const Binding& held);
    /// The last binding of this claim was forgotten.
    void on_claim_gone(const std::string& claim_uid);

  private:
    struct Pod {
        PodSandbox sandbox;
        bool released = false;  ///< its gates have been opened
        bool refused = false;   ///< they have been told "no" since
    };

    void look_up(const PodSandbox& pod, Done<> then);
    void begin(const PodSandbox& pod, Done<> done);
    void begin_container(const PodSandbox& pod, const Container& container,
                         Done<ContainerEdits> done);
    std::vector<Binding*> claims_of(const PodSandbox& pod);
    Result<void> check(const PodSandbox& pod, const std::vector<Binding*>& held) const;
    void admit(const PodSandbox& pod, const std::vector<Binding*>& held);
    void refuse(const PodSandbox& pod, const std::vector<Binding*>& held, const Error& error);
    Result<void> adopt(const PodSandbox& pod, const Container& container);
    Result<ContainerEdits> edits(const std::vector<Binding*>& held, const Container& container) const;
    void leave(const std::string& sandbox_id);
    void hand_over(const std::string& sandbox_id);
    void leave_dead_pods(const PodSandbox& pod, const std::vector<Binding*>& held);
    bool has_ended(const PodSandbox& pod) const;
    bool uses_host_network(const PodSandbox& pod) const;

    void bring_home_orphans(const std::map<std::string, const PodSandbox*>& live);
    using Running = std::map<std::string, std::vector<Container>>;  ///< by sandbox id
    void look_up_others(std::vector<PodSandbox> pods, Running running);
    bool is_unseen(const std::string& sandbox_id) const;
    void take_up(const PodSandbox& pod, const std::vector<Container>& running);
    Error stop_missed(const PodSandbox& pod, const std::vector<Container>& running);
    void sweep_markers(const std::map<std::string, const PodSandbox*>& live);

    void release_gates(const std::string& sandbox_id);
    void mark_failed(const std::string& sandbox_id, const std::string& claim_uid,
                     const std::string& why);
    void unmark(const std::string& sandbox_id, const std::string& claim_uid);
    void publish(const Binding& any);
    void wait(const std::string& sandbox_id, Done<> done);

    const ClaimsOptions& options_;
    const ClaimsPorts& ports_;
    BindingTable& bindings_;
    BindingMachine& machine_;
    ConsumerLookup& consumers_;
    /// Calls for which the API server is being asked: sandbox id, number of the call.
    std::set<std::pair<std::string, std::uint64_t>> arriving_;
    std::uint64_t arrivals_ = 0;
    std::vector<PodSandbox>
        unseen_;  ///< live ones about whose claims it is asked after a reconnect
    std::uint64_t unseen_round_ = 0;
    boost::asio::steady_timer unseen_again_;
    std::map<std::string, Pod> pods_;  ///< by sandbox id: those that use our devices
    std::map<std::string, std::set<std::string>> marked_;    ///< claim uid -> sandbox ids
    Waiters waiters_;                                        ///< by sandbox id, attach mode `sync`
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);  ///< timers look at it
};

}  // namespace knd
