// SPDX-License-Identifier: Apache-2.0
#include "tests/interop/validation/release.hpp"

#include "host/model/gates.hpp"

namespace knd::differential {

int release_of_write(const Json& write) {
    const auto gates = Gates::make(json_string(write, "release", "1.36"));
    return gates.ok() ? gates->kubernetes_minor() : kUsualRelease;
}

namespace {

/// Takes out the gates that the release does not have or that nobody can switch there.
void fit_gates(Json& write, int release) {
    const auto version = "1." + std::to_string(release);
    auto known = Json::object();
    for (const auto& [gate, on] : json_at(write, "gates").items()) {
        const bool locked = release >= 37 && (gate == "DRAExtendedResource" ||
                                              gate == "DRAResourceClaimDeviceStatus");
        if (Gates::make(version, "+" + gate).ok() && !locked) known[gate] = on;
    }
    // What an API server insists on since 1.35.
    if (known.value("DRAPartitionableDevicesType", false)) known["DRAResourcePoolStatus"] = true;
    constexpr std::pair<const char*, const char*> kNeeds[] = {
        {"DRADeviceTaintRules", "DRADeviceTaints"},
        {"DRAFractionalCapacityRange", "DRAConsumableCapacity"},
        {"DRADeviceCompatibilityGroups", "DRAPartitionableDevices"},
        {"DRAPartitionableDevicesType", "DRAPartitionableDevices"}};
    for (const auto& [gate, needed] : kNeeds)
        if (release >= 37 && !known.value(needed, true)) known[gate] = false;
    if (!known.empty() || write.contains("gates")) write["gates"] = std::move(known);
}

}  // namespace

bool fit_release(Json& write, int release) {
    fit_gates(write, release);
    if (release == kUsualRelease) return true;
    write["release"] = "1." + std::to_string(release);
    const auto asked_in = [&](const char* version) {
        write["version"] = version;
        for (const auto* key : {"before", "after"})
            if (write.contains(key))
                write[key]["apiVersion"] = std::string("resource.k8s.io/") + version;
    };
    if (json_string(write, "kind") == "DeviceTaintRule" && release < kUsualRelease) {
        // Until 1.35 rules are of one version, in 1.34 without a status, in 1.32 unknown.
        if (release < (json_string(write, "operation") == "status" ? 35 : 33)) return false;
        asked_in("v1alpha3");
    } else if (release == 33 && json_string(write, "version") == "v1") {
        asked_in("v1beta2");  // of the same form
    } else if (release == 32) {
        return json_string(write, "version") == "v1beta1";
    }
    return true;
}

}  // namespace knd::differential
