/* SPDX-License-Identifier: Apache-2.0
 *
 * knd/ext/attach.h - "knd.attach/1", optional: work that must see the pod's network namespace,
 * after the host has moved or made the device's interfaces there and before it takes them out. An
 * interface that the backend makes itself (knd_link without kind) is made here; the host configures
 * it afterwards.
 */
#ifndef KND_EXT_ATTACH_H
#define KND_EXT_ATTACH_H

#include "prepare.h"

#ifdef __cplusplus
extern "C" {
#endif

#define KND_EXT_ATTACH "knd.attach/1"

typedef struct knd_attach_request {
    uint32_t size;
    int32_t netns_fd; /* the pod's, also of a device without netdev; borrowed: dup to keep */
    const knd_binding* binding;
    int32_t ifindex; /* of its first interface in the pod; 0 = none */
    int32_t reserved;
} knd_attach_request;

typedef struct knd_attach {
    uint32_t size;
    uint32_t reserved;
    /* Idempotent; undone by detach. Must end well within a second. [strand] */
    knd_status (*attach)(knd_backend* b, const knd_call* call, const knd_attach_request* request,
                         knd_error* err) KND_NOEXCEPT;
    /* netns_fd is -1 when the namespace is gone already. [strand] */
    knd_status (*detach)(knd_backend* b, const knd_call* call, const knd_attach_request* request,
                         knd_error* err) KND_NOEXCEPT;
} knd_attach;

#if UINTPTR_MAX == UINT64_MAX
KND_STATIC_ASSERT(sizeof(knd_attach_request) == 24, "knd_attach_request changed size");
KND_STATIC_ASSERT(sizeof(knd_attach) == 24, "knd_attach changed size");
#endif

#ifdef __cplusplus
}
#endif
#endif
