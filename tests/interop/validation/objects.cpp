// SPDX-License-Identifier: Apache-2.0
#include "tests/interop/validation/objects.hpp"

#include <stdexcept>

namespace knd::differential {
namespace {

constexpr const char* kSlice = R"({
  "metadata": {"name": "slice", "labels": {"app": "x", "example.com/tier": "y"},
    "annotations": {"example.com/note": "some text"}, "finalizers": ["example.com/hold"],
    "ownerReferences": [{"apiVersion": "v1", "kind": "Node", "name": "n1", "uid": "u1",
      "controller": true}]},
  "spec": {"driver": "dra.example.com", "nodeName": "node-1",
    "pool": {"name": "node-1/pool", "generation": 1, "resourceSliceCount": 1},
    "devices": [
      {"name": "d0",
       "attributes": {"index": {"int": 4}, "example.com/fast": {"bool": true},
         "mac": {"string": "00:11"}, "driver": {"version": "1.2.3-rc.1+b1"}},
       "capacity": {"bandwidth": {"value": "10G"}, "example.com/queues": {"value": "64"}}},
      {"name": "d1", "allowMultipleAllocations": true,
       "capacity": {
         "bandwidth": {"value": "10G", "requestPolicy": {"default": "1G",
           "validRange": {"min": "1G", "max": "9G", "step": "1G"}}},
         "queues": {"value": "64", "requestPolicy": {"default": "8",
           "validValues": ["4", "8", "16"]}}}},
      {"name": "d2",
       "taints": [{"key": "example.com/broken", "value": "yes", "effect": "NoSchedule",
         "timeAdded": "2026-01-02T03:04:05Z"},
         {"key": "info", "effect": "None", "timeAdded": "2026-01-02T03:04:05Z"}],
       "bindsToNode": true, "bindingConditions": ["ready", "example.com/up"],
       "bindingFailureConditions": ["failed"]}]}})";

constexpr const char* kLists = R"({
  "metadata": {"name": "lists"},
  "spec": {"driver": "dra.example.com", "allNodes": true,
    "pool": {"name": "all", "generation": 0, "resourceSliceCount": 2},
    "devices": [{"name": "d0",
      "attributes": {"ints": {"ints": [1, 2]}, "bools": {"bools": [true]},
        "strings": {"strings": ["a", "b"]}, "versions": {"versions": ["1.0.0", "2.0.0"]}},
      "capacity": {"memory": {"value": "4Gi"}, "cores": {"value": "8"}},
      "nodeAllocatableResourceMappings": {
        "memory": {"capacityKey": "memory"},
        "cpu": {"capacityKey": "cores", "allocationMultiplier": "2"}}}]}})";

constexpr const char* kCounters = R"({
  "metadata": {"name": "counters"},
  "spec": {"driver": "dra.example.com",
    "nodeSelector": {"nodeSelectorTerms": [{
      "matchExpressions": [{"key": "zone", "operator": "In", "values": ["a", "b"]},
        {"key": "gpu", "operator": "Exists"}, {"key": "rank", "operator": "Gt", "values": ["4"]}],
      "matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n1"]}]}]},
    "pool": {"name": "shared", "generation": 3, "resourceSliceCount": 2},
    "sharedCounters": [
      {"name": "set-a", "counters": {"memory": {"value": "40Gi"}, "slots": {"value": "7"}}},
      {"name": "set-b", "counters": {"memory": {"value": "80Gi"}}}]}})";

constexpr const char* kPartitions = R"({
  "metadata": {"name": "partitions"},
  "spec": {"driver": "dra.example.com", "perDeviceNodeSelection": true,
    "pool": {"name": "shared", "generation": 3, "resourceSliceCount": 2},
    "devices": [
      {"name": "p0", "nodeName": "node-1", "consumesCounters": [
        {"counterSet": "set-a", "counters": {"memory": {"value": "10Gi"}, "slots": {"value": "1"}}},
        {"counterSet": "set-b", "counters": {"memory": {"value": "10Gi"}}}]},
      {"name": "p1", "allNodes": true},
      {"name": "p2", "nodeSelector": {"nodeSelectorTerms": [
        {"matchExpressions": [{"key": "zone", "operator": "NotIn", "values": ["c"]}]}]}}]}})";

