// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/validation/objects.hpp"

namespace knd::validation {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Texts of_request(const Json& exactly) {
    return said(validate_claim, claim_with(exactly));
}

Texts of_devices(const std::function<void(Json& devices)>& change) {
    auto claim = claim_with(Json::object());
    change(claim["spec"]["devices"]);
    return said(validate_claim, claim);
}

TEST(ClaimRules, TakeAPlainClaim) {
    EXPECT_THAT(of_request(Json::object()), IsEmpty());
}

TEST(ClaimRules, TakeAtMost32Requests) {
    const auto with = [](std::size_t count) {
        return of_devices([&](Json& devices) {
            devices["requests"] = named("r", count);
            for (auto& request : devices["requests"])
                request["exactly"] = {{"deviceClassName", "net"}};
        });
    };
    EXPECT_THAT(with(32), IsEmpty());
    EXPECT_THAT(with(33),
                ElementsAre("spec.devices.requests: Too many: 33: must have at most 32 items"));
}

TEST(ClaimRules, TakeAtMost8Alternatives) {
    const auto with = [](std::size_t count) {
        return of_devices([&](Json& devices) {
            auto& request = devices["requests"][0];
            request.erase("exactly");
            request["firstAvailable"] = named("s", count);
            for (auto& one : request["firstAvailable"])
                one["deviceClassName"] = "net";
        });
    };
    EXPECT_THAT(with(8), IsEmpty());
    EXPECT_THAT(with(9), ElementsAre("spec.devices.requests[0].firstAvailable: Too many: 9: must "
                                     "have at most 8 items"));
    EXPECT_THAT(with(0), ElementsAre("spec.devices.requests[0]: Required value: exactly one of "
                                     "`exactly` or `firstAvailable` is required"));
}

TEST(ClaimRules, WantOneFormOfRequest) {
    EXPECT_THAT(
        of_devices([](Json& devices) { devices["requests"][0]["firstAvailable"] = named("s", 1); }),
        ElementsAre("spec.devices.requests[0]: Invalid value: null: exactly one of "
                    "`exactly` or `firstAvailable` is required, but multiple fields are "
                    "set"));
}

TEST(ClaimRules, WantAClass) {
    EXPECT_THAT(of_request({{"deviceClassName", ""}}),
                ElementsAre("spec.devices.requests[0].exactly.deviceClassName: Required value"));
    EXPECT_THAT(of_request({{"deviceClassName", "A"}}),
                ElementsAre(HasSubstr("deviceClassName: Invalid value: \"A\": a lowercase RFC")));
}

TEST(ClaimRules, TakeAtMost32Selectors) {
    const auto with = [](std::size_t count) {
        return of_request({{"selectors", array_of(count, [](auto) {
                                return Json{{"cel", {{"expression", "true"}}}};
                            })}});
    };
    EXPECT_THAT(with(32), IsEmpty());
    EXPECT_THAT(with(33), ElementsAre("spec.devices.requests[0].exactly.selectors: Too many: 33: "
                                      "must have at most 32 items"));
}

Texts of_expression(const std::string& expression) {
    return of_request({{"selectors", Json::array({{{"cel", {{"expression", expression}}}}})}});
}

TEST(ClaimRules, TakeExpressionsOfAtMost10KiB) {
    const auto padded = [](std::size_t size) { return "true" + std::string(size - 4, ' '); };
    EXPECT_THAT(of_expression(padded(10240)), IsEmpty());
    EXPECT_THAT(of_expression(padded(10241)),
                ElementsAre("spec.devices.requests[0].exactly.selectors[0].cel.expression: Too "
                            "long: may not be more than 10240 bytes"));
}

TEST(ClaimRules, WantSelectorsThatCompile) {
    EXPECT_THAT(of_expression("device.nonsense"),
                ElementsAre(HasSubstr("spec.devices.requests[0].exactly.selectors[0].cel."
                                      "expression: Invalid value: \"device.nonsense\": ")));
    EXPECT_THAT(of_expression("1"), ElementsAre(HasSubstr("must evaluate to bool")));
    EXPECT_THAT(of_request({{"selectors", Json::array({Json::object()})}}),
                ElementsAre("spec.devices.requests[0].exactly.selectors[0].cel: Required value"));
}

TEST(ClaimRules, RefuseSelectorsThatCostTooMuch) {
    std::string all = "device.attributes.all(a, true)";
    for (int i = 0; i < 5; ++i)
        all = "device.attributes.all(a" + std::to_string(i) + ", " + all + ")";
    EXPECT_THAT(of_expression(all),
                ElementsAre("spec.devices.requests[0].exactly.selectors[0].cel.expression: "
                            "Forbidden: too complex, exceeds cost limit"));
}

TEST(ClaimRules, WantCountsThatFitTheMode) {
    EXPECT_THAT(of_request({{"allocationMode", "All"}}), IsEmpty());
    EXPECT_THAT(of_request({{"allocationMode", "All"}, {"count", 1}}),
                ElementsAre("spec.devices.requests[0].exactly.count: Invalid value: 1: must not be "
                            "specified when allocationMode is 'All'"));
    EXPECT_THAT(of_request({{"count", -1}}),
                ElementsAre("spec.devices.requests[0].exactly.count: Invalid value: -1: must be "
                            "greater than zero"));
    EXPECT_THAT(of_request({{"allocationMode", "Some"}}),
                ElementsAre("spec.devices.requests[0].exactly.allocationMode: Unsupported value: "
                            "\"Some\": supported values: \"All\", \"ExactCount\""));
}

TEST(ClaimRules, DoNotCountTolerations) {
    // The limit of 16 is stated, but no release enforces it.
    const auto tolerations = array_of(17, [](auto) { return Json{{"operator", "Exists"}}; });
    EXPECT_THAT(of_request({{"tolerations", tolerations}}), IsEmpty());
}

TEST(ClaimRules, WantTolerationsThatMeanSomething) {
    const auto with = [](const Json& toleration) {
        return of_request({{"tolerations", Json::array({toleration})}});
    };
    EXPECT_THAT(with({{"key", "k"}, {"value", "v"}}), IsEmpty());
    EXPECT_THAT(with({{"operator", "Exists"}, {"value", "v"}}),
                ElementsAre(HasSubstr("tolerations[0].value: Invalid value: \"v\": must be empty "
                                      "for operator `Exists`")));
    EXPECT_THAT(with({{"operator", "In"}}),
                ElementsAre(HasSubstr("tolerations[0].operator: Unsupported value: \"In\": "
                                      "supported values: \"Equal\", \"Exists\"")));
    EXPECT_THAT(with({{"operator", "Exists"}, {"effect", "Some"}}),
                ElementsAre(HasSubstr("tolerations[0].effect: Unsupported value: \"Some\"")));
}

TEST(ClaimRules, TakeAtMost32Constraints) {
    const auto with = [](std::size_t count) {
        return of_devices([&](Json& devices) {
            devices["constraints"] = array_of(count, [](auto) {
                return Json{{"matchAttribute", "a.b/c"}};
            });
        });
    };
    EXPECT_THAT(with(32), IsEmpty());
    EXPECT_THAT(with(33),
                ElementsAre("spec.devices.constraints: Too many: 33: must have at most 32 items"));
}

TEST(ClaimRules, WantConstraintsOnOneFullName) {
    const auto with = [](const Json& constraint) {
        return of_devices(
            [&](Json& devices) { devices["constraints"] = Json::array({constraint}); });
    };
    EXPECT_THAT(with({{"distinctAttribute", "a.b/c"}, {"requests", {"r"}}}), IsEmpty());
    EXPECT_THAT(with(Json::object()),
                ElementsAre("spec.devices.constraints[0]: Required value: exactly one of "
                            "\"matchAttribute\" or \"distinctAttribute\" is required, but multiple "
                            "fields are set"));
    EXPECT_THAT(with({{"matchAttribute", "a.b/c"}, {"distinctAttribute", "c"}}), IsEmpty());
    EXPECT_THAT(with({{"matchAttribute", "c"}}),
                ElementsAre("spec.devices.constraints[0].matchAttribute: Invalid value: \"c\": a "
                            "fully qualified name must be a domain and a name separated by a "
                            "slash"));
    EXPECT_THAT(with({{"matchAttribute", "a.b/c"}, {"requests", {"r", "r"}}}),
                ElementsAre("spec.devices.constraints[0].requests[1]: Duplicate value: \"r\""));
    for (const auto* name : {"other", "r/other", "r/s/t"})
        EXPECT_THAT(with({{"matchAttribute", "a.b/c"}, {"requests", {name}}}),
                    ElementsAre(HasSubstr("must be the name of a request in the claim or the name "
                                          "of a request and a subrequest separated by '/'")));
}

TEST(ClaimRules, TakeAtMost32Configs) {
    const auto with = [](std::size_t count) {
        return of_devices([&](Json& devices) {
            devices["config"] = array_of(count, [](auto) {
                return Json{{"opaque", {{"driver", "d"}, {"parameters", Json::object()}}}};
            });
        });
    };
    EXPECT_THAT(with(32), IsEmpty());
    EXPECT_THAT(with(33),
                ElementsAre("spec.devices.config: Too many: 33: must have at most 32 items"));
}

TEST(ClaimRules, TakeParametersThatAreASmallObject) {
    const auto with = [](const Json& parameters) {
        return of_devices([&](Json& devices) {
            devices["config"] =
                Json::array({{{"opaque", {{"driver", "d"}, {"parameters", parameters}}}}});
        });
    };
    // {"a":"..."} has eight bytes beside the text.
    EXPECT_THAT(with({{"a", std::string(10240 - 8, 'x')}}), IsEmpty());
    EXPECT_THAT(with({{"a", std::string(10240 - 7, 'x')}}),
                ElementsAre("spec.devices.config[0].opaque.parameters: Too long: may not be more "
                            "than 10240 bytes"));
    EXPECT_THAT(with("text"), ElementsAre("spec.devices.config[0].opaque.parameters: Invalid "
                                          "value: \"<value omitted>\": must be a valid JSON "
                                          "object"));
    EXPECT_THAT(with(nullptr),
                ElementsAre("spec.devices.config[0].opaque.parameters: Required value"));
    EXPECT_THAT(
        of_devices([](Json& devices) { devices["config"] = Json::array({Json::object()}); }),
        ElementsAre("spec.devices.config[0].opaque: Required value"));
}

TEST(ClaimRules, KeepTheSpec) {
    auto before = claim_with(Json::object());
    EXPECT_THAT(said(validate_claim, before, before), IsEmpty());
    EXPECT_THAT(
        said(validate_claim, claim_with({{"count", 2}}), before),
        ElementsAre(
            "spec: Invalid value: {\"Devices\":{\"Requests\":[{\"Name\":\"r\",\"Exactly\":{"
            "\"DeviceClassName\":\"net\",\"Selectors\":null,\"AllocationMode\":\"ExactCount\","
            "\"Count\":2,\"AdminAccess\":null,\"Tolerations\":null,\"Capacity\":null},"
            "\"FirstAvailable\":null}],\"Constraints\":null,\"Config\":null}}: field is "
            "immutable"));
    EXPECT_THAT(said(validate_claim, claim_with({{"count", 1}}), before), IsEmpty());
}

TEST(ClaimRules, TakeTheInlineRequestsOfV1Beta1) {
    const Json claim = {
        {"apiVersion", "resource.k8s.io/v1beta1"},
        {"spec",
         {{"devices", {{"requests", Json::array({{{"name", "r"}, {"deviceClassName", "A"}}})}}}}}};
    EXPECT_THAT(said(validate_claim, claim),
                ElementsAre(HasSubstr("spec.devices.requests[0].exactly.deviceClassName: Invalid "
                                      "value: \"A\"")));
}

TEST(ClaimRules, SurviveWrongTypes) {
    for (const auto& wrong : {Json(5), Json("x"), Json::array({1}), Json::object(), Json(true)}) {
        for (const auto* key : {"requests", "constraints", "config"})
            of_devices([&](Json& devices) { devices[key] = wrong; });
        for (const auto* key : {"selectors", "count", "tolerations", "capacity", "deviceClassName"})
            of_request({{key, wrong}});
        for (const auto* kind : {"ResourceClaim", "ResourceSlice", "DeviceClass",
                                 "ResourceClaimTemplate", "DeviceTaintRule"})
            static_cast<void>(
                validate_object({{"kind", kind}, {"spec", wrong}, {"status", wrong}}));
    }
}

TEST(TemplateRules, AreThoseOfTheClaim) {
    const Json object = {{"spec", {{"spec", claim_with({{"deviceClassName", ""}})["spec"]}}}};
    EXPECT_THAT(said(validate_template, object),
                ElementsAre("spec.spec.devices.requests[0].exactly.deviceClassName: Required "
                            "value"));
}

TEST(ClassRules, WantAnExtendedResourceName) {
    const auto with = [](const std::string& name) {
        return said(validate_class, {{"spec", {{"extendedResourceName", name}}}});
    };
    EXPECT_THAT(with("example.com/nic"), IsEmpty());
    for (const auto* name : {"cpu", "kubernetes.io/x", "requests.a/b", "a/b/c", ""})
        EXPECT_THAT(with(name), ElementsAre(HasSubstr("must be a valid extended resource name")));
}

TEST(AdminAccess, WantsALabelOnTheNamespace) {
    const auto claim = claim_with({{"adminAccess", true}});
    api::FieldErrors errors;
    const auto why =
        "Forbidden: admin access to devices requires the `resource.kubernetes.io/admin-access: "
        "true` label on the containing namespace";
    validate_admin_access({}, claim, Json::object(), errors);
    ASSERT_EQ(errors.size(), 1u);
    EXPECT_EQ(errors[0].text(), std::string("spec.devices.requests[0].adminAccess: ") + why);
    errors.clear();
    validate_admin_access(
        {}, claim, {{"metadata", {{"labels", {{"resource.kubernetes.io/admin-access", "true"}}}}}},
        errors);
    EXPECT_THAT(errors, IsEmpty());
    auto allocated = claim;
    allocated["status"]["allocation"]["devices"]["results"] = {{{"adminAccess", true}}};
    validate_admin_access(claim, allocated, Json::object(), errors);
    ASSERT_EQ(errors.size(), 1u);
    EXPECT_EQ(errors[0].text(),
              std::string("status.allocation.devices.results[0].adminAccess: ") + why);
    errors.clear();
    validate_admin_access(allocated, allocated, Json::object(), errors);
    EXPECT_THAT(errors, IsEmpty());
}

TEST(ValidateObject, JoinsAllErrors) {
    auto claim = claim_with({{"deviceClassName", ""}, {"count", -1}});
    claim["metadata"]["name"] = "c";
    const auto refused = validate_object(claim);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().message(),
              "[spec.devices.requests[0].exactly.deviceClassName: Required value, "
              "spec.devices.requests[0].exactly.count: Invalid value: -1: must be greater than "
              "zero]");
    EXPECT_TRUE(validate_object({{"kind", "Pod"}}).ok());
}

