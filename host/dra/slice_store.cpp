// SPDX-License-Identifier: Apache-2.0
#include "host/dra/slice_store.hpp"

#include <algorithm>
#include <charconv>
#include <set>

namespace knd::dra {
namespace {

/// Numbers since KEP-5504; where they are none, the newcomer wins.
bool is_older(const StoredSlice& a, const StoredSlice& b) {
    const auto& left = a.resource_version;
    const auto& right = b.resource_version;
    std::uint64_t x = 0, y = 0;
    const auto first = std::from_chars(left.data(), left.data() + left.size(), x);
    const auto second = std::from_chars(right.data(), right.data() + right.size(), y);
    return a.uid == b.uid && first.ec == std::errc() && second.ec == std::errc() && x < y;
}

}  // namespace

bool SliceStore::saw(StoredSlice slice, Time now) {
    if (const auto ours = deleted_.find(slice.uid); ours != deleted_.end()) {
        if (now - ours->second.when < kTrust) return false;
        deleted_.erase(ours);
    }
    auto& entry = slices_[slice.name];
    if (entry.awaited && now - entry.since < kTrust && is_older(slice, entry.slice)) return false;
    const bool differs = !entry.slice.same_content(slice);
    entry = {std::move(slice), false, now};
    return differs;
}

SliceStore::Reading SliceStore::read(StoredSlice slice, Time now) {
    if (deleted_.contains(slice.uid)) return {};
    auto& entry = slices_[slice.name];
    const Reading reading{!entry.slice.same_content(slice), is_older(slice, entry.slice)};
    const bool awaited = slice.resource_version != entry.slice.resource_version;
    entry = {std::move(slice), awaited, now};
    return reading;
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
    if (is_older(slice, entry.slice)) return;
    const bool shown = !entry.awaited && entry.slice.uid == slice.uid &&
                       entry.slice.resource_version == slice.resource_version;
    entry = {std::move(slice), !shown, now};
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

std::vector<std::string> SliceStore::doubtful(Time now) {
    std::vector<std::string> names;
    for (const auto& [name, entry] : slices_)
        if (entry.awaited && now - entry.since >= kTrust) names.push_back(name);
    std::erase_if(deleted_, [&](const auto& gone) {
        const bool old = now - gone.second.when >= kTrust;
        if (old) names.push_back(gone.second.name);
        return old;
    });
    return names;
}

bool SliceStore::waits_for_watch() const {
    return !deleted_.empty() || std::any_of(slices_.begin(), slices_.end(),
                                            [](const auto& entry) { return entry.second.awaited; });
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