/// What only 1.37 has: node resources, ranges of fractions, operations that are left out.
constexpr const char* kFractions = R"({
  "metadata": {"name": "fractions"},
  "spec": {"driver": "dra.example.com", "nodeName": "node-1",
    "pool": {"name": "node-1", "generation": 1, "resourceSliceCount": 1},
    "skipNodeOperations": ["NodePrepareResources", "NodeUnprepareResources"],
    "devices": [
      {"name": "d0", "capacity": {"memory": {"value": "4Gi"}, "cores": {"value": "8"}},
       "nodeAllocatableResources": {
         "cpu": {"mapping": {"capacityKey": "cores", "capacityMultiplier": "2"}},
         "memory": {"mapping": {"deviceMultiplier": "1Gi"},
           "overhead": {"perPod": "10Mi", "perContainer": "0"}},
         "hugepages-2Mi": {"overhead": {"perContainer": "2Mi"}}}},
      {"name": "d1", "allowMultipleAllocations": true,
       "capacity": {
         "share": {"value": "1", "requestPolicy": {"default": "250m",
           "validRange": {"min": "100m", "max": "900m", "step": "50m"}}},
         "slots": {"value": "4", "requestPolicy": {"default": "500m",
           "validValues": ["500m", "1", "1500m"]}}}}]}})";

constexpr const char* kTyped = R"({
  "metadata": {"name": "typed"},
  "spec": {"driver": "dra.example.com", "nodeName": "node-1",
    "pool": {"name": "node-1", "generation": 1, "resourceSliceCount": 2},
    "partitionTypeAttribute": "dra.example.com/profile", "skipNodeOperations": ["*"],
    "devices": [
      {"name": "p0", "attributes": {"profile": {"string": "half"}}, "consumesCounters": [
        {"counterSet": "set-a", "counters": {"memory": {"value": "10Gi"}},
         "compatibilityGroups": ["halves", "all"]}]},
      {"name": "p1", "attributes": {"dra.example.com/profile": {"string": "whole"}},
       "consumesCounters": [{"counterSet": "set-a", "counters": {"memory": {"value": "20Gi"}},
         "compatibilityGroups": ["all"]}]},
      {"name": "whole", "attributes": {"profile": {"int": 1}}}]}})";

constexpr const char* kDerivedSpec = R"({"devices": {
  "requests": [
    {"name": "nic", "exactly": {"deviceClassName": "net.example.com", "derivedAttributes": [
      {"name": "example.com/root", "expression": "device.attributes[\"x\"].root"},
      {"name": "example.com/index", "expression": "device.attributes[\"x\"].index % 2"}]}},
    {"name": "gpu", "firstAvailable": [
      {"name": "big", "deviceClassName": "big", "derivedAttributes": [
        {"name": "example.com/root", "expression": "device.driver"}]},
      {"name": "small", "deviceClassName": "small", "derivedAttributes": [
        {"name": "example.com/index", "expression": "[1, 2]"}]}]}],
  "constraints": [{"requests": ["nic", "gpu/big"], "matchAttribute": "example.com/root"},
    {"distinctAttribute": "example.com/index"}]}})";

constexpr const char* kClaimSpec = R"({"devices": {
  "requests": [
    {"name": "nic", "exactly": {"deviceClassName": "net.example.com",
      "selectors": [{"cel": {"expression": "device.driver == \"dra.example.com\""}},
        {"cel": {"expression": "device.attributes[\"x\"].index > 1"}}],
      "allocationMode": "ExactCount", "count": 2,
      "tolerations": [{"key": "example.com/broken", "operator": "Equal", "value": "yes",
        "effect": "NoSchedule", "tolerationSeconds": 5}, {"operator": "Exists"}],
      "capacity": {"requests": {"bandwidth": "1G", "example.com/queues": "4"}}}},
    {"name": "all", "exactly": {"deviceClassName": "net", "allocationMode": "All"}},
    {"name": "gpu", "firstAvailable": [
      {"name": "big", "deviceClassName": "big.example.com", "count": 1,
        "selectors": [{"cel": {"expression": "true"}}],
        "tolerations": [{"key": "a", "operator": "Exists", "effect": "NoExecute"}]},
      {"name": "small", "deviceClassName": "small"}]}],
  "constraints": [{"requests": ["nic", "gpu/big"], "matchAttribute": "example.com/root"},
    {"distinctAttribute": "example.com/index"}],
  "config": [{"requests": ["nic"], "opaque": {"driver": "dra.example.com",
    "parameters": {"mtu": 9000}}}, {"opaque": {"driver": "x", "parameters": {}}}]}})";

