/* SPDX-License-Identifier: Apache-2.0
 *
 * knd/ext/poll.h - "knd.poll/1", optional: the backend's half of knd/host/poll.h.
 */
#ifndef KND_EXT_POLL_H
#define KND_EXT_POLL_H

#include "../abi.h"
#include "../backend.h"

#ifdef __cplusplus
extern "C" {
#endif

#define KND_EXT_POLL "knd.poll/1"

typedef struct knd_poll {
    uint32_t size;
    uint32_t reserved;
    /* `fd` is readable (or in error). Drain it: it is watched level-triggered. [strand] */
    void (*on_ready)(knd_backend* b, int32_t fd) KND_NOEXCEPT;
} knd_poll;

#if UINTPTR_MAX == UINT64_MAX
KND_STATIC_ASSERT(sizeof(knd_poll) == 16, "knd_poll changed size");
#endif

#ifdef __cplusplus
}
#endif
#endif
