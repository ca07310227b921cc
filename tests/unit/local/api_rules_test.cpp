// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "tests/unit/local/api_fixture.hpp"

namespace knd::api {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

class ApiRules : public ApiTest {
  protected:
    /// The causes for which a new object is refused; empty when it is taken.
    std::vector<std::string> refusal(Resource resource, const Json& object) {
        WriteOptions options;
        options.dry_run = true;
        const auto answer = store_->create(resource, "default", object, options);
        if (answer.ok()) return {};
        EXPECT_EQ(answer.error().code, 422) << answer.error().message;
        return causes_of(answer.error());
    }
    std::vector<std::string> slice_refusal(
        const std::function<void(Json& spec, Json& device)>& edit) {
        auto slice = slice_json("s");
        auto device = slice["spec"]["devices"][0];
        edit(slice["spec"], device);
        if (!slice["spec"]["devices"].empty()) slice["spec"]["devices"][0] = device;
        return refusal(Resource::kResourceSlices, slice);
    }
    std::vector<std::string> claim_refusal(const std::function<void(Json& devices)>& edit) {
        auto claim = claim_json("c");
        edit(claim["spec"]["devices"]);
        return refusal(Resource::kResourceClaims, claim);
    }
};

TEST_F(ApiRules, TakeAPlainSliceAndClaim) {
    EXPECT_THAT(refusal(Resource::kResourceSlices, slice_json("s")), ElementsAre());
    EXPECT_THAT(refusal(Resource::kResourceClaims, claim_json("c")), ElementsAre());
}

TEST_F(ApiRules, WantTheShapeOfTheSchema) {
    const auto answer = store_->create(Resource::kResourceClaims, "default",
                                       {{"metadata", {{"name", "c"}}}, {"spec", {{"devices", 5}}}});
    ASSERT_FALSE(answer.ok());
    EXPECT_EQ(answer.error().code, 400);
    EXPECT_THAT(answer.error().message, HasSubstr("cannot unmarshal number into Go struct field "
                                                  "ResourceClaim.spec.devices"));
}

TEST_F(ApiRules, PruneUnknownFieldsAndWarn) {
    std::vector<std::string> warnings;
    WriteOptions options;
    options.field_validation = FieldValidation::kWarn;
    options.warnings = &warnings;
    auto claim = claim_json("c");
    claim["spec"]["future"] = 1;
    const auto taken = store_->create(Resource::kResourceClaims, "default", claim, options);
    ASSERT_TRUE(taken.ok());
    EXPECT_FALSE((**taken)["spec"].contains("future"));
    EXPECT_THAT(warnings, ElementsAre("unknown field \"spec.future\""));
}

TEST_F(ApiRules, RefuseUnknownFieldsWhenStrict) {
    WriteOptions options;
    options.field_validation = FieldValidation::kStrict;
    auto claim = claim_json("c");
    claim["spec"]["future"] = 1;
    const auto refused = store_->create(Resource::kResourceClaims, "default", claim, options);
    ASSERT_FALSE(refused.ok());
    EXPECT_THAT(refused.error().message, HasSubstr("strict decoding error: unknown field"));
}

TEST_F(ApiRules, FillInTheDefaultsOfARequest) {
    const auto claim = create(Resource::kResourceClaims, claim_json("c"));
    const auto& exactly = (*claim)["spec"]["devices"]["requests"][0]["exactly"];
    EXPECT_EQ(exactly["allocationMode"], "ExactCount");
    EXPECT_EQ(exactly["count"], 1);
}

TEST_F(ApiRules, StoreQuantitiesInCanonicalForm) {
    auto slice = slice_json("s");
    slice["spec"]["devices"][0]["capacity"]["bandwidth"] = {{"value", "1024Ki"}};
    const auto stored = create(Resource::kResourceSlices, slice);
    EXPECT_EQ((*stored)["spec"]["devices"][0]["capacity"]["bandwidth"]["value"], "1Mi");
}

TEST_F(ApiRules, WantExactlyOnePlaceForASlice) {
    EXPECT_THAT(slice_refusal([](Json& spec, Json&) { spec.erase("nodeName"); }),
                ElementsAre(HasSubstr("spec: Required value: exactly one of `nodeName`")));
    EXPECT_THAT(slice_refusal([](Json& spec, Json&) { spec["allNodes"] = true; }),
                ElementsAre(HasSubstr("spec: Invalid value: \"{`nodeName`, `allNodes`}\"")));
    EXPECT_THAT(slice_refusal([](Json& spec, Json&) { spec["allNodes"] = false; }),
                ElementsAre("spec.allNodes: Invalid value: false: must be either unset or set to "
                            "true"));
}

TEST_F(ApiRules, LimitTheDevicesOfASlice) {
    const auto fill = [](Json& spec, std::size_t count) {
        spec["devices"] = Json::array();
        for (std::size_t i = 0; i < count; ++i)
            spec["devices"].push_back({{"name", "d" + std::to_string(i)}});
    };
    EXPECT_THAT(slice_refusal([&](Json& spec, Json& device) {
                    fill(spec, 129);
                    device = spec["devices"][0];
                }),
                ElementsAre("spec.devices: Too many: 129: must have at most 128 items"));
    EXPECT_THAT(slice_refusal([&](Json& spec, Json& device) {
                    fill(spec, 65);
                    device = spec["devices"][0];
                    device["taints"] = Json::array({{{"key", "a"}, {"effect", "NoSchedule"}}});
                }),
                ElementsAre("spec.devices: Too many: 65: must have at most 64 items"));
}

TEST_F(ApiRules, LimitAttributesAndCapacitiesTogether) {
    EXPECT_THAT(slice_refusal([](Json&, Json& device) {
                    for (int i = 0; i < 33; ++i)
                        device["attributes"]["a" + std::to_string(i)] = {{"int", i}};
                }),
                ElementsAre(HasSubstr("spec.devices[0]: Invalid value: 33")));
}

TEST_F(ApiRules, WantOneValuePerAttribute) {
    EXPECT_THAT(slice_refusal([](Json&, Json& device) {
                    device["attributes"]["a"] = {{"int", 1}, {"bool", true}};
                }),
                ElementsAre(HasSubstr("spec.devices[0].attributes[a]: Invalid value")));
    EXPECT_THAT(slice_refusal([](Json&, Json& device) {
                    device["attributes"]["a"] = {{"string", std::string(65, 'x')}};
                }),
                ElementsAre("spec.devices[0].attributes[a].string: Too long: may not be more than "
                            "64 bytes"));
    EXPECT_THAT(slice_refusal([](Json&, Json& device) {
                    device["attributes"]["a"] = {{"version", "v1.2.3"}};
                }),
                ElementsAre(HasSubstr("must be a string compatible with semver.org spec 2.0.0")));
}

TEST_F(ApiRules, WantQualifiedAttributeNames) {
    for (const auto* name : {"1a", "dra_net/a", "dra.net/with-dash"}) {
        EXPECT_THAT(slice_refusal([&](Json&, Json& device) {
                        device["attributes"][name] = {{"int", 1}};
                    }),
                    Contains(HasSubstr("spec.devices[0].attributes: Invalid value")))
            << name;
    }
}

TEST_F(ApiRules, KeepDriverAndPoolOfASlice) {
    const auto slice = create(Resource::kResourceSlices, slice_json("s"));
    auto moved = *slice;
    moved["spec"]["driver"] = "other.net";
    moved["spec"]["pool"]["name"] = "n2";
    const auto refused = store_->update(Resource::kResourceSlices, "", moved);
    ASSERT_FALSE(refused.ok());
    EXPECT_THAT(causes_of(refused.error()),
                ElementsAre("spec.pool.name: Invalid value: \"n2\": field is immutable",
                            "spec.driver: Invalid value: \"other.net\": field is immutable"));
}

TEST_F(ApiRules, WantOneKindOfRequest) {
    EXPECT_THAT(claim_refusal([](Json& devices) { devices["requests"][0].erase("exactly"); }),
                ElementsAre("spec.devices.requests[0]: Required value: exactly one of `exactly` or "
                            "`firstAvailable` is required"));
}

TEST_F(ApiRules, RefuseACountWithAll) {
    EXPECT_THAT(claim_refusal([](Json& devices) {
                    auto& exactly = devices["requests"][0]["exactly"];
                    exactly["allocationMode"] = "All";
                    exactly["count"] = 2;
                }),
                ElementsAre(HasSubstr("must not be specified when allocationMode is 'All'")));
}

TEST_F(ApiRules, LimitRequests) {
    EXPECT_THAT(claim_refusal([](Json& devices) {
                    const auto request = devices["requests"][0];
                    devices["requests"] = Json::array();
                    for (int i = 0; i < 33; ++i) {
                        devices["requests"].push_back(request);
                        devices["requests"].back()["name"] = "r" + std::to_string(i);
                    }
                }),
                ElementsAre("spec.devices.requests: Too many: 33: must have at most 32 items"));
}

TEST_F(ApiRules, WantConfigAndConstraintsToNameRequests) {
    EXPECT_THAT(claim_refusal([](Json& devices) {
                    devices["constraints"] = Json::array(
                        {{{"requests", {"other"}}, {"matchAttribute", "dra.net/numaNode"}}});
                }),
                ElementsAre(HasSubstr("spec.devices.constraints[0].requests[0]: Invalid value: "
                                      "\"other\": must be the name of a request")));
}

TEST_F(ApiRules, WantOpaqueParametersToBeASmallObject) {
    const auto with = [&](const Json& parameters) {
        return claim_refusal([&](Json& devices) {
            devices["config"] =
                Json::array({{{"opaque", {{"driver", "dra.net"}, {"parameters", parameters}}}}});
        });
    };
    EXPECT_THAT(with({{"mtu", 9000}}), ElementsAre());
    EXPECT_THAT(with("text"), ElementsAre(HasSubstr("must be a valid JSON object")));
    EXPECT_THAT(with({{"a", std::string(10240, 'x')}}), ElementsAre(HasSubstr("Too long")));
}

TEST_F(ApiRules, WantALabelForAdminAccess) {
    auto claim = claim_json("c");
    claim["spec"]["devices"]["requests"][0]["exactly"]["adminAccess"] = true;
    EXPECT_THAT(refusal(Resource::kResourceClaims, claim),
                ElementsAre(HasSubstr("spec.devices.requests[0].adminAccess: Forbidden")));
    const auto label = [](const Json& current) -> Answer<Json> {
        auto after = current;
        after["metadata"]["labels"]["resource.kubernetes.io/admin-access"] = "true";
        return after;
    };
    ASSERT_TRUE(store_->modify(Resource::kNamespaces, "", "default", label).ok());
    EXPECT_THAT(refusal(Resource::kResourceClaims, claim), ElementsAre());
}

TEST_F(ApiRules, WantSelectorsThatCompile) {
    EXPECT_THAT(claim_refusal([](Json& devices) {
                    devices["requests"][0]["exactly"]["selectors"] =
                        Json::array({{{"cel", {{"expression", "device.nonsense"}}}}});
                }),
                ElementsAre(HasSubstr("undefined field")));
}

TEST_F(ApiRules, WantSelectorsThatCannotCostTooMuch) {
    const auto* expression =
        "device.attributes.all(a, device.attributes.all(b, device.attributes.all(c, "
        "device.attributes.all(d, true))))";
    EXPECT_THAT(claim_refusal([&](Json& devices) {
                    devices["requests"][0]["exactly"]["selectors"] =
                        Json::array({{{"cel", {{"expression", expression}}}}});
                }),
                ElementsAre(HasSubstr("too complex, exceeds cost limit")));
}

TEST_F(ApiRules, KeepTheSpecOfAClaim) {
    auto claim = *create(Resource::kResourceClaims, claim_json("c"));
    claim["spec"]["devices"]["requests"][0]["name"] = "other";
    const auto refused = store_->update(Resource::kResourceClaims, "default", claim);
    ASSERT_FALSE(refused.ok());
    EXPECT_THAT(refused.error().message, HasSubstr("field is immutable"));
}

class ApiClaimStatus : public ApiRules {
  protected:
    ApiClaimStatus() { create(Resource::kResourceClaims, claim_json("c")); }
    std::vector<std::string> status_refusal(const Json& status) {
        const auto answer = set_status("c", status);
        return answer.ok() ? std::vector<std::string>() : causes_of(answer.error());
    }
    /// Status with one allocated device and the given state of it.
    static Json status_with(Json device) {
        device.update({{"driver", "dra.net"}, {"pool", "n1"}, {"device", "dra0"}});
        return {{"allocation", allocation_json({"dra0"})}, {"devices", Json::array({device})}};
    }
};

TEST_F(ApiClaimStatus, KeepsAnAllocationOnceMade) {
    ASSERT_THAT(status_refusal({{"allocation", allocation_json({"dra0"})}}), ElementsAre());
    EXPECT_THAT(status_refusal({{"allocation", allocation_json({"dra1"})}}),
                ElementsAre(HasSubstr("status.allocation: Invalid value")));
    EXPECT_THAT(status_refusal(Json::object()), ElementsAre());
}

TEST_F(ApiClaimStatus, ReservesOnlyWhatIsAllocated) {
    const Json pod = {{"resource", "pods"}, {"name", "p"}, {"uid", "u"}};
    EXPECT_THAT(
        status_refusal({{"reservedFor", Json::array({pod})}}),
        ElementsAre("status.reservedFor: Forbidden: may not be specified when `allocated` is "
                    "not set"));
}

TEST_F(ApiClaimStatus, ShowsOnlyAllocatedDevices) {
    auto status = status_with(Json::object());
    status["devices"][0]["device"] = "other";
    EXPECT_THAT(status_refusal(status),
                ElementsAre(HasSubstr("must be an allocated device in the claim")));
}

TEST_F(ApiClaimStatus, WantsAReasonAndATimeForACondition) {
    EXPECT_THAT(status_refusal(status_with(
                    {{"conditions", Json::array({{{"type", "Ready"}, {"status", "True"}}})}})),
                ElementsAre("status.devices[0].conditions[0].lastTransitionTime: Required value",
                            "status.devices[0].conditions[0].reason: Required value"));
}

TEST_F(ApiClaimStatus, WantsAddressesInCanonicalCidrForm) {
    const auto with = [&](const std::string& ip) {
        return status_refusal(status_with({{"networkData", {{"ips", {ip}}}}}));
    };
    EXPECT_THAT(with("10.0.0.5"), ElementsAre(HasSubstr("must be a valid address in CIDR form")));
    EXPECT_THAT(with("FD00::1/64"), ElementsAre(HasSubstr("canonical form (\"fd00::1/64\")")));
    EXPECT_THAT(with("10.0.0.5/24"), ElementsAre());
}

TEST_F(ApiClaimStatus, DropsTheStateOfDevicesThatAreDeallocated) {
    ASSERT_THAT(status_refusal(status_with(Json::object())), ElementsAre());
    const auto after = set_status("c", {{"devices", status_with(Json::object())["devices"]}});
    ASSERT_TRUE(after.ok()) << after.error().message;
    EXPECT_EQ((**after)["status"], Json::object());
}

TEST_F(ApiRules, WantPodClaimsToNameOneSource) {
    auto pod = pod_json("p");
    pod["spec"]["resourceClaims"] = Json::array({{{"name", "nic"}}});
    EXPECT_THAT(refusal(Resource::kPods, pod), ElementsAre(HasSubstr("must specify one of")));
}

TEST_F(ApiRules, WantContainersToUseClaimsOfThePod) {
    auto pod = pod_json("p");
    pod["spec"]["containers"][0]["resources"]["claims"] = Json::array({{{"name", "nic"}}});
    EXPECT_THAT(refusal(Resource::kPods, pod),
                ElementsAre("spec.containers[0].resources.claims[0].name: Not found: \"nic\""));
}

TEST_F(ApiRules, KeepTheSpecOfAPodButForItsImage) {
    auto pod = *create(Resource::kPods, pod_json("p"));
    pod["spec"]["containers"][0]["image"] = "other";
    const auto changed = store_->update(Resource::kPods, "default", pod);
    ASSERT_TRUE(changed.ok()) << changed.error().message;
    pod = **changed;
    pod["spec"]["hostNetwork"] = true;
    EXPECT_FALSE(store_->update(Resource::kPods, "default", pod).ok());
}

TEST_F(ApiRules, WantEventsInTheNamespaceOfTheirObject) {
    const Json event = {{"metadata", {{"name", "e"}}},
                        {"involvedObject", {{"kind", "Pod"}, {"namespace", "other"}}}};
    EXPECT_THAT(refusal(Resource::kEvents, event),
                ElementsAre(HasSubstr("does not match event.namespace")));
}

}  // namespace
}  // namespace knd::api
