// SPDX-License-Identifier: Apache-2.0
//
// kube-scheduler for one machine: puts pods without a node onto one, together with the devices that
// their claims ask for. Decides with the same allocator as kndctl, and explains itself in
// kube-scheduler's words.
//
// Threads: the io_context's. Every change of a pod, node, claim, class or slice starts a pass over
// all pods that wait.
#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>
#include <string>
#include <vector>

#include "host/alloc/program_cache.hpp"
#include "tools/local/api/store.hpp"
#include "tools/local/scheduler/trigger.hpp"
#include "tools/local/support/events.hpp"

namespace knd::local {

class PodClaims;

class Scheduler {
  public:
    static Result<std::unique_ptr<Scheduler>> start(boost::asio::io_context& io, api::Store& store);

  private:
    struct Pass;

    explicit Scheduler(api::Store& store)
        : store_(store), events_(store, "default-scheduler", "") {}
    void run();
    void schedule(Pass& pass, const Json& pod);
    void place(const Json& pod, const PodClaims& claims, const std::vector<Json>& allocations,
               const std::string& node);
    Result<> bind(const Json& pod, const std::string& node);
    Result<> reserve(const Json& pod, const Json& claim, const Json& allocation);
    void unschedulable(const Json& pod, const std::string& message);

    api::Store& store_;
    EventRecorder events_;
    // Shared with the allocators, of which each pass makes one.
    std::shared_ptr<alloc::ProgramCache> programs_ = std::make_shared<alloc::ProgramCache>();
    std::unique_ptr<Trigger> trigger_;
};

}  // namespace knd::local
