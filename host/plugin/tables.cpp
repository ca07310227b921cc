// SPDX-License-Identifier: Apache-2.0
#include "host/plugin/tables.hpp"

#include <algorithm>
#include <initializer_list>

#include "host/model/semver.hpp"

#include <knd/cpp/abi.hpp>

namespace knd::plugin {
namespace {

knd_status refuse(knd_error* err, const char* id) noexcept {
    fill_error(err, std::string("the backend does not offer ") + id, 0);
    return KND_UNIMPLEMENTED;
}

// One stub per optional slot. The required tables have none: without them nothing is loaded.
knd_status no_attach(knd_backend*, const knd_call*, const knd_attach_request*,
                     knd_error* err) noexcept {
    return refuse(err, KND_EXT_ATTACH);
}
knd_status no_check(knd_backend*, const knd_call*, const knd_health_sink*,
                    knd_error* err) noexcept {
    return refuse(err, KND_EXT_HEALTH);
}
knd_status no_reconcile(knd_backend*, const knd_call*, const knd_binding*, std::uint64_t,
                        const knd_recover_sink*, knd_error* err) noexcept {
    return refuse(err, KND_EXT_RECOVER);
}
knd_status no_validate(knd_backend*, const knd_call*, const knd_prepare_request*,
                       knd_error* err) noexcept {
    return refuse(err, KND_EXT_VALIDATE);
}
void no_on_ready(knd_backend*, std::int32_t) noexcept {}

struct Slot {
    Slot(const char* slot, bool is_filled) : name(slot), filled(is_filled) {}
    template <class Pointer>
    Slot(const char* slot, Pointer pointer) : Slot(slot, pointer != nullptr) {}
    const char* name;
    bool filled;
};

Error incomplete(std::string text) {
    return {Code::kFailedPrecondition, std::move(text) + "; the backend has to be repaired"};
}

Result<void> check_slots(const std::string& where, std::initializer_list<Slot> slots) {
    for (const auto& slot : slots) {
        if (!slot.filled) return incomplete(where + " leaves `" + slot.name + "` empty");
    }
    return {};
}

/// Copies the table `id` to `table` if the backend offers it. Tables are frozen by their id, so one
/// that is shorter than this host's was not compiled from the same header.
template <class Table>
Result<bool> fetch(const knd_backend& backend, const char* id, Table& table) {
    const auto* theirs = static_cast<const Table*>(backend.extension(&backend, id));
    if (theirs == nullptr) return false;
    if (theirs->size < sizeof table) {
        return incomplete("its table " + std::string(id) + " has size " +
                          std::to_string(theirs->size) + ", " + std::to_string(sizeof table) +
                          " are needed");
    }
    table = copy_in(theirs);
    return true;
}

Result<void> require(bool offered, const char* id) {
    if (offered) return {};
    return incomplete("it does not offer " + std::string(id) + ", which is required");
}

std::string table_name(const char* id) {
    return "its table " + std::string(id);
}

Result<void> read_required(const knd_backend& backend, Tables& tables) {
    KND_TRY_ASSIGN(const bool discovery, fetch(backend, KND_EXT_DISCOVERY, tables.discovery));
    KND_TRY(require(discovery, KND_EXT_DISCOVERY));
    KND_TRY(check_slots(table_name(KND_EXT_DISCOVERY), {{"list", tables.discovery.list}}));
    KND_TRY_ASSIGN(const bool prepare, fetch(backend, KND_EXT_PREPARE, tables.prepare));
    KND_TRY(require(prepare, KND_EXT_PREPARE));
    KND_TRY(check_slots(table_name(KND_EXT_PREPARE), {{"prepare", tables.prepare.prepare},
                                                      {"unprepare", tables.prepare.unprepare}}));
    tables.offered = {KND_EXT_DISCOVERY, KND_EXT_PREPARE};
    return {};
}

Result<void> read_optional(const knd_backend& backend, Tables& tables) {
    KND_TRY_ASSIGN(const bool attach, fetch(backend, KND_EXT_ATTACH, tables.attach));
    KND_TRY(check_slots(table_name(KND_EXT_ATTACH),
                        {{"attach", tables.attach.attach}, {"detach", tables.attach.detach}}));
    KND_TRY_ASSIGN(const bool health, fetch(backend, KND_EXT_HEALTH, tables.health));
    KND_TRY(check_slots(table_name(KND_EXT_HEALTH), {{"check", tables.health.check}}));
    KND_TRY_ASSIGN(const bool recover, fetch(backend, KND_EXT_RECOVER, tables.recover));
    KND_TRY(check_slots(table_name(KND_EXT_RECOVER), {{"reconcile", tables.recover.reconcile}}));
    KND_TRY_ASSIGN(const bool validate, fetch(backend, KND_EXT_VALIDATE, tables.validate));
    KND_TRY(check_slots(table_name(KND_EXT_VALIDATE), {{"validate", tables.validate.validate}}));
    KND_TRY_ASSIGN(const bool poll, fetch(backend, KND_EXT_POLL, tables.poll));
    KND_TRY(check_slots(table_name(KND_EXT_POLL), {{"on_ready", tables.poll.on_ready}}));
    if (attach) tables.offered.emplace_back(KND_EXT_ATTACH);
    if (health) tables.offered.emplace_back(KND_EXT_HEALTH);
    if (recover) tables.offered.emplace_back(KND_EXT_RECOVER);
    if (validate) tables.offered.emplace_back(KND_EXT_VALIDATE);
    if (poll) tables.offered.emplace_back(KND_EXT_POLL);
    return {};
}

Result<void> check_version(const knd_entry& entry) {
    const auto text = [](std::uint32_t major, std::uint32_t minor) {
        return std::to_string(major) + "." + std::to_string(minor);
    };
    const auto theirs = text(entry.abi_major, entry.abi_minor);
    const auto mine = text(KND_ABI_MAJOR, KND_ABI_MINOR);
    if (entry.abi_major == KND_ABI_MAJOR && entry.abi_minor == KND_ABI_MINOR) return {};
    const bool newer = entry.abi_major > KND_ABI_MAJOR ||
                       (entry.abi_major == KND_ABI_MAJOR && entry.abi_minor > KND_ABI_MINOR);
    if (newer) {
        return Error(Code::kFailedPrecondition, "it is built for backend ABI " + theirs +
                                                    ", newer than this host's " + mine +
                                                    "; update KND Host or rebuild the backend");
    }
    return Error(Code::kFailedPrecondition, "it is built for backend ABI " + theirs +
                                                ", which this host (ABI " + mine +
                                                ") no longer speaks; rebuild the backend");
}

}  // namespace

bool Tables::offers(std::string_view id) const {
    return std::find(offered.begin(), offered.end(), id) != offered.end();
}

Result<void> check_entry(const knd_entry& entry) {
    KND_TRY(check_version(entry));
    KND_TRY(
        check_slots("knd_entry_v1", {{"descriptor", entry.descriptor}, {"create", entry.create}}));
    const auto descriptor = copy_in(entry.descriptor);
    const auto filled = [](const char* text) { return text != nullptr && *text != '\0'; };
    KND_TRY(check_slots("its descriptor", {{"id", filled(descriptor.id)},
                                           {"vendor", filled(descriptor.vendor)},
                                           {"version", filled(descriptor.version)},
                                           {"summary", filled(descriptor.summary)}}));
    if (auto version = Semver::parse(descriptor.version); !version.ok()) {
        return incomplete("its descriptor's version `" + std::string(descriptor.version) +
                          "` is no semantic version");
    }
    return {};
}

Result<Tables> read_tables(const knd_backend& backend) {
    if (backend.size < kLeastBackend) {
        return incomplete("its knd_backend has size " + std::to_string(backend.size) + ", " +
                          std::to_string(kLeastBackend) + " are needed");
    }
    KND_TRY(check_slots("its knd_backend", {{"start", backend.start},
                                            {"stop", backend.stop},
                                            {"destroy", backend.destroy},
                                            {"extension", backend.extension}}));
    Tables tables{.discovery = {},
                  .prepare = {},
                  .attach = {sizeof(knd_attach), 0, no_attach, no_attach},
                  .health = {sizeof(knd_health), 0, no_check},
                  .recover = {sizeof(knd_recover), 0, no_reconcile},
                  .validate = {sizeof(knd_validate), 0, no_validate},
                  .poll = {sizeof(knd_poll), 0, no_on_ready},
                  .offered = {}};
    KND_TRY(read_required(backend, tables));
    KND_TRY(read_optional(backend, tables));
    return tables;
}

}  // namespace knd::plugin
