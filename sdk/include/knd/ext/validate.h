/* SPDX-License-Identifier: Apache-2.0
 *
 * knd/ext/validate.h - "knd.validate/1", optional: is this configuration right? Asked before each
 * prepare, also one that is repeated for a live binding. With it a typing error in a claim is found
 * before anything is done; a backend without it finds out in prepare, and the host undoes what was
 * done.
 */
#ifndef KND_EXT_VALIDATE_H
#define KND_EXT_VALIDATE_H

#include "prepare.h"

#ifdef __cplusplus
extern "C" {
#endif

#define KND_EXT_VALIDATE "knd.validate/1"

typedef struct knd_validate {
    uint32_t size;
    uint32_t reserved;
    /* Changes nothing. Reads every key that prepare knows: the host refuses the claim when one of
     * `config` was left unread, and names the nearest that was read. Anything but KND_OK refuses
     * the claim with that message; KND_INVALID_ARGUMENT for a value that is wrong. [strand] */
    knd_status (*validate)(knd_backend* b, const knd_call* call, const knd_prepare_request* request,
                           knd_error* err) KND_NOEXCEPT;
} knd_validate;

#if UINTPTR_MAX == UINT64_MAX
KND_STATIC_ASSERT(sizeof(knd_validate) == 16, "knd_validate changed size");
#endif

#ifdef __cplusplus
}
#endif
#endif
