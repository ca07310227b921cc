// SPDX-License-Identifier: Apache-2.0
#include "host/claims/container_listing.hpp"

#include <algorithm>
#include <cstdlib>

#include "host/claims/gate.hpp"

namespace knd {
namespace {

/// Whether CDI is on where nobody has switched it: in CRI-O always, in containerd since 2.0.
bool has_cdi_on(const RuntimeInfo& runtime) {
    if (runtime.name != "containerd") return !runtime.name.empty();
    const auto digits = runtime.version.find_first_of("0123456789");
    if (digits == std::string::npos) return false;
    return std::atoi(runtime.version.c_str() + digits) >= 2;
}

}  // namespace

void ContainerListing::runtime_is(RuntimeInfo runtime) {
    runtime_ = std::move(runtime);
    hook_seen_ = tells_devices_ = false;
}

bool ContainerListing::cdi_is_on() const {
    switch (options_.nri.cdi) {
        case CdiMode::kOn:
            return true;
        case CdiMode::kOff:
            return hook_seen_;
        case CdiMode::kAuto:
            break;
    }
    return hook_seen_ || has_cdi_on(runtime_);
}

ContainerListing::Answer ContainerListing::lists(const Container& container,
                                                 const std::string& claim_uid) {
    bool listed = false;
    for (const auto& hook : container.create_runtime_hooks) {
        const auto uid = gated_claim(hook, options_);
        if (!uid.empty()) hook_seen_ = true;
        if (uid == claim_uid) listed = true;
    }
    if (listed) return Answer::kListed;
    const auto id = options_.driver + "/claim=" + claim_uid;
    for (const auto& device : container.cdi_devices) {
        tells_devices_ = true;
        if (device == id || device.starts_with(id + "_")) return Answer::kListed;
    }
    return tells_devices_ || cdi_is_on() ? Answer::kNotListed : Answer::kUnknown;
}

std::string ContainerListing::blind_spot() const {
    if (runtime_.name.empty() || tells_devices_ || cdi_is_on()) return "";
    return runtime_.name + " " + runtime_.version +
           " has CDI off and does not tell which containers list a claim";
}

}  // namespace knd
