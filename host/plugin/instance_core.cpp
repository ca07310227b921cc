// SPDX-License-Identifier: Apache-2.0
#include "host/plugin/instance_core.hpp"

#include <utility>

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
    return {sizeof(knd_binding),           0,
            binding.key.claim_uid.c_str(), binding.claim.c_str(),
            binding.key.device.c_str(),    binding.state.empty() ? nullptr : binding.state.data(),
            binding.state.size()};
}

/// Receives the health of devices; remembers those that are not healthy.
class HealthCollector {
  public:
    HealthCollector() {
        face_.size = sizeof face_;
        face_.device = [](const knd_health_sink* s, const char* device, std::int32_t health,
                          const char* message) noexcept -> knd_status {
            const std::string_view name(device != nullptr ? device : "");
            if (!is_dns_label(name)) return KND_INVALID_ARGUMENT;
            auto& sick = static_cast<HealthCollector*>(s->host_data)->sick_;
            sick.erase(std::string(name));
            if (health == KND_HEALTH_HEALTHY) return KND_OK;
            auto text = printable(message != nullptr ? message : "");
            if (text.empty()) text = health == KND_HEALTH_UNHEALTHY ? "unhealthy" : "unknown";
            sick.emplace(name, std::move(text));
            return KND_OK;
        };
        face_.host_data = this;
    }
    const knd_health_sink* face() const { return &face_; }
    const std::map<std::string, std::string>& sick() const { return sick_; }

  private:
    knd_health_sink face_{};
    std::map<std::string, std::string> sick_;
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
        if (backend->size >= sizeof *backend && backend->destroy != nullptr) {
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

Result<DeviceListing> InstanceCore::list(const Call& call) {
    DeviceCollector devices(name_, domain_, call.cancelled());
    auto result = checked([&](knd_error* err) {
        return tables_.discovery.list(backend_, call.face(), devices.face(), err);
    });
    if (!result.ok() && result.code() == Code::kInvalidArgument && !devices.refusals().empty()) {
        const auto& first = devices.refusals().front();
        return Error(Code::kInvalidArgument, "device " + first.device + ": " + first.reason);
    }
    KND_TRY(std::move(result));
    auto accepted = devices.take();
    return DeviceListing{std::move(accepted), devices.refusals()};
}

Result<Effects> InstanceCore::prepare(const Call& call, const Backend::Binding& binding,
                                      const Json& config) {
    const Params params(config);
    const auto raw = to_abi(binding);
    const knd_prepare_request request{sizeof request, 0, &raw, params.face()};
    EffectsCollector effects(call.cancelled());
    auto result = checked([&](knd_error* err) {
        return tables_.prepare.prepare(backend_, call.face(), &request, effects.face(), err);
    });
    if (effects.refusal()) {
        const bool must_undo = result.ok();
        result = Error(Code::kInternal,
                       "it asks for an impossible effect: " + effects.refusal()->message());
        if (!must_undo) return std::move(result).error();
    } else {
        KND_TRY(std::move(result));
        result = params.check_all_read();
    }
    if (result.ok()) return effects.effects();
    // It has prepared the device for a claim that will be told that it failed.
    if (auto undone = unprepare(call, binding); !undone.ok()) {
        return Error(result.error().code(), result.error().message() + "; and undoing it failed: " +
                                                undone.error().message());
    }
    return std::move(result).error();
}

Result<void> InstanceCore::unprepare(const Call& call, const Backend::Binding& binding) {
    const auto raw = to_abi(binding);
    return gone_is_done(checked([&](knd_error* err) {
        return tables_.prepare.unprepare(backend_, call.face(), &raw, err);
    }));
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

Result<void> InstanceCore::reconcile(const Call& call, const std::vector<Backend::Binding>& live) {
    std::vector<knd_binding> raw;
    for (const auto& binding : live)
        raw.push_back(to_abi(binding));
    return checked([&](knd_error* err) {
        return tables_.recover.reconcile(backend_, call.face(), raw.data(), raw.size(), err);
    });
}

Result<std::map<std::string, std::string>> InstanceCore::check(const Call& call) {
    HealthCollector health;
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
