// SPDX-License-Identifier: Apache-2.0
//
// /healthz and /readyz that tell the truth: ready means that a pod with a claim of ours could start
// now, and every part that prevents it is named with its reason.
#pragma once

#include <string>
#include <vector>

#include "host/ops/http_server.hpp"

namespace knd::ops {

/// One thing that must work: the kubelet, the runtime, the API server, a backend.
struct HealthPart {
    std::string name;
    bool ok = false;
    /// What is wrong, or what is known when nothing is.
    std::string detail;
    /// A restart of the daemon would help: liveness fails too.
    bool fatal = false;
};

/// 200 when every part is ok, else 503; one line per part, "[+]kubelet ok" or "[-]runtime failed:
/// ..."
HttpResponse readiness(const std::vector<HealthPart>& parts);
/// 200 unless a part is in a state that only a restart ends.
HttpResponse liveness(const std::vector<HealthPart>& parts);

}  // namespace knd::ops
