// SPDX-License-Identifier: Apache-2.0
#include "host/claims/preparer.hpp"

#include <algorithm>
#include <cassert>
#include <optional>
#include <set>
#include <tuple>

#include "host/claims/safe_name.hpp"
#include "host/model/log.hpp"
#include "host/model/network_config.hpp"

namespace knd {

struct Preparer::Part {
    AllocatedDevice allocated;
    Device device;
    Backend* backend = nullptr;
    SplitConfig config;
    std::optional<Result<Effects>> effects;
};

struct Preparer::Call {
    ClaimRef ref;
    Deadline deadline;
    std::vector<Answer> waiters;
    std::vector<std::function<void()>> afterwards;
    std::optional<Claim> claim;
    std::vector<Part> parts;
    std::size_t awaited = 0;
    std::vector<BindingRecord> records;
    Result<void> journalled;
    Result<void> files_written;

    Backend::Binding binding(const Part& part) const {
        const bool known = part.effects && part.effects->ok();
        return {{ref.uid, part.device.name}, ref.text(), known ? (*part.effects)->state : ""};
    }
};

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
            if (part.device.backend == backend) bindings.push_back(call->binding(part));
    return bindings;
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
    const auto held = bindings_.of_claim(call->ref.uid);
    const auto current = [&](const Binding* h) { return h->record.boot_id == options_.boot_id; };
    const bool again = !held.empty() && std::all_of(held.begin(), held.end(), current);
    // What is held serves also while the API server is away.
    if (!claim && (!again || is_gone(claim))) return finish(call, std::move(claim).error());
    if (claim && !held.empty()) {
        if (auto checked = check_held(*claim, held); !checked) {
            // Of a kubelet that lost its checkpoint there was no word of the end.
            if (std::none_of(held.begin(), held.end(), [](const Binding* h) { return h->target; }))
                machine_.end_claim(held);
            return finish(call, std::move(checked));
        }
    }
    if (again) {
        // As a kubelet does that was started anew: it stays as it is.
        if (claim) consumers_.add(held, claim->reserved_for);
        // The files are in /run and may have been swept away.
        return finish(call, files_.write(bindings_.records_of_claim(call->ref.uid)));
    }
    if (auto checked = check_claim(*call, *std::move(claim)); !checked)
        return finish(call, std::move(checked).error());
    ask_backends(call);
}

