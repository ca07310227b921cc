// SPDX-License-Identifier: Apache-2.0
#include "host/plugin/instance.hpp"

#include <fcntl.h>

#include <boost/asio/post.hpp>
#include <cerrno>
#include <memory>
#include <utility>

#include "host/model/log.hpp"
#include "host/model/time.hpp"
#include "host/plugin/instance_core.hpp"
#include "host/plugin/private_copy.hpp"

#include <knd/cpp/fd.hpp>

namespace knd::plugin {
namespace {

/// Undoing and forgetting: allowed also for an instance that is out of service.
bool is_cleanup(std::string_view operation) {
    return operation == "unprepare" || operation == "detach" || operation == "reconcile" ||
           operation == "stop" || operation == "on_ready";
}

bool is_bug(Code code) {
    return code == Code::kInternal || code == Code::kUnknown;
}

std::int64_t now_ms() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

/// Why `operation`, without which nothing else can be called, must not be tried now.
std::optional<std::string> death_refusal(const DeathBook* deaths, const std::string& instance,
                                         std::string_view operation) {
    if (deaths == nullptr || !deaths->died_in(instance, operation)) return std::nullopt;
    const auto out = deaths->instance_kept_out(instance, now_ms());
    if (!out) return std::nullopt;
    return out->reason + "; it is tried again at " + rfc3339(out->until_ms / 1000);
}

}  // namespace

std::shared_ptr<Instance> Instance::make(boost::asio::io_context& io, const PluginOptions& options,
                                         BackendConfig config, const Result<Library>& library,
                                         CrashMemory memory) {
    std::shared_ptr<Instance> self(new Instance(io, options, std::move(config), std::move(memory)));
    if (library.ok()) {
        self->adopt(*library);
    } else {
        self->info_.library = options.directory + "/" + self->config_.library;
        self->info_.state = BackendState::kFailed;
        self->info_.reason = library.error().message();
    }
    return self;
}

Instance::Instance(boost::asio::io_context& io, const PluginOptions& options, BackendConfig config,
                   CrashMemory memory)
    : io_(io),
      options_(options),
      config_(std::move(config)),
      memory_(std::move(memory)),
      bugs_(options.bugs),
      comeback_(io) {
    info_.name = config_.name;
}

Instance::~Instance() {
    if (core_) core_->services().disconnect();
}

void Instance::adopt(const Library& library) {
    info_.library = library.path;
    info_.id = library.id;
    info_.version = library.version;
    info_.vendor = library.vendor;
    file_ = library.file;
    if (auto out = death_refusal(memory_.deaths.get(), name(), "create")) {
        info_.state = BackendState::kFailed;
        info_.reason = *std::move(out);
        unadopted_ = library;
        return;
    }
    auto services = std::make_shared<HostServices>(
        io_, HostServices::Names{config_.name, options_.domain, options_.node}, options_.coalesce);
    auto core = [&] {
        const Call call(name() + "-0", "create", "", Deadline::max());
        const CrashNotes::Scope note(memory_.notes.get(), name(), call);
        return InstanceCore::make(library, config_.name, options_.domain, services);
    }();
    if (!core.ok()) {
        info_.state = BackendState::kFailed;
        info_.reason = core.error().message();
        return;
    }
    core_ = *std::move(core);
    if (auto out = death_refusal(memory_.deaths.get(), name(), "start")) {
        info_.state = BackendState::kFailed;
        info_.reason = *std::move(out);
    }
    info_.extensions = core_->tables().offered;
    queue_ = std::make_shared<CallQueue>(io_, config_.name,
                                         CallQueue::Options{.concurrent = library.concurrent,
                                                            .overlap = options_.overlap,
                                                            .grace = options_.grace,
                                                            .check_locale = options_.check_locale,
                                                            .notes = memory_.notes},
                                         observer());
    services->connect({
        .devices_changed =
            [weak = weak_from_this()] {
                const auto self = weak.lock();
                if (self && self->on_devices_changed) self->on_devices_changed();
            },
        .health_changed =
            [weak = weak_from_this()] {
                if (const auto self = weak.lock()) self->check_health();
            },
        .event =
            [weak = weak_from_this()](const BackendEvent& event) {
                const auto self = weak.lock();
                if (self && self->on_event) self->on_event(event);
            },
        .ready =
            [weak = weak_from_this()](int fd, std::uint64_t token) {
                if (const auto self = weak.lock()) self->on_ready(fd, token);
            },
    });
}

BackendInfo Instance::info() const {
    auto info = info_;
    if (info.state == BackendState::kRunning && info.reason.empty()) info.reason = file_changed_;
    if (memory_.deaths) {
        info.crashes = memory_.deaths->deaths(name());
        info.last_crash = memory_.deaths->last_death(name());
    }
    return info;
}

BackendCounters Instance::counters() const {
    auto counters = counters_;
    if (!core_) return counters;
    counters.events = core_->services().events();
    counters.dropped_reports = core_->services().dropped_reports();
    counters.metrics = core_->services().metrics();
    return counters;
}

void Instance::start(Done<> done) {
    if (const auto library = std::exchange(unadopted_, std::nullopt)) adopt(*library);
    submit({.operation = "start",
            .device = {},
            .deadline = in(options_.start_timeout),
            .retry = false,
            .work = [core = core_,
                     config = config_.config](const Call&) { return core->start(config); },
            .done = std::move(done)});
}

void Instance::stop(Done<> done) {
    if (!core_ || info_.state == BackendState::kStopped) {
        boost::asio::post(io_, [done = std::move(done)] { done({}); });
        return;
    }
    queue_->fail_waiting(Error(Code::kUnavailable, "backend " + name() + " is being stopped"));
    core_->services().disconnect();
    comeback_.cancel();
    submit({.operation = "stop",
            .device = {},
            .deadline = in(options_.stop_timeout),
            .retry = false,
            .work =
                [core = core_](const Call&) {
                    core->stop();
                    return Result<void>();
                },
            .done = std::move(done)});
    set_state(BackendState::kStopped, "");
}

void Instance::list(Done<DeviceListing> done) {
    look_at_file();
    auto listed = std::make_shared<Listed>();
    submit({.operation = "list",
            .device = {},
            .deadline = in(options_.list_timeout),
            .retry = true,
            .work = [core = core_, listed](const Call& call) -> Result<void> {
                KND_TRY_ASSIGN(*listed, core->list(call));
                return {};
            },
            .done =
                [weak = weak_from_this(), listed, done = std::move(done)](Result<> result) {
                    if (!result.ok()) return done(std::move(result).error());
                    if (const auto self = weak.lock()) {
                        self->note_refusals(listed->refusals);
                        self->check_health();
                    }
                    done(std::move(listed->listing));
                }});
}

void Instance::prepare(PrepareRequest request, Deadline deadline, Done<Effects> done) {
    auto effects = std::make_shared<std::optional<Effects>>();
    const Binding binding = request.binding;
    const CallClaim claim{binding.key.claim_uid, binding.claim};
    submit(
        {.operation = "prepare",
         .device = binding.key.device,
         .deadline = deadline,
         .retry = true,
         .claim = claim,
         .work = [core = core_, effects,
                  request = std::move(request)](const Call& call) -> Result<void> {
             KND_TRY_ASSIGN(*effects, core->prepare(call, request));
             return {};
         },
         .done =
             [weak = weak_from_this(), effects, binding, done = std::move(done)](Result<> result) {
                 if (result.ok()) return done(std::move(**effects));
                 const auto self = weak.lock();
                 // At a deadline it may still be at work, and the caller undoes it.
                 const bool is_back = result.code() == Code::kInternal;
                 if (!self || !is_back || !*effects) return done(std::move(result).error());
                 self->undo(binding, (*effects)->state, std::move(result).error(), done);
             }});
}

/// It has prepared a device, and then left its thread changed: the claim is told that it failed.
void Instance::undo(Binding binding, const std::string& state, const Error& error,
                    const Done<Effects>& done) {
    binding.state = state;
    unprepare(std::move(binding), in(options_.list_timeout), [error, done](const Result<>& undone) {
        if (undone.ok()) return done(error);
        done(Error(error.code(),
                   error.message() + "; and undoing it failed: " + undone.error().message()));
    });
}

void Instance::unprepare(Binding binding, Deadline deadline, Done<> done) {
    const auto device = binding.key.device;
    const CallClaim claim{binding.key.claim_uid, binding.claim};
    submit({.operation = "unprepare",
            .device = device,
            .deadline = deadline,
            .retry = true,
            .claim = claim,
            .work = [core = core_, binding = std::move(binding)](
                        const Call& call) { return core->unprepare(call, binding); },
            .done = std::move(done)});
}

void Instance::attach(Attachment attachment, Deadline deadline, Done<> done) {
    attach_or_detach(true, std::move(attachment), deadline, std::move(done));
}

void Instance::detach(Attachment attachment, Deadline deadline, Done<> done) {
    attach_or_detach(false, std::move(attachment), deadline, std::move(done));
}

void Instance::attach_or_detach(bool attach, Attachment attachment, Deadline deadline,
                                Done<> done) {
    if (core_ && !core_->tables().offers(KND_EXT_ATTACH)) {
        boost::asio::post(io_, [done = std::move(done)] { done({}); });
        return;
    }
    const auto device = attachment.binding.key.device;
    const CallClaim claim{attachment.binding.key.claim_uid, attachment.binding.claim};
    // The caller's may be closed when its time is over, while the backend is still at work.
    const bool has_netns = attachment.netns_fd >= 0;
    auto netns = std::make_shared<const Fd>(
        has_netns ? ::fcntl(attachment.netns_fd, F_DUPFD_CLOEXEC, 0) : -1);
    if (has_netns && !*netns) {
        const auto error = Error::from_errno("keep the pod's network namespace", errno);
        boost::asio::post(io_, [done = std::move(done), error] { done(error); });
        return;
    }
    attachment.netns_fd = netns->get();
    submit({.operation = attach ? "attach" : "detach",
            .device = device,
            .deadline = deadline,
            .retry = true,
            .claim = claim,
            .work =
                [core = core_, attach, attachment = std::move(attachment),
                 netns = std::move(netns)](const Call& call) {
                    return attach ? core->attach(call, attachment) : core->detach(call, attachment);
                },
            .done = std::move(done)});
}

void Instance::reconcile(std::vector<Binding> live, Deadline deadline,
                         Done<std::vector<Lost>> done) {
    if (core_ && !core_->tables().offers(KND_EXT_RECOVER)) {
        core_->hold(live);
        boost::asio::post(io_, [done = std::move(done)] { done(std::vector<Lost>()); });
        return;
    }
    auto lost = std::make_shared<std::vector<Lost>>();
    submit({.operation = "reconcile",
            .device = {},
            .deadline = deadline,
            .retry = true,
            .holds = true,
            .work = [core = core_, lost, live = std::move(live)](const Call& call) -> Result<void> {
                KND_TRY_ASSIGN(*lost, core->reconcile(call, live));
                return {};
            },
            .done =
                [lost, done = std::move(done)](Result<> result) {
                    if (!result.ok()) return done(std::move(result).error());
                    done(std::move(*lost));
                }});
}

/// A descriptor whose call was refused, or has not come back, stays readable: looked at again at
/// once, it would keep a processor busy until the instance serves.
void Instance::on_ready(int fd, std::uint64_t token) {
    auto rearm = [weak = weak_from_this(), fd, token](const Result<>& result) {
        const auto self = weak.lock();
        if (!self || !self->core_) return;
        if (result.ok()) return self->core_->services().rearm(fd, token);
        self->unread_.emplace(fd, token);
    };
    submit({.operation = "on_ready",
            .device = {},
            .deadline = in(options_.list_timeout),
            .retry = false,
            .work =
                [core = core_, fd, token](const Call&) {
                    core->on_ready(fd, token);
                    return Result<void>();
                },
            .done = rearm});
}

/// When a call has come back, others may.
void Instance::rearm_unread() {
    for (const auto& [fd, token] : std::exchange(unread_, {}))
        core_->services().rearm(fd, token);
}

/// Logs each change once.
void Instance::look_at_file() {
    if (!file_) return;
    auto became = what_became_of(*file_);
    if (became == file_changed_) return;
    file_changed_ = std::move(became);
    if (file_changed_.empty()) return;
    log::warn("backend runs what is not in its file any more",
              {{"backend", name()}, {"path", info_.library}, {"error", file_changed_}});
}

Instance::Deadline Instance::in(std::chrono::milliseconds time) const {
    return CallQueue::Clock::now() + time;
}

/// Every answer carries the backend's name; callers add claim and device.
void Instance::submit(CallQueue::Job job) {
    job.done = [done = std::move(job.done), context = "backend " + name()](Result<> result) {
        done(std::move(result).wrap(context));
    };
    if (auto error = refusal(job)) {
        boost::asio::post(io_, [done = std::move(job.done), e = *std::move(error)] { done(e); });
        return;
    }
    queue_->submit(std::move(job));
}

std::optional<Error> Instance::refusal(const CallQueue::Job& job) const {
    if (auto error = state_refusal(job.operation)) return error;
    if (is_cleanup(job.operation)) return std::nullopt;
    return claim_refusal(job.claim);
}

std::optional<Error> Instance::claim_refusal(const CallClaim& claim) const {
    if (claim.uid.empty()) return std::nullopt;
    if (const auto* out = bugs_.kept_out(claim, Clock::now())) {
        return Error(Code::kUnavailable, "does not serve this claim after " + out->reason +
                                             "; it is tried again at " + wall_time(out->until));
    }
    if (!memory_.deaths) return std::nullopt;
    const auto out = memory_.deaths->claim_kept_out(name(), claim.uid, now_ms());
    if (!out) return std::nullopt;
    return Error(Code::kUnavailable, "does not serve this claim, because " + out->reason +
                                         "; it is tried again at " + rfc3339(out->until_ms / 1000));
}

std::optional<Error> Instance::state_refusal(std::string_view operation) const {
    const auto unavailable = [](std::string text) {
        return Error(Code::kUnavailable, std::move(text));
    };
    if (unadopted_) return unavailable("not running: " + info_.reason);
    // Only another file would help.
    if (!core_) return Error(Code::kFailedPrecondition, "not running: " + info_.reason);
    if (operation == "start" && queue_->has(operation))
        return unavailable("its last start has not come back yet");
    if (operation == "start" && !started_) {
        if (const auto out = death_refusal(memory_.deaths.get(), name(), operation))
            return unavailable("not running: " + *out);
    }
    switch (info_.state) {
        case BackendState::kStopped:
            return unavailable("has been stopped");
        case BackendState::kFailed:
            if (operation == "start" && !started_) return std::nullopt;
            if (started_ && is_cleanup(operation)) return std::nullopt;
            if (operation == "stop") return std::nullopt;
            return unavailable("not running: " + info_.reason);
        case BackendState::kLoaded:
            if (operation == "start" || operation == "stop") return std::nullopt;
            return unavailable("not started yet");
        case BackendState::kStuck:  // the queue answers
        case BackendState::kRunning:
        case BackendState::kDegraded:
            break;
    }
    if (operation == "start") {
        return Error(Code::kFailedPrecondition, "has been started already");
    }
    return std::nullopt;
}

CallQueue::Observer Instance::observer() {
    const auto with_self = [weak = weak_from_this()](auto member) {
        return [weak, member](const Call& call) {
            if (const auto self = weak.lock()) member(*self, call);
        };
    };
    return {.finished =
                [weak = weak_from_this()](const Call& call, const Result<void>& result,
                                          CallQueue::Clock::duration took) {
                    if (const auto self = weak.lock()) self->finished(call, result, took);
                },
            .retried = with_self([](Instance& self, const Call& call) {
                ++self.counters_.operations[call.operation()].retries;
            }),
            .timed_out = with_self([](Instance& self, const Call& call) {
                ++self.counters_.operations[call.operation()].timeouts;
            }),
            .stuck = with_self([](Instance& self, const Call& call) {
                self.state_before_stuck_ = self.info_.state;
                self.out_of_service(BackendState::kStuck,
                                    "stuck in " + call.operation() + ", which does not return");
            }),
            .recovered = with_self([](Instance& self, const Call& call) {
                log::info("backend answers again", {{"backend", self.name()}, {"call", call.id()}});
                // Unless what it came back with has changed the state already.
                if (self.info_.state != BackendState::kStuck) return;
                if (self.out_until_) return self.set_state(BackendState::kFailed, self.out_reason_);
                const bool was_out = self.state_before_stuck_ == BackendState::kFailed;
                self.set_state(
                    was_out && self.started_ ? BackendState::kRunning : self.state_before_stuck_,
                    "");
            }),
            .breached = with_self([](Instance& self, const Call&) { ++self.counters_.breaches; })};
}

void Instance::finished(const Call& call, const Result<void>& result,
                        CallQueue::Clock::duration took) {
    const auto& operation = call.operation();
    auto& counters = counters_.operations[operation];
    ++counters.calls;
    counters.time += took;
    if (!result.ok()) ++counters.failures;
    if (info_.state == BackendState::kStopped) return;
    if (memory_.deaths) memory_.deaths->worked(name(), call.claim().uid, operation);
    rearm_unread();
    if (operation == "start") started(result);
    if (result.ok()) {
        if (info_.state == BackendState::kDegraded && operation == degraded_by_) {
            set_state(BackendState::kRunning, "");
        }
        return bugs_.worked(call.claim(), operation);
    }
    const auto code = result.code();
    if (is_bug(code)) count_bug(call, result.error());
    if ((code == Code::kPermissionDenied || code == Code::kDataLoss) &&
        info_.state == BackendState::kRunning) {
        degraded_by_ = operation;
        set_state(BackendState::kDegraded, operation + ": " + result.error().message());
    }
}

/// A start that came back after its caller was told that it failed counts all the same.
void Instance::started(const Result<void>& result) {
    started_ = result.ok();
    if (!result.ok()) return set_state(BackendState::kFailed, result.error().message());
    const auto out =
        memory_.deaths ? memory_.deaths->instance_kept_out(name(), now_ms()) : std::nullopt;
    if (!out) return set_state(BackendState::kRunning, "");
    // It is there for the ends of pods.
    const auto left = std::chrono::milliseconds(out->until_ms - now_ms());
    keep_out(Clock::now() + left, out->reason);
}

void Instance::count_bug(const Call& call, const Error& error) {
    ++counters_.bugs;
    const auto verdict = bugs_.add(call.claim(), call.operation(), error.message(), Clock::now());
    if (verdict.claim) {
        log::warn(
            "backend does not serve a claim for a while",
            {{"backend", name()}, {"claim", call.claim().name}, {"error", verdict.claim->reason}});
    }
    if (!verdict.instance || info_.state == BackendState::kFailed) return;
    keep_out(verdict.instance->until, verdict.instance->reason);
}

void Instance::keep_out(Clock::time_point until, const std::string& why) {
    out_until_ = until;
    out_reason_ = "out of service after " + why + "; it is tried again at " + wall_time(until);
    out_of_service(BackendState::kFailed, out_reason_);
    comeback_.expires_at(until);
    comeback_.async_wait([weak = weak_from_this()](const auto& cancelled) {
        const auto self = weak.lock();
        if (!cancelled && self) self->come_back();
    });
}

void Instance::come_back() {
    out_until_.reset();
    if (info_.state != BackendState::kFailed || !started_) return;
    log::info("backend is tried again", {{"backend", name()}});
    set_state(BackendState::kRunning, "");
    rearm_unread();
}

void Instance::check_health() {
    if (!core_->tables().offers(KND_EXT_HEALTH)) return;
    auto sick = std::make_shared<std::map<std::string, HealthReport>>();
    submit({.operation = "check",
            .device = {},
            .deadline = in(options_.list_timeout),
            .retry = false,
            .work = [core = core_, sick](const Call& call) -> Result<void> {
                KND_TRY_ASSIGN(*sick, core->check(call));
                return {};
            },
            .done =
                [weak = weak_from_this(), sick](const Result<>& result) {
                    // A failed check is counted and says nothing about the devices.
                    const auto self = weak.lock();
                    if (self && result.ok()) self->note_health(std::move(*sick));
                }});
}

/// One line per change.
void Instance::note_health(std::map<std::string, HealthReport> sick) {
    using ByDevice = std::map<std::string, HealthReport>;
    if (sick_ == sick) return;
    const auto known = std::exchange(sick_, std::move(sick)).value_or(ByDevice());
    for (const auto& [device, report] : *sick_) {
        const auto before = known.find(device);
        if (before != known.end() && before->second == report) continue;
        log::warn("device is not healthy", {{"backend", name()},
                                            {"device", device},
                                            {"health", std::string(health_name(report.health))},
                                            {"error", report.message}});
    }
    for (const auto& [device, report] : known) {
        if (sick_->contains(device)) continue;
        log::info("device is healthy again", {{"backend", name()}, {"device", device}});
    }
    counters_.unhealthy_devices = sick_->size();
    if (on_health_changed) on_health_changed();
}

/// One line per device and reason, until the device is right or wrong in another way.
void Instance::note_refusals(const std::vector<DeviceCollector::Refusal>& refusals) {
    counters_.refused_devices = refusals.size();
    std::set<DeviceCollector::Refusal> now(refusals.begin(), refusals.end());
    for (const auto& refusal : now) {
        if (refused_.contains(refusal)) continue;
        log::warn("device left out",
                  {{"backend", name()}, {"device", refusal.device}, {"error", refusal.reason}});
    }
    refused_ = std::move(now);
}

void Instance::out_of_service(BackendState state, std::string reason) {
    log::error("backend does not serve", {{"backend", name()}, {"error", reason}});
    set_state(state, std::move(reason));
}

void Instance::set_state(BackendState state, std::string reason) {
    if (info_.state == state && info_.reason == reason) return;
    info_.state = state;
    info_.reason = std::move(reason);
    if (on_state_changed) on_state_changed();
}

}  // namespace knd::plugin
