// SPDX-License-Identifier: Apache-2.0
//
// SliceStore: what the API server holds of our slices, as well as we can know. The watch tells it
// late, our own writes tell it at once; without the latter a second look before the watch has
// caught up would create every slice twice.
//
// Resource versions are compared (KEP-5504) for one thing: to know news of the watch from before
// our last write, until the watch shows that write. Everywhere else the server is right whatever
// its numbers are: they run backwards when its etcd is restored from a copy.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "host/dra/slice.hpp"

namespace knd::dra {

/// Threads: the domain thread. Times are parameters.
class SliceStore {
  public:
    using Time = std::chrono::steady_clock::time_point;
    /// For how long our own write is believed although the watch has not confirmed it.
    static constexpr std::chrono::seconds kTrust{60};

    /// From the watch. Whether it differs from what was known, so that somebody else wrote it.
    bool saw(StoredSlice slice, Time now);
    /// From the watch. Whether it was not we who deleted it; `slice` is then what was lost.
    bool vanished(const std::string& name, const std::string& uid, StoredSlice& slice);

    /// The answer to a read of ours.
    struct Reading {
        bool differs = false;   ///< from what was known
        bool ran_back = false;  ///< the server has an older version than it had
    };
    Reading read(StoredSlice slice, Time now);

    /// The answer to a create or update of ours.
    void wrote(StoredSlice slice, Time now);
    /// A delete of ours: before it is sent (the watch may be faster than the answer), and how it
    /// ended.
    void removing(const StoredSlice& slice, Time now) { deleted_[slice.uid] = {slice.name, now}; }
    void removed(const std::string& name, const std::string& uid);
    void not_removed(const std::string& uid) { deleted_.erase(uid); }

    /// The server says that there is no such slice. The pool it was in, if it was known.
    std::optional<std::string> forget(const std::string& name);

    /// Names of slices that we wrote or deleted long ago, which the watch has never shown.
    std::vector<std::string> doubtful(Time now);
    /// Whether there is a write or delete that the watch has not shown.
    bool waits_for_watch() const;

    std::vector<StoredSlice> of_pool(const std::string& pool) const;
    std::vector<std::string> pools() const;
    bool empty() const { return slices_.empty(); }
    void clear();

  private:
    struct Entry {
        StoredSlice slice;
        bool awaited = false;  ///< the watch has not shown this version
        Time since{};          ///< since when it is awaited
    };
    struct Deleted {
        std::string name;
        Time when;
    };
    std::map<std::string, Entry> slices_;  ///< by name; in name order, as the allocator sorts them
    std::map<std::string, Deleted> deleted_;  ///< by uid; ours that the watch may not show yet
};

}  // namespace knd::dra
