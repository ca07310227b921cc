// SPDX-License-Identifier: Apache-2.0
//
// The kubelet of one node: registers the node, runs its pods, registers DRA drivers, and wipes the
// slices of drivers that are gone.
//
// Threads: the io_context's.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tools/local/api/store.hpp"
#include "tools/local/kubelet/claim_manager.hpp"
#include "tools/local/kubelet/plugin_manager.hpp"
#include "tools/local/kubelet/pod_worker.hpp"

namespace knd::local {

struct KubeletOptions {
    std::string node;
    std::string ip;
    std::string pod_cidr;
    bool control_plane = false;
    std::map<std::string, std::string> labels;  ///< beside those every node has
    std::filesystem::path registry;
    std::filesystem::path checkpoint;
    std::chrono::milliseconds retry{1'000};
    std::chrono::milliseconds crash_delay{1'000};
    std::chrono::milliseconds crash_limit{30'000};
    std::chrono::milliseconds wipe_delay{30'000};
    std::chrono::milliseconds resync{10'000};
};

class Kubelet {
  public:
    static Result<std::unique_ptr<Kubelet>> open(boost::asio::io_context& io, api::Store& store,
                                                 ContainerRuntime& runtime, KubeletOptions options);
    ~Kubelet();
    Kubelet(const Kubelet&) = delete;
    Kubelet& operator=(const Kubelet&) = delete;

    /// Drivers that are registered now.
    std::vector<std::string> drivers() const { return plugins_->drivers(); }

  private:
    Kubelet(boost::asio::io_context& io, api::Store& store, ContainerRuntime& runtime,
            KubeletOptions options);
    Result<> start();
    Result<> register_node();
    Json node_object() const;
    void pod_changed(const api::Event& event);
    void take_down_orphans();
    void add_worker(const std::string& uid, Json pod, bool exists);
    void driver_changed(const std::string& driver);
    /// An empty driver: those of all drivers.
    void wipe_slices(const std::string& driver);

    boost::asio::io_context& io_;
    api::Store& store_;
    ContainerRuntime& runtime_;
    KubeletOptions options_;
    EventRecorder events_;
    std::unique_ptr<PluginManager> plugins_;
    std::unique_ptr<ClaimManager> claims_;
    std::unique_ptr<PodContext> context_;
    std::map<std::string, std::unique_ptr<PodWorker>> workers_;     ///< by pod uid
    std::map<std::string, boost::asio::steady_timer> wipe_timers_;  ///< by driver
    api::Watch watch_;
};

}  // namespace knd::local
