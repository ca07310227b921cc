// SPDX-License-Identifier: Apache-2.0
//
// The objects of resource.k8s.io as typed values, in the shape of version v1. Readers take any
// served version (v1, v1beta2, v1beta1; v1alpha3 of DeviceTaintRule) and callers only ever see v1.
// resource_read.cpp reads, resource_write.cpp writes.
//
// Readers refuse what cannot be understood (wrong JSON types, bad quantities, an attribute with two
// values) and name the field as Kubernetes does. They do not check limits: that is validation's.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "host/model/core.hpp"
#include "host/model/device.hpp"
#include "host/model/json.hpp"
#include "host/model/quantity.hpp"

#include <knd/cpp/result.hpp>

namespace knd::api {

using DeviceTaint = Taint;
using DeviceToleration = Toleration;

// --- ResourceSlice -------------------------------------------------------------------------------

struct CapacityRange {
    std::optional<Quantity> min, max, step;
    bool operator==(const CapacityRange&) const = default;
};

/// How much of a shared device's capacity a claim may take.
struct CapacityRequestPolicy {
    std::optional<Quantity> default_value;
    std::vector<Quantity> valid_values;
    std::optional<CapacityRange> valid_range;
    bool operator==(const CapacityRequestPolicy&) const = default;
};

struct DeviceCapacity {
    Quantity value;
    std::optional<CapacityRequestPolicy> request_policy;
};

struct CounterSet {
    std::string name;
    std::map<std::string, Quantity> counters;
};

struct CounterConsumption {
    std::string counter_set;
    std::map<std::string, Quantity> counters;
    std::vector<std::string> compatibility_groups;
};

struct SliceDevice {
    std::string name;
    std::map<std::string, AttributeValue> attributes;  ///< keys as written, qualified or not
    /// Attributes with a value of a type that a newer Kubernetes may know, and none that is known.
    std::set<std::string> unknown_attributes;
    std::map<std::string, DeviceCapacity> capacity;
    std::vector<CounterConsumption> consumes_counters;
    /// With ResourceSlice::per_device_node_selection exactly one of these three.
    std::optional<std::string> node_name;
    std::optional<NodeSelector> node_selector;
    bool all_nodes = false;
    std::vector<DeviceTaint> taints;
    bool binds_to_node = false;
    std::vector<std::string> binding_conditions;
    std::vector<std::string> binding_failure_conditions;
    bool allow_multiple_allocations = false;
};

struct ResourcePool {
    std::string name;
    std::int64_t generation = 0;
    std::int64_t slice_count = 0;
};

struct ResourceSlice {
    ObjectMeta meta;
    std::string driver;
    ResourcePool pool;
    std::optional<std::string> node_name;
    std::optional<NodeSelector> node_selector;
    bool all_nodes = false;
    bool per_device_node_selection = false;
    std::vector<SliceDevice> devices;
    std::vector<CounterSet> shared_counters;
    std::vector<std::string> skip_node_operations;  ///< what the node need not do for its devices
};

Result<ResourceSlice> read_resource_slice(const Json& object);

// --- configuration -------------------------------------------------------------------------------

struct OpaqueConfig {
    std::string driver;
    Json parameters;
};

struct DeviceConfig {
    std::vector<std::string> requests;  ///< empty: all; always empty in a class
    std::optional<OpaqueConfig> opaque;
};

struct AllocatedConfig {
    enum class Source { kClass, kClaim };
    Source source = Source::kClass;
    DeviceConfig config;
};

// --- DeviceClass ---------------------------------------------------------------------------------

/// One entry of a selectors list. Empty when the entry was of a type that is not known here.
using Selector = std::optional<std::string>;

struct DeviceClass {
    ObjectMeta meta;
    std::vector<Selector> selectors;  ///< CEL expressions
    std::vector<DeviceConfig> config;
    std::string extended_resource_name;
};

Result<DeviceClass> read_device_class(const Json& object);

// --- ResourceClaim -------------------------------------------------------------------------------

/// An attribute that a request computes of each device, for its claim's constraints.
struct DerivedAttribute {
    std::string name;  ///< fully qualified
    std::string expression;
};

/// `exactly` of a request, or one entry of `firstAvailable`.
struct ExactRequest {
    std::string name;  ///< of the sub-request; empty in `exactly`
    std::string device_class;
    std::vector<Selector> selectors;
    std::string allocation_mode = "ExactCount";  ///< or "All"; others are refused by the allocator
    std::int64_t count = 1;
    bool admin_access = false;
    std::vector<DeviceToleration> tolerations;
    std::map<std::string, Quantity> capacity;  ///< capacity.requests
    std::vector<DerivedAttribute> derived_attributes;
};

struct DeviceRequest {
    std::string name;
    /// Exactly one of the two is set in a valid object.
    std::optional<ExactRequest> exactly;
    std::vector<ExactRequest> first_available;
};

struct DeviceConstraint {
    std::vector<std::string> requests;  ///< "req" or "req/sub"; empty: all
    std::optional<std::string> match_attribute;
    std::optional<std::string> distinct_attribute;
};

struct DeviceClaim {
    std::vector<DeviceRequest> requests;
    std::vector<DeviceConstraint> constraints;
    std::vector<DeviceConfig> config;
};

/// One entry of status.allocation.devices.results.
struct DeviceAllocation {
    std::string request;  ///< "req" or "req/sub"
    std::string driver;
    std::string pool;
    std::string device;
    bool admin_access = false;
    std::vector<DeviceToleration> tolerations;
    std::vector<std::string> binding_conditions;
    std::vector<std::string> binding_failure_conditions;
    std::string share_id;  ///< empty when the device is not shared
    std::map<std::string, Quantity> consumed_capacity;
    std::vector<std::string> skip_node_operations;
};

struct AllocationResult {
    std::vector<DeviceAllocation> results;
    std::vector<AllocatedConfig> config;
    /// Nodes where the devices are within reach; absent: all.
    std::optional<NodeSelector> node_selector;
    std::string allocation_timestamp;  ///< RFC 3339, set by the scheduler, empty when not set
};

struct ClaimConsumer {
    std::string api_group;
    std::string resource;
    std::string name;
    std::string uid;
};

struct ResourceClaim {
    ObjectMeta meta;
    DeviceClaim devices;
    std::optional<AllocationResult> allocation;
    std::vector<ClaimConsumer> reserved_for;
};

Result<ResourceClaim> read_resource_claim(const Json& object);
Result<AllocationResult> read_allocation_result(const Json& allocation);

struct ResourceClaimTemplate {
    ObjectMeta meta;
    ObjectMeta claim_meta;  ///< labels and annotations for the claims made from it
    DeviceClaim devices;
};

Result<ResourceClaimTemplate> read_resource_claim_template(const Json& object);

// --- DeviceTaintRule -----------------------------------------------------------------------------

/// All fields that are set must match.
struct DeviceTaintSelector {
    std::optional<std::string> driver;
    std::optional<std::string> pool;
    std::optional<std::string> device;
};

/// A taint that an administrator puts on devices of any driver.
struct DeviceTaintRule {
    ObjectMeta meta;
    std::optional<DeviceTaintSelector> selector;  ///< absent: no device, empty: every device
    DeviceTaint taint;
};

/// The class and CEL selectors of Kubernetes 1.33 and 1.34 are refused: without them a rule would
/// taint more devices than it was meant for.
Result<DeviceTaintRule> read_device_taint_rule(const Json& object);

// --- writers -------------------------------------------------------------------------------------

/// What goes into status.allocation, v1: empty fields are left out as the API server does.
Json to_json(const AllocationResult& allocation);
Json to_json(const NodeSelector& selector);

}  // namespace knd::api
