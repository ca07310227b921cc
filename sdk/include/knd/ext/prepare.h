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

/* A device in the hands of a claim. (claim_uid, device, share_id) is its identity, across restarts
 * too. */
typedef struct knd_binding {
    uint32_t size;
    uint32_t flags; /* none defined: 0 */
    const char* claim_uid;
    const char* claim; /* "namespace/name", for messages */
    const char* device;
    const void* state; /* what prepare left in the effects sink, NULL if nothing */
    uint64_t state_size;
    /* Since 0.3. Of a shareable device, of which one claim may have several shares; else "". */
    const char* share_id;
} knd_binding;

/* A pod that the claim is reserved for, as far as it is known at prepare. */
typedef struct knd_pod {
    uint32_t size;
    uint32_t reserved;
    const char* uid;
    const char* name; /* its namespace is the claim's */
} knd_pod;

/* What a claim consumes of a capacity, in the capacity's own unit. */
typedef struct knd_consumed {
    uint32_t size;
    uint32_t reserved;
    const char* capacity; /* qualified, "knd.dev/bandwidth" */
    const char* quantity; /* as Kubernetes writes it, "25G" */
    int64_t value;        /* the same as a number, rounded up; INT64_MAX where it is larger */
} knd_consumed;

/* Flags of knd_prepare_request. */
enum {
    /* adminAccess: the claim looks on, and others may have the device. A backend that has no such
     * thing refuses it with KND_FAILED_PRECONDITION in validate. A backend without "knd.validate/1"
     * is not asked: the host refuses it. */
    KND_REQUEST_ADMIN = 1u << 0
};

typedef struct knd_prepare_request {
    uint32_t size;
    uint32_t flags;
    const knd_binding* binding;
    /* The configuration of this device: the claim's over the DeviceClass's, which may hold
     * defaults, locks, limits and prohibitions; the host has applied them. Keys under "interface",
     * "routes", "rules", "neighbors" and "ethtool" are the host's and not visible here. */
    const knd_params* config;
    /* Since 0.3. What the DeviceClass alone says, which a user cannot change: for settings that
     * only an administrator may allow. Keys that nobody reads here are no error. */
    const knd_params* class_config;
    const char* request; /* of the claim: "nic", or "nic/large" for an alternative */
    const knd_consumed* consumed;
    uint64_t consumed_count;
    const knd_pod* pods;
    uint64_t pod_count;
} knd_prepare_request;

/* Move this netdev into the pod. The host checks ifindex, name and mac again before it touches the
 * device and refuses when one differs. It refuses an uplink, and what another claim or backend has.
 */
typedef struct knd_netdev {
    uint32_t size;
    int32_t ifindex;
    const char* name;
    const char* mac; /* permanent or current address, "00:11:22:33:44:55"; NULL = no guard */
    /* What it is called there unless the claim says; NULL: the host's name. */
    const char* name_in_pod;
} knd_netdev;

/* Make an interface in the pod instead of moving one there: a macvlan takes 0.5 ms, a move 16. It
 * gets the claim's addresses and routes like any other, and is removed at detach. A field that its
 * kind does not have is refused, so is any but parent and name_in_pod where `kind` is NULL. */
typedef struct knd_link {
    uint32_t size;
    int32_t parent_ifindex; /* in the host's namespace; 0 where `kind` has no parent */
    /* "macvlan", "ipvlan", "vlan" or "veth"; NULL: this backend makes the interface itself, in its
     * "knd.attach/1", and removes it in detach. */
    const char* kind;
    const char* parent; /* the parent's name, a guard like knd_netdev.name; NULL without parent */
    const char* name_in_pod; /* unless the claim says; required */
    /* macvlan: bridge, vepa, private, passthru; ipvlan: l2, l3, l3s. NULL: bridge, l2, so that pods
     * of one parent reach each other; the kernel's own choice would be vepa, l3. */
    const char* mode;
    const char* mac;  /* NULL: the kernel's choice. An ipvlan has its parent's: NULL */
    const char* peer; /* of a veth, required: what its end on the host is called */
    int32_t vlan_id;  /* of a vlan: 1 to 4094; else 0 */
    int32_t mtu;      /* 68 to 65535; 0: the parent's */
} knd_link;

/* Which of uid and gid are given. A flag that is not set leaves the owner as it is. */
enum { KND_OWNER_UID = 1u << 0, KND_OWNER_GID = 1u << 1 };

typedef struct knd_node {
    uint32_t size;
    uint32_t mode; /* permission bits, 0 = 0660 */
    /* On the host: "/dev/nic0"; resolved when a container is made. Since 0.3 a path below /sys
     * names devices, the last part perhaps by a pattern, where numbers change:
     * "/sys/devices/pci0000:3a/0000:3b:00.0/infiniband_verbs/uverbs*" is what that function's are
     * called then, at their places in /dev. At least one must be there. */
    const char* path;
    /* Since 0.3. */
    const char* container_path; /* NULL: the same as `path` */
    const char* access; /* for the device cgroup: "r", "w" and "m" in any order; NULL: "rw" */
    uint32_t owner;     /* KND_OWNER_UID, KND_OWNER_GID: of the node in the container */
    uint32_t uid;
    uint32_t gid;
    uint32_t reserved;
} knd_node;

typedef struct knd_mount {
    uint32_t size;
    uint32_t read_only; /* 0 or 1 */
    const char* source; /* absolute, on the host */
    const char* destination;
    /* Since 0.3. */
    /* Besides rbind, rprivate, ro or rw: of nosuid, nodev, noexec, nodiratime and one of noatime,
     * relatime, strictatime, joined by commas. NULL: none. */
    const char* options;
    uint32_t owner; /* KND_OWNER_UID, KND_OWNER_GID: the source gets it before it is mounted */
    uint32_t uid;
    uint32_t gid;
    uint32_t reserved;
} knd_mount;

