// SPDX-License-Identifier: Apache-2.0
//
// Lengths and counts of the resource.k8s.io API on both sides of their limits.
#include "tests/unit/validation/objects.hpp"

namespace knd::validation {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Texts of_taint(const std::string& key, const std::string& value) {
    Json taint = {{"key", key}, {"value", value}, {"effect", "NoSchedule"}};
    return said(validate_slice,
                slice_with({{"name", "d"}, {"taints", Json::array({std::move(taint)})}}));
}

TEST(TaintLimits, TakeKeysOfAtMost63Characters) {
    EXPECT_THAT(of_taint(std::string(63, 'k'), ""), IsEmpty());
    EXPECT_THAT(of_taint(std::string(64, 'k'), ""),
                ElementsAre(HasSubstr("taints[0].key: Invalid value: \"" + std::string(64, 'k') +
                                      "\": name part must be no more than 63 ")));
}

TEST(TaintLimits, TakePrefixesOfKeysOfAtMost253Characters) {
    EXPECT_THAT(of_taint(std::string(253, 'p') + "/k", ""), IsEmpty());
    EXPECT_THAT(of_taint(std::string(254, 'p') + "/k", ""),
                ElementsAre(HasSubstr("prefix part must be no more than 253 ")));
}

TEST(TaintLimits, TakeValuesOfAtMost63Characters) {
    EXPECT_THAT(of_taint("k", std::string(63, 'v')), IsEmpty());
    EXPECT_THAT(of_taint("k", std::string(64, 'v')),
                ElementsAre(HasSubstr("taints[0].value: Invalid value: \"" + std::string(64, 'v') +
                                      "\": must be no more than 63 ")));
}

Texts of_toleration(const Json& toleration) {
    return said(validate_claim, claim_with({{"tolerations", Json::array({toleration})}}));
}

TEST(TolerationLimits, TakeKeysOfAtMost63Characters) {
    EXPECT_THAT(of_toleration({{"key", std::string(63, 'k')}, {"operator", "Exists"}}), IsEmpty());
    EXPECT_THAT(of_toleration({{"key", std::string(64, 'k')}, {"operator", "Exists"}}),
                ElementsAre(HasSubstr("tolerations[0].key: Invalid value: ")));
}

TEST(TolerationLimits, TakeValuesOfAtMost63Characters) {
    EXPECT_THAT(of_toleration({{"key", "k"}, {"value", std::string(63, 'v')}}), IsEmpty());
    EXPECT_THAT(of_toleration({{"key", "k"}, {"value", std::string(64, 'v')}}),
                ElementsAre(HasSubstr("tolerations[0].value: Invalid value: ")));
}

/// What is said of a condition of the one allocated device.
Texts of_condition(const Json& fields) {
    Json condition = {{"type", "Ready"},
                      {"status", "True"},
                      {"reason", "R"},
                      {"lastTransitionTime", "2026-01-01T00:00:00Z"}};
    condition.update(fields);
    Json device = {{"driver", "dra.net"}, {"pool", "n1"}, {"device", "d"}};
    auto result = device;
    result["request"] = "r";
    device["conditions"] = Json::array({condition});
    auto claim = claim_with(Json::object());
    claim["status"] = {{"allocation", {{"devices", {{"results", Json::array({result})}}}}},
                       {"devices", Json::array({device})}};
    return said(validate_claim_status, claim);
}

TEST(ConditionLimits, TakeReasonsOfAtMost1024Bytes) {
    EXPECT_THAT(of_condition({{"reason", std::string(1024, 'R')}}), IsEmpty());
    EXPECT_THAT(of_condition({{"reason", std::string(1025, 'R')}}),
                ElementsAre("status.devices[0].conditions[0].reason: Too long: may not be more "
                            "than 1024 bytes"));
}

TEST(ConditionLimits, TakeMessagesOfAtMost32KiB) {
    EXPECT_THAT(of_condition({{"message", std::string(32768, 'm')}}), IsEmpty());
    EXPECT_THAT(of_condition({{"message", std::string(32769, 'm')}}),
                ElementsAre("status.devices[0].conditions[0].message: Too long: may not be more "
                            "than 32768 bytes"));
}

TEST(ConditionLimits, TakeTypesThatAreLabelNames) {
    EXPECT_THAT(of_condition({{"type", "example.com/Ready"}}), IsEmpty());
    EXPECT_THAT(of_condition({{"type", std::string(64, 't')}}),
                Contains(HasSubstr("status.devices[0].conditions[0].type: Invalid value: ")));
}

TEST(ConditionLimits, WantReasonsThatAreIdentifiers) {
    EXPECT_THAT(of_condition({{"reason", "ReasonA,ReasonB:c_"}}), IsEmpty());
    for (const auto* reason : {"1a", "a b", "a,", "a:", "_a"})
        EXPECT_THAT(of_condition({{"reason", reason}}),
                    ElementsAre(HasSubstr("a condition reason must start with alphabetic "
                                          "character")))
            << reason;
}

TEST(NameLimits, TakeDeviceClassNamesOfAtMost253Characters) {
    const auto with = [](const std::string& name) {
        return said(validate_claim, claim_with({{"deviceClassName", name}}));
    };
    EXPECT_THAT(with(std::string(253, 'c')), IsEmpty());
    EXPECT_THAT(with("a.b-c.d"), IsEmpty());
    EXPECT_THAT(with(std::string(254, 'c')),
                ElementsAre(HasSubstr("exactly.deviceClassName: Invalid value: \"" +
                                      std::string(254, 'c') + "\": must be no more than 253 ")));
}

TEST(NameLimits, TakeRequestNamesOfAtMost63Characters) {
    const auto with = [](const std::string& name) {
        auto claim = claim_with(Json::object());
        claim["spec"]["devices"]["requests"][0]["name"] = name;
        return said(validate_claim, claim);
    };
    EXPECT_THAT(with(std::string(63, 'r')), IsEmpty());
    EXPECT_THAT(with(std::string(64, 'r')),
                ElementsAre(HasSubstr("spec.devices.requests[0].name: Invalid value: ")));
}

TEST(NameLimits, TakeCounterAndCounterSetNamesOfAtMost63Characters) {
    const auto with = [](const std::string& set, const std::string& counter) {
        auto slice = slice_with(Json::object());
        slice["spec"].erase("devices");
        slice["spec"]["sharedCounters"] =
            Json::array({{{"name", set}, {"counters", {{counter, {{"value", "1"}}}}}}});
        return said(validate_slice, slice);
    };
    const auto longest = std::string(63, 'n');
    EXPECT_THAT(with(longest, longest), IsEmpty());
    EXPECT_THAT(with(longest + "n", "c"),
                ElementsAre(HasSubstr("spec.sharedCounters[0].name: Invalid value: ")));
    EXPECT_THAT(with("s", longest + "n"),
                ElementsAre(HasSubstr("spec.sharedCounters[0].counters: Invalid value: ")));
}

TEST(NameLimits, TakeBindingConditionsThatAreLabelNames) {
    const auto with = [](const std::string& name) {
        return said(validate_slice, slice_with({{"name", "d"},
                                                {"bindingConditions", {name}},
                                                {"bindingFailureConditions", {"failed"}}}));
    };
    EXPECT_THAT(with("example.com/" + std::string(63, 'c')), IsEmpty());
    EXPECT_THAT(with("example.com/" + std::string(64, 'c')),
                ElementsAre(HasSubstr("spec.devices[0].bindingConditions[0]: Invalid value: ")));
}

Texts of_class(const char* list, std::size_t count, const Json& item) {
    return said(validate_class, {{"spec", {{list, array_of(count, [&](auto) { return item; })}}}});
}

TEST(ClassLimits, TakeAtMost32Selectors) {
    const Json selector = {{"cel", {{"expression", "true"}}}};
    EXPECT_THAT(of_class("selectors", 32, selector), IsEmpty());
    EXPECT_THAT(of_class("selectors", 33, selector),
                ElementsAre("spec.selectors: Too many: 33: must have at most 32 items"));
}

TEST(ClassLimits, TakeAtMost32Configs) {
    const Json config = {{"opaque", {{"driver", "d"}, {"parameters", Json::object()}}}};
    EXPECT_THAT(of_class("config", 32, config), IsEmpty());
    EXPECT_THAT(of_class("config", 33, config),
                ElementsAre("spec.config: Too many: 33: must have at most 32 items"));
}

TEST(ClassLimits, TakeParametersOfAtMost10KiB) {
    const auto with = [](std::size_t size) {
        // {"a":"..."} has eight bytes beside the text.
        const Json parameters = {{"a", std::string(size - 8, 'x')}};
        return of_class("config", 1, {{"opaque", {{"driver", "d"}, {"parameters", parameters}}}});
    };
    EXPECT_THAT(with(10240), IsEmpty());
    EXPECT_THAT(with(10241), ElementsAre("spec.config[0].opaque.parameters: Too long: may not be "
                                         "more than 10240 bytes"));
}

TEST(ConfigLimits, TakeDriverNamesOfAtMost63Bytes) {
    const auto with = [](const std::string& driver) {
        return of_class("config", 1,
                        {{"opaque", {{"driver", driver}, {"parameters", Json::object()}}}});
    };
    EXPECT_THAT(with(std::string(63, 'd')), IsEmpty());
    EXPECT_THAT(with(std::string(64, 'd')),
                ElementsAre("spec.config[0].opaque.driver: Too long: may not be more than 63 "
                            "bytes"));
}

}  // namespace
}  // namespace knd::validation
