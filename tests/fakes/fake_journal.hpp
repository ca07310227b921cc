// SPDX-License-Identifier: Apache-2.0
//
// FakeJournal: a journal in memory that obeys the rules of the real one (all or nothing, in order,
// durable when answered) and fails on demand. Its Disk outlives it, as a disk outlives a process:
// give the disk to the next FakeJournal and the daemon has been restarted.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/post.hpp>

#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "host/journal/journal.hpp"

namespace knd::fake {

class FakeJournal final : public Journal {
  public:
    struct Disk {
        std::map<RecordKey, Json> records;  ///< serialized, as on a disk
        std::uint64_t commits = 0;          ///< that succeeded
        std::uint64_t flushes = 0;          ///< those of them that waited for the disk
        std::optional<Error> fault;         ///< every commit fails with it while it is set
        int fail_after = -1;                ///< commits that still succeed; -1: all
    };

    FakeJournal(Disk& disk, boost::asio::any_io_executor home)
        : disk_(disk), home_(std::move(home)) {}

    Result<std::vector<BindingRecord>> load() override {
        std::vector<BindingRecord> records;
        for (const auto& [key, json] : disk_.records) {
            KND_TRY_ASSIGN(auto record, record_from_json(json));
            records.push_back(std::move(record));
        }
        return records;
    }

    void commit(std::vector<JournalChange> changes, Durability durability, Done<> done) override {
        // Posted, as the real one is: a crash may come between the call and the flush.
        boost::asio::post(home_, [this, changes = std::move(changes), durability,
                                  done = std::move(done)] { done(write(changes, durability)); });
    }

    JournalInfo info() const override {
        return {"memory", 1, disk_.flushes, disk_.fault ? disk_.fault->message() : ""};
    }

  private:
    Result<void> write(const std::vector<JournalChange>& changes, Durability durability) {
        if (disk_.fail_after == 0)
            return Error(Code::kResourceExhausted, "journal: the disk is full");
        if (disk_.fail_after > 0) --disk_.fail_after;
        if (disk_.fault) return *disk_.fault;
        ++disk_.commits;
        if (durability == Durability::kDisk) ++disk_.flushes;
        for (const auto& change : changes) {
            if (change.record)
                disk_.records[change.key] = to_json(*change.record);
            else
                disk_.records.erase(change.key);
        }
        return {};
    }

    Disk& disk_;
    boost::asio::any_io_executor home_;
};

}  // namespace knd::fake
