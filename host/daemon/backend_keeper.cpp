// SPDX-License-Identifier: Apache-2.0
#include "host/daemon/backend_keeper.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "host/claims/claims.hpp"
#include "host/inventory/inventory.hpp"
#include "host/model/log.hpp"

namespace knd {
namespace {

/// Time may heal it: the hardware is not there yet, a file system is full. A wrong configuration or
/// library stays wrong until somebody changes it and restarts the daemon.
bool may_heal(Code code) {
    return code != Code::kInvalidArgument && code != Code::kFailedPrecondition &&
           code != Code::kUnimplemented && code != Code::kPermissionDenied;
}

/// Every answer of a backend begins with its name, which is said already where this is put.
std::string without_name(const Backend& backend, const std::string& message) {
    const auto prefix = "backend " + backend.name() + ": ";
    return message.starts_with(prefix) ? message.substr(prefix.size()) : message;
}

}  // namespace

struct BackendKeeper::Kept {
    Kept(Backend& b, boost::asio::io_context& io) : backend(b), restart(io) {}

    Backend& backend;
    boost::asio::steady_timer restart;
    std::chrono::milliseconds pause{0};
    bool answered = false;  ///< its first start has come to an end
    bool serving = false;
    bool settled = false;  ///< see on_listed
};

BackendKeeper::BackendKeeper(boost::asio::io_context& io, Options options,
                             const std::vector<Backend*>& backends, Inventory& inventory,
                             Claims& claims)
    : options_(options), inventory_(inventory), claims_(claims), patience_(io) {
    for (auto* backend : backends) {
        auto& kept = *kept_.emplace_back(std::make_unique<Kept>(*backend, io));
        backend->on_devices_changed = [this, &kept] { list(kept); };
        backend->on_state_changed = [this, &kept] { state_changed(kept); };
    }
}

BackendKeeper::~BackendKeeper() {
    for (const auto& kept : kept_) {
        kept->backend.on_devices_changed = nullptr;
        kept->backend.on_state_changed = nullptr;
    }
}

// --- start ---------------------------------------------------------------------------------------

void BackendKeeper::start() {
    if (kept_.empty()) {
        log::warn("no backend is configured: this node offers nothing");
        return recover();
    }
    patience_.expires_after(options_.patience);
    patience_.async_wait([this](boost::system::error_code cancelled) {
        if (cancelled) return;
        recover();
        ready();
    });
    for (const auto& kept : kept_)
        kept->backend.start(
            [this, &one = *kept](const Result<void>& result) { started(one, result); });
}

void BackendKeeper::stop() {
    stopping_ = true;
    patience_.cancel();
    for (const auto& kept : kept_)
        kept->restart.cancel();
}

/// What a start that went well brings with it happens by the change of state: it may have taken
/// longer than its caller was ready to wait.
void BackendKeeper::started(Kept& kept, const Result<void>& result) {
    if (stopping_) return;
    if (!result) {
        start_failed(kept, result.error());
    } else if (!is_serving(kept.backend)) {
        withdraw(kept);  // kept out for what it did before the last restart
    }
    kept.answered = true;
    const auto answered = [](const auto& other) { return other->answered; };
    if (std::all_of(kept_.begin(), kept_.end(), answered)) recover();
}

void BackendKeeper::start_failed(Kept& kept, const Error& error) {
    auto& backend = kept.backend;
    const auto why = without_name(backend, error.message());
    inventory_.set_unavailable(backend.name(), why);
    log::error("backend does not serve", {{"backend", backend.name()}, {"error", why}});
    settle(kept);
    if (!may_heal(error.code())) return;
    kept.pause = std::clamp(kept.pause * 2, options_.first_restart, options_.last_restart);
    kept.restart.expires_after(kept.pause);
    kept.restart.async_wait([this, &kept](boost::system::error_code cancelled) {
        if (!cancelled) start_again(kept);
    });
}

void BackendKeeper::start_again(Kept& kept) {
    if (stopping_ || kept.serving) return;  // its start has come back after all
    kept.backend.start([this, &kept](const Result<void>& result) {
        if (stopping_ || kept.serving) return;
        if (!result) return start_failed(kept, result.error());
        withdraw(kept);
    });
}

// --- what becomes of them ------------------------------------------------------------------------

void BackendKeeper::state_changed(Kept& kept) {
    if (stopping_) return;
    const bool serving = is_serving(kept.backend);
    if (std::exchange(kept.serving, serving) == serving) return;
    if (!serving) return withdraw(kept);
    const bool was_awaited = !kept.answered || kept.pause.count() > 0;
    kept.pause = {};
    if (!recovering_) return;  // all of them are taken in together
    if (was_awaited) log::info("backend serves after all", {{"backend", kept.backend.name()}});
    // What it did for callers who had given up belongs to nobody.
    claims_.reconcile(kept.backend, [this, &kept] { list(kept); });
}

void BackendKeeper::withdraw(Kept& kept) {
    const auto info = kept.backend.info();
    inventory_.set_unavailable(info.name, info.reason);
    inventory_.set_held(info.name, claims_.held_devices());
    settle(kept);
}

void BackendKeeper::recover() {
    if (stopping_ || std::exchange(recovering_, true)) return;
    for (const auto& kept : kept_)
        if (!kept->answered)
            inventory_.set_unavailable(kept->backend.name(), "it is still starting");
    claims_.recover([this] {
        if (stopping_) return;
        recovered_ = true;
        list_all();
        look_around();
    });
}

void BackendKeeper::ready() {
    if (stopping_ || std::exchange(ready_, true)) return;
    patience_.cancel();
    if (on_ready) on_ready();
}

/// A device that was away is not in its backend's last list: what claims have given back is let go
/// when the backend has been asked after that, so that a pod that comes and goes never changes a
/// slice.
void BackendKeeper::list(Kept& kept) {
    if (stopping_) return;
    auto& backend = kept.backend;
    if (!kept.serving) return inventory_.set_held(backend.name(), claims_.held_devices());
    auto held = claims_.held_devices();
    backend.list([this, &kept, held = std::move(held)](Result<DeviceListing> devices) mutable {
        if (stopping_) return;
        const auto& name = kept.backend.name();
        if (devices) {
            inventory_.set_devices(name, *std::move(devices));
            auto since = claims_.held_devices();
            std::move(since.begin(), since.end(), std::back_inserter(held));
            inventory_.set_held(name, std::move(held));
        } else {
            log::warn("device list failed; keeping the last one",
                      {{"backend", name}, {"error", devices.error().message()}});
        }
        settle(kept);
    });
}

void BackendKeeper::list_all() {
    for (const auto& kept : kept_)
        list(*kept);
}

void BackendKeeper::held_changed() {
    const auto held = claims_.held_devices();
    const auto releasing = inventory_.backends_releasing(held);
    inventory_.add_held(held);
    for (const auto& kept : kept_)
        if (releasing.contains(kept->backend.name())) list(*kept);
}

void BackendKeeper::settle(Kept& kept) {
    kept.settled = true;
    look_around();
}

void BackendKeeper::look_around() {
    const auto settled = [](const auto& kept) { return kept->settled; };
    if (!recovered_ || listed_ || !std::all_of(kept_.begin(), kept_.end(), settled)) return;
    listed_ = true;
    if (on_listed) on_listed();
    ready();
}

}  // namespace knd
