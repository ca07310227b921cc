// SPDX-License-Identifier: Apache-2.0
#include "host/model/network_config.hpp"

#include <gtest/gtest.h>

namespace knd {
namespace {

Result<SplitConfig> read(const std::string& text) {
    auto json = parse_json(text);
    EXPECT_TRUE(json.ok()) << text;
    return read_network_config({*std::move(json), Json::object()});
}

NetworkConfig accepted(const std::string& text) {
    auto split = read(text);
    EXPECT_TRUE(split.ok()) << split.error().message();
    return split ? split->network : NetworkConfig{};
}

std::string refusal(const std::string& text) {
    const auto split = read(text);
    EXPECT_FALSE(split.ok()) << text << " is accepted";
    if (split) return "";
    EXPECT_EQ(split.code(), Code::kInvalidArgument);
    return split.error().message();
}

std::string interface_refusal(const std::string& members) {
    return refusal(R"({"interface": {)" + members + "}}");
}

std::string route_refusal(const std::string& members) {
    return refusal(R"({"routes": [{)" + members + "}]}");
}

std::string rule_refusal(const std::string& members) {
    return refusal(R"({"rules": [{)" + members + "}]}");
}

std::string neighbor_refusal(const std::string& members) {
    return refusal(R"({"neighbors": [{)" + members + "}]}");
}

TEST(NetworkConfig, IsEmptyWithoutAnyConfiguration) {
    const auto split = read_network_config({Json::object(), Json::object()});
    ASSERT_TRUE(split.ok());
    EXPECT_EQ(split->network, NetworkConfig{});
    EXPECT_TRUE(split->backend.empty());
}

TEST(NetworkConfig, TakesEveryFieldThatIsApplied) {
    const auto config = accepted(R"({
        "interface": {"name": "net1", "addresses": ["192.0.2.10/24", "2001:db8::1/64"],
                      "mtu": 9000, "hardwareAddr": "02-00-00-00-00-AB"},
        "routes": [{"destination": "198.51.100.0/24", "gateway": "192.0.2.1",
                    "source": "192.0.2.10", "table": 100},
                   {"destination": "2001:db8:1::/48", "scope": 253}],
        "rules": [{"priority": 100, "source": "192.0.2.0/24", "destination": "10.0.0.0/8",
                   "table": 100}],
        "neighbors": [{"destination": "192.0.2.1", "hardwareAddr": "02:00:00:00:00:01"}]})");
    NetworkConfig expected;
    expected.interface_name = "net1";
    expected.addresses = {{"192.0.2.10/24", "2001:db8::1/64"}};
    expected.mtu = 9000;
    expected.hardware_addr = "02:00:00:00:00:ab";
    expected.routes = {{"198.51.100.0/24", "192.0.2.1", "192.0.2.10", 0, 100},
                       {"2001:db8:1::/48", "", "", 253, 0}};
    expected.rules = {{100, "192.0.2.0/24", "10.0.0.0/8", 100}};
    expected.neighbors = {{"192.0.2.1", "02:00:00:00:00:01"}};
    EXPECT_EQ(config, expected);
}

TEST(NetworkConfig, SurvivesAJsonRoundTrip) {
    const auto config = accepted(R"({
        "interface": {"name": "net1", "addresses": [], "mtu": 1400,
                      "hardwareAddr": "02:00:00:00:00:01"},
        "routes": [{"destination": "0.0.0.0/0", "gateway": "192.0.2.1"},
                   {"destination": "10.0.0.0/8", "scope": 253, "source": "192.0.2.9", "table": 7}],
        "rules": [{"table": 7}, {"priority": 5, "source": "::/0", "destination": "fd00::/8"}],
        "neighbors": [{"destination": "fd00::1", "hardwareAddr": "02:00:00:00:00:01"}]})");
    const auto again = network_config_from_json(to_json(config));
    ASSERT_TRUE(again.ok()) << again.error().message();
    EXPECT_EQ(*again, config);
}

TEST(NetworkConfig, TellsNoAddressesFromNothingSaid) {
    EXPECT_FALSE(accepted(R"({"interface": {}})").addresses.has_value());
    const auto config = accepted(R"({"interface": {"addresses": []}})");
    ASSERT_TRUE(config.addresses.has_value());
    EXPECT_TRUE(config.addresses->empty());
}

