// SPDX-License-Identifier: Apache-2.0
//
// Admission: by which rules a pod gets the devices of its claims.
//
// Threads: domain thread; nothing here blocks.
#pragma once

#include <string>
#include <vector>

#include "host/claims/binding_table.hpp"
#include "host/claims/options.hpp"

namespace knd {

/// In this sandbox, and meant to stay there. What has no place in a namespace serves every pod of
/// its claim once it is attached for one.
bool is_available(const Binding& binding, const std::string& sandbox_id);
bool all_available(const std::vector<Binding*>& bindings, const std::string& sandbox_id);
/// The last attach for this sandbox failed.
bool has_failed(const Binding& binding, const std::string& sandbox_id);

class Admission {
  public:
    /// Both are borrowed.
    Admission(const ClaimsOptions& options, const ClaimsPorts& ports)
        : options_(options), ports_(ports) {}

    /// Whether the pod can have all of these now. The error is for its user.
    Result<void> check(const PodSandbox& pod, const std::vector<Binding*>& bindings) const;
    /// Its network namespace is gone. A pod that uses the host's has none.
    bool has_ended(const PodSandbox& pod) const;

  private:
    bool uses_host_network(const PodSandbox& pod) const;

    const ClaimsOptions& options_;
    const ClaimsPorts& ports_;
};

}  // namespace knd
