// SPDX-License-Identifier: Apache-2.0
#include "host/inventory/sharing.hpp"

#include <gtest/gtest.h>

namespace knd {
namespace {

const std::map<std::string, Counters> kCard = {{"n1", {{"pf", {{"vfs", "2"}}}}}};

Device named(std::string name, std::string key, std::string parent = "") {
    Device device;
    device.name = std::move(name);
    device.hardware_key = std::move(key);
    device.parent_key = std::move(parent);
    return device;
}

Counters takes(const std::string& amount) {
    return {{"pf", {{"vfs", amount}}}};
}

/// Names of those that nothing speaks against.
std::string offered(const std::vector<Sharer>& sharers, const SharingRules& rules) {
    const auto reasons = sharing_reasons(sharers, kCard, rules);
    std::string names;
    for (std::size_t i = 0; i < sharers.size(); ++i)
        if (reasons[i].empty()) names += sharers[i].device->name + " ";
    return names;
}

class SharingTest : public testing::Test {
  protected:
    Device pf = named("pf", "p"), vf0 = named("vf0", "v0", "p"), vf1 = named("vf1", "v1", "p"),
           sf = named("sf", "s", "v0");
};

TEST_F(SharingTest, LeavesTheSchedulerWhatItCanKeepApart) {
    EXPECT_EQ(offered({{&pf, "n1", false, takes("2")}, {&vf0, "n1", false, takes("1")}}, {}),
              "pf vf0 ");
}

TEST_F(SharingTest, KeepsApartWhatSharesNoCounter) {
    EXPECT_EQ(offered({{&pf, "n1"}, {&vf0, "n1", false, takes("1")}, {&vf1, "n1"}}, {}),
              "vf0 vf1 ");
    EXPECT_EQ(offered({{&pf, "n2", false, {}}, {&vf0, "n1", false, takes("1")}},
                      {.counters = true, .wholes = true}),
              "pf ");
}

TEST_F(SharingTest, OffersOneKindOfAWholeItsPartsAndTheirParts) {
    const std::vector<Sharer> all = {{&pf, "n1"}, {&vf0, "n1"}, {&vf1, "n1"}, {&sf, "n1"}};
    EXPECT_EQ(offered(all, {.counters = false, .wholes = false}), "vf1 sf ");
    EXPECT_EQ(offered(all, {.counters = false, .wholes = true}), "pf ");
}

TEST_F(SharingTest, KeepsAWholeFromThePartsOfItsParts) {
    EXPECT_EQ(offered({{&pf, "n1", true}, {&vf0, "n1"}, {&sf, "n1"}}, {}), "pf ");
    EXPECT_EQ(offered({{&pf, "n1"}, {&vf0, "n1"}, {&sf, "n1", true}}, {}), "sf ");
}

TEST_F(SharingTest, TakesPartsThatAreInACircle) {
    const auto a = named("a", "a", "b"), b = named("b", "b", "a"), c = named("c", "c", "c");
    EXPECT_EQ(offered({{&a, "n1"}, {&b, "n1"}, {&c, "n1"}}, {}), "c ");
}

TEST_F(SharingTest, MakesRoomForWhatAClaimHolds) {
    EXPECT_EQ(offered({{&pf, "n1", true}, {&vf0, "n1"}, {&vf1, "n1"}},
                      {.counters = false, .wholes = false}),
              "pf ");
    EXPECT_EQ(offered({{&pf, "n1"}, {&vf0, "n1", true}, {&vf1, "n1"}},
                      {.counters = false, .wholes = true}),
              "vf0 ");
}

TEST_F(SharingTest, DealsCountersThatNobodyElseKeeps) {
    const auto a = named("a", "a"), b = named("b", "b"), c = named("c", "c");
    EXPECT_EQ(offered({{&a, "n1", false, takes("1")},
                       {&b, "n1", false, takes("1500m")},
                       {&c, "n1", false, takes("1")}},
                      {.counters = false}),
              "a c ");
    EXPECT_EQ(offered({{&a, "n1", false, takes("1")}, {&b, "n1", true, takes("1500m")}},
                      {.counters = false}),
              "b ");
}

TEST_F(SharingTest, SaysWhyAWholeIsNotOffered) {
    const auto reasons =
        sharing_reasons({{&pf, "n1"}, {&vf0, "n1"}}, kCard, {.counters = false, .wholes = false});
    EXPECT_EQ(reasons[0],
              "its parts are offered, vf0 among them; the API server keeps no counters, and "
              "`publish.without_counters` is \"parts\"");
}

TEST(MissingCounter, NamesTheSetOrTheCounter) {
    EXPECT_EQ(missing_counter(takes("1"), kCard.at("n1")), "");
    EXPECT_EQ(missing_counter({{"nix", {}}}, kCard.at("n1")), "counter set nix");
    EXPECT_EQ(missing_counter({{"pf", {{"queues", "1"}}}}, kCard.at("n1")),
              "counter queues of set pf");
}

}  // namespace
}  // namespace knd
