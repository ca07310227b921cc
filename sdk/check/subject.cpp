// SPDX-License-Identifier: Apache-2.0
#include "sdk/check/subject.hpp"

#include <algorithm>
#include <cstring>

#include "host/plugin/call.hpp"
#include "host/plugin/effects_sink.hpp"
#include "host/plugin/library.hpp"
#include "host/plugin/names.hpp"
#include "host/plugin/params.hpp"

#include <knd/cpp/abi.hpp>

namespace knd::check {
namespace {

constexpr const char* kClaim = "default/knd-check";
constexpr const char* kDomain = "knd.dev";

plugin::Call make_call(const char* operation, const CallOptions& options) {
    return {"check-1", operation, "", std::chrono::steady_clock::now() + options.time};
}

knd_binding plain_binding(const std::string& device, const std::string& uid) {
    knd_binding binding{};
    binding.size = sizeof binding;
    binding.claim_uid = uid.c_str();
    binding.claim = kClaim;
    binding.device = device.c_str();
    binding.share_id = "";
    return binding;
}

/// As a newer host would call: a longer struct, with something in the part that is unknown here.
struct LongBinding {
    LongBinding(const std::string& device, const std::string& uid)
        : known(plain_binding(device, uid)) {
        known.size = sizeof *this;
        std::memset(newer, 0x5a, sizeof newer);
    }
    knd_binding known;
    char newer[32];
};

/// A request for the whole device.
class RawPrepare {
  public:
    RawPrepare(const std::string& device, const std::string& uid, const Json& config,
               std::uint32_t flags = 0)
        : binding_(device, uid), config_(config), class_config_(Json::object()) {
        face_.size = sizeof face_;
        face_.flags = flags;
        face_.binding = &binding_.known;
        face_.config = config_.face();
        face_.class_config = class_config_.face();
        face_.request = "knd-check";
        face_.pods = &pod_;
        face_.pod_count = 1;
    }
    RawPrepare(const RawPrepare&) = delete;
    RawPrepare& operator=(const RawPrepare&) = delete;
    const knd_prepare_request* face() const { return &face_; }
    const plugin::Params& config() const { return config_; }

  private:
    LongBinding binding_;
    plugin::Params config_;
    plugin::Params class_config_;
    const knd_pod pod_{sizeof(knd_pod), 0, "00000000-0000-4000-8000-000000000001", "knd-check"};
    knd_prepare_request face_{};
};

/// Passes every call on to the real sink until the one that is to be refused.
class RefusingSink {
  public:
    RefusingSink(const knd_device_sink* real, int refuse_at) : next_(real), left_(refuse_at) {
        using Sink = const knd_device_sink*;
        face_.size = sizeof face_;
        face_.device = [](Sink s, const knd_device* d) noexcept {
            return pass_on(s, [d](Sink to) { return to->device(to, d); });
        };
        face_.attr_string = [](Sink s, const char* name, const char* value) noexcept {
            return pass_on(s, [=](Sink to) { return to->attr_string(to, name, value); });
        };
        face_.attr_int = [](Sink s, const char* name, std::int64_t value) noexcept {
            return pass_on(s, [=](Sink to) { return to->attr_int(to, name, value); });
        };
        face_.attr_bool = [](Sink s, const char* name, bool value) noexcept {
            return pass_on(s, [=](Sink to) { return to->attr_bool(to, name, value); });
        };
        face_.attr_version = [](Sink s, const char* name, const char* value) noexcept {
            return pass_on(s, [=](Sink to) { return to->attr_version(to, name, value); });
        };
        face_.capacity = [](Sink s, const char* name, const char* value) noexcept {
            return pass_on(s, [=](Sink to) { return to->capacity(to, name, value); });
        };
        face_.attr_strings = [](Sink s, const char* name, const char* const* values,
                                std::uint64_t count) noexcept {
            return pass_on(s, [=](Sink to) { return to->attr_strings(to, name, values, count); });
        };
        face_.attr_ints = [](Sink s, const char* name, const std::int64_t* values,
                             std::uint64_t count) noexcept {
            return pass_on(s, [=](Sink to) { return to->attr_ints(to, name, values, count); });
        };
        face_.policy = [](Sink s, const char* name, const knd_capacity_policy* policy) noexcept {
            return pass_on(s, [=](Sink to) { return to->policy(to, name, policy); });
        };
        face_.counter = [](Sink s, const char* set, const char* name, const char* value) noexcept {
            return pass_on(s, [=](Sink to) { return to->counter(to, set, name, value); });
        };
        face_.consumes = [](Sink s, const char* set, const char* name, const char* value) noexcept {
            return pass_on(s, [=](Sink to) { return to->consumes(to, set, name, value); });
        };
        face_.taint = [](Sink s, const char* key, const char* value, const char* effect) noexcept {
            return pass_on(s, [=](Sink to) { return to->taint(to, key, value, effect); });
        };
        face_.host_data = this;
    }
    const knd_device_sink* face() const { return &face_; }

