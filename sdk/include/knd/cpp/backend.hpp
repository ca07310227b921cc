// SPDX-License-Identifier: Apache-2.0
//
// Write a backend as a plain class. What it can do is what it has methods for; the optional ones
// are at the end.
//
// clang-format off
/*
   class Mine {
     public:
       explicit Mine(knd::Host host);   // must not call the host
       knd::Result<void> start(const knd::Params& config);
       void stop();
       knd::Result<void> list(const knd::Call&, knd::DeviceSink&);
       knd::Result<void> prepare(const knd::Call&, const knd::PrepareRequest&, knd::EffectsSink&);
       knd::Result<void> unprepare(const knd::Call&, const knd::Binding&);

       knd::Result<void> validate(const knd::Call&, const knd::PrepareRequest&);
       knd::Result<void> attach(const knd::Call&, const knd::AttachRequest&);
       knd::Result<void> detach(const knd::Call&, const knd::AttachRequest&);
       knd::Result<void> check(const knd::Call&, knd::HealthSink&);
       knd::Result<void> reconcile(const knd::Call&, std::span<const knd::Binding>, knd::LostSink&);
       void on_ready(int fd);
   };

   KND_EXPORT_BACKEND(Mine, kDescriptor)   // last line, outside of any namespace
*/
// clang-format on
//
// Threads: the host never overlaps two calls of one instance, unless the descriptor says
//          KND_CONCURRENT; the OS thread may differ from call to call.
// Failure: return an Error, with a sentence for a person. Whatever is thrown becomes INTERNAL.
#pragma once

#include <chrono>
#include <concepts>
#include <exception>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <knd/cpp/abi.hpp>
#include <knd/cpp/binding.hpp>
#include <knd/cpp/params.hpp>
#include <knd/cpp/result.hpp>
#include <knd/cpp/sinks.hpp>

#include <knd/knd.h>

namespace knd {

/// The host's services. A handle: copy it freely; valid until the backend is destroyed. [any]
class Host {
  public:
    explicit Host(const knd_host* host) : host_(host) {}

    void debug(const std::string& line) const { log(KND_LOG_DEBUG, line); }
    void info(const std::string& line) const { log(KND_LOG_INFO, line); }
    void warn(const std::string& line) const { log(KND_LOG_WARN, line); }
    void error(const std::string& line) const { log(KND_LOG_ERROR, line); }

    /// "Call list again." Cheap: the host coalesces. Without effect on a host that cannot.
    void devices_changed() const {
        if (const auto* events = table<knd_host_events>(KND_HOST_EVENTS)) {
            events->devices_changed(host_);
        }
    }
    /// "Call check again."
    void health_changed() const {
        if (const auto* events = table<knd_host_events>(KND_HOST_EVENTS)) {
            events->health_changed(host_);
        }
    }

    /// Has on_ready(fd) called whenever `fd` is readable. `fd` stays yours; unwatch before closing.
    Result<void> watch(int fd) const {
        const auto* poll = table<knd_host_poll>(KND_HOST_POLL);
        if (poll == nullptr) {
            return Error(Code::kUnimplemented, "this host does not watch descriptors");
        }
        auto err = empty_error();
        const auto status = poll->watch(host_, fd, &err);
        if (status != KND_OK) return read_error(status, err);
        return {};
    }
    void unwatch(int fd) const {
        if (const auto* poll = table<knd_host_poll>(KND_HOST_POLL)) poll->unwatch(host_, fd);
    }

    /// An event on a claim that this instance has prepared. `reason` is CamelCase. At most ten a
    /// minute; more are dropped, and so is one that this host cannot make.
    void event(std::string_view claim_uid, bool warning, const std::string& reason,
               const std::string& message) const {
        if (const auto* report = table<knd_host_report>(KND_HOST_REPORT)) {
            report->event(host_, std::string(claim_uid).c_str(), warning ? 1 : 0, reason.c_str(),
                          message.c_str());
        }
    }
    /// A number for /metrics, of the whole instance or of a device. It is a counter when its name
    /// ends in "_total". NaN takes it away.
    void metric(const std::string& name, double value, const std::string& device = {}) const {
        if (const auto* report = table<knd_host_report>(KND_HOST_REPORT)) {
            const auto kind = name.ends_with("_total") ? KND_METRIC_COUNTER : KND_METRIC_GAUGE;
            report->metric(host_, kind, name.c_str(), detail::or_null(device), value);
        }
    }

