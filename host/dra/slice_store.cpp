// SPDX-License-Identifier: Apache-2.0
#include "host/dra/slice_store.hpp"

#include <charconv>
#include <set>

namespace knd::dra {
namespace {

/// Versions are opaque by contract and numbers in fact; where they are none, the newcomer wins.
bool is_older(const std::string& a, const std::string& b) {
    std::uint64_t x = 0, y = 0;
    const auto first = std::from_chars(a.data(), a.data() + a.size(), x);
    const auto second = std::from_chars(b.data(), b.data() + b.size(), y);
    return first.ec == std::errc() && second.ec == std::errc() && x < y;
}

}  // namespace

bool SliceStore::saw(StoredSlice slice) {
    if (deleted_.contains(slice.uid)) return false;
    auto& entry = slices_[slice.name];
    const bool older = entry.slice.uid == slice.uid &&
                       is_older(slice.resource_version, entry.slice.resource_version);
    if (older) return false;
    entry.confirmed = true;
    const bool differs = !entry.slice.same_content(slice);
    entry.slice = std::move(slice);
    return differs;
}

bool SliceStore::vanished(const std::string& name, const std::string& uid, StoredSlice& slice) {
    const bool ours = deleted_.erase(uid) > 0;
    const auto found = slices_.find(name);
    if (found == slices_.end() || found->second.slice.uid != uid) return false;
    slice = std::move(found->second.slice);
    slices_.erase(found);
    return !ours;
}

void SliceStore::wrote(StoredSlice slice, Time now) {
    auto& entry = slices_[slice.name];
    // The watch may have been faster than the answer.
    if (entry.slice.uid == slice.uid &&
        is_older(slice.resource_version, entry.slice.resource_version))
        return;
    const bool known = entry.confirmed && entry.slice.uid == slice.uid;
    entry = {std::move(slice), known, now};
}

void SliceStore::removing(const std::string& uid, Time now) {
    std::erase_if(deleted_, [&](const auto& entry) { return now - entry.second > kTrust; });
    deleted_[uid] = now;
}

void SliceStore::removed(const std::string& name, const std::string& uid) {
    const auto found = slices_.find(name);
    if (found != slices_.end() && found->second.slice.uid == uid) slices_.erase(found);
}

std::optional<std::string> SliceStore::forget(const std::string& name) {
    const auto gone = slices_.extract(name);
    if (gone.empty()) return std::nullopt;
    return gone.mapped().slice.pool;
}

std::vector<std::string> SliceStore::doubtful(Time now) const {
    std::vector<std::string> names;
    for (const auto& [name, entry] : slices_)
        if (!entry.confirmed && now - entry.written >= kTrust) names.push_back(name);
    return names;
}

std::vector<StoredSlice> SliceStore::of_pool(const std::string& pool) const {
    std::vector<StoredSlice> found;
    for (const auto& [name, entry] : slices_)
        if (entry.slice.pool == pool) found.push_back(entry.slice);
    return found;
}

std::vector<std::string> SliceStore::pools() const {
    std::set<std::string> names;
    for (const auto& [name, entry] : slices_)
        names.insert(entry.slice.pool);
    return {names.begin(), names.end()};
}

void SliceStore::clear() {
    slices_.clear();
    deleted_.clear();
}

}  // namespace knd::dra
