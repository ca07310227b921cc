// SPDX-License-Identifier: Apache-2.0
#include "host/claims/binding_table.hpp"

#include <algorithm>
#include <cstdlib>

#include "host/model/interface_name.hpp"
#include "host/model/log.hpp"

namespace knd {
namespace {

/// Steps under way refer to their entry. To go on without it would corrupt memory, and with it what
/// the journal says; a restart reads the journal and is right again.
void must_be_idle(const Binding* binding) {
    if (binding == nullptr || !binding->busy) return;
    log::error("a binding was about to be replaced while a step of it was under way",
               {{"claim", binding->record.claim.text()}, {"device", binding->record.device.name}});
    std::abort();
}

}  // namespace

bool Binding::serves_pod(std::string_view uid) const {
    return std::find(record.pods.begin(), record.pods.end(), uid) != record.pods.end();
}

std::vector<std::string> Binding::names_in_pod() const {
    std::vector<std::string> names;
    for (std::size_t i = 0; i < record.effects.netdevs.size(); ++i)
        names.push_back(name_in_pod(record.effects, i, record.network));
    return names;
}

std::string Binding::text() const {
    return "claim " + record.claim.text() + ": device " + record.device.name;
}

Binding& BindingTable::add(BindingRecord record) {
    auto key = record.key();
    auto& entry = entries_[std::move(key)];
    must_be_idle(entry.get());
    entry = std::make_unique<Binding>();
    entry->record = std::move(record);
    return *entry;
}

void BindingTable::erase(const RecordKey& key) {
    must_be_idle(find(key));
    entries_.erase(key);
}

Binding* BindingTable::find(const RecordKey& key) {
    const auto found = entries_.find(key);
    return found == entries_.end() ? nullptr : found->second.get();
}

template <class Predicate>
std::vector<Binding*> BindingTable::select(Predicate predicate) {
    std::vector<Binding*> found;
    for (const auto& [key, binding] : entries_)
        if (predicate(*binding)) found.push_back(binding.get());
    return found;
}

std::vector<Binding*> BindingTable::all() {
    return select([](const Binding&) { return true; });
}

std::vector<Binding*> BindingTable::of_claim(std::string_view claim_uid) {
    return select([&](const Binding& binding) { return binding.record.claim.uid == claim_uid; });
}

std::vector<Binding*> BindingTable::of_pod(std::string_view pod_uid) {
    return select([&](const Binding& binding) { return binding.serves_pod(pod_uid); });
}

std::vector<Binding*> BindingTable::of_sandbox(std::string_view sandbox_id) {
    return select([&](const Binding& binding) {
        return binding.record.sandbox_id == sandbox_id || binding.is_target(sandbox_id);
    });
}

std::vector<const BindingRecord*> BindingTable::records_of_claim(std::string_view claim_uid) {
    std::vector<const BindingRecord*> records;
    for (const auto* binding : of_claim(claim_uid))
        records.push_back(&binding->record);
    return records;
}

std::vector<BindingRecord> BindingTable::records() const {
    std::vector<BindingRecord> records;
    records.reserve(entries_.size());
    for (const auto& [key, binding] : entries_) {
        records.push_back(binding->record);
        if (!binding->last_error.empty()) records.back().reason = binding->last_error;
    }
    return records;
}

}  // namespace knd
