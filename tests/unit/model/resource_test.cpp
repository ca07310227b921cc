// SPDX-License-Identifier: Apache-2.0
#include "host/model/resource.hpp"

#include <gtest/gtest.h>

namespace knd::api {
namespace {

Json json(std::string_view text) {
    auto parsed = parse_json(text);
    EXPECT_TRUE(parsed.ok()) << text;
    return parsed.ok() ? *std::move(parsed) : Json();
}

constexpr std::string_view kSlice = R"({
  "apiVersion": "resource.k8s.io/v1", "kind": "ResourceSlice", "metadata": {"name": "s1"},
  "spec": {"driver": "dra.net", "nodeName": "n1",
    "pool": {"name": "p", "generation": 3, "resourceSliceCount": 2},
    "devices": [{"name": "dra0",
      "attributes": {"dra.net/ifName": {"string": "dra0"}, "mtu": {"int": 1500},
                     "dra.net/rdma": {"bool": false}, "fw": {"version": "1.2.3"}},
      "capacity": {"bandwidth": {"value": "10Gi"}, "queues": {"value": 8}},
      "taints": [{"key": "k", "effect": "NoSchedule"}]}]}})";

TEST(ResourceSlice, IsReadFromV1) {
    const auto slice = read_resource_slice(json(kSlice));
    ASSERT_TRUE(slice.ok()) << slice.error().message();
    EXPECT_EQ(slice->driver, "dra.net");
    EXPECT_EQ(slice->node_name, "n1");
    EXPECT_EQ(slice->pool.generation, 3);
    ASSERT_EQ(slice->devices.size(), 1u);
    const auto& device = slice->devices[0];
    EXPECT_EQ(device.attributes.at("mtu"), AttributeValue(std::int64_t{1500}));
    EXPECT_EQ(device.attributes.at("fw"), AttributeValue(Version{"1.2.3"}));
    EXPECT_EQ(device.capacity.at("bandwidth").value.text(), "10Gi");
    EXPECT_EQ(device.capacity.at("queues").value.as_int64(), 8);
    EXPECT_EQ(device.taints.at(0).effect, "NoSchedule");
}

TEST(ResourceSlice, IsReadFromV1Beta1) {
    const auto slice = read_resource_slice(json(R"({
      "apiVersion": "resource.k8s.io/v1beta1", "kind": "ResourceSlice",
      "spec": {"driver": "d", "pool": {"name": "p", "resourceSliceCount": 1}, "allNodes": true,
               "devices": [{"name": "x", "basic": {"attributes": {"a": {"bool": true}}}}]}})"));
    ASSERT_TRUE(slice.ok()) << slice.error().message();
    EXPECT_EQ(slice->devices.at(0).name, "x");
    EXPECT_EQ(slice->devices.at(0).attributes.at("a"), AttributeValue(true));
}

TEST(ResourceSlice, OfANewerServerMayHaveValuesOfTypesThatAreNotKnown) {
    const auto slice = read_resource_slice(json(R"({"spec": {"devices": [{"name": "a",
        "attributes": {"x": {}, "y": {"duration": "5s"}, "z": {"int": 1}}}]}})"));
    ASSERT_TRUE(slice.ok()) << slice.error().message();
    const auto& device = slice->devices.at(0);
    EXPECT_EQ(device.unknown_attributes, (std::set<std::string>{"x", "y"}));
    EXPECT_EQ(device.attributes.size(), 1u);
}

