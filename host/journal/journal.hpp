// SPDX-License-Identifier: Apache-2.0
//
// Journal: which devices are in whose hands, on disk. It is the truth for intent as the kernel is
// for fact; host/claims reconciles the two after every start.
//
// One commit is one transaction: either all of its changes survive a crash or none. Commits are
// applied in the order of the calls. How much they must survive is the caller's to say.
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

/// What a change survives once its commit has been answered.
enum class Durability {
    /// The death of this process at any instant. A power cut may take it, and with it everything
    /// that was committed later. Enough for what is true of one boot alone: in which namespace an
    /// interface is, what it was like before. No flush: the disk is not waited for.
    kThisBoot,
    /// A power cut as well, at the price of one flush.
    kDisk,
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
    /// `done` runs when the changes survive what `durability` says, or with an error when none of
    /// them was made.
    virtual void commit(std::vector<JournalChange> changes, Durability durability, Done<> done) = 0;
    virtual JournalInfo info() const = 0;
};

}  // namespace knd
