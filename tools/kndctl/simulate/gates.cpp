// SPDX-License-Identifier: Apache-2.0
#include "tools/kndctl/simulate/gates.hpp"

namespace knd::simulate {

alloc::Features features_of(const Gates& gates) {
    alloc::Features features;
    features.kubernetes_minor = gates.kubernetes_minor();
    features.admin_access = gates.enabled("DRAAdminAccess");
    features.prioritized_list = gates.enabled("DRAPrioritizedList");
    features.partitionable_devices = gates.enabled("DRAPartitionableDevices");
    features.device_taints = gates.enabled("DRADeviceTaints");
    features.consumable_capacity = gates.enabled("DRAConsumableCapacity");
    features.list_attributes = gates.enabled("DRAListTypeAttributes");
    features.compatibility_groups = gates.enabled("DRADeviceCompatibilityGroups");
    features.derived_attributes = gates.enabled("DRADerivedAttributes");
    features.fractional_range = gates.enabled("DRAFractionalCapacityRange");
    features.optional_node_operations = gates.enabled("DRAOptionalNodeOperations");
    // Binding conditions are reported in the claim's status, so that they need that gate as well.
    features.device_binding = gates.enabled("DRADeviceBindingConditions") &&
                              gates.enabled("DRAResourceClaimDeviceStatus");
    return features;
}

}  // namespace knd::simulate