/* A limit of the container's processes. */
typedef struct knd_rlimit {
    uint32_t size;
    uint32_t reserved;
    const char* type; /* "RLIMIT_MEMLOCK", or another of setrlimit(2); each once */
    uint64_t soft;    /* UINT64_MAX: unlimited; not above `hard` */
    uint64_t hard;
} knd_rlimit;

/* A limit of the container's rdma cgroup for one RDMA device; -1: none. One at least is given. */
typedef struct knd_rdma_limit {
    uint32_t size;
    uint32_t reserved;
    const char* device; /* "mlx5_0" */
    int64_t hca_handles;
    int64_t hca_objects;
} knd_rdma_limit;

/* What the claim's status and the device metadata say of a device without a netdev (KEP-4817). */
typedef struct knd_network_data {
    uint32_t size;
    uint32_t address_count;
    const char* interface_name;   /* at most 256 bytes; NULL: none */
    const char* hardware_address; /* NULL: none */
    const char* const* addresses; /* "192.0.2.5/24"; at most 16 */
} knd_network_data;

/* Receives the effects of one prepare; everything is copied. What it answers KND_OK to is carried
 * out or fails the pod with a reason; nothing is left out in silence. One that it refuses fails the
 * prepare, whatever the backend answers. At most 64 of each kind. */
typedef struct knd_effects {
    uint32_t size;
    uint32_t reserved;
    knd_status (*netdev)(const struct knd_effects* e, const knd_netdev* n) KND_NOEXCEPT;
    /* Moved with the pod only while the system is in exclusive RDMA mode. */
    knd_status (*rdma_link)(const struct knd_effects* e, const char* name) KND_NOEXCEPT;
    /* Nodes, mounts, variables and limits are for the containers that list the claim. */
    knd_status (*device_node)(const struct knd_effects* e, const knd_node* n) KND_NOEXCEPT;
    knd_status (*mount)(const struct knd_effects* e, const knd_mount* m) KND_NOEXCEPT;
    knd_status (*env)(const struct knd_effects* e, const char* key, const char* value) KND_NOEXCEPT;
    /* At most 4 KiB, given back in every later binding: a backend keeps no files. */
    knd_status (*state)(const struct knd_effects* e, const void* data, uint64_t size) KND_NOEXCEPT;
    void* host_data;
    /* Since 0.3. */
    knd_status (*link)(const struct knd_effects* e, const knd_link* l) KND_NOEXCEPT;
    knd_status (*rlimit)(const struct knd_effects* e, const knd_rlimit* r) KND_NOEXCEPT;
    knd_status (*rdma_limit)(const struct knd_effects* e, const knd_rdma_limit* r) KND_NOEXCEPT;
    /* For the metadata that containers read (KEP-5304), besides the attributes of the slice: at
     * most 32, names as in discovery, values up to 256 bytes. */
    knd_status (*attribute)(const struct knd_effects* e, const char* name,
                            const char* value) KND_NOEXCEPT;
    knd_status (*network_data)(const struct knd_effects* e, const knd_network_data* n) KND_NOEXCEPT;
} knd_effects;

typedef struct knd_prepare {
    uint32_t size;
    uint32_t reserved;
    /* Idempotent: a live binding is OK with the same effects. May take seconds. On failure nothing
     * is left behind. [strand] */
    knd_status (*prepare)(knd_backend* b, const knd_call* call, const knd_prepare_request* request,
                          const knd_effects* effects, knd_error* err) KND_NOEXCEPT;
    /* Idempotent: an unknown binding is KND_OK or KND_NOT_FOUND. Also comes after a prepare whose
     * answer the host could not use: an effect or a key was refused, or nobody waited any more. It
     * has the state that this prepare left, if any. [strand] */
    knd_status (*unprepare)(knd_backend* b, const knd_call* call, const knd_binding* binding,
                            knd_error* err) KND_NOEXCEPT;
} knd_prepare;

#if UINTPTR_MAX == UINT64_MAX
KND_STATIC_ASSERT(sizeof(knd_binding) == 56, "knd_binding changed size");
KND_STATIC_ASSERT(sizeof(knd_pod) == 24, "knd_pod changed size");
KND_STATIC_ASSERT(sizeof(knd_consumed) == 32, "knd_consumed changed size");
KND_STATIC_ASSERT(sizeof(knd_prepare_request) == 72, "knd_prepare_request changed size");
KND_STATIC_ASSERT(sizeof(knd_netdev) == 32, "knd_netdev changed size");
KND_STATIC_ASSERT(sizeof(knd_link) == 64, "knd_link changed size");
KND_STATIC_ASSERT(sizeof(knd_node) == 48, "knd_node changed size");
KND_STATIC_ASSERT(sizeof(knd_mount) == 48, "knd_mount changed size");
KND_STATIC_ASSERT(sizeof(knd_rlimit) == 32, "knd_rlimit changed size");
KND_STATIC_ASSERT(sizeof(knd_rdma_limit) == 32, "knd_rdma_limit changed size");
KND_STATIC_ASSERT(sizeof(knd_network_data) == 32, "knd_network_data changed size");
KND_STATIC_ASSERT(sizeof(knd_effects) == 104, "knd_effects changed size");
KND_STATIC_ASSERT(sizeof(knd_prepare) == 24, "knd_prepare changed size");
#endif

#ifdef __cplusplus
}
#endif
#endif
