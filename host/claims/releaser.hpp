// SPDX-License-Identifier: Apache-2.0
//
// Releaser: NodeUnprepareResources, the authoritative end of a claim. It finishes whatever the
// pod's stop could not, and never asks the API server: the claim may be gone from there.
//
// Threads: domain thread.
// Failure: the kubelet is told what is in the way and asks again; meanwhile the lifecycle goes on
//          trying by itself.
#pragma once

#include <string>

#include "host/claims/bindings.hpp"
#include "host/claims/claim_files.hpp"
#include "host/claims/lifecycle.hpp"
#include "host/claims/waiters.hpp"

namespace knd {

class Releaser {
  public:
    /// All arguments are borrowed.
    Releaser(Bindings& bindings, Lifecycle& lifecycle, const ClaimFiles& files);

    /// An unknown claim is released already.
    void release(const ClaimRef& claim, Done<> done);
    bool is_releasing(const std::string& claim_uid);

    /// From the lifecycle, after the binding was forgotten.
    void on_released(const BindingRecord& record);
    void on_stuck(const Held& held, const Error& error);

  private:
    void remove_files(const std::string& claim_uid);

    Bindings& bindings_;
    Lifecycle& lifecycle_;
    const ClaimFiles& files_;
    Waiters waiters_;  ///< by claim uid
};

}  // namespace knd
