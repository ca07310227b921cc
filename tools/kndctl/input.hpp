// SPDX-License-Identifier: Apache-2.0
//
// Where the commands about claims take the cluster from: files, an API server, or both.
#pragma once

#include <CLI/App.hpp>
#include <memory>
#include <string>
#include <vector>

#include "tools/kndctl/simulate/cluster.hpp"
#include "tools/kndctl/simulate/objects.hpp"

namespace knd::ctl {

/// The flags that `simulate` and `explain claim` share.
struct InputOptions {
    std::vector<std::string> files;
    std::vector<std::string> nodes;
    std::string kubeconfig;
    std::string context;
    std::string kubernetes;  ///< empty: that of the cluster asked, else 1.36
    std::string features;
    bool compat = false;
    std::string validate = "warn";
};

void add_input_options(CLI::App& command, InputOptions& options);

/// Reads everything and makes the cluster of it. INVALID_ARGUMENT names file and line.
Result<std::unique_ptr<simulate::Cluster>> read_cluster(const InputOptions& options);

}  // namespace knd::ctl
