// SPDX-License-Identifier: Apache-2.0
#include "tests/interop/differential/attributes.hpp"

namespace knd::differential {
namespace {

Json random_scalar(Random& random, const std::string& type) {
    if (type == "int") return random.chance(90) ? random.between(0, 3) : random.between(-9, 400000);
    if (type == "bool") return random.chance(50);
    if (type == "version")
        return random.pick({"1.0.0", "1.2.3", "2.0.0", "1.2.3-rc.1", "1.2.3+build", "10.0.0"});
    return random.pick(
        {"a", "b", "a100", "h100", "", "pci0000:01", "pci0000:02", "Ünï", "10.0.0.1"});
}

/// A policy that API validation would let through: the default is valid, values ascend.
Json random_policy(Random& random, std::int64_t whole, bool fractions) {
    const auto unit = std::max<std::int64_t>(1, whole / 8);
    if (fractions)
        return {{"default", "500m"},
                {"validRange",
                 {{"min", random.pick({"500m", "250m", "1"})},
                  {"step", random.pick({"250m", "500m", "1", "0.0001", "1500u"})},
                  {"max", random.pick({"4", "2500m", "9223372036854775807"})}}}};
    if (random.chance(50)) {
        Json out = {{"default", std::to_string(unit)}, {"validValues", Json::array()}};
        for (auto value = unit; value <= whole; value += unit * random.between(1, 3))
            out["validValues"].push_back(std::to_string(value));
        return out;
    }
    Json range = {{"min", std::to_string(unit)}};
    if (random.chance(60)) range["step"] = std::to_string(unit);
    if (random.chance(60)) range["max"] = std::to_string(unit * random.between(2, 8));
    return {{"default", std::to_string(unit * random.between(1, 2))}, {"validRange", range}};
}

Json random_capacity(Random& random, bool sharing, bool fractions) {
    if (!sharing) return {{"value", random_quantity(random)}};
    const auto whole = random.between(1, 4) * 8;
    Json out = {{"value", random.chance(70) ? std::to_string(whole) : random_quantity(random)}};
    if (random.chance(50)) out["requestPolicy"] = random_policy(random, whole, fractions);
    return out;
}

}  // namespace

const std::vector<AttributeName>& attribute_names() {
    static const std::vector<AttributeName> kNames = {
        {"model", "string"}, {"root", "string"}, {"numa", "int"},  {"speed", "int"},
        {"rdma", "bool"},    {"fw", "version"},  {"index", "int"}, {"shared", "bool"},
        {"api", "version"},  {"link", "string"}};
    return kNames;
}

const std::vector<AttributeName>& list_attribute_names() {
    static const std::vector<AttributeName> kNames = {
        {"nodes", "ints"}, {"flags", "bools"}, {"labels", "strings"}, {"apis", "versions"}};
    return kNames;
}

const std::vector<std::string>& capacity_names() {
    static const std::vector<std::string> kNames = {"memory", "bandwidth", "slots"};
    return kNames;
}

const std::vector<std::string>& driver_names() {
    static const std::vector<std::string> kNames = {"gpu.example.com", "nic.example.com",
                                                    "knd.dev"};
    return kNames;
}

std::string_view standard_domain() {
    return "resource.kubernetes.io";
}

std::string random_quantity(Random& random) {
    return std::string(
        random.pick({"1", "2", "8", "10", "100m", "1500m", "1k", "1Ki", "1Mi", "16Gi", "1.5Gi", "0",
                     "3G", "1e3", "12345678901234567890", "40Gi"}));
}

Json random_attribute(Random& random, const std::string& type) {
    if (type.back() != 's') return {{type, random_scalar(random, type)}};
    auto list = Json::array();
    for (auto n = random.between(1, 4); n > 0; --n)
        list.push_back(random_scalar(random, type.substr(0, type.size() - 1)));
    return {{type, list}};
}

Json random_device(Random& random, const std::string& driver, const DeviceOptions& options) {
    Json out = {{"attributes", Json::object()}, {"capacity", Json::object()}};
    const auto put = [&](const AttributeName& name) {
        if (random.chance(options.missing)) return;
        const auto key = random.chance(20) ? driver + "/" + name.id : name.id;
        out["attributes"][key] = random_attribute(random, name.type);
    };
    for (const auto& name : attribute_names())
        put(name);
    if (options.lists)
        for (const auto& name : list_attribute_names())
            put(name);
    if (random.chance(70))
        out["attributes"][std::string(standard_domain()) + "/pcieRoot"] =
            random_attribute(random, "string");
    const bool sharing = options.sharing && random.chance(50);
    if (sharing) out["allowMultipleAllocations"] = true;
    for (const auto& name : capacity_names()) {
        if (random.chance(options.missing + 20)) continue;
        const auto key = random.chance(10) ? driver + "/" + name : name;
        out["capacity"][key] = random_capacity(random, sharing, options.fractions);
    }
    return out;
}

}  // namespace knd::differential
