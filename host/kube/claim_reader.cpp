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

/// The `parameters` of one source that apply to `device`, in the claim's order.
std::vector<Json> configs_for(const Json& config, const AllocatedDevice& device,
                              std::string_view driver, std::string_view source) {
    std::vector<Json> found;
    if (!config.is_array()) return found;
    for (const auto& entry : config) {
        const auto& opaque = json_at(entry, "opaque");
        if (json_string(entry, "source") == source && json_string(opaque, "driver") == driver &&
            applies_to(entry, device))
            found.push_back(json_at(opaque, "parameters"));
    }
    return found;
}

const Json& named(const Json& list, std::string_view name) {
    static const Json kNone;
    if (!list.is_array()) return kNone;
    const auto found = std::find_if(list.begin(), list.end(), [&](const Json& entry) {
        return json_string(entry, "name") == name;
    });
    return found == list.end() ? kNone : *found;
}

/// Of "req" or "req/sub". v1beta1 has what v1 has in `exactly` in the request itself.
std::string device_class(const Json& spec, const std::string& request) {
    const auto base = base_request(request);
    const auto& asked = named(json_path(spec, {"devices", "requests"}), base);
    if (request.size() > base.size()) {
        const auto& sub = named(json_at(asked, "firstAvailable"), request.substr(base.size() + 1));
        return json_string(sub, "deviceClassName");
    }
    const auto& exactly = json_at(asked, "exactly");
    return json_string(exactly.is_object() ? exactly : asked, "deviceClassName");
}

std::map<std::string, std::string> consumed_capacity(const Json& result) {
    std::map<std::string, std::string> consumed;
    const auto& capacity = json_at(result, "consumedCapacity");
    if (!capacity.is_object()) return consumed;
    for (const auto& [name, quantity] : capacity.items())
        consumed[name] = quantity.is_string() ? quantity.get<std::string>() : to_text(quantity);
    return consumed;
}

Result<AllocatedDevice> parse_result(const Json& result) {
    AllocatedDevice device;
    device.request = json_string(result, "request");
    device.pool = json_string(result, "pool");
    device.device = json_string(result, "device");
    device.share_id = json_string(result, "shareID");
    device.admin_access = json_bool(result, "adminAccess");
    device.consumed = consumed_capacity(result);
    if (device.request.empty() || device.pool.empty() || device.device.empty())
        return Error(Code::kInvalidArgument,
                     "an allocation result names no request, pool or device");
    return device;
}

std::vector<PodRef> reserved_for(const Json& status) {
    std::vector<PodRef> pods;
    const auto& consumers = json_at(status, "reservedFor");
    if (!consumers.is_array()) return pods;
    for (const auto& consumer : consumers)
        if (json_string(consumer, "resource") == "pods")
            pods.push_back({json_string(consumer, "uid"), json_string(consumer, "name")});
    return pods;
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
        const auto& config = json_at(devices, "config");
        device.class_configs = configs_for(config, device, driver, "FromClass");
        device.configs = configs_for(config, device, driver, "FromClaim");
        device.device_class = device_class(json_at(object, "spec"), device.request);
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
    read(ref, [this, weak = std::weak_ptr(alive_), ref, done](Result<Claim> claim) {
        if (weak.expired()) return;
        if (claim.code() != Code::kUnimplemented) return done(std::move(claim));
        // The server may have another version of the API by now.
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
            if (object) return done(parse_claim(*object, ref, driver));
            // 412 is nobody's word about the claim; parse_claim alone says that it is another.
            const bool foreign = object.code() == Code::kFailedPrecondition;
            done(foreign ? Error(Code::kUnavailable, object.error().message()) : object.error());
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