TEST(ResourceSlice, NamesTheFieldThatIsWrong) {
    const std::pair<const char*, const char*> table[] = {
        {R"({"spec": {"devices": [{"name": "a", "attributes": {"x": {"int": 1, "bool": true}}}]}})",
         "spec.devices[0].attributes[x]: exactly one value must be set"},
        {R"({"spec": {"devices": [{"name": "a", "attributes": {"x": 1}}]}})",
         "spec.devices[0].attributes[x]: exactly one value must be set"},
        {R"({"spec": {"devices": [{"name": "a", "attributes": {"x": {"int": "1"}}}]}})",
         "spec.devices[0].attributes[x].int: not a value of a device attribute"},
        {R"({"spec": {"devices": {}}})", "spec.devices: must be a list"},
        {R"({"spec": {"driver": 1}})", "spec.driver: must be a string"},
        {R"({"spec": {"devices": [{"name":"a","capacity": {"c": {"value": "x"}}}]}})",
         "spec.devices[0].capacity[c].value: quantities must match the regular expression "
         "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"},
        {R"({"kind": "Pod"})", "kind is Pod, not ResourceSlice"},
        {R"([])", "must be a JSON object"}};
    for (const auto& [text, message] : table) {
        const auto slice = read_resource_slice(json(text));
        ASSERT_FALSE(slice.ok()) << text;
        EXPECT_EQ(slice.error().message(), message);
    }
}

TEST(ResourceClaim, IsReadWithDefaults) {
    const auto claim = read_resource_claim(json(R"({
      "apiVersion": "resource.k8s.io/v1", "kind": "ResourceClaim",
      "metadata": {"name": "c", "namespace": "default", "uid": "u"},
      "spec": {"devices": {"requests": [{"name": "r", "exactly": {"deviceClassName": "k",
        "selectors": [{"cel": {"expression": "true"}}]}}],
        "constraints": [{"matchAttribute": "a/b"}]}}})"));
    ASSERT_TRUE(claim.ok()) << claim.error().message();
    EXPECT_EQ(claim->meta.text(), "default/c");
    const auto& exactly = claim->devices.requests.at(0).exactly;
    ASSERT_TRUE(exactly);
    EXPECT_EQ(exactly->allocation_mode, "ExactCount");
    EXPECT_EQ(exactly->count, 1);
    EXPECT_EQ(exactly->selectors.at(0), "true");
    EXPECT_EQ(claim->devices.constraints.at(0).match_attribute, "a/b");
    EXPECT_FALSE(claim->allocation);
}

TEST(ResourceClaim, TakesInlineRequestsOfV1Beta1) {
    const auto claim = read_resource_claim(json(R"({
      "apiVersion": "resource.k8s.io/v1beta1", "kind": "ResourceClaim",
      "spec": {"devices": {"requests": [{"name": "r", "deviceClassName": "k", "count": 2}]}}})"));
    ASSERT_TRUE(claim.ok()) << claim.error().message();
    ASSERT_TRUE(claim->devices.requests.at(0).exactly);
    EXPECT_EQ(claim->devices.requests.at(0).exactly->count, 2);
    EXPECT_EQ(claim->devices.requests.at(0).exactly->name, "");
}

TEST(AllocationResult, SurvivesWritingAndReading) {
    const auto allocation = json(R"({
      "devices": {
        "results": [{"request": "r/s", "driver": "d", "pool": "p", "device": "x",
                     "adminAccess": true, "shareID": "id", "consumedCapacity": {"c": "1Gi"},
                     "tolerations": [{"key": "k", "operator": "Exists", "tolerationSeconds": 3}],
                     "bindingConditions": ["b"], "bindingFailureConditions": ["f"]}],
        "config": [{"source": "FromClaim", "requests": ["r"],
                    "opaque": {"driver": "d", "parameters": {"mtu": 9000}}}]},
      "nodeSelector": {"nodeSelectorTerms": [{"matchFields": [
        {"key": "metadata.name", "operator": "In", "values": ["n1"]}]}]},
      "allocationTimestamp": "2026-01-01T00:00:00Z"})");
    const auto read = read_allocation_result(allocation);
    ASSERT_TRUE(read.ok()) << read.error().message();
    EXPECT_EQ(to_json(*read), allocation);
}

