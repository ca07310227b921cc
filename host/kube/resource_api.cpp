// SPDX-License-Identifier: Apache-2.0
#include "host/kube/resource_api.hpp"

#include <algorithm>
#include <array>

namespace knd::kube {
namespace {

constexpr std::string_view kGroup = "resource.k8s.io";
constexpr std::array<std::string_view, 3> kVersions = {"v1", "v1beta2", "v1beta1"};
constexpr std::string_view kNestingVersion = "v1beta1";

bool serves(const Json& document, std::string_view plural) {
    const auto& resources = json_at(document, "resources");
    return resources.is_array() &&
           std::any_of(resources.begin(), resources.end(),
                       [&](const Json& entry) { return json_string(entry, "name") == plural; });
}

}  // namespace

void ResourceApi::version(Done<std::string> done) {
    if (!version_.empty()) return done(version_);
    waiting_.push_back(std::move(done));
    if (waiting_.size() == 1) probe(0);
}

void ResourceApi::probe(std::size_t candidate) {
    if (candidate == kVersions.size())
        return answer(
            Error(Code::kUnimplemented,
                  "the API server serves no version of resource.k8s.io that has "
                  "ResourceClaims; Kubernetes 1.34 does by default, 1.32 and 1.33 need "
                  "the feature gate DynamicResourceAllocation and the API group enabled"));
    const auto version = std::string(kVersions[candidate]);
    const auto path = "/apis/" + group_version(version);
    client_.get(
        path, "", [this, weak = std::weak_ptr(alive_), candidate, version](Result<Json> document) {
            if (weak.expired()) return;
            const bool absent =
                document.code() == Code::kUnimplemented || document.code() == Code::kNotFound;
            if (!document && !absent) return answer(std::move(document).error());
            if (!document || !serves(*document, "resourceclaims") ||
                !serves(*document, "resourceslices"))
                return probe(candidate + 1);
            version_ = version;
            answer(version);
        });
}

void ResourceApi::answer(const Result<std::string>& result) {
    for (const auto& done : std::exchange(waiting_, {}))
        done(result);
}

std::string ResourceApi::group_version(std::string_view version) {
    return std::string(kGroup) + "/" + std::string(version);
}

Resource ResourceApi::claims(std::string_view version, std::string ns) {
    return {group_version(version), "resourceclaims", std::move(ns)};
}

Resource ResourceApi::slices(std::string_view version) {
    return {group_version(version), "resourceslices", ""};
}

Json ResourceApi::device_to(std::string_view version, Json device) {
    if (version != kNestingVersion) return device;
    Json nested = {{"name", json_string(device, "name")}};
    device.erase("name");
    nested["basic"] = std::move(device);
    return nested;
}

Json ResourceApi::device_from(std::string_view version, Json device) {
    if (version != kNestingVersion) return device;
    Json flat = json_at(device, "basic");
    if (!flat.is_object()) flat = Json::object();
    flat["name"] = json_string(device, "name");
    return flat;
}

}  // namespace knd::kube
