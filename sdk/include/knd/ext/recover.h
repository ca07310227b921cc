/* SPDX-License-Identifier: Apache-2.0
 *
 * knd/ext/recover.h - "knd.recover/1", optional: after a restart, what is still in use?
 */
#ifndef KND_EXT_RECOVER_H
#define KND_EXT_RECOVER_H

#include "prepare.h"

#ifdef __cplusplus
extern "C" {
#endif

#define KND_EXT_RECOVER "knd.recover/1"

typedef struct knd_recover {
    uint32_t size;
    uint32_t reserved;
    /* Called once after start with the complete list of live bindings of this instance. Whatever
     * else the backend finds prepared belongs to nobody: free it. [strand] */
    knd_status (*reconcile)(knd_backend* b, const knd_call* call, const knd_binding* bindings,
                            uint64_t count, knd_error* err) KND_NOEXCEPT;
} knd_recover;

#if UINTPTR_MAX == UINT64_MAX
KND_STATIC_ASSERT(sizeof(knd_recover) == 16, "knd_recover changed size");
#endif

#ifdef __cplusplus
}
#endif
#endif
