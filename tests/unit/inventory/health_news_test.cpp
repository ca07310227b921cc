// SPDX-License-Identifier: Apache-2.0
#include "host/inventory/health_news.hpp"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>

#include "tests/fakes/fake_claim_source.hpp"

namespace knd {
namespace {

class HealthNewsTest : public testing::Test {
  protected:
    static DeviceHealth eth1(Health health, std::string message = "") {
        return {"n1", "eth1", health, std::move(message)};
    }
    static DeviceHolder holder(const std::string& pod_uid) {
        DeviceHolder made{"n1", "eth1", {"default", "c", "claim-uid"}, {}};
        made.pod.uid = pod_uid;
        made.pod.ns = "default";
        made.pod.name = "p";
        return made;
    }

    boost::asio::io_context io;
    fake::FakeClaimSource source{io.get_executor()};
    HealthNews news{source};
};

TEST_F(HealthNewsTest, TellsTheClaimAndThePodThatHaveTheDevice) {
    news.tell({eth1(Health::kUnhealthy, "no carrier")}, {holder("u")});
    EXPECT_EQ(source.events,
              (std::vector<std::string>{
                  "Warning DeviceUnhealthy default/c: device eth1 of pool n1 is unhealthy: no "
                  "carrier",
                  "Warning DeviceUnhealthy pod default/p: device eth1 of pool n1 is unhealthy: no "
                  "carrier"}));
}

TEST_F(HealthNewsTest, TellsEachChangeOnce) {
    news.tell({eth1(Health::kHealthy)}, {holder("")});
    EXPECT_TRUE(source.events.empty()) << "a healthy device is no news";
    for (int i = 0; i < 3; ++i)
        news.tell({eth1(Health::kUnknown, "m" + std::to_string(i))}, {holder("")});
    EXPECT_EQ(source.events.size(), 1u);
    news.tell({eth1(Health::kHealthy)}, {holder("")});
    ASSERT_EQ(source.events.size(), 2u);
    EXPECT_EQ(source.events[1],
              "Normal DeviceHealthy default/c: device eth1 of pool n1 is healthy again");
}

TEST_F(HealthNewsTest, TellsAPodThatComesLater) {
    news.tell({eth1(Health::kUnhealthy)}, {holder("u")});
    source.events.clear();
    news.tell({eth1(Health::kUnhealthy)}, {holder("u"), holder("v")});
    EXPECT_EQ(source.events.size(), 2u) << "the claim hears of it with each of its pods";
    source.events.clear();
    news.tell({eth1(Health::kUnhealthy)}, {});
    EXPECT_TRUE(source.events.empty());
}

TEST(DeviceHealths, TellsOfDevicesWhoseBackendsTell) {
    Inventory::Options options;
    options.pool = "n1";
    options.backends = {"tells", "silent"};
    Inventory inventory(options);
    Device device;
    device.name = "a";
    device.backend = "tells";
    Device other;
    other.name = "b";
    other.backend = "silent";
    inventory.set_devices("tells", {{device}, {}});
    inventory.set_devices("silent", {{other}, {}});
    int told = 0;
    inventory.on_health_changed = [&] { ++told; };
    inventory.set_health("tells", {});
    EXPECT_EQ(told, 1);
    EXPECT_EQ(device_healths(inventory.entries()),
              (std::vector<DeviceHealth>{{"n1", "a", Health::kHealthy, ""}}));
    inventory.set_health("tells", {{"a", {Health::kUnknown, "asked"}}});
    EXPECT_EQ(told, 2) << "though nothing that is offered changes";
    EXPECT_EQ(device_healths(inventory.entries()),
              (std::vector<DeviceHealth>{{"n1", "a", Health::kUnknown, "asked"}}));
}

}  // namespace
}  // namespace knd
