// SPDX-License-Identifier: Apache-2.0
#include "host/sandbox/host_state.hpp"

#include "tests/unit/sandbox/sandbox_scene.hpp"

namespace knd {
namespace {

using testing::HasSubstr;

class HostStateJson : public SandboxScene {
  protected:
    HostState state() { return *attacher_.inspect(attach_plan({"eth1", "dra0"})); }
};

TEST_F(HostStateJson, KeepsWhatARestoreNeeds) {
    auto before = state();
    before.netdevs[0].routes[1].metrics = {{2, 1300}};
    auto after = host_state_from_json(*parse_json(to_text(to_json(before))));
    ASSERT_OK(after);
    // Limits of the hardware are no state.
    for (auto& netdev : before.netdevs)
        netdev.link.min_mtu = netdev.link.max_mtu = 0;
    EXPECT_EQ(*after, before);
}

TEST_F(HostStateJson, OfNothingIsEmpty) {
    auto state = host_state_from_json(Json());
    ASSERT_OK(state);
    EXPECT_TRUE(state->netdevs.empty());
}

TEST_F(HostStateJson, OfAnOlderJournalHasRdmaDevicesByNumberAndName) {
    auto json = to_json(*attacher_.inspect(attach_plan({"mlx5_0"})));
    for (const char* later : {"nodeGuid", "bus", "device"})
        json["rdma"][0].erase(later);
    const auto state = host_state_from_json(json);
    ASSERT_OK(state);
    ASSERT_EQ(state->rdma.size(), 1u);
    EXPECT_EQ(state->rdma[0].link, (RdmaLink{.index = rdma_, .name = "mlx5_0", .node_guid = {}}));
}

/// The daemon was made new while a pod had the device.
TEST_F(HostStateJson, OfAnOlderJournalBringsRdmaDevicesHome) {
    const auto plan = attach_plan({"mlx5_0"});
    auto state = *attacher_.inspect(plan);
    ASSERT_OK(attacher_.attach(plan, state));
    state.rdma[0] = {.link = {.index = rdma_, .name = "mlx5_0", .node_guid = {}}};
    const auto detached = attacher_.detach(way_back(plan, state));
    ASSERT_OK(detached);
    EXPECT_TRUE(detached->warnings.empty());
    EXPECT_EQ(kernel_.rdma_name(kFakeHome, rdma_), "mlx5_0");
}

TEST_F(HostStateJson, NamesTheFieldThatIsWrong) {
    auto json = to_json(state());
    json["netdevs"][1]["addresses"][0]["prefixLength"] = "wide";
    auto result = host_state_from_json(json);
    EXPECT_EQ(result.code(), Code::kDataLoss);
    EXPECT_THAT(result.error().message(),
                HasSubstr("netdevs[1].addresses[0].prefixLength holds \"wide\""));
}

TEST_F(HostStateJson, SurvivesEveryFieldGoneOrOfAnotherType) {
    const auto whole = to_json(state())["netdevs"][0].flatten();
    for (const auto& [pointer, value] : whole.items()) {
        for (const Json& wrong : {Json(), Json("text"), Json(-1), Json::array(), Json(1e300)}) {
            auto netdev = whole.unflatten();
            netdev[Json::json_pointer(pointer)] = wrong;
            const Json json{{"netdevs", Json::array({netdev})}};
            const auto result = host_state_from_json(json);
            EXPECT_TRUE(result.ok() || result.code() == Code::kDataLoss) << pointer;
        }
    }
    EXPECT_EQ(host_state_from_json(Json("text")).code(), Code::kDataLoss);
}

TEST(TransitName, IsAValidNameThatDependsOnTheBinding) {
    const auto name = transit_name({"claim", "device"}, 0);
    EXPECT_TRUE(valid_link_name(name));
    EXPECT_EQ(name, transit_name({"claim", "device"}, 0));
    EXPECT_NE(name, transit_name({"claim", "device"}, 1));
    EXPECT_NE(name, transit_name({"claim", "other"}, 0));
}

}  // namespace
}  // namespace knd
