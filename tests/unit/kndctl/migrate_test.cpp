// SPDX-License-Identifier: Apache-2.0
#include "tools/kndctl/migrate/migration.hpp"

#include <gtest/gtest.h>

namespace knd::migrate {
namespace {

class MigrateTest : public testing::Test {
  protected:
    void add(const Json& object) {
        const auto added = migration.add(object);
        ASSERT_TRUE(added.ok()) << added.error().message();
    }
    static Json config_map(const Json& resource) {
        return {{"kind", "ConfigMap"},
                {"metadata", {{"name", "sriovdp-config"}}},
                {"data", {{"config.json", to_text({{"resourceList", {resource}}})}}}};
    }
    static Json attachment(const Json& config) {
        return {{"kind", "NetworkAttachmentDefinition"},
                {"metadata",
                 {{"name", "fast"},
                  {"annotations", {{"k8s.v1.cni.cncf.io/resourceName", "intel.com/fast_nic"}}}}},
                {"spec", {{"config", to_text(config)}}}};
    }
    bool notes(const std::string& part) const {
        for (const auto& note : migration.notes())
            if (note.find(part) != std::string::npos) return true;
        return false;
    }
    /// The parameters of the only claim template.
    Json parameters() const {
        for (const auto& object : migration.objects())
            if (json_string(object, "kind") == "ResourceClaimTemplate")
                return object["spec"]["spec"]["devices"]["config"][0]["opaque"]["parameters"];
        return {};
    }

