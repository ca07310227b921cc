// SPDX-License-Identifier: Apache-2.0
#include "tests/interop/validation/mutate.hpp"

#include <algorithm>
#include <stdexcept>

namespace knd::differential {
namespace {

const std::vector<std::string>& texts() {
    static const std::vector<std::string> kTexts = {"",
                                                    "a",
                                                    "A",
                                                    "a.b",
                                                    "-a",
                                                    "a-",
                                                    "a_b",
                                                    "a b",
                                                    "a/b",
                                                    "a/b/c",
                                                    "/a",
                                                    "a/",
                                                    "/",
                                                    ".a",
                                                    "a..b",
                                                    "UPPER.example.com",
                                                    "1a",
                                                    "9",
                                                    "true",
                                                    "<&>",
                                                    "t\tab\"quote\\",
                                                    "\x01",
                                                    "\x7f",
                                                    "\xc3\xa9",
                                                    std::string(32, 'x'),
                                                    std::string(33, 'x'),
                                                    std::string(63, 'x'),
                                                    std::string(64, 'x'),
                                                    std::string(65, 'x'),
                                                    std::string(128, 'x'),
                                                    std::string(253, 'x'),
                                                    std::string(254, 'x'),
                                                    std::string(64, 'd') + "/n",
                                                    "d.e/" + std::string(33, 'n'),
                                                    "dra.example.com/x",
                                                    "example.com/root",
                                                    "1.2.3",
                                                    "v1.2.3",
                                                    "01.2.3",
                                                    "1.2",
                                                    "1.2.3-",
                                                    "1.2.3+b.1",
                                                    "All",
                                                    "ExactCount",
                                                    "Exists",
                                                    "Equal",
                                                    "NoSchedule",
                                                    "NoExecute",
                                                    "None",
                                                    "PreferNoSchedule",
                                                    "In",
                                                    "NotIn",
                                                    "DoesNotExist",
                                                    "Gt",
                                                    "Lt",
                                                    "FromClass",
                                                    "FromClaim",
                                                    "True",
                                                    "False",
                                                    "Unknown",
                                                    "metadata.name",
                                                    "nic",
                                                    "all",
                                                    "gpu",
                                                    "gpu/big",
                                                    "gpu/none",
                                                    "nic/big",
                                                    "set-a",
                                                    "memory",
                                                    "cores",
                                                    "0",
                                                    "1",
                                                    "-1",
                                                    "1.5",
                                                    "500m",
                                                    "1.500",
                                                    "+5",
                                                    "1000m",
                                                    "1e+3",
                                                    "1E3",
                                                    "00.5",
                                                    "8Ki",
                                                    "1024Ki",
                                                    "1Ki",
                                                    "1e3",
                                                    "10G",
                                                    "9G",
                                                    "1k",
                                                    "1Mi",
                                                    "0.5Gi",
                                                    "abc",
                                                    "1KB",
                                                    "1e30",
                                                    " 1",
                                                    "9223372036854775807",
                                                    "9223372036854775808",
                                                    "18446744073709551617",
                                                    "123e18",
                                                    "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0",
                                                    "0F1E2D3C-4B5A-6978-8796-A5B4C3D2E1F0",
                                                    "{0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0}",
                                                    "0f1e2d3c4b5a69788796a5b4c3d2e1f0",
                                                    "urn:uuid:0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0",
                                                    "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1fg",
                                                    "10.9.8.7/24",
                                                    "10.9.8.7",
                                                    "10.9.8.07/24",
                                                    "::1:2/64",
                                                    "0fd00::00:01.02.3.004/064",
                                                    "10.9.8.7/024",
                                                    "2001:DB8::1/64",
                                                    "2001:0db8::1/64",
                                                    "::ffff:10.0.0.1/120",
                                                    "10.0.0.1/33",
                                                    "::1/129",
                                                    "fe80::1%eth0/64",
                                                    "1::2::3/64",
                                                    "0:0:0:0:0:0:0:1/128",
                                                    "256.0.0.1/8",
                                                    "::/0",
                                                    "2026-01-02T03:04:05Z",
                                                    "2026-02-30T00:00:00Z",
                                                    "2026-01-02",
                                                    "2026-01-02T03:04:05+01:00",
                                                    "device.driver == \"x\"",
                                                    "device.attributes[\"a\"].b",
                                                    "true",
                                                    "1 + 1",
                                                    "device.nope",
                                                    "true &&",
                                                    "device.attributes[\"a\"].b.all(x, x == 1)",
                                                    "pods",
                                                    "kubernetes",
                                                    "orphan",
                                                    "foregroundDeletion",
                                                    "example.com/nic",
                                                    "requests.example.com/nic",
                                                    "cpu",
                                                    "kubernetes.io/x",
                                                    "requests.cpu",
                                                    "hugepages-2Mi",
                                                    "hugepages-",
                                                    "ephemeral-storage",
                                                    "NodePrepareResources",
                                                    "NodeUnprepareResources",
                                                    "*",
                                                    "profile",
                                                    "dra.example.com/profile",
                                                    "halves",
                                                    "250m",
                                                    "50m",
                                                    "1500m",
                                                    "100u",
                                                    "1n",
                                                    "0.0001",
                                                    "device.attributes[\"x\"].index",
                                                    "device.capacity[\"x\"].size",
                                                    "device.attributes[\"x\"]",
                                                    "\"text\"",
                                                    "[\"a\", \"b\"]",
                                                    "[1, true]",
                                                    "[]",
                                                    "[[1]]",
                                                    "{\"a\": 1}",
                                                    "null",
                                                    "1.5",
                                                    "1u",
                                                    "semver(\"1.2.3\")",
                                                    "quantity(\"1\")",
                                                    "duration(\"1s\")",
                                                    "b\"x\""};
    return kTexts;
}

const std::vector<std::string>& names_of_fields() {
    static const std::vector<std::string> kNames = {"bogus",
                                                    "name",
                                                    "Name",
                                                    "value",
                                                    "requests",
                                                    "count",
                                                    "allocationMode",
                                                    "adminAccess",
                                                    "exactly",
                                                    "firstAvailable",
                                                    "matchAttribute",
                                                    "distinctAttribute",
                                                    "nodeName",
                                                    "nodeSelector",
                                                    "allNodes",
                                                    "perDeviceNodeSelection",
                                                    "sharedCounters",
                                                    "devices",
                                                    "taints",
                                                    "consumesCounters",
                                                    "int",
                                                    "bool",
                                                    "string",
                                                    "version",
                                                    "ints",
                                                    "bools",
                                                    "strings",
                                                    "versions",
                                                    "requestPolicy",
                                                    "validValues",
                                                    "validRange",
                                                    "default",
                                                    "min",
                                                    "max",
                                                    "step",
                                                    "allowMultipleAllocations",
                                                    "bindsToNode",
                                                    "bindingConditions",
                                                    "bindingFailureConditions",
                                                    "shareID",
                                                    "timeAdded",
                                                    "tolerationSeconds",
                                                    "effect",
                                                    "operator",
                                                    "key",
                                                    "opaque",
                                                    "parameters",
                                                    "driver",
                                                    "capacity",
                                                    "attributes",
                                                    "basic",
                                                    "allocation",
                                                    "reservedFor",
                                                    "conditions",
                                                    "networkData",
                                                    "data",
                                                    "namespace",
                                                    "generateName",
                                                    "labels",
                                                    "annotations",
                                                    "finalizers",
                                                    "uid",
                                                    "extendedResourceName",
                                                    "partitionTypeAttribute",
                                                    "skipNodeOperations",
                                                    "compatibilityGroups",
                                                    "derivedAttributes",
                                                    "nodeAllocatableResources",
                                                    "capacityKey",
                                                    "nodeAllocatableResourceMappings",
                                                    "allocationMultiplier",
                                                    "deviceClassName",
                                                    "mapping",
                                                    "overhead",
                                                    "perPod",
                                                    "perContainer",
                                                    "capacityMultiplier",
                                                    "deviceMultiplier",
                                                    "expression",
                                                    "selectors"};
    return kNames;
}

/// All values below, outermost first.
void collect(Json& value, std::vector<Json*>& out) {
    out.push_back(&value);
    if (value.is_structured())
        for (auto& one : value)
            collect(one, out);
}

Json random_scalar(Random& random) {
    switch (random.below(6)) {
        case 0:
            return random.below(2) == 0;
        case 1:
            return random.between(-2, 3);
        case 2:
            return random.pick(std::vector<Json>{9223372036854775807, 4294967296, 1.5, 1e18, 1e30});
        default:
            return random.pick(texts());
    }
}

Json random_value(Random& random) {
    switch (random.below(8)) {
        case 0:
            return nullptr;
        case 1:
            return Json::object();
        case 2:
            return Json::array();
        case 3:
            return Json::array({random_scalar(random)});
        case 4:
            return Json::array({nullptr});
        default:
            return random_scalar(random);
    }
}

void spoil_object(Random& random, Json& value, const Json& donor) {
    if (!value.empty() && random.chance(50)) {
        auto one = value.begin();
        std::advance(one, static_cast<std::ptrdiff_t>(random.below(value.size())));
        if (random.chance(60)) {
            value.erase(one);
        } else {
            const auto moved = *one;
            value.erase(one);
            value[random.chance(50) ? random.pick(names_of_fields()) : random.pick(texts())] =
                moved;
        }
        return;
    }
    const auto& key = random.pick(names_of_fields());
    value[key] = random.chance(30) && donor.contains(key) ? donor[key] : random_value(random);
}

void spoil_list(Random& random, Json& value) {
    switch (random.below(5)) {
        case 0:
            value = Json::array();
            break;
        case 1:
            if (!value.empty()) value.erase(random.below(value.size()));
            break;
        case 2:
            if (value.size() > 1) std::swap(value[0], value[value.size() - 1]);
            break;
        case 3:
            value.push_back(random_value(random));
            break;
        default:
            if (!value.empty()) value.push_back(Json(value[random.below(value.size())]));
            break;
    }
}

/// Every member of an object that is not spoiled otherwise, by its name.
Json donor_of(Json& root) {
    std::vector<Json*> all;
    collect(root, all);
    auto donor = Json::object();
    for (const auto* one : all)
        if (one->is_object()) donor.update(*one);
    return donor;
}

void spoil(Random& random, Json& object) {
    const auto donor = donor_of(object);
    std::vector<Json*> places;
    for (const auto* part : {"spec", "status", "spec", "metadata"})
        if (object.contains(part) && (std::string_view(part) != "metadata" || random.chance(25)))
            collect(object[part], places);
    if (places.empty()) return;
    auto& value = *places[random.below(places.size())];
    if (random.chance(5))
        value = random_value(random);
    else if (value.is_object())
        spoil_object(random, value, donor);
    else if (value.is_array())
        spoil_list(random, value);
    else if (value.is_string() && random.chance(90))
        value = random.pick(texts());
    else
        value = random_scalar(random);
}

/// Off by default, and what most of their cases are about.
constexpr const char* kUsuallyOn[] = {"DRAListTypeAttributes",        "DRANodeAllocatableResources",
                                      "DRAPartitionableDevicesType",  "DRAOptionalNodeOperations",
                                      "DRADeviceCompatibilityGroups", "DRADerivedAttributes",
                                      "DRAFractionalCapacityRange"};

void switch_gates(Random& random, Json& write) {
    constexpr const char* kGates[] = {
        "DRAPartitionableDevices",     "DRADeviceTaints",
        "DRAConsumableCapacity",       "DRADeviceBindingConditions",
        "DRAExtendedResource",         "DRAListTypeAttributes",
        "DRANodeAllocatableResources", "DRAResourceClaimDeviceStatus"};
    for (const auto* gate : kGates)
        if (random.chance(8)) write["gates"][gate] = random.chance(50);
    // What an API server insists on.
    if (write.contains("gates") &&
        write["gates"].value("DRAResourceClaimDeviceStatus", true) == false) {
        write["gates"]["DRAResourceClaimGranularStatusAuthorization"] = false;
        write["gates"]["DRADeviceBindingConditions"] = false;
    }
    for (const auto* gate : kUsuallyOn)
        if (random.chance(70)) write["gates"][gate] = true;
}

void set_version(Json& write, const std::string& version) {
    write["version"] = version;
    for (const auto* key : {"before", "after"}) {
        if (!write.contains(key)) continue;
        auto& object = write[key];
        if (version == "v1beta1") object = in_v1beta1(object);
        object["apiVersion"] = "resource.k8s.io/" + version;
    }
}

/// '#' in a text becomes the number.
Json numbered(Json value, std::size_t number) {
    if (value.is_structured())
        for (auto& one : value)
            one = numbered(one, number);
    if (!value.is_string()) return value;
    auto text = value.get<std::string>();
    const auto at = text.find('#');
    if (at != std::string::npos) text.replace(at, 1, std::to_string(number));
    return text;
}

Json grown(Json value, std::size_t size, const Json& element) {
    if (element.is_null()) {
        std::string text(size, 'x');
        // Names have labels of at most 63 bytes.
        for (std::size_t i = 60; size > 64 && i + 1 < size; i += 61)
            text[i] = '.';
        return text;
    }
    if (value.is_object()) {
        for (std::size_t i = 0; value.size() < size; ++i)
            value["k" + std::to_string(i)] = numbered(element, i);
        return value;
    }
    while (value.size() < size)
        value.push_back(numbered(element, value.size()));
    return value;
}

/// Null: it is not of this release.
const Base* base_named(const std::vector<Base>& bases, const std::string& name) {
    const auto found = std::find_if(bases.begin(), bases.end(),
                                    [&](const Base& base) { return base.name == name; });
    return found == bases.end() ? nullptr : &*found;
}

/// A request whose path is another than the object's is refused before anyone looks at it.
void keep_place(Json& write) {
    auto& metadata = write["after"]["metadata"];
    if (metadata.is_object() && metadata.contains("namespace")) metadata["namespace"] = "default";
    if (metadata.is_object() && write.contains("before"))
        metadata["name"] = write["before"]["metadata"]["name"];
}

}  // namespace

Json random_write(Random& random, const std::vector<Base>& bases) {
    const auto& base = random.pick(bases);
    auto write = base.write;
    switch_gates(random, write);
    const auto version = random.pick(base.versions);
    set_version(write, version);
    if (random.chance(15)) write["admin"] = true;
    for (auto times = 1 + random.below(3) / 2; times > 0; --times)
        spoil(random, write["after"]);
    keep_place(write);
    return write;
}

std::vector<Json> limit_writes(const std::vector<Base>& bases) {
    std::vector<Json> out;
    for (const auto& limit : limits()) {
        const auto* base = base_named(bases, limit.base);
        if (base == nullptr) continue;
        for (const auto size : {limit.limit - 1, limit.limit, limit.limit + 1}) {
            for (const auto& version : base->versions) {
                auto write = base->write;
                for (const auto* gate : kUsuallyOn)
                    write["gates"][gate] = true;
                auto& place = write["after"][Json::json_pointer(limit.pointer)];
                place = grown(place, size, limit.element);
                set_version(write, version);
                out.push_back(std::move(write));
            }
        }
    }
    return out;
}

}  // namespace knd::differential
