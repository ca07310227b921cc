// SPDX-License-Identifier: Apache-2.0
//
// The part of kube-controller-manager that looks after ResourceClaims: makes claims from templates,
// ends the reservations of pods that are over, takes the devices back from claims that nobody uses,
// and deletes the claims of pods that are gone.
//
// Threads: the io_context's. Failure: what could not be written is logged, and done at the next
// change.
#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>
#include <set>
#include <string>

#include "tools/local/api/store.hpp"
#include "tools/local/scheduler/trigger.hpp"
#include "tools/local/support/events.hpp"

namespace knd::local {

constexpr std::string_view kClaimFinalizer = "resource.kubernetes.io/delete-protection";

class ClaimController {
  public:
    static Result<std::unique_ptr<ClaimController>> start(boost::asio::io_context& io,
                                                          api::Store& store);

  private:
    explicit ClaimController(api::Store& store)
        : store_(store), events_(store, "resource_claim", "") {}
    void run();
    void make_claims(const Json& pod);
    bool has_claim(const Json& pod, const Json& entry) const;
    std::string find_or_make(const Json& pod, const Json& entry);
    void release(const Json& claim, const std::set<std::string>& users);
    void collect(const Json& claim, const std::set<std::string>& users);

    api::Store& store_;
    EventRecorder events_;
    std::unique_ptr<Trigger> trigger_;
};

}  // namespace knd::local