    Migration migration{Options()};
};

TEST_F(MigrateTest, AResourceOfTheDevicePluginBecomesAPoolAndAClassOfItsName) {
    add(config_map({{"resourceName", "fast_nic"},
                    {"selectors",
                     {{"vendors", {"8086"}},
                      {"devices", {"154c", "10ed"}},
                      {"pfNames", {"ens1f0#0-3,7"}},
                      {"acpiIndexes", {"101"}},
                      {"isRdma", true}}}}));
    EXPECT_EQ(migration.toml(),
              "[[backend]]\nname = \"sriov\"\nlibrary = \"knd-sriov.so\"\n\n[backend.config]\n"
              "\n[[backend.config.pools]]\n"
              "acpiIndexes = [101]\n"
              "attributes = [{ name = \"resourceName\", value = \"intel.com/fast_nic\" }]\n"
              "devices = [\"154c\", \"10ed\"]\n"
              "isRdma = true\n"
              "name = \"fast-nic.intel.com\"\n"
              "pfNames = [\"ens1f0#0-3,7\"]\n"
              "vendors = [\"8086\"]\n");
    ASSERT_EQ(migration.objects().size(), 1u);
    const auto& made = migration.objects()[0];
    EXPECT_EQ(made["metadata"]["name"], "fast-nic.intel.com");
    EXPECT_EQ(made["spec"]["extendedResourceName"], "intel.com/fast_nic");
    EXPECT_EQ(made["spec"]["selectors"][0]["cel"]["expression"],
              "device.driver == \"knd.dev\" && "
              "device.attributes[\"knd.dev\"].?resourceName.orValue(\"\") == "
              "\"intel.com/fast_nic\"");
    EXPECT_TRUE(migration.notes().empty());
}

TEST_F(MigrateTest, SeveralSelectorsOfAResourceAreSeveralPoolsOfOneClass) {
    add(config_map({{"resourceName", "both"},
                    {"resourcePrefix", "example.com"},
                    {"selectors", {{{"vendors", {"8086"}}}, {{"vendors", {"15b3"}}}}}}));
    EXPECT_EQ(migration.objects().size(), 1u);
    EXPECT_NE(migration.toml().find("vendors = [\"15b3\"]"), std::string::npos);
    EXPECT_NE(migration.toml().find("vendors = [\"8086\"]"), std::string::npos);
}

TEST_F(MigrateTest, FunctionsForUserSpaceBecomeAMode) {
    add(config_map({{"resourceName", "dpdk"}, {"selectors", {{"drivers", {"vfio-pci"}}}}}));
    EXPECT_NE(migration.toml().find("mode = \"vfio-pci\""), std::string::npos);
    EXPECT_EQ(migration.toml().find("drivers"), std::string::npos);
}

TEST_F(MigrateTest, APoolThatWouldBecomeWiderIsLeftOutAndNamed) {
    add(config_map({{"resourceName", "gtp"}, {"selectors", {{"ddpProfiles", {"GTPv1-C/U"}}}}}));
    EXPECT_TRUE(migration.empty());
    EXPECT_TRUE(notes("resource intel.com/gtp: the selector `ddpProfiles` has no counterpart"));
}

TEST_F(MigrateTest, APolicyBecomesACardWithItsFunctionsAndAPool) {
    add({{"kind", "SriovNetworkNodePolicy"},
         {"metadata", {{"name", "p1"}}},
         {"spec",
          {{"resourceName", "fast"},
           {"numVfs", 8},
           {"mtu", 9000},
           {"deviceType", "vfio-pci"},
           {"nodeSelector", {{"rack", "4"}}},
           {"nicSelector",
            {{"vendor", "15b3"}, {"deviceID", "1015"}, {"pfNames", {"ens1f0#0-3"}}}}}}});
    const auto toml = migration.toml();
    EXPECT_NE(toml.find("[[backend.config.cards]]\ndevices = [\"1015\"]\npfNames = [\"ens1f0\"]\n"
                        "vendors = [\"15b3\"]\nvfs = 8\n"),
              std::string::npos)
        << toml;
    EXPECT_NE(toml.find("mode = \"vfio-pci\"\nname = \"fast.openshift.io\"\n"
                        "pfNames = [\"ens1f0#0-3\"]"),
              std::string::npos)
        << toml;
    EXPECT_TRUE(notes("mtu 9000"));
    EXPECT_TRUE(notes("its nodeSelector is {\"rack\":\"4\"}"));
}

TEST_F(MigrateTest, ANetworkBecomesAClaimTemplate) {
    add(attachment({{"type", "sriov"},
                    {"vlan", 100},
                    {"vlanQoS", 2},
                    {"spoofchk", "off"},
                    {"trust", "on"},
                    {"link_state", "enable"},
                    {"max_tx_rate", 1000},
                    {"ipam",
                     {{"type", "static"},
                      {"addresses", {{{"address", "10.1.1.5/24"}, {"gateway", "10.1.1.1"}}}},
                      {"routes", {{{"dst", "0.0.0.0/0"}}}}}}}));
    EXPECT_EQ(parameters(),
              (Json{{"vlan", 100},
                    {"vlanQos", 2},
                    {"spoofCheck", false},
                    {"trust", true},
                    {"linkState", "enable"},
                    {"maxTxRate", 1000},
                    {"interface", {{"addresses", {"10.1.1.5/24"}}}},
                    {"routes", {{{"destination", "0.0.0.0/0"}, {"gateway", "10.1.1.1"}}}}}));
    EXPECT_EQ(migration.objects()[0]["spec"]["spec"]["devices"]["requests"][0]["exactly"]
                                 ["deviceClassName"],
              "fast-nic.intel.com");
}

TEST_F(MigrateTest, AChainIsTakenOverAsFarAsItHasCounterparts) {
    add(attachment({{"plugins",
                     {{{"type", "sriov"}, {"ipam", {{"type", "whereabouts"}}}},
                      {{"type", "tuning"}, {"mtu", 9000}, {"sysctl", {{"a", "1"}}}},
                      {{"type", "rdma"}},
                      {{"type", "sbr"}}}}}));
    EXPECT_EQ(parameters(), (Json{{"interface", {{"mtu", 9000}}}}));
    EXPECT_TRUE(notes("the IPAM plugin whereabouts"));
    EXPECT_TRUE(notes("`sysctl` of the tuning plugin"));
    EXPECT_TRUE(notes("the rdma plugin needs no counterpart"));
    EXPECT_TRUE(notes("the chained plugin sbr"));
}

TEST_F(MigrateTest, ASriovNetworkIsReadWithTheTextsInIt) {
    add({{"kind", "SriovNetwork"},
         {"metadata", {{"name", "net"}}},
         {"spec",
          {{"resourceName", "fast"},
           {"vlan", 0},
           {"spoofChk", "on"},
           {"ipam", R"({"type": "static", "addresses": [{"address": "fd00::5/64"}]})"},
           {"metaPlugins", R"({"type": "tuning", "mtu": 1400}, {"type": "vrf"})"}}}});
    EXPECT_EQ(parameters(), (Json{{"vlan", 0},
                                  {"spoofCheck", true},
                                  {"interface", {{"addresses", {"fd00::5/64"}}, {"mtu", 1400}}}}));
    EXPECT_TRUE(notes("the chained plugin vrf"));
}

TEST_F(MigrateTest, WhatCannotBeReadIsNamed) {
    const auto bad = migration.add(
        {{"kind", "ConfigMap"}, {"metadata", {{"name", "c"}}}, {"data", {{"config.json", "{"}}}});
    ASSERT_FALSE(bad.ok());
    EXPECT_TRUE(bad.error().message().starts_with("ConfigMap c, config.json: "))
        << bad.error().message();
    const auto list =
        migration.add(config_map({{"resourceName", "x"}, {"selectors", {{"vendors", "8086"}}}}));
    ASSERT_FALSE(list.ok());
    EXPECT_NE(list.error().message().find("`selectors.vendors` is no list"), std::string::npos);
    auto broken = attachment({});
    broken["spec"]["config"] = "{";
    EXPECT_FALSE(migration.add(broken).ok());
    EXPECT_TRUE(migration.add({{"kind", "Pod"}}).ok());
    EXPECT_TRUE(migration.empty());
}

}  // namespace
}  // namespace knd::migrate
