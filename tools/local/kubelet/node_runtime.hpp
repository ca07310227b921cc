// SPDX-License-Identifier: Apache-2.0
//
// The container runtime of one node. A pod is a network namespace; a container is a process in it
// that only waits. What a driver meets is real: NRI events in containerd's order and under its
// lock, CDI resolution at CreateContainer, createRuntime hooks at StartContainer, error texts.
//
// Threads: the io_context's. Failure: everything it has made is in files under `sandboxes` before
// it answers, so that a new run takes over what is still there.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <map>
#include <memory>

#include "tools/local/kubelet/hooks.hpp"
#include "tools/local/kubelet/runtime.hpp"
#include "tools/local/nri_runtime/nri_runtime.hpp"

namespace knd::local {

struct NodeRuntimeOptions {
    std::filesystem::path sandboxes;  ///< records and bundles
    std::filesystem::path cdi;
    std::filesystem::path node_netns;  ///< where hooks run; empty: ours
    NriRuntimeOptions nri;
    /// As CRI-O, whose plugins hear of StopPodSandbox after the network has gone.
    bool network_removed_before_stop = false;
};

class NodeRuntime final : public ContainerRuntime {
  public:
    ~NodeRuntime() override { *alive_ = false; }
    static Result<std::unique_ptr<NodeRuntime>> open(boost::asio::io_context& io,
                                                     NodeRuntimeOptions options,
                                                     PodNetwork& network);

    void run_sandbox(const PodRequest& pod, Done<std::string> done) override;
    void create_container(const std::string& sandbox, const ContainerRequest& request,
                          Done<std::string> done) override;
    void start_container(const std::string& container, Done<> done) override;
    void stop_container(const std::string& container, std::chrono::milliseconds grace,
                        Done<> done) override;
    void stop_sandbox(const std::string& sandbox, Done<> done) override;
    void remove_sandbox(const std::string& sandbox, Done<> done) override;
    std::vector<SandboxRecord> sandboxes() const override;
    void on_container_exit(std::function<void(const std::string&)> callback) override;

    /// Registered NRI plugins, for `knd-local status`.
    std::vector<std::string> nri_plugins() const { return nri_->plugins(); }

  private:
    struct Found {
        SandboxRecord* sandbox = nullptr;
        ContainerRecord* container = nullptr;
    };
    struct Running {
        std::unique_ptr<ExitWatch> watch;
        std::vector<Done<>> waiting;  ///< for its end
    };

    NodeRuntime(boost::asio::io_context& io, NodeRuntimeOptions options, PodNetwork& network);
    Result<> load();
    void adopt(SandboxRecord& sandbox, ContainerRecord& container);
    Result<> save(const SandboxRecord& sandbox) const;
    void save_or_log(const SandboxRecord& sandbox) const;
    SandboxRecord* find_sandbox(const std::string& id);
    Found find_container(const std::string& id);
    NriRuntime::Inventory inventory() const;
    void container_ended(const std::string& id, Exit exit);
    bool end_next_container(SandboxRecord& sandbox, const Done<>& done);
    void start_failed(const std::string& id, const Error& error, const Done<>& done);
    Result<HookContext> hook_context(const Found& found) const;
    Result<> join_network(SandboxRecord& sandbox);
    Result<> leave_network(const SandboxRecord& sandbox);
    void network_gone(const std::string& sandbox, const Done<>& done);

    boost::asio::io_context& io_;
    NodeRuntimeOptions options_;
    PodNetwork& network_;
    std::unique_ptr<NriRuntime> nri_;
    std::map<std::string, SandboxRecord> sandboxes_;
    std::map<std::string, Running> processes_;  ///< by container id
    std::function<void(const std::string&)> exit_callback_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // shared with hooks that run
};

}  // namespace knd::local
