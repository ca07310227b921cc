// SPDX-License-Identifier: Apache-2.0
//
// NriRuntime: the container runtime's half of NRI. Accepts plugins on a unix socket and tells them
// of pods and containers in the same order, with the same time limits and with the same lock around
// everything as containerd and CRI-O, so that a plugin meets here what it will meet there.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "host/model/services.hpp"

#include <knd/cpp/fd.hpp>
#include <knd/cpp/result.hpp>

namespace knd::local {

class NriPeer;

/// Whose behaviour to show.
enum class NriVersion {
    k0_8,   ///< containerd 1.7 to 2.1: StateChange, 11 events
    k0_11,  ///< containerd 2.2: StateChange, 14 events
    k0_12,  ///< containerd 2.3: one RPC per event, StateChange for plugins without it; as of 0.12.5
            ///< plugins have a failure policy
};

struct NriRuntimeOptions {
    std::string socket_path;
    std::string name = "knd-local";
    std::string version = KND_VERSION;
    NriVersion nri_version = NriVersion::k0_12;
    std::chrono::milliseconds registration_timeout{5000};
    std::chrono::milliseconds request_timeout{2000};
    /// Synchronize is split into messages of at most this size.
    std::size_t max_message = 4u << 20;
};

/// Threads: the thread of the io_context, for everything.
/// Failure: a plugin that does not answer in time or breaks the protocol is dropped, and the
/// request goes on as if it had never been there (fail open, as the real ones), unless the plugin
/// has asked for another failure policy. An error that a plugin answers with ends the request and
/// is handed back. A plugin whose connection ends between two requests fails none.
class NriRuntime {
  public:
    struct Inventory {
        std::vector<PodSandbox> pods;
        std::vector<Container> containers;
    };
    /// Called when a plugin is synchronised: everything that exists at that moment.
    using Snapshot = std::function<Inventory()>;

    static Result<std::unique_ptr<NriRuntime>> open(boost::asio::io_context& io,
                                                    NriRuntimeOptions options, Snapshot snapshot);
    /// Ends all connections; requests under way get no answer any more.
    ~NriRuntime();
    NriRuntime(const NriRuntime&) = delete;
    NriRuntime& operator=(const NriRuntime&) = delete;

    /// These queue behind one another and behind the synchronisation of new plugins: one lock for
    /// the whole node. `done` is never called from inside the call.
    void run_pod_sandbox(PodSandbox pod, Done<> done);
    void stop_pod_sandbox(PodSandbox pod, Done<> done);
    void remove_pod_sandbox(PodSandbox pod, Done<> done);
    /// Hands out the edits of all plugins together. Two plugins that set the same thing are an
    /// error.
    void create_container(PodSandbox pod, Container container, Done<ContainerEdits> done);

    /// Index and name ("10-knd") of the registered plugins, in the order they are called.
    std::vector<std::string> plugins() const;

  private:
    struct Walk;
    using Job = std::function<void()>;

    NriRuntime(boost::asio::io_context& io, NriRuntimeOptions options, Snapshot snapshot,
               Fd listener);
    void accept();
    void accept_later();
    void join(const std::shared_ptr<NriPeer>& peer);
    void synchronize(const std::shared_ptr<NriPeer>& peer);
    void insert(const std::shared_ptr<NriPeer>& peer);
    void drop(NriPeer& peer, const Error& error);
    void enqueue(Job job);
    void run_front();
    void job_done();
    void start_walk(Walk walk);
    void step(const std::shared_ptr<Walk>& walk);
    void stepped(const std::shared_ptr<Walk>& walk, NriPeer& peer, const Result<>& result);
    void finish(const std::shared_ptr<Walk>& walk, Result<ContainerEdits> result);
    void pod_event(int event, PodSandbox pod, Done<> done);

    boost::asio::io_context& io_;
    NriRuntimeOptions options_;
    Snapshot snapshot_;
    boost::asio::posix::stream_descriptor listener_;
    boost::asio::steady_timer accept_pause_;
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);  ///< for what was posted
    std::shared_ptr<NriPeer> joining_;  ///< accepted, not registered yet: one at a time
    std::vector<std::shared_ptr<NriPeer>> plugins_;
    std::deque<Job> jobs_;  ///< the front one runs
};

}  // namespace knd::local