/// Whether the claim has still the devices that were prepared for it.
Result<void> Preparer::check_held(const Claim& claim, const std::vector<Binding*>& held) const {
    using Share = std::tuple<std::string, std::string, std::string>;
    std::set<Share> allocated;
    for (const auto& device : claim.devices)
        allocated.emplace(device.pool, device.device, device.share_id);
    for (const auto* binding : held) {
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
    call.claim = std::move(claim);
    if (call.claim->devices.empty())
        return Error(Code::kFailedPrecondition,
                     "no device of driver " + options_.driver + " is allocated to it");
    std::set<DeviceId> seen;
    for (const auto& allocated : call.claim->devices) {
        const auto context = "device " + allocated.device;
        if (!seen.insert({allocated.pool, allocated.device}).second)
            return Error(Code::kFailedPrecondition,
                         context +
                             ": it is allocated to this claim twice, and a pod can have it "
                             "only once");
        auto part = check_device(call, allocated);
        if (!part) return std::move(part).error().wrap(context);
        call.parts.push_back(*std::move(part));
    }
    for (const auto& allocated : call.claim->devices)
        in_flight_.emplace(DeviceId{allocated.pool, allocated.device},
                           InFlight{call.ref, !allocated.share_id.empty()});
    return {};
}

Result<Preparer::Part> Preparer::check_device(const Call& call, const AllocatedDevice& allocated) {
    if (allocated.admin_access)
        return Error(Code::kFailedPrecondition,
                     "adminAccess is refused: a network device works in one place at a time, so "
                     "that access would take it from the pod that uses it");
    KND_TRY_ASSIGN(const auto found, ports_.devices.find(allocated.pool, allocated.device));
    KND_TRY(check_free(call.ref, allocated));
    KND_TRY_ASSIGN(auto config, read_network_config(allocated.configs));
    return Part{allocated, found.device, found.backend, std::move(config), std::nullopt};
}

/// The last line of defence against a device in two hands: the scheduler should not have done it.
Result<void> Preparer::check_free(const ClaimRef& claim, const AllocatedDevice& allocated) {
    const auto taken = [](const std::string& by) {
        return Error(Code::kAlreadyExists, "it is in use by claim " + by +
                                               "; it is free when that claim has been unprepared");
    };
    for (const auto* other : bindings_.conflicting({claim.uid, allocated.pool, allocated.device}))
        if (allocated.share_id.empty() || other->record.share_id.empty() || other->moves())
            return taken(other->record.claim.text());
    const auto [first, last] = in_flight_.equal_range({allocated.pool, allocated.device});
    for (auto other = first; other != last; ++other)
        if (allocated.share_id.empty() || !other->second.shared)
            return taken(other->second.claim.text());
    return {};
}

void Preparer::ask_backends(const CallPtr& call) {
    call->awaited = call->parts.size();
    for (std::size_t i = 0; i < call->parts.size(); ++i) {
        const auto& part = call->parts[i];
        auto binding = call->binding(part);
        const auto* known =
            bindings_.find({call->ref.uid, part.allocated.pool, part.allocated.device});
        if (known != nullptr) binding.state = known->record.effects.state;
        part.backend->prepare(
            std::move(binding), part.config.backend, call->deadline,
            [this, alive = std::weak_ptr(alive_), call, i](Result<Effects> effects) {
                if (!alive.expired()) on_effects(call, i, std::move(effects));
            });
    }
}

void Preparer::on_effects(const CallPtr& call, std::size_t index, Result<Effects> effects) {
    call->parts[index].effects = std::move(effects);
    if (--call->awaited > 0) return;
    if (auto checked = check_effects(*call); !checked)
        return undo(call, std::move(checked).error());
    for (const auto& part : call->parts)
        ports_.observer.on_step("prepare.effects", call->ref.text(), part.device.name);
    write(call);
}

Result<void> Preparer::check_effects(const Call& call) const {
    for (const auto& part : call.parts) {
        const auto context = "device " + part.device.name;
        if (!part.effects->ok()) return part.effects->error().wrap(context);
        const auto& effects = part.effects->value();
        if (!effects.rdma_links.empty())
            return Error(Code::kUnimplemented,
                         context + ": its backend asks for RDMA link " +
                             effects.rdma_links.front() +
                             " to be moved into the pod, which this version cannot");
        if (effects.netdevs.empty() && part.config.network != NetworkConfig{})
            return Error(Code::kInvalidArgument,
                         context +
                             ": the claim configures a network interface, and this device "
                             "has none; remove interface, routes, rules and neighbors");
        const bool moves = !effects.netdevs.empty() || !effects.rdma_links.empty();
        if (moves && !part.allocated.share_id.empty())
            return Error(Code::kFailedPrecondition,
                         context +
                             ": it was allocated as a share, but moves into one pod as a "
                             "whole");
    }
    return {};
}

BindingRecord Preparer::record_of(const Call& call, const Part& part) const {
    BindingRecord record;
    record.claim = call.ref;
    record.pod_claim_name = call.claim->pod_claim_name;
    record.pods = call.claim->reserved_for;
    record.request = part.allocated.request;
    record.pool = part.allocated.pool;
    record.share_id = part.allocated.share_id;
    record.device = part.device;
    record.network = part.config.network;
    record.config = part.config.backend;
    record.effects = part.effects->value();
    record.boot_id = options_.boot_id;
    record.prepared_ms = record.changed_ms = ports_.clock.now_ms();
    return record;
}

void Preparer::write(const CallPtr& call) {
    std::vector<JournalChange> changes;
    for (const auto& part : call->parts) {
        call->records.push_back(record_of(*call, part));
        changes.push_back(JournalChange::put(call->records.back()));
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
    ClaimRecords records;
    for (const auto& record : call->records)
        records.push_back(&record);
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
    for (auto& record : call->records) {
        ports_.observer.on_step("prepare.journalled", call->ref.text(), record.device.name);
        bindings_.add(std::move(record));
    }
    // In the journal already, so that the way back is that of a claim that ends.
    if (!call->files_written) machine_.end_claim(bindings_.of_claim(call->ref.uid));
    finish(call, call->files_written);
    // The kubelet has its answer; what follows nobody waits for.
    if (call->files_written)
        for (const auto& part : call->parts)
            log::info("device prepared", {{"claim", call->ref.text()},
                                          {"device", part.device.name},
                                          {"backend", part.device.backend}});
    on_prepared();
}

void Preparer::undo(const CallPtr& call, Error error) {
    call->awaited = call->parts.size();
    // Also those that failed: a call that ran into its deadline may still complete. In reverse.
    for (auto part = call->parts.rbegin(); part != call->parts.rend(); ++part) {
        const auto deadline = std::chrono::steady_clock::now() + options_.backend_timeout;
        part->backend->unprepare(call->binding(*part), deadline,
                                 [this, alive = std::weak_ptr(alive_), call, error,
                                  device = part->device.name](Result<void> result) {
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
    std::erase_if(in_flight_, [&](const auto& item) { return item.second.claim == call->ref; });
    calls_.erase(call->ref.uid);
    if (!result) {
        const auto error = result.error().wrap("claim " + call->ref.text());
        if (call->claim)
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
    for (const auto* held : bindings_.of_claim(claim_uid)) {
        const auto& record = held->record;
        const auto request = base_request(record.request);
        PreparedDevice device{{request}, record.pool, record.device.name, record.share_id, {}};
        // The kubelet adds up the ids of all devices of a request; they are needed once.
        if (known.insert(request).second) device.cdi_ids = files_.cdi_ids(claim_uid, request);
        devices.push_back(std::move(device));
    }
    return devices;
}

}  // namespace knd
