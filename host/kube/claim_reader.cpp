// SPDX-License-Identifier: Apache-2.0
#include "host/kube/claim_reader.hpp"

#include <algorithm>

namespace knd::kube {
namespace {

/// Whether a config entry speaks to `request` ("req" or "req/sub"); none named means all.
bool applies_to(const Json& entry, const AllocatedDevice& device) {
    const auto& requests = json_at(entry, "requests");
    if (!requests.is_array() || requests.empty()) return true;
    const auto base = base_request(device.request);
    return std::any_of(requests.begin(), requests.end(),
                       [&](const Json& name) { return name == device.request || name == base; });
}

/// Class entries first: later ones override earlier ones, and a claim overrides its class.
std::vector<Json> configs_for(const Json& config, const AllocatedDevice& device,
                              std::string_view driver) {
    std::vector<Json> found;
    for (const std::string_view source : {"FromClass", "FromClaim"}) {
        if (!config.is_array()) break;
        for (const auto& entry : config) {
            const auto& opaque = json_at(entry, "opaque");
            if (json_string(entry, "source") == source && json_string(opaque, "driver") == driver &&
                applies_to(entry, device))
                found.push_back(json_at(opaque, "parameters"));
        }
    }
    return found;
}

Result<AllocatedDevice> parse_result(const Json& result) {
    AllocatedDevice device;
    device.request = json_string(result, "request");
    device.pool = json_string(result, "pool");
    device.device = json_string(result, "device");
    device.share_id = json_string(result, "shareID");
    device.admin_access = json_bool(result, "adminAccess");
    if (device.request.empty() || device.pool.empty() || device.device.empty())
        return Error(Code::kInvalidArgument,
                     "an allocation result names no request, pool or device");
    return device;
}

std::vector<std::string> reserved_for(const Json& status) {
    std::vector<std::string> uids;
    const auto& consumers = json_at(status, "reservedFor");
    if (!consumers.is_array()) return uids;
    for (const auto& consumer : consumers)
        if (json_string(consumer, "resource") == "pods")
            uids.push_back(json_string(consumer, "uid"));
    return uids;
}

}  // namespace

Result<Claim> parse_claim(const Json& object, const ClaimRef& ref, std::string_view driver) {
    const auto& metadata = json_at(object, "metadata");
    const auto uid = json_string(metadata, "uid");
    if (uid.empty()) return Error(Code::kDataLoss, "the API server's answer has no uid");
    if (uid != ref.uid)
        return Error(
            Code::kFailedPrecondition,
            "it was deleted and made again under the same name (the kubelet asks for uid " +
                ref.uid + ", the API server has " + uid + ")");
    const auto& status = json_at(object, "status");
    const auto& allocation = json_at(status, "allocation");
    if (!allocation.is_object()) return Error(Code::kFailedPrecondition, "it is not allocated");

    Claim claim;
    claim.ref = ref;
    claim.pod_claim_name =
        json_string(json_at(metadata, "annotations"), "resource.kubernetes.io/pod-claim-name");
    claim.reserved_for = reserved_for(status);
    const auto& devices = json_at(allocation, "devices");
    const auto& results = json_at(devices, "results");
    if (!results.is_array()) return claim;
    for (const auto& result : results) {
        if (json_string(result, "driver") != driver) continue;
        KND_TRY_ASSIGN(auto device, parse_result(result));
        device.configs = configs_for(json_at(devices, "config"), device, driver);
        claim.devices.push_back(std::move(device));
    }
    return claim;
}

ClaimReader::ClaimReader(Client& client, ResourceApi& api, Options options)
    : client_(client),
      api_(api),
      options_(std::move(options)),
      status_(client, api, options_.driver),
      events_(client, {.component = options_.driver, .node = options_.node}),
      alive_(std::make_shared<int>(0)) {}

void ClaimReader::get_claim(ClaimRef ref, Done<Claim> done) {
    // A server that serves this version of the API no more finds no claim either.
    read(ref, [this, weak = std::weak_ptr(alive_), ref, done](Result<Claim> claim) {
        if (weak.expired()) return;
        if (claim.code() != Code::kNotFound) return done(std::move(claim));
        api_.forget();
        read(ref, done);
    });
}

void ClaimReader::read(const ClaimRef& ref, const Done<Claim>& done) {
    api_.version([this, weak = std::weak_ptr(alive_), ref,
                  done](const Result<std::string>& version) {
        if (weak.expired()) return;
        if (!version) return done(version.error());
        const auto take = [driver = options_.driver, ref, done](const Result<Json>& object) {
            done(object ? parse_claim(*object, ref, driver) : Result<Claim>(object.error()));
        };
        client_.get(ResourceApi::claims(*version, ref.ns), ref.name, take, options_.read_timeout);
    });
}

void ClaimReader::publish_status(ClaimRef claim, std::vector<DeviceStatus> devices) {
    status_.publish(std::move(claim), std::move(devices));
}

void ClaimReader::claim_event(const ClaimRef& claim, bool warning, std::string_view reason,
                              std::string_view message) {
    events_.record(
        {ResourceApi::group_version("v1"), "ResourceClaim", claim.ns, claim.name, claim.uid},
        warning, reason, message);
}

void ClaimReader::pod_event(const PodSandbox& pod, bool warning, std::string_view reason,
                            std::string_view message) {
    events_.record({"v1", "Pod", pod.ns, pod.name, pod.uid}, warning, reason, message);
}

}  // namespace knd::kube
