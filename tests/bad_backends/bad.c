/* SPDX-License-Identifier: Apache-2.0
 *
 * bad - backends that misbehave, one library per value of BAD_*. What is not said by a macro is
 * done right, so that each of them is wrong in one way. One test per library says what the host
 * makes of it.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <knd/knd.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const knd_host* the_host;
#ifdef BAD_FLAPPING
static int prepare_calls;
#endif
#ifdef BAD_LIST_WAITS
static char blocker[4096];
#endif
#ifdef BAD_CRASHES
static char crash_where[16];
static char crash_how[16];
#endif
#ifdef BAD_READABLE
static int ends[2];
#endif

static void sleep_ms(int ms) {
    struct timespec left = {ms / 1000, (ms % 1000) * 1000000L};
    while (nanosleep(&left, &left) != 0) {
    }
}

#ifdef BAD_CRASHES
static void crash_in(const char* operation) {
    if (strcmp(operation, crash_where) != 0) return;
    if (strcmp(crash_how, "segv") == 0) raise(SIGSEGV);
    if (strcmp(crash_how, "abort") == 0) abort();
    if (strcmp(crash_how, "exit") == 0) exit(0);
    if (strcmp(crash_how, "_exit") == 0) _exit(0);
    if (strcmp(crash_how, "kill") == 0) kill(getpid(), SIGKILL);
}
#endif

#ifdef BAD_CONSTRUCTOR_CRASHES
__attribute__((constructor)) static void crash(void) {
    raise(SIGSEGV);
}
#endif
#ifdef BAD_CONSTRUCTOR_EXITS
__attribute__((constructor)) static void leave(void) {
    _exit(3);
}
#endif
#ifdef BAD_CONSTRUCTOR_HANGS
__attribute__((constructor)) static void hang(void) {
    sleep_ms(60000);
}
#endif

static knd_status start(knd_backend* b, const knd_params* config, knd_error* err) {
    (void)b, (void)config, (void)err;
#ifdef BAD_FLAPPING
    prepare_calls = 0;
#endif
#ifdef BAD_START_FAILS
    snprintf(err->message, sizeof err->message, "the hardware is on holiday");
    err->os_error = 19;
    return KND_FAILED_PRECONDITION;
#endif
#ifdef BAD_START_WAITS
    const char* file = "";
    const knd_status status = config->string(config, "file", "", &file, err);
    if (status != KND_OK) return status;
    if (access(file, F_OK) != 0) {
        snprintf(err->message, sizeof err->message, "the hardware is not there yet");
        return KND_UNAVAILABLE;
    }
#endif
#ifdef BAD_LIST_WAITS
    const char* path = "";
    const knd_status read = config->string(config, "file", "", &path, err);
    if (read != KND_OK) return read;
    snprintf(blocker, sizeof blocker, "%s", path);
#endif
#ifdef BAD_START_BLOCKS
    const char* blocked_by = "";
    const knd_status found = config->string(config, "file", "", &blocked_by, err);
    if (found != KND_OK) return found;
    while (access(blocked_by, F_OK) == 0)
        sleep_ms(20);
#endif
#ifdef BAD_CRASHES
    const char* text = "";
    if (config->string(config, "where", "", &text, err) != KND_OK) return KND_INVALID_ARGUMENT;
    snprintf(crash_where, sizeof crash_where, "%s", text);
    if (config->string(config, "how", "", &text, err) != KND_OK) return KND_INVALID_ARGUMENT;
    snprintf(crash_how, sizeof crash_how, "%s", text);
    crash_in("start");
#endif
#ifdef BAD_READABLE
    const knd_host_poll* poll = the_host->extension(the_host, KND_HOST_POLL);
    if (pipe(ends) != 0 || write(ends[1], "x", 1) != 1) return KND_UNAVAILABLE;
    const knd_status watched = poll->watch(the_host, ends[0], err);
    if (watched != KND_OK) return watched;
#endif
#ifdef BAD_START_READS_COUNT
    int64_t count = 0;
    return config->integer(config, "count", 1, &count, err);
#endif
    return KND_OK;
}

static void stop(knd_backend* b) {
    (void)b;
}
static void destroy(knd_backend* b) {
    free(b);
}

/* Good device `name` with one attribute. */
static void describe(const knd_device_sink* sink, const char* name) {
    const knd_device device = {.size = sizeof device, .name = name, .hardware_key = "bad:0"};
    if (sink->device(sink, &device) == KND_OK) sink->attr_string(sink, "kind", "bad");
}

