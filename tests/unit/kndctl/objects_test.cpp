// SPDX-License-Identifier: Apache-2.0
#include "tools/kndctl/simulate/objects.hpp"

#include <gtest/gtest.h>

#include "tests/unit/kndctl/scene.hpp"

namespace knd::simulate {
namespace {

constexpr const char* kCluster = R"(
apiVersion: v1
kind: Node
metadata: {name: n1, labels: {zone: a}}
---
apiVersion: resource.k8s.io/v1beta1
kind: ResourceSlice
metadata: {name: s1}
spec:
  driver: dra.net
  nodeName: n1
  pool: {name: n1, generation: 1, resourceSliceCount: 1}
  devices:
  - name: nic0
    basic:
      attributes: {numa: {int: 0}, up: {bool: yes}}
      capacity: {bandwidth: {value: 10Gi}}
---
apiVersion: v1
kind: ConfigMap
---
apiVersion: v1
kind: List
items:
- apiVersion: resource.k8s.io/v1beta2
  kind: DeviceClass
  metadata: {name: nic}
  spec: {selectors: [{cel: {expression: "true"}}]}
- apiVersion: resource.k8s.io/v1
  kind: ResourceClaim
  metadata: {namespace: default, name: c}
  spec: {devices: {requests: [{name: r, exactly: {deviceClassName: nic}}]}}
- apiVersion: resource.k8s.io/v1
  kind: ResourceClaimTemplate
  metadata: {namespace: default, name: t}
  spec: {spec: {devices: {requests: [{name: r, exactly: {deviceClassName: nic}}]}}}
- apiVersion: v1
  kind: Pod
  metadata: {namespace: default, name: p}
  spec: {resourceClaims: [{name: net, resourceClaimTemplateName: t}]}
- apiVersion: resource.k8s.io/v1alpha3
  kind: DeviceTaintRule
  metadata: {name: rule}
  spec: {deviceSelector: {driver: dra.net}, taint: {key: k, effect: NoSchedule}}
- apiVersion: metal.example.com/v1
  kind: Node
)";

TEST(Objects, AreReadFromEveryKindAndVersion) {
    const auto objects = read(kCluster);
    ASSERT_TRUE(objects.ok()) << objects.error().message();
    ASSERT_EQ(objects->slices.size(), 1u);
    EXPECT_EQ(objects->slices[0].devices.at(0).attributes.at("up"), AttributeValue(true));
    ASSERT_EQ(objects->classes.size(), 1u);
    EXPECT_EQ(objects->classes.at("nic").selectors.at(0), "true");
    ASSERT_EQ(objects->claims.items().size(), 1u);
    EXPECT_EQ(objects->claims.items()[0].object.meta.text(), "default/c");
    ASSERT_EQ(objects->templates.items().size(), 1u);
    ASSERT_EQ(objects->pods.items().size(), 1u);
    EXPECT_EQ(objects->pods.items()[0].object.claims.at(0).template_name, "t");
    ASSERT_EQ(objects->nodes.size(), 1u);
    ASSERT_EQ(objects->taint_rules.size(), 1u);
}

TEST(Objects, RememberWhereTheyCameFrom) {
    const auto objects = read(kCluster);
    ASSERT_TRUE(objects.ok());
    const auto* claim = objects->claims.find("default", "c");
    ASSERT_NE(claim, nullptr);
    EXPECT_EQ(claim->origin, "test.yaml:29");
    EXPECT_EQ(objects->claims.find("default", "d"), nullptr);
}

TEST(Objects, NameFileLineObjectAndFieldOfAnError) {
    const auto objects = read(
        "kind: Node\n---\nkind: ResourceClaim\nmetadata: {namespace: a, name: c}\n"
        "spec: {devices: {requests: [{name: 1}]}}\n");
    ASSERT_FALSE(objects.ok());
    EXPECT_EQ(objects.error().message(),
              "test.yaml:3: ResourceClaim a/c: spec.devices.requests[0].name: must be a string");
}

TEST(Objects, RefuseAnUnknownVersion) {
    const auto objects = read(
        "{\"kind\": \"ResourceSlice\", \"apiVersion\": "
        "\"resource.k8s.io/v9\", \"metadata\": {\"name\": \"s\"}}");
    ASSERT_FALSE(objects.ok());
    EXPECT_EQ(objects.error().message(),
              "test.yaml:1: ResourceSlice s: unknown apiVersion resource.k8s.io/v9");
}

TEST(Objects, RefuseOneThatIsGivenTwice) {
    const auto objects =
        read("kind: Node\nmetadata: {name: a}\n---\nkind: Node\nmetadata: {name: a}\n");
    ASSERT_FALSE(objects.ok());
    EXPECT_EQ(objects.error().message(),
              "test.yaml:4: Node a is given twice, first at test.yaml:1");
}

}  // namespace
}  // namespace knd::simulate
