/* SPDX-License-Identifier: Apache-2.0
 *
 * knd/host/events.h - "knd.host.events/1": level triggers from a backend to the host. The host
 * coalesces them, so calling often is cheap.
 */
#ifndef KND_HOST_EVENTS_H
#define KND_HOST_EVENTS_H

#include "../backend.h"

#ifdef __cplusplus
extern "C" {
#endif

#define KND_HOST_EVENTS "knd.host.events/1"

typedef struct knd_host_events {
    uint32_t size;
    uint32_t reserved;
    /* "Call list again." Not a delta. [any] */
    void (*devices_changed)(const knd_host* host) KND_NOEXCEPT;
    /* "Call check again." [any] */
    void (*health_changed)(const knd_host* host) KND_NOEXCEPT;
} knd_host_events;

#if UINTPTR_MAX == UINT64_MAX
KND_STATIC_ASSERT(sizeof(knd_host_events) == 24, "knd_host_events changed size");
#endif

#ifdef __cplusplus
}
#endif
#endif
