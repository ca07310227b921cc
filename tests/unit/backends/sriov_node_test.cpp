// SPDX-License-Identifier: Apache-2.0
#include <ctime>

#include "backends/sriov/counts.hpp"
#include "backends/sriov/node.hpp"
#include "tests/unit/backends/sriov_fixture.hpp"

namespace sriov {
namespace {

const char* const kCard = "0000:21:00.0";

std::string address_of(int index) {
    char text[16];
    const int routing = 128 + 2 * index;
    std::snprintf(text, sizeof text, "0000:%02x:%02x.%d", 0x21 + (routing >> 8), routing >> 3 & 31,
                  routing & 7);
    return text;
}

void with_functions(const Sysfs& sysfs, int count) {
    sysfs.card(kCard, "pf0", count, count);
    for (int i = 0; i < count; ++i)
        sysfs.virtual_function(kCard, i, address_of(i), "igbvf", "v" + std::to_string(i));
}

std::unique_ptr<Node> node_of(const Config& config, const std::vector<knd::LinkInfo>& links) {
    KnownNames known;
    auto node = Node::read(config, links, known);
    EXPECT_TRUE(node.ok());
    return *std::move(node);
}

std::string pools_of(const Node& node) {
    std::string text;
    for (const auto& device : node.devices()) {
        text +=
            device.withheld.empty() ? device.name.substr(17) + "=" + device.pool->name + " " : "-";
    }
    return text;
}

TEST(SriovNode, KnowsEachFunctionByCardAndNumber) {
    const Sysfs sysfs;
    with_functions(sysfs, 3);
    const auto config = config_of(R"({"pools": [{"name": "all"}]})", sysfs.root());
    const auto node = node_of(*config, {link_on("pf0", 2, kCard), link_on("v1", 4, address_of(1))});
    const auto* const device = node->device("pci-0000-21-00-0-vf1");
    ASSERT_NE(device, nullptr);
    EXPECT_EQ(device->address, "0000:21:10.2");
    EXPECT_EQ(device->function->numa_node, 1);
    EXPECT_EQ(device->function->pcie_root, "pci0000:20");
    EXPECT_EQ(device->function->driver, "igbvf");
    EXPECT_EQ(device->link->name, "v1");
    EXPECT_FALSE(node->device("pci-0000-21-00-0-vf2")->link);
}

TEST(SriovNode, GivesAFunctionToTheFirstPoolThatMatches) {
    const Sysfs sysfs;
    with_functions(sysfs, 4);
    const auto config =
        config_of(R"({"pools": [{"name": "a", "pfNames": ["pf0#0,2-3"], "vendors": ["0x8086"]},
                                {"name": "b", "drivers": ["igbvf"], "devices": ["10ca"]}]})",
                  sysfs.root());
    EXPECT_EQ(pools_of(*node_of(*config, {link_on("pf0", 2, kCard)})), "vf0=a vf1=b vf2=a vf3=a -");
}

TEST(SriovNode, KeepsACardFromOthersOnlyWhenItsFunctionsAreOffered) {
    const Sysfs sysfs;
    with_functions(sysfs, 1);
    const auto none = config_of(R"({"pools": [{"name": "a", "vendors": ["15b3"]}]})", sysfs.root());
    EXPECT_TRUE(node_of(*none, {link_on("pf0", 2, kCard)})->devices().empty());
    const auto some = config_of(R"({"pools": [{"name": "a"}]})", sysfs.root());
    const auto node = node_of(*some, {link_on("pf0", 2, kCard)});
    EXPECT_FALSE(node->device("pci-0000-21-00-0")->withheld.empty());
}

TEST(SriovNode, OffersFunctionsThatAreYetToBeMadeUnderTheNamesThatTheyWillHave) {
    const Sysfs sysfs;
    sysfs.card(kCard, "pf0", 7, 0);
    const auto config = config_of(R"({"cards": [{"pfNames": ["pf0"], "onDemand": 2, "whole": true}],
                                      "pools": [{"name": "a"}]})",
                                  sysfs.root());
    const auto node = node_of(*config, {link_on("pf0", 2, kCard)});
    EXPECT_EQ(node->device("pci-0000-21-00-0-vf1")->address, "0000:21:10.2");
    EXPECT_EQ(node->device("pci-0000-21-00-0-vf1")->function, nullptr);
    EXPECT_TRUE(node->device("pci-0000-21-00-0")->withheld.empty());
    EXPECT_EQ(node->device("pci-0000-21-00-0-vf2"), nullptr);
}

TEST(SriovNode, KeepsThePoolOfACardWhoseInterfaceIsAway) {
    const Sysfs sysfs;
    with_functions(sysfs, 1);
    const auto config =
        config_of(R"({"pools": [{"name": "a", "pfNames": ["pf0"]}]})", sysfs.root());
    KnownNames known;
    ASSERT_TRUE(Node::read(*config, {link_on("pf0", 2, kCard)}, known).ok());
    const auto node = Node::read(*config, {}, known);
    EXPECT_NE((*node)->device("pci-0000-21-00-0-vf0"), nullptr);
}

