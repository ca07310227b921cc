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
AT(knd_device, reserved, 4);
AT(knd_device, name, 8);
AT(knd_device, hardware_key, 16);
AT(knd_device, netdev, 24);
AT(knd_device, withheld, 32);

AT(knd_device_sink, size, 0);
AT(knd_device_sink, reserved, 4);
AT(knd_device_sink, device, 8);
AT(knd_device_sink, attr_string, 16);
AT(knd_device_sink, attr_int, 24);
AT(knd_device_sink, attr_bool, 32);
AT(knd_device_sink, attr_version, 40);
AT(knd_device_sink, capacity, 48);
AT(knd_device_sink, host_data, 56);

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

AT(knd_prepare_request, size, 0);
AT(knd_prepare_request, reserved, 4);
AT(knd_prepare_request, binding, 8);
AT(knd_prepare_request, config, 16);

AT(knd_netdev, size, 0);
AT(knd_netdev, ifindex, 4);
AT(knd_netdev, name, 8);
AT(knd_netdev, mac, 16);
AT(knd_netdev, name_in_pod, 24);

AT(knd_node, size, 0);
AT(knd_node, mode, 4);
AT(knd_node, path, 8);

AT(knd_mount, size, 0);
AT(knd_mount, read_only, 4);
AT(knd_mount, source, 8);
AT(knd_mount, destination, 16);

AT(knd_effects, size, 0);
AT(knd_effects, reserved, 4);
AT(knd_effects, netdev, 8);
AT(knd_effects, rdma_link, 16);
AT(knd_effects, device_node, 24);
AT(knd_effects, mount, 32);
AT(knd_effects, env, 40);
AT(knd_effects, state, 48);
AT(knd_effects, host_data, 56);

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

AT(knd_recover, size, 0);
AT(knd_recover, reserved, 4);
AT(knd_recover, reconcile, 8);

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
