// SPDX-License-Identifier: Apache-2.0
//
// Brings one pod to where its object says it should be, one step at a time, in the kubelet's order:
//
//   up    prepare claims -> sandbox -> per container: create, start
//   down  stop containers -> stop sandbox -> unprepare claims -> remove sandbox -> delete the
//   object
//
// Each step looks at what the runtime has, so that the same code carries on after a restart.
// A step that fails is reported as an event and tried again.
//
// Threads: the io_context's.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "tools/local/api/store.hpp"
#include "tools/local/kubelet/claim_manager.hpp"
#include "tools/local/kubelet/pod_status.hpp"
#include "tools/local/kubelet/runtime.hpp"
#include "tools/local/support/events.hpp"

namespace knd::local {

/// What all workers of a node share.
struct PodContext {
    boost::asio::io_context& io;
    api::Store& store;
    ContainerRuntime& runtime;
    ClaimManager& claims;
    EventRecorder& events;
    std::string host_ip;
    std::chrono::milliseconds retry;        ///< after a failed step (kubelet: about 10 s)
    std::chrono::milliseconds crash_delay;  ///< first back-off of a container (kubelet: 10 s)
    std::chrono::milliseconds crash_limit;  ///< longest one (kubelet: 5 min)
    std::chrono::milliseconds resync;       ///< how often a pod is looked at (kubelet: 1 min)
};

class PodWorker {
  public:
    /// `pod` is the stored object or, for a sandbox whose pod is gone, only its metadata.
    PodWorker(PodContext& context, Json pod, bool exists, std::function<void()> done);
    ~PodWorker() { *alive_ = false; }
    PodWorker(const PodWorker&) = delete;
    PodWorker& operator=(const PodWorker&) = delete;

    void update(const Json& pod);
    /// The object is gone from the store; what it left here is taken down.
    void object_deleted();
    /// Something may have changed: look now.
    void poke();

  private:
    struct Backoff {
        std::chrono::milliseconds delay{0};
        std::chrono::steady_clock::time_point until;
        std::string seen;  ///< id of the container whose end has been counted
    };

    void sync();
    void sync_up(const SandboxRecord* sandbox);
    void sync_down(const SandboxRecord* sandbox);
    void retire_sandbox(const SandboxRecord& sandbox);
    bool stop_next_container(const SandboxRecord& sandbox);
    void start_sandbox();
    bool start_next_container(const SandboxRecord& sandbox);
    void back_off(const ContainerRecord& ended, Backoff& backoff);
    void start_container(const SandboxRecord& sandbox, const Json& spec, int attempt);
    void run_container(const std::string& id, const std::string& name);
    bool finished(const SandboxRecord* sandbox) const;
    std::optional<SandboxRecord> sandbox() const;
    void delete_object();
    void publish();
    /// Ends the step under way: with an error, an event is recorded and the next try scheduled.
    void step_done(const Result<>& result, std::string_view event, const std::string& text);
    Done<> next_step(std::string event, std::string text);
    void wake_after(std::chrono::milliseconds delay);
    std::string uid() const { return json_string(json_at(pod_, "metadata"), "uid"); }

    PodContext& context_;
    Json pod_;
    bool exists_;
    std::function<void()> done_;
    boost::asio::steady_timer timer_;
    std::chrono::steady_clock::time_point wake_at_ = std::chrono::steady_clock::time_point::max();
    bool busy_ = false;
    bool unprepared_ = false;
    bool killing_told_ = false;
    std::string retired_;                      ///< sandbox that is taken down to be made anew
    std::string stopped_;                      ///< the same, once it was stopped
    std::map<std::string, Waiting> waiting_;   ///< by container
    std::map<std::string, Backoff> backoffs_;  ///< by container
    std::map<std::string, int> attempts_;      ///< next one, by container
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // shared with callbacks
};

}  // namespace knd::local
