/* SPDX-License-Identifier: Apache-2.0
 *
 * knd/ext/discovery.h - "knd.discovery/1", required: what devices are there?
 */
#ifndef KND_EXT_DISCOVERY_H
#define KND_EXT_DISCOVERY_H

#include "../abi.h"
#include "../backend.h"

#ifdef __cplusplus
extern "C" {
#endif

#define KND_EXT_DISCOVERY "knd.discovery/1"

typedef struct knd_device {
    uint32_t size;
    uint32_t reserved;
    /* DNS label, at most 63 characters, unique in this instance, the same after a reboot. */
    const char* name;
    /* What it is physically: "pci:0000:3b:00.1", "net:dra0". Two backends that report one key mean
     * one device; it belongs to the first in config order. */
    const char* hardware_key;
    /* Name of its netdev in the host's network namespace, or NULL. The host never offers the
     * uplink. */
    const char* netdev;
    /* Why the backend does not offer it, as a sentence that goes on after "not offered: ". NULL or
     * empty: it does. The API server never sees a device with one; `kndctl explain device` does. */
    const char* withheld;
} knd_device;

/* Receives the devices. attr_* and capacity describe the last device(). Everything is copied. The
 * sink checks the limits of resource.k8s.io (32 attributes and capacities per device, 64 bytes per
 * string, names that are C identifiers or "domain/name", semantic versions). A call that breaks one
 * answers KND_INVALID_ARGUMENT: the host logs why and leaves that device out, the others stand, so
 * go on with the next device. Any other status ends the list: return it. A name without domain gets
 * the driver's name as domain. */
typedef struct knd_device_sink {
    uint32_t size;
    uint32_t reserved;
    knd_status (*device)(const struct knd_device_sink* s, const knd_device* d) KND_NOEXCEPT;
    knd_status (*attr_string)(const struct knd_device_sink* s, const char* name,
                              const char* value) KND_NOEXCEPT;
    knd_status (*attr_int)(const struct knd_device_sink* s, const char* name,
                           int64_t value) KND_NOEXCEPT;
    knd_status (*attr_bool)(const struct knd_device_sink* s, const char* name,
                            bool value) KND_NOEXCEPT;
    knd_status (*attr_version)(const struct knd_device_sink* s, const char* name,
                               const char* semver) KND_NOEXCEPT;
    knd_status (*capacity)(const struct knd_device_sink* s, const char* name,
                           const char* quantity) KND_NOEXCEPT;
    void* host_data;
} knd_device_sink;

typedef struct knd_discovery {
    uint32_t size;
    uint32_t reserved;
    /* The complete list as of now. Called after start, after devices_changed, and at every resync
     * period. A failed list changes nothing at the host. A device that is away in a pod may be left
     * out: the host goes on publishing it with the attributes it had. [strand] */
    knd_status (*list)(knd_backend* b, const knd_call* call, const knd_device_sink* sink,
                       knd_error* err) KND_NOEXCEPT;
} knd_discovery;

#if UINTPTR_MAX == UINT64_MAX
KND_STATIC_ASSERT(sizeof(knd_device) == 40, "knd_device changed size");
KND_STATIC_ASSERT(sizeof(knd_device_sink) == 64, "knd_device_sink changed size");
KND_STATIC_ASSERT(sizeof(knd_discovery) == 16, "knd_discovery changed size");
#endif

#ifdef __cplusplus
}
#endif
#endif