TEST(ClaimRules, FindNoRequestByANameWithASlashInIt) {
    const auto said_of = [](const char* reference) {
        return of_devices([&](Json& devices) {
            devices["requests"][0] = {
                {"name", "gpu/big"},
                {"firstAvailable", {{{"name", "big"}, {"deviceClassName", "net"}}}}};
            devices["constraints"] = {{{"matchAttribute", "x.y/z"}, {"requests", {reference}}}};
        });
    };
    const auto not_found = Contains(AllOf(HasSubstr("spec.devices.constraints[0].requests[0]"),
                                          HasSubstr("must be the name of a request")));
    EXPECT_THAT(said_of("gpu/big"), not_found);
    EXPECT_THAT(said_of("gpu/big/big"), not_found);
}

TEST(ClaimRules, KnowTheAlternativesOfTheLastRequestOfAName) {
    const auto errors = of_devices([](Json& devices) {
        auto later = devices["requests"][0];
        devices["requests"][0] = {
            {"name", later["name"]},
            {"firstAvailable", {{{"name", "big"}, {"deviceClassName", "net"}}}}};
        const auto reference = later["name"].get<std::string>() + "/big";
        devices["requests"].push_back(std::move(later));
        devices["constraints"] = {{{"matchAttribute", "x.y/z"}, {"requests", {reference}}}};
    });
    EXPECT_THAT(errors, Contains(HasSubstr("must be the name of a request")));
}

}  // namespace
}  // namespace knd::validation