  private:
    template <class Next>
    static knd_status pass_on(const knd_device_sink* s, Next next) noexcept {
        auto& self = *static_cast<RefusingSink*>(s->host_data);
        if (self.left_ > 0 && --self.left_ == 0) self.ended_ = true;
        return self.ended_ ? static_cast<knd_status>(KND_RESOURCE_EXHAUSTED) : next(self.next_);
    }
    knd_device_sink face_{};
    const knd_device_sink* next_;
    int left_;
    bool ended_ = false;
};

}  // namespace

WatchingHost::WatchingHost() {
    face_.size = sizeof face_;
    face_.log = [](const knd_host* host, std::int32_t, const char*) noexcept {
        ++static_cast<WatchingHost*>(host->host_data)->calls_;
    };
    face_.extension = [](const knd_host* host, const char* id) noexcept -> const void* {
        static constexpr knd_host_events kEvents{sizeof(knd_host_events), 0,
                                                 [](const knd_host*) noexcept {},
                                                 [](const knd_host*) noexcept {}};
        static constexpr knd_host_poll kPoll{
            sizeof(knd_host_poll), 0,
            [](const knd_host*, std::int32_t, knd_error*) noexcept -> knd_status { return KND_OK; },
            [](const knd_host*, std::int32_t) noexcept {}};
        ++static_cast<WatchingHost*>(host->host_data)->calls_;
        const std::string_view wanted(id != nullptr ? id : "");
        if (wanted == KND_HOST_EVENTS) return &kEvents;
        if (wanted == KND_HOST_POLL) return &kPoll;
        if (wanted == KND_HOST_REPORT) return &static_cast<WatchingHost*>(host->host_data)->report_;
        return nullptr;
    };
    face_.host_data = this;
    face_.instance = "check";
    face_.driver = kDomain;
    face_.node = "node-1";
    report_.size = sizeof report_;
    report_.event = [](const knd_host* host, const char* claim_uid, std::int32_t warning,
                       const char* reason, const char* message) noexcept {
        auto& self = *static_cast<WatchingHost*>(host->host_data);
        return self.note(self.reports_
                             .event(plugin::view(claim_uid), warning, plugin::view(reason),
                                    plugin::view(message))
                             .code());
    };
    report_.metric = [](const knd_host* host, std::int32_t kind, const char* name,
                        const char* device, double value) noexcept {
        auto& self = *static_cast<WatchingHost*>(host->host_data);
        return self.note(
            self.reports_.metric(kind, plugin::view(name), plugin::view(device), value).code());
    };
}

knd_status WatchingHost::note(Code code) {
    ++calls_;
    if (code == Code::kInvalidArgument) ++bad_reports_;
    return to_status(code);
}

Result<std::unique_ptr<Subject>> Subject::make(const Target& target) {
    KND_TRY_ASSIGN(const auto library, plugin::open_library(target.path));
    auto host = std::make_unique<WatchingHost>();
    knd_backend* backend = library.entry->create(host->face());
    if (backend == nullptr) return Error(Code::kResourceExhausted, "create made no instance");
    KND_TRY_ASSIGN(auto tables, plugin::read_tables(*backend));
    return std::unique_ptr<Subject>(new Subject(std::move(host), backend, std::move(tables)));
}

Result<std::unique_ptr<Subject>> Subject::running(const Target& target,
                                                  const std::vector<Live>& live) {
    KND_TRY_ASSIGN(auto subject, make(target));
    const plugin::Params config(target.config);
    KND_TRY(subject->start(config.face()).wrap("start"));
    // As the host does, and some make their devices only now.
    if (subject->tables().offers(KND_EXT_RECOVER))
        KND_TRY(subject->reconcile(live).result.wrap("reconcile"));
    return subject;
}

Subject::Subject(std::unique_ptr<WatchingHost> host, knd_backend* backend, plugin::Tables tables)
    : host_(std::move(host)), backend_(backend), tables_(std::move(tables)) {}

Subject::~Subject() {
    stop();
    backend_->destroy(backend_);
}

Result<void> Subject::checked(const std::function<knd_status(knd_error*)>& function) {
    // Something to run into behind the buffer.
    struct {
        knd_error error = empty_error();
        char fence[64];
    } guarded;
    std::memset(guarded.fence, '#', sizeof guarded.fence);
    const auto status = function(&guarded.error);
    const char* end = std::end(guarded.fence);
    if (std::find_if(std::cbegin(guarded.fence), end, [](char c) { return c != '#'; }) != end) {
        error_misuse_ = "writes past the end of knd_error";
    }
    if (status == KND_OK) return {};
    const auto& message = guarded.error.message;
    if (std::find(std::begin(message), std::end(message), '\0') == std::end(message)) {
        error_misuse_ = "a message has no NUL at its end";
    }
    auto error = read_error(status, guarded.error);
    if (message[0] == '\0') error_misuse_ = "a status that is not OK comes without a message";
    if (!plugin::is_utf8(error.message())) error_misuse_ = "a message is not UTF-8";
    return error;
}

Result<void> Subject::start(const knd_params* config) {
    auto result = checked([&](knd_error* err) { return backend_->start(backend_, config, err); });
    running_ = result.ok();
    return result;
}

void Subject::stop() {
    if (running_) backend_->stop(backend_);
    running_ = false;
}

Listing Subject::list(const CallOptions& options, int refuse_at) {
    plugin::Call call = make_call("list", options);
    if (options.cancelled) call.cancel();
    // The collector itself does not refuse cancelled calls here: the backend has to notice.
    const std::atomic<bool> never = false;
    plugin::DeviceCollector collector("check", kDomain, never);
    const RefusingSink sink(collector.face(), refuse_at);
    auto result = checked([&](knd_error* err) {
        return tables_.discovery.list(backend_, call.face(), sink.face(), err);
    });
    auto listing = collector.take();
    return {std::move(result), std::move(listing.devices), collector.refusals()};
}

std::vector<std::string> Subject::device_names() {
    std::vector<std::string> names;
    for (const auto& device : list().devices) {
        if (device.withheld.empty()) names.push_back(device.name);
    }
    return names;
}

Preparation Subject::prepare(const std::string& device, const std::string& uid, const Json& config,
                             const CallOptions& options) {
    plugin::Call call = make_call("prepare", options);
    if (options.cancelled) call.cancel();
    const std::atomic<bool> never = false;
    plugin::EffectsCollector effects(kDomain, never);
    const RawPrepare raw(device, uid, config);
    auto result = checked([&](knd_error* err) {
        return tables_.prepare.prepare(backend_, call.face(), raw.face(), effects.face(), err);
    });
    effects.finish();
    return {std::move(result), effects.effects(), effects.refusal(), raw.config().asked()};
}

Validation Subject::validate(const std::string& device, const std::string& uid, const Json& config,
                             std::uint32_t flags) {
    const plugin::Call call = make_call("validate", {});
    const RawPrepare raw(device, uid, config, flags);
    auto result = checked([&](knd_error* err) {
        return tables_.validate.validate(backend_, call.face(), raw.face(), err);
    });
    return {std::move(result), raw.config().asked()};
}

Result<void> Subject::unprepare(const std::string& device, const std::string& uid,
                                const std::string& state) {
    const plugin::Call call = make_call("unprepare", {});
    knd_binding binding = plain_binding(device, uid);
    binding.state = state.empty() ? nullptr : state.data();
    binding.state_size = state.size();
    return checked([&](knd_error* err) {
        return tables_.prepare.unprepare(backend_, call.face(), &binding, err);
    });
}

HealthCheck Subject::check() {
    struct Sink {
        std::set<std::string> known;
        std::string misuse;
        knd_health_sink face{};
    } sink;
    for (const auto& device : list().devices)
        sink.known.insert(device.name);
    sink.face.size = sizeof sink.face;
    sink.face.host_data = &sink;
    sink.face.device = [](const knd_health_sink* s, const char* device, std::int32_t health,
                          const char*) noexcept {
        auto& self = *static_cast<Sink*>(s->host_data);
        const std::string name(plugin::view(device));
        if (!self.known.contains(name)) {
            self.misuse =
                "reports the health of `" + plugin::printable(name) + "`, which it does not list";
            return knd_status{KND_NOT_FOUND};
        }
        if (health >= KND_HEALTH_UNKNOWN && health <= KND_HEALTH_UNHEALTHY)
            return knd_status{KND_OK};
        self.misuse = "reports health " + std::to_string(health) + " of " + name;
        return knd_status{KND_INVALID_ARGUMENT};
    };
    const plugin::Call call = make_call("check", {});
    auto result = checked([&](knd_error* err) {
        return tables_.health.check(backend_, call.face(), &sink.face, err);
    });
    return {std::move(result), sink.misuse};
}

Reconciliation Subject::reconcile(const std::vector<Live>& live) {
    const plugin::Call call = make_call("reconcile", {});
    std::vector<LongBinding> bindings;
    for (const auto& one : live) {
        bindings.emplace_back(one.device, one.uid);
        bindings.back().known.state = one.state.empty() ? nullptr : one.state.data();
        bindings.back().known.state_size = one.state.size();
    }
    Reconciliation answer;
    knd_recover_sink sink{};
    sink.size = sizeof sink;
    sink.host_data = &answer.lost;
    sink.lost = [](const knd_recover_sink* s, const knd_binding* binding, const char*) noexcept {
        if (binding == nullptr || binding->device == nullptr) return knd_status{KND_NOT_FOUND};
        static_cast<std::vector<std::string>*>(s->host_data)->emplace_back(binding->device);
        return knd_status{KND_OK};
    };
    answer.result = checked([&](knd_error* err) {
        return tables_.recover.reconcile(backend_, call.face(),
                                         bindings.empty() ? nullptr : &bindings[0].known,
                                         bindings.size(), &sink, err);
    });
    return answer;
}

}  // namespace knd::check
