// SPDX-License-Identifier: Apache-2.0
#include "host/dra/slice.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace knd::dra {
namespace {

const SliceOwner kOwner{"knd.dev", "n1", "node-uid"};

std::vector<Device> make_devices(std::size_t count, const std::string& prefix = "d") {
    std::vector<Device> devices;
    for (std::size_t i = 0; i < count; ++i) {
        Device device;
        device.name = prefix + std::to_string(i);
        device.attributes["knd.dev/index"] = static_cast<std::int64_t>(i);
        devices.push_back(std::move(device));
    }
    return devices;
}

std::vector<SliceDevice> ready(std::size_t count) {
    return *slice_devices(make_devices(count));
}

/// Carries a plan out as a well-behaved server would.
std::vector<StoredSlice> apply(const PoolPlan& plan, std::vector<StoredSlice> stored) {
    static int version = 0;
    for (const auto& gone : plan.deletes)
        std::erase_if(stored, [&](const StoredSlice& slice) { return slice.name == gone.name; });
    const auto fill = [&](StoredSlice& slice, const SliceWrite& write) {
        slice.resource_version = std::to_string(++version);
        slice.generation = plan.generation;
        slice.slice_count = static_cast<std::int64_t>(plan.slice_count);
        slice.owner_uid = kOwner.node_uid;
        slice.devices = write.devices;
        slice.counters = write.counters;
    };
    for (const auto& write : plan.updates)
        for (auto& slice : stored)
            if (slice.name == write.name) fill(slice, write);
    for (const auto& write : plan.creates) {
        StoredSlice slice;
        slice.name = generate_name(write.index, kOwner) + std::to_string(++version);
        slice.uid = "uid-" + slice.name;
        slice.index = write.index;
        slice.pool = "n1";
        fill(slice, write);
        stored.push_back(std::move(slice));
    }
    return stored;
}

std::vector<StoredSlice> published(const std::vector<SliceDevice>& devices) {
    return apply(plan_pool(devices, {}, kOwner, {}), {});
}

TEST(Slice, SaysAttributesAsTheApiDoes) {
    Device device;
    device.name = "dra0";
    device.attributes = {{"dra.net/ifName", std::string("dra0")},
                         {"dra.net/alias", std::string()},
                         {"dra.net/mtu", std::int64_t{1500}},
                         {"dra.net/rdma", false},
                         {"dra.net/firmware", Version{"1.2.3"}}};
    device.capacity = {{"dra.net/bandwidth", "1000M"}};
    const auto made = slice_devices({device});
    ASSERT_TRUE(made.ok());
    EXPECT_EQ(
        made->front().text,
        R"({"attributes":{"dra.net/alias":{"string":""},"dra.net/firmware":{"version":"1.2.3"},)"
        R"("dra.net/ifName":{"string":"dra0"},"dra.net/mtu":{"int":1500},)"
        R"("dra.net/rdma":{"bool":false}},)"
        R"("capacity":{"dra.net/bandwidth":{"value":"1G"}},"name":"dra0"})");
}

TEST(Slice, RefusesTwoDevicesOfOneName) {
    auto devices = make_devices(2);
    devices[1].name = "d0";
    devices[1].backend = "second";
    const auto made = slice_devices(devices);
    ASSERT_FALSE(made.ok());
    EXPECT_EQ(made.error().message(),
              "two devices are called d0 (the second is of backend second)");
}

TEST(Slice, NamesStartWithTheIndexSoThatTheyKeepTheirOrder) {
    EXPECT_EQ(generate_name(17, kOwner), "00011-knd.dev-n1-");
    EXPECT_EQ(index_of_name("00011-knd.dev-n1-abcde"), 17u);
    EXPECT_EQ(index_of_name("kind-worker-dra.net-hwg94"), std::nullopt);
    EXPECT_EQ(index_of_name("0001-short"), std::nullopt);
    EXPECT_EQ(index_of_name(""), std::nullopt);
}

TEST(Slice, HasItsIndexAtTheStartOfItsName) {
    const std::pair<std::size_t, std::string> indexes[] = {
        {0, "00000"},  {1, "00001"},  {9, "00009"},  {10, "0000a"},      {26, "0001a"},
        {27, "0001b"}, {35, "00023"}, {36, "00024"}, {100'000, "186a0"}, {1'048'576, "100000"}};
    for (const auto& [index, digits] : indexes) {
        EXPECT_EQ(generate_name(index, kOwner), digits + "-knd.dev-n1-");
        EXPECT_EQ(index_of_name(digits + "-"), index);
        EXPECT_EQ(index_of_name(digits + "-knd.dev-n1-x7k2p"), index);
    }
    EXPECT_EQ(index_of_name("80000000-"), 0x80000000u);
}

TEST(Slice, HasNoIndexInANameOfAnotherForm) {
    for (const auto* name : {"00000", "0000-", "0000g-", "0000A-", "-0001-", "+0001-", "000000000-",
                             "8000000000000000-"})
        EXPECT_EQ(index_of_name(name), std::nullopt) << name;
}

TEST(Slice, ReadsBackWhatItWrites) {
    const auto devices = ready(3);
    const auto plan = plan_pool(devices, {}, kOwner, {});
    for (const auto* version : {"v1", "v1beta2", "v1beta1"}) {
        auto object = *parse_json(slice_body(plan.creates[0], plan, kOwner, "n1", version));
        object["metadata"]["name"] = "00000-x";
        const auto slice = parse_slice(object, version);
        ASSERT_TRUE(slice.ok()) << slice.error().message();
        EXPECT_EQ(slice->devices, devices) << version;
        EXPECT_EQ(slice->pool, "n1");
        EXPECT_EQ(slice->generation, 1);
        EXPECT_EQ(slice->slice_count, 1);
        EXPECT_EQ(slice->owner_uid, "node-uid");
        EXPECT_FALSE(slice->foreign);
    }
}

TEST(Slice, NestsDevicesForV1beta1) {
    const auto plan = plan_pool(ready(1), {}, kOwner, {});
    const auto object = *parse_json(slice_body(plan.creates[0], plan, kOwner, "n1", "v1beta1"));
    const auto& device = json_path(object, {"spec", "devices"})[0];
    EXPECT_TRUE(json_path(device, {"basic", "attributes"}).is_object());
    EXPECT_FALSE(device.contains("attributes"));
}

TEST(Slice, IsOwnedByTheNode) {
    const auto plan = plan_pool(ready(1), {}, kOwner, {});
    const auto object = *parse_json(slice_body(plan.creates[0], plan, kOwner, "n1", "v1"));
    EXPECT_EQ(json_path(object, {"metadata", "ownerReferences"})[0],
              *parse_json(R"({"apiVersion":"v1","kind":"Node","name":"n1","uid":"node-uid",)"
                          R"("controller":true})"));
}

TEST(Slice, SurvivesObjectsOfTheWrongShape) {
    for (const auto* text : {"{}", "[]", "5", R"({"metadata":{"name":"a"}})",
                             R"({"metadata":{"name":"a"},"spec":{"devices":5,"pool":[]}})",
                             R"({"metadata":{"name":"a"},"spec":{"devices":[5,null,"x"]}})",
                             R"({"metadata":{"name":"a"},"spec":{"devices":[{"name":1,)"
                             R"("capacity":[],"attributes":[1]}]}})"})
        for (const auto* version : {"v1", "v1beta1"})
            (void)parse_slice(*parse_json(text), version);
}

TEST(Shard, MakesOneEmptySliceOfNothing) {
    EXPECT_EQ(shard({}, {}).size(), 1u);
    EXPECT_TRUE(shard({}, {})[0].empty());
}

TEST(Shard, PutsAtMost128DevicesIntoASlice) {
    const auto slices = shard(ready(257), {});
    ASSERT_EQ(slices.size(), 3u);
    EXPECT_EQ(slices[0].size(), 128u);
    EXPECT_EQ(slices[1].size(), 128u);
    EXPECT_EQ(slices[2].size(), 1u);
}

TEST(Shard, PutsAtMost64WhenADeviceHasListAttributes) {
    auto devices = make_devices(65);
    devices[3].attributes["knd.dev/nodes"] = std::vector<std::int64_t>{0, 1};
    EXPECT_EQ(shard(*slice_devices(devices), {}).size(), 2u);
}

TEST(Shard, LeavesDevicesWhereTheyAre) {
    const auto stored = published(ready(200));
    auto devices = make_devices(200);
    devices.erase(devices.begin());  // everything moves up by one
    const auto slices = shard(*slice_devices(devices), stored);
    EXPECT_EQ(slices[0].size(), 127u);
    EXPECT_EQ(slices[1], stored[1].devices);
}

TEST(Shard, FillsFreedPlacesBeforeItMakesASlice) {
    const auto stored = published(ready(256));
    auto devices = make_devices(256);
    devices[5].name = "new";
    const auto slices = shard(*slice_devices(devices), stored);
    EXPECT_EQ(slices.size(), 2u);
    EXPECT_EQ(slices[0][5].name, "new");
}

TEST(Plan, CreatesEverythingAtFirst) {
    const auto plan = plan_pool(ready(130), {}, kOwner, {});
    EXPECT_EQ(plan.creates.size(), 2u);
    EXPECT_EQ(plan.generation, 1);
    EXPECT_EQ(plan.slice_count, 2u);
}

TEST(Plan, IsEmptyWhenNothingChanged) {
    const auto devices = ready(130);
    EXPECT_TRUE(plan_pool(devices, published(devices), kOwner, {}).empty());
}

TEST(Plan, KeepsTheGenerationWhenOneSliceChanges) {
    const auto stored = published(ready(130));
    auto devices = make_devices(130);
    devices[0].attributes["knd.dev/index"] = std::int64_t{99};
    const auto plan = plan_pool(*slice_devices(devices), stored, kOwner, {});
    EXPECT_EQ(plan.generation, 1);
    ASSERT_EQ(plan.updates.size(), 1u);
    EXPECT_EQ(plan.updates[0].name, stored[0].name);
    EXPECT_EQ(plan.updates[0].resource_version, stored[0].resource_version);
}

TEST(Plan, TakesANewGenerationWhenTwoSlicesChange) {
    const auto stored = published(ready(300));
    auto devices = make_devices(300);
    devices[0].attributes["x"] = true;
    devices[200].attributes["x"] = true;
    const auto plan = plan_pool(*slice_devices(devices), stored, kOwner, {});
    EXPECT_EQ(plan.generation, 2);
    EXPECT_EQ(plan.updates.size(), 3u) << "every slice of the pool carries the new generation";
}

TEST(Plan, TakesANewGenerationWhenASliceIsAdded) {
    const auto stored = published(ready(128));
    const auto plan = plan_pool(ready(129), stored, kOwner, {});
    EXPECT_EQ(plan.generation, 2);
    EXPECT_EQ(plan.updates.size(), 1u);
    EXPECT_EQ(plan.creates.size(), 1u);
}

TEST(Plan, WritesWhatANumberOfDevicesNeeds) {
    struct Change {
        std::size_t before, after, deletes, updates, creates;
        std::int64_t generation;
    };
    for (const auto& [before, after, deletes, updates, creates, generation] :
         {Change{300, 300, 0, 0, 0, 1}, Change{0, 1, 0, 1, 0, 1}, Change{1, 0, 0, 1, 0, 1},
          Change{3, 4, 0, 1, 0, 1}, Change{300, 200, 1, 2, 0, 2}, Change{384, 385, 0, 3, 1, 2}}) {
        SCOPED_TRACE(std::to_string(before) + " to " + std::to_string(after));
        const auto stored = published(ready(before));
        const auto plan = plan_pool(ready(after), stored, kOwner, {});
        EXPECT_EQ(plan.deletes.size(), deletes);
        EXPECT_EQ(plan.updates.size(), updates);
        EXPECT_EQ(plan.creates.size(), creates);
        EXPECT_EQ(plan.generation, generation);
        EXPECT_TRUE(plan_pool(ready(after), apply(plan, stored), kOwner, {}).empty());
    }
}

TEST(Plan, DeletesSlicesThatAreNoLongerNeeded) {
    const auto stored = published(ready(129));
    const auto plan = plan_pool(ready(5), stored, kOwner, {});
    ASSERT_EQ(plan.deletes.size(), 1u);
    EXPECT_EQ(plan.deletes[0].name, stored[1].name);
    EXPECT_EQ(plan.updates.size(), 1u);
    EXPECT_TRUE(plan_pool(ready(5), apply(plan, stored), kOwner, {}).empty());
}

TEST(Plan, DeletesSlicesWithForeignNamesAndDuplicates) {
    const auto devices = ready(3);
    auto stored = published(devices);
    stored.push_back(stored[0]);
    stored.back().name = "00000-knd.dev-n1-zzzzz";
    stored.push_back(stored[0]);
    stored.back().name = "n1-knd.dev-abcde";
    stored.back().index = std::nullopt;
    const auto plan = plan_pool(devices, stored, kOwner, {});
    EXPECT_EQ(plan.deletes.size(), 2u);
    EXPECT_TRUE(plan.updates.empty());
    EXPECT_TRUE(plan.creates.empty());
}

TEST(Plan, KeepsTheFirstOfTwoSlicesWithOneDevice) {
    auto stored = published(ready(1));
    stored.push_back(stored[0]);
    stored.back().name = generate_name(1, kOwner) + "again";
    stored.back().index = 1;
    const auto plan = plan_pool(ready(1), stored, kOwner, {});
    ASSERT_EQ(plan.deletes.size(), 1u);
    EXPECT_EQ(plan.deletes[0].index, 1u);
    EXPECT_TRUE(plan.updates.empty());
    EXPECT_TRUE(plan.creates.empty());
    EXPECT_EQ(plan.generation, 1);
}

/// As other drivers and older helpers name them.
TEST(Plan, ReplacesSlicesWithNamesWithoutIndex) {
    const auto devices = ready(300);
    const std::vector<std::size_t> renamed[] = {{0, 1, 2}, {0, 2}};
    for (const auto& random : renamed) {
        auto stored = published(devices);
        for (const auto i : random) {
            stored[i].name = "random-" + std::to_string(i);
            stored[i].index = std::nullopt;
        }
        const auto plan = plan_pool(devices, stored, kOwner, {});
        EXPECT_EQ(plan.deletes.size(), random.size());
        EXPECT_EQ(plan.creates.size(), random.size());
        EXPECT_EQ(plan.updates.size(), 3 - random.size());
        EXPECT_EQ(plan.generation, 2);
        EXPECT_TRUE(plan_pool(devices, apply(plan, stored), kOwner, {}).empty());
    }
}

TEST(Plan, LeavesNothingOfOlderGenerations) {
    std::vector<StoredSlice> stored;
    for (std::size_t i = 0; i < 3; ++i) {
        auto slice = published({})[0];
        slice.name = generate_name(i, kOwner) + "left";
        slice.index = i;
        slice.generation = i == 1 ? 2 : 1;
        if (i == 1) slice.devices = ready(1);
        stored.push_back(std::move(slice));
    }
    const auto plan = plan_pool(ready(1), stored, kOwner, {});
    const auto left = apply(plan, stored);
    ASSERT_EQ(left.size(), 1u);
    EXPECT_EQ(left[0].devices, ready(1));
    EXPECT_GE(left[0].generation, 2);
    EXPECT_TRUE(plan_pool(ready(1), left, kOwner, {}).empty());
}

TEST(Plan, FinishesARewriteThatStoppedHalfWay) {
    auto stored = published(ready(300));
    stored[0].generation = 7;
    const auto plan = plan_pool(ready(300), stored, kOwner, {});
    EXPECT_EQ(plan.generation, 8);
    EXPECT_EQ(plan.updates.size(), 3u);
    EXPECT_TRUE(plan.deletes.empty());
    EXPECT_TRUE(plan_pool(ready(300), apply(plan, stored), kOwner, {}).empty());
}

TEST(Plan, RewritesSlicesOfANodeThatWasMadeAnew) {
    const auto stored = published(ready(1));
    const auto plan = plan_pool(ready(1), stored, {"knd.dev", "n1", "other-uid"}, {});
    EXPECT_EQ(plan.updates.size(), 1u);
}

TEST(Plan, ReplacesSlicesWithMembersOfOthers) {
    auto stored = published(ready(1));
    stored[0].foreign = true;
    const auto plan = plan_pool(ready(1), stored, kOwner, {});
    EXPECT_EQ(plan.deletes.size(), 1u);
    EXPECT_EQ(plan.creates.size(), 1u);
    EXPECT_EQ(plan.generation, 2);
}

TEST(Plan, AcceptsWhatTheServerMadeOfADevice) {
    const auto devices = ready(1);
    auto stored = published(devices);
    stored[0].devices[0].text = R"({"name":"d0"})";
    EXPECT_FALSE(plan_pool(devices, stored, kOwner, {}).empty());
    const Adopted adopted = {{devices[0].text, R"({"name":"d0"})"}};
    EXPECT_TRUE(plan_pool(devices, stored, kOwner, adopted).empty());
}

TEST(Plan, TreatsDifferentSpellingsOfAQuantityAsEqual) {
    auto devices = make_devices(1);
    devices[0].capacity["knd.dev/memory"] = "0.5Gi";
    auto object = *parse_json(
        R"({"metadata":{"name":"00000-x"},"spec":{"devices":[{"name":"d0","attributes":)"
        R"({"knd.dev/index":{"int":0}},"capacity":{"knd.dev/memory":{"value":"512Mi"}},)"
        R"("taints":[],"consumesCounters":null}]}})");
    EXPECT_EQ(parse_slice(object, "v1")->devices, *slice_devices(devices));
}

TEST(Dropped, NamesDevicesAndMembers) {
    const std::vector<SliceDevice> sent = {
        {"a", R"({"attributes":{"x":{"ints":[1]},"y":{"int":1}},"name":"a"})"}};
    const std::vector<SliceDevice> stored = {{"a", R"({"attributes":{"y":{"int":1}},"name":"a"})"}};
    EXPECT_EQ(describe_dropped(sent, stored), "a: x");
}

Device rich_device() {
    Device device;
    device.name = "d0";
    device.shareable = true;
    device.capacity = {{"knd.dev/bandwidth", "10000M"}, {"knd.dev/slots", "8"}};
    device.policies = {{"knd.dev/bandwidth",
                        {.default_value = "1000M", .min = "0.5G", .max = "10G", .step = "500M"}},
                       {"knd.dev/slots", {.default_value = "1", .valid_values = {"1", "2k"}}}};
    device.consumes = {{"pf0", {{"vfs", "1000m"}}}};
    device.taints = {{"example.com/a", "", "None"},
                     {"example.com/b", "1", "None"},
                     {"example.com/c", "", "None"},
                     {"example.com/d", "", "None"},
                     {"example.com/e", "", "NoExecute"}};
    return device;
}

TEST(SliceDevice, SaysSharesCountersAndTaintsAsTheApiDoes) {
    const auto device = *parse_json(slice_devices({rich_device()})->front().text);
    EXPECT_EQ(json_at(device, "capacity"), *parse_json(R"({
      "knd.dev/bandwidth": {"value": "10G", "requestPolicy": {"default": "1G",
        "validRange": {"min": "500M", "max": "10G", "step": "500M"}}},
      "knd.dev/slots": {"value": "8", "requestPolicy": {"default": "1",
        "validValues": ["1", "2k"]}}})"));
    EXPECT_EQ(json_at(device, "allowMultipleAllocations"), true);
    EXPECT_EQ(json_at(device, "consumesCounters"),
              *parse_json(R"([{"counterSet": "pf0", "counters": {"vfs": {"value": "1"}}}])"));
    EXPECT_EQ(json_at(device, "taints").size(), 5u);
    EXPECT_EQ(json_at(device, "taints")[1],
              *parse_json(R"({"key": "example.com/b", "value": "1", "effect": "None"})"));
}

TEST(SliceDevice, IsOrdinaryWithoutFeatures) {
    const auto pool = slice_pool({{rich_device()}, {{"pf0", {{"vfs", "8"}}}}},
                                 {{false, false, false, false}, false});
    EXPECT_EQ(pool->devices[0].text,
              R"({"capacity":{"knd.dev/bandwidth":{"value":"10G"},"knd.dev/slots":{"value":"8"}},)"
              R"("name":"d0"})");
    EXPECT_TRUE(pool->counters.empty());
    EXPECT_FALSE(pool->devices[0].rich);
}

TEST(SliceDevice, GivesTheFirstOfAListAndNoneOfAnEmptyOne) {
    Device device;
    device.name = "d0";
    device.attributes = {{"knd.dev/a", std::vector<std::int64_t>{3, 4}},
                         {"knd.dev/b", std::vector<bool>{true}},
                         {"knd.dev/c", std::vector<Version>{{"1.0.0"}}},
                         {"knd.dev/d", std::vector<std::string>{}},
                         {"knd.dev/e", std::string("x")}};
    const auto pool = slice_pool({{device}, {}}, {{.lists = false}, false});
    EXPECT_EQ(json_at(*parse_json(pool->devices[0].text), "attributes"), *parse_json(R"({
      "knd.dev/a": {"int": 3}, "knd.dev/b": {"bool": true}, "knd.dev/c": {"version": "1.0.0"},
      "knd.dev/e": {"string": "x"}})"));
}

TEST(SliceDevice, KeepsTheTaintsThatKeepMostAwayOnOldReleases) {
    const auto pool = slice_pool({{rich_device()}, {}}, {{}, true});
    const auto taints = json_at(*parse_json(pool->devices[0].text), "taints");
    ASSERT_EQ(taints.size(), 4u);
    EXPECT_EQ(taints[0]["key"], "example.com/e");
}

TEST(SliceDevice, RefusesMoreCountersThanAnOldReleaseTakes) {
    DeviceListing listing{{rich_device()}, {}};
    for (int i = 0; i < 33; ++i)
        listing.counters["pf0"]["c" + std::to_string(i)] = "1";
    EXPECT_EQ(slice_pool(listing, {{}, true}).code(), Code::kInvalidArgument);
    EXPECT_TRUE(slice_pool(listing, {{}, false}).ok());
}

TEST(SliceDevice, DoesNotMindTheTimeOfATaintNorTheServersSpelling) {
    auto stored = *parse_json(slice_devices({rich_device()})->front().text);
    for (auto& taint : stored["taints"])
        taint["timeAdded"] = "2026-01-01T00:00:00Z";
    stored["consumesCounters"][0]["counters"]["vfs"]["value"] = "1e0";
    EXPECT_EQ(canonical_device(stored), slice_devices({rich_device()})->front());
}

TEST(Shard, PutsAtMost64WhenADeviceHasTaintsOrCounters) {
    auto devices = make_devices(65);
    devices[3].taints = {{"a", "", "NoSchedule"}};
    EXPECT_EQ(shard(*slice_devices(devices), {}).size(), 2u);
}

TEST(Plan, PutsEightCounterSetsIntoASliceOfTheirOwn) {
    DeviceListing listing{make_devices(1), {}};
    for (int i = 0; i < 9; ++i)
        listing.counters["set" + std::to_string(i)] = {{"c", "1"}};
    const auto pool = *slice_pool(listing, {});
    const auto plan = plan_pool(pool, {}, kOwner, {});
    ASSERT_EQ(plan.creates.size(), 3u);
    EXPECT_EQ(plan.creates[1].counters.size(), 8u);
    EXPECT_EQ(plan.creates[2].counters.size(), 1u);
    for (const auto* version : {"v1", "v1beta1"}) {
        auto object = *parse_json(slice_body(plan.creates[1], plan, kOwner, "n1", version));
        EXPECT_FALSE(object["spec"].contains("devices"));
        object["metadata"]["name"] = "00001-x";
        const auto slice = parse_slice(object, version);
        EXPECT_EQ(slice->counters, plan.creates[1].counters);
        EXPECT_FALSE(slice->foreign);
    }
}

TEST(Plan, WritesOneSliceWhenACounterChanges) {
    DeviceListing listing{make_devices(200), {{"pf0", {{"vfs", "8"}}}}};
    const auto stored = apply(plan_pool(*slice_pool(listing, {}), {}, kOwner, {}), {});
    EXPECT_EQ(stored.size(), 3u);
    EXPECT_TRUE(plan_pool(*slice_pool(listing, {}), stored, kOwner, {}).empty());
    listing.counters["pf0"]["vfs"] = "4";
    const auto plan = plan_pool(*slice_pool(listing, {}), stored, kOwner, {});
    ASSERT_EQ(plan.updates.size(), 1u);
    EXPECT_EQ(plan.updates[0].index, 2u);
    EXPECT_EQ(plan.generation, 1);
}

TEST(Plan, PutsCountersBesideTheirDevicesOnOldReleases) {
    DeviceListing listing{make_devices(200), {{"pf0", {{"vfs", "8"}}}}};
    listing.devices[199].consumes = {{"pf0", {{"vfs", "1"}}}};
    const auto plan = plan_pool(*slice_pool(listing, {{}, true}), {}, kOwner, {});
    ASSERT_EQ(plan.creates.size(), 2u);
    EXPECT_EQ(plan.creates[0].counters.size(), 1u);
    EXPECT_EQ(plan.creates[0].devices.size(), 128u);
    EXPECT_TRUE(std::any_of(plan.creates[0].devices.begin(), plan.creates[0].devices.end(),
                            [](const SliceDevice& device) { return device.name == "d199"; }));
    EXPECT_TRUE(plan.creates[1].counters.empty());
}

}  // namespace
}  // namespace knd::dra
