// SPDX-License-Identifier: Apache-2.0
//
// Instance: a Backend made of a loaded library. It turns the domain's values into ABI structs and
// back, keeps the instance's state, and counts.
//
// Failure: INTERNAL and UNKNOWN are bugs of the library. Five in ten minutes by one claim keep that
//          claim out, five by calls about no claim, or by several claims, the instance: start,
//          list, prepare and attach answer UNAVAILABLE; unprepare, detach and reconcile go on, so
//          that pods can still end. So does a daemon that died in its calls (DeathBook). Both are
//          tried again after a while. PERMISSION_DENIED and DATA_LOSS make the instance degraded
//          until the same operation works again.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "host/config/config.hpp"
#include "host/plugin/backend.hpp"
#include "host/plugin/bug_count.hpp"
#include "host/plugin/call_queue.hpp"
#include "host/plugin/crash_notes.hpp"
#include "host/plugin/death_book.hpp"
#include "host/plugin/device_sink.hpp"
#include "host/plugin/library.hpp"
#include "host/plugin/options.hpp"

namespace knd::plugin {

class InstanceCore;

/// Of all instances; both null where there is no place for them.
struct CrashMemory {
    std::shared_ptr<CrashNotes> notes;
    std::shared_ptr<DeathBook> deaths;
};

class Instance final : public Backend, public std::enable_shared_from_this<Instance> {
  public:
    /// Never fails: what is wrong with `library` or with making an instance of it becomes kFailed.
    static std::shared_ptr<Instance> make(boost::asio::io_context& io, const PluginOptions& options,
                                          BackendConfig config, const Result<Library>& library,
                                          CrashMemory memory = {});
    ~Instance() override;

    const std::string& name() const override { return config_.name; }
    BackendInfo info() const override;
    BackendCounters counters() const;
    /// A thread is inside of the library.
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
    const std::optional<std::map<std::string, HealthReport>>& health() const override {
        return sick_;
    }

  private:
    using Clock = CallQueue::Clock;

    Instance(boost::asio::io_context& io, const PluginOptions& options, BackendConfig config,
             CrashMemory memory);

    void adopt(const Library& library);
    void submit(CallQueue::Job job);
    void undo(Binding binding, const std::string& state, const Error& error,
              const Done<Effects>& done);
    std::optional<Error> refusal(const CallQueue::Job& job) const;
    std::optional<Error> state_refusal(std::string_view operation) const;
    std::optional<Error> claim_refusal(const CallClaim& claim) const;
    Deadline in(std::chrono::milliseconds time) const;
    void on_ready(int fd, std::uint64_t token);
    void rearm_unread();
    void look_at_file();
    void attach_or_detach(bool attach, Attachment attachment, Deadline deadline, Done<> done);
    CallQueue::Observer observer();
    void finished(const Call& call, const Result<void>& result, CallQueue::Clock::duration took);
    void started(const Result<void>& result);
    void count_bug(const Call& call, const Error& error);
    void keep_out(Clock::time_point until, const std::string& why);
    void come_back();
    void check_health();
    void note_health(std::map<std::string, HealthReport> sick);
    void note_refusals(const std::vector<DeviceCollector::Refusal>& refusals);
    void out_of_service(BackendState state, std::string reason);
    void set_state(BackendState state, std::string reason);

    boost::asio::io_context& io_;
    const PluginOptions options_;
    const BackendConfig config_;
    const CrashMemory memory_;
    BackendInfo info_;
    BackendCounters counters_;
    std::optional<Library> unadopted_;    ///< whose create killed the daemon; tried again later
    std::shared_ptr<InstanceCore> core_;  ///< shared with calls on workers; null: never loaded
    std::shared_ptr<CallQueue> queue_;    ///< shared with its own timers; null with core_
    std::shared_ptr<PrivateCopy> file_;   ///< null: not known
    std::string file_changed_;            ///< what became of it since
    BugCount bugs_;
    boost::asio::steady_timer comeback_;
    std::optional<Clock::time_point> out_until_;
    std::string out_reason_;
    /// Readable descriptors whose on_ready could not run.
    std::set<std::pair<int, std::uint64_t>> unread_;
    std::string degraded_by_;                     ///< the operation that must work again
    std::set<DeviceCollector::Refusal> refused_;  ///< of the last list
    /// Device -> what the backend says about it; none: it was not asked yet.
    std::optional<std::map<std::string, HealthReport>> sick_;
    bool started_ = false;
    BackendState state_before_stuck_ = BackendState::kRunning;
};

}  // namespace knd::plugin
