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
    for (const auto& d : pools.at(pool).devices)
        found.push_back(d.name);
    return found;
}

Inventory::Options two_backends() {
    Inventory::Options options;
    options.pool = "n1";
    options.backends = {"first", "second"};
    return options;
}

TEST(Inventory, OffersWhatABackendLists) {
    Inventory inventory(two_backends());
    inventory.set_devices("first", {{device("a", "first"), device("b", "first")}, {}});
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
    inventory.set_devices("second", {{device("x", "second", "pci:1")}, {}});
    inventory.set_devices("first", {{device("a", "first", "pci:1")}, {}});
    EXPECT_EQ(names(inventory), (std::vector<std::string>{"a"}));
    EXPECT_EQ(entry(inventory, "second", "x").reason,
              "backend first offers the same hardware (pci:1)");
}

TEST(Inventory, NamesTheDeviceOfTheSameBackendThatIsTheSameHardware) {
    Inventory inventory(two_backends());
    inventory.set_devices("first",
                          {{device("a", "first", "pci:1"), device("b", "first", "pci:1")}, {}});
    EXPECT_EQ(names(inventory), (std::vector<std::string>{"a"}));
    EXPECT_EQ(entry(inventory, "first", "b").reason,
              "device a of the same backend is the same hardware (pci:1)");
}

TEST(Inventory, WithholdsWhatItsBackendWithholds) {
    Inventory inventory(two_backends());
    auto tunnel = device("flannel", "first", "net:1", "flannel.1");
    tunnel.withheld = "it is of kind vxlan";
    inventory.set_devices("first", {{tunnel}, {}});
    inventory.set_devices("second", {{device("flannel", "second", "net:1")}, {}});
    EXPECT_EQ(entry(inventory, "first", "flannel").reason, "it is of kind vxlan");
    EXPECT_TRUE(entry(inventory, "second", "flannel").offered) << "and keeps it from nobody";
}

TEST(Inventory, LeavesHeldHardwareWithTheBackendThatPreparedIt) {
    Inventory inventory(two_backends());
    inventory.add_held({device("x", "second", "pci:1")});
    inventory.set_devices("first", {{device("a", "first", "pci:1")}, {}});
    EXPECT_EQ(names(inventory), (std::vector<std::string>{"x"}));
}

TEST(Inventory, WithholdsTheUplink) {
    Inventory inventory(two_backends());
    inventory.set_protected({{"eth0", "eth0 carries the default route"}});
    inventory.set_devices("first", {{device("a", "first", "k", "eth0")}, {}});
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
    inventory.set_devices("first", {{device("a", "first", "k", "eth0")}, {}});
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
    EXPECT_EQ(inventory.pools()["n1"].devices[0].attributes.at("knd.dev/mtu"),
              AttributeValue(std::int64_t{9000}));
    EXPECT_FALSE(entry(inventory, "first", "a").present);
}

TEST(Inventory, WithdrawsFreeDevicesOfABackendThatDoesNotServe) {
    Inventory inventory(two_backends());
    inventory.set_devices("first", {{device("a", "first"), device("b", "first")}, {}});
    inventory.add_held({device("b", "first")});
    inventory.set_unavailable("first", "it hangs");
    EXPECT_EQ(names(inventory), (std::vector<std::string>{"b"}));
    EXPECT_EQ(entry(inventory, "first", "a").reason, "backend first does not serve: it hangs");
}

TEST(Inventory, WithholdsWhatTheFilterRejects) {
    auto options = two_backends();
    options.filter = [](const Device& d) -> Result<bool> { return d.name != "a"; };
    Inventory inventory(options);
    inventory.set_devices("first", {{device("a", "first"), device("b", "first")}, {}});
    EXPECT_EQ(names(inventory), (std::vector<std::string>{"b"}));
    EXPECT_EQ(entry(inventory, "first", "a").reason, "inventory.filter is false");
}

TEST(Inventory, WithholdsWhatTheFilterCannotJudge) {
    auto options = two_backends();
    options.filter = [](const Device&) -> Result<bool> {
        return Error(Code::kInvalidArgument, "no such key: speed");
    };
    Inventory inventory(options);
    inventory.set_devices("first", {{device("a", "first")}, {}});
    EXPECT_EQ(entry(inventory, "first", "a").reason, "inventory.filter failed: no such key: speed");
}

