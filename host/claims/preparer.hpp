// SPDX-License-Identifier: Apache-2.0
//
// Preparer: NodePrepareResources for one claim: read the claim, let the backends prepare its
// devices (those of different backends at the same time), journal what that means, write the
// claim's files. Everything or nothing: a failure undoes what was done, in reverse order.
//
// There is one flush per call, of the state `prepared`, and none before the backends are called. A
// note of the intent would cost a second flush and tell a restart nothing: what was prepared
// without a record is exactly what Backend::reconcile frees when it is told all that is live, and
// the kubelet, which got no answer, asks again.
//
// Threads: domain thread.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "host/claims/binding_machine.hpp"
#include "host/claims/binding_table.hpp"
#include "host/claims/claim_files.hpp"
#include "host/claims/consumer_lookup.hpp"
#include "host/claims/options.hpp"

namespace knd {

class Preparer {
  public:
    using Deadline = std::chrono::steady_clock::time_point;
    using Answer = Done<std::vector<PreparedDevice>>;

    /// All arguments are borrowed.
    Preparer(const ClaimsOptions& options, const ClaimsPorts& ports, BindingTable& bindings,
             BindingMachine& machine, ConsumerLookup& consumers, const ClaimFiles& files);

    /// Calls for one claim that come while it is being prepared share its outcome.
    void prepare(const ClaimRef& claim, Deadline deadline, Answer done);

    /// What calls under way have prepared with this backend, or are about to.
    std::vector<Backend::Binding> in_flight(std::string_view backend) const;
    bool is_preparing(const std::string& claim_uid) const { return calls_.contains(claim_uid); }
    /// The claim that this backend is preparing a device of, or null.
    const ClaimRef* claim_in_flight(const std::string& claim_uid, std::string_view backend) const;
    /// Runs `then` when the call for this claim, which there must be, has ended.
    void when_done(const std::string& claim_uid, std::function<void()> then);

    /// Runs when bindings have been added, after the answer.
    std::function<void()> on_prepared = [] {};

  private:
    struct Part;
    struct Call;
    using CallPtr = std::shared_ptr<Call>;  ///< shared by the answers that it waits for

    void on_claim(const CallPtr& call, Result<Claim> claim);
    Result<void> check_held(const Claim& claim, const std::vector<Binding*>& bindings) const;
    Result<void> check_claim(Call& call, Claim claim);
    Result<Part> check_device(const Call& call, const Claim& claim,
                              const AllocatedDevice& allocated);
    Result<void> check_free(const BindingRecord& wanted);
    void ask_backends(const CallPtr& call);
    void on_effects(const CallPtr& call, std::size_t index, Result<Effects> effects);
    Result<void> check_all_effects(const Call& call);
    void write(const CallPtr& call);
    void on_written(const CallPtr& call);
    void undo(const CallPtr& call, Error error);
    void finish(const CallPtr& call, Result<void> result);
    std::vector<PreparedDevice> answer(const std::string& claim_uid);

    const ClaimsOptions& options_;
    const ClaimsPorts& ports_;
    BindingTable& bindings_;
    BindingMachine& machine_;
    ConsumerLookup& consumers_;
    const ClaimFiles& files_;
    std::map<std::string, CallPtr> calls_;                   ///< by claim uid
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);  ///< answers that come later look at it
};

}  // namespace knd
