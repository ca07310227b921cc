// SPDX-License-Identifier: Apache-2.0
//
// CriClient: a kubelet's view of a container runtime, one blocking call per method.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <knd/cpp/result.hpp>

namespace knd::testing {

struct CriPod {
    std::string name;
    std::string uid;
    bool host_network = false;
    std::uint32_t attempt = 0;
};

struct CriContainer {
    std::string name = "app";
    std::vector<std::string> command = {"/bin/sleep", "3600"};
    std::vector<std::string> cdi_ids;
    std::uint32_t attempt = 0;
};

struct CriContainerStatus {
    bool running = false;
    int exit_code = 0;
    std::string reason;
    std::string message;
};

/// Of all pods of this test program, below the root of each hierarchy.
std::string cgroup_parent();

/// Errors carry the runtime's own text.
class CriClient {
  public:
    explicit CriClient(const std::string& socket);
    ~CriClient();

    /// "containerd 2.1.9"
    Result<std::string> version();
    /// The image that containers are made from, for a runtime that has it at hand.
    Result<void> pull_test_image();
    Result<std::string> run_pod(const CriPod& pod);
    Result<void> stop_pod(const std::string& sandbox);
    Result<void> remove_pod(const std::string& sandbox);
    /// Path of the pod's network namespace.
    Result<std::string> netns(const std::string& sandbox);
    Result<std::string> create(const std::string& sandbox, const CriPod& pod,
                               const CriContainer& container);
    Result<void> start(const std::string& container);
    Result<void> stop(const std::string& container);
    Result<void> remove(const std::string& container);
    Result<CriContainerStatus> status(const std::string& container);
    /// stdout of a command inside; an error for a non-zero exit.
    Result<std::string> exec(const std::string& container, const std::vector<std::string>& command);

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace knd::testing