TEST(NetworkConfig, WritesAddressesAsKubernetesDoes) {
    const auto config =
        accepted(R"({"interface": {"addresses": ["2001:DB8:0:0::1/64", "2001:db8::1/64"]}})");
    EXPECT_EQ(*config.addresses, std::vector<std::string>{"2001:db8::1/64"});
}

TEST(NetworkConfig, MasksTheHostBitsOfRoutesAndRules) {
    const auto config = accepted(R"({
        "routes": [{"destination": "10.1.2.3/12", "scope": 253},
                   {"destination": "2001:db8::ffff/33", "scope": 253}],
        "rules": [{"source": "192.0.2.129/25"}]})");
    EXPECT_EQ(config.routes[0].destination, "10.0.0.0/12");
    EXPECT_EQ(config.routes[1].destination, "2001:db8::/33");
    EXPECT_EQ(config.rules[0].source, "192.0.2.128/25");
}

TEST(NetworkConfig, ReadsHardwareAddressesOfEveryLength) {
    const auto mac = [](const std::string& text) {
        return accepted(R"({"interface": {"hardwareAddr": ")" + text + "\"}}").hardware_addr;
    };
    EXPECT_EQ(mac("0200.5E10.0001"), "02:00:5e:10:00:01");
    EXPECT_EQ(mac("02:00:5e:10:00:00:00:01"), "02:00:5e:10:00:00:00:01");
    EXPECT_EQ(mac("00:00:00:00:fe:80:00:00:00:00:00:00:02:00:5e:10:00:00:00:01").size(), 59u);
}

TEST(NetworkConfig, LetsTheClaimOverrideTheClass) {
    const Json of_class = {
        {"interface", {{"name", "class0"}, {"mtu", 1400}, {"addresses", {"10.0.0.1/8"}}}},
        {"vlan", 7}};
    const Json of_claim = {{"interface", {{"name", "claim0"}, {"addresses", {"10.0.0.2/8"}}}}};
    const auto merged = merge_configs({of_class}, {of_claim}, "");
    ASSERT_TRUE(merged.ok());
    const auto split = read_network_config(*merged);
    ASSERT_TRUE(split.ok()) << split.error().message();
    EXPECT_EQ(split->network.interface_name, "claim0");
    EXPECT_EQ(split->network.mtu, 1400);
    EXPECT_EQ(*split->network.addresses, std::vector<std::string>{"10.0.0.2/8"});
    EXPECT_EQ(split->backend, (Json{{"vlan", 7}}));
    EXPECT_EQ(split->backend_class, (Json{{"vlan", 7}}));
}

TEST(NetworkConfig, TreatsNullAsNothingSaid) {
    const auto merged =
        merge_configs({Json{{"interface", {{"mtu", 1400}}}}},
                      {Json{{"interface", {{"mtu", nullptr}}}, {"routes", nullptr}}, Json()}, "");
    ASSERT_TRUE(merged.ok());
    const auto split = read_network_config(*merged);
    ASSERT_TRUE(split.ok()) << split.error().message();
    EXPECT_EQ(split->network.mtu, 1400);
}

TEST(NetworkConfig, LeavesOtherKeysToTheBackend) {
    const auto split = read(R"({"interface": {"name": "a"}, "vlan": 5, "trust": {"on": true}})");
    ASSERT_TRUE(split.ok());
    EXPECT_EQ(split->backend, (Json{{"vlan", 5}, {"trust", {{"on", true}}}}));
}

TEST(NetworkConfig, RefusesParametersThatAreNoObject) {
    const auto merged = merge_configs({}, {Json::array({"interface"})}, "");
    ASSERT_FALSE(merged.ok());
    EXPECT_EQ(merged.error().message(),
              "the opaque parameters must be an object, found [\"interface\"]");
}

TEST(NetworkConfig, NamesAnUnknownFieldAndTheNearestKnownOne) {
    EXPECT_EQ(interface_refusal(R"("adresses": [])"),
              "interface.adresses: unknown field; did you mean `addresses`?");
    EXPECT_EQ(route_refusal(R"("destination": "10.0.0.0/8", "scope": 253, "gatway": "")"),
              "routes[0].gatway: unknown field; did you mean `gateway`?");
    EXPECT_EQ(neighbor_refusal(R"("ipAddress": "10.0.0.1", "destination": "10.0.0.1",
                                  "hardwareAddr": "02:00:00:00:00:01")"),
              "neighbors[0].ipAddress: unknown field");
}

