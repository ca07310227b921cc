// SPDX-License-Identifier: Apache-2.0
#include "tools/local/support/pod_claims.hpp"

#include <algorithm>

#include "tools/local/api/intake.hpp"

namespace knd::local {

std::string claim_name(const Json& pod, const Json& entry) {
    if (entry.contains("resourceClaimName")) return json_string(entry, "resourceClaimName");
    for (const auto& status : json_path(pod, {"status", "resourceClaimStatuses"})) {
        if (json_string(status, "name") == json_string(entry, "name"))
            return json_string(status, "resourceClaimName");
    }
    return {};
}

bool is_made_for(const Json& pod, const Json& claim) {
    const auto uid = json_string(json_at(pod, "metadata"), "uid");
    const auto& owners = json_path(claim, {"metadata", "ownerReferences"});
    return std::any_of(owners.begin(), owners.end(), [&](const Json& owner) {
        return json_bool(owner, "controller") && json_string(owner, "uid") == uid;
    });
}

Result<> check_owner(const Json& pod, const Json& entry, const Json& claim) {
    if (entry.contains("resourceClaimName") || is_made_for(pod, claim)) return {};
    const auto text = [](const Json& object) {
        return api::object_namespace(object) + "/" + api::object_name(object);
    };
    return Error(Code::kPermissionDenied, "ResourceClaim " + text(claim) +
                                              " was not created for Pod " + text(pod) +
                                              " (Pod is not owner)");
}

}  // namespace knd::local