TEST(Inventory, WithholdsTheSecondOfTwoEqualNamesInOnePool) {
    Inventory inventory(two_backends());
    inventory.set_devices("first", {{device("a", "first", "k1")}, {}});
    inventory.set_devices("second", {{device("a", "second", "k2")}, {}});
    EXPECT_EQ(names(inventory).size(), 1u);
    EXPECT_EQ(entry(inventory, "second", "a").reason,
              "another device of pool n1 has the same name");
}

TEST(Inventory, SeparatesPoolsByBackendWhenAsked) {
    auto options = two_backends();
    options.pool = "n1/{backend}";
    Inventory inventory(options);
    inventory.set_devices("first", {{device("a", "first", "k1")}, {}});
    inventory.set_devices("second", {{device("a", "second", "k2")}, {}});
    EXPECT_EQ(names(inventory, "n1/first"), (std::vector<std::string>{"a"}));
    EXPECT_EQ(names(inventory, "n1/second"), (std::vector<std::string>{"a"}));
}

TEST(Inventory, TellsOfChangesOnly) {
    Inventory inventory(two_backends());
    int changes = 0;
    inventory.on_changed = [&] { ++changes; };
    inventory.set_devices("first", {{device("a", "first")}, {}});
    inventory.set_devices("first", {{device("a", "first")}, {}});
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
    inventory.set_devices("first", {{device("a", "first", "k", "eth0"), device("b", "first")}, {}});
    EXPECT_FALSE(inventory.find("n1", "a").has_value());
    EXPECT_TRUE(inventory.find("n1", "b").has_value());
    EXPECT_FALSE(inventory.find("n2", "b").has_value());
}

TEST(Inventory, WithholdsWhatIsInUseUnderAnotherName) {
    Inventory inventory(two_backends());
    inventory.add_held({device("chaos-0", "second", "example.com/chaos-0")});
    inventory.set_bound({{"mac0", "claim default/a has it (device chaos-0)"}},
                        {{"pci:1", "claim default/b has it"}});
    inventory.set_devices(
        "first",
        {{device("mac0", "first", "net:mac0", "mac0"), device("nic", "first", "pci:1")}, {}});
    EXPECT_EQ(names(inventory), (std::vector<std::string>{"chaos-0"}));
    EXPECT_EQ(entry(inventory, "first", "mac0").reason,
              "interface mac0 is in use: claim default/a has it (device chaos-0)");
    EXPECT_EQ(entry(inventory, "first", "nic").reason,
              "hardware pci:1 is in use: claim default/b has it");
    inventory.set_bound({});
    EXPECT_EQ(names(inventory), (std::vector<std::string>{"chaos-0", "mac0", "nic"}));
}

TEST(Inventory, NeverOffersAnInterfaceByTheNameOfItsWayHome) {
    Inventory inventory(two_backends());
    inventory.set_bound({{"knd6f984c158f76", "claim default/a has it"}});
    inventory.set_devices("first",
                          {{device("knd6f984c158f76", "first", "net:1", "knd6f984c158f76"),
                            device("knd000000000000", "first", "net:2", "knd000000000000")},
                           {}});
    EXPECT_EQ(names(inventory), (std::vector<std::string>{"knd000000000000"}))
        << "a user may call an interface so";
    inventory.set_bound({});
    EXPECT_EQ(names(inventory), (std::vector<std::string>{"knd000000000000"}))
        << "the list is from before its end";
    EXPECT_EQ(entry(inventory, "first", "knd6f984c158f76").reason,
              "interface knd6f984c158f76 was on its way home to its own name");
}

TEST(Inventory, TellsOfNoChangeForTheNamesOfTheWayHome) {
    Inventory inventory(two_backends());
    inventory.set_devices("first", {{device("a", "first", "k", "eth1")}, {}});
    inventory.add_held({device("a", "first", "k", "eth1")});
    int changes = 0;
    inventory.on_changed = [&] { ++changes; };
    inventory.set_bound({{"eth1", "claim"}, {"knd6f984c158f76", "claim"}});
    inventory.set_devices("first", {{}, {}});
    inventory.set_devices("first",
                          {{device("knd6f984c158f76", "first", "net:k", "knd6f984c158f76")}, {}});
    inventory.set_devices("first", {{device("a", "first", "k", "eth1")}, {}});
    inventory.set_bound({});
    inventory.set_held("first", {});
    EXPECT_EQ(changes, 0);
}

