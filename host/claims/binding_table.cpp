// SPDX-License-Identifier: Apache-2.0
#include "host/claims/binding_table.hpp"

#include <algorithm>
#include <cassert>

namespace knd {

bool Binding::serves_pod(std::string_view uid) const {
    return std::find(record.pods.begin(), record.pods.end(), uid) != record.pods.end();
}

std::vector<std::string> Binding::names_in_pod() const {
    std::vector<std::string> names;
    for (const auto& netdev : record.effects.netdevs) {
        // The claim's name is for one interface, the first.
        const auto& configured = names.empty() ? record.network.interface_name : std::string();
        if (!netdev.name_in_pod.empty())
            names.push_back(netdev.name_in_pod);
        else
            names.push_back(configured.empty() ? netdev.name : configured);
    }
    return names;
}

std::string Binding::text() const {
    return "claim " + record.claim.text() + ": device " + record.device.name;
}

Binding& BindingTable::add(BindingRecord record) {
    auto key = record.key();
    auto& entry = entries_[std::move(key)];
    assert(!entry || !entry->busy);
    entry = std::make_unique<Binding>();
    entry->record = std::move(record);
    return *entry;
}

void BindingTable::erase(const RecordKey& key) {
    assert(find(key) == nullptr || !find(key)->busy);
    entries_.erase(key);
}

Binding* BindingTable::find(const RecordKey& key) {
    const auto found = entries_.find(key);
    return found == entries_.end() ? nullptr : found->second.get();
}

template <class Predicate>
std::vector<Binding*> BindingTable::select(Predicate predicate) {
    std::vector<Binding*> found;
    for (const auto& [key, held] : entries_)
        if (predicate(*held)) found.push_back(held.get());
    return found;
}

std::vector<Binding*> BindingTable::all() {
    return select([](const Binding&) { return true; });
}

std::vector<Binding*> BindingTable::of_claim(std::string_view claim_uid) {
    return select([&](const Binding& held) { return held.record.claim.uid == claim_uid; });
}

std::vector<Binding*> BindingTable::of_pod(std::string_view pod_uid) {
    return select([&](const Binding& held) { return held.serves_pod(pod_uid); });
}

std::vector<Binding*> BindingTable::of_sandbox(std::string_view sandbox_id) {
    return select([&](const Binding& held) {
        return held.record.sandbox_id == sandbox_id ||
               (held.target && held.target->id == sandbox_id);
    });
}

std::vector<Binding*> BindingTable::conflicting(const RecordKey& key) {
    return select([&](const Binding& held) {
        return held.record.pool == key.pool && held.record.device.name == key.device &&
               held.record.claim.uid != key.claim_uid;
    });
}

std::vector<const BindingRecord*> BindingTable::records_of_claim(std::string_view claim_uid) {
    std::vector<const BindingRecord*> records;
    for (const auto* held : of_claim(claim_uid))
        records.push_back(&held->record);
    return records;
}

std::vector<BindingRecord> BindingTable::records() const {
    std::vector<BindingRecord> records;
    records.reserve(entries_.size());
    for (const auto& [key, held] : entries_) {
        records.push_back(held->record);
        if (!held->last_error.empty()) records.back().reason = held->last_error;
    }
    return records;
}

}  // namespace knd
