// SPDX-License-Identifier: Apache-2.0
//
// The host's sink of devices, filled through the C++ layer that backends use.
#include <gtest/gtest.h>

#include <knd/cpp/sinks.hpp>

#include "host/plugin/device_sink.hpp"

namespace knd::plugin {
namespace {

class DeviceSinkTest : public ::testing::Test {
  protected:
    /// Why the only refused device was refused.
    std::string refusal() const {
        return collector_.refusals().size() == 1 ? collector_.refusals()[0].reason
                                                 : std::to_string(collector_.refusals().size());
    }
    std::atomic<bool> cancelled_ = false;
    DeviceCollector collector_{"netdev", "dra.net", cancelled_};
    DeviceSink sink_{collector_.face()};
};

TEST_F(DeviceSinkTest, KeepsEveryKindOfValue) {
    sink_.device({.name = "a", .hardware_key = "net:a", .netdev = "eth0"})
        .attribute("ifName", "eth0")
        .attribute("mtu", 1500u)
        .attribute("rdma", false)
        .version("firmware", "1.2.3-rc.1")
        .attribute("resource.kubernetes.io/pcieRoot", std::string("pci0000:00"))
        .capacity("bandwidth", "25G");
    const auto devices = collector_.take().devices;
    ASSERT_EQ(devices.size(), 1u);
    EXPECT_EQ(
        devices[0],
        (Device{.name = "a",
                .backend = "netdev",
                .hardware_key = "net:a",
                .netdev = "eth0",
                .attributes = {{"dra.net/ifName", std::string("eth0")},
                               {"dra.net/mtu", std::int64_t{1500}},
                               {"dra.net/rdma", false},
                               {"dra.net/firmware", Version{"1.2.3-rc.1"}},
                               {"resource.kubernetes.io/pcieRoot", std::string("pci0000:00")}},
                .capacity = {{"dra.net/bandwidth", "25G"}}}));
}

TEST_F(DeviceSinkTest, KeepsWhyADeviceIsNotOffered) {
    sink_.device({.name = "a", .hardware_key = "x", .withheld = "it is a\ntunnel"});
    EXPECT_EQ(collector_.take().devices.at(0).withheld, "it is a tunnel");
}

TEST_F(DeviceSinkTest, TakesADeviceOfABackendThatKnowsFewerFields) {
    knd_device old{};
    old.size = offsetof(knd_device, withheld);
    old.name = "a";
    old.hardware_key = "x";
    old.withheld = "not read";
    EXPECT_EQ(collector_.face()->device(collector_.face(), &old), KND_OK);
    EXPECT_EQ(collector_.take().devices.at(0).withheld, "");
}

TEST_F(DeviceSinkTest, TakesAValueOfExactly64Bytes) {
    sink_.device({.name = "a", .hardware_key = "x"}).attribute("t", std::string(64, 'x'));
    EXPECT_EQ(collector_.take().devices.size(), 1u);
}

TEST_F(DeviceSinkTest, CountsAttributesAndCapacitiesTogether) {
    sink_.device({.name = "a", .hardware_key = "x"});
    for (int i = 0; i < 31; ++i)
        sink_.attribute("a" + std::to_string(i), i);
    sink_.capacity("c0", "1").capacity("c1", "1");
    EXPECT_EQ(refusal(), "capacity `c1`: there are more than 32 attributes and capacities");
    EXPECT_TRUE(collector_.take().devices.empty());
}

TEST_F(DeviceSinkTest, RefusesANameInTwoSpellings) {
    sink_.device({.name = "a", .hardware_key = "x"})
        .attribute("mtu", 1)
        .attribute("dra.net/mtu", 2);
    EXPECT_EQ(refusal(), "attribute `dra.net/mtu`: set twice");
}

TEST_F(DeviceSinkTest, RefusesADomainThatIsNone) {
    sink_.device({.name = "a", .hardware_key = "x"}).attribute("Not A Domain/mtu", 1);
    EXPECT_EQ(refusal(), "attribute `Not A Domain/mtu`: the part before '/' must be a domain name");
}

TEST_F(DeviceSinkTest, RefusesAValueThatIsNoUtf8) {
    sink_.device({.name = "a", .hardware_key = "x"}).attribute("t", "\xc3");
    EXPECT_EQ(refusal(), "attribute `t`: value is not UTF-8");
}

TEST_F(DeviceSinkTest, RefusesADeviceWithoutHardwareKey) {
    sink_.device({.name = "a", .hardware_key = ""});
    EXPECT_EQ(refusal(), "hardware_key `` must be 1 to 255 bytes of UTF-8");
}

TEST_F(DeviceSinkTest, RefusesANetdevThatTheKernelCouldNotName) {
    sink_.device({.name = "a", .hardware_key = "x", .netdev = "longer-than-15-x"});
    EXPECT_EQ(refusal(), "netdev `longer-than-15-x` is no name of an interface");
}

TEST_F(DeviceSinkTest, GoesOnAfterARefusedDevice) {
    sink_.device({.name = "-a", .hardware_key = "x"}).attribute("mtu", 1);
    sink_.device({.name = "b", .hardware_key = "x"}).attribute("mtu", 1);
    EXPECT_TRUE(sink_.status().ok());
    const auto devices = collector_.take().devices;
    ASSERT_EQ(devices.size(), 1u);
    EXPECT_EQ(devices[0].name, "b");
    EXPECT_EQ(collector_.refusals().size(), 1u);
}

TEST_F(DeviceSinkTest, RefusesAttributesBeforeAnyDevice) {
    EXPECT_EQ(collector_.face()->attr_int(collector_.face(), "mtu", 1), KND_INVALID_ARGUMENT);
}

TEST_F(DeviceSinkTest, EndsWhenTheCallIsCancelled) {
    cancelled_ = true;
    sink_.device({.name = "a", .hardware_key = "x"});
    EXPECT_EQ(sink_.status().code(), Code::kCancelled);
    EXPECT_TRUE(collector_.take().devices.empty());
}

TEST_F(DeviceSinkTest, KeepsSharesCountersTaintsAndLists) {
    sink_.counter("pf0", "vfs", "8");
    sink_.device({.name = "pf", .hardware_key = "pci:0", .shareable = true})
        .attribute("zones", std::vector<std::string>{"a", "b"})
        .attribute("queues", std::vector<std::int64_t>{1, 2})
        .capacity("bandwidth", "25G")
        .policy("bandwidth", {.default_value = "1G", .min = "1G", .max = "10G", .step = "1G"})
        .consumes("pf0", "vfs", "8")
        .taint("example.com/slow", "yes", "NoSchedule");
    sink_.device({.name = "vf", .hardware_key = "pci:1", .parent_key = "pci:0"})
        .consumes("pf0", "vfs", "1")
        .consumes("pf1", "late", "1");
    sink_.counter("pf1", "late", "1");
    ASSERT_TRUE(sink_.status().ok());
    const auto listing = collector_.take();
    EXPECT_EQ(listing.counters, (Counters{{"pf0", {{"vfs", "8"}}}, {"pf1", {{"late", "1"}}}}));
    ASSERT_EQ(listing.devices.size(), 2u) << refusal();
    const auto& pf = listing.devices[0];
    EXPECT_TRUE(pf.shareable);
    EXPECT_EQ(pf.attributes, (std::map<std::string, AttributeValue>{
                                 {"dra.net/zones", std::vector<std::string>{"a", "b"}},
                                 {"dra.net/queues", std::vector<std::int64_t>{1, 2}}}));
    EXPECT_EQ(pf.policies, (std::map<std::string, CapacityPolicy>{
                               {"dra.net/bandwidth", {"1G", "1G", "10G", "1G", {}}}}));
    EXPECT_EQ(pf.consumes, (Counters{{"pf0", {{"vfs", "8"}}}}));
    EXPECT_EQ(pf.taints, (std::vector<DeviceTaint>{{"example.com/slow", "yes", "NoSchedule"}}));
    EXPECT_EQ(listing.devices[1].parent_key, "pci:0");
    EXPECT_FALSE(listing.devices[1].shareable);
}

TEST_F(DeviceSinkTest, LeavesOutADeviceThatTakesOfAnUnknownCounter) {
    sink_.counter("pf0", "vfs", "8");
    sink_.device({.name = "a", .hardware_key = "x"}).consumes("pf0", "queues", "1");
    sink_.device({.name = "b", .hardware_key = "y"}).consumes("pf0", "vfs", "1");
    const auto listing = collector_.take();
    ASSERT_EQ(listing.devices.size(), 1u);
    EXPECT_EQ(listing.devices[0].name, "b");
    EXPECT_EQ(refusal(), "it takes 1 of counter `pf0/queues`, which was not reported, or refused");
}

TEST_F(DeviceSinkTest, KeepsTheLastDeviceWhenACounterIsRefused) {
    sink_.device({.name = "a", .hardware_key = "x"});
    sink_.counter("Not a label", "vfs", "8").counter("pf0", "vfs", "many").attribute("mtu", 1);
    const auto listing = collector_.take();
    ASSERT_EQ(listing.devices.size(), 1u);
    EXPECT_EQ(listing.devices[0].attributes.size(), 1u);
    EXPECT_TRUE(listing.counters.empty());
}

TEST_F(DeviceSinkTest, KeepsTheFirstOfTwoCounters) {
    sink_.counter("pf0", "vfs", "8").counter("pf0", "vfs", "16");
    EXPECT_EQ(collector_.take().counters, (Counters{{"pf0", {{"vfs", "8"}}}}));
}

TEST_F(DeviceSinkTest, RefusesMoreThanTwoConsumedSets) {
    sink_.device({.name = "a", .hardware_key = "x"})
        .consumes("s0", "c", "1")
        .consumes("s1", "c", "1")
        .consumes("s2", "c", "1");
    EXPECT_EQ(refusal(), "counter `s2/c`: it takes of more than 2 sets");
}

TEST_F(DeviceSinkTest, CountsTheValuesOfLists) {
    sink_.device({.name = "a", .hardware_key = "x"})
        .attribute("one", 1)
        .attribute("l", std::vector<std::int64_t>(47, 1));
    EXPECT_EQ(collector_.refusals().size(), 0u);
    sink_.attribute("more", true);
    EXPECT_EQ(refusal(), "attribute `more`: there are more than 48 values in all attributes");
}

TEST_F(DeviceSinkTest, RefusesAnEmptyList) {
    sink_.device({.name = "a", .hardware_key = "x"}).attribute("l", std::vector<std::string>());
    EXPECT_EQ(refusal(), "attribute `l`: the list is empty");
}

TEST_F(DeviceSinkTest, RefusesTaintsThatTheApiServerWouldRefuse) {
    sink_.device({.name = "a", .hardware_key = "a"}).taint("not a key", "", "NoSchedule");
    sink_.device({.name = "b", .hardware_key = "b"}).taint("k", "not a value", "NoSchedule");
    sink_.device({.name = "c", .hardware_key = "c"}).taint("k", "v", "Sometimes");
    sink_.device({.name = "d", .hardware_key = "d"})
        .taint("k", "v", "None")
        .taint("k", "w", "None");
    sink_.device({.name = "e", .hardware_key = "e"});
    for (int i = 0; i < 5; ++i)
        sink_.taint("k" + std::to_string(i), "", "NoExecute");
    std::vector<std::string> reasons;
    for (const auto& one : collector_.refusals())
        reasons.push_back(one.reason);
    EXPECT_EQ(reasons, (std::vector<std::string>{
                           "taint `not a key`: the key is no label key",
                           "taint `k`: `not a value` is no label value",
                           "taint `k`: effect `Sometimes` must be None, NoSchedule or NoExecute",
                           "taint `k`: given twice", "taint `k4`: there are more than 4"}));
}

TEST_F(DeviceSinkTest, RefusesFlagsAndParentsThatItDoesNotUnderstand) {
    knd_device device{};
    device.size = sizeof device;
    device.flags = 1u << 7;
    device.name = "a";
    device.hardware_key = "x";
    EXPECT_EQ(collector_.face()->device(collector_.face(), &device), KND_INVALID_ARGUMENT);
    EXPECT_EQ(refusal(), "it has flags that this host does not know");
    device.flags = 0;
    device.parent_key = "x";
    EXPECT_EQ(collector_.face()->device(collector_.face(), &device), KND_INVALID_ARGUMENT);
}

/// What is said of a policy over a capacity of 10G.
std::string policy_refusal(const DeviceSink::Policy& policy, bool shareable = true) {
    const std::atomic<bool> cancelled = false;
    DeviceCollector collector("b", "dra.net", cancelled);
    DeviceSink(collector.face())
        .device({.name = "a", .hardware_key = "x", .shareable = shareable})
        .capacity("c", "10G")
        .policy("c", policy);
    if (collector.refusals().empty()) return "";
    const std::string text = collector.refusals()[0].reason;
    return text.substr(text.find(": ") + 2);
}

TEST(PolicyTest, TakesWhatTheApiServerTakes) {
    EXPECT_EQ(policy_refusal({.default_value = "1G", .min = "1G"}), "");
    EXPECT_EQ(policy_refusal({.default_value = "3G", .min = "1G", .max = "9G", .step = "2G"}), "");
    EXPECT_EQ(policy_refusal({.default_value = "5G", .valid_values = {"1G", "5G", "10G"}}), "");
    EXPECT_EQ(policy_refusal({.default_value = "500m", .min = "500m"}), "");
}

TEST(PolicyTest, SaysWhatTheApiServerWouldNotTake) {
    EXPECT_EQ(policy_refusal({.default_value = "1G", .min = "1G"}, false),
              "the device is not shareable");
    EXPECT_EQ(policy_refusal({.default_value = ""}), "there is no default");
    EXPECT_EQ(policy_refusal({.default_value = "1G"}), "there is neither a min nor a valid value");
    EXPECT_EQ(policy_refusal({.default_value = "much", .min = "1G"}),
              "default `much` is no quantity");
    EXPECT_EQ(policy_refusal({.default_value = "-1", .min = "1G"}), "default `-1` is negative");
    EXPECT_EQ(policy_refusal({.default_value = "1G", .min = "2G"}),
              "min 2G is more than default 1G");
    EXPECT_EQ(policy_refusal({.default_value = "3G", .min = "1G", .max = "2G"}),
              "default 3G is more than max 2G");
    EXPECT_EQ(policy_refusal({.default_value = "3G", .min = "1G", .max = "20G"}),
              "max 20G is more than the capacity 10G");
    EXPECT_EQ(policy_refusal({.default_value = "20G", .min = "1G"}),
              "default 20G is more than the capacity 10G");
    EXPECT_EQ(policy_refusal({.default_value = "2G", .min = "1G", .step = "2G"}),
              "default 2G is not min 1G and a multiple of step 2G");
    EXPECT_EQ(policy_refusal({.default_value = "1G", .min = "1G", .max = "4G", .step = "2G"}),
              "max 4G is not min 1G and a multiple of step 2G");
    EXPECT_EQ(policy_refusal({.default_value = "1G", .min = "1G", .step = "0"}),
              "step must be more than 0");
    EXPECT_EQ(policy_refusal({.default_value = "1G", .min = "1G", .step = "500m"}),
              "step 500m must be a whole number, as there is a step");
    EXPECT_EQ(policy_refusal({.default_value = "9G", .min = "9G", .step = "2G"}),
              "min 9G and one step 2G are more than the capacity 10G");
    EXPECT_EQ(policy_refusal({.default_value = "1G", .min = "1G", .valid_values = {"1G"}}),
              "there are valid values and a range");
    EXPECT_EQ(policy_refusal({.default_value = "1G", .valid_values = {"2G", "1G"}}),
              "valid values must ascend by whole numbers, 1G does not");
    EXPECT_EQ(policy_refusal({.default_value = "2", .valid_values = {"1.5", "2"}}),
              "valid values must ascend by whole numbers, 2 does not");
    EXPECT_EQ(policy_refusal({.default_value = "1G", .valid_values = {"2G"}}),
              "default 1G is none of the valid values");
    EXPECT_EQ(policy_refusal(
                  {.default_value = "1G",
                   .valid_values = {"1G", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11"}}),
              "there are 11 valid values, at most 10 are allowed");
}

TEST(PolicyTest, NamesACapacityThatWasNotReported) {
    const std::atomic<bool> cancelled = false;
    DeviceCollector collector("b", "dra.net", cancelled);
    DeviceSink(collector.face())
        .device({.name = "a", .hardware_key = "x", .shareable = true})
        .policy("bandwidth", {.default_value = "1G", .min = "1G"});
    EXPECT_EQ(collector.refusals().at(0).reason,
              "policy of capacity `bandwidth`: the capacity has not been reported");
}

}  // namespace
}  // namespace knd::plugin