TEST(DeviceTaintRule, IsReadFromEveryVersion) {
    for (const auto* version : {"v1", "v1beta2", "v1beta1", "v1alpha3"}) {
        const auto rule = read_device_taint_rule(
            {{"apiVersion", std::string("resource.k8s.io/") + version},
             {"kind", "DeviceTaintRule"},
             {"metadata", {{"name", "r"}}},
             {"spec",
              {{"deviceSelector", {{"driver", "dra.net"}, {"pool", "p"}}},
               {"taint", {{"key", "k"}, {"value", "v"}, {"effect", "NoExecute"}}}}}});
        ASSERT_TRUE(rule.ok()) << rule.error().message();
        ASSERT_TRUE(rule->selector.has_value());
        EXPECT_EQ(rule->selector->driver, "dra.net");
        EXPECT_EQ(rule->selector->pool, "p");
        EXPECT_EQ(rule->selector->device, std::nullopt);
        EXPECT_EQ(rule->taint, (DeviceTaint{"k", "v", "NoExecute", ""}));
    }
}

TEST(DeviceTaintRule, TellsNoSelectorFromAnEmptyOne) {
    const auto none = read_device_taint_rule({{"spec", {{"taint", {{"key", "k"}}}}}});
    ASSERT_TRUE(none.ok());
    EXPECT_FALSE(none->selector.has_value());
    const auto all = read_device_taint_rule({{"spec", {{"deviceSelector", Json::object()}}}});
    ASSERT_TRUE(all.ok());
    EXPECT_TRUE(all->selector.has_value());
}

TEST(DeviceTaintRule, RefusesSelectorsThatWouldBeIgnored) {
    const auto rule =
        read_device_taint_rule({{"spec", {{"deviceSelector", {{"deviceClassName", "nic"}}}}}});
    ASSERT_FALSE(rule.ok());
    EXPECT_EQ(rule.error().message(),
              "spec.deviceSelector.deviceClassName: exists in Kubernetes 1.33 and 1.34 alone; name "
              "the driver, pool or device instead");
}

TEST(Pod, IsReadWithItsClaims) {
    const auto pod = read_pod(json(R"({"apiVersion": "v1", "kind": "Pod",
      "metadata": {"name": "p", "namespace": "ns"},
      "spec": {"nodeSelector": {"zone": "a"},
        "resourceClaims": [{"name": "net", "resourceClaimTemplateName": "t"},
                           {"name": "own", "resourceClaimName": "c"}],
        "tolerations": [{"key": "k", "operator": "Exists"}],
        "containers": [{"name": "main", "resources": {"claims": [{"name": "net"}],
          "requests": {"cpu": "1"}, "limits": {"cpu": 2, "example.com/nic": 1}}}]},
      "status": {"resourceClaimStatuses": [{"name": "net", "resourceClaimName": "p-net-x"}],
                 "extendedResourceClaimStatus": {"resourceClaimName": "p-extended"}}})"));
    ASSERT_TRUE(pod.ok()) << pod.error().message();
    EXPECT_EQ(pod->meta.text(), "ns/p");
    ASSERT_EQ(pod->claims.size(), 2u);
    EXPECT_EQ(pod->claims[0].template_name, "t");
    EXPECT_EQ(pod->claims[1].claim_name, "c");
    EXPECT_EQ(pod->claims[1].template_name, std::nullopt);
    ASSERT_EQ(pod->containers.size(), 1u);
    EXPECT_EQ(pod->containers[0].claims, std::vector<std::string>{"net"});
    EXPECT_EQ(pod->containers[0].requests.at("cpu"), Quantity(1));
    EXPECT_EQ(pod->containers[0].requests.at("example.com/nic"), Quantity(1));
    EXPECT_EQ(pod->made_claims.at("net"), "p-net-x");
    EXPECT_EQ(pod->extended_resource_claim, "p-extended");
}

TEST(Pod, NamesTheFieldThatIsWrong) {
    const auto pod = read_pod(json(R"({"spec": {"resourceClaims": [{"name": "a"},
                                                                   {"name": 1}]}})"));
    ASSERT_FALSE(pod.ok());
    EXPECT_EQ(pod.error().message(), "spec.resourceClaims[1].name: must be a string");
}

