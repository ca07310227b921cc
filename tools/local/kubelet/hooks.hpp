// SPDX-License-Identifier: Apache-2.0
//
// createRuntime hooks, run as runc runs them: in the node's namespaces, with the OCI state on
// stdin, the environment that the hook names and no other, one after the other, each with its time
// limit.
#pragma once

#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "host/model/services.hpp"

namespace knd::local {

struct HookContext {
    std::filesystem::path bundle;  ///< working directory
    std::filesystem::path netns;   ///< the node's; empty: ours
    std::string state;             ///< OCI state JSON
};

/// Ends with the first hook that fails. The error reads as runc's does, for example
/// `error running hook #0: error running hook: exit status 1, stdout: , stderr: TEXT`.
void run_hooks(boost::asio::io_context& io, std::vector<Hook> hooks, HookContext context,
               Done<> done);

}  // namespace knd::local
