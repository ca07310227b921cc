// SPDX-License-Identifier: Apache-2.0
#include "backends/sriov/lease.hpp"
#include "backends/sriov/record.hpp"
#include "backends/sriov/settings.hpp"
#include "tests/unit/backends/sriov_fixture.hpp"

namespace sriov {
namespace {

knd::Result<Settings> settings_of(const char* json, const char* of_class = "{}") {
    const auto values = knd::parse_json(json);
    const auto class_values = knd::parse_json(of_class);
    const knd::plugin::Params params(*values);
    const knd::plugin::Params class_params(*class_values);
    return Settings::read(knd::Params(params.face()), knd::Params(class_params.face()));
}

std::string refusal(const char* json) {
    const auto settings = settings_of(json);
    return settings.ok() ? "" : settings.error().message();
}

TEST(SriovSettings, AreOnlyWhatIsNamed) {
    EXPECT_TRUE(settings_of("{}")->values.empty());
    EXPECT_EQ(text_of(settings_of(R"({"vlan": 0, "trust": false})")->values),
              "vlan 0, trust false");
    EXPECT_EQ(text_of(settings_of(R"({"mac": "02:00:00:00:00:0A", "vlan": 7, "vlanQos": 3,
                  "vlanProto": "802.1ad", "linkState": "disable", "maxTxRate": 10,
                  "nodeGuid": "00:11:22:33:44:55:66:77"})")
                          ->values),
              "mac 02:00:00:00:00:0a, vlan 7, vlanQos 3, vlanProto 802.1ad, maxTxRate 10, "
              "linkState disable, nodeGuid 00:11:22:33:44:55:66:77");
}

TEST(SriovSettings, AreRefusedWithASentence) {
    EXPECT_EQ(refusal(R"({"vlan": 4095})"), "`vlan` is 4095, must be 0 to 4094");
    EXPECT_EQ(refusal(R"({"vlan": -1})"), "`vlan` is -1, must be 0 to 4094");
    EXPECT_EQ(refusal(R"({"vlanQos": 8, "vlan": 1})"), "`vlanQos` is 8, must be 0 to 7");
    EXPECT_NE(refusal(R"({"vlanQos": 1})").find("needs `vlan`"), std::string::npos);
    EXPECT_NE(refusal(R"({"vlanQos": 1, "vlan": 0})").find("needs `vlan`"), std::string::npos);
    EXPECT_NE(refusal(R"({"vlanProto": "802.1q"})").find("needs `vlan`"), std::string::npos);
    EXPECT_NE(refusal(R"({"vlanProto": "q", "vlan": 1})").find("802.1q or"), std::string::npos);
    EXPECT_NE(refusal(R"({"mac": "01:00:5e:00:00:01"})").find("multicast"), std::string::npos);
    EXPECT_NE(refusal(R"({"mac": "ff:ff:ff:ff:ff:ff"})").find("multicast"), std::string::npos);
    EXPECT_NE(refusal(R"({"mac": "00:00:00:00:00:00"})").find("zeros"), std::string::npos);
    EXPECT_NE(refusal(R"({"mac": "02:00:00:00:00"})").find("must be as in"), std::string::npos);
    EXPECT_NE(refusal(R"({"linkState": "up"})").find("auto, enable or"), std::string::npos);
    EXPECT_NE(refusal(R"({"minTxRate": 5, "maxTxRate": 4})").find("more than"), std::string::npos);
    EXPECT_NE(refusal(R"({"mtu": 67})").find("68 to 65535"), std::string::npos);
    EXPECT_NE(refusal(R"({"nodeGuid": "00:00"})").find("eight bytes"), std::string::npos);
    EXPECT_NE(refusal(R"({"portGuid": "00:00:00:00:00:00:00:00"})").find("no GUID"),
              std::string::npos);
    EXPECT_NE(refusal(R"({"mode": "dpdk"})").find("netdev or vfio-pci"), std::string::npos);
    EXPECT_NE(refusal(R"({"trust": "yes"})"), "");
}

struct Case {
    Card card;
    Pool pool;
    Device device;
    Case() {
        card.name = "pf0";
        card.function.address = "0000:21:00.0";
        card.speed_mbps = 1000;
        card.link = link_on("pf0", 2, "0000:21:00.0");
        pool.name = "a";
        device.card = &card;
        device.pool = &pool;
        device.index = 0;
    }
    std::string refusal(const char* json, const char* of_class = "{}") const {
        const auto settings = settings_of(json, of_class);
        const auto checked = settings->check(device);
        return checked.ok() ? "" : checked.error().message();
    }
};

TEST(SriovSettings, AreRefusedWhereTheDeviceCannotHaveThem) {
    Case c;
    EXPECT_EQ(c.refusal(R"({"maxTxRate": 1000, "vlan": 4, "mtu": 1500})"), "");
    EXPECT_EQ(c.refusal(R"({"maxTxRate": 1001})"),
              "`maxTxRate` is 1001, the link of pf0 has 1000 Mbit/s");
    EXPECT_NE(c.refusal(R"({"nodeGuid": "00:11:22:33:44:55:66:77"})").find("InfiniBand"),
              std::string::npos);
    EXPECT_NE(c.refusal(R"({"mtu": 9000})").find("more than that of its card"), std::string::npos);
    EXPECT_NE(c.refusal(R"({"mode": "vfio-pci"})").find("for the DeviceClass"), std::string::npos);
    EXPECT_EQ(c.refusal(R"({"mode": "vfio-pci"})", R"({"mode": "vfio-pci"})"), "");
    c.pool.mode = Mode::kVfio;
    EXPECT_NE(c.refusal(R"({"mtu": 1400})").find("has none"), std::string::npos);
    c.device.index = -1;
    EXPECT_NE(c.refusal(R"({"vlan": 4})").find("a card as a whole"), std::string::npos);
    c.device.index = 0;
    c.card.link.reset();
    EXPECT_NE(c.refusal(R"({"vlan": 4})").find("not in the host's"), std::string::npos);
}

TEST(SriovChange, IsWhatDiffersWithWhatBelongsToIt) {
    const knd::VfValues now{.mac = "02:00:00:00:00:01",
                            .vlan = 0,
                            .qos = 0,
                            .vlan_protocol = knd::kVlan8021q,
                            .trust = false,
                            .min_rate = 5,
                            .max_rate = 0};
    EXPECT_TRUE(change_to({.vlan = 0, .trust = false}, now).empty());
    EXPECT_EQ(text_of(change_to({.max_rate = 9}, now)), "minTxRate 5, maxTxRate 9");
    EXPECT_EQ(text_of(change_to({.vlan = 4}, now)), "vlan 4, vlanQos 0, vlanProto 802.1q");
    EXPECT_EQ(text_of(part_of(now, change_to({.vlan = 4}, now))),
              "vlan 0, vlanQos 0, vlanProto 802.1q");
    EXPECT_EQ(first_difference({.vlan = 4, .trust = true}, {.vlan = 4, .trust = false}), "trust");
    EXPECT_EQ(first_difference({.node_guid = 4}, {.vlan = 4}), "");
}

TEST(SriovMac, IsRefusedWhenAnotherHasIt) {
    Sysfs sysfs;
    sysfs.card("0000:21:00.0", "pf0", 2, 2);
    sysfs.virtual_function("0000:21:00.0", 0, "0000:21:10.0", "igbvf", "v0");
    sysfs.virtual_function("0000:21:00.0", 1, "0000:21:10.2", "igbvf", "v1");
    auto pf = link_on("pf0", 2, "0000:21:00.0");
    pf.mac = "02:00:00:00:00:ff";
    auto v1 = link_on("v1", 4, "0000:21:10.2");
    v1.mac = "02:00:00:00:00:01";
    const auto config = config_of(R"({"pools": [{"name": "a"}]})", sysfs.root());
    KnownNames known;
    const auto node = Node::read(*config, {pf, v1}, known);
    const auto& card = (*node)->cards().front();
    const std::vector<knd::VfValues> values = {{.mac = "02:00:00:00:00:0a"},
                                               {.mac = "02:00:00:00:00:0b"}};
    const auto holder = [&](const char* mac, int index) {
        return holder_of(mac, **node, card, index, values);
    };
    EXPECT_EQ(holder("02:00:00:00:00:ff", 0), "card pf0");
    EXPECT_EQ(holder("02:00:00:00:00:0b", 0), "virtual function 1 of pf0");
    EXPECT_EQ(holder("02:00:00:00:00:01", 0), "virtual function 1 of pf0 (v1)");
    EXPECT_EQ(holder("02:00:00:00:00:0b", 1), "");
    EXPECT_EQ(holder("02:00:00:00:00:01", 1), "");
}

Record record_of(const std::string& device) {
    Record record;
    record.claim_uid = "uid-1";
    record.claim = "default/a";
    record.device = device;
    record.card = "0000:21:00.0";
    record.index = 3;
    record.address = "0000:21:10.6";
    record.driver = "igbvf";
    record.mtu = 1500;
    record.ready = true;
    record.given_ifindex = 7;
    record.before = {.mac = "00:00:00:00:00:00", .vlan = 0, .trust = false};
    record.after = {.mac = "02:00:00:00:00:01", .vlan = 5, .trust = true, .node_guid = ~0ULL};
    return record;
}

TEST(SriovRecord, ComesBackAsItWasWritten) {
    const auto record = record_of("pci-0000-21-00-0-vf3");
    const auto again = Record::parse(record.text());
    ASSERT_TRUE(again.ok());
    EXPECT_EQ(again->text(), record.text());
    EXPECT_EQ(again->before, record.before);
    EXPECT_EQ(again->after, record.after);
    EXPECT_LT(record.text().size(), 4096U);
}

TEST(SriovRecord, IsRefusedWhenTorn) {
    const auto text = record_of("pci-0000-21-00-0-vf3").text();
    for (std::size_t size = 0; size + 1 < text.size(); size += 7)
        EXPECT_FALSE(Record::parse(text.substr(0, size)).ok()) << size;
    EXPECT_FALSE(Record::parse("version=2\nend=1\n").ok());
}

TEST(SriovRecords, ForgetOneThatIsTorn) {
    Sysfs directory;
    const Records records(directory.root() + "/records");
    ASSERT_TRUE(records.open().ok());
    ASSERT_TRUE(records.save(record_of("pci-0000-21-00-0-vf3")).ok());
    directory.write("records/pci-0000-21-00-0-vf4", "version=1");
    EXPECT_FALSE(records.load("pci-0000-21-00-0-vf4").ok());
    EXPECT_EQ(records.all()->size(), 1U);
    EXPECT_FALSE(*records.load("pci-0000-21-00-0-vf4"));
    ASSERT_TRUE(records.remove("pci-0000-21-00-0-vf3").ok());
    EXPECT_TRUE(records.all()->empty());
}

std::string config_refusal(const char* json) {
    const auto config = config_of(json, "/sys");
    return config.ok() ? "" : config.error().message();
}

TEST(SriovConfig, RefusesWhatMakesNoSense) {
    EXPECT_EQ(config_refusal("{}"), "");
    EXPECT_NE(config_refusal(R"({"pools": [{}]})").find("name"), std::string::npos);
    EXPECT_NE(config_refusal(R"({"pools": [{"name": "a", "vendors": ["intel"]}]})").find("hex"),
              std::string::npos);
    for (const auto* range : {"pf0#", "#1", "pf0#3-1", "pf0#x", "pf0#1,", "pf0#1-", "pf0#99999"}) {
        const auto json =
            std::string(R"({"pools": [{"name": "a", "pfNames": [")") + range + "\"]}]}";
        EXPECT_NE(config_refusal(json.c_str()), "") << range;
    }
    EXPECT_NE(config_refusal(R"({"cards": [{"vfs": 2, "onDemand": 2}]})").find("exclude"),
              std::string::npos);
    EXPECT_NE(config_refusal(R"({"cards": [{"vfs": 2, "whole": true}]})").find("never whole"),
              std::string::npos);
    EXPECT_NE(config_refusal(R"({"cards": [{"vfs": -2}]})"), "");
    EXPECT_NE(config_refusal(R"({"pools": [{"name": "a", "linkTypes": ["eth"]}]})"), "");
    EXPECT_NE(config_refusal(R"({"pools": [{"name": "a", "attributes":
                  [{"name": "resource.kubernetes.io/x", "value": "1"}]}]})"),
              "");
    EXPECT_NE(config_refusal(R"({"directory": "run"})"), "");
}

}  // namespace
}  // namespace sriov
