/* SPDX-License-Identifier: Apache-2.0
 *
 * The layout of every struct of the ABI on 64-bit machines. A line here changes only together with
 * KND_ABI_MINOR, and after 1.0 lines are only added.
 */
#include <knd/knd.h>

#define AT(type, field, offset) \
    KND_STATIC_ASSERT(offsetof(type, field) == offset, #type "." #field " moved")

AT(knd_error, size, 0);
AT(knd_error, os_error, 4);
AT(knd_error, message, 8);

AT(knd_call, size, 0);
AT(knd_call, flags, 4);
AT(knd_call, deadline_ns, 8);
AT(knd_call, id, 16);
AT(knd_call, cancelled, 24);
AT(knd_call, host_data, 32);

AT(knd_params, size, 0);
AT(knd_params, reserved, 4);
AT(knd_params, string, 8);
AT(knd_params, integer, 16);
AT(knd_params, boolean, 24);
AT(knd_params, length, 32);
AT(knd_params, host_data, 40);

AT(knd_host, size, 0);
AT(knd_host, reserved, 4);
AT(knd_host, log, 8);
AT(knd_host, extension, 16);
AT(knd_host, host_data, 24);
AT(knd_host, instance, 32);
AT(knd_host, driver, 40);
AT(knd_host, node, 48);

AT(knd_descriptor, size, 0);
AT(knd_descriptor, flags, 4);
AT(knd_descriptor, id, 8);
AT(knd_descriptor, vendor, 16);
AT(knd_descriptor, version, 24);
AT(knd_descriptor, summary, 32);

AT(knd_backend, size, 0);
AT(knd_backend, reserved, 4);
AT(knd_backend, backend_data, 8);
AT(knd_backend, start, 16);
AT(knd_backend, stop, 24);
AT(knd_backend, destroy, 32);
AT(knd_backend, extension, 40);

AT(knd_entry, abi_major, 0);
AT(knd_entry, abi_minor, 4);
AT(knd_entry, descriptor, 8);
AT(knd_entry, create, 16);

AT(knd_device, size, 0);
AT(knd_device, flags, 4);
AT(knd_device, name, 8);
AT(knd_device, hardware_key, 16);
AT(knd_device, netdev, 24);
AT(knd_device, withheld, 32);
AT(knd_device, parent_key, 40);

AT(knd_capacity_policy, size, 0);
AT(knd_capacity_policy, valid_count, 4);
AT(knd_capacity_policy, default_value, 8);
AT(knd_capacity_policy, min, 16);
AT(knd_capacity_policy, max, 24);
AT(knd_capacity_policy, step, 32);
AT(knd_capacity_policy, valid_values, 40);

AT(knd_device_sink, size, 0);
AT(knd_device_sink, reserved, 4);
AT(knd_device_sink, device, 8);
AT(knd_device_sink, attr_string, 16);
AT(knd_device_sink, attr_int, 24);
AT(knd_device_sink, attr_bool, 32);
AT(knd_device_sink, attr_version, 40);
AT(knd_device_sink, capacity, 48);
AT(knd_device_sink, host_data, 56);
AT(knd_device_sink, attr_strings, 64);
AT(knd_device_sink, attr_ints, 72);
AT(knd_device_sink, policy, 80);
AT(knd_device_sink, counter, 88);
AT(knd_device_sink, consumes, 96);
AT(knd_device_sink, taint, 104);

AT(knd_discovery, size, 0);
AT(knd_discovery, reserved, 4);
AT(knd_discovery, list, 8);

AT(knd_binding, size, 0);
AT(knd_binding, flags, 4);
AT(knd_binding, claim_uid, 8);
AT(knd_binding, claim, 16);
AT(knd_binding, device, 24);
AT(knd_binding, state, 32);
AT(knd_binding, state_size, 40);
AT(knd_binding, share_id, 48);

AT(knd_pod, size, 0);
AT(knd_pod, reserved, 4);
AT(knd_pod, uid, 8);
AT(knd_pod, name, 16);

AT(knd_consumed, size, 0);
AT(knd_consumed, reserved, 4);
AT(knd_consumed, capacity, 8);
AT(knd_consumed, quantity, 16);
AT(knd_consumed, value, 24);

AT(knd_prepare_request, size, 0);
AT(knd_prepare_request, flags, 4);
AT(knd_prepare_request, binding, 8);
AT(knd_prepare_request, config, 16);
AT(knd_prepare_request, class_config, 24);
AT(knd_prepare_request, request, 32);
AT(knd_prepare_request, consumed, 40);
AT(knd_prepare_request, consumed_count, 48);
AT(knd_prepare_request, pods, 56);
AT(knd_prepare_request, pod_count, 64);

AT(knd_netdev, size, 0);
AT(knd_netdev, ifindex, 4);
AT(knd_netdev, name, 8);
AT(knd_netdev, mac, 16);
AT(knd_netdev, name_in_pod, 24);

AT(knd_link, size, 0);
AT(knd_link, parent_ifindex, 4);
AT(knd_link, kind, 8);
AT(knd_link, parent, 16);
AT(knd_link, name_in_pod, 24);
AT(knd_link, mode, 32);
AT(knd_link, mac, 40);
AT(knd_link, peer, 48);
AT(knd_link, vlan_id, 56);
AT(knd_link, mtu, 60);

AT(knd_node, size, 0);
AT(knd_node, mode, 4);
AT(knd_node, path, 8);
AT(knd_node, container_path, 16);
AT(knd_node, access, 24);
AT(knd_node, owner, 32);
AT(knd_node, uid, 36);
AT(knd_node, gid, 40);
AT(knd_node, reserved, 44);

AT(knd_mount, size, 0);
AT(knd_mount, read_only, 4);
AT(knd_mount, source, 8);
AT(knd_mount, destination, 16);
AT(knd_mount, options, 24);
AT(knd_mount, owner, 32);
AT(knd_mount, uid, 36);
AT(knd_mount, gid, 40);
AT(knd_mount, reserved, 44);

AT(knd_rlimit, size, 0);
AT(knd_rlimit, reserved, 4);
AT(knd_rlimit, type, 8);
AT(knd_rlimit, soft, 16);
AT(knd_rlimit, hard, 24);

AT(knd_rdma_limit, size, 0);
AT(knd_rdma_limit, reserved, 4);
AT(knd_rdma_limit, device, 8);
AT(knd_rdma_limit, hca_handles, 16);
AT(knd_rdma_limit, hca_objects, 24);

AT(knd_network_data, size, 0);
AT(knd_network_data, address_count, 4);
AT(knd_network_data, interface_name, 8);
AT(knd_network_data, hardware_address, 16);
AT(knd_network_data, addresses, 24);

AT(knd_effects, size, 0);
AT(knd_effects, reserved, 4);
AT(knd_effects, netdev, 8);
AT(knd_effects, rdma_link, 16);
AT(knd_effects, device_node, 24);
AT(knd_effects, mount, 32);
AT(knd_effects, env, 40);
AT(knd_effects, state, 48);
AT(knd_effects, host_data, 56);
AT(knd_effects, link, 64);
AT(knd_effects, rlimit, 72);
AT(knd_effects, rdma_limit, 80);
AT(knd_effects, attribute, 88);
AT(knd_effects, network_data, 96);

AT(knd_prepare, size, 0);
AT(knd_prepare, reserved, 4);
AT(knd_prepare, prepare, 8);
AT(knd_prepare, unprepare, 16);

AT(knd_attach_request, size, 0);
AT(knd_attach_request, netns_fd, 4);
AT(knd_attach_request, binding, 8);
AT(knd_attach_request, ifindex, 16);
AT(knd_attach_request, reserved, 20);

AT(knd_attach, size, 0);
AT(knd_attach, reserved, 4);
AT(knd_attach, attach, 8);
AT(knd_attach, detach, 16);

AT(knd_health_sink, size, 0);
AT(knd_health_sink, reserved, 4);
AT(knd_health_sink, device, 8);
AT(knd_health_sink, host_data, 16);

AT(knd_health, size, 0);
AT(knd_health, reserved, 4);
AT(knd_health, check, 8);

AT(knd_recover_sink, size, 0);
AT(knd_recover_sink, reserved, 4);
AT(knd_recover_sink, lost, 8);
AT(knd_recover_sink, host_data, 16);

AT(knd_recover, size, 0);
AT(knd_recover, reserved, 4);
AT(knd_recover, reconcile, 8);

AT(knd_validate, size, 0);
AT(knd_validate, reserved, 4);
AT(knd_validate, validate, 8);

AT(knd_poll, size, 0);
AT(knd_poll, reserved, 4);
AT(knd_poll, on_ready, 8);

AT(knd_host_events, size, 0);
AT(knd_host_events, reserved, 4);
AT(knd_host_events, devices_changed, 8);
AT(knd_host_events, health_changed, 16);

AT(knd_host_poll, size, 0);
AT(knd_host_poll, reserved, 4);
AT(knd_host_poll, watch, 8);
AT(knd_host_poll, unwatch, 16);

AT(knd_host_report, size, 0);
AT(knd_host_report, reserved, 4);
AT(knd_host_report, event, 8);
AT(knd_host_report, metric, 16);
