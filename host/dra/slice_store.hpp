// SPDX-License-Identifier: Apache-2.0
//
// SliceStore: what the API server holds of our slices, as well as we can know. The watch tells it
// late, our own writes tell it at once; without the latter a second look before the watch has
// caught up would create every slice twice.
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
    bool saw(StoredSlice slice);
    /// From the watch. Whether it was not we who deleted it; `slice` is then what was lost.
    bool vanished(const std::string& name, const std::string& uid, StoredSlice& slice);

    /// The answer to a create or update of ours.
    void wrote(StoredSlice slice, Time now);
    /// A delete of ours: before it is sent (the watch may be faster than the answer), and how it
    /// ended.
    void removing(const std::string& uid, Time now);
    void removed(const std::string& name, const std::string& uid);
    void not_removed(const std::string& uid) { deleted_.erase(uid); }

    /// The server says that there is no such slice. The pool it was in, if it was known.
    std::optional<std::string> forget(const std::string& name);

    /// Names of slices that we wrote long ago and the watch has never shown.
    std::vector<std::string> doubtful(Time now) const;

    std::vector<StoredSlice> of_pool(const std::string& pool) const;
    std::vector<std::string> pools() const;
    bool empty() const { return slices_.empty(); }
    void clear();

  private:
    struct Entry {
        StoredSlice slice;
        bool confirmed = false;
        Time written{};
    };
    std::map<std::string, Entry> slices_;  ///< by name; in name order, as the allocator sorts them
    std::map<std::string, Time>
        deleted_;  ///< by uid; deletes of ours that the watch may not show yet
};

}  // namespace knd::dra
