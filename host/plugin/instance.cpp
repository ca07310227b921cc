// SPDX-License-Identifier: Apache-2.0
#include "host/plugin/instance.hpp"

#include <fcntl.h>

#include <boost/asio/post.hpp>
#include <cerrno>
#include <memory>
#include <utility>

#include "host/model/log.hpp"
#include "host/plugin/instance_core.hpp"

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

/// A job's answer carries no value; `value` is where its work leaves it.
template <class T>
Done<> deliver(std::shared_ptr<T> value, Done<T> done) {
    return [value = std::move(value), done = std::move(done)](Result<> result) {
        if (!result.ok()) return done(std::move(result).error());
        done(std::move(*value));
    };
}

}  // namespace

std::shared_ptr<Instance> Instance::make(boost::asio::io_context& io,
                                         boost::asio::thread_pool& workers,
                                         const PluginOptions& options, BackendConfig config,
                                         const Result<Library>& library) {
    std::shared_ptr<Instance> self(new Instance(io, workers, options, std::move(config)));
    if (library.ok()) {
        self->adopt(*library);
    } else {
        self->info_.library = options.directory + "/" + self->config_.library;
        self->info_.state = BackendState::kFailed;
        self->info_.reason = library.error().message();
    }
    return self;
}

Instance::Instance(boost::asio::io_context& io, boost::asio::thread_pool& workers,
                   const PluginOptions& options, BackendConfig config)
    : io_(io), workers_(workers), options_(options), config_(std::move(config)) {
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
    auto services = std::make_shared<HostServices>(
        io_, HostServices::Names{config_.name, options_.domain, options_.node}, options_.coalesce);
    auto core = InstanceCore::make(library, config_.name, options_.domain, services);
    if (!core.ok()) {
        info_.state = BackendState::kFailed;
        info_.reason = core.error().message();
        return;
    }
    core_ = *std::move(core);
    info_.extensions = core_->tables().offered;
    queue_ = std::make_shared<CallQueue>(io_, workers_, config_.name,
                                         CallQueue::Options{.concurrent = library.concurrent,
                                                            .grace = options_.grace,
                                                            .check_calls = options_.check_calls},
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

BackendCounters Instance::counters() const {
    auto counters = counters_;
    if (!core_) return counters;
    counters.events = core_->services().events();
    counters.dropped_reports = core_->services().dropped_reports();
    counters.metrics = core_->services().metrics();
    return counters;
}

void Instance::start(Done<> done) {
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
    auto effects = std::make_shared<Effects>();
    const auto device = request.binding.key.device;
    submit({.operation = "prepare",
            .device = device,
            .deadline = deadline,
            .retry = true,
            .work = [core = core_, effects,
                     request = std::move(request)](const Call& call) -> Result<void> {
                KND_TRY_ASSIGN(*effects, core->prepare(call, request));
                return {};
            },
            .done = deliver(effects, std::move(done))});
}

void Instance::unprepare(Binding binding, Deadline deadline, Done<> done) {
    const auto device = binding.key.device;
    submit({.operation = "unprepare",
            .device = device,
            .deadline = deadline,
            .retry = true,
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
            .work = [core = core_, lost, live = std::move(live)](const Call& call) -> Result<void> {
                KND_TRY_ASSIGN(*lost, core->reconcile(call, live));
                return {};
            },
            .done = deliver(lost, std::move(done))});
}

void Instance::on_ready(int fd, std::uint64_t token) {
    auto rearm = [weak = weak_from_this(), fd, token](const Result<>&) {
        const auto self = weak.lock();
        if (self && self->core_) self->core_->services().rearm(fd, token);
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

Instance::Deadline Instance::in(std::chrono::milliseconds time) const {
    return CallQueue::Clock::now() + time;
}

/// Every answer carries the backend's name; callers add claim and device.
void Instance::submit(CallQueue::Job job) {
    job.done = [done = std::move(job.done), context = "backend " + name()](Result<> result) {
        done(std::move(result).wrap(context));
    };
    if (auto error = refusal(job.operation)) {
        boost::asio::post(io_, [done = std::move(job.done), e = *std::move(error)] { done(e); });
        return;
    }
    queue_->submit(std::move(job));
}

std::optional<Error> Instance::refusal(std::string_view operation) const {
    const auto unavailable = [](std::string text) {
        return Error(Code::kUnavailable, std::move(text));
    };
    // Only another file would help.
    if (!core_) return Error(Code::kFailedPrecondition, "not running: " + info_.reason);
    if (operation == "start" && queue_->has(operation))
        return unavailable("its last start has not come back yet");
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
                if (self.info_.state == BackendState::kStuck)
                    self.set_state(self.state_before_stuck_, "");
            })};
}

void Instance::finished(const Call& call, const Result<void>& result,
                        CallQueue::Clock::duration took) {
    const auto& operation = call.operation();
    auto& counters = counters_.operations[operation];
    ++counters.calls;
    counters.time += took;
    if (!result.ok()) ++counters.failures;
    if (info_.state == BackendState::kStopped) return;
    if (operation == "start") {
        // A start that came back after its caller was told that it failed counts all the same.
        started_ = result.ok();
        set_state(result.ok() ? BackendState::kRunning : BackendState::kFailed,
                  result.ok() ? "" : result.error().message());
    }
    if (result.ok()) {
        if (info_.state == BackendState::kDegraded && operation == degraded_by_) {
            set_state(BackendState::kRunning, "");
        }
        return;
    }
    const auto code = result.code();
    if (is_bug(code)) count_bug(call, result.error());
    if ((code == Code::kPermissionDenied || code == Code::kDataLoss) &&
        info_.state == BackendState::kRunning) {
        degraded_by_ = operation;
        set_state(BackendState::kDegraded, operation + ": " + result.error().message());
    }
}

void Instance::count_bug(const Call& call, const Error& error) {
    ++counters_.bugs;
    const auto now = CallQueue::Clock::now();
    bugs_.push_back(now);
    while (!bugs_.empty() && now - bugs_.front() > options_.bug_window)
        bugs_.pop_front();
    if (static_cast<int>(bugs_.size()) < options_.bugs_allowed) return;
    if (info_.state == BackendState::kFailed) return;
    out_of_service(BackendState::kFailed,
                   "out of service after " + std::to_string(bugs_.size()) + " internal errors in " +
                       std::to_string(options_.bug_window.count()) + " minutes, the last one in " +
                       call.operation() + ": " + error.message());
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
    if (sick == sick_) return;
    for (const auto& [device, report] : sick) {
        const auto before = sick_.find(device);
        if (before != sick_.end() && before->second == report) continue;
        log::warn("device is not healthy", {{"backend", name()},
                                            {"device", device},
                                            {"health", std::string(health_name(report.health))},
                                            {"error", report.message}});
    }
    for (const auto& [device, report] : sick_) {
        if (sick.contains(device)) continue;
        log::info("device is healthy again", {{"backend", name()}, {"device", device}});
    }
    sick_ = std::move(sick);
    counters_.unhealthy_devices = sick_.size();
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
