// SPDX-License-Identifier: Apache-2.0
#include "host/inventory/inventory.hpp"

#include <gtest/gtest.h>

namespace knd {
namespace {

Device device(std::string name, std::string backend, std::string key = "",
              std::string netdev = "") {
    return {std::move(name), std::move(backend), std::move(key), std::move(netdev), {}, {}};
}

const Inventory::Entry& entry(const Inventory& inventory, const std::string& backend,
                              const std::string& name) {
    for (const auto& e : inventory.entries()) {
        if (e.device->name == name && e.device->backend == backend) return e;
    }
    static const Inventory::Entry kNone;
    ADD_FAILURE() << "no entry " << backend << "/" << name;
    return kNone;
}

std::vector<std::string> names(const Inventory& inventory, const std::string& pool = "n1") {
    std::vector<std::string> found;
    const auto pools = inventory.pools();
    if (!pools.contains(pool)) return {};
    for (const auto& d : pools.at(pool))
        found.push_back(d.name);
    return found;
}

Inventory::Options two_backends() {
    return {"n1", {"first", "second"}, nullptr};
}

TEST(Inventory, OffersWhatABackendLists) {
    Inventory inventory(two_backends());
    inventory.set_devices("first", {device("a", "first"), device("b", "first")});
    EXPECT_EQ(names(inventory), (std::vector<std::string>{"a", "b"}));
}

TEST(Inventory, HasNoPoolBeforeTheFirstList) {
    Inventory inventory(two_backends());
    EXPECT_TRUE(inventory.pools().empty());
}

TEST(Inventory, HasAnEmptyPoolForABackendWithoutDevices) {
    Inventory inventory(two_backends());
    inventory.set_devices("first", {});
    EXPECT_EQ(inventory.pools().count("n1"), 1u);
}

TEST(Inventory, GivesSharedHardwareToTheFirstBackendInOrder) {
    Inventory inventory(two_backends());
    inventory.set_devices("second", {device("x", "second", "pci:1")});
    inventory.set_devices("first", {device("a", "first", "pci:1")});
    EXPECT_EQ(names(inventory), (std::vector<std::string>{"a"}));
    EXPECT_EQ(entry(inventory, "second", "x").reason,
              "backend first offers the same hardware (pci:1)");
}

TEST(Inventory, NamesTheDeviceOfTheSameBackendThatIsTheSameHardware) {
    Inventory inventory(two_backends());
    inventory.set_devices("first", {device("a", "first", "pci:1"), device("b", "first", "pci:1")});
    EXPECT_EQ(names(inventory), (std::vector<std::string>{"a"}));
    EXPECT_EQ(entry(inventory, "first", "b").reason,
              "device a of the same backend is the same hardware (pci:1)");
}

TEST(Inventory, WithholdsWhatItsBackendWithholds) {
    Inventory inventory(two_backends());
    auto tunnel = device("flannel", "first", "net:1", "flannel.1");
    tunnel.withheld = "it is of kind vxlan";
    inventory.set_devices("first", {tunnel});
    inventory.set_devices("second", {device("flannel", "second", "net:1")});
    EXPECT_EQ(entry(inventory, "first", "flannel").reason, "it is of kind vxlan");
    EXPECT_TRUE(entry(inventory, "second", "flannel").offered) << "and keeps it from nobody";
}

TEST(Inventory, LeavesHeldHardwareWithTheBackendThatPreparedIt) {
    Inventory inventory(two_backends());
    inventory.add_held({device("x", "second", "pci:1")});
    inventory.set_devices("first", {device("a", "first", "pci:1")});
    EXPECT_EQ(names(inventory), (std::vector<std::string>{"x"}));
}

TEST(Inventory, WithholdsTheUplink) {
    Inventory inventory(two_backends());
    inventory.set_protected({{"eth0", "eth0 carries the default route"}});
    inventory.set_devices("first", {device("a", "first", "k", "eth0")});
    EXPECT_TRUE(names(inventory).empty());
    EXPECT_EQ(entry(inventory, "first", "a").reason, "eth0 carries the default route");
}

TEST(Inventory, SaysWhyTheHostNeedsAnInterfaceThatAClaimHolds) {
    Inventory inventory(two_backends());
    inventory.add_held({device("a", "first", "k", "eth0")});
    inventory.set_protected({{"eth0", "eth0 carries the default route"}});
    EXPECT_EQ(names(inventory), (std::vector<std::string>{"a"}));
    EXPECT_EQ(inventory.uplink_reason("eth0"), "eth0 carries the default route");
    EXPECT_EQ(inventory.uplink_reason("eth1"), "");
    EXPECT_EQ(inventory.uplink_reason(""), "");
}

TEST(Inventory, OffersAFormerUplinkAgain) {
    Inventory inventory(two_backends());
    inventory.set_protected({{"eth0", "uplink"}});
    inventory.set_devices("first", {device("a", "first", "k", "eth0")});
    inventory.set_protected({});
    EXPECT_EQ(names(inventory), (std::vector<std::string>{"a"}));
}

TEST(Inventory, KeepsAHeldDeviceThatIsAway) {
    Inventory inventory(two_backends());
    auto held = device("a", "first", "k", "eth1");
    held.attributes["knd.dev/mtu"] = std::int64_t{9000};
    inventory.add_held({held});
    inventory.set_devices("first", {});
    ASSERT_EQ(names(inventory), (std::vector<std::string>{"a"}));
    EXPECT_EQ(inventory.pools()["n1"][0].attributes.at("knd.dev/mtu"),
              AttributeValue(std::int64_t{9000}));
    EXPECT_FALSE(entry(inventory, "first", "a").present);
}

TEST(Inventory, WithdrawsFreeDevicesOfABackendThatDoesNotServe) {
    Inventory inventory(two_backends());
    inventory.set_devices("first", {device("a", "first"), device("b", "first")});
    inventory.add_held({device("b", "first")});
    inventory.set_unavailable("first", "it hangs");
    EXPECT_EQ(names(inventory), (std::vector<std::string>{"b"}));
    EXPECT_EQ(entry(inventory, "first", "a").reason, "backend first does not serve: it hangs");
}

TEST(Inventory, WithholdsWhatTheFilterRejects) {
    auto options = two_backends();
    options.filter = [](const Device& d) -> Result<bool> { return d.name != "a"; };
    Inventory inventory(options);
    inventory.set_devices("first", {device("a", "first"), device("b", "first")});
    EXPECT_EQ(names(inventory), (std::vector<std::string>{"b"}));
    EXPECT_EQ(entry(inventory, "first", "a").reason, "inventory.filter is false");
}

TEST(Inventory, WithholdsWhatTheFilterCannotJudge) {
    auto options = two_backends();
    options.filter = [](const Device&) -> Result<bool> {
        return Error(Code::kInvalidArgument, "no such key: speed");
    };
    Inventory inventory(options);
    inventory.set_devices("first", {device("a", "first")});
    EXPECT_EQ(entry(inventory, "first", "a").reason, "inventory.filter failed: no such key: speed");
}

TEST(Inventory, WithholdsTheSecondOfTwoEqualNamesInOnePool) {
    Inventory inventory(two_backends());
    inventory.set_devices("first", {device("a", "first", "k1")});
    inventory.set_devices("second", {device("a", "second", "k2")});
    EXPECT_EQ(names(inventory).size(), 1u);
    EXPECT_EQ(entry(inventory, "second", "a").reason,
              "another device of pool n1 has the same name");
}

TEST(Inventory, SeparatesPoolsByBackendWhenAsked) {
    Inventory inventory({"n1/{backend}", {"first", "second"}, nullptr});
    inventory.set_devices("first", {device("a", "first", "k1")});
    inventory.set_devices("second", {device("a", "second", "k2")});
    EXPECT_EQ(names(inventory, "n1/first"), (std::vector<std::string>{"a"}));
    EXPECT_EQ(names(inventory, "n1/second"), (std::vector<std::string>{"a"}));
}

TEST(Inventory, TellsOfChangesOnly) {
    Inventory inventory(two_backends());
    int changes = 0;
    inventory.on_changed = [&] { ++changes; };
    inventory.set_devices("first", {device("a", "first")});
    inventory.set_devices("first", {device("a", "first")});
    EXPECT_EQ(changes, 1);
}

TEST(Inventory, NamesTheBackendsThatGetDevicesBack) {
    Inventory inventory(two_backends());
    inventory.add_held({device("a", "first"), device("b", "second")});
    EXPECT_EQ(inventory.backends_releasing({device("b", "second")}),
              std::set<std::string>{"first"});
}

TEST(Inventory, LetsGoWhatClaimsOfOneBackendHaveGivenBack) {
    Inventory inventory(two_backends());
    inventory.add_held({device("a", "first"), device("b", "first"), device("c", "second")});
    inventory.set_held("first", {device("b", "first"), device("d", "second")});
    inventory.set_devices("first", {});
    inventory.set_devices("second", {});
    EXPECT_EQ(names(inventory), (std::vector<std::string>{"b", "c"}));
}

TEST(Inventory, KeepsWhatIsHeldWhenMoreIsAdded) {
    Inventory inventory(two_backends());
    inventory.add_held({device("a", "first")});
    inventory.add_held({device("b", "first")});
    inventory.set_devices("first", {});
    EXPECT_EQ(names(inventory), (std::vector<std::string>{"a", "b"}));
}

TEST(Inventory, FindsOnlyWhatIsOffered) {
    Inventory inventory(two_backends());
    inventory.set_protected({{"eth0", "uplink"}});
    inventory.set_devices("first", {device("a", "first", "k", "eth0"), device("b", "first")});
    EXPECT_FALSE(inventory.find("n1", "a").has_value());
    EXPECT_TRUE(inventory.find("n1", "b").has_value());
    EXPECT_FALSE(inventory.find("n2", "b").has_value());
}

}  // namespace
}  // namespace knd
