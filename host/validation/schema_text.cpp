// SPDX-License-Identifier: Apache-2.0
//
// The types of resource.k8s.io, from 1.32 to 1.37, in the order of their fields in Go.
#include "host/validation/schema.hpp"

namespace knd::validation {

const char* const kSchemaText = R"(
ObjectMeta external
  name string
  generateName string
  namespace string
  selfLink string
  uid string
  resourceVersion string
  generation int
  creationTimestamp time
  deletionTimestamp *time
  deletionGracePeriodSeconds *int
  labels map:string
  annotations map:string
  ownerReferences []OwnerReference
  finalizers []string
  managedFields []ManagedFieldsEntry
OwnerReference external
  apiVersion string
  kind string
  name string
  uid string
  controller *bool
  blockOwnerDeletion *bool
ManagedFieldsEntry external
  manager string
  operation string
  apiVersion string
  time *time
  fieldsType string
  fieldsV1 *raw
  subresource string
Condition external
  type string
  status string
  observedGeneration int
  lastTransitionTime time
  reason string
  message string
NodeSelector
  nodeSelectorTerms []NodeSelectorTerm
NodeSelectorTerm
  matchExpressions []NodeSelectorRequirement
  matchFields []NodeSelectorRequirement
NodeSelectorRequirement
  key string
  operator string
  values []string
ResourceSlice
  apiVersion string
  kind string
  metadata ObjectMeta
  spec ResourceSliceSpec
ResourceSliceSpec
  driver string
  pool ResourcePool
  nodeName *string
  nodeSelector *NodeSelector
  allNodes *bool
  devices []Device
  perDeviceNodeSelection *bool since=33 gate=DRAPartitionableDevices
  sharedCounters []CounterSet since=33 gate=DRAPartitionableDevices
  partitionTypeAttribute *string since=37 gate=DRAPartitionableDevicesType
  skipNodeOperations []string since=37 gate=DRAOptionalNodeOperations
ResourcePool
  name string
  generation int
  resourceSliceCount int
CounterSet
  name string
  counters map:Counter
Counter
  value quantity
Device
  name string
  attributes map:DeviceAttribute
  capacity map:DeviceCapacity
  consumesCounters []DeviceCounterConsumption since=33 gate=DRAPartitionableDevices
  nodeName *string since=33 gate=DRAPartitionableDevices
  nodeSelector *NodeSelector since=33 gate=DRAPartitionableDevices
  allNodes *bool since=33 gate=DRAPartitionableDevices
  taints []DeviceTaint since=33 gate=DRADeviceTaints
  bindsToNode *bool since=34 gate=DRADeviceBindingConditions
  bindingConditions []string since=34 gate=DRADeviceBindingConditions
  bindingFailureConditions []string since=34 gate=DRADeviceBindingConditions
  allowMultipleAllocations *bool since=34 gate=DRAConsumableCapacity
  nodeAllocatableResourceMappings map:NodeMapping since=36 until=36 gate=DRANodeAllocatableResources
  nodeAllocatableResources map:NodeAllocatableResource since=37 gate=DRANodeAllocatableResources
v1beta1.Device
  name string
  basic *BasicDevice
BasicDevice
  &Device
DeviceAttribute
  int *int go=IntValue
  bool *bool go=BoolValue
  string *string go=StringValue
  version *string go=VersionValue
  ints []int go=IntValues since=36 gate=DRAListTypeAttributes
  bools []bool go=BoolValues since=36 gate=DRAListTypeAttributes
  strings []string go=StringValues since=36 gate=DRAListTypeAttributes
  versions []string go=VersionValues since=36 gate=DRAListTypeAttributes
DeviceCapacity
  value quantity
  requestPolicy *CapacityRequestPolicy since=34 gate=DRAConsumableCapacity
CapacityRequestPolicy
  default *quantity
  validValues []quantity
  validRange *CapacityRequestPolicyRange
CapacityRequestPolicyRange
  min *quantity
  max *quantity
  step *quantity
DeviceCounterConsumption
  counterSet string
  counters map:Counter
  compatibilityGroups []string since=37 gate=DRADeviceCompatibilityGroups
NodeMapping
  capacityKey *string
  allocationMultiplier *quantity
NodeAllocatableResource
  mapping *NodeAllocatableMapping
  overhead *NodeAllocatableOverhead
NodeAllocatableMapping
  capacityKey *string
  capacityMultiplier *quantity
  deviceMultiplier *quantity
NodeAllocatableOverhead
  perPod *quantity
  perContainer *quantity
DeviceTaint
  key string
  value string
  effect string
  timeAdded *time
DeviceToleration
  key string
  operator string
  value string
  effect string
  tolerationSeconds *int
ResourceClaim
  apiVersion string
  kind string
  metadata ObjectMeta
  spec ResourceClaimSpec
  status ResourceClaimStatus
ResourceClaimSpec
  devices DeviceClaim
DeviceClaim
  requests []DeviceRequest
  constraints []DeviceConstraint
  config []DeviceClaimConfiguration
DeviceRequest
  name string
  exactly *ExactDeviceRequest
  firstAvailable []DeviceSubRequest since=33 gate=DRAPrioritizedList
ExactDeviceRequest
  deviceClassName string
  selectors []DeviceSelector
  allocationMode string
  count int
  adminAccess *bool gate=DRAAdminAccess
  tolerations []DeviceToleration since=33 gate=DRADeviceTaints gated_since=35
  capacity *CapacityRequirements since=34 gate=DRAConsumableCapacity
  derivedAttributes []DeviceDerivedAttribute since=37 gate=DRADerivedAttributes
v1beta1.DeviceRequest
  name string
  &ExactDeviceRequest
  firstAvailable []DeviceSubRequest since=33 gate=DRAPrioritizedList
DeviceSubRequest
  name string
  deviceClassName string
  selectors []DeviceSelector
  allocationMode string
  count int
  tolerations []DeviceToleration gate=DRADeviceTaints gated_since=35
  capacity *CapacityRequirements since=34 gate=DRAConsumableCapacity
  derivedAttributes []DeviceDerivedAttribute since=37 gate=DRADerivedAttributes
CapacityRequirements
  requests map:quantity
DeviceDerivedAttribute
  name string
  expression string
DeviceSelector
  cel *CELDeviceSelector go=CEL
CELDeviceSelector
  expression string
DeviceConstraint
  requests []string
  matchAttribute *string
  distinctAttribute *string since=34 gate=DRAConsumableCapacity gated_since=35
DeviceClaimConfiguration
  requests []string
  opaque *OpaqueDeviceConfiguration
DeviceClassConfiguration
  opaque *OpaqueDeviceConfiguration
OpaqueDeviceConfiguration
  driver string
  parameters raw
ResourceClaimStatus
  allocation *AllocationResult
  reservedFor []ResourceClaimConsumerReference
  devices []AllocatedDeviceStatus gate=DRAResourceClaimDeviceStatus
AllocationResult
  devices DeviceAllocationResult
  nodeSelector *NodeSelector
  allocationTimestamp *time since=34 gate=DRADeviceBindingConditions gated_until=34
DeviceAllocationResult
  results []DeviceRequestAllocationResult
  config []DeviceAllocationConfiguration
DeviceRequestAllocationResult
  request string
  driver string
  pool string
  device string
  adminAccess *bool gate=DRAAdminAccess
  tolerations []DeviceToleration since=33
  bindingConditions []string since=34 gate=DRADeviceBindingConditions
  bindingFailureConditions []string since=34 gate=DRADeviceBindingConditions
  shareID *string go=ShareID since=34 gate=DRAConsumableCapacity
  consumedCapacity map:quantity since=34 gate=DRAConsumableCapacity
  skipNodeOperations []string since=37 gate=DRAOptionalNodeOperations
DeviceAllocationConfiguration
  source string
  requests []string
  opaque *OpaqueDeviceConfiguration
ResourceClaimConsumerReference
  apiGroup string go=APIGroup
  resource string
  name string
  uid string go=UID
AllocatedDeviceStatus
  driver string
  pool string
  device string
  shareID *string go=ShareID since=34 gate=DRAConsumableCapacity
  conditions []Condition
  data *raw
  networkData *NetworkDeviceData
NetworkDeviceData
  interfaceName string
  ips []string go=IPs
  hardwareAddress string
DeviceClass
  apiVersion string
  kind string
  metadata ObjectMeta
  spec DeviceClassSpec
DeviceClassSpec
  selectors []DeviceSelector
  config []DeviceClassConfiguration
  extendedResourceName *string since=34 gate=DRAExtendedResource
ResourceClaimTemplate
  apiVersion string
  kind string
  metadata ObjectMeta
  spec ResourceClaimTemplateSpec
ResourceClaimTemplateSpec
  metadata ObjectMeta go=
  spec ResourceClaimSpec
DeviceTaintRule
  apiVersion string
  kind string
  metadata ObjectMeta
  spec DeviceTaintRuleSpec
  status DeviceTaintRuleStatus since=35
DeviceTaintRuleSpec
  deviceSelector *DeviceTaintSelector
  taint DeviceTaint
DeviceTaintSelector
  deviceClassName *string until=34
  driver *string
  pool *string
  device *string
  selectors []DeviceSelector until=34
DeviceTaintRuleStatus
  conditions []Condition
)";

}  // namespace knd::validation
