/* SPDX-License-Identifier: Apache-2.0
 *
 * knd-gate: a createRuntime hook that holds a container back until the network devices of a claim
 * are in its pod. The daemon says so with a marker (host/sandbox/marker_layout.h); no marker in
 * time, or one that says "failed", refuses the container. So a container never starts without its
 * devices, also when the daemon is dead.
 *
 *   knd-gate --run-dir /run/knd --claim UID --name NAMESPACE/NAME --timeout-ms 5000  < OCI state
 *
 * Exit status: 0 attached; 1 refused, with one line on stderr. The runtime puts 240 characters
 * before it and shows it in the events of the pod: the fact comes first.
 */
#include "host/sandbox/marker_layout.h"

#include "oci_state.h"
#include "system.h"

enum {
    PATH_SIZE = 4096,
    LINE_SIZE = KND_MARKER_MAX + 512,
    QUICK_MS = 200, /* an attach takes some 20 ms: look often at first */
    QUICK_PAUSE_MS = 2,
    PAUSE_MS = 10,
    /* The kubelet gives up after two minutes, and an orphan would hold the pod's runtime shim. */
    LONGEST_WAIT_MS = 100000,
};

/* The compiler makes calls of these out of assignments and loops. */
void* memcpy(void* to, const void* from, size_t size) {
    for (size_t i = 0; i < size; ++i)
        ((volatile char*)to)[i] = ((const char*)from)[i];
    return to;
}

void* memset(void* to, int value, size_t size) {
    for (size_t i = 0; i < size; ++i)
        ((volatile char*)to)[i] = (char)value;
    return to;
}

/* A text that is put together; what does not fit is cut. */
struct line {
    char text[LINE_SIZE];
    size_t length;
};

static void add(struct line* line, const char* text) {
    while (*text != '\0' && line->length + 1 < sizeof line->text) {
        line->text[line->length++] = *text++;
    }
    line->text[line->length] = '\0';
}

static void add_number(struct line* line, long number) {
    char digits[24];
    size_t at = sizeof digits - 1;
    digits[at] = '\0';
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    add(line, digits + at);
}

/* 3040 ms -> "3.0 s" */
static void add_seconds(struct line* line, long milliseconds) {
    add_number(line, milliseconds / 1000);
    add(line, ".");
    add_number(line, milliseconds % 1000 / 100);
    add(line, " s");
}

struct options {
    const char* run_dir;
    const char* claim;
    const char* name;
    long timeout_ms;
};

static int same(const char* a, const char* b) {
    while (*a != '\0' && *a == *b) {
        ++a;
        ++b;
    }
    return *a == *b;
}

static int begins(const char* text, const char* with) {
    while (*with != '\0') {
        if (*text++ != *with++) return 0;
    }
    return 1;
}

/* A name that is a single part of a path, and not a hidden one. */
static int is_component(const char* text) {
    if (text[0] == '\0' || text[0] == '.') return 0;
    for (; *text != '\0'; ++text) {
        if (*text == '/') return 0;
    }
    return 1;
}

/* 0 when it is no number from 1 to the longest wait. */
static long read_timeout(const char* text) {
    long number = 0;
    for (; *text != '\0'; ++text) {
        if (*text < '0' || *text > '9') return 0;
        number = number * 10 + (*text - '0');
        if (number > LONGEST_WAIT_MS) return 0;
    }
    return number;
}

static int read_options(int count, char** arguments, struct options* options) {
    for (int i = 1; i + 1 < count; i += 2) {
        const char* const value = arguments[i + 1];
        if (same(arguments[i], "--run-dir")) {
            options->run_dir = value;
        } else if (same(arguments[i], "--claim")) {
            options->claim = value;
        } else if (same(arguments[i], "--name")) {
            options->name = value;
        } else if (same(arguments[i], "--timeout-ms")) {
            options->timeout_ms = read_timeout(value);
        } else {
            return 0;
        }
    }
    return count % 2 == 1 && options->run_dir && options->claim && options->name &&
           options->timeout_ms > 0 && is_component(options->claim);
}

