/* SPDX-License-Identifier: Apache-2.0
 *
 * knd/ext/prepare.h - "knd.prepare/1", required: make a device ready for a claim, and describe what
 * that means. The backend describes effects; the host journals, applies and undoes them. So moving
 * netdevs, rollback and crash recovery exist once, in the host.
 */
#ifndef KND_EXT_PREPARE_H
#define KND_EXT_PREPARE_H

#include "../abi.h"
#include "../backend.h"

#ifdef __cplusplus
extern "C" {
#endif

#define KND_EXT_PREPARE "knd.prepare/1"

/* A device in the hands of a claim. (claim_uid, device) is its identity, across restarts too. */
typedef struct knd_binding {
    uint32_t size;
    uint32_t flags; /* none defined: 0 */
    const char* claim_uid;
    const char* claim; /* "namespace/name", for messages */
    const char* device;
    const void* state; /* what prepare left in the effects sink, NULL if nothing */
    uint64_t state_size;
} knd_binding;

typedef struct knd_prepare_request {
    uint32_t size;
    uint32_t reserved;
    const knd_binding* binding;
    /* The claim's configuration for this device, class and claim merged. Keys under "interface",
     * "routes", "rules", "neighbors" and "ethtool" are the host's and not visible here. */
    const knd_params* config;
} knd_prepare_request;

/* Move this netdev into the pod. The host checks ifindex, name and mac again before it touches the
 * device and refuses when one differs. */
typedef struct knd_netdev {
    uint32_t size;
    int32_t ifindex;
    const char* name;
    const char* mac; /* permanent or current address, "00:11:22:33:44:55"; NULL = no guard */
    const char* name_in_pod; /* NULL: the claim's interface.name, else the host's name */
} knd_netdev;

typedef struct knd_node {
    uint32_t size;
    uint32_t mode;    /* permission bits, 0 = 0660 */
    const char* path; /* in host and container: "/dev/infiniband/uverbs0"; resolved at use */
} knd_node;

typedef struct knd_mount {
    uint32_t size;
    uint32_t read_only; /* 0 or 1 */
    const char* source; /* absolute, on the host */
    const char* destination;
} knd_mount;

/* Receives the effects of one prepare; everything is copied. */
typedef struct knd_effects {
    uint32_t size;
    uint32_t reserved;
    knd_status (*netdev)(const struct knd_effects* e, const knd_netdev* n) KND_NOEXCEPT;
    /* Moved with the pod only while the system is in exclusive RDMA mode. */
    knd_status (*rdma_link)(const struct knd_effects* e, const char* name) KND_NOEXCEPT;
    knd_status (*device_node)(const struct knd_effects* e, const knd_node* n) KND_NOEXCEPT;
    knd_status (*mount)(const struct knd_effects* e, const knd_mount* m) KND_NOEXCEPT;
    knd_status (*env)(const struct knd_effects* e, const char* key, const char* value) KND_NOEXCEPT;
    /* At most 4 KiB, given back in every later binding: a backend keeps no files. */
    knd_status (*state)(const struct knd_effects* e, const void* data, uint64_t size) KND_NOEXCEPT;
    void* host_data;
} knd_effects;

typedef struct knd_prepare {
    uint32_t size;
    uint32_t reserved;
    /* Idempotent: a live binding is OK with the same effects. May take seconds. On failure nothing
     * is left behind. [strand] */
    knd_status (*prepare)(knd_backend* b, const knd_call* call, const knd_prepare_request* request,
                          const knd_effects* effects, knd_error* err) KND_NOEXCEPT;
    /* Idempotent: an unknown binding is KND_OK or KND_NOT_FOUND. [strand] */
    knd_status (*unprepare)(knd_backend* b, const knd_call* call, const knd_binding* binding,
                            knd_error* err) KND_NOEXCEPT;
} knd_prepare;

#if UINTPTR_MAX == UINT64_MAX
KND_STATIC_ASSERT(sizeof(knd_binding) == 48, "knd_binding changed size");
KND_STATIC_ASSERT(sizeof(knd_prepare_request) == 24, "knd_prepare_request changed size");
KND_STATIC_ASSERT(sizeof(knd_netdev) == 32, "knd_netdev changed size");
KND_STATIC_ASSERT(sizeof(knd_node) == 16, "knd_node changed size");
KND_STATIC_ASSERT(sizeof(knd_mount) == 24, "knd_mount changed size");
KND_STATIC_ASSERT(sizeof(knd_effects) == 64, "knd_effects changed size");
KND_STATIC_ASSERT(sizeof(knd_prepare) == 24, "knd_prepare changed size");
#endif

#ifdef __cplusplus
}
#endif
#endif
