/* SPDX-License-Identifier: Apache-2.0
 *
 * knd/backend.h - a backend library: the one symbol it exports and the instance that it makes.
 *
 * Life of an instance:
 *   dlopen, create, start, [reconcile],
 *   { list | check | validate, prepare, [attach, detach]*, unprepare }*, stop, destroy
 * The library is never unloaded. A binding (claim uid + device name) outlives `stop` and the
 * process.
 *
 * A backend is as privileged as the daemon. It installs no signal handlers, calls no exit, abort or
 * fork, writes nothing to stdout or stderr, and returns from each call with network namespace, cwd,
 * umask, signal mask and locale as it found them.
 */
#ifndef KND_BACKEND_H
#define KND_BACKEND_H

#include "abi.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Log levels of knd_host.log. */
enum { KND_LOG_DEBUG = 0, KND_LOG_INFO = 1, KND_LOG_WARN = 2, KND_LOG_ERROR = 3 };

/* What the host offers. Lives from create until after destroy. */
typedef struct knd_host {
    uint32_t size;
    uint32_t reserved;
    /* One line; the host adds backend, call and device. [any] */
    void (*log)(const struct knd_host* host, int32_t level, const char* message) KND_NOEXCEPT;
    /* A host extension (knd/host/), or NULL when this host does not have it. [any] */
    const void* (*extension)(const struct knd_host* host, const char* id)KND_NOEXCEPT;
    void* host_data;
    /* Since 0.3. The instance's name in TOML, "tap-a": two instances of one library put it into
     * device names and into the names of what they make, to tell their own from their twin's. */
    const char* instance;
    const char* driver; /* the DRA driver's name, "knd.dev": the domain of attributes without one */
    const char* node;   /* name of the Node */
} knd_host;

/* Flags of knd_descriptor. */
enum {
    /* Calls about different devices may overlap; calls about one device never do. */
    KND_CONCURRENT = 1u << 0
};

/* Readable without calling anything. */
typedef struct knd_descriptor {
    uint32_t size;
    uint32_t flags;
    /* All four are required and not empty. */
    const char* id;      /* "example.com/mynic": a domain of yours and a word */
    const char* vendor;  /* for people */
    const char* version; /* semantic version of the backend */
    const char* summary; /* one line */
} knd_descriptor;

typedef struct knd_backend {
    uint32_t size;
    uint32_t reserved;
    void* backend_data;
    /* May take seconds and may call the host. A failure leaves nothing running. [strand] */
    knd_status (*start)(struct knd_backend* b, const knd_params* config,
                        knd_error* err) KND_NOEXCEPT;
    /* Ends the backend's threads; prepared devices stay prepared. [strand] */
    void (*stop)(struct knd_backend* b) KND_NOEXCEPT;
    /* The last call; also without start. [strand] */
    void (*destroy)(struct knd_backend* b) KND_NOEXCEPT;
    /* Function table for an extension id (knd/ext/), or NULL when it is not offered. The same
     * answer for the life of the instance. "knd.discovery/1" and "knd.prepare/1" are required.
     * [any] */
    const void* (*extension)(const struct knd_backend* b, const char* id)KND_NOEXCEPT;
} knd_backend;

typedef struct knd_entry {
    uint32_t abi_major;
    uint32_t abi_minor;
    const knd_descriptor* descriptor;
    /* Cheap; must not call the host. NULL = out of memory. Each call makes another instance. */
    knd_backend* (*create)(const knd_host* host)KND_NOEXCEPT;
} knd_entry;

/* The one exported symbol. An incompatible ABI will have another name. */
#define KND_ENTRY_SYMBOL "knd_entry_v1"
KND_EXTERN_C KND_EXPORT const knd_entry knd_entry_v1;

#if UINTPTR_MAX == UINT64_MAX
KND_STATIC_ASSERT(sizeof(knd_host) == 56, "knd_host changed size");
KND_STATIC_ASSERT(sizeof(knd_descriptor) == 40, "knd_descriptor changed size");
KND_STATIC_ASSERT(sizeof(knd_backend) == 48, "knd_backend changed size");
KND_STATIC_ASSERT(sizeof(knd_entry) == 24, "knd_entry changed size");
#endif

#ifdef __cplusplus
}
#endif
#endif
