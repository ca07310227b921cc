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

/* Flags of knd_device. */
enum {
    /* Several claims may have it at once, each a share (allowMultipleAllocations). Its effects must
     * not move anything that exists once: make an interface per share, or nothing. */
    KND_DEVICE_SHAREABLE = 1u << 0
};

typedef struct knd_device {
    uint32_t size;
    uint32_t flags;
    /* DNS label, at most 63 characters, the same after a reboot, unique in its pool. The default
     * pool holds all devices of the node: put knd_host.instance into names that you make up. Of two
     * devices with one name the first stands. */
    const char* name;
    /* What it is physically. Two backends that report one key mean one device; it belongs to the
     * first in config order. By rule:
     *   "pci:0000:3b:00.1"  a PCI function
     *   "net:NAME"          an interface without hardware of its own, by its name on the host; also
     *                       one that prepare is going to make. Otherwise another backend offers it
     *   "DOMAIN/ANY"        what only this backend knows of: "example.com/port-3" */
    const char* hardware_key;
    /* Name of its netdev in the host's network namespace, or NULL. The host never offers the
     * uplink. */
    const char* netdev;
    /* Why the backend does not offer it, as a sentence that goes on after "not offered: ". NULL or
     * empty: it does. The API server never sees a device with one; `kndctl explain device` does. */
    const char* withheld;
    /* Since 0.3. Hardware key of a device that this one is a part of: a PF of its VF. Whole and
     * part exclude each other: a claim has one or the other. Say so by counters as well, which is
     * what the scheduler understands. Where the API server keeps none, only wholes or only parts
     * are published, as TOML says. NULL: it is no part. */
    const char* parent_key;
} knd_device;

/* How much of a shareable device's capacity a claim gets that asks for less, or for no amount
 * (resource.k8s.io: requestPolicy). Quantities as Kubernetes writes them, "25G"; NULL: not set. */
typedef struct knd_capacity_policy {
    uint32_t size;
    uint32_t valid_count;      /* of valid_values, at most 10; then min, max and step are NULL */
    const char* default_value; /* what a claim gets that asks for none; required */
    const char* min;           /* required without valid_values */
    const char* max;           /* NULL: all of it */
    /* An amount is rounded up to min plus a multiple of this. default_value and max are such
     * amounts themselves, and all four whole numbers. NULL: any amount. */
    const char* step;
    const char* const* valid_values; /* ascending; an amount is rounded up to the next */
} knd_capacity_policy;

/* Receives the devices. attr_*, capacity, policy, consumes and taint describe the last device().
 * Everything is copied. The sink checks the limits of resource.k8s.io (32 attributes and capacities
 * per device, 64 bytes per string, names that are C identifiers or "domain/name", semantic
 * versions). A call that breaks one answers KND_INVALID_ARGUMENT: the host logs why and leaves that
 * device out, the others stand, so go on with the next device. Any other status ends the list:
 * return it. A name without domain gets the driver's name as domain. */
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
    /* Since 0.3. */
    /* Lists, not empty (KEP-5491, alpha in 1.36). A device has at most 48 values in all attributes.
     * An API server that keeps no lists gets the first value alone, under the same name. */
    knd_status (*attr_strings)(const struct knd_device_sink* s, const char* name,
                               const char* const* values, uint64_t count) KND_NOEXCEPT;
    knd_status (*attr_ints)(const struct knd_device_sink* s, const char* name,
                            const int64_t* values, uint64_t count) KND_NOEXCEPT;
    /* How much of `capacity`, reported before, a claim gets. For shareable devices. */
    knd_status (*policy)(const struct knd_device_sink* s, const char* capacity,
                         const knd_capacity_policy* policy) KND_NOEXCEPT;
    /* A counter that devices of this instance share (KEP-4815), `set` and `counter` DNS labels: of
     * a PF "pf0", "vfs", "8". At any time in a list; it describes no device. At most 128 sets with
     * 32 counters each; a set's name is unique in its pool like a device's. When it is refused,
     * the devices that take of it are left out. */
    knd_status (*counter)(const struct knd_device_sink* s, const char* set, const char* counter,
                          const char* quantity) KND_NOEXCEPT;
    /* What this device takes of a counter while a claim has it: the PF all 8, each VF 1. Of at most
     * 2 sets. A device that takes of a counter that is not in the list is left out. */
    knd_status (*consumes)(const struct knd_device_sink* s, const char* set, const char* counter,
                           const char* quantity) KND_NOEXCEPT;
    /* Keeps claims away that do not tolerate it (KEP-5055). `effect`: "None", "NoSchedule" or
     * "NoExecute", which also ends the pods that have it. At most 4. Of health tell by
     * "knd.health/1": the host taints by what TOML says. */
    knd_status (*taint)(const struct knd_device_sink* s, const char* key, const char* value,
                        const char* effect) KND_NOEXCEPT;
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
KND_STATIC_ASSERT(sizeof(knd_device) == 48, "knd_device changed size");
KND_STATIC_ASSERT(sizeof(knd_capacity_policy) == 48, "knd_capacity_policy changed size");
KND_STATIC_ASSERT(sizeof(knd_device_sink) == 112, "knd_device_sink changed size");
KND_STATIC_ASSERT(sizeof(knd_discovery) == 16, "knd_discovery changed size");
#endif

#ifdef __cplusplus
}
#endif
#endif
