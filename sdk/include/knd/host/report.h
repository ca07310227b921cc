/* SPDX-License-Identifier: Apache-2.0
 *
 * knd/host/report.h - "knd.host.report/1": what a backend tells users and operators besides the
 * answers to its calls.
 */
#ifndef KND_HOST_REPORT_H
#define KND_HOST_REPORT_H

#include "../backend.h"

#ifdef __cplusplus
extern "C" {
#endif

#define KND_HOST_REPORT "knd.host.report/1"

/* Kinds of a number. */
enum { KND_METRIC_GAUGE = 0, KND_METRIC_COUNTER = 1 };

typedef struct knd_host_report {
    uint32_t size;
    uint32_t reserved;
    /* An event on a claim that this instance has prepared: `kubectl describe resourceclaim` shows
     * it. `warning`: 0 or 1. `reason`: CamelCase, at most 64 characters; `message` is cut at 1,024
     * bytes. At most ten a minute of an instance; more are dropped, counted and answered
     * KND_RESOURCE_EXHAUSTED. [any] */
    knd_status (*event)(const knd_host* host, const char* claim_uid, int32_t warning,
                        const char* reason, const char* message) KND_NOEXCEPT;
    /* A number for /metrics: knd_backend_NAME{backend="...",device="..."}. `name`: lower-case
     * letters, digits and '_', at most 64, always of one kind, and none of the host's own; a
     * counter's, and no other, ends in "_total". `device` NULL: of the whole instance. Replaces the
     * earlier value; NaN takes it away. At most 1,024 of an instance; more are answered
     * KND_RESOURCE_EXHAUSTED. [any] */
    knd_status (*metric)(const knd_host* host, int32_t kind, const char* name, const char* device,
                         double value) KND_NOEXCEPT;
} knd_host_report;

#if UINTPTR_MAX == UINT64_MAX
KND_STATIC_ASSERT(sizeof(knd_host_report) == 24, "knd_host_report changed size");
#endif

#ifdef __cplusplus
}
#endif
#endif
