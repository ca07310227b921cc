/* SPDX-License-Identifier: Apache-2.0 */
#include "oci_state.h"

static int same(const char* a, const char* b) {
    while (*a != '\0' && *a == *b) {
        ++a;
        ++b;
    }
    return *a == *b;
}

static void begin_string(struct oci_state* state) {
    state->in_string = 1;
    state->length = 0;
    state->too_long = 0;
}

static void add_to_string(struct oci_state* state, char c) {
    if (state->length == KND_SANDBOX_ID_MAX) {
        state->too_long = 1;
        return;
    }
    state->text[state->length++] = c;
}

static void end_string(struct oci_state* state) {
    state->in_string = 0;
    state->text[state->length] = '\0';
    if (!state->after_colon || !state->key_matches || !state->in_annotations) return;
    if (state->too_long || state->depth != 2 || state->sandbox_id[0] != '\0') return;
    for (int i = 0; i <= state->length; ++i)
        state->sandbox_id[i] = state->text[i];
}

static void colon(struct oci_state* state) {
    const char* key = state->too_long ? "" : state->text;
    state->after_colon = 1;
    state->key_matches =
        same(key, "io.kubernetes.cri.sandbox-id") || same(key, "io.kubernetes.cri-o.SandboxID");
    if (state->depth == 1) state->in_annotations = same(key, "annotations");
}

static void feed_structure(struct oci_state* state, char c) {
    switch (c) {
        case '"':
            begin_string(state);
            break;
        case ':':
            colon(state);
            break;
        case '{':
        case '[':
            ++state->depth;
            state->after_colon = 0;
            break;
        case '}':
        case ']':
            --state->depth;
            state->after_colon = 0;
            break;
        case ',':
            state->after_colon = 0;
            break;
        default:
            break;
    }
}

void oci_state_feed(struct oci_state* state, const char* data, long size) {
    for (long i = 0; i < size; ++i) {
        const char c = data[i];
        if (!state->in_string) {
            feed_structure(state, c);
        } else if (state->escaped) {
            state->escaped = 0;
            add_to_string(state, c);
        } else if (c == '\\') {
            state->escaped = 1;
        } else if (c == '"') {
            end_string(state);
        } else {
            add_to_string(state, c);
        }
    }
}
