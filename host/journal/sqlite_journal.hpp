// SPDX-License-Identifier: Apache-2.0
//
// SqliteJournal: the journal as an SQLite database in WAL mode. The one place of the host that
// includes sqlite3.h is its .cpp.
//
// The file is locked while it is open: a second daemon is told so instead of writing beside the
// first. A file that is damaged, or was written by a newer version, is refused with a sentence that
// says what to do, and is never replaced: it knows where devices are.
//
// Threads: domain thread. One thread of its own writes, so that a slow disk (10 ms a flush are not
//          rare) never delays a hook under the runtime's lock. Commits that wait together share a
//          flush.
// Failure: a commit that fails (disk full, read-only, I/O error) changes nothing and says why; the
//          next one is tried afresh.
#pragma once

#include <boost/asio/any_io_executor.hpp>

#include <memory>
#include <string>

#include "host/journal/journal.hpp"

namespace knd {

class SqliteJournal final : public Journal {
  public:
    /// Creates the file (mode 0600) and its schema when there is none. `home`: the domain thread.
    static Result<std::unique_ptr<SqliteJournal>> open(const std::string& path,
                                                       boost::asio::any_io_executor home);
    /// Writes what is queued, then closes. Answers that were not delivered yet are dropped.
    ~SqliteJournal() override;

    Result<std::vector<BindingRecord>> load() override;
    void commit(std::vector<JournalChange> changes, Durability durability, Done<> done) override;
    JournalInfo info() const override;

  private:
    class Database;
    class Writer;
    SqliteJournal(std::string path, std::unique_ptr<Database> database,
                  boost::asio::any_io_executor home);

    std::string path_;
    std::unique_ptr<Writer> writer_;  ///< owns the database
};

}  // namespace knd
