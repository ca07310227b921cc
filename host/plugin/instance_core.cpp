// SPDX-License-Identifier: Apache-2.0
#include "host/plugin/instance_core.hpp"

#include <chrono>
#include <utility>

#include "host/model/quantity.hpp"
#include "host/plugin/effects_sink.hpp"
#include "host/plugin/names.hpp"

#include <knd/cpp/abi.hpp>

namespace knd::plugin {
namespace {

/// Calls `function(err)` and turns what it says into a Result. A sink's own reason is better than
/// what a backend made of it.
template <class Function>
Result<void> checked(Function function) {
    auto err = empty_error();
    const knd_status status = function(&err);
    if (status == KND_OK) return {};
    const auto error = read_error(status, err);
    return Error(error.code(), printable(error.message()), error.os_error());
}

knd_binding to_abi(const Backend::Binding& binding) {
    return {.size = sizeof(knd_binding),
            .flags = 0,
            .claim_uid = binding.key.claim_uid.c_str(),
            .claim = binding.claim.c_str(),
            .device = binding.key.device.c_str(),
            .state = binding.state.empty() ? nullptr : binding.state.data(),
            .state_size = binding.state.size(),
            .share_id = binding.key.share_id.c_str()};
}

/// A prepare request as the library sees it. Lives as long as what it is made of.
class RawRequest {
  public:
    explicit RawRequest(const Backend::PrepareRequest& request)
        : config_(request.config),
          class_config_(request.class_config),
          binding_(to_abi(request.binding)) {
        for (const auto& [capacity, quantity] : request.consumed) {
            const auto amount = Quantity::parse(quantity);
            consumed_.push_back({sizeof(knd_consumed), 0, capacity.c_str(), quantity.c_str(),
                                 amount.ok() ? amount->value_rounded_up() : 0});
        }
        for (const auto& pod : request.pods)
            pods_.push_back({sizeof(knd_pod), 0, pod.uid.c_str(), pod.name.c_str()});
        raw_ = {.size = sizeof raw_,
                .flags = request.admin_access ? std::uint32_t{KND_REQUEST_ADMIN} : 0u,
                .binding = &binding_,
                .config = config_.face(),
                .class_config = class_config_.face(),
                .request = request.request.c_str(),
                .consumed = consumed_.data(),
                .consumed_count = consumed_.size(),
                .pods = pods_.data(),
                .pod_count = pods_.size()};
    }
    RawRequest(const RawRequest&) = delete;
    RawRequest& operator=(const RawRequest&) = delete;

    const knd_prepare_request* face() const { return &raw_; }
    const Params& config() const { return config_; }

  private:
    Params config_;
    Params class_config_;
    knd_binding binding_;
    std::vector<knd_consumed> consumed_;
    std::vector<knd_pod> pods_;
    knd_prepare_request raw_{};
};

/// Receives the health of devices; remembers those that are not healthy.
class HealthCollector {
  public:
    explicit HealthCollector(std::set<std::string> known) : known_(std::move(known)) {
        face_.size = sizeof face_;
        face_.device = [](const knd_health_sink* s, const char* device, std::int32_t health,
                          const char* message) noexcept {
            return static_cast<HealthCollector*>(s->host_data)->add(view(device), health, message);
        };
        face_.host_data = this;
    }
    HealthCollector(const HealthCollector&) = delete;
    HealthCollector& operator=(const HealthCollector&) = delete;

    const knd_health_sink* face() const { return &face_; }
    const std::map<std::string, HealthReport>& sick() const { return sick_; }

  private:
    knd_status add(std::string_view device, std::int32_t health, const char* message) {
        const auto known = known_.find(std::string(device));
        if (known == known_.end()) return KND_NOT_FOUND;
        if (health < KND_HEALTH_UNKNOWN || health > KND_HEALTH_UNHEALTHY) {
            return KND_INVALID_ARGUMENT;
        }
        sick_.erase(*known);
        if (health == KND_HEALTH_HEALTHY) return KND_OK;
        const bool unhealthy = health == KND_HEALTH_UNHEALTHY;
        auto text = printable(cut_utf8(view(message), kMaxReason));
        if (text.empty()) text = unhealthy ? "unhealthy" : "its health is not known";
        sick_.emplace(*known, HealthReport{unhealthy ? Health::kUnhealthy : Health::kUnknown,
                                           std::move(text)});
        return KND_OK;
    }

    knd_health_sink face_{};
    const std::set<std::string> known_;
    std::map<std::string, HealthReport> sick_;
};

/// Receives which bindings are lost.
class LostCollector {
  public:
    explicit LostCollector(const std::vector<Backend::Binding>& live) {
        for (const auto& binding : live)
            live_.insert(binding.key);
        face_.size = sizeof face_;
        face_.lost = [](const knd_recover_sink* s, const knd_binding* binding,
                        const char* why) noexcept {
            return static_cast<LostCollector*>(s->host_data)->add(binding, why);
        };
        face_.host_data = this;
    }
    LostCollector(const LostCollector&) = delete;
    LostCollector& operator=(const LostCollector&) = delete;