constexpr const char* kAllocation = R"({
  "devices": {
    "results": [
      {"request": "nic", "driver": "dra.example.com", "pool": "p", "device": "d0",
        "tolerations": [{"key": "a", "operator": "Exists"}],
        "bindingConditions": ["ready"], "bindingFailureConditions": ["failed"]},
      {"request": "gpu/big", "driver": "dra.example.com", "pool": "p/q", "device": "d1",
        "shareID": "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0",
        "consumedCapacity": {"bandwidth": "1G"}}],
    "config": [{"source": "FromClass", "opaque": {"driver": "x", "parameters": {"a": 1}}},
      {"source": "FromClaim", "requests": ["nic"], "opaque": {"driver": "x", "parameters": {}}}]},
  "nodeSelector": {"nodeSelectorTerms": [{"matchFields": [
    {"key": "metadata.name", "operator": "In", "values": ["n1"]}]}]},
  "allocationTimestamp": "2026-01-02T03:04:05Z"})";

constexpr const char* kState = R"({
  "reservedFor": [{"resource": "pods", "name": "p1", "uid": "u1"},
    {"apiGroup": "example.com", "resource": "things", "name": "t", "uid": "u2"}],
  "devices": [
    {"driver": "dra.example.com", "pool": "p", "device": "d0",
      "conditions": [{"type": "Ready", "status": "True", "reason": "Up", "message": "all is well",
        "lastTransitionTime": "2026-01-02T03:04:05Z", "observedGeneration": 1}],
      "data": {"seen": true},
      "networkData": {"interfaceName": "eth0", "ips": ["10.9.8.7/24", "2001:db8::1/64"],
        "hardwareAddress": "00:11:22:33:44:55"}},
    {"driver": "dra.example.com", "pool": "p/q", "device": "d1",
      "shareID": "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0", "conditions": []}]})";

constexpr const char* kClassSpec = R"({
  "selectors": [{"cel": {"expression": "device.driver == \"dra.example.com\""}}],
  "config": [{"opaque": {"driver": "dra.example.com", "parameters": {"a": 1}}}],
  "extendedResourceName": "example.com/nic"})";

constexpr const char* kRuleSpec = R"({
  "deviceSelector": {"driver": "dra.example.com", "pool": "p/q", "device": "d0"},
  "taint": {"key": "example.com/broken", "value": "yes", "effect": "NoExecute",
    "timeAdded": "2026-01-02T03:04:05Z"}})";

Json parsed(const char* text) {
    auto json = parse_json(text);
    if (!json.ok()) throw std::runtime_error(json.error().message());
    return *std::move(json);
}

Json meta(const char* name, bool namespaced, bool stored) {
    Json metadata = {{"name", name}};
    if (namespaced) metadata["namespace"] = "default";
    if (stored) {
        metadata["uid"] = "12345678-1234-1234-1234-123456789abc";
        metadata["resourceVersion"] = "7";
        metadata["creationTimestamp"] = "2026-01-01T00:00:00Z";
    }
    return metadata;
}

Json object_of(const char* kind, const Json& metadata, Json spec) {
    return {{"apiVersion", "resource.k8s.io/v1"},
            {"kind", kind},
            {"metadata", metadata},
            {"spec", std::move(spec)}};
}

Json write_of(const char* operation, Json before, Json after) {
    Json write = {{"operation", operation}, {"kind", after["kind"]}, {"after", std::move(after)}};
    if (!before.is_null()) write["before"] = std::move(before);
    return write;
}

const std::vector<std::string> kAllVersions = {"v1", "v1beta2", "v1beta1"};

void add_slice(std::vector<Base>& out, const char* name, const char* text) {
    auto slice = parsed(text);
    slice["apiVersion"] = "resource.k8s.io/v1";
    slice["kind"] = "ResourceSlice";
    out.push_back({name, write_of("create", {}, slice), kAllVersions});
    slice["metadata"].update(meta(name, false, true));
    out.push_back({std::string(name) + "-update", write_of("update", slice, slice), kAllVersions});
}

