// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "tools/kndctl/migrate/sources.hpp"

namespace knd::migrate {
namespace {

/// Of the device plugin alone. A pool without them would be wider than the resource was.
constexpr const char* kNoCounterpart[] = {"ddpProfiles", "pKeys", "vdpaType", "auxTypes"};

/// Functions that user space drives are bound when a claim has them, and have their kernel driver
/// before.
bool is_for_user_space(const Json& driver) {
    return driver == "vfio-pci" || driver == "uio_pci_generic" || driver == "igb_uio";
}

}  // namespace

Result<void> DevicePlugin::read(const Json& config) {
    for (const auto& entry : json_at(config, "resourceList"))
        KND_TRY(resource(entry));
    return {};
}

Result<void> DevicePlugin::resource(const Json& resource) {
    const auto name = json_string(resource, "resourceName");
    if (name.empty())
        return Error(Code::kInvalidArgument, "a resource of `resourceList` has no `resourceName`");
    const auto full = json_string(resource, "resourcePrefix", "intel.com") + "/" + name;
    const auto type = json_string(resource, "deviceType", "netDevice");
    if (type != "netDevice") {
        out_.note("resource " + full + ": deviceType " + type +
                  " is no network function; left out");
        return {};
    }
    if (!json_at(resource, "additionalInfo").is_null())
        out_.note("resource " + full +
                  ": additionalInfo has no counterpart; what a container has to know is in the "
                  "device metadata");
    const auto& selectors = json_at(resource, "selectors");
    if (selectors.is_object()) return selector(full, selectors);
    for (const auto& one : selectors)
        KND_TRY(selector(full, one));
    if (selectors.empty()) return selector(full, Json::object());
    return {};
}

Result<void> DevicePlugin::selector(const std::string& resource, const Json& selector) {
    for (const auto* key : kNoCounterpart) {
        const auto& value = json_at(selector, key);
        if (value.is_null() || value.empty() || value == "") continue;
        out_.note("resource " + resource + ": the selector `" + key +
                  "` has no counterpart; the pool is left out, as it would be wider without it");
        return {};
    }
    Json pool = Json::object();
    for (const auto* key : {"vendors", "devices", "drivers", "pciAddresses", "pfNames",
                            "rootDevices", "linkTypes", "acpiIndexes"}) {
        const auto& value = json_at(selector, key);
        if (!value.is_null() && !value.is_array())
            return Error(Code::kInvalidArgument,
                         "resource " + resource + ": `selectors." + key + "` is no list");
        take(selector, key, pool, key);
    }
    // Texts there, numbers here.
    if (const auto indexes = pool.find("acpiIndexes"); indexes != pool.end()) {
        for (auto& index : *indexes) {
            const auto number = parse_json(index.is_string() ? index.get<std::string>() : "");
            if (!number.ok() || !number->is_number_unsigned())
                return Error(Code::kInvalidArgument, "resource " + resource +
                                                         ": `selectors.acpiIndexes` has " +
                                                         to_text(index) + ", no number in quotes");
            index = *number;
        }
    }
    if (json_bool(selector, "isRdma")) pool["isRdma"] = true;
    if (json_bool(selector, "needVhostNet")) pool["needVhostNet"] = true;
    if (const auto drivers = pool.find("drivers"); drivers != pool.end()) {
        const auto user = std::count_if(drivers->begin(), drivers->end(), is_for_user_space);
        if (user > 0 && user != static_cast<std::ptrdiff_t>(drivers->size())) {
            out_.note("resource " + resource +
                      ": its `drivers` are of the kernel and of user space; a pool has one mode, "
                      "so write two pools");
            return {};
        }
        if (user > 0) {
            pool["mode"] = "vfio-pci";
            pool.erase("drivers");
        }
    }
    out_.add_pool(resource, std::move(pool));
    return {};
}

}  // namespace knd::migrate
