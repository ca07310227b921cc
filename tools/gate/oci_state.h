/* SPDX-License-Identifier: Apache-2.0
 *
 * Finds the sandbox id in the OCI state that the runtime writes to a hook's stdin: a JSON object
 * whose member "annotations" holds it under the key of containerd or of CRI-O. Fed byte by byte, so
 * the length of the state does not matter. It tells strings from structure, so an annotation that
 * contains the key as text is not mistaken for it; beyond that it checks no syntax: the runtime
 * wrote the state.
 */
#ifndef KND_GATE_OCI_STATE_H
#define KND_GATE_OCI_STATE_H

#ifdef __cplusplus
extern "C" {
#endif

enum { KND_SANDBOX_ID_MAX = 128 };

struct oci_state {
    char sandbox_id[KND_SANDBOX_ID_MAX + 1]; /* empty until it is found */

    /* The string that is being read or was read last; what does not fit is marked as too long. */
    char text[KND_SANDBOX_ID_MAX + 1];
    int length;
    int too_long;

    int depth; /* of braces and brackets */
    int in_string;
    int escaped;        /* the last byte was a backslash within a string */
    int after_colon;    /* the next value belongs to the key below */
    int in_annotations; /* within the object under the top level's "annotations" */
    int key_matches;    /* the key before the colon is one of those looked for */
};

/* `*state` is zeroed before the first call. */
void oci_state_feed(struct oci_state* state, const char* data, long size);

#ifdef __cplusplus
}
#endif

#endif