TEST(NetworkConfig, ReportsAllMistakesTogether) {
    const auto text = refusal(R"({"interface": {"mtu": 1, "name": "a/b"}, "routes": [{}]})");
    EXPECT_NE(text.find("interface.mtu: "), std::string::npos) << text;
    EXPECT_NE(text.find("interface.name: "), std::string::npos) << text;
    EXPECT_NE(text.find("routes[0].destination: is required"), std::string::npos) << text;
    EXPECT_NE(text.find("routes[0].gateway: is required unless"), std::string::npos) << text;
}

class Unsupported : public testing::TestWithParam<const char*> {};

TEST_P(Unsupported, FieldIsRefusedAndNeverIgnored) {
    const auto text = refusal(GetParam());
    EXPECT_NE(text.find("not supported by this version"), std::string::npos) << text;
}

INSTANTIATE_TEST_SUITE_P(
    NetworkConfig, Unsupported,
    testing::Values(
        R"({"interface": {"dhcp": true}})", R"({"interface": {"gsoMaxSize": 65536}})",
        R"({"interface": {"groMaxSize": 65536}})", R"({"interface": {"gsoIPv4MaxSize": 65536}})",
        R"({"interface": {"groIPv4MaxSize": 65536}})",
        R"({"interface": {"disableEbpfPrograms": true}})", R"({"interface": {"forwarding": true}})",
        R"({"interface": {"forwarding": false}})", R"({"interface": {"arpIgnore": 1}})",
        R"({"interface": {"arpAnnounce": 2}})", R"({"interface": {"vrf": {"name": "blue"}}})",
        R"({"ethtool": {"features": {"tso": false}}})", R"({"profile": "fast"})"));

TEST(NetworkConfig, AcceptsARequestForWhatHappensAnyway) {
    EXPECT_EQ(accepted(R"({"interface": {"dhcp": false, "disableEbpfPrograms": false}})"),
              NetworkConfig{});
}

TEST(NetworkConfig, RefusesNamesThatTheKernelRefuses) {
    for (const auto* name : {"0123456789abcdef", "a/b", "a b", ".", "..", "a:b", "\\u00e4"})
        EXPECT_NE(interface_refusal(R"("name": ")" + std::string(name) + "\"")
                      .find("interface.name: must be 1 to 15 letters, digits or any of"),
                  std::string::npos)
            << name;
    EXPECT_EQ(interface_refusal(R"("name": "lo")"),
              "interface.name: \"lo\" is taken in every network namespace");
    EXPECT_EQ(interface_refusal(R"("name": 5)"), "interface.name: must be a string, found 5");
}

TEST(NetworkConfig, RefusesAddressesWithoutAPrefixLength) {
    for (const auto* address :
         {"192.0.2.1", "192.0.2.1/33", "192.0.2.1/", "192.0.2.1/024", "x/8", "2001:db8::1/129",
          "192.0.2.1/-1", "192.0.2.1/8 ", "fe80::1%0/64", "010.0.0.1/8", "192.0.2.1\\u0000/8"})
        EXPECT_NE(interface_refusal(R"("addresses": [")" + std::string(address) + "\"]")
                      .find("interface.addresses[0]: must be an address with its prefix length"),
                  std::string::npos)
            << address;
    EXPECT_EQ(interface_refusal(R"("addresses": "10.0.0.1/8")"),
              "interface.addresses: must be a list, found \"10.0.0.1/8\"");
    EXPECT_EQ(interface_refusal(R"("addresses": [""])"),
              "interface.addresses[0]: must not be empty");
    EXPECT_EQ(interface_refusal(R"("addresses": [1])"),
              "interface.addresses[0]: must be a string, found 1");
}

TEST(NetworkConfig, RefusesAnMtuThatNoLinkHas) {
    EXPECT_EQ(accepted(R"({"interface": {"mtu": 68}})").mtu, 68);
    for (const auto* mtu :
         {"67", "0", "-1", "1500.0", "\"1500\"", "18446744073709551615", "2147483648", "true"})
        EXPECT_NE(interface_refusal(R"("mtu": )" + std::string(mtu))
                      .find("interface.mtu: must be a whole number from 68 to 2147483647"),
                  std::string::npos)
            << mtu;
}