    /// The instance's name in TOML: put it into the names of what you make.
    std::string_view instance() const { return detail::view(names().instance); }
    /// The DRA driver's name, the domain of attributes and capacities without one.
    std::string_view driver() const { return detail::view(names().driver); }
    std::string_view node() const { return detail::view(names().node); }

    const knd_host* get() const { return host_; }

  private:
    knd_host names() const { return copy_in(host_); }
    void log(std::int32_t level, const std::string& line) const {
        host_->log(host_, level, line.c_str());
    }
    template <class Table>
    const Table* table(const char* id) const {
        return static_cast<const Table*>(host_->extension(host_, id));
    }

    const knd_host* host_;
};

/// One request of the host; valid during the call that got it.
class Call {
  public:
    explicit Call(const knd_call* call) : call_(call) {}

    std::string_view id() const { return call_->id; }
    /// Nobody waits any more: undo, and return what check() returns, within 100 ms.
    bool cancelled() const { return call_->cancelled(call_); }
    /// steady_clock is CLOCK_MONOTONIC on Linux. max() when there is none.
    std::chrono::steady_clock::time_point deadline() const {
        using Clock = std::chrono::steady_clock;
        if (call_->deadline_ns == 0) return Clock::time_point::max();
        return Clock::time_point(std::chrono::nanoseconds(call_->deadline_ns));
    }
    /// CANCELLED or DEADLINE_EXCEEDED when it makes no sense to go on.
    Result<void> check() const {
        if (cancelled()) return Error(Code::kCancelled, "cancelled by the host");
        if (std::chrono::steady_clock::now() >= deadline()) {
            return Error(Code::kDeadlineExceeded, "the deadline has passed");
        }
        return {};
    }

  private:
    const knd_call* call_;
};

/// What a claim has of a capacity.
struct Consumed {
    std::string_view capacity;  ///< qualified: "knd.dev/bandwidth"
    std::string_view quantity;  ///< "25G"
    std::int64_t value = 0;     ///< the same, rounded up
};

/// A pod that the claim is reserved for; its namespace is the claim's.
struct Pod {
    std::string_view uid;
    std::string_view name;
};

struct PrepareRequest {
    Binding binding;
    Params config;             ///< the claim's configuration for this device, over the class's
    Params class_config;       ///< what the DeviceClass alone says, which a user cannot change
    std::string_view request;  ///< of the claim: "nic"
    std::vector<Consumed> consumed = {};
    std::vector<Pod> pods = {};
    bool admin_access = false;

    static PrepareRequest from(const knd_prepare_request* theirs) {
        const auto r = copy_in(theirs);
        PrepareRequest request{.binding = Binding::from(r.binding),
                               .config = Params(r.config),
                               .class_config = Params(r.class_config),
                               .request = detail::view(r.request)};
        detail::each(r.consumed, r.consumed_count, [&](const knd_consumed* one) {
            const auto c = copy_in(one);
            request.consumed.push_back(
                {detail::view(c.capacity), detail::view(c.quantity), c.value});
        });
        detail::each(r.pods, r.pod_count, [&](const knd_pod* one) {
            const auto p = copy_in(one);
            request.pods.push_back({detail::view(p.uid), detail::view(p.name)});
        });
        request.admin_access = (r.flags & KND_REQUEST_ADMIN) != 0;
        return request;
    }
    /// What it has of `capacity`, qualified or without the driver's domain; nullopt: not asked.
    std::optional<std::int64_t> amount(std::string_view capacity) const {
        for (const auto& one : consumed) {
            const auto name = one.capacity;
            if (name == capacity || name.substr(name.find('/') + 1) == capacity) return one.value;
        }
        return std::nullopt;
    }
};

struct AttachRequest {
    Binding binding;
    int netns_fd = -1;  ///< borrowed; -1 in detach: the namespace is gone
    int ifindex = 0;    ///< in the pod; 0: no netdev
};

template <class T>
concept AttachesDevices = requires(T t, const Call& call, const AttachRequest& request) {
    { t.attach(call, request) } -> std::same_as<Result<void>>;
    { t.detach(call, request) } -> std::same_as<Result<void>>;
};
template <class T>
concept ChecksHealth = requires(T t, const Call& call, HealthSink& sink) {
    { t.check(call, sink) } -> std::same_as<Result<void>>;
};
template <class T>
concept Reconciles = requires(T t, const Call& call, std::span<const Binding> live,
                              LostSink& sink) {
    { t.reconcile(call, live, sink) } -> std::same_as<Result<void>>;
};
template <class T>
concept Validates = requires(T t, const Call& call, const PrepareRequest& request) {
    { t.validate(call, request) } -> std::same_as<Result<void>>;
};
template <class T>
concept Polls = requires(T t, int fd) {
    { t.on_ready(fd) } -> std::same_as<void>;
};
template <class T>
concept BackendClass = std::constructible_from<T, Host> &&
    requires(T t, const Params& params, const Call& call, DeviceSink& devices,
             const PrepareRequest& request, EffectsSink& effects, const Binding& binding) {
    { t.start(params) } -> std::same_as<Result<void>>;
    { t.stop() } -> std::same_as<void>;
    { t.list(call, devices) } -> std::same_as<Result<void>>;
    { t.prepare(call, request, effects) } -> std::same_as<Result<void>>;
    { t.unprepare(call, binding) } -> std::same_as<Result<void>>;
};

/// Runs `body`, and turns an Error or whatever it throws into a status and a message.
template <class Body>
knd_status guard(knd_error* err, Body body) noexcept {
    try {
        const Result<void> result = body();
        if (result.ok()) return KND_OK;
        fill_error(err, result.error().message(), result.error().os_error());
        return to_status(result.error().code());
    } catch (const std::bad_alloc&) {
        fill_error(err, "out of memory", ENOMEM);
        return KND_RESOURCE_EXHAUSTED;
    } catch (const std::exception& e) {
        fill_error(err, e.what(), 0);
        return KND_INTERNAL;
    } catch (...) {
        fill_error(err, "an exception of an unknown type", 0);
        return KND_INTERNAL;
    }
}

/// The C face of a backend class: one object per instance, tables of guarded functions.
template <class T>
class Exported {
  public:
    static knd_backend* create(const knd_host* host) noexcept {
        auto* self = new (std::nothrow) Exported;
        if (self == nullptr) return nullptr;
        auto err = empty_error();
        guard(&err, [&]() -> Result<void> {
            self->backend_.emplace(Host(host));
            return {};
        });
        // Reported by start, which has a place for a message; create has none.
        self->constructor_error_ = err;
        return &self->face_;
    }

