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
        return nullptr;
    };
    face_.host_data = this;
}

Result<std::unique_ptr<Subject>> Subject::make(const Target& target) {
    KND_TRY_ASSIGN(const auto library, plugin::open_library(target.path));
    auto host = std::make_unique<WatchingHost>();
    knd_backend* backend = library.entry->create(host->face());
    if (backend == nullptr) return Error(Code::kResourceExhausted, "create made no instance");
    KND_TRY_ASSIGN(auto tables, plugin::read_tables(*backend));
    return std::unique_ptr<Subject>(new Subject(std::move(host), backend, std::move(tables)));
}

Result<std::unique_ptr<Subject>> Subject::running(const Target& target) {
    KND_TRY_ASSIGN(auto subject, make(target));
    const plugin::Params config(target.config);
    KND_TRY(subject->start(config.face()).wrap("start"));
    // As the host does, and some make their devices only now.
    if (subject->tables().offers(KND_EXT_RECOVER)) KND_TRY(subject->reconcile().wrap("reconcile"));
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
    auto devices = collector.take();
    return {std::move(result), std::move(devices), collector.refusals()};
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
    plugin::EffectsCollector effects(never);
    const plugin::Params params(config);
    // As a newer host would call: longer structs, with something in the part that is unknown here.
    struct {
        knd_binding known;
        char newer[32];
    } binding{{sizeof binding, 0, uid.c_str(), kClaim, device.c_str(), nullptr, 0}, {}};
    std::memset(binding.newer, 0x5a, sizeof binding.newer);
    const knd_prepare_request request{sizeof request, 0, &binding.known, params.face()};
    auto result = checked([&](knd_error* err) {
        return tables_.prepare.prepare(backend_, call.face(), &request, effects.face(), err);
    });
    return {std::move(result), effects.effects(), effects.refusal()};
}

Result<void> Subject::unprepare(const std::string& device, const std::string& uid,
                                const std::string& state) {
    const plugin::Call call = make_call("unprepare", {});
    const knd_binding binding{sizeof binding, 0,
                              uid.c_str(),    kClaim,
                              device.c_str(), state.empty() ? nullptr : state.data(),
                              state.size()};
    return checked([&](knd_error* err) {
        return tables_.prepare.unprepare(backend_, call.face(), &binding, err);
    });
}

Result<void> Subject::reconcile() {
    const plugin::Call call = make_call("reconcile", {});
    return checked([&](knd_error* err) {
        return tables_.recover.reconcile(backend_, call.face(), nullptr, 0, err);
    });
}

}  // namespace knd::check
