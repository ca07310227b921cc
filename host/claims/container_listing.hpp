// SPDX-License-Identifier: Apache-2.0
//
// ContainerListing: which containers of a pod list a claim. Device nodes, mounts, variables and
// limits are for those alone. The kubelet hands CDI devices to them, and a runtime with CDI on
// shows it by our gate hook; NRI 0.12 tells the CDI devices themselves. A runtime with CDI off
// tells nothing: then TOML says what becomes of them (nri.without_cdi), and an operator is told.
//
// Threads: domain thread.
#pragma once

#include <string>

#include "host/claims/options.hpp"
#include "host/model/pod.hpp"
#include "host/model/services.hpp"

namespace knd {

class ContainerListing {
  public:
    enum class Answer { kListed, kNotListed, kUnknown };

    /// Borrowed.
    explicit ContainerListing(const ClaimsOptions& options) : options_(options) {}

    /// A runtime has connected.
    void runtime_is(RuntimeInfo runtime);
    Answer lists(const Container& container, const std::string& claim_uid);
    /// Why it cannot be told; empty: it can.
    std::string blind_spot() const;

  private:
    bool cdi_is_on() const;

    const ClaimsOptions& options_;
    RuntimeInfo runtime_;
    bool hook_seen_ = false;      ///< CDI has injected a hook of ours
    bool tells_devices_ = false;  ///< it has told which CDI devices a container lists
};

}  // namespace knd
