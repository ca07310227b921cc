/* SPDX-License-Identifier: Apache-2.0
 *
 * hello - a backend in one C file. It invents `count` devices; a claim that gets one finds the
 * variable HELLO_DEVICE in its containers. Copy this directory to begin a backend of your own.
 *
 * TOML:  [[backend]]
 *        name = "hello"
 *        library = "knd-hello.so"
 *        config = { count = 4, greeting = "good morning" }
 */
#include <knd/knd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_COUNT 64

struct hello {
    knd_backend face; /* what the host holds; its backend_data points back here */
    const knd_host* host;
    int64_t count;
    char greeting[64];
};

static struct hello* self_of(const knd_backend* b) {
    return b->backend_data;
}

/* One sentence for a person; the host adds backend, claim and device. */
static knd_status fail(knd_error* err, knd_status status, const char* message) {
    snprintf(err->message, sizeof err->message, "%s", message);
    return status;
}

static knd_status start(knd_backend* b, const knd_params* config, knd_error* err) {
    struct hello* self = self_of(b);
    const char* greeting = NULL;
    knd_status status = config->integer(config, "count", 2, &self->count, err);
    if (status != KND_OK) return status; /* the host has filled err: it names the key */
    if (self->count < 0 || self->count > MAX_COUNT)
        return fail(err, KND_INVALID_ARGUMENT, "`count` must be 0 to 64");
    status = config->string(config, "greeting", "hello", &greeting, err);
    if (status != KND_OK) return status;
    snprintf(self->greeting, sizeof self->greeting, "%s", greeting);
    self->host->log(self->host, KND_LOG_INFO, self->greeting);
    return KND_OK;
}

static void stop(knd_backend* b) {
    (void)b;
}

static void destroy(knd_backend* b) {
    free(self_of(b));
}

static knd_status list(knd_backend* b, const knd_call* call, const knd_device_sink* sink,
                       knd_error* err) {
    const struct hello* self = self_of(b);
    (void)err;
    for (int64_t i = 0; i < self->count; ++i) {
        char name[32], key[48];
        const knd_device device = {.size = sizeof device, .name = name, .hardware_key = key};
        snprintf(name, sizeof name, "hello-%d", (int)i);
        snprintf(key, sizeof key, "example.com/hello-%d", (int)i);
        if (call->cancelled(call)) return KND_CANCELLED;
        knd_status status = sink->device(sink, &device);
        if (status == KND_OK) status = sink->attr_int(sink, "index", i);
        if (status == KND_OK) status = sink->attr_string(sink, "greeting", self->greeting);
        if (status == KND_OK) status = sink->attr_version(sink, "protocol", "1.0.0");
        if (status == KND_OK) status = sink->capacity(sink, "words", "2");
        /* KND_INVALID_ARGUMENT: the host leaves this device out and logs why; on to the next. */
        if (status != KND_OK && status != KND_INVALID_ARGUMENT) return status;
    }
    return KND_OK;
}

static knd_status prepare(knd_backend* b, const knd_call* call, const knd_prepare_request* request,
                          const knd_effects* effects, knd_error* err) {
    int index = 0;
    (void)call;
    if (sscanf(request->binding->device, "hello-%d", &index) != 1 || index < 0 ||
        index >= self_of(b)->count)
        return fail(err, KND_NOT_FOUND, "there is no such device");
    return effects->env(effects, "HELLO_DEVICE", request->binding->device);
}

static knd_status unprepare(knd_backend* b, const knd_call* call, const knd_binding* binding,
                            knd_error* err) {
    (void)b, (void)call, (void)binding, (void)err; /* nothing was done, nothing is undone */
    return KND_OK;
}

static const void* extension(const knd_backend* b, const char* id) {
    static const knd_discovery discovery = {sizeof discovery, 0, list};
    static const knd_prepare preparation = {sizeof preparation, 0, prepare, unprepare};
    (void)b;
    if (strcmp(id, KND_EXT_DISCOVERY) == 0) return &discovery;
    if (strcmp(id, KND_EXT_PREPARE) == 0) return &preparation;
    return NULL;
}

static knd_backend* create(const knd_host* host) {
    struct hello* self = calloc(1, sizeof *self);
    if (self == NULL) return NULL;
    self->host = host;
    self->face = (knd_backend){sizeof self->face, 0, self, start, stop, destroy, extension};
    return &self->face;
}

static const knd_descriptor descriptor = {
    sizeof descriptor, 0, "example.com/hello", "Example", "0.1.0", "Devices that say hello",
};

const knd_entry knd_entry_v1 = {KND_ABI_MAJOR, KND_ABI_MINOR, &descriptor, create};
