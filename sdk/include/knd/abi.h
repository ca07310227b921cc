/* SPDX-License-Identifier: Apache-2.0
 *
 * knd/abi.h - what both sides of the ABI agree on: status codes, errors, one call, and parameters.
 *
 * Evolution (sdk/README.md, rules KND-V*): behaviour is versioned by extension id, data structs by
 * their first field `size`, the whole by the name of the entry symbol. Fields are only appended, a
 * zero in an appended field means the old behaviour, and no struct has implicit padding.
 *
 * Memory: inputs are valid until the function returns; outputs go into a sink or a caller's buffer,
 * which copy. Nobody frees what the other side allocated. Strings are NUL-terminated UTF-8.
 *
 * Threads: every function carries one of two tags.
 *   [strand]  the host never overlaps two strand calls on one instance; the OS thread may differ
 *   [any]     any thread, at any time, also while a [strand] call runs
 */
#ifndef KND_ABI_H
#define KND_ABI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define KND_EXTERN_C extern "C"
#define KND_NOEXCEPT noexcept
#define KND_STATIC_ASSERT(condition, text) static_assert(condition, text)
extern "C" {
#else
#define KND_EXTERN_C extern
#define KND_NOEXCEPT
#define KND_STATIC_ASSERT(condition, text) _Static_assert(condition, text)
#endif

#define KND_EXPORT __attribute__((visibility("default")))

/* The ABI is 0.x until it freezes as 1.0: a backend loads only where major and minor are known. */
#define KND_ABI_MAJOR 0u
#define KND_ABI_MINOR 3u

/* The gRPC status codes, same numbers, so that a status reaches the kubelet untranslated. */
typedef int32_t knd_status;
enum {
    KND_OK = 0,
    KND_CANCELLED = 1,
    KND_UNKNOWN = 2,           /* a bug, as KND_INTERNAL; so is any number that is not listed */
    KND_INVALID_ARGUMENT = 3,  /* permanent for this claim: told to the user, not retried */
    KND_DEADLINE_EXCEEDED = 4, /* the next call repeats; it must be idempotent */
    KND_NOT_FOUND = 5,         /* prepare: device vanished, host rescans; unprepare/detach: done */
    KND_ALREADY_EXISTS = 6,
    KND_PERMISSION_DENIED = 7,   /* instance degraded, readiness shows it */
    KND_RESOURCE_EXHAUSTED = 8,  /* told to the kubelet, host rescans */
    KND_FAILED_PRECONDITION = 9, /* permanent for this claim */
    KND_ABORTED = 10,            /* retried with backoff until the deadline */
    KND_OUT_OF_RANGE = 11,       /* permanent for this claim */
    KND_UNIMPLEMENTED = 12,      /* permanent for this claim */
    KND_INTERNAL = 13,    /* a bug: counted. Five in ten minutes for one claim keep that claim out
                             for a while; bugs for three claims, or none, the instance */
    KND_UNAVAILABLE = 14, /* retried with backoff until the deadline */
    KND_DATA_LOSS = 15,   /* instance degraded */
    KND_UNAUTHENTICATED = 16
};

/* Why a call failed. Owned by the caller, filled by the callee when it returns anything but KND_OK.
 * `message` is one sentence for a person, without the device's name (the host adds it). */
typedef struct knd_error {
    uint32_t size;
    int32_t os_error; /* errno value, 0 = none */
    char message[504];
} knd_error;

/* One request. Valid until the function that got it returns. */
typedef struct knd_call {
    uint32_t size;
    uint32_t flags; /* none defined: 0 */
    /* CLOCK_MONOTONIC; 0 = none. Return KND_DEADLINE_EXCEEDED when it passes. */
    int64_t deadline_ns;
    const char* id; /* appears in every log line of this request */
    /* True once nobody waits for the answer: undo and return KND_CANCELLED within 100 ms. [any] */
    bool (*cancelled)(const struct knd_call* call) KND_NOEXCEPT;
    void* host_data;
} knd_call;

/* Read-only configuration: the TOML of an instance, or the JSON of a claim. Keys are dotted paths;
 * "vf[2].mac" is the third element of a list. The host notices which keys were read and reports the
 * others as unknown, so read every key that you support, also when you will not use it. */
typedef struct knd_params {
    uint32_t size;
    uint32_t reserved;
    /* Each returns KND_OK with the value or, if the key is absent, the fallback;
     * KND_INVALID_ARGUMENT with `err` filled when the value has another type. [any]
     * A string stays valid as long as the params do. */
    knd_status (*string)(const struct knd_params* p, const char* key, const char* fallback,
                         const char** value, knd_error* err) KND_NOEXCEPT;
    knd_status (*integer)(const struct knd_params* p, const char* key, int64_t fallback,
                          int64_t* value, knd_error* err) KND_NOEXCEPT;
    knd_status (*boolean)(const struct knd_params* p, const char* key, bool fallback, bool* value,
                          knd_error* err) KND_NOEXCEPT;
    /* Number of elements of a list; 0 if the key is absent. */
    knd_status (*length)(const struct knd_params* p, const char* key, int64_t* value,
                         knd_error* err) KND_NOEXCEPT;
    void* host_data;
} knd_params;

KND_STATIC_ASSERT(sizeof(knd_error) == 512, "knd_error must stay 512 bytes");
#if UINTPTR_MAX == UINT64_MAX
KND_STATIC_ASSERT(sizeof(knd_call) == 40, "knd_call changed size");
KND_STATIC_ASSERT(sizeof(knd_params) == 48, "knd_params changed size");
#endif

#ifdef __cplusplus
}
#endif
#endif
