// SPDX-License-Identifier: Apache-2.0
//
// The objects of a running cluster, asked from its API server with the rights of the user.
#pragma once

#include <string>

#include "tools/kndctl/simulate/objects.hpp"

namespace knd::ctl {

struct LiveOptions {
    std::string kubeconfig;  ///< empty: $KUBECONFIG, the pod's service account, ~/.kube/config
    std::string context;     ///< empty: the file's current one
};

struct LiveCluster {
    std::string server;
    int kubernetes_minor = 0;  ///< among those that are known; 0: it does not say
};

/// Lists everything that matters, page by page, in the newest version of the API that the server
/// has.
Result<LiveCluster> collect_live(const LiveOptions& options, simulate::Collector& collector,
                                 simulate::Role role);

}  // namespace knd::ctl
