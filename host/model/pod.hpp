// SPDX-License-Identifier: Apache-2.0
//
// Pods and containers as a container runtime describes them, and what may be changed in a container
// that is about to be created.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace knd {

struct PodSandbox {
    std::string id;  ///< sandbox id; a new one when the sandbox is made again
    std::string uid;
    std::string ns;
    std::string name;
    std::string netns;  ///< path; empty for a hostNetwork pod
    /// The kubelet has it from a file or a URL. Such a pod can have no claims, and the API server
    /// may be one.
    bool is_static = false;
    std::string text() const { return ns + "/" + name; }
};

struct Hook {
    std::string path;
    std::vector<std::string> args;
    std::vector<std::string> env;
    int timeout_s = 0;
};

struct Container {
    std::string id;
    std::string sandbox_id;
    std::string name;
    std::vector<Hook> create_runtime_hooks;  ///< includes those that CDI has injected already
    bool running = false;
    int pid = 0;  ///< of its first process, as the host counts; 0: there is none
    std::vector<std::string> cdi_devices = {};  ///< that it lists, where the runtime tells
};

struct DeviceNode {
    std::string path;
    char type = 'c';
    std::int64_t major = 0;
    std::int64_t minor = 0;
    std::uint32_t mode = 0660;
    std::optional<std::uint32_t> uid = {};
    std::optional<std::uint32_t> gid = {};
    std::string access = "rw";  ///< for the device cgroup: of "r", "w", "m"
};

struct Mount {
    bool operator==(const Mount&) const = default;
    std::string source;
    std::string destination;
    bool read_only = false;
    std::vector<std::string> options = {};  ///< besides rbind, rprivate, ro or rw
};

/// Of a container's processes.
struct Rlimit {
    std::string type;  ///< "RLIMIT_MEMLOCK"
    std::uint64_t soft = 0;
    std::uint64_t hard = 0;
    bool operator==(const Rlimit&) const = default;
};

struct ContainerEdits {
    std::vector<DeviceNode> devices;
    std::vector<Mount> mounts;
    std::map<std::string, std::string> env;
    std::vector<Hook> create_runtime_hooks;
    std::vector<Rlimit> rlimits = {};
    std::map<std::string, std::string> unified = {};  ///< cgroup v2: file -> content
    bool empty() const {
        return devices.empty() && mounts.empty() && env.empty() && create_runtime_hooks.empty() &&
               rlimits.empty() && unified.empty();
    }
};

}  // namespace knd
