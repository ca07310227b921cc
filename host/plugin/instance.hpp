// SPDX-License-Identifier: Apache-2.0
//
// Instance: a Backend made of a loaded library. It turns the domain's values into ABI structs and
// back, keeps the instance's state, and counts.
//
// Failure: INTERNAL and UNKNOWN are bugs of the library. Five in ten minutes take it out of
//          service: start, list, prepare and attach answer UNAVAILABLE; unprepare, detach and
//          reconcile go on, so that pods can still end. PERMISSION_DENIED and DATA_LOSS make it
//          degraded until the same operation works again.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "host/config/config.hpp"
#include "host/plugin/backend.hpp"
#include "host/plugin/call_queue.hpp"
#include "host/plugin/device_sink.hpp"
#include "host/plugin/options.hpp"

namespace knd::plugin {

class InstanceCore;
struct Library;

class Instance final : public Backend, public std::enable_shared_from_this<Instance> {
  public:
    /// Never fails: what is wrong with `library` or with making an instance of it becomes kFailed.
    static std::shared_ptr<Instance> make(boost::asio::io_context& io,
                                          boost::asio::thread_pool& workers,
                                          const PluginOptions& options, BackendConfig config,
                                          const Result<Library>& library);
    ~Instance() override;

    const std::string& name() const override { return config_.name; }
    BackendInfo info() const override { return info_; }
    BackendCounters counters() const;
    /// A worker is inside of the library.
    bool busy() const { return queue_ && queue_->busy(); }

    void start(Done<> done) override;
    void stop(Done<> done) override;
    void list(Done<DeviceListing> done) override;
    void prepare(PrepareRequest request, Deadline deadline, Done<Effects> done) override;
    void unprepare(Binding binding, Deadline deadline, Done<> done) override;
    void attach(Attachment attachment, Deadline deadline, Done<> done) override;
    void detach(Attachment attachment, Deadline deadline, Done<> done) override;
    void reconcile(std::vector<Binding> live, Deadline deadline,
                   Done<std::vector<Lost>> done) override;
    const std::map<std::string, HealthReport>& health() const override { return sick_; }

  private:
    Instance(boost::asio::io_context& io, boost::asio::thread_pool& workers,
             const PluginOptions& options, BackendConfig config);

    void adopt(const Library& library);
    void submit(CallQueue::Job job);
    std::optional<Error> refusal(std::string_view operation) const;
    Deadline in(std::chrono::milliseconds time) const;
    void on_ready(int fd, std::uint64_t token);
    void attach_or_detach(bool attach, Attachment attachment, Deadline deadline, Done<> done);
    CallQueue::Observer observer();
    void finished(const Call& call, const Result<void>& result, CallQueue::Clock::duration took);
    void count_bug(const Call& call, const Error& error);
    void check_health();
    void note_health(std::map<std::string, HealthReport> sick);
    void note_refusals(const std::vector<DeviceCollector::Refusal>& refusals);
    void out_of_service(BackendState state, std::string reason);
    void set_state(BackendState state, std::string reason);

    boost::asio::io_context& io_;
    boost::asio::thread_pool& workers_;
    const PluginOptions options_;
    const BackendConfig config_;
    BackendInfo info_;
    BackendCounters counters_;
    std::shared_ptr<InstanceCore> core_;  ///< shared with calls on workers; null: never loaded
    std::shared_ptr<CallQueue> queue_;    ///< shared with its own timers; null with core_
    std::deque<CallQueue::Clock::time_point> bugs_;
    std::string degraded_by_;                     ///< the operation that must work again
    std::set<DeviceCollector::Refusal> refused_;  ///< of the last list
    std::map<std::string, HealthReport> sick_;    ///< device -> what the backend says about it
    bool started_ = false;
    BackendState state_before_stuck_ = BackendState::kRunning;
};

}  // namespace knd::plugin