TEST(NetworkConfig, RefusesHardwareAddressesThatNoInterfaceHas) {
    for (const auto* mac : {"02:00:00:00:00", "02:00:00:00:00:0g", "02-00:00:00:00:01", "hello",
                            "02:00:00:00:00:01:", "020000000001", "0200.0000.001", ":"})
        EXPECT_NE(interface_refusal(R"("hardwareAddr": ")" + std::string(mac) + "\"")
                      .find("must be a hardware address"),
                  std::string::npos)
            << mac;
    EXPECT_NE(interface_refusal(R"("hardwareAddr": "01:00:5e:00:00:01")").find("multicast"),
              std::string::npos);
    EXPECT_NE(interface_refusal(R"("hardwareAddr": "00:00:00:00:00:00")").find("all zeros"),
              std::string::npos);
}

TEST(NetworkConfig, RefusesRoutesThatCannotBe) {
    EXPECT_NE(route_refusal(R"("destination": "10.0.0.1", "gateway": "10.0.0.2")")
                  .find("routes[0].destination: must be an address with its prefix length"),
              std::string::npos);
    EXPECT_EQ(route_refusal(R"("destination": "10.0.0.0/8")"),
              "routes[0].gateway: is required unless scope is 253 (link)");
    EXPECT_EQ(route_refusal(R"("destination": "10.0.0.0/8", "scope": 200)"),
              "routes[0].scope: must be 0 (universe) or 253 (link), found 200");
    EXPECT_EQ(route_refusal(R"("destination": "10.0.0.0/8", "gateway": "fd00::1")"),
              "routes[0].gateway: fd00::1 and 10.0.0.0/8 are not of the same address family");
    EXPECT_NE(route_refusal(R"("destination": "10.0.0.0/8", "scope": 253, "source": "fd00::1")")
                  .find("routes[0].source: "),
              std::string::npos);
    EXPECT_NE(route_refusal(R"("destination": "10.0.0.0/8", "scope": 253, "table": -1)")
                  .find("routes[0].table: must be a whole number from 0"),
              std::string::npos);
    EXPECT_NE(route_refusal(R"("destination": "10.0.0.0/8", "gateway": "10.0.0.1/8")")
                  .find("without a prefix length"),
              std::string::npos);
    EXPECT_EQ(refusal(R"({"routes": ["10.0.0.0/8"]})"),
              "routes[0]: must be an object, found \"10.0.0.0/8\"");
}

TEST(NetworkConfig, RefusesRulesThatCannotBe) {
    EXPECT_NE(rule_refusal(R"("priority": 32768)").find("from 0 to 32767"), std::string::npos);
    EXPECT_NE(rule_refusal(R"("priority": -1)").find("from 0 to 32767"), std::string::npos);
    EXPECT_NE(rule_refusal(R"("source": "10.0.0.1")").find("prefix length"), std::string::npos);
    EXPECT_NE(rule_refusal(R"("source": "10.0.0.0/8", "destination": "fd00::/8")")
                  .find("not of the same address family"),
              std::string::npos);
}

TEST(NetworkConfig, DemandsBothHalvesOfANeighbor) {
    EXPECT_EQ(neighbor_refusal(R"("hardwareAddr": "02:00:00:00:00:01")"),
              "neighbors[0].destination: is required");
    EXPECT_EQ(neighbor_refusal(R"("destination": "10.0.0.1")"),
              "neighbors[0].hardwareAddr: is required");
    EXPECT_EQ(neighbor_refusal(R"("destination": 5, "hardwareAddr": "02:00:00:00:00:01")"),
              "neighbors[0].destination: must be a string, found 5");
}

TEST(NetworkConfig, CutsLongValuesInErrors) {
    const auto text = interface_refusal(R"("name": ")" + std::string(5000, 'x') + "\"");
    EXPECT_LT(text.size(), 300u);
}

TEST(NetworkConfig, RefusesForeignKeysInAStoredConfiguration) {
    const auto config = network_config_from_json(Json{{"interfaces", Json::object()}});
    ASSERT_FALSE(config.ok());
    EXPECT_EQ(config.error().message(), "interfaces: unknown field; did you mean `interface`?");
}

}  // namespace
}  // namespace knd