TEST(Node, IsReadWithItsTaints) {
    const auto node = read_node(json(R"({"apiVersion": "v1", "kind": "Node",
      "metadata": {"name": "n", "labels": {"zone": "a"}},
      "spec": {"unschedulable": true, "taints": [{"key": "k", "effect": "NoSchedule"}]}})"));
    ASSERT_TRUE(node.ok()) << node.error().message();
    EXPECT_EQ(node->labels.at("zone"), "a");
    EXPECT_TRUE(node->unschedulable);
    EXPECT_EQ(node->taints.at(0).key, "k");
    EXPECT_FALSE(read_node(json(R"({"apiVersion": "v2", "kind": "Node"})")).ok());
}

TEST(NodeSelector, MatchesLabelsAndName) {
    const Node node{"n1", {{"zone", "a"}, {"cpus", "8"}}};
    const auto one = [&](NodeSelectorRequirement requirement, bool field = false) {
        NodeSelector selector{{{}}};
        (field ? selector.terms[0].match_fields
               : selector.terms[0].match_expressions) = {std::move(requirement)};
        return matches(selector, node);
    };
    EXPECT_TRUE(one({"zone", "In", {"a", "b"}}));
    EXPECT_FALSE(one({"zone", "In", {"b"}}));
    EXPECT_FALSE(one({"none", "In", {"b"}}));
    EXPECT_TRUE(one({"none", "NotIn", {"b"}}));
    EXPECT_FALSE(one({"zone", "NotIn", {"a"}}));
    EXPECT_TRUE(one({"zone", "Exists", {}}));
    EXPECT_TRUE(one({"none", "DoesNotExist", {}}));
    EXPECT_TRUE(one({"cpus", "Gt", {"4"}}));
    EXPECT_FALSE(one({"cpus", "Lt", {"4"}}));
    EXPECT_FALSE(one({"zone", "Gt", {"4"}}));
    EXPECT_FALSE(one({"zone", "Near", {"a"}}));
    EXPECT_TRUE(one({"metadata.name", "In", {"n1"}}, true));
    EXPECT_TRUE(one({"metadata.name", "NotIn", {"n2"}}, true));
    EXPECT_FALSE(matches(NodeSelector{{{}}}, node)) << "an empty term matches nothing";
}

TEST(DeviceToleration, FollowsTheRulesOfTolerations) {
    const DeviceTaint taint{"key", "value", "NoSchedule", ""};
    EXPECT_TRUE(tolerates({"", "Exists", "", "", {}}, taint));
    EXPECT_TRUE(tolerates({"", "Exists", "", "NoSchedule", {}}, taint));
    EXPECT_TRUE(tolerates({"key", "Exists", "", "NoSchedule", {}}, taint));
    EXPECT_TRUE(tolerates({"key", "Equal", "value", "", {}}, taint));
    EXPECT_TRUE(tolerates({"key", "Equal", "value", "NoSchedule", {}}, taint));
    EXPECT_TRUE(tolerates({"key", "", "value", "NoSchedule", {}}, taint));
    EXPECT_FALSE(tolerates({"key", "Equal", "other", "", {}}, taint));
    EXPECT_FALSE(tolerates({"key", "Equal", "other", "NoSchedule", {}}, taint));
    EXPECT_FALSE(tolerates({"key", "Equal", "value", "NoExecute", {}}, taint));
    EXPECT_FALSE(tolerates({"key", "Exists", "", "NoExecute", {}}, taint));
    EXPECT_FALSE(tolerates({"key", "Near", "value", "NoSchedule", {}}, taint));
    EXPECT_FALSE(tolerates({"other", "Exists", "", "", {}}, taint));
    const DeviceTaint bare{"key", "", "NoSchedule", ""};
    EXPECT_TRUE(tolerates({"key", "Exists", "", "NoSchedule", {}}, bare));
    EXPECT_TRUE(tolerates({"key", "Equal", "", "NoSchedule", {}}, bare));
}

}  // namespace
}  // namespace knd::api