void add_both(std::vector<Base>& out, const char* name, const char* kind, bool namespaced,
              const Json& spec, const std::vector<std::string>& versions) {
    const auto fresh = object_of(kind, meta("x", namespaced, false), spec);
    const auto stored = object_of(kind, meta("x", namespaced, true), spec);
    out.push_back({name, write_of("create", {}, fresh), versions});
    out.push_back({std::string(name) + "-update", write_of("update", stored, stored), versions});
}

void add_statuses(std::vector<Base>& out) {
    const auto plain = object_of("ResourceClaim", meta("x", true, true), parsed(kClaimSpec));
    auto allocated = plain;
    allocated["status"] = parsed(kState);
    allocated["status"]["allocation"] = parsed(kAllocation);
    out.push_back({"allocate", write_of("status", plain, allocated), kAllVersions});
    out.push_back({"use", write_of("status", allocated, allocated), kAllVersions});
    auto free = allocated;
    free["status"] = Json::object();
    out.push_back({"deallocate", write_of("status", allocated, free), kAllVersions});
    auto leaving = allocated;
    leaving["metadata"]["deletionTimestamp"] = "2026-01-03T00:00:00Z";
    leaving["metadata"]["deletionGracePeriodSeconds"] = 0;
    leaving["metadata"]["finalizers"] = {"resource.kubernetes.io/delete-protection"};
    out.push_back({"leave", write_of("status", leaving, leaving), kAllVersions});
    const auto rule = object_of("DeviceTaintRule", meta("x", false, true), parsed(kRuleSpec));
    auto told = rule;
    told["status"]["conditions"] = parsed(kState)["devices"][0]["conditions"];
    out.push_back({"rule-status", write_of("status", rule, told), {"v1beta2", "v1alpha3"}});
}

void add_newest(std::vector<Base>& out) {
    const auto known = out.size();
    add_slice(out, "fractions", kFractions);
    add_slice(out, "typed", kTyped);
    const auto spec = parsed(kDerivedSpec);
    add_both(out, "derived", "ResourceClaim", true, spec, kAllVersions);
    add_both(out, "derived-template", "ResourceClaimTemplate", true, {{"spec", spec}},
             kAllVersions);
    const auto plain = object_of("ResourceClaim", meta("x", true, true), spec);
    auto allocated = plain;
    allocated["status"]["allocation"] = parsed(kAllocation);
    auto& results = allocated["status"]["allocation"]["devices"]["results"];
    results[0]["skipNodeOperations"] = {"*"};
    results[1]["skipNodeOperations"] = {"NodeUnprepareResources", "NodePrepareResources"};
    out.push_back({"skip", write_of("status", plain, allocated), kAllVersions});
    out.push_back({"keep-skipped", write_of("status", allocated, allocated), kAllVersions});
    for (auto i = known; i < out.size(); ++i)
        out[i].since = 37;
}

/// Until 1.34 counters are consumed in the slice that has them.
void add_old(std::vector<Base>& out) {
    const auto known = out.size();
    auto slice = parsed(kPartitions);
    slice["spec"]["sharedCounters"] = parsed(kCounters)["spec"]["sharedCounters"];
    add_slice(out, "old-partitions", to_text(slice).c_str());
    for (auto i = known; i < out.size(); ++i) {
        out[i].since = 33;
        out[i].until = 34;
    }
}

const Json kDevice = {{"name", "d#"}};
const Json kSelector = {{"cel", {{"expression", "true"}}}};
const Json kToleration = {{"key", "k#"}, {"operator", "Exists"}};
const Json kTaint = {
    {"key", "k#"}, {"effect", "NoSchedule"}, {"timeAdded", "2026-01-02T03:04:05Z"}};
const Json kOpaque = {{"opaque", {{"driver", "x"}, {"parameters", Json::object()}}}};
const Json kCondition = {{"type", "T#"},
                         {"status", "True"},
                         {"reason", "R"},
                         {"message", ""},
                         {"lastTransitionTime", "2026-01-02T03:04:05Z"}};

