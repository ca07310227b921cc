// SPDX-License-Identifier: Apache-2.0
//
// ConsumerLookup: which pods a claim is for. The kubelet prepares a claim once, for the pod that
// comes first. Pods that share it later come without a word, and one that names the claim at pod
// level alone carries no gate that would tell. So when a pod comes into whose namespace prepared
// claims belong, the API server is asked whom they are reserved for.
//
// Threads: domain thread.
// Failure: an API server that cannot be asked is an error: the pod may be one that must not start
//          without its device.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "host/claims/binding_table.hpp"
#include "host/claims/options.hpp"

namespace knd {

class ConsumerLookup {
  public:
    /// Both are borrowed.
    ConsumerLookup(const ClaimsPorts& ports, BindingTable& bindings)
        : ports_(ports), bindings_(bindings) {}

    /// Whether there is a claim that may be this pod's, unknown to us.
    bool must_ask(const PodSandbox& pod) const;
    /// Asks about each such claim of these pods. All who come during one round of questions share
    /// the next, so that many pods cost no more requests than one. `then` may run at once.
    void look_up(std::vector<PodSandbox> pods, Done<> then);
    /// Known from now on, also after a restart.
    void add(const std::vector<Binding*>& bindings, const std::vector<std::string>& uids);
    /// The claim is gone.
    void forget(const std::string& claim_uid) { others_.erase(claim_uid); }
    /// The pod is gone, or has another sandbox by now and is asked about anew.
    void forget_pod(const std::string& pod_uid) {
        for (auto& [claim_uid, pods] : others_)
            pods.erase(pod_uid);
    }

  private:
    struct Question {
        std::vector<PodSandbox> pods;
        Done<> then;
    };

    bool is_unknown(const PodSandbox& pod, const Binding& binding) const;
    void ask();
    void take(const ClaimRef& ref, const Result<Claim>& claim);
    void answer();
    Result<void> outcome(const std::vector<PodSandbox>& pods) const;

    const ClaimsPorts& ports_;
    BindingTable& bindings_;
    /// Pods that do not use it, so that they may come again while nobody can be asked: claim uid ->
    /// pod uids.
    std::map<std::string, std::set<std::string>> others_;
    std::vector<Question> asked_;          ///< of the round that is under way
    std::vector<Question> waiting_;        ///< for the next one
    std::map<std::string, Error> errors_;  ///< of the round: claim uid -> why it is not known
    std::size_t left_ = 0;                 ///< answers that the round waits for
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);  ///< answers look at it
};

}  // namespace knd