static knd_status list(knd_backend* b, const knd_call* call, const knd_device_sink* sink,
                       knd_error* err) {
    (void)b, (void)call, (void)err;
    describe(sink, "good-0");
#if defined(BAD_GARBAGE_NAMES)
    describe(sink, "Not_A_Label");
    describe(sink, "\xff\xfe");
    describe(sink, NULL);
    sink->device(sink, NULL);
#elif defined(BAD_MANY_ATTRIBUTES)
    describe(sink, "greedy");
    for (int i = 0; i < 40; ++i) {
        char name[16];
        snprintf(name, sizeof name, "a%d", i);
        sink->attr_int(sink, name, i);
    }
#elif defined(BAD_ATTRIBUTES)
    describe(sink, "long-text");
    sink->attr_string(sink, "text",
                      "0123456789012345678901234567890123456789012345678901234567890123456789");
    describe(sink, "no-version");
    sink->attr_version(sink, "firmware", "v1");
    describe(sink, "no-quantity");
    sink->capacity(sink, "bandwidth", "fast");
    describe(sink, "bad-name");
    sink->attr_int(sink, "not-an-identifier", 1);
    describe(sink, "twice");
    sink->attr_string(sink, "knd.dev/kind", "again");
#elif defined(BAD_DUPLICATES)
    describe(sink, "good-0");
#elif defined(BAD_HANGS) || defined(BAD_READABLE)
    sleep_ms(1000);
#elif defined(BAD_CRASHES)
    crash_in("list");
#elif defined(BAD_LIST_WAITS)
    while (access(blocker, F_OK) == 0)
        sleep_ms(20);
#elif defined(BAD_IGNORES_CANCEL)
    sleep_ms(300);
#elif defined(BAD_ALWAYS_INTERNAL)
    snprintf(err->message, sizeof err->message, "index out of range");
    return KND_INTERNAL;
#elif defined(BAD_STATUS)
    return 99;
#elif defined(BAD_ERROR_TEXT)
    memset(err->message, 'x', sizeof err->message);
    err->message[0] = '\xff';
    return KND_FAILED_PRECONDITION;
#elif defined(BAD_SILENT_ERROR)
    return KND_PERMISSION_DENIED;
#elif defined(BAD_CWD)
    return chdir("/") == 0 ? KND_OK : KND_INTERNAL;
#elif defined(BAD_UMASK)
    umask(0777);
#elif defined(BAD_SIGNALS)
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
#elif defined(BAD_NETNS)
    return unshare(CLONE_NEWNET) == 0 ? KND_OK : KND_PERMISSION_DENIED;
#elif defined(BAD_ENDLESS)
    for (int i = 0;; ++i) {
        char name[32];
        snprintf(name, sizeof name, "d%d", i);
        const knd_device device = {.size = sizeof device, .name = name, .hardware_key = "bad:0"};
        const knd_status status = sink->device(sink, &device);
        if (status != KND_OK) return status;
    }
#endif
    return KND_OK;
}

static knd_status prepare(knd_backend* b, const knd_call* call, const knd_prepare_request* request,
                          const knd_effects* effects, knd_error* err) {
    (void)b, (void)call, (void)request, (void)effects, (void)err;
#if defined(BAD_EFFECTS)
    const knd_netdev netdev = {sizeof netdev, 0, "eth0", NULL, NULL};
    effects->netdev(effects, &netdev); /* ifindex 0, and the refusal is ignored */
#elif defined(BAD_UMASK)
    umask(0777);
    return effects->state(effects, "made", 4);
#elif defined(BAD_STATE)
    static char state[5000];
    return effects->state(effects, state, sizeof state);
#elif defined(BAD_CRASHES)
    if (strstr(request->binding->claim, "/boom") != NULL) crash_in("prepare");
#elif defined(BAD_PICKY)
    if (strncmp(request->binding->claim_uid, "odd", 3) == 0) {
        snprintf(err->message, sizeof err->message, "stoi");
        return KND_INTERNAL;
    }
#elif defined(BAD_KEEPS_STATE)
    return effects->state(effects, "vf=3", 4); /* and has no knd.recover/2 */
#elif defined(BAD_FLAPPING)
    if (++prepare_calls < 4) {
        snprintf(err->message, sizeof err->message, "firmware is busy");
        return KND_UNAVAILABLE;
    }
#endif
    return KND_OK;
}

static knd_status unprepare(knd_backend* b, const knd_call* call, const knd_binding* binding,
                            knd_error* err) {
    (void)b, (void)call, (void)err;
    char line[128];
    snprintf(line, sizeof line, "unprepare %s", binding->device);
    the_host->log(the_host, KND_LOG_DEBUG, line);
    return KND_NOT_FOUND;
}

