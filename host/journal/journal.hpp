// SPDX-License-Identifier: Apache-2.0
//
// Journal: which devices are in whose hands, on disk. It is the truth for intent as the kernel is
// for fact; host/claims reconciles the two after every start.
//
// One commit is one transaction and one flush: either all of its changes survive a crash or none.
// Commits are applied in the order of the calls.
// Threads: domain thread; a commit is carried out elsewhere and answers on the domain thread.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "host/journal/record.hpp"
#include "host/model/services.hpp"

#include <knd/cpp/result.hpp>

namespace knd {

/// Put a record (insert or replace), or erase it.
struct JournalChange {
    RecordKey key;
    std::optional<BindingRecord> record;  ///< none: erase

    static JournalChange put(BindingRecord record) {
        auto key = record.key();
        return {std::move(key), std::move(record)};
    }
    static JournalChange erase(RecordKey key) { return {std::move(key), std::nullopt}; }
};

/// For kndctl, /readyz and /metrics.
struct JournalInfo {
    std::string path;
    int schema = 0;
    std::uint64_t flushes = 0;
    std::string last_error;  ///< empty when the last commit succeeded
};

class Journal {
  public:
    virtual ~Journal() = default;
    /// All records. Called once, before the first commit.
    virtual Result<std::vector<BindingRecord>> load() = 0;
    /// `done` runs when the changes are durable, or with an error when none of them is.
    virtual void commit(std::vector<JournalChange> changes, Done<> done) = 0;
    virtual JournalInfo info() const = 0;
};

}  // namespace knd
