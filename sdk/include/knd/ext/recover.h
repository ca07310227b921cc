/* SPDX-License-Identifier: Apache-2.0
 *
 * knd/ext/recover.h - "knd.recover/2": after a restart, what is still in use? Required of a backend
 * whose unprepare does anything: the host may die between a prepare and its own note of it, and
 * only reconcile frees what was prepared then.
 */
#ifndef KND_EXT_RECOVER_H
#define KND_EXT_RECOVER_H

#include "prepare.h"

#ifdef __cplusplus
extern "C" {
#endif

#define KND_EXT_RECOVER "knd.recover/2"

/* Receives what became of bindings. One that is not mentioned is as it was. */
typedef struct knd_recover_sink {
    uint32_t size;
    uint32_t reserved;
    /* What prepare had made for it is not there any more, and why, as a sentence. Its claim's
     * status and an event tell; the next pod that wants the device has it prepared anew.
     * KND_NOT_FOUND: it is not one of the list. */
    knd_status (*lost)(const struct knd_recover_sink* s, const knd_binding* binding,
                       const char* why) KND_NOEXCEPT;
    void* host_data;
} knd_recover_sink;

typedef struct knd_recover {
    uint32_t size;
    uint32_t reserved;
    /* Called after start, before the first list, with the complete list of live bindings of this
     * instance; walk them by the `size` of the first. Whatever else the backend finds prepared by
     * this instance belongs to nobody: free it. [strand] */
    knd_status (*reconcile)(knd_backend* b, const knd_call* call, const knd_binding* bindings,
                            uint64_t count, const knd_recover_sink* sink,
                            knd_error* err) KND_NOEXCEPT;
} knd_recover;

#if UINTPTR_MAX == UINT64_MAX
KND_STATIC_ASSERT(sizeof(knd_recover_sink) == 24, "knd_recover_sink changed size");
KND_STATIC_ASSERT(sizeof(knd_recover) == 16, "knd_recover changed size");
#endif

#ifdef __cplusplus
}
#endif
#endif