  private:
    static_assert(BackendClass<T>,
                  "a backend needs a constructor from knd::Host and the methods start, stop, list, "
                  "prepare and unprepare with the signatures at the top of knd/cpp/backend.hpp");
    // A typo in an optional method would otherwise only make the capability vanish.
    static_assert(AttachesDevices<T> || !(
                                            requires { &T::attach; } || requires { &T::detach; }),
                  "attach and detach: Result<void>(const Call&, const AttachRequest&), both");
    static_assert(
        ChecksHealth<T> || !requires { &T::check; },
        "check: Result<void>(const Call&, HealthSink&)");
    static_assert(
        Reconciles<T> || !requires { &T::reconcile; },
        "reconcile: Result<void>(const Call&, std::span<const Binding>, LostSink&)");
    static_assert(
        Validates<T> || !requires { &T::validate; },
        "validate: Result<void>(const Call&, const PrepareRequest&)");
    static_assert(
        Polls<T> || !requires { &T::on_ready; }, "on_ready: void(int fd)");

    Exported() {
        face_.size = sizeof face_;
        face_.backend_data = this;
        face_.start = &Exported::start;
        face_.stop = &Exported::stop;
        face_.destroy = &Exported::destroy;
        face_.extension = &Exported::extension;
    }

    static Exported& self(knd_backend* b) { return *static_cast<Exported*>(b->backend_data); }
    static T& impl(knd_backend* b) { return *self(b).backend_; }

    static knd_status start(knd_backend* b, const knd_params* config, knd_error* err) noexcept {
        return guard(err, [&]() -> Result<void> {
            if (!self(b).backend_) {
                return read_error(KND_INTERNAL, self(b).constructor_error_)
                    .wrap("the backend's constructor threw");
            }
            return impl(b).start(Params(config));
        });
    }
    static void stop(knd_backend* b) noexcept {
        guard(nullptr, [&]() -> Result<void> {
            if (self(b).backend_) impl(b).stop();
            return {};
        });
    }
    static void destroy(knd_backend* b) noexcept { delete &self(b); }

