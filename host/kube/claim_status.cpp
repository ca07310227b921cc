// SPDX-License-Identifier: Apache-2.0
#include "host/kube/claim_status.hpp"

#include <algorithm>
#include <optional>

#include "host/model/log.hpp"
#include "host/model/time.hpp"

namespace knd::kube {
namespace {

using Clock = std::chrono::steady_clock;
using Ms = std::chrono::milliseconds;

/// Claims whose last written status is remembered; far more than one node runs.
constexpr std::size_t kMaxSlots = 2'000;
/// How long to leave a server alone that drops the field; its feature gate may be switched on.
constexpr std::chrono::minutes kDroppedPause{10};
constexpr std::size_t kMaxIps = 16;
constexpr std::size_t kMaxConditions = 8;
constexpr std::size_t kMaxData = 10 * 1024;

std::string device_key(const DeviceStatus& device) {
    return device.pool + "/" + device.device + "/" + device.share_id;
}

Json network_data(const DeviceStatus& device) {
    Json data = Json::object();
    if (!device.interface_name.empty()) data["interfaceName"] = device.interface_name;
    if (!device.hardware_address.empty()) data["hardwareAddress"] = device.hardware_address;
    const auto count = std::min(device.ips.size(), kMaxIps);
    if (count > 0)
        data["ips"] = std::vector<std::string>(
            device.ips.begin(), device.ips.begin() + static_cast<std::ptrdiff_t>(count));
    return data;
}

Json condition(const DeviceStatus& device, std::string_view type, std::string_view status,
               std::string_view reason, std::string_view message, const TransitionTime& since) {
    return {{"type", type},
            {"status", status},
            {"reason", reason},
            {"message", message},
            {"lastTransitionTime", since(device, type, status)}};
}

std::string_view status_of(bool met) {
    return met ? "True" : "False";
}

/// NetworkReady says what Ready says: network drivers write both, and pods wait for either.
Json conditions(const DeviceStatus& device, const TransitionTime& since) {
    Json all = Json::array();
    for (const std::string_view type : {"Ready", "NetworkReady"})
        all.push_back(
            condition(device, type, status_of(device.ready), device.reason, device.message, since));
    if (device.health) {
        const auto health = device.health->health;
        const auto status =
            health == Health::kUnknown ? "Unknown" : status_of(health == Health::kHealthy);
        all.push_back(condition(device, "Healthy", status, health_name(health),
                                device.health->message, since));
    }
    for (const auto& more : device.conditions) {
        if (all.size() == kMaxConditions) break;
        all.push_back(
            condition(device, more.type, status_of(more.met), more.reason, more.message, since));
    }
    return all;
}

Json device_entry(std::string_view driver, const DeviceStatus& device,
                  const TransitionTime& since) {
    Json entry = {{"driver", driver}, {"pool", device.pool}, {"device", device.device}};
    if (!device.share_id.empty()) entry["shareID"] = device.share_id;
    entry["conditions"] = conditions(device, since);
    // The server would refuse all of the status for data that are too long.
    if (device.data.is_object() && to_text(device.data).size() <= kMaxData)
        entry["data"] = device.data;
    if (auto data = network_data(device); !data.empty()) entry["networkData"] = std::move(data);
    return entry;
}

bool has_our_entry(const Json& object, std::string_view driver) {
    const auto& devices = json_path(object, {"status", "devices"});
    return devices.is_array() &&
           std::any_of(devices.begin(), devices.end(),
                       [&](const Json& entry) { return json_string(entry, "driver") == driver; });
}

}  // namespace

Json status_body(std::string_view version, const ClaimRef& claim, std::string_view driver,
                 const std::vector<DeviceStatus>& devices, const TransitionTime& since) {
    Json entries = Json::array();
    for (const auto& device : devices)
        entries.push_back(device_entry(driver, device, since));
    // The uid makes the server refuse when the claim was replaced by another of the same name.
    return {{"apiVersion", ResourceApi::group_version(version)},
            {"kind", "ResourceClaim"},
            {"metadata", {{"name", claim.name}, {"namespace", claim.ns}, {"uid", claim.uid}}},
            {"status", {{"devices", std::move(entries)}}}};
}

struct StatusWriter::Slot {
    struct Transition {
        std::string status;
        std::string since;
    };
    ClaimRef claim;
    std::vector<DeviceStatus> wanted;
    std::vector<DeviceStatus> writing;
    std::map<std::string, Transition> transitions;  ///< by device_key and condition type
    std::optional<std::vector<DeviceStatus>> stored;
    bool dirty = false;
    bool busy = false;  ///< a request or a wait for the next attempt is under way
    std::uint64_t used = 0;
    Backoff backoff{Ms(500), Ms(60'000)};
    std::optional<boost::asio::steady_timer> timer;

    std::string since(const DeviceStatus& device, std::string_view type, std::string_view status) {
        auto& last = transitions[device_key(device) + "/" + std::string(type)];
        if (last.status != status) last = {std::string(status), rfc3339_now()};
        return last.since;
    }
};

StatusWriter::StatusWriter(Client& client, ResourceApi& api, std::string driver)
    : client_(client), api_(api), driver_(std::move(driver)), alive_(std::make_shared<int>(0)) {}

StatusWriter::~StatusWriter() = default;

void StatusWriter::publish(ClaimRef claim, std::vector<DeviceStatus> devices) {
    auto& slot = slots_[claim.uid];
    if (!slot) slot = std::make_unique<Slot>();
    slot->claim = std::move(claim);
    slot->wanted = std::move(devices);
    slot->dirty = true;
    slot->used = ++sequence_;
    auto& chosen = *slot;
    if (slots_.size() > kMaxSlots) forget_oldest();
    pump(chosen);
}

StatusWriter::Slot* StatusWriter::find(const std::string& uid) {
    const auto found = slots_.find(uid);
    return found == slots_.end() ? nullptr : found->second.get();
}

bool StatusWriter::server_drops() const {
    return dropped_ && Clock::now() - dropped_at_ < kDroppedPause;
}

void StatusWriter::pump(Slot& slot) {
    if (slot.busy || !slot.dirty) return;
    slot.dirty = false;
    if (slot.stored == slot.wanted || server_drops()) {
        ++counters_.skipped;
        if (slot.wanted.empty()) forget(slot);
        return;
    }
    slot.busy = true;
    slot.writing = slot.wanted;
    api_.version([this, weak = std::weak_ptr(alive_),
                  uid = slot.claim.uid](const Result<std::string>& version) {
        auto* found = weak.expired() ? nullptr : find(uid);
        if (found == nullptr) return;
        if (!version) return failed(*found, version.error());
        write(*found, *version);
    });
}

void StatusWriter::write(Slot& slot, const std::string& version) {
    const auto since = [&slot](const DeviceStatus& device, std::string_view type,
                               std::string_view status) {
        return slot.since(device, type, status);
    };
    const auto body = status_body(version, slot.claim, driver_, slot.writing, since);
    client_.patch(
        ResourceApi::claims(version, slot.claim.ns), slot.claim.name,
        {PatchType::kApply, "status", driver_}, to_text(body),
        [this, weak = std::weak_ptr(alive_), uid = slot.claim.uid](const Result<Json>& answer) {
            auto* found = weak.expired() ? nullptr : find(uid);
            if (found == nullptr) return;
            if (!answer) return failed(*found, answer.error());
            written(*found, *answer);
        });
}

void StatusWriter::written(Slot& slot, const Json& object) {
    ++counters_.writes;
    slot.busy = false;
    slot.backoff.reset();
    slot.stored = slot.writing;
    const bool dropped = !slot.writing.empty() && !has_our_entry(object, driver_);
    if (dropped && !dropped_)
        log::info(
            "API server drops the device status of claims; its feature gate "
            "DRAResourceClaimDeviceStatus is off",
            {{"claim", slot.claim.text()}});
    dropped_ = dropped;
    if (dropped) dropped_at_ = Clock::now();
    if (slot.dirty) return pump(slot);
    if (slot.writing.empty()) forget(slot);
}

void StatusWriter::failed(Slot& slot, const Error& error) {
    ++counters_.failures;
    slot.busy = false;
    switch (error.code()) {
        case Code::kNotFound:
        case Code::kAborted:
            log::debug("claim is gone, its status is not written",
                       {{"claim", slot.claim.text()}, {"error", error.message()}});
            return forget(slot);
        case Code::kPermissionDenied:
            log::warn(
                "not allowed to write the status of claims; see the verbs for "
                "resourceclaims/status and resourceclaims/driver in the ClusterRole",
                {{"claim", slot.claim.text()}, {"error", error.message()}});
            return forget(slot);
        case Code::kInvalidArgument:
            log::warn("status of claim refused",
                      {{"claim", slot.claim.text()}, {"error", error.message()}});
            return forget(slot);
        case Code::kUnimplemented:
            // The server may have another version of the API by now.
            api_.forget();
            [[fallthrough]];
        default:
            log::debug("status of claim will be written again",
                       {{"claim", slot.claim.text()}, {"error", error.message()}});
            return again_later(slot);
    }
}

void StatusWriter::again_later(Slot& slot) {
    slot.busy = true;
    slot.dirty = true;
    slot.timer.emplace(client_.domain(), slot.backoff.next());
    slot.timer->async_wait([this, weak = std::weak_ptr(alive_),
                            uid = slot.claim.uid](const boost::system::error_code& ec) {
        auto* found = ec || weak.expired() ? nullptr : find(uid);
        if (found == nullptr) return;
        found->busy = false;
        pump(*found);
    });
}

void StatusWriter::forget(const Slot& slot) {
    slots_.erase(std::string(slot.claim.uid));
}

void StatusWriter::forget_oldest() {
    const auto oldest = std::min_element(
        slots_.begin(), slots_.end(),
        [](const auto& a, const auto& b) { return a.second->used < b.second->used; });
    slots_.erase(oldest);
}

}  // namespace knd::kube
