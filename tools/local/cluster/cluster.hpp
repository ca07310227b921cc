// SPDX-License-Identifier: Apache-2.0
//
// A cluster on one machine, put together:
//
//   kubectl, kndd -> api::Server -> api::Store <- Scheduler, ClaimController
//                                             <- per node: Kubelet -> NodeRuntime -> NriRuntime
//                                                          |                            ^
//                                                          +--- DRA gRPC --> kndd ------+
//
// Threads: one io_context thread for all of it; gRPC clients bring their own and post home.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tools/local/api/server.hpp"
#include "tools/local/api/store.hpp"
#include "tools/local/cluster/daemon_keeper.hpp"
#include "tools/local/cluster/fabric.hpp"
#include "tools/local/cluster/kind_config.hpp"
#include "tools/local/cluster/layout.hpp"
#include "tools/local/kubelet/kubelet.hpp"
#include "tools/local/kubelet/node_runtime.hpp"
#include "tools/local/scheduler/claim_controller.hpp"
#include "tools/local/scheduler/scheduler.hpp"

namespace knd::local {

struct ClusterOptions {
    Layout layout;
    KindConfig config;
    std::uint16_t api_port = 0;  ///< for kubectl, on 127.0.0.1; 0: as last time, else any
    std::filesystem::path kndd;  ///< empty: nodes without a driver
    std::filesystem::path backends;
    std::filesystem::path gate;
    /// Text of kndd's configuration by node name, "" for all others; see render_config().
    std::map<std::string, std::string> templates;
    std::chrono::milliseconds wipe_delay{30'000};
    /// The container runtime whose ways to show: see runtime_names().
    std::string runtime = "containerd-2.3";
};

std::vector<std::string> runtime_names();

class Cluster {
  public:
    /// Everything up except that the daemons may still be on their way.
    static Result<std::unique_ptr<Cluster>> open(boost::asio::io_context& io,
                                                 ClusterOptions options);
    ~Cluster();
    Cluster(const Cluster&) = delete;
    Cluster& operator=(const Cluster&) = delete;

    /// Nodes whose daemon has registered neither with the kubelet nor with NRI.
    std::vector<std::string> unready() const;
    /// Writes what `knd-local status` reads; done twice a second anyway.
    void write_status();
    std::uint16_t port() const { return port_; }

    /// Ends the daemons. Pods, namespaces and objects stay for the next run.
    void stop();

  private:
    struct Node;

    Cluster(boost::asio::io_context& io, ClusterOptions options);
    Result<> start();
    Result<> check_nodes() const;
    Result<> start_api();
    Result<> start_network();
    Result<> start_node(Node& node);
    Result<> start_daemon(Node& node);
    Json status() const;
    void keep_status();

    boost::asio::io_context& io_;
    ClusterOptions options_;
    std::uint16_t port_ = 0;
    std::unique_ptr<api::Store> store_;
    std::unique_ptr<Fabric> fabric_;
    std::unique_ptr<api::Server> server_;
    std::vector<std::unique_ptr<Node>> nodes_;
    std::unique_ptr<ClaimController> claims_;
    std::unique_ptr<Scheduler> scheduler_;
    boost::asio::steady_timer status_timer_;
    std::string written_status_;
};

/// `text` with each key of `values` between @ signs replaced by its value.
std::string render_config(std::string text, const std::map<std::string, std::string>& values);

/// Takes away all that a cluster has made, whether it runs, has ended or was killed.
Result<> remove_cluster(const Layout& layout);

}  // namespace knd::local