TEST(Inventory, AsksTheFilterOnceForEachDevice) {
    int asked = 0;
    auto options = two_backends();
    options.filter = [&](const Device& device) -> Result<bool> {
        ++asked;
        return device.name != "b";
    };
    Inventory inventory(options);
    const DeviceListing listing{{device("a", "first"), device("b", "first")}, {}};
    inventory.set_devices("first", listing);
    inventory.set_devices("first", listing);
    inventory.set_protected({{"eth0", "uplink"}});
    EXPECT_EQ(asked, 2);
    EXPECT_EQ(names(inventory), (std::vector<std::string>{"a"}));
    auto changed = listing;
    changed.devices[1].netdev = "eth1";
    inventory.set_devices("first", changed);
    EXPECT_EQ(asked, 3) << "of what has changed only";
}

Counters counters(const std::string& set, const std::string& value) {
    return {{set, {{"vfs", value}}}};
}

Device taker(const std::string& name, const std::string& key, const std::string& parent,
             const std::string& set, const std::string& value, const std::string& backend) {
    auto made = device(name, backend, key);
    made.parent_key = parent;
    if (!set.empty()) made.consumes = counters(set, value);
    return made;
}

DeviceListing card(const std::string& backend = "first") {
    return {{taker("pf0", "pci:0", "", "pf0", "2", backend),
             taker("vf0", "pci:1", "pci:0", "pf0", "1", backend),
             taker("vf1", "pci:2", "pci:0", "pf0", "1", backend)},
            counters("pf0", "2")};
}

TEST(Inventory, KnowsTheWholesOfAPartOfAPart) {
    Inventory inventory(two_backends());
    auto listing = card();
    listing.devices.push_back(taker("sf0", "sf:0", "pci:1", "", "", "first"));
    listing.devices.push_back(taker("odd", "odd:0", "odd:0", "", "", "first"));
    inventory.set_devices("first", listing);
    EXPECT_EQ(inventory.wholes_of(listing.devices[0]), std::vector<std::string>{});
    EXPECT_EQ(inventory.wholes_of(listing.devices[3]),
              (std::vector<std::string>{"pci:1", "pci:0"}));
    EXPECT_EQ(inventory.wholes_of(listing.devices[4]), std::vector<std::string>{"odd:0"});
}

TEST(Inventory, OffersWholeAndPartsWhereTheApiServerKeepsCounters) {
    Inventory inventory(two_backends());
    inventory.set_devices("first", card());
    EXPECT_EQ(names(inventory), (std::vector<std::string>{"pf0", "vf0", "vf1"}));
    EXPECT_EQ(inventory.pools()["n1"].counters, counters("pf0", "2"));
}

TEST(Inventory, OffersPartsOrWholesWhereItKeepsNone) {
    for (const bool wholes : {false, true}) {
        auto options = two_backends();
        options.wholes_without_counters = wholes;
        Inventory inventory(options);
        inventory.set_features({.counters = false});
        inventory.set_devices("first", card());
        const auto expected =
            wholes ? std::vector<std::string>{"pf0"} : std::vector<std::string>{"vf0", "vf1"};
        EXPECT_EQ(names(inventory), expected);
    }
}

TEST(Inventory, WithholdsADeviceWhoseCountersNobodyReports) {
    Inventory inventory(two_backends());
    inventory.set_devices("first", {{taker("a", "k", "", "nix", "1", "first")}, {}});
    EXPECT_EQ(entry(inventory, "first", "a").reason,
              "it takes of counter set nix, which its backend does not report");
}

TEST(Inventory, PutsTheBackendsNameBeforeACounterSetThatAnotherHas) {
    Inventory inventory(two_backends());
    inventory.set_devices("first", card());
    inventory.set_devices("second",
                          {{taker("x", "pci:9", "", "pf0", "1", "second")}, counters("pf0", "7")});
    const auto pool = inventory.pools()["n1"];
    EXPECT_EQ(pool.counters.at("pf0").at("vfs"), "2");
    EXPECT_EQ(pool.counters.at("second-pf0").at("vfs"), "7");
    EXPECT_EQ(pool.devices.back().consumes, counters("second-pf0", "1"));
}

TEST(Inventory, WithholdsADeviceWhoseCounterSetCannotBeNamed) {
    auto options = two_backends();
    options.backends = {"first", std::string(62, 's')};
    Inventory inventory(options);
    inventory.set_devices("first", card());
    inventory.set_devices(
        options.backends[1],
        {{taker("x", "pci:9", "", "pf0", "1", options.backends[1])}, counters("pf0", "7")});
    EXPECT_FALSE(inventory.find("n1", "x"));
    EXPECT_NE(entry(inventory, options.backends[1], "x").reason.find("too long"),
              std::string::npos);
}

