// SPDX-License-Identifier: Apache-2.0
//
// What the sink of devices accepts, the API server takes as well, in every release: random devices,
// most of them wrong in one way or another.
#include <gtest/gtest.h>

#include <knd/cpp/sinks.hpp>
#include <random>

#include "host/model/attribute_json.hpp"
#include "host/plugin/device_sink.hpp"
#include "host/validation/validation.hpp"

namespace knd::plugin {
namespace {

class Maker {
  public:
    explicit Maker(unsigned seed) : random_(seed) {}

    void describe(DeviceSink& sink) {
        sink.device({.name = "a", .hardware_key = "x", .shareable = one_in(8) ? false : true});
        for (int i = number(0, 3); i > 0; --i)
            sink.attribute(any_of(kNames), any_of(kTexts));
        if (one_in(4)) sink.attribute("list", std::vector<std::string>(number(0, 50), "v"));
        if (one_in(4)) sink.attribute("numbers", std::vector<std::int64_t>(number(0, 50), 7));
        if (one_in(4)) sink.version("version", any_of(kTexts));
        sink.capacity("c", any_of(kAmounts));
        sink.policy("c", policy());
        for (int i = number(0, 3); i > 0; --i)
            sink.consumes(any_of(kSets), any_of(kSets), any_of(kAmounts));
        for (int i = number(0, 2); i > 0; --i)
            sink.taint(any_of(kKeys), any_of(kTexts), one_in(2) ? "NoSchedule" : "NoExecute");
        for (const auto* set : kSets) {
            for (const auto* counter : kSets)
                sink.counter(set, counter, "100");
        }
    }

  private:
    using Words = std::initializer_list<const char*>;
    static constexpr Words kAmounts = {"1", "2",    "3",   "4",   "6",  "10", "1", "2",   "8",
                                       "0", "500m", "1.5", "1Ki", "-1", "x",  "",  "1e30"};
    static constexpr Words kNames = {"a", "b", "example.com/c", "Not A Name", "é", "A_1"};
    static constexpr Words kTexts = {"v",
                                     "",
                                     "1.2.3",
                                     "a b",
                                     "-a",
                                     "v.1",
                                     "0123456789012345678901234567890123456789012345678901234567"
                                     "890123456789"};
    static constexpr Words kSets = {"set", "pf-0", "vfs", "UPPER"};
    static constexpr Words kKeys = {"key", "example.com/key", "Key.1", "/key", "a/b/c", "a b"};

    int number(int low, int high) { return std::uniform_int_distribution(low, high)(random_); }
    bool one_in(int n) { return number(1, n) == 1; }
    /// Most often one of the first three, with which nothing is wrong.
    const char* any_of(Words words) {
        const auto last = one_in(8) ? static_cast<int>(words.size()) - 1 : 2;
        return words.begin()[number(0, last)];
    }
    DeviceSink::Policy policy() {
        DeviceSink::Policy policy{.default_value = any_of(kAmounts)};
        if (one_in(2)) {
            for (int i = number(1, 4); i > 0; --i)
                policy.valid_values.emplace_back(any_of(kAmounts));
            if (!one_in(8)) std::sort(policy.valid_values.begin(), policy.valid_values.end());
            if (!one_in(4)) policy.default_value = policy.valid_values.front();
            return policy;
        }
        policy.min = any_of(kAmounts);
        if (one_in(2)) policy.max = any_of(kAmounts);
        if (one_in(2)) policy.step = any_of(kAmounts);
        if (one_in(2)) policy.default_value = policy.min;
        return policy;
    }

    std::mt19937 random_;
};

Json policy_json(const CapacityPolicy& policy) {
    Json json = {{"default", policy.default_value}};
    if (!policy.valid_values.empty()) {
        json["validValues"] = policy.valid_values;
        return json;
    }
    json["validRange"] = {{"min", policy.min}};
    if (!policy.max.empty()) json["validRange"]["max"] = policy.max;
    if (!policy.step.empty()) json["validRange"]["step"] = policy.step;
    return json;
}

Json slice_of(const Device& device) {
    Json json = {{"name", device.name},
                 {"attributes", attributes_to_json(device.attributes)},
                 {"capacity", Json::object()}};
    if (device.shareable) json["allowMultipleAllocations"] = true;
    for (const auto& [name, value] : device.capacity)
        json["capacity"][name] = {{"value", value}};
    for (const auto& [name, policy] : device.policies)
        json["capacity"][name]["requestPolicy"] = policy_json(policy);
    for (const auto& [set, taken] : device.consumes) {
        Json counters = Json::object();
        for (const auto& [counter, quantity] : taken)
            counters[counter] = {{"value", quantity}};
        json["consumesCounters"].push_back({{"counterSet", set}, {"counters", counters}});
    }
    for (const auto& taint : device.taints)
        json["taints"].push_back(
            {{"key", taint.key}, {"value", taint.value}, {"effect", taint.effect}});
    Json devices = Json::array();
    devices.push_back(std::move(json));
    return {{"apiVersion", "resource.k8s.io/v1"},
            {"kind", "ResourceSlice"},
            {"metadata", {{"name", "slice"}}},
            {"spec",
             {{"driver", "knd.dev"},
              {"nodeName", "node-1"},
              {"pool", {{"name", "node-1"}, {"generation", 1}, {"resourceSliceCount", 1}}},
              {"devices", std::move(devices)}}}};
}

TEST(AcceptedDevices, AreTakenByTheApiServerOfEachRelease) {
    std::vector<Gates> releases;
    for (const char* version : {"1.35", "1.36", "1.37"}) {
        std::string changes = "+DRAPartitionableDevices,+DRADeviceTaints,+DRAConsumableCapacity";
        if (std::string_view(version) != "1.35") changes += ",+DRAListTypeAttributes";
        auto gates = Gates::make(version, changes);
        ASSERT_TRUE(gates.ok()) << gates.error().message();
        releases.push_back(*std::move(gates));
    }
    int accepted = 0;
    for (unsigned seed = 0; seed < 5'000; ++seed) {
        const std::atomic<bool> cancelled = false;
        DeviceCollector collector("b", "knd.dev", cancelled);
        DeviceSink sink(collector.face());
        Maker(seed).describe(sink);
        const auto listing = collector.take();
        if (listing.devices.empty()) continue;
        ++accepted;
        const auto slice = slice_of(listing.devices[0]);
        for (const auto& gates : releases) {
            const bool lists = gates.enabled("DRAListTypeAttributes");
            if (!lists && to_text(slice).find("\"strings\"") != std::string::npos) continue;
            if (!lists && to_text(slice).find("\"ints\"") != std::string::npos) continue;
            const auto valid = validation::validate_object(slice, gates);
            ASSERT_TRUE(valid.ok()) << "1." << gates.kubernetes_minor() << ", seed " << seed << ": "
                                    << valid.error().message() << "\n"
                                    << to_text(slice);
        }
    }
    EXPECT_GT(accepted, 200) << "the test tests nothing";
}

}  // namespace
}  // namespace knd::plugin
