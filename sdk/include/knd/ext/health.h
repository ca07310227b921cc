/* SPDX-License-Identifier: Apache-2.0
 *
 * knd/ext/health.h - "knd.health/1", optional: which devices work?
 */
#ifndef KND_EXT_HEALTH_H
#define KND_EXT_HEALTH_H

#include "../abi.h"
#include "../backend.h"

#ifdef __cplusplus
extern "C" {
#endif

#define KND_EXT_HEALTH "knd.health/1"

enum { KND_HEALTH_UNKNOWN = 0, KND_HEALTH_HEALTHY = 1, KND_HEALTH_UNHEALTHY = 2 };

typedef struct knd_health_sink {
    uint32_t size;
    uint32_t reserved;
    /* `message` says why, for people; NULL = nothing to say. KND_NOT_FOUND: a device that was not
     * in the last list and that no claim has; go on. */
    knd_status (*device)(const struct knd_health_sink* s, const char* device, int32_t health,
                         const char* message) KND_NOEXCEPT;
    void* host_data;
} knd_health_sink;

typedef struct knd_health {
    uint32_t size;
    uint32_t reserved;
    /* A device that is not reported counts as healthy. At each resync and after health_changed. The
     * host tells the kubelet, which shows it in the pod's status, taints the device as TOML says,
     * and makes an event on the pods that have it. [strand] */
    knd_status (*check)(knd_backend* b, const knd_call* call, const knd_health_sink* sink,
                        knd_error* err) KND_NOEXCEPT;
} knd_health;

#if UINTPTR_MAX == UINT64_MAX
KND_STATIC_ASSERT(sizeof(knd_health_sink) == 24, "knd_health_sink changed size");
KND_STATIC_ASSERT(sizeof(knd_health) == 16, "knd_health changed size");
#endif

#ifdef __cplusplus
}
#endif
#endif
