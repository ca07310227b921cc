// SPDX-License-Identifier: Apache-2.0
//
// What releases other than 1.36 decide differently.
#include "tests/unit/validation/objects.hpp"

namespace knd::validation {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

Texts of_device(const char* release, const Json& fields, const char* gates = "") {
    Json device = {{"name", "d"}};
    device.update(fields);
    return said(validate_slice, slice_with(device), {}, *Gates::make(release, gates));
}

Json capacity_with(const Json& policy, const char* value = "10") {
    return {{"allowMultipleAllocations", true},
            {"capacity", {{"c", {{"value", value}, {"requestPolicy", policy}}}}}};
}

TEST(Release134, TakesAtMost4Taints) {
    const auto taints = [](std::size_t count) {
        return Json{{"taints", array_of(count, [](auto) {
                         return Json{{"key", "k"}, {"effect", "NoSchedule"}};
                     })}};
    };
    EXPECT_THAT(of_device("1.34", taints(4)), IsEmpty());
    EXPECT_THAT(of_device("1.34", taints(5)),
                ElementsAre("spec.devices[0].taints: Too many: 5: must have at most 4 items"));
    EXPECT_THAT(of_device("1.35", taints(16)), IsEmpty());
}

TEST(Release134, KnowsNoTaintWithoutEffect) {
    const Json taint = {{"taints", {{{"key", "k"}, {"effect", "None"}}}}};
    EXPECT_THAT(of_device("1.34", taint),
                ElementsAre(HasSubstr("supported values: \"NoExecute\", \"NoSchedule\"")));
    EXPECT_THAT(of_device("1.35", taint), IsEmpty());
}

TEST(Release134, TakesDearDevicesAsManyAsOthers) {
    const auto slice = [] {
        auto out = slice_with(Json::object());
        out["spec"]["devices"] = named("d", 128);
        out["spec"]["devices"][0]["taints"] = {{{"key", "k"}, {"effect", "NoSchedule"}}};
        return out;
    };
    EXPECT_THAT(said(validate_slice, slice(), {}, *Gates::make("1.34")), IsEmpty());
    EXPECT_THAT(said(validate_slice, slice(), {}, *Gates::make("1.35")),
                ElementsAre("spec.devices: Too many: 128: must have at most 64 items"));
}

TEST(Release134, LimitsTheSharedCountersOfASlice) {
    auto slice = slice_with(Json::object());
    slice["spec"].erase("devices");
    slice["spec"]["sharedCounters"] = {
        {{"name", "s"}, {"counters", object_of(33, {{"value", "1"}})}}};
    EXPECT_THAT(said(validate_slice, slice, {}, *Gates::make("1.34")),
                ElementsAre("spec.sharedCounters: Invalid value: 33: the total number of shared "
                            "counters must not exceed 32"));
}

TEST(Release134, ConsumesCountersOfItsOwnSlice) {
    auto slice = slice_with({{"name", "d"},
                             {"consumesCounters",
                              {{{"counterSet", "s"}, {"counters", {{"c", {{"value", "1"}}}}}},
                               {{"counterSet", "t"}, {"counters", {{"c", {{"value", "1"}}}}}}}}});
    slice["spec"]["sharedCounters"] = {
        {{"name", "s"}, {"counters", object_of(1, {{"value", "1"}})}}};
    const std::string path = "spec.devices[0].consumesCounters";
    EXPECT_THAT(said(validate_slice, slice, {}, *Gates::make("1.34")),
                ElementsAre(path + "[0].counters: Invalid value: \"c\": must reference a counter "
                                   "defined in the ResourceSlice sharedCounters",
                            path + "[1].counterSet: Invalid value: \"t\": must reference a "
                                   "counterSet defined in the ResourceSlice sharedCounters"));
}

TEST(Release134, LooksAtWhatIsTooMuchAsWell) {
    auto claim = claim_with(Json::object());
    claim["spec"]["devices"]["constraints"] = array_of(33, [](std::size_t i) {
        return Json{{"matchAttribute", i == 0 ? "a" : "a.b/c"}};
    });
    const auto too_many = HasSubstr("constraints: Too many: 33");
    EXPECT_THAT(said(validate_claim, claim, {}, *Gates::make("1.34")),
                ElementsAre(HasSubstr("constraints[0].matchAttribute: Invalid"), too_many));
    EXPECT_THAT(said(validate_claim, claim, {}, *Gates::make("1.35")), ElementsAre(too_many));
}

TEST(Release136, WantsMappingsOfNodeResources) {
    const auto with = [](const Json& mappings) {
        return of_device("1.36", {{"capacity", {{"mem", {{"value", "1Gi"}}}}},
                                  {"nodeAllocatableResourceMappings", mappings}});
    };
    const std::string path = "spec.devices[0].nodeAllocatableResourceMappings";
    EXPECT_THAT(with({{"memory", {{"capacityKey", "mem"}}}}), IsEmpty());
    EXPECT_THAT(with({{"a.b/c", Json::object()}}),
                ElementsAre(path + "[a.b/c]: Invalid value: \"a.b/c\": must be a node allocatable "
                                   "resource name"));
    EXPECT_THAT(with({{"cpu", {{"capacityKey", "x"}, {"allocationMultiplier", "0"}}}}),
                ElementsAre(path + "[cpu].allocationMultiplier: Invalid value: \"0\": must be "
                                   "positive",
                            path + "[cpu].capacityKey: Not found: \"x\""));
}

TEST(Release137, WantsNodeResourcesThatSaySomething) {
    const auto with = [](const Json& resources) {
        return of_device("1.37", {{"nodeAllocatableResources", resources}});
    };
    const std::string path = "spec.devices[0].nodeAllocatableResources";
    EXPECT_THAT(with({{"cpu", {{"mapping", {{"deviceMultiplier", "1"}}}}}}), IsEmpty());
    EXPECT_THAT(with({{"pods", {{"overhead", {{"perPod", "1"}}}}}}),
                ElementsAre(path + "[pods]: Invalid value: \"pods\": must be a node allocatable "
                                   "resource name"));
    EXPECT_THAT(
        with({{"cpu", Json::object()}}),
        ElementsAre(path +
                    "[cpu]: Required value: at least one of mapping or overhead must be set"));
    EXPECT_THAT(with({{"cpu", {{"overhead", {{"perPod", "-1"}}}}}}),
                ElementsAre(path + "[cpu].overhead.perPod: Invalid value: \"-1\": must be "
                                   "non-negative"));
    EXPECT_THAT(with({{"cpu", {{"overhead", Json::object()}}}}),
                ElementsAre(path + "[cpu].overhead: Invalid value: \"\": at least one of perPod or "
                                   "perContainer must be set"));
    EXPECT_THAT(with({{"cpu", {{"mapping", {{"capacityMultiplier", "1"}}}}}}),
                ElementsAre(path + "[cpu].mapping: Invalid value: \"\": must specify one of: "
                                   "`capacityKey`, `deviceMultiplier`",
                            path + "[cpu].mapping.capacityKey: Required value: capacityKey is "
                                   "required when capacityMultiplier is set"));
}

TEST(Release137, CountsRangesInMilliUnits) {
    const Json range = {{"default", "500m"},
                        {"validRange", {{"min", "250m"}, {"step", "250m"}, {"max", "1"}}}};
    const auto* gate = "+DRAFractionalCapacityRange";
    EXPECT_THAT(of_device("1.37", capacity_with(range), gate), IsEmpty());
    const Json uneven = {{"default", "1"},
                         {"validRange", {{"min", "1"}, {"step", "1200m"}, {"max", "9"}}}};
    EXPECT_THAT(of_device("1.37", capacity_with(uneven), gate), Not(IsEmpty()));
    EXPECT_THAT(of_device("1.37", capacity_with(uneven)), IsEmpty()) << "two instead of 1.2";
    const Json fine = {{"default", "1u"}, {"validRange", {{"min", "1u"}}}};
    EXPECT_THAT(of_device("1.37", capacity_with(fine), gate),
                ElementsAre(HasSubstr("default: Invalid value: \"1u\": value cannot be represented "
                                      "as a milli value"),
                            HasSubstr("min: Invalid value: \"1u\": value cannot be represented")));
}

TEST(Release137, WantsAStepThatLeadsSomewhere) {
    const Json none = {{"default", "1"}, {"validRange", {{"min", "1"}, {"step", "0"}}}};
    EXPECT_THAT(of_device("1.37", capacity_with(none)),
                ElementsAre(HasSubstr("step: Invalid value: \"0\": must be greater than zero")));
    const Json huge = {{"default", "1"},
                       {"validRange", {{"min", "1"}, {"step", "1"}, {"max", "1e30"}}}};
    EXPECT_THAT(of_device("1.37", capacity_with(huge, "1e33")),
                ElementsAre(HasSubstr("max: Invalid value: \"1e30\": must not be larger than "
                                      "9223372036854775807")));
}

TEST(Release137, TakesAtMost2CompatibilityGroups) {
    const auto with = [](const Json& groups) {
        return of_device("1.37", {{"consumesCounters",
                                   {{{"counterSet", "s"},
                                     {"counters", {{"c", {{"value", "1"}}}}},
                                     {"compatibilityGroups", groups}}}}});
    };
    const std::string path = "spec.devices[0].consumesCounters[0].compatibilityGroups";
    EXPECT_THAT(with({"a", "b"}), IsEmpty());
    EXPECT_THAT(with({"a", "b", "c"}),
                ElementsAre(path + ": Too many: 3: must have at most 2 items"));
    EXPECT_THAT(with({"a", "a"}), ElementsAre(path + "[1]: Duplicate value: \"a\""));
}

TEST(Release137, WantsThePartitionTypeOfEachPartition) {
    auto slice = slice_with({{"name", "d"}});
    slice["spec"]["partitionTypeAttribute"] = "dra.net/type";
    const auto gates = *Gates::make("1.37", "+DRAPartitionableDevicesType");
    EXPECT_THAT(
        said(validate_slice, slice, {}, gates),
        ElementsAre("spec.partitionTypeAttribute: Invalid value: \"dra.net/type\": may only "
                    "be set on a slice which declares devices that consume counters"));
    auto& device = slice["spec"]["devices"][0];
    device["consumesCounters"] = {{{"counterSet", "s"}, {"counters", {{"c", {{"value", "1"}}}}}}};
    EXPECT_THAT(said(validate_slice, slice, {}, gates),
                ElementsAre(HasSubstr("spec.devices[0].attributes[dra.net/type]: Required value")));
    device["attributes"]["type"]["string"] = "half";
    EXPECT_THAT(said(validate_slice, slice, {}, gates), IsEmpty());
}

TEST(Release137, SkipsNoPreparationAlone) {
    auto slice = slice_with({{"name", "d"}});
    slice["spec"]["skipNodeOperations"] = {"NodePrepareResources"};
    const auto gates = *Gates::make("1.37");
    EXPECT_THAT(said(validate_slice, slice, {}, gates),
                ElementsAre("spec.skipNodeOperations: Invalid value: [\"NodePrepareResources\"]: "
                            "NodePrepareResources cannot be skipped unless NodeUnprepareResources "
                            "is also skipped"));
    slice["spec"]["skipNodeOperations"] = {"*"};
    EXPECT_THAT(said(validate_slice, slice, {}, gates), IsEmpty());
}

TEST(Release137, WantsDerivedAttributesThatAreUsed) {
    auto claim =
        claim_with({{"derivedAttributes", {{{"name", "a.b/c"}, {"expression", "device.driver"}}}}});
    const auto gates = *Gates::make("1.37");
    EXPECT_THAT(
        said(validate_claim, claim, {}, gates),
        ElementsAre(HasSubstr("derivedAttributes[0].name: Invalid value: \"a.b/c\": must be "
                              "referenced by at least one matchAttribute or "
                              "distinctAttribute constraint targeting this request")));
    claim["spec"]["devices"]["constraints"] = {{{"matchAttribute", "a.b/c"}}};
    EXPECT_THAT(said(validate_claim, claim, {}, gates), IsEmpty());
}

TEST(Release137, DerivesWhatAttributesMayBe) {
    const auto with = [](const char* expression, const char* gate) {
        auto claim =
            claim_with({{"derivedAttributes", {{{"name", "a.b/c"}, {"expression", expression}}}}});
        claim["spec"]["devices"]["constraints"] = {{{"matchAttribute", "a.b/c"}}};
        return said(validate_claim, claim, {}, *Gates::make("1.37", gate));
    };
    const auto* lists = "+DRAListTypeAttributes";
    EXPECT_THAT(with("[1, 2]", lists), IsEmpty());
    EXPECT_THAT(with("[1, 2]", ""), ElementsAre(HasSubstr("(string, integer, boolean, semver), not "
                                                          "list(int)")));
    EXPECT_THAT(with("1.5", lists),
                ElementsAre(HasSubstr("or a list of these scalars, not double")));
}

TEST(Release137, MapsEitherACapacityOrTheDevice) {
    const auto with = [](const Json& mapping) {
        return of_device("1.37", {{"capacity", {{"mem", {{"value", "1Gi"}}}}},
                                  {"nodeAllocatableResources", {{"cpu", {{"mapping", mapping}}}}}});
    };
    EXPECT_THAT(with({{"capacityKey", "mem"}, {"capacityMultiplier", "1"}}), IsEmpty());
    EXPECT_THAT(
        with({{"capacityKey", "mem"}, {"capacityMultiplier", "1"}, {"deviceMultiplier", "1"}}),
        ElementsAre(HasSubstr("mapping: Invalid value: \"{capacityKey, deviceMultiplier}\": must "
                              "specify exactly one of")));
    EXPECT_THAT(with(Json::object()), ElementsAre(HasSubstr("must specify one of")));
}

TEST(Release135, RefusesAKeyInItsOwnPlace) {
    const Json capacity = {{"capacity", {{"-", {{"value", "1"}}}}}};
    EXPECT_THAT(of_device("1.35", capacity), ElementsAre(HasSubstr("devices[0].capacity[-]: Inv")));
    EXPECT_THAT(of_device("1.36", capacity), ElementsAre(HasSubstr("devices[0].capacity: Inv")));
    const Json counters = {
        {"consumesCounters", {{{"counterSet", "s"}, {"counters", {{"C", {{"value", "1"}}}}}}}}};
    EXPECT_THAT(of_device("1.35", counters), ElementsAre(HasSubstr(".counters[C]: Inv")));
    EXPECT_THAT(of_device("1.36", counters), ElementsAre(HasSubstr(".counters: Inv")));
}

TEST(Release137, MissesAValueWhereAListIsEmpty) {
    const Json empty = {{"attributes", {{"a", {{"ints", Json::array()}}}}}};
    const auto* gate = "+DRAListTypeAttributes";
    const auto refused = HasSubstr("attributes[a].ints: Invalid value: []: must not be empty");
    EXPECT_THAT(of_device("1.36", empty, gate), ElementsAre(refused));
    EXPECT_THAT(of_device("1.37", empty, gate),
                ElementsAre(refused, HasSubstr("attributes[a]: Invalid value: \"\": exactly one")));
}

TEST(Release137, TakesAnyNumberOfTolerations) {
    const auto tolerations = array_of(17, [](auto) { return Json{{"operator", "Exists"}}; });
    EXPECT_THAT(
        said(validate_claim, claim_with({{"tolerations", tolerations}}), {}, *Gates::make("1.37")),
        IsEmpty());
}

}  // namespace
}  // namespace knd::validation
