// SPDX-License-Identifier: Apache-2.0
//
// What a kubelet asks of a container runtime: the part of CRI that knd-local needs, and what the
// runtime answers about sandboxes and containers.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "host/model/json.hpp"
#include "host/model/services.hpp"
#include "tools/local/support/process.hpp"

namespace knd::local {

/// The texts of a list; anything else in it is left out.
std::vector<std::string> json_strings(const Json& list);

enum class ContainerState { kCreated, kRunning, kExited };

struct ContainerRecord {
    std::string id;
    std::string name;
    std::string image;
    int attempt = 0;
    ContainerState state = ContainerState::kCreated;
    ProcessId process;
    int exit_code = 0;
    std::string reason;  ///< of an exited one: Completed, Error, StartError
    std::string message;
    std::string created, started, finished;  ///< RFC 3339, empty until then
    std::vector<Hook> hooks;
    std::vector<std::string> env;  ///< what devices have added, "NAME=value"
    /// What devices have added besides: shown by `knd-local inspect`. Of these only the limits are
    /// carried out for the container's process, which has neither a root of its own nor a cgroup;
    /// `exec -c` makes devices and mounts for what it runs.
    std::vector<std::string> cdi_devices;
    std::vector<DeviceNode> devices;
    std::vector<Mount> mounts;
    std::vector<Rlimit> rlimits;
    std::map<std::string, std::string> unified;
};

struct SandboxRecord {
    std::string id;
    std::string pod_uid, ns, name;
    std::filesystem::path netns;
    std::string ip;
    bool host_network = false;                ///< in the node's namespace; netns and ip are empty
    bool ready = false;                       ///< false once it was stopped or its network is gone
    std::vector<ContainerRecord> containers;  ///< oldest first

    /// The newest container of that name; null: there is none.
    const ContainerRecord* newest(std::string_view container) const;
};

Json to_json(const SandboxRecord& sandbox);
SandboxRecord sandbox_from_json(const Json& json);

struct PodRequest {
    std::string uid, ns, name;
    bool host_network = false;
};

struct ContainerRequest {
    std::string name;
    std::string image;
    int attempt = 0;
    std::vector<std::string> cdi_ids;
};

/// Threads: the io_context's. Errors read as those of containerd's CRI service.
class ContainerRuntime {
  public:
    virtual ~ContainerRuntime() = default;
    /// The id of the new sandbox.
    virtual void run_sandbox(const PodRequest& pod, Done<std::string> done) = 0;
    virtual void create_container(const std::string& sandbox, const ContainerRequest& request,
                                  Done<std::string> done) = 0;
    /// Returns when the hooks have run. A container that failed here is exited with StartError and
    /// cannot be started again.
    virtual void start_container(const std::string& container, Done<> done) = 0;
    /// SIGTERM, and SIGKILL after `grace`. Succeeds when it has ended already or is not known.
    virtual void stop_container(const std::string& container, std::chrono::milliseconds grace,
                                Done<> done) = 0;
    /// Ends containers that still run, tells plugins, and takes the network away.
    virtual void stop_sandbox(const std::string& sandbox, Done<> done) = 0;
    virtual void remove_sandbox(const std::string& sandbox, Done<> done) = 0;

    /// One whose network namespace has gone is not ready.
    virtual std::vector<SandboxRecord> sandboxes() const = 0;
    /// Called whenever a container has ended by itself, with the uid of its pod.
    virtual void on_container_exit(std::function<void(const std::string& pod_uid)> callback) = 0;
};

/// The network of pods, as a CNI plugin makes it.
class PodNetwork {
  public:
    struct Attachment {
        std::filesystem::path netns;
        std::string ip;
    };
    virtual ~PodNetwork() = default;
    virtual Result<Attachment> add(const std::string& sandbox) = 0;
    /// Succeeds when there is nothing (left).
    virtual Result<> remove(const std::string& sandbox, const std::string& ip) = 0;
    /// Takes over what was added, also by an earlier run; false when it is gone.
    virtual bool adopt(const std::string& sandbox, const std::string& ip) = 0;
};

}  // namespace knd::local
