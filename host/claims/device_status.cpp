// SPDX-License-Identifier: Apache-2.0
#include "host/claims/device_status.hpp"

namespace knd {
namespace {

/// The first interface, or what the backend says where there is none of the host's making.
void add_network(const BindingRecord& record, DeviceStatus& status) {
    if (!record.attached.empty()) {
        const auto& facts = record.attached.front();
        status.interface_name = facts.interface_name;
        status.ips = facts.addresses;
        status.hardware_address = facts.hardware_address;
    } else if (const auto& data = record.effects.network_data; data && status.ready) {
        status.interface_name = data->interface_name;
        status.ips = data->addresses;
        status.hardware_address = data->hardware_address;
    }
}

}  // namespace

DeviceStatus status_of(const Binding& binding, const HealthReport* health) {
    const auto& record = binding.record;
    DeviceStatus status;
    status.pool = record.pool;
    status.device = record.device.name;
    status.share_id = record.share_id;
    status.ready = record.state == BindingState::kAttached && binding.lost.empty();
    if (status.ready) {
        status.reason = "Attached";
        status.message = "in pod " + record.pod;
    } else if (!binding.lost.empty()) {
        status.reason = "DeviceLost";
        status.message = binding.lost;
    } else {
        status.reason = record.reason.empty() ? "NotAttached" : "AttachFailed";
        status.message = record.reason.empty() ? "on the node" : record.reason;
    }
    add_network(record, status);
    if (!record.effects.attributes.empty()) status.data = record.effects.attributes;
    if (health != nullptr) status.health = *health;
    return status;
}

}  // namespace knd