    static knd_status list(knd_backend* b, const knd_call* call, const knd_device_sink* sink,
                           knd_error* err) noexcept {
        return guard(err, [&]() -> Result<void> {
            DeviceSink devices(sink);
            KND_TRY(impl(b).list(Call(call), devices));
            return devices.status();
        });
    }
    static knd_status prepare(knd_backend* b, const knd_call* call,
                              const knd_prepare_request* request, const knd_effects* effects,
                              knd_error* err) noexcept {
        return guard(err, [&]() -> Result<void> {
            EffectsSink sink(effects);
            KND_TRY(impl(b).prepare(Call(call), PrepareRequest::from(request), sink));
            return sink.status();
        });
    }
    static knd_status unprepare(knd_backend* b, const knd_call* call, const knd_binding* binding,
                                knd_error* err) noexcept {
        return guard(err, [&] { return impl(b).unprepare(Call(call), Binding::from(binding)); });
    }
    static AttachRequest attach_request(const knd_attach_request* request) {
        const auto r = copy_in(request);
        return {Binding::from(r.binding), r.netns_fd, r.ifindex};
    }
    static knd_status attach(knd_backend* b, const knd_call* call,
                             const knd_attach_request* request, knd_error* err) noexcept {
        return guard(err, [&] { return impl(b).attach(Call(call), attach_request(request)); });
    }
    static knd_status detach(knd_backend* b, const knd_call* call,
                             const knd_attach_request* request, knd_error* err) noexcept {
        return guard(err, [&] { return impl(b).detach(Call(call), attach_request(request)); });
    }
    static knd_status check(knd_backend* b, const knd_call* call, const knd_health_sink* sink,
                            knd_error* err) noexcept {
        return guard(err, [&]() -> Result<void> {
            HealthSink health(sink);
            KND_TRY(impl(b).check(Call(call), health));
            return health.status();
        });
    }
    static knd_status reconcile(knd_backend* b, const knd_call* call, const knd_binding* bindings,
                                std::uint64_t count, const knd_recover_sink* sink,
                                knd_error* err) noexcept {
        return guard(err, [&]() -> Result<void> {
            std::vector<Binding> live;
            detail::each(bindings, count,
                         [&](const knd_binding* one) { live.push_back(Binding::from(one)); });
            LostSink lost(sink);
            KND_TRY(impl(b).reconcile(Call(call), live, lost));
            return lost.status();
        });
    }
    static knd_status validate(knd_backend* b, const knd_call* call,
                               const knd_prepare_request* request, knd_error* err) noexcept {
        return guard(err,
                     [&] { return impl(b).validate(Call(call), PrepareRequest::from(request)); });
    }
    static void on_ready(knd_backend* b, std::int32_t fd) noexcept {
        guard(nullptr, [&]() -> Result<void> {
            impl(b).on_ready(fd);
            return {};
        });
    }

    static const void* extension(const knd_backend*, const char* id) noexcept {
        static constexpr knd_discovery kDiscovery{sizeof(knd_discovery), 0, &Exported::list};
        static constexpr knd_prepare kPrepare{sizeof(knd_prepare), 0, &Exported::prepare,
                                              &Exported::unprepare};
        const std::string_view wanted(id);
        if (wanted == KND_EXT_DISCOVERY) return &kDiscovery;
        if (wanted == KND_EXT_PREPARE) return &kPrepare;
        if constexpr (AttachesDevices<T>) {
            static constexpr knd_attach kAttach{sizeof(knd_attach), 0, &Exported::attach,
                                                &Exported::detach};
            if (wanted == KND_EXT_ATTACH) return &kAttach;
        }
        if constexpr (ChecksHealth<T>) {
            static constexpr knd_health kHealth{sizeof(knd_health), 0, &Exported::check};
            if (wanted == KND_EXT_HEALTH) return &kHealth;
        }
        if constexpr (Reconciles<T>) {
            static constexpr knd_recover kRecover{sizeof(knd_recover), 0, &Exported::reconcile};
            if (wanted == KND_EXT_RECOVER) return &kRecover;
        }
        if constexpr (Validates<T>) {
            static constexpr knd_validate kValidate{sizeof(knd_validate), 0, &Exported::validate};
            if (wanted == KND_EXT_VALIDATE) return &kValidate;
        }
        if constexpr (Polls<T>) {
            static constexpr knd_poll kPoll{sizeof(knd_poll), 0, &Exported::on_ready};
            if (wanted == KND_EXT_POLL) return &kPoll;
        }
        return nullptr;
    }

    knd_backend face_{};
    std::optional<T> backend_;
    knd_error constructor_error_{};
};

}  // namespace knd

/// Defines the library's one exported symbol. Last line of the file, outside of any namespace.
#define KND_EXPORT_BACKEND(type, descriptor)                                               \
    constinit const knd_entry knd_entry_v1 = {KND_ABI_MAJOR, KND_ABI_MINOR, &(descriptor), \
                                              &::knd::Exported<type>::create};             \
    static_assert(&knd_entry_v1 == &::knd_entry_v1,                                        \
                  "KND_EXPORT_BACKEND belongs outside of any namespace");