TEST(Inventory, KeepsAHeldDeviceWhoseCountersAreGone) {
    Inventory inventory(two_backends());
    inventory.add_held({taker("a", "k", "", "gone", "1", "first")});
    inventory.set_devices("first", {});
    const auto pool = inventory.pools()["n1"];
    ASSERT_EQ(pool.devices.size(), 1u);
    EXPECT_TRUE(pool.devices[0].consumes.empty()) << "a name without a set spoils the pool";
}

TEST(Inventory, TaintsAnUnhealthyDevice) {
    auto options = two_backends();
    options.driver = "dra.net";
    options.health.unknown = "NoExecute";
    Inventory inventory(options);
    auto own = device("a", "first");
    own.taints = {{"example.com/old", "1", "None"}};
    inventory.set_devices("first", {{own, device("b", "first"), device("c", "first")}, {}});
    EXPECT_FALSE(entry(inventory, "first", "a").health) << "nobody has said";
    int changes = 0;
    inventory.on_changed = [&] { ++changes; };
    inventory.set_health(
        "first", {{"a", {Health::kUnhealthy, "no carrier"}}, {"b", {Health::kUnknown, ""}}});
    EXPECT_EQ(changes, 1);
    const auto pool = inventory.pools()["n1"].devices;
    EXPECT_EQ(pool[0].taints,
              (std::vector<DeviceTaint>{{"example.com/old", "1", "None"},
                                        {"dra.net/health", "Unhealthy", "NoSchedule"}}));
    EXPECT_EQ(pool[1].taints,
              (std::vector<DeviceTaint>{{"dra.net/health", "Unknown", "NoExecute"}}));
    EXPECT_TRUE(pool[2].taints.empty());
    EXPECT_EQ(entry(inventory, "first", "c").health->health, Health::kHealthy);
    inventory.set_health("first", {});
    EXPECT_EQ(changes, 2);
    EXPECT_TRUE(inventory.pools()["n1"].devices[1].taints.empty());
}

TEST(Inventory, LeavesAnUnhealthyDeviceAloneWherePolicySaysSo) {
    auto options = two_backends();
    options.health.unhealthy = "none";
    Inventory inventory(options);
    inventory.set_devices("first", {{device("a", "first")}, {}});
    inventory.set_features({.taints = false});
    inventory.set_health("first", {{"a", {Health::kUnhealthy, "no carrier"}}});
    EXPECT_EQ(names(inventory), (std::vector<std::string>{"a"}));
    EXPECT_TRUE(inventory.pools()["n1"].devices[0].taints.empty());
    EXPECT_EQ(entry(inventory, "first", "a").health->message, "no carrier");
}

TEST(Inventory, WithholdsWhatATaintWouldKeepAwayWhereTheApiServerKeepsNone) {
    Inventory inventory(two_backends());
    auto own = device("b", "first");
    own.taints = {{"example.com/old", "1", "NoSchedule"}};
    auto harmless = device("c", "first");
    harmless.taints = {{"example.com/old", "1", "None"}};
    inventory.set_devices("first", {{device("a", "first"), own, harmless}, {}});
    inventory.set_features({.taints = false});
    inventory.set_health("first", {{"a", {Health::kUnhealthy, "no carrier"}}});
    EXPECT_EQ(names(inventory), (std::vector<std::string>{"c"}));
    EXPECT_EQ(entry(inventory, "first", "a").reason,
              "it is Unhealthy: no carrier; the API server keeps no taints that would keep claims "
              "away");
    EXPECT_EQ(entry(inventory, "first", "b").reason,
              "it has the taint example.com/old=1:NoSchedule; the API server keeps no taints that "
              "would keep claims away");
    inventory.add_held({device("a", "first")});
    EXPECT_EQ(names(inventory), (std::vector<std::string>{"a", "c"}));
}

TEST(Inventory, PublishesTheTaintsThatAHeldDeviceHasNow) {
    Inventory inventory(two_backends());
    inventory.add_held({device("a", "first")});
    auto now = device("a", "first");
    now.taints = {{"example.com/drain", "1", "NoExecute"}};
    inventory.set_devices("first", {{now}, {}});
    EXPECT_EQ(inventory.pools()["n1"].devices[0].taints, now.taints);
}

}  // namespace
}  // namespace knd
