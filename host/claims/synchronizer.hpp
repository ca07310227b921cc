// SPDX-License-Identifier: Apache-2.0
//
// Synchronizer: what the list of all pods means that a runtime sends after each (re)connect. Pods
// came and went while nobody listened; a pod that shares a claim may have come without a word about
// it.
//
// Threads: domain thread.
#pragma once

#include <boost/asio/steady_timer.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "host/claims/sandbox_controller.hpp"

namespace knd {

class Synchronizer {
  public:
    /// All arguments are borrowed.
    Synchronizer(const ClaimsPorts& ports, BindingTable& bindings, ConsumerLookup& consumers,
                 SandboxController& sandboxes)
        : bindings_(bindings),
          consumers_(consumers),
          sandboxes_(sandboxes),
          unseen_again_(ports.loop) {}

    void synchronize(const std::vector<PodSandbox>& pods, const std::vector<Container>& containers);
    /// The sandbox is being stopped: nobody asks about it any more.
    void forget(const std::string& sandbox_id);

  private:
    using Live = std::map<std::string, const PodSandbox*>;          ///< by sandbox id
    using Running = std::map<std::string, std::vector<Container>>;  ///< by sandbox id

    Live live_ones(const std::vector<PodSandbox>& pods) const;
    std::vector<PodSandbox> newest_of_each(const std::vector<PodSandbox>& pods, const Live& live);
    void leave_dead_sandboxes(const Live& live);
    void look_up_others(std::vector<PodSandbox> pods, Running running);
    bool is_unseen(const std::string& sandbox_id) const;

    BindingTable& bindings_;
    ConsumerLookup& consumers_;
    SandboxController& sandboxes_;
    /// Live ones about whose claims the API server is asked.
    std::vector<PodSandbox> unseen_;
    std::uint64_t unseen_round_ = 0;
    boost::asio::steady_timer unseen_again_;
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);  ///< timers look at it
};

}  // namespace knd