TEST(SriovNode, KnowsTheSwitchsEndOfAFunction) {
    const Sysfs sysfs;
    with_functions(sysfs, 2);
    auto end = link_on("eth9", 9, kCard);
    end.phys_port_name = "pf0vf1";
    const auto config = config_of(R"({"pools": [{"name": "a"}]})", sysfs.root());
    const auto node = node_of(*config, {end, link_on("pf0", 2, kCard)});
    EXPECT_EQ(node->cards().front().name, "pf0");
    EXPECT_EQ(node->cards().front().representors.at(1), "eth9");
}

TEST(SriovNode, IsNotSpoiledByAFunctionThatCannotBeRead) {
    const Sysfs sysfs;
    with_functions(sysfs, 2);
    sysfs.link("bus/pci/devices/0000:30:00.0", "../../../devices/gone");
    sysfs.write("devices/pci0000:20/0000:31:00.0/class", "nonsense");
    sysfs.link("bus/pci/devices/0000:31:00.0", "../../../devices/pci0000:20/0000:31:00.0");
    const auto config = config_of(R"({"pools": [{"name": "a"}]})", sysfs.root());
    EXPECT_EQ(pools_of(*node_of(*config, {link_on("pf0", 2, kCard)})), "vf0=a vf1=a -");
}

TEST(SriovNode, HasNoDevicesWithoutPci) {
    const auto config = config_of(R"({"pools": [{"name": "a"}]})", "/nonexistent");
    EXPECT_TRUE(node_of(*config, {})->devices().empty());
}

double cpu_ms() {
    timespec now{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

TEST(SriovNode, ReadsAThousandFunctionsInOnePass) {
    const Sysfs sysfs;
    with_functions(sysfs, 1024);
    const auto config = config_of(R"({"pools": [{"name": "a"}]})", sysfs.root());
    std::vector<knd::LinkInfo> links = {link_on("pf0", 2, kCard)};
    for (int i = 0; i < 1024; ++i)
        links.push_back(link_on("v" + std::to_string(i), 10 + i, address_of(i)));
    const auto before = cpu_ms();
    const auto node = node_of(*config, links);
    const auto took = cpu_ms() - before;
    EXPECT_EQ(node->devices().size(), 1025U);
    EXPECT_TRUE(node->device("pci-0000-21-00-0-vf1023")->link);
    RecordProperty("cpu_ms", std::to_string(took));
    std::printf("1,024 functions: %.1f ms of CPU\n", took);
}

TEST(SriovCounts, ChangeNothingThatIsAsWanted) {
    const Sysfs sysfs;
    with_functions(sysfs, 2);
    const auto config =
        config_of(R"({"cards": [{"vfs": 2}], "pools": [{"name": "a"}]})", sysfs.root());
    const auto node = node_of(*config, {link_on("pf0", 2, kCard)});
    EXPECT_TRUE(fixed_counts(*node, [](const auto&) { return std::string(); }).empty());
}

TEST(SriovCounts, StayWhileAFunctionIsInUse) {
    const Sysfs sysfs;
    with_functions(sysfs, 2);
    const auto config =
        config_of(R"({"cards": [{"vfs": 1}], "pools": [{"name": "a"}]})", sysfs.root());
    const auto node = node_of(*config, {link_on("pf0", 2, kCard)});
    const auto changes = fixed_counts(*node, [](const knd::sriov::Function& function) {
        return function.vf_index == 1 ? "claim a/b has it" : std::string();
    });
    ASSERT_EQ(changes.size(), 1U);
    EXPECT_EQ(changes[0].refused,
              "pf0 keeps its 2 virtual functions, 1 are wanted: claim a/b has it");
}

TEST(SriovCounts, RefuseMoreThanTheCardCanHave) {
    const Sysfs sysfs;
    sysfs.card(kCard, "pf0", 7, 0);
    const auto config =
        config_of(R"({"cards": [{"vfs": 8}], "pools": [{"name": "a"}]})", sysfs.root());
    const auto node = node_of(*config, {link_on("pf0", 2, kCard)});
    const auto changes = fixed_counts(*node, [](const auto&) { return std::string(); });
    ASSERT_EQ(changes.size(), 1U);
    EXPECT_EQ(changes[0].refused, "pf0 can have 7 virtual functions, not 8");
}

TEST(SriovNames, AreParsedAsTheyAreMade) {
    EXPECT_EQ(parse_device_name(device_name(kCard, 12)), std::pair(std::string(kCard), 12));
    EXPECT_EQ(parse_device_name(device_name(kCard, -1)), std::pair(std::string(kCard), -1));
    for (const auto* name : {"", "eth0", "pci-", "pci-0000-21-00-0-vf", "../../etc/passwd",
                             "pci-0000-21-00-0-vfx", "pci-../../x-vf1"}) {
        EXPECT_FALSE(parse_device_name(name)) << name;
    }
}

}  // namespace
}  // namespace sriov