#ifdef BAD_HEALTH
static knd_status check(knd_backend* b, const knd_call* call, const knd_health_sink* sink,
                        knd_error* err) {
    (void)b, (void)call, (void)err;
    sink->device(sink, "good-0", KND_HEALTH_UNHEALTHY, "it smokes");
    sink->device(sink, "Not A Label", KND_HEALTH_UNHEALTHY, NULL);
    sink->device(sink, "good-1", KND_HEALTH_HEALTHY, NULL); /* which it does not list */
    return KND_OK;
}
#endif

#ifdef BAD_READABLE
static void on_ready(knd_backend* b, int32_t fd) {
    char byte;
    (void)b;
    if (read(fd, &byte, 1) != 1) abort();
}
#endif

#ifdef BAD_ATTACH_WAITS
/* Longer than it may, and then uses the pod's namespace, of which a test makes a file. */
static knd_status attach(knd_backend* b, const knd_call* call, const knd_attach_request* request,
                         knd_error* err) {
    (void)b, (void)call, (void)err;
    sleep_ms(400);
    return write(request->netns_fd, "x", 1) == 1 ? KND_OK : KND_INTERNAL;
}
#endif

static const void* extension(const knd_backend* b, const char* id) {
    static const knd_discovery discovery = {sizeof discovery, 0, list};
    static const knd_prepare preparation = {sizeof preparation, 0,
#ifdef BAD_HALF_TABLE
                                            prepare, NULL
#else
                                            prepare, unprepare
#endif
    };
    (void)b;
#ifndef BAD_NO_DISCOVERY
    if (strcmp(id, KND_EXT_DISCOVERY) == 0) return &discovery;
#else
    (void)discovery, (void)list;
#endif
    if (strcmp(id, KND_EXT_PREPARE) == 0) return &preparation;
#ifdef BAD_HEALTH
    static const knd_health health = {sizeof health, 0, check};
    if (strcmp(id, KND_EXT_HEALTH) == 0) return &health;
#endif
#ifdef BAD_ATTACH_WAITS
    static const knd_attach attachment = {sizeof attachment, 0, attach, attach};
    if (strcmp(id, KND_EXT_ATTACH) == 0) return &attachment;
#endif
#ifdef BAD_READABLE
    static const knd_poll readiness = {sizeof readiness, 0, on_ready};
    if (strcmp(id, KND_EXT_POLL) == 0) return &readiness;
#endif
#ifdef BAD_SHORT_TABLE
    static const knd_health health = {8, 0, NULL};
    if (strcmp(id, KND_EXT_HEALTH) == 0) return &health;
#endif
    return NULL;
}

static knd_backend* create(const knd_host* host) {
    the_host = host;
#ifdef BAD_CREATE_CRASHES
    raise(SIGABRT);
#endif
#ifdef BAD_CREATE_FAILS
    return NULL;
#endif
    knd_backend* b = calloc(1, sizeof *b);
    if (b == NULL) return NULL;
    *b = (knd_backend){sizeof *b, 0, NULL, start, stop, destroy, extension};
#ifdef BAD_NO_STOP
    b->stop = NULL;
#endif
    (void)extension, (void)stop, (void)sleep_ms;
    return b;
}

static const knd_descriptor descriptor = {
    sizeof descriptor,      0, "example.com/bad", "Example",
#ifdef BAD_VERSION
    "one point two",
#else
    "0.1.0",
#endif
    "Does one thing wrong",
};

#ifdef BAD_MISSING_SYMBOL
extern int a_function_that_does_not_exist(void);
int uses_it(void);
int uses_it(void) {
    return a_function_that_does_not_exist();
}
#endif

#ifdef BAD_NO_ENTRY
const void* const knd_entry_v0 = &descriptor;
static const knd_entry knd_unused = {KND_ABI_MAJOR, KND_ABI_MINOR, &descriptor, create};
const void* keep(void);
const void* keep(void) {
    return &knd_unused;
}
#else
const knd_entry knd_entry_v1 = {
#ifdef BAD_NEWER_ABI
    KND_ABI_MAJOR, KND_ABI_MINOR + 7,
#elif defined(BAD_OLDER_ABI)
    0, 0,
#else
    KND_ABI_MAJOR,
    KND_ABI_MINOR,
#endif
#ifdef BAD_NO_DESCRIPTOR
    NULL,
#else
    &descriptor,
#endif
#ifdef BAD_NO_CREATE
    NULL
#else
    create
#endif
};
#endif
