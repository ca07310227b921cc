// SPDX-License-Identifier: Apache-2.0
#include "host/claims/preparer.hpp"

#include <algorithm>
#include <cassert>
#include <optional>
#include <set>
#include <tuple>

#include "host/claims/conflict.hpp"
#include "host/claims/effects_check.hpp"
#include "host/claims/prepare_request.hpp"
#include "host/claims/safe_name.hpp"
#include "host/model/log.hpp"

namespace knd {

/// One device of a claim.
struct Preparer::Part {
    BindingRecord record;  ///< without effects until its backend has answered
    Backend* backend = nullptr;
    std::optional<Result<Effects>> effects;
};

struct Preparer::Call {
    ClaimRef ref;
    Deadline deadline;
    std::vector<Answer> waiters;
    std::vector<std::function<void()>> afterwards;
    std::vector<PodRef> pods;
    bool read = false;  ///< the API server knows the claim
    std::vector<Part> parts;
    std::size_t awaited = 0;
    Result<void> journalled;
    Result<void> files_written;

    static Backend::Binding binding(const Part& part) {
        return prepare_request(part.record).binding;
    }
};

namespace {

/// "bandwidth" is the driver's own.
std::string qualified(const std::string& driver, const std::string& name) {
    return name.find('/') == std::string::npos ? driver + "/" + name : name;
}

}  // namespace

Preparer::Preparer(const ClaimsOptions& options, const ClaimsPorts& ports, BindingTable& bindings,
                   BindingMachine& machine, ConsumerLookup& consumers, const ClaimFiles& files)
    : options_(options),
      ports_(ports),
      bindings_(bindings),
      machine_(machine),
      consumers_(consumers),
      files_(files) {}

std::vector<Backend::Binding> Preparer::in_flight(std::string_view backend) const {
    std::vector<Backend::Binding> bindings;
    for (const auto& [uid, call] : calls_)
        for (const auto& part : call->parts)
            if (part.record.device.backend == backend) bindings.push_back(Call::binding(part));
    return bindings;
}

const ClaimRef* Preparer::claim_in_flight(const std::string& claim_uid,
                                          std::string_view backend) const {
    const auto found = calls_.find(claim_uid);
    if (found == calls_.end()) return nullptr;
    const auto& parts = found->second->parts;
    const bool asked = std::any_of(parts.begin(), parts.end(), [&](const Part& part) {
        return part.record.device.backend == backend;
    });
    return asked ? &found->second->ref : nullptr;
}

void Preparer::prepare(const ClaimRef& claim, Deadline deadline, Answer done) {
    if (!is_safe_uid(claim.uid))
        return done(Error(Code::kInvalidArgument, "claim " + claim.text() + ": uid \"" + claim.uid +
                                                      "\" is not a Kubernetes uid"));
    if (const auto running = calls_.find(claim.uid); running != calls_.end()) {
        running->second->waiters.push_back(std::move(done));
        return;
    }
    auto call = std::make_shared<Call>();
    call->ref = claim;
    call->deadline = deadline;
    call->waiters.push_back(std::move(done));
    calls_[claim.uid] = call;
    ports_.source.get_claim(claim, [this, alive = std::weak_ptr(alive_), call](Result<Claim> got) {
        if (!alive.expired()) on_claim(call, std::move(got));
    });
}

void Preparer::on_claim(const CallPtr& call, Result<Claim> claim) {
    const auto bindings = bindings_.of_claim(call->ref.uid);
    const bool again =
        !bindings.empty() && std::all_of(bindings.begin(), bindings.end(), [&](const Binding* b) {
            return b->record.boot_id == options_.boot_id;
        });
    // What is prepared serves also while the API server is away.
    if (!claim && (!again || is_gone(claim))) return finish(call, std::move(claim).error());
    if (claim && !bindings.empty()) {
        if (auto checked = check_held(*claim, bindings); !checked) {
            // A kubelet that lost its checkpoint never says that the earlier allocation has ended.
            if (std::none_of(bindings.begin(), bindings.end(),
                             [](const Binding* b) { return b->target; }))
                machine_.end_claim(bindings);
            return finish(call, std::move(checked));
        }
    }
    if (again) {
        // As a kubelet does that was started anew: it stays as it is.
        if (claim) consumers_.add(bindings, pod_uids(claim->reserved_for));
        // The files are in /run and may have been swept away.
        return finish(call, files_.write(bindings_.records_of_claim(call->ref.uid)));
    }
    if (auto checked = check_claim(*call, *std::move(claim)); !checked)
        return finish(call, std::move(checked).error());
    ask_backends(call);
}

/// Whether the claim has still the devices that were prepared for it.
Result<void> Preparer::check_held(const Claim& claim, const std::vector<Binding*>& bindings) const {
    using Share = std::tuple<std::string, std::string, std::string>;
    std::set<Share> allocated;
    for (const auto& device : claim.devices)
        allocated.emplace(device.pool, device.device, device.share_id);
    for (const auto* binding : bindings) {
        const auto& record = binding->record;
        if (allocated.erase({record.pool, record.device.name, record.share_id}) == 0)
            return Error(Code::kAborted,
                         "it was allocated anew while device " + record.device.name +
                             " was prepared for it; prepare it again when that is released");
    }
    if (allocated.empty()) return {};
    return Error(Code::kAborted, "it was allocated anew, with device " +
                                     std::get<1>(*allocated.begin()) +
                                     " as well; prepare it again when the others are released");
}

void Preparer::when_done(const std::string& claim_uid, std::function<void()> then) {
    assert(is_preparing(claim_uid));
    calls_[claim_uid]->afterwards.push_back(std::move(then));
}

Result<void> Preparer::check_claim(Call& call, Claim claim) {
    call.read = true;
    call.pods = claim.reserved_for;
    if (claim.devices.empty())
        return Error(Code::kFailedPrecondition,
                     "no device of driver " + options_.driver + " is allocated to it");
    std::vector<Part> parts;
    std::set<RecordKey> seen;
    for (const auto& allocated : claim.devices) {
        const auto context = "device " + allocated.device;
        auto part = check_device(call, claim, allocated);
        if (!part) return std::move(part).error().wrap(context);
        if (!seen.insert(part->record.key()).second)
            return Error(Code::kFailedPrecondition,
                         context +
                             ": it is allocated to this claim twice, and a pod can have it "
                             "only once");
        parts.push_back(*std::move(part));
    }
    call.parts = std::move(parts);
    return {};
}

Result<Preparer::Part> Preparer::check_device(const Call& call, const Claim& claim,
                                              const AllocatedDevice& allocated) {
    KND_TRY_ASSIGN(const auto found, ports_.devices.find(allocated.pool, allocated.device));
    KND_TRY_ASSIGN(const auto merged, merge_configs(allocated.class_configs, allocated.configs,
                                                    allocated.device_class));
    KND_TRY_ASSIGN(auto config, read_network_config(merged));
    Part part;
    part.backend = found.backend;
    auto& record = part.record;
    record.claim = call.ref;
    record.pod_claim_name = claim.pod_claim_name;
    record.pods = pod_uids(claim.reserved_for);
    record.request = allocated.request;
    record.pool = allocated.pool;
    record.share_id = allocated.share_id;
    record.admin_access = allocated.admin_access;
    for (const auto& [capacity, quantity] : allocated.consumed)
        record.consumed[qualified(options_.driver, capacity)] = quantity;
    record.device = found.device;
    record.network = std::move(config.network);
    record.config = std::move(config.backend);
    record.class_config = std::move(config.backend_class);
    record.boot_id = options_.boot_id;
    record.prepared_ms = record.changed_ms = ports_.clock.now_ms();
    // Of a claim that is prepared already, before the last boot.
    if (const auto* known = bindings_.find(record.key()))
        record.effects.state = known->record.effects.state;
    KND_TRY(check_free(record));
    return part;
}

/// The last line of defence against a device in two hands: the scheduler should not have done it. A
/// claim that replaces another one may come before the containers of the first have stopped.
Result<void> Preparer::check_free(const BindingRecord& wanted) {
    for (const auto* binding : bindings_.all())
        KND_TRY(check_conflict(wanted, binding->record, ports_.devices));
    for (const auto& [uid, call] : calls_)
        for (const auto& part : call->parts)
            KND_TRY(check_conflict(wanted, part.record, ports_.devices));
    return {};
}

void Preparer::ask_backends(const CallPtr& call) {
    call->awaited = call->parts.size();
    for (std::size_t i = 0; i < call->parts.size(); ++i) {
        auto& part = call->parts[i];
        auto request = prepare_request(part.record);
        request.pods = call->pods;
        part.backend->prepare(
            std::move(request), call->deadline,
            [this, alive = std::weak_ptr(alive_), call, i](Result<Effects> effects) {
                if (!alive.expired()) on_effects(call, i, std::move(effects));
            });
    }
}

void Preparer::on_effects(const CallPtr& call, std::size_t index, Result<Effects> effects) {
    auto& part = call->parts[index];
    if (effects) part.record.effects = *effects;
    part.effects = std::move(effects);
    if (--call->awaited > 0) return;
    if (auto checked = check_all_effects(*call); !checked)
        return undo(call, std::move(checked).error());
    for (const auto& each : call->parts)
        ports_.observer.on_step("prepare.effects", call->ref.text(), each.record.device.name);
    write(call);
}

Result<void> Preparer::check_all_effects(const Call& call) {
    for (const auto& part : call.parts) {
        const auto context = "device " + part.record.device.name;
        if (!part.effects->ok()) return part.effects->error().wrap(context);
        KND_TRY(check_effects(part.record, part.record.effects, bindings_, ports_.devices)
                    .wrap(context));
    }
    return {};
}

void Preparer::write(const CallPtr& call) {
    std::vector<JournalChange> changes;
    ClaimRecords records;
    for (const auto& part : call->parts) {
        changes.push_back(JournalChange::put(part.record));
        records.push_back(&part.record);
    }
    call->awaited = 2;
    ports_.journal.commit(std::move(changes), Durability::kDisk,
                          [this, alive = std::weak_ptr(alive_), call](Result<void> result) {
                              if (alive.expired()) return;
                              call->journalled = std::move(result);
                              if (--call->awaited == 0) on_written(call);
                          });
    // While the disk is busy. Before the record is there the files are of no use to anybody, and a
    // restart sweeps them away.
    call->files_written = files_.write(records);
    if (call->files_written) ports_.observer.on_step("prepare.cdi", call->ref.text(), "");
    if (--call->awaited == 0) on_written(call);
}

void Preparer::on_written(const CallPtr& call) {
    if (!call->journalled) {
        if (auto removed = files_.remove(call->ref.uid); !removed)
            log::warn("the files of a claim that failed are left behind",
                      {{"claim", call->ref.text()}, {"error", removed.error().message()}});
        return undo(call, call->journalled.error());
    }
    for (const auto& part : call->parts) {
        ports_.observer.on_step("prepare.journalled", call->ref.text(), part.record.device.name);
        bindings_.add(part.record);
    }
    // In the journal already, so that the way back is that of a claim that ends.
    if (!call->files_written) machine_.end_claim(bindings_.of_claim(call->ref.uid));
    finish(call, call->files_written);
    // The kubelet has its answer; what follows nobody waits for.
    if (call->files_written)
        for (const auto& part : call->parts)
            log::info("device prepared", {{"claim", call->ref.text()},
                                          {"device", part.record.device.name},
                                          {"backend", part.record.device.backend}});
    on_prepared();
}

void Preparer::undo(const CallPtr& call, Error error) {
    call->awaited = call->parts.size();
    // Also those that failed: a call that ran into its deadline may still complete. In reverse.
    for (auto part = call->parts.rbegin(); part != call->parts.rend(); ++part) {
        const auto deadline = std::chrono::steady_clock::now() + options_.backend_timeout;
        part->backend->unprepare(Call::binding(*part), deadline,
                                 [this, alive = std::weak_ptr(alive_), call, error,
                                  device = part->record.device.name](Result<void> result) {
                                     if (alive.expired()) return;
                                     if (!result && result.code() != Code::kNotFound)
                                         log::warn("undo of a failed prepare failed as well",
                                                   {{"claim", call->ref.text()},
                                                    {"device", device},
                                                    {"error", result.error().message()}});
                                     if (--call->awaited == 0) finish(call, error);
                                 });
    }
}

void Preparer::finish(const CallPtr& call, Result<void> result) {
    calls_.erase(call->ref.uid);
    if (!result) {
        const auto error = result.error().wrap("claim " + call->ref.text());
        log::warn("claim is not prepared", {{"error", error.message()}});
        if (call->read)
            ports_.source.claim_event(call->ref, true, "PrepareFailed", error.message());
        for (const auto& done : call->waiters)
            done(error);
    } else {
        const auto devices = answer(call->ref.uid);
        for (const auto& done : call->waiters)
            done(devices);
    }
    for (const auto& then : call->afterwards)
        then();
}

std::vector<PreparedDevice> Preparer::answer(const std::string& claim_uid) {
    std::vector<PreparedDevice> devices;
    std::set<std::string> known;
    for (const auto* binding : bindings_.of_claim(claim_uid)) {
        const auto& record = binding->record;
        const auto request = base_request(record.request);
        PreparedDevice device{{request}, record.pool, record.device.name, record.share_id, {}};
        // The kubelet adds up the ids of all devices of a request; they are needed once.
        if (known.insert(request).second) device.cdi_ids = files_.cdi_ids(claim_uid, request);
        devices.push_back(std::move(device));
    }
    return devices;
}

}  // namespace knd
