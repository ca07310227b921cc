// SPDX-License-Identifier: Apache-2.0
//
// Where a cluster keeps its things: everything is below one directory, so that `down` can take all
// of it away.
#pragma once

#include <filesystem>
#include <string>
#include <utility>

#include "host/model/json.hpp"

#include <knd/cpp/result.hpp>

namespace knd::local {

struct NodeLayout {
    std::filesystem::path directory;
    std::filesystem::path netns;
    std::filesystem::path log;

    std::filesystem::path kubeconfig() const { return directory / "kubeconfig"; }
    std::filesystem::path config() const { return directory / "kndd.toml"; }
    std::filesystem::path registry() const { return directory / "reg"; }
    std::filesystem::path plugins() const { return directory / "plugins"; }
    std::filesystem::path nri_socket() const { return directory / "nri.sock"; }
    std::filesystem::path cdi() const { return directory / "cdi"; }
    std::filesystem::path sandboxes() const { return directory / "sandboxes"; }
    std::filesystem::path checkpoint() const { return directory / "claims.json"; }
    std::filesystem::path run() const { return directory / "run"; }
    std::filesystem::path process() const { return directory / "kndd.json"; }
};

struct Layout {
    std::filesystem::path root;

    std::filesystem::path database() const { return root / "store.db"; }
    std::filesystem::path server() const { return root / "api"; }
    std::filesystem::path kubeconfig() const { return root / "kubeconfig"; }
    std::filesystem::path process() const { return root / "knd-local.json"; }
    std::filesystem::path status() const { return root / "status.json"; }
    std::filesystem::path lock() const { return root / "lock"; }
    std::filesystem::path netns() const { return root / "netns"; }
    std::filesystem::path logs() const { return root / "log"; }
    std::filesystem::path log() const { return logs() / "knd-local.log"; }
    NodeLayout node(const std::string& name) const {
        return {root / "nodes" / name, netns() / name, logs() / (name + ".log")};
    }
};

/// A directory in the spelling that the kernel shows for what is mounted there: absolute, without
/// symbolic links. What does not exist yet stays as it is.
std::filesystem::path canonical_root(const std::filesystem::path& root);

/// Makes the directories; refuses a root below which unix sockets would have too long a path.
Result<> make_directories(const Layout& layout);
Result<> make_directories(const NodeLayout& node);

}  // namespace knd::local
