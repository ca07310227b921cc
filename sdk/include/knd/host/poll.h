/* SPDX-License-Identifier: Apache-2.0
 *
 * knd/host/poll.h - "knd.host.poll/1": the host watches a backend's descriptors and calls its
 * "knd.poll/1" when one is readable, so that most backends need no thread of their own.
 */
#ifndef KND_HOST_POLL_H
#define KND_HOST_POLL_H

#include "../backend.h"

#ifdef __cplusplus
extern "C" {
#endif

#define KND_HOST_POLL "knd.host.poll/1"

typedef struct knd_host_poll {
    uint32_t size;
    uint32_t reserved;
    /* The descriptor stays the backend's; unwatch before closing it. [any] */
    knd_status (*watch)(const knd_host* host, int32_t fd, knd_error* err) KND_NOEXCEPT;
    void (*unwatch)(const knd_host* host, int32_t fd) KND_NOEXCEPT;
} knd_host_poll;

#if UINTPTR_MAX == UINT64_MAX
KND_STATIC_ASSERT(sizeof(knd_host_poll) == 24, "knd_host_poll changed size");
#endif

#ifdef __cplusplus
}
#endif
#endif