static int refuse(struct line* line) {
    line->text[line->length++] = '\n';
    sys_write(2, line->text, line->length);
    return 1;
}

static int refuse_with(const char* text) {
    struct line line = {{0}, 0};
    add(&line, "knd-gate: ");
    add(&line, text);
    return refuse(&line);
}

static void read_state(struct oci_state* state, long deadline) {
    char buffer[4096];
    for (;;) {
        const long left = deadline - now_ms();
        if (left <= 0 || sys_wait(0, left) <= 0) return;
        const long size = sys_read(0, buffer, sizeof buffer);
        if (size <= 0) return;
        oci_state_feed(state, buffer, size);
    }
}

/* The marker, or "" while there is none. */
static void read_marker(const char* path, char* text, long size) {
    text[0] = '\0';
    const int fd = sys_open(path);
    if (fd < 0) return;
    const long length = sys_read(fd, text, (size_t)size - 1);
    text[length > 0 ? length : 0] = '\0';
    sys_close(fd);
}

static int refuse_as_told(const struct options* options, const char* reason) {
    struct line line = {{0}, 0};
    add(&line, "knd-gate: network of claim ");
    add(&line, options->name);
    add(&line, ": ");
    add(&line, reason);
    if (line.length > 0 && line.text[line.length - 1] == '\n') --line.length;
    return refuse(&line);
}

static int refuse_late(const struct options* options, const char* sandbox_id) {
    struct line line = {{0}, 0};
    char short_id[13] = {0};
    for (int i = 0; i < 12 && sandbox_id[i] != '\0'; ++i)
        short_id[i] = sandbox_id[i];
    add(&line, "knd-gate: network of claim ");
    add(&line, options->name);
    add(&line, " is not attached after ");
    add_seconds(&line, options->timeout_ms);
    add(&line, " (sandbox ");
    add(&line, short_id);
    add(&line, "): see the events of the pod, and whether kndd runs on this node");
    return refuse(&line);
}

static int wait_for_marker(const struct options* options, const char* sandbox_id, long started) {
    struct line path = {{0}, 0};
    char marker[KND_MARKER_MAX + 1];
    add(&path, options->run_dir);
    add(&path, "/" KND_MARKER_DIRECTORY "/");
    add(&path, sandbox_id);
    add(&path, "/");
    add(&path, options->claim);
    for (;;) {
        read_marker(path.text, marker, sizeof marker);
        if (same(marker, KND_MARKER_ATTACHED)) return 0;
        if (begins(marker, KND_MARKER_FAILED)) {
            return refuse_as_told(options, marker + sizeof KND_MARKER_FAILED - 1);
        }
        const long waited = now_ms() - started;
        if (waited >= options->timeout_ms) return refuse_late(options, sandbox_id);
        sys_wait(-1, waited < QUICK_MS ? QUICK_PAUSE_MS : PAUSE_MS);
    }
}

static int gate(int count, char** arguments) {
    const long started = now_ms();
    struct options options = {0};
    struct oci_state state = {0};
    if (!read_options(count, arguments, &options)) {
        return refuse_with(
            "usage: knd-gate --run-dir DIR --claim UID --name NAMESPACE/NAME "
            "--timeout-ms 1..100000 < OCI state");
    }
    read_state(&state, started + options.timeout_ms);
    if (!is_component(state.sandbox_id)) {
        return refuse_with(
            "the container runtime does not tell the sandbox: the OCI state lacks the "
            "annotation io.kubernetes.cri.sandbox-id (containerd) or "
            "io.kubernetes.cri-o.SandboxID (CRI-O)");
    }
    return wait_for_marker(&options, state.sandbox_id, started);
}

/* Called by _start with the stack as the kernel set it up: argc, then argv. */
__attribute__((used)) void gate_start(long* stack) {
    sys_exit(gate((int)stack[0], (char**)(stack + 1)));
}
