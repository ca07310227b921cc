// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/validation/objects.hpp"

namespace knd::validation {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Texts of_device(Json fields) {
    fields["name"] = "d";
    return said(validate_slice, slice_with(fields));
}

/// The spec of a valid slice after `change`.
Texts of_spec(const std::function<void(Json& spec)>& change) {
    auto slice = slice_with({{"name", "d"}});
    change(slice["spec"]);
    return said(validate_slice, slice);
}

TEST(SliceRules, TakeAPlainSlice) {
    EXPECT_THAT(of_device(Json::object()), IsEmpty());
}

TEST(SliceRules, WantADriverNameOfAtMost63Bytes) {
    const auto with = [](const std::string& driver) {
        return of_spec([&](Json& spec) { spec["driver"] = driver; });
    };
    EXPECT_THAT(with(std::string(63, 'a')), IsEmpty());
    EXPECT_THAT(with("Driver.example.com"), IsEmpty());
    EXPECT_THAT(with(std::string(64, 'a')),
                ElementsAre("spec.driver: Too long: may not be more than 63 bytes"));
    EXPECT_THAT(with(""), ElementsAre("spec.driver: Required value"));
    EXPECT_THAT(with("a_b"), ElementsAre(HasSubstr("spec.driver: Invalid value: \"a_b\": a "
                                                   "lowercase RFC 1123 subdomain")));
}

TEST(SliceRules, WantAPoolNameOfAtMost253Bytes) {
    const auto with = [](const std::string& name) {
        return of_spec([&](Json& spec) { spec["pool"]["name"] = name; });
    };
    const auto half = std::string(126, 'a');
    EXPECT_THAT(with(half + "/" + half), IsEmpty());
    EXPECT_THAT(with(half + "/" + half + "a"),
                ElementsAre("spec.pool.name: Too long: may not be more than 253 bytes"));
    EXPECT_THAT(with("a//b"), ElementsAre(HasSubstr("spec.pool.name: Invalid value: \"\"")));
}

TEST(SliceRules, WantSlicesAndGenerationsToCount) {
    EXPECT_THAT(of_spec([](Json& spec) { spec["pool"]["resourceSliceCount"] = 0; }),
                ElementsAre("spec.pool.resourceSliceCount: Invalid value: 0: must be greater than "
                            "zero"));
    EXPECT_THAT(of_spec([](Json& spec) { spec["pool"]["generation"] = -1; }),
                ElementsAre("spec.pool.generation: Invalid value: -1: must be greater than or "
                            "equal to zero"));
    EXPECT_THAT(of_spec([](Json& spec) { spec["pool"]["generation"] = 0; }), IsEmpty());
}

TEST(SliceRules, WantOnePlace) {
    EXPECT_THAT(of_spec([](Json& spec) { spec.erase("nodeName"); }),
                ElementsAre("spec: Required value: exactly one of `nodeName`, `nodeSelector`, "
                            "`allNodes`, `perDeviceNodeSelection` is required"));
    EXPECT_THAT(of_spec([](Json& spec) { spec["allNodes"] = true; }),
                ElementsAre("spec: Invalid value: \"{`nodeName`, `allNodes`}\": exactly one of "
                            "`nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is "
                            "required, but multiple fields are set"));
    EXPECT_THAT(of_spec([](Json& spec) { spec["allNodes"] = false; }),
                ElementsAre("spec.allNodes: Invalid value: false: must be either unset or set to "
                            "true"));
}

TEST(SliceRules, WantASelectorOfOneTerm) {
    const auto with = [](const Json& terms) {
        return of_spec([&](Json& spec) {
            spec.erase("nodeName");
            spec["nodeSelector"] = {{"nodeSelectorTerms", terms}};
        });
    };
    const Json term = {{"matchExpressions", Json::array({{{"key", "a"}, {"operator", "Exists"}}})}};
    EXPECT_THAT(with(Json::array({term})), IsEmpty());
    EXPECT_THAT(with(Json::array({term, term})),
                ElementsAre(HasSubstr("must have exactly one node selector term")));
    EXPECT_THAT(
        with(Json::array(
            {{{"matchFields",
               Json::array({{{"key", "spec.x"}, {"operator", "In"}, {"values", {"n"}}}})}}})),
        ElementsAre("spec.nodeSelector.nodeSelectorTerms[0].matchFields[0].key: Invalid "
                    "value: \"spec.x\": not a valid field selector key"));
    EXPECT_THAT(
        with(Json::array(
            {{{"matchExpressions", Json::array({{{"key", "a"}, {"operator", "In"}}})}}})),
        ElementsAre("spec.nodeSelector.nodeSelectorTerms[0].matchExpressions[0].values: Required "
                    "value: must be specified when `operator` is 'In' or 'NotIn'"));
}

TEST(SliceRules, TakeAtMost128Devices) {
    EXPECT_THAT(of_spec([](Json& spec) { spec["devices"] = named("d", 128); }), IsEmpty());
    EXPECT_THAT(of_spec([](Json& spec) { spec["devices"] = named("d", 129); }),
                ElementsAre("spec.devices: Too many: 129: must have at most 128 items"));
}

TEST(SliceRules, TakeAtMost64DevicesThatAreDear) {
    const Json dear[] = {
        {{"taints", Json::array({{{"key", "k"}, {"effect", "None"}}})}},
        {{"consumesCounters",
          Json::array({{{"counterSet", "s"}, {"counters", {{"c", {{"value", "1"}}}}}}})}},
        {{"attributes", {{"a", {{"ints", {1, 2}}}}}}}};
    for (const auto& fields : dear) {
        const auto with = [&](std::size_t count) {
            return of_spec([&](Json& spec) {
                spec["devices"] = named("d", count);
                spec["devices"][0].update(fields);
            });
        };
        EXPECT_THAT(with(64), IsEmpty());
        EXPECT_THAT(with(65),
                    ElementsAre("spec.devices: Too many: 65: must have at most 64 items"));
    }
}

TEST(SliceRules, WantDevicesWithNamesOfTheirOwn) {
    EXPECT_THAT(of_spec([](Json& spec) { spec["devices"][1] = spec["devices"][0]; }),
                ElementsAre(HasSubstr("spec.devices[1]: Duplicate value: \"d\"")));
    EXPECT_THAT(of_spec([](Json& spec) { spec["devices"][0]["name"] = std::string(63, 'a'); }),
                IsEmpty());
    EXPECT_THAT(of_spec([](Json& spec) { spec["devices"][0]["name"] = std::string(64, 'a'); }),
                ElementsAre(HasSubstr("must be no more than 63 characters")));
    EXPECT_THAT(of_spec([](Json& spec) { spec["devices"][0]["name"] = "a.b"; }),
                ElementsAre("spec.devices[0].name: Invalid value: \"a.b\": must not contain "
                            "dots"));
}

TEST(SliceRules, TakeAtMost32AttributesAndCapacities) {
    const auto with = [](std::size_t attributes) {
        return of_device({{"attributes", object_of(attributes, {{"int", 1}})},
                          {"capacity", object_of(1, {{"value", "1"}})}});
    };
    EXPECT_THAT(with(31), IsEmpty());
    EXPECT_THAT(with(32), ElementsAre("spec.devices[0]: Invalid value: 33: the total number of "
                                      "attributes and capacities must not exceed 32"));
}

TEST(SliceRules, TakeAtMost48AttributeValues) {
    const auto with = [](std::size_t values) {
        return of_device({{"attributes",
                           {{"a", {{"ints", array_of(values, [](auto i) { return i; })}}},
                            {"b", {{"int", 1}}}}}});
    };
    EXPECT_THAT(with(47), IsEmpty());
    EXPECT_THAT(with(48), ElementsAre("spec.devices[0]: Invalid value: 49: the total number of "
                                      "attribute values must not exceed 48"));
}

TEST(SliceRules, TakeAttributeTextsOfAtMost64Bytes) {
    const auto with = [](const Json& value) { return of_device({{"attributes", {{"a", value}}}}); };
    EXPECT_THAT(with({{"string", std::string(64, 'x')}}), IsEmpty());
    EXPECT_THAT(with({{"string", std::string(65, 'x')}}),
                ElementsAre("spec.devices[0].attributes[a].string: Too long: may not be more than "
                            "64 bytes"));
    EXPECT_THAT(with({{"strings", {"a", std::string(65, 'x')}}}),
                ElementsAre(HasSubstr("spec.devices[0].attributes[a].strings[1]: Too long")));
    EXPECT_THAT(with({{"version", "1.0.0-" + std::string(58, 'x')}}), IsEmpty());
    EXPECT_THAT(with({{"version", "1.0.0-" + std::string(59, 'x')}}),
                ElementsAre(HasSubstr("attributes[a].version: Too long")));
}

TEST(SliceRules, WantOneValuePerAttribute) {
    const auto with = [](const Json& value) { return of_device({{"attributes", {{"a", value}}}}); };
    EXPECT_THAT(with(Json::object()), ElementsAre("spec.devices[0].attributes[a]: Invalid value: "
                                                  "\"\": exactly one value must be specified"));
    EXPECT_THAT(with({{"int", 1}, {"bool", true}}),
                ElementsAre(HasSubstr("exactly one value must be specified")));
    EXPECT_THAT(with({{"ints", Json::array()}}),
                ElementsAre("spec.devices[0].attributes[a].ints: Invalid value: []: must not be "
                            "empty if specified"));
}

TEST(SliceRules, WantSemanticVersions) {
    for (const auto* version : {"v1.2.3", "1.2", "01.2.3", "1.2.3.4", ""}) {
        EXPECT_THAT(of_device({{"attributes", {{"a", {{"version", version}}}}}}),
                    ElementsAre("spec.devices[0].attributes[a].version: Invalid value: \"" +
                                std::string(version) +
                                "\": must be a string compatible with semver.org spec 2.0.0"));
    }
}

TEST(SliceRules, WantIdentifiersInQualifiedNames) {
    const auto with = [](const std::string& name) {
        return of_device({{"attributes", {{name, {{"int", 1}}}}}});
    };
    EXPECT_THAT(with(std::string(63, 'd') + "/" + std::string(32, 'i')), IsEmpty());
    EXPECT_THAT(with(std::string(33, 'i')),
                ElementsAre("spec.devices[0].attributes: Too long: may not be more than 32 bytes"));
    EXPECT_THAT(with(std::string(64, 'd') + "/a"),
                ElementsAre("spec.devices[0].attributes: Too long: may not be more than 63 bytes"));
    EXPECT_THAT(with("/a"), ElementsAre("spec.devices[0].attributes: Invalid value: \"\": the "
                                        "domain must not be empty"));
    EXPECT_THAT(with("a/"), ElementsAre("spec.devices[0].attributes: Invalid value: \"\": the name "
                                        "must not be empty"));
    EXPECT_THAT(with("1a"), ElementsAre(HasSubstr("Invalid value: \"1a\": a valid C identifier")));
    // Nobody looks at these in Kubernetes either.
    EXPECT_THAT(with("a/b/c"), IsEmpty());
}

TEST(SliceRules, LimitCounters) {
    const auto sets = [](std::size_t count, std::size_t counters) {
        return of_spec([&](Json& spec) {
            spec.erase("devices");
            spec["sharedCounters"] = named("s", count);
            for (auto& set : spec["sharedCounters"])
                set["counters"] = object_of(counters, {{"value", "1"}});
        });
    };
    EXPECT_THAT(sets(8, 32), IsEmpty());
    EXPECT_THAT(sets(9, 1),
                ElementsAre("spec.sharedCounters: Too many: 9: must have at most 8 items"));
    EXPECT_THAT(sets(1, 33),
                ElementsAre("spec.sharedCounters[0].counters: Too many: 33: must have at most 32 "
                            "items"));
    EXPECT_THAT(sets(1, 0), ElementsAre("spec.sharedCounters[0].counters: Required value"));
}

TEST(SliceRules, LimitConsumedCounters) {
    const auto with = [](std::size_t sets, std::size_t counters) {
        return of_device({{"consumesCounters", array_of(sets, [&](std::size_t i) {
                               return Json{{"counterSet", "s" + std::to_string(i)},
                                           {"counters", object_of(counters, {{"value", "1"}})}};
                           })}});
    };
    EXPECT_THAT(with(2, 32), IsEmpty());
    EXPECT_THAT(with(3, 1), ElementsAre("spec.devices[0].consumesCounters: Too many: 3: must have "
                                        "at most 2 items"));
    EXPECT_THAT(with(1, 33), ElementsAre("spec.devices[0].consumesCounters[0].counters: Too many: "
                                         "33: must have at most 32 items"));
}

TEST(SliceRules, KeepCountersAndDevicesApart) {
    EXPECT_THAT(of_spec([](Json& spec) { spec["sharedCounters"] = Json::array(); }),
                ElementsAre("spec: Invalid value: \"\": only one of `sharedCounters` or `devices` "
                            "is allowed"));
}

TEST(SliceRules, TakeAtMost16Taints) {
    const auto with = [](std::size_t count) {
        return of_device({{"taints", array_of(count, [](auto) {
                               return Json{{"key", "k"}, {"effect", "NoSchedule"}};
                           })}});
    };
    EXPECT_THAT(with(16), IsEmpty());
    EXPECT_THAT(with(17), ElementsAre("spec.devices[0].taints: Too many: 17: must have at most 16 "
                                      "items"));
}

TEST(SliceRules, WantTaintsWithKeyAndEffect) {
    const auto with = [](const Json& taint) {
        return of_device({{"taints", Json::array({taint})}});
    };
    EXPECT_THAT(with({{"key", "k"}}),
                ElementsAre("spec.devices[0].taints[0].effect: Required value"));
    EXPECT_THAT(with({{"key", "k"}, {"effect", "Other"}}),
                ElementsAre("spec.devices[0].taints[0].effect: Unsupported value: \"Other\": "
                            "supported values: \"NoExecute\", \"NoSchedule\", \"None\""));
    EXPECT_THAT(with({{"effect", "None"}}),
                testing::Contains("spec.devices[0].taints[0].key: Invalid value: \"\": name part "
                                  "must be non-empty"));
    EXPECT_THAT(with({{"key", "k"}, {"effect", "None"}, {"value", "a b"}}),
                ElementsAre(HasSubstr("taints[0].value: Invalid value: \"a b\": a valid label")));
}

TEST(SliceRules, WantBindingConditionsInPairs) {
    const auto with = [](const Json& need, const Json& fail) {
        return of_device({{"bindingConditions", need}, {"bindingFailureConditions", fail}});
    };
    EXPECT_THAT(with(numbered("a", 4), numbered("b", 4)), IsEmpty());
    EXPECT_THAT(with(numbered("a", 5), numbered("b", 1)),
                ElementsAre("spec.devices[0].bindingConditions: Too many: 5: must have at most 4 "
                            "items"));
    EXPECT_THAT(with(numbered("a", 1), numbered("b", 5)),
                ElementsAre("spec.devices[0].bindingFailureConditions: Too many: 5: must have at "
                            "most 4 items"));
    EXPECT_THAT(with({"a"}, {"a"}),
                ElementsAre("spec.devices[0].bindingFailureConditions[0]: Invalid value: \"a\": "
                            "bindingFailureConditions must not overlap with bindingConditions"));
    EXPECT_THAT(with({"a", "a"}, {"b"}),
                ElementsAre("spec.devices[0].bindingConditions[1]: Duplicate value: \"a\""));
    EXPECT_THAT(with(Json::array(), {"b"}),
                ElementsAre(HasSubstr("bindingConditions are required to use "
                                      "bindingFailureConditions")));
    EXPECT_THAT(with({"a"}, Json::array()),
                ElementsAre(HasSubstr("bindingFailureConditions are required to use "
                                      "bindingConditions")));
}

TEST(SliceRules, WantAPlacePerDeviceWhereThatIsSaid) {
    const auto with = [](const Json& device) {
        return of_spec([&](Json& spec) {
            spec.erase("nodeName");
            spec["perDeviceNodeSelection"] = true;
            spec["devices"][0].update(device);
        });
    };
    EXPECT_THAT(with({{"nodeName", "n"}}), IsEmpty());
    EXPECT_THAT(with(Json::object()),
                ElementsAre(HasSubstr("spec.devices[0]: Required value: exactly one of")));
    EXPECT_THAT(with({{"nodeName", "n"}, {"allNodes", true}}),
                ElementsAre(HasSubstr("spec.devices[0]: Invalid value: \"{`nodeName`, "
                                      "`allNodes`}\"")));
    EXPECT_THAT(of_device({{"nodeName", "n"}}),
                ElementsAre("spec.devices[0]: Invalid value: null: `nodeName`, `nodeSelector` and "
                            "`allNodes` can only be set if `perDeviceNodeSelection` is set to true "
                            "in the ResourceSlice spec"));
}

Texts of_policy(const Json& policy, bool shared = true) {
    return of_device({{"allowMultipleAllocations", shared},
                      {"capacity", {{"c", {{"value", "100"}, {"requestPolicy", policy}}}}}});
}

TEST(CapacityPolicy, IsForSharedDevices) {
    EXPECT_THAT(of_policy({{"default", "1"}}), IsEmpty());
    EXPECT_THAT(of_policy({{"default", "1"}}, false),
                ElementsAre("spec.devices[0].capacity[c].requestPolicy: Forbidden: "
                            "allowMultipleAllocations must be true"));
}

TEST(CapacityPolicy, TakesAtMostTenValues) {
    const auto with = [](std::size_t count) {
        return of_policy({{"default", "1"}, {"validValues", array_of(count, [](std::size_t i) {
                                                 return std::to_string(i + 1);
                                             })}});
    };
    EXPECT_THAT(with(10), IsEmpty());
    EXPECT_THAT(with(11), testing::Contains("spec.devices[0].capacity[c].requestPolicy.validValues"
                                            ": Too many: 11: must have at most 10 items"));
}

TEST(CapacityPolicy, WantsValuesInOrderWithTheDefault) {
    const auto with = [](const Json& values) {
        return of_policy({{"default", "2"}, {"validValues", values}});
    };
    EXPECT_THAT(with({"1", "2"}), IsEmpty());
    EXPECT_THAT(with({"2", "1"}),
                ElementsAre(HasSubstr("validValues[1]: Invalid value: \"1\": values must be sorted "
                                      "in ascending order")));
    EXPECT_THAT(with({"1", "3"}), ElementsAre(HasSubstr("\"2\": default value is not valid "
                                                        "according to the requestPolicy")));
    EXPECT_THAT(with({"2", "101"}),
                ElementsAre(HasSubstr("\"101\": option is larger than capacity value: 100")));
    EXPECT_THAT(of_policy({{"validValues", {"1"}}}),
                ElementsAre(HasSubstr("default: Required value: required when validValues is "
                                      "defined")));
}

TEST(CapacityPolicy, WantsARangeWithinTheCapacity) {
    const auto with = [](const Json& range) {
        return of_policy({{"default", "10"}, {"validRange", range}});
    };
    EXPECT_THAT(with({{"min", "2"}, {"max", "100"}, {"step", "2"}}), IsEmpty());
    EXPECT_THAT(with({{"max", "20"}}), ElementsAre(HasSubstr("min: Required value")));
    EXPECT_THAT(with({{"min", "11"}}),
                ElementsAre(HasSubstr("\"10\": default is less than min: 11")));
    EXPECT_THAT(with({{"min", "1"}, {"max", "9"}}),
                ElementsAre(HasSubstr("\"10\": default is more than max: 9")));
    EXPECT_THAT(with({{"min", "1"}, {"max", "101"}}),
                ElementsAre(HasSubstr("\"101\": max is larger than capacity value: 100")));
    EXPECT_THAT(with({{"min", "1"}, {"step", "2"}}),
                ElementsAre(HasSubstr("\"10\": value is not a multiple of a given step (2) from "
                                      "(1)")));
    EXPECT_THAT(with({{"min", "10"}, {"step", "91"}}),
                ElementsAre(HasSubstr("\"91\": one step 101 is larger than capacity value: 100")));
    EXPECT_THAT(with({{"min", "10"}, {"step", "0"}}),
                ElementsAre(HasSubstr("not a multiple of a given step (0)")));
}

TEST(CapacityPolicy, IsOfOneForm) {
    EXPECT_THAT(
        of_policy({{"default", "1"}, {"validValues", {"1"}}, {"validRange", {{"min", "1"}}}}),
        ElementsAre(HasSubstr("exactly one policy can be specified, cannot specify \"validValues\" "
                              "and \"validRange\" at the same time")));
}

TEST(SliceRules, KeepPoolDriverAndNode) {
    const auto before = slice_with({{"name", "d"}});
    auto after = before;
    after["spec"]["driver"] = "other.net";
    after["spec"]["pool"]["name"] = "n2";
    after["spec"]["nodeName"] = "n2";
    EXPECT_THAT(said(validate_slice, after, before),
                ElementsAre("spec.pool.name: Invalid value: \"n2\": field is immutable",
                            "spec.driver: Invalid value: \"other.net\": field is immutable",
                            "spec.nodeName: Invalid value: \"n2\": field is immutable"));
}

TEST(SliceRules, NameTheFieldsOfV1Beta1AsThoseOfV1) {
    auto slice =
        slice_with({{"name", "d"}, {"basic", {{"attributes", {{"a", {{"version", "1"}}}}}}}});
    slice["apiVersion"] = "resource.k8s.io/v1beta1";
    EXPECT_THAT(said(validate_slice, slice),
                ElementsAre(HasSubstr("spec.devices[0].attributes[a].version: Invalid value")));
}

TEST(SliceRules, SurviveWrongTypes) {
    for (const auto& wrong : {Json(5), Json("x"), Json::array({1}), Json::object(), Json(true)}) {
        for (const auto* key : {"driver", "pool", "nodeSelector", "devices", "sharedCounters"})
            of_spec([&](Json& spec) { spec[key] = wrong; });
        for (const auto* key : {"attributes", "capacity", "taints", "consumesCounters",
                                "bindingConditions", "basic", "name"})
            said(validate_slice, slice_with({{key, wrong}}));
        said(validate_slice, wrong);
    }
}

TEST(TaintRuleRules, WantValidNamesAndATaint) {
    const auto with = [](const Json& selector) {
        return said(
            validate_taint_rule,
            {{"spec",
              {{"deviceSelector", selector}, {"taint", {{"key", "k"}, {"effect", "None"}}}}}});
    };
    EXPECT_THAT(with({{"driver", "d"}, {"pool", "p/q"}, {"device", "x"}}), IsEmpty());
    EXPECT_THAT(with({{"driver", ""}}), ElementsAre("spec.deviceSelector.driver: Required value"));
    EXPECT_THAT(with({{"device", "x.y"}}),
                ElementsAre(HasSubstr("spec.deviceSelector.device: Invalid value")));
}

}  // namespace
}  // namespace knd::validation
