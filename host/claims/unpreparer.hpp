// SPDX-License-Identifier: Apache-2.0
//
// Unpreparer: NodeUnprepareResources, the authoritative end of a claim. It finishes whatever the
// pod's stop could not, and never asks the API server: the claim may be gone from there.
//
// Threads: domain thread.
// Failure: the kubelet is told what is in the way and asks again; meanwhile the machine goes on
//          trying by itself.
#pragma once

#include <string>

#include "host/claims/binding_machine.hpp"
#include "host/claims/binding_table.hpp"
#include "host/claims/claim_files.hpp"
#include "host/claims/waiters.hpp"

namespace knd {

class Unpreparer {
  public:
    /// All arguments are borrowed.
    Unpreparer(BindingTable& bindings, BindingMachine& machine, const ClaimFiles& files);

    /// An unknown claim is released already.
    void release(const ClaimRef& claim, Done<> done);
    bool is_releasing(const std::string& claim_uid);

    /// From the machine, after the binding was forgotten.
    void on_released(const BindingRecord& record);
    void on_stuck(const Binding& binding, const Error& error);

  private:
    void remove_files(const std::string& claim_uid);

    BindingTable& bindings_;
    BindingMachine& machine_;
    const ClaimFiles& files_;
    Waiters waiters_;  ///< by claim uid
};

}  // namespace knd