void add_slice_limits(std::vector<Limit>& out) {
    const std::string device = "/spec/devices/0";
    out.push_back({"slice", "/spec/driver", 63, {}});
    out.push_back({"slice", "/spec/pool/name", 253, {}});
    out.push_back({"slice", "/spec/nodeName", 253, {}});
    out.push_back({"slice", "/spec/devices", 64, kDevice});
    out.push_back({"lists", "/spec/devices", 128, kDevice});
    out.push_back({"slice", device + "/name", 63, {}});
    out.push_back({"slice", device + "/attributes", 30, {{"int", 1}}});
    out.push_back({"slice", device + "/capacity", 28, {{"value", "1"}}});
    out.push_back({"lists", device + "/attributes/ints/ints", 43, 1});
    out.push_back({"lists", device + "/attributes/strings/strings", 43, "a"});
    out.push_back({"lists", device + "/attributes/strings/strings/0", 64, {}});
    out.push_back({"slice", device + "/attributes/mac/string", 64, {}});
    out.push_back({"slice", "/spec/devices/2/taints", 16, kTaint});
    out.push_back({"slice", "/spec/devices/2/taints/0/key", 63, {}});
    out.push_back({"slice", "/spec/devices/2/taints/0/value", 63, {}});
    out.push_back({"slice", "/spec/devices/2/bindingConditions", 4, "c#"});
    out.push_back({"slice", "/spec/devices/2/bindingFailureConditions", 4, "f#"});
    const std::string policy = "/spec/devices/1/capacity/queues/requestPolicy";
    out.push_back({"slice", policy + "/validValues", 10, "8"});
    out.push_back({"counters",
                   "/spec/sharedCounters",
                   8,
                   {{"name", "s#"}, {"counters", {{"m", {{"value", "1"}}}}}}});
    out.push_back({"counters", "/spec/sharedCounters/0/name", 63, {}});
    out.push_back({"counters", "/spec/sharedCounters/0/counters", 32, {{"value", "1"}}});
    out.push_back({"partitions",
                   device + "/consumesCounters",
                   2,
                   {{"counterSet", "s#"}, {"counters", {{"m", {{"value", "1"}}}}}}});
    out.push_back({"partitions", device + "/consumesCounters/0/counters", 32, {{"value", "1"}}});
    out.push_back({"partitions", "/spec/devices", 64, {{"name", "d#"}, {"allNodes", true}}});
}

void add_claim_limits(std::vector<Limit>& out) {
    const std::string devices = "/spec/devices";
    const std::string exactly = devices + "/requests/0/exactly";
    out.push_back({"claim",
                   devices + "/requests",
                   32,
                   {{"name", "r#"}, {"exactly", {{"deviceClassName", "c"}}}}});
    out.push_back({"claim", devices + "/requests/0/name", 63, {}});
    out.push_back({"claim",
                   devices + "/requests/2/firstAvailable",
                   8,
                   {{"name", "s#"}, {"deviceClassName", "c"}}});
    out.push_back({"claim", exactly + "/deviceClassName", 253, {}});
    out.push_back({"claim", exactly + "/selectors", 32, kSelector});
    out.push_back({"claim", exactly + "/tolerations", 16, kToleration});
    out.push_back({"claim", devices + "/constraints", 32, {{"matchAttribute", "a.b/c"}}});
    out.push_back({"claim", devices + "/constraints/0/requests", 32, "nic"});
    out.push_back({"claim", devices + "/config", 32, kOpaque});
    out.push_back({"claim", devices + "/config/0/opaque/driver", 63, {}});
    // {"p":"..."} is seven bytes and two more of the quotes.
    out.push_back({"claim", devices + "/config/0/opaque/parameters/p", 10 * 1024 - 8, {}});
    out.push_back({"class", "/spec/selectors", 32, kSelector});
    out.push_back({"class", "/spec/config", 32, kOpaque});
    out.push_back({"template",
                   "/spec" + devices + "/requests",
                   32,
                   {{"name", "r#"}, {"exactly", {{"deviceClassName", "c"}}}}});
    out.push_back({"rule", "/spec/deviceSelector/driver", 63, {}});
    out.push_back({"rule", "/spec/deviceSelector/pool", 253, {}});
    out.push_back({"rule", "/spec/deviceSelector/device", 63, {}});
    out.push_back({"rule-status", "/status/conditions", 8, kCondition});
}