    const knd_recover_sink* face() const { return &face_; }
    std::vector<Backend::Lost> take() {
        std::vector<Backend::Lost> all;
        for (auto& [key, why] : lost_)
            all.push_back({key, std::move(why)});
        return all;
    }

  private:
    knd_status add(const knd_binding* theirs, const char* why) {
        if (theirs == nullptr || theirs->size < offsetof(knd_binding, share_id)) {
            return KND_INVALID_ARGUMENT;
        }
        const auto binding = copy_in(theirs);
        const BindingKey key{std::string(view(binding.claim_uid)),
                             std::string(view(binding.device)),
                             std::string(view(binding.share_id))};
        if (!live_.contains(key)) return KND_NOT_FOUND;
        auto text = printable(cut_utf8(view(why), kMaxReason));
        lost_[key] = text.empty() ? "it does not say why" : std::move(text);
        return KND_OK;
    }

    knd_recover_sink face_{};
    std::set<BindingKey> live_;
    std::map<BindingKey, std::string> lost_;
};

/// The binding is known to be gone, which is what was asked for.
Result<void> gone_is_done(Result<void> result) {
    if (result.code() == Code::kNotFound) return {};
    return result;
}

}  // namespace

Result<std::shared_ptr<InstanceCore>> InstanceCore::make(const Library& library, std::string name,
                                                         std::string domain,
                                                         std::shared_ptr<HostServices> services) {
    knd_backend* backend = library.entry->create(services->face());
    if (backend == nullptr) {
        return Error(Code::kResourceExhausted, library.path + ": create made no instance");
    }
    auto tables = read_tables(*backend);
    if (!tables.ok()) {
        // destroy itself may be the missing slot.
        if (backend->size >= kLeastBackend && backend->destroy != nullptr) {
            backend->destroy(backend);
        }
        return std::move(tables).error().wrap(library.path);
    }
    std::shared_ptr<InstanceCore> core(
        new InstanceCore(backend, std::move(name), std::move(domain), std::move(services)));
    core->tables_ = *std::move(tables);
    return core;
}

InstanceCore::InstanceCore(knd_backend* backend, std::string name, std::string domain,
                           std::shared_ptr<HostServices> services)
    : name_(std::move(name)),
      domain_(std::move(domain)),
      services_(std::move(services)),
      backend_(backend) {}

InstanceCore::~InstanceCore() {
    stop();
}

Result<void> InstanceCore::start(const Json& config) {
    config_.emplace(config);
    KND_TRY(
        checked([&](knd_error* err) { return backend_->start(backend_, config_->face(), err); }));
    if (auto read = config_->check_all_read(); !read.ok()) {
        backend_->stop(backend_);
        return read;
    }
    running_ = true;
    return {};
}

void InstanceCore::stop() {
    if (backend_ == nullptr) return;
    if (std::exchange(running_, false)) backend_->stop(backend_);
    auto* backend = std::exchange(backend_, nullptr);
    backend->destroy(backend);
}

Result<Listed> InstanceCore::list(const Call& call) {
    DeviceCollector devices(name_, domain_, call.cancelled());
    auto result = checked([&](knd_error* err) {
        return tables_.discovery.list(backend_, call.face(), devices.face(), err);
    });
    if (!result.ok() && result.code() == Code::kInvalidArgument && !devices.refusals().empty()) {
        const auto& first = devices.refusals().front();
        return Error(Code::kInvalidArgument, "device " + first.device + ": " + first.reason);
    }
    KND_TRY(std::move(result));
    auto listing = devices.take();
    const std::lock_guard lock(mutex_);
    listed_.clear();
    for (const auto& device : listing.devices)
        listed_.insert(device.name);
    return Listed{std::move(listing), devices.refusals()};
}

std::set<std::string> InstanceCore::known_devices() const {
    const std::lock_guard lock(mutex_);
    auto known = listed_;
    // A device that is away in a pod may be missing in the list.
    for (const auto& [key, state] : held_)
        known.insert(key.device);
    return known;
}

Result<void> InstanceCore::validate(const Call& call, const Backend::PrepareRequest& request) {
    if (!tables_.offers(KND_EXT_VALIDATE)) {
        if (!request.admin_access) return {};
        return Error(Code::kFailedPrecondition,
                     "administrative access is something that this backend does not know; take "
                     "`adminAccess` out of the claim");
    }
    const RawRequest raw(request);
    KND_TRY(checked([&](knd_error* err) {
        return tables_.validate.validate(backend_, call.face(), raw.face(), err);
    }));
    return raw.config().check_all_read();
}

/// The backend's answer, and whether it is one that the host can use.
Result<void> InstanceCore::run_prepare(const Call& call, const Backend::PrepareRequest& request,
                                       EffectsCollector& effects, bool& must_undo) {
    const RawRequest raw(request);
    auto result = checked([&](knd_error* err) {
        return tables_.prepare.prepare(backend_, call.face(), raw.face(), effects.face(), err);
    });
    effects.finish();
    // The C++ layer turns a refused effect into a failure of its own, behind the backend's back.
    must_undo = result.ok() || effects.refusal() || call.cancelled();
    if (effects.refusal()) {
        return Error(Code::kInternal,
                     "it asks for an impossible effect: " + effects.refusal()->message());
    }
    KND_TRY(std::move(result));
    KND_TRY(raw.config().check_all_read());
    if (call.cancelled()) return Error(Code::kCancelled, "prepared when nobody waited any more");
    return {};
}

Result<Effects> InstanceCore::prepare(const Call& call, const Backend::PrepareRequest& request) {
    KND_TRY(validate(call, request));
    EffectsCollector effects(domain_, call.cancelled());
    bool must_undo = false;
    auto result = run_prepare(call, request, effects, must_undo);
    {
        const std::lock_guard lock(mutex_);
        if (result.ok()) {
            held_[request.binding.key] = effects.effects().state;
            return effects.effects();
        }
        must_undo = must_undo && !held_.contains(request.binding.key);
    }
    if (!must_undo) return std::move(result).error();
    // It has prepared the device for a claim that will be told that it failed.
    if (auto undone = undo(call, request.binding, effects.effects()); !undone.ok()) {
        return Error(result.error().code(), result.error().message() + "; and undoing it failed: " +
                                                undone.error().message());
    }
    return std::move(result).error();
}

/// By a call of its own: nobody may wait for the one that prepared, and its deadline be past.
Result<void> InstanceCore::undo(const Call& call, const Backend::Binding& binding,
                                const Effects& effects) {
    constexpr std::chrono::seconds kTime{10};
    const Call own(call.id(), "unprepare", call.device(), std::chrono::steady_clock::now() + kTime);
    auto prepared = binding;
    prepared.state = effects.state;
    return unprepare(own, prepared);
}

Result<void> InstanceCore::unprepare(const Call& call, const Backend::Binding& binding) {
    auto known = binding;
    if (known.state.empty()) {
        // Whoever gave up on a prepare was never told what it left.
        const std::lock_guard lock(mutex_);
        if (const auto held = held_.find(binding.key); held != held_.end())
            known.state = held->second;
    }
    const auto raw = to_abi(known);
    KND_TRY(gone_is_done(checked([&](knd_error* err) {
        return tables_.prepare.unprepare(backend_, call.face(), &raw, err);
    })));
    const std::lock_guard lock(mutex_);
    held_.erase(binding.key);
    return {};
}

Result<void> InstanceCore::attach(const Call& call, const Backend::Attachment& attachment) {
    const auto raw = to_abi(attachment.binding);
    const knd_attach_request request{sizeof request, attachment.netns_fd, &raw, attachment.ifindex,
                                     0};
    return checked([&](knd_error* err) {
        return tables_.attach.attach(backend_, call.face(), &request, err);
    });
}

Result<void> InstanceCore::detach(const Call& call, const Backend::Attachment& attachment) {
    const auto raw = to_abi(attachment.binding);
    const knd_attach_request request{sizeof request, attachment.netns_fd, &raw, attachment.ifindex,
                                     0};
    return gone_is_done(checked([&](knd_error* err) {
        return tables_.attach.detach(backend_, call.face(), &request, err);
    }));
}

void InstanceCore::hold(const std::vector<Backend::Binding>& live) {
    const std::lock_guard lock(mutex_);
    for (const auto& binding : live)
        held_[binding.key] = binding.state;
}

Result<std::vector<Backend::Lost>> InstanceCore::reconcile(
    const Call& call, const std::vector<Backend::Binding>& live) {
    std::vector<knd_binding> raw;
    LostCollector lost(live);
    for (const auto& binding : live)
        raw.push_back(to_abi(binding));
    hold(live);
    KND_TRY(checked([&](knd_error* err) {
        return tables_.recover.reconcile(backend_, call.face(), raw.data(), raw.size(), lost.face(),
                                         err);
    }));
    return lost.take();
}

Result<std::map<std::string, HealthReport>> InstanceCore::check(const Call& call) {
    HealthCollector health(known_devices());
    KND_TRY(checked([&](knd_error* err) {
        return tables_.health.check(backend_, call.face(), health.face(), err);
    }));
    return health.sick();
}

void InstanceCore::on_ready(int fd, std::uint64_t token) {
    // It may have been unwatched, and even watched anew, since the descriptor was readable.
    if (services_->watched(fd, token)) tables_.poll.on_ready(backend_, fd);
}

}  // namespace knd::plugin
