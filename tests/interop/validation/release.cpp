// SPDX-License-Identifier: Apache-2.0
#include "tests/interop/validation/release.hpp"

#include "host/model/gates.hpp"

namespace knd::differential {

int release_of_write(const Json& write) {
    const auto gates = Gates::make(json_string(write, "release", "1.36"));
    return gates.ok() ? gates->kubernetes_minor() : kUsualRelease;
}

bool fit_release(Json& write, int release) {
    if (release == kUsualRelease) return true;
    const auto version = "1." + std::to_string(release);
    write["release"] = version;
    auto known = Json::object();
    for (const auto& [gate, on] : json_at(write, "gates").items()) {
        // Nobody can switch these in 1.37.
        const bool locked = release > kUsualRelease && (gate == "DRAExtendedResource" ||
                                                        gate == "DRAResourceClaimDeviceStatus");
        if (Gates::make(version, "+" + gate).ok() && !locked) known[gate] = on;
    }
    write["gates"] = std::move(known);
    // What an API server insists on.
    constexpr std::pair<const char*, const char*> kNeeds[] = {
        {"DRADeviceTaintRules", "DRADeviceTaints"},
        {"DRAFractionalCapacityRange", "DRAConsumableCapacity"}};
    for (const auto& [gate, needed] : kNeeds)
        if (release > kUsualRelease && !write["gates"].value(needed, true))
            write["gates"][gate] = false;
    if (json_string(write, "kind") != "DeviceTaintRule" || release > kUsualRelease) return true;
    // Until 1.35 rules are of one version, in 1.34 without a status.
    if (json_string(write, "operation") == "status" && release < 35) return false;
    write["version"] = "v1alpha3";
    for (const auto* key : {"before", "after"})
        if (write.contains(key)) write[key]["apiVersion"] = "resource.k8s.io/v1alpha3";
    return true;
}

}  // namespace knd::differential