void add_status_limits(std::vector<Limit>& out) {
    const std::string device = "/status/devices/0";
    const Json result = {{"request", "nic"}, {"driver", "x"}, {"pool", "p"}, {"device", "d#"}};
    out.push_back({"allocate", "/status/allocation/devices/results", 32, result});
    out.push_back({"allocate",
                   "/status/allocation/devices/config",
                   64,
                   {{"source", "FromClass"}, {"opaque", kOpaque["opaque"]}}});
    out.push_back(
        {"allocate", "/status/allocation/devices/results/0/tolerations", 16, kToleration});
    out.push_back({"allocate",
                   "/status/reservedFor",
                   256,
                   {{"resource", "pods"}, {"name", "p#"}, {"uid", "u#"}}});
    out.push_back({"use", device + "/conditions", 8, kCondition});
    out.push_back({"use", device + "/conditions/0/reason", 1024, {}});
    out.push_back({"use", device + "/conditions/0/message", 32 * 1024, {}});
    out.push_back({"use", device + "/data/p", 10 * 1024 - 20, {}});
    out.push_back({"use", device + "/networkData/ips", 16, "10.0.0.#/8"});
    out.push_back({"use", device + "/networkData/interfaceName", 256, {}});
    out.push_back({"use", device + "/networkData/hardwareAddress", 128, {}});
}

void add_old_limits(std::vector<Limit>& out) {
    const std::string consumed = "/spec/devices/0/consumesCounters/0/counters";
    out.push_back({"old-partitions", consumed, 31, {{"value", "1"}}});
    out.push_back({"old-partitions", "/spec/sharedCounters/0/counters", 31, {{"value", "1"}}});
    out.push_back({"old-partitions", "/spec/devices/1/taints", 4, kTaint});
}

void add_newest_limits(std::vector<Limit>& out) {
    out.push_back({"typed", "/spec/devices/0/consumesCounters/0/compatibilityGroups", 2, "g#"});
    out.push_back({"skip", "/status/allocation/devices/results/0/skipNodeOperations", 3, "Node#"});
    const std::string derived = "/spec/devices/requests/0/exactly/derivedAttributes";
    out.push_back({"derived", derived, 32, {{"name", "a.b/c#"}, {"expression", "1"}}});
    out.push_back({"derived", derived + "/0/expression", 10 * 1024, {}});
}

}  // namespace

std::vector<Base> valid_writes(int release) {
    std::vector<Base> out;
    add_slice(out, "slice", kSlice);
    add_slice(out, "lists", kLists);
    add_slice(out, "counters", kCounters);
    add_slice(out, "partitions", kPartitions);
    add_both(out, "claim", "ResourceClaim", true, parsed(kClaimSpec), kAllVersions);
    add_both(out, "class", "DeviceClass", false, parsed(kClassSpec), kAllVersions);
    add_both(out, "template", "ResourceClaimTemplate", true,
             {{"metadata", {{"labels", {{"a", "b"}}}, {"annotations", {{"c", "d"}}}}},
              {"spec", parsed(kClaimSpec)}},
             kAllVersions);
    add_both(out, "rule", "DeviceTaintRule", false, parsed(kRuleSpec), {"v1beta2", "v1alpha3"});
    add_statuses(out);
    add_newest(out);
    add_old(out);
    std::erase_if(out,
                  [&](const Base& base) { return base.since > release || base.until < release; });
    return out;
}

std::vector<Limit> limits() {
    std::vector<Limit> out;
    add_slice_limits(out);
    add_claim_limits(out);
    add_status_limits(out);
    add_newest_limits(out);
    add_old_limits(out);
    return out;
}

Json in_v1beta1(Json object) {
    auto& spec = object["spec"];
    if (object["kind"] == "ResourceSlice" && spec.contains("devices")) {
        for (auto& device : spec["devices"]) {
            auto basic = device;
            basic.erase("name");
            device = {{"name", device["name"]}, {"basic", std::move(basic)}};
        }
    }
    const bool is_template = object["kind"] == "ResourceClaimTemplate";
    auto& claim = is_template ? spec["spec"] : spec;
    if (!is_template && object["kind"] != "ResourceClaim") return object;
    for (auto& request : claim["devices"]["requests"]) {
        if (!request.contains("exactly")) continue;
        request.update(Json(request["exactly"]));
        request.erase("exactly");
    }
    return object;
}

}  // namespace knd::differential
