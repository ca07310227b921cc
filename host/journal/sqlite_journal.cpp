// SPDX-License-Identifier: Apache-2.0
#include "host/journal/sqlite_journal.hpp"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/post.hpp>

#include <algorithm>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include <knd/cpp/fd.hpp>

namespace knd {
namespace {

constexpr int kSchema = 1;
constexpr int kApplicationId = 0x6b6e6431;  // "knd1": PRAGMA application_id, shown by file(1)
constexpr int kBusyTimeoutMs = 500;         // a predecessor that is on its way out

// Not durable step by step: the file is flushed once, and has no name until then.
constexpr char kCreateSchema[] =
    "PRAGMA journal_mode = OFF;"
    "PRAGMA synchronous = OFF;"
    "BEGIN IMMEDIATE;"
    "CREATE TABLE bindings ("
    " claim_uid TEXT NOT NULL, pool TEXT NOT NULL, device TEXT NOT NULL,"
    " state TEXT NOT NULL, changed_ms INTEGER NOT NULL, record TEXT NOT NULL,"
    " PRIMARY KEY (claim_uid, pool, device)) STRICT, WITHOUT ROWID;"
    "PRAGMA application_id = 1802396721;"
    "PRAGMA user_version = 1;"
    "COMMIT;";
static_assert(kApplicationId == 1802396721 && kSchema == 1, "kCreateSchema says the same");

/// The column `device`: a share of one is a row of its own. A name has no '/'.
std::string row_device(const RecordKey& key) {
    return key.share_id.empty() ? key.device : key.device + "/" + key.share_id;
}

// EXCLUSIVE: nobody else can write beside us, and WAL needs no shared-memory file. No checkpoint of
// SQLite's own: it would come inside a commit and keep a pod waiting for three more flushes.
constexpr char kSettings[] =
    "PRAGMA locking_mode = EXCLUSIVE;"
    "PRAGMA journal_mode = WAL;"
    "PRAGMA wal_autocheckpoint = 0;"
    "PRAGMA journal_size_limit = 4194304;";
constexpr std::int64_t kLogBytes = 4194304;  // journal_size_limit, to which SQLite cuts it
constexpr int kCheckpointPages = 1000;       // they fit, each with its header

constexpr char kMeaning[] =
    " It knows which devices are in pods, so it is never replaced by itself. Drain the node, move "
    "the "
    "file away and start again; devices that are still in pods then come home with their pods.";

std::string title(const std::string& path) {
    return "journal " + path;
}

struct StatementDeleter {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Statement = std::unique_ptr<sqlite3_stmt, StatementDeleter>;

struct ConnectionDeleter {
    void operator()(sqlite3* connection) const { sqlite3_close_v2(connection); }
};
using Connection = std::unique_ptr<sqlite3, ConnectionDeleter>;

/// What SQLite said, as a sentence for the operator.
Error sqlite_error(const std::string& path, sqlite3* db, int code) {
    const int os_error = db != nullptr ? sqlite3_system_errno(db) : 0;
    const std::string detail = db != nullptr ? sqlite3_errmsg(db) : sqlite3_errstr(code);
    const auto say = [&](Code status, const std::string& text) {
        return Error(status, title(path) + text, os_error);
    };
    switch (code & 0xff) {
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
            return say(Code::kUnavailable,
                       " is in use by another process; is a second kndd running? Stop it first.");
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
            return say(Code::kDataLoss, " is damaged (" + detail + ")." + kMeaning);
        case SQLITE_FULL:
            return say(Code::kResourceExhausted,
                       " cannot grow: the disk is full. Free some space on its file system.");
        case SQLITE_READONLY:
        case SQLITE_PERM:
        case SQLITE_AUTH:
            return say(Code::kPermissionDenied,
                       " cannot be written (" + detail +
                           "): make the file and its directory writable for kndd.");
        case SQLITE_CANTOPEN:
            return say(Code::kPermissionDenied,
                       " cannot be opened (" + Error::from_errno("open", os_error).message() +
                           "): check paths.journal, the directory and its permissions.");
        default:
            break;
    }
    if (os_error == ENOSPC || os_error == EDQUOT)
        return say(Code::kResourceExhausted,
                   " cannot grow: the disk is full. Free some space on its file system.");
    const auto cause = os_error == 0 ? detail : Error::from_errno(detail, os_error).message();
    return say(Code::kInternal, ": " + cause);
}

}  // namespace

/// One connection. Used by one thread at a time; the Writer's mutex sees to that.
class SqliteJournal::Database {
  public:
    static Result<std::unique_ptr<Database>> open(const std::string& path) {
        KND_TRY(create_if_absent(path));
        auto database = std::unique_ptr<Database>(new Database(path));
        KND_TRY(database->connect(SQLITE_OPEN_READWRITE));
        KND_TRY(database->check());
        KND_TRY(database->prepare_statements());
        return database;
    }

    Result<std::vector<BindingRecord>> load() {
        KND_TRY_ASSIGN(auto select, statement("SELECT claim_uid, device, record FROM bindings"));
        std::vector<BindingRecord> records;
        for (;;) {
            const int code = sqlite3_step(select.get());
            if (code == SQLITE_DONE) return records;
            if (code != SQLITE_ROW) return failure(code);
            auto json = parse_json(column(select, 2));
            auto record = json ? record_from_json(*json) : Result<BindingRecord>(json.error());
            if (!record)
                return Error(Code::kDataLoss, title(path_) + " is damaged: record of claim " +
                                                  column(select, 0) + ", device " +
                                                  column(select, 1) + ": " +
                                                  record.error().message() + "." + kMeaning);
            records.push_back(*std::move(record));
        }
    }

    /// All of the changes in one transaction. With FULL it is on the disk when it returns; with
    /// NORMAL it is in the kernel's hands, and the next flush takes it along.
    Result<void> apply(const std::vector<JournalChange>& changes, Durability durability) {
        if (durability_ != durability) {
            KND_TRY(execute(durability == Durability::kDisk ? "PRAGMA synchronous = FULL"
                                                            : "PRAGMA synchronous = NORMAL"));
            durability_ = durability;
        }
        KND_TRY(run(begin_.get()));
        auto result = write(changes);
        if (result) result = run(commit_.get());
        // A full disk ends the transaction by itself; the second ROLLBACK's complaint says nothing.
        if (!result) sqlite3_exec(db_.get(), "ROLLBACK", nullptr, nullptr, nullptr);
        return result;
    }

    /// Before the first commit: gives the log its full length. The flush of a file that grows waits
    /// for the file system's own journal, too, which is twice the time on a quiet disk and more on
    /// a busy one. SQLite reads its log up to the first frame that is not its own, and zeros are
    /// none. Where there is no room the log grows as it goes.
    void reserve_log() const {
        const auto log_path = path_ + "-wal";
        const Fd log(::open(log_path.c_str(), O_WRONLY | O_CLOEXEC));
        struct stat info {};
        if (!log || ::fstat(log.get(), &info) != 0) return;
        // Written, as room that is only allocated would have to be marked as written later.
        const std::string zeros(std::size_t{1} << 18, '\0');
        for (std::int64_t at = info.st_size; at < kLogBytes;) {
            const auto size = std::min<std::int64_t>(std::ssize(zeros), kLogBytes - at);
            const auto written =
                ::pwrite(log.get(), zeros.data(), static_cast<std::size_t>(size), at);
            if (written <= 0) {
                std::error_code ignored;
                std::filesystem::resize_file(log_path, static_cast<std::uintmax_t>(info.st_size),
                                             ignored);
                return;
            }
            at += written;
        }
        ::fdatasync(log.get());
    }

    /// Between commits: brings a long log home into the database. When it cannot, the log is as
    /// good a place, and it is tried again after the next commit.
    void checkpoint_if_long() {
        if (log_pages_ < kCheckpointPages) return;
        sqlite3_wal_checkpoint_v2(db_.get(), nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
    }

  private:
    explicit Database(std::string path) : path_(std::move(path)) {}

    Error failure(int code) const { return sqlite_error(path_, db_.get(), code); }

    /// The file appears with its schema or not at all, so that an empty file is known to be damage.
    static Result<void> create_if_absent(const std::string& path) {
        struct stat info {};
        if (::stat(path.c_str(), &info) == 0) return {};
        if (errno != ENOENT) return Error::from_errno(title(path), errno);
        const auto directory = std::filesystem::path(path).parent_path();
        std::error_code error;
        std::filesystem::create_directories(directory, error);
        if (error) return Error::from_errno(title(path) + ": create its directory", error.value());
        const std::string fresh = path + ".new";
        // The log of a file that somebody has moved away would be taken for that of the new one.
        for (const auto& old : {fresh, path + "-wal", path + "-shm"})
            if (::unlink(old.c_str()) != 0 && errno != ENOENT)
                return Error::from_errno("remove " + old, errno);
        const Fd file(::open(fresh.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600));
        if (!file) return Error::from_errno(title(path) + ": create " + fresh, errno);
        Database database(fresh);
        KND_TRY(database.connect(SQLITE_OPEN_READWRITE));
        KND_TRY(database.execute(kCreateSchema));
        database.db_.reset();
        if (::fsync(file.get()) != 0) return Error::from_errno("flush " + fresh, errno);
        if (::rename(fresh.c_str(), path.c_str()) != 0)
            return Error::from_errno(title(path) + ": rename " + fresh, errno);
        const Fd parent(::open(directory.empty() ? "." : directory.c_str(),
                               O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        if (!parent || ::fsync(parent.get()) != 0)
            return Error::from_errno(title(path) + ": flush its directory", errno);
        return {};
    }

    Result<void> connect(int flags) {
        sqlite3* raw = nullptr;
        const int code = sqlite3_open_v2(path_.c_str(), &raw, flags | SQLITE_OPEN_NOMUTEX, nullptr);
        db_.reset(raw);
        if (code != SQLITE_OK) return failure(code);
        sqlite3_extended_result_codes(db_.get(), 1);
        sqlite3_busy_timeout(db_.get(), kBusyTimeoutMs);
        return {};
    }

    Result<void> check() {
        KND_TRY(execute(kSettings));
        KND_TRY_ASSIGN(const auto application, pragma("application_id"));
        KND_TRY_ASSIGN(const auto schema, pragma("user_version"));
        if (application != std::to_string(kApplicationId))
            return Error(Code::kDataLoss, title(path_) +
                                              " is not a journal of knd: it is empty or belongs to "
                                              "another program." +
                                              kMeaning);
        if (schema != std::to_string(kSchema))
            return Error(Code::kFailedPrecondition,
                         title(path_) + " has schema " + schema + ", this version knows " +
                             std::to_string(kSchema) +
                             ": it was written by a newer version of knd; install that one again.");
        KND_TRY_ASSIGN(const auto verdict, pragma("integrity_check(1)"));
        if (verdict != "ok")
            return Error(Code::kDataLoss,
                         title(path_) + " is damaged (" + verdict + ")." + kMeaning);
        // Reading takes a shared lock only; a second daemon must be found out now, not later.
        return execute("BEGIN IMMEDIATE; COMMIT");
    }

    Result<void> prepare_statements() {
        KND_TRY_ASSIGN(put_,
                       statement("INSERT OR REPLACE INTO bindings VALUES (?, ?, ?, ?, ?, ?)"));
        KND_TRY_ASSIGN(erase_, statement("DELETE FROM bindings WHERE claim_uid = ? AND pool = ? "
                                         "AND device = ?"));
        KND_TRY_ASSIGN(begin_, statement("BEGIN IMMEDIATE"));
        KND_TRY_ASSIGN(commit_, statement("COMMIT"));
        sqlite3_wal_hook(
            db_.get(),
            [](void* self, sqlite3*, const char*, int pages) {
                static_cast<Database*>(self)->log_pages_ = pages;
                return SQLITE_OK;
            },
            this);
        return {};
    }

    Result<void> write(const std::vector<JournalChange>& changes) {
        for (const auto& change : changes) {
            auto* statement = change.record ? put_.get() : erase_.get();
            bind(statement, 1, change.key.claim_uid);
            bind(statement, 2, change.key.pool);
            bind(statement, 3, row_device(change.key));
            if (change.record) {
                bind(statement, 4, state_name(change.record->state));
                sqlite3_bind_int64(statement, 5, change.record->changed_ms);
                bind(statement, 6, to_text(to_json(*change.record)));
            }
            auto result = run(statement);
            sqlite3_clear_bindings(statement);
            KND_TRY(std::move(result));
        }
        return {};
    }

    /// To its end; it yields no rows.
    Result<void> run(sqlite3_stmt* statement) {
        const int code = sqlite3_step(statement);
        auto result = code == SQLITE_DONE ? Result<void>() : Result<void>(failure(code));
        sqlite3_reset(statement);
        return result;
    }

    static void bind(sqlite3_stmt* statement, int index, std::string_view text) {
        sqlite3_bind_text(statement, index, text.data(), static_cast<int>(text.size()),
                          SQLITE_TRANSIENT);
    }

    static std::string column(const Statement& statement, int index) {
        const auto* text =
            reinterpret_cast<const char*>(sqlite3_column_text(statement.get(), index));
        const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement.get(), index));
        return text == nullptr ? "" : std::string(text, size);
    }

    Result<void> execute(const char* sql) {
        const int code = sqlite3_exec(db_.get(), sql, nullptr, nullptr, nullptr);
        if (code != SQLITE_OK) return failure(code);
        return {};
    }

    Result<Statement> statement(const char* sql) {
        sqlite3_stmt* raw = nullptr;
        const int code = sqlite3_prepare_v2(db_.get(), sql, -1, &raw, nullptr);
        Statement statement(raw);
        if (code != SQLITE_OK) return failure(code);
        return statement;
    }

    Result<std::string> pragma(const std::string& name) {
        KND_TRY_ASSIGN(const auto query, statement(("PRAGMA " + name).c_str()));
        const int code = sqlite3_step(query.get());
        if (code != SQLITE_ROW) return failure(code);
        return column(query, 0);
    }

    std::string path_;
    Connection db_;
    Statement put_;  // after db_: destroyed before it
    Statement erase_;
    Statement begin_;
    Statement commit_;
    std::optional<Durability> durability_;  ///< what `synchronous` is set to
    int log_pages_ = 0;
};

/// The thread that writes.
class SqliteJournal::Writer {
  public:
    Writer(std::unique_ptr<Database> database, boost::asio::any_io_executor home)
        : database_(std::move(database)), home_(std::move(home)), thread_([this] { run(); }) {}

    ~Writer() {
        {
            const std::lock_guard lock(mutex_);
            stopping_ = true;
        }
        wake_.notify_one();
        thread_.join();
    }

    Result<std::vector<BindingRecord>> load() {
        const std::lock_guard lock(database_mutex_);
        return database_->load();
    }

    void push(std::vector<JournalChange> changes, Durability durability, Done<> done) {
        {
            const std::lock_guard lock(mutex_);
            queue_.push_back({std::move(changes), durability, std::move(done)});
        }
        wake_.notify_one();
    }

    JournalInfo info(const std::string& path) const {
        const std::lock_guard lock(mutex_);
        return {path, kSchema, flushes_, last_error_};
    }

  private:
    struct Job {
        std::vector<JournalChange> changes;
        Durability durability;
        Done<> done;
    };

    void run() {
        database_->reserve_log();
        std::unique_lock lock(mutex_);
        for (;;) {
            wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
            if (queue_.empty()) return;
            auto jobs = std::exchange(queue_, {});
            lock.unlock();
            const auto durability = strictest(jobs);
            auto result = write(jobs, durability);
            lock.lock();
            if (result && durability == Durability::kDisk) ++flushes_;
            last_error_ = result ? "" : result.error().message();
            lock.unlock();
            for (auto& job : jobs)
                boost::asio::post(home_, [done = std::move(job.done), result] { done(result); });
            jobs.clear();
            tidy();
            lock.lock();
        }
    }

    void tidy() {
        const std::lock_guard lock(database_mutex_);
        database_->checkpoint_if_long();
    }

    static Durability strictest(const std::vector<Job>& jobs) {
        const auto to_disk = [](const Job& job) { return job.durability == Durability::kDisk; };
        return std::any_of(jobs.begin(), jobs.end(), to_disk) ? Durability::kDisk
                                                              : Durability::kThisBoot;
    }

    /// Whoever waited while the disk was busy shares one transaction.
    Result<void> write(const std::vector<Job>& jobs, Durability durability) {
        std::vector<JournalChange> changes;
        for (const auto& job : jobs)
            changes.insert(changes.end(), job.changes.begin(), job.changes.end());
        const std::lock_guard lock(database_mutex_);
        return database_->apply(changes, durability);
    }

    std::unique_ptr<Database> database_;
    std::mutex database_mutex_;
    boost::asio::any_io_executor home_;
    mutable std::mutex mutex_;  // guards what follows
    std::condition_variable wake_;
    std::vector<Job> queue_;
    bool stopping_ = false;
    std::uint64_t flushes_ = 0;
    std::string last_error_;
    std::thread thread_;  // last: starts when everything else is there
};

Result<std::unique_ptr<SqliteJournal>> SqliteJournal::open(const std::string& path,
                                                           boost::asio::any_io_executor home) {
    KND_TRY_ASSIGN(auto database, Database::open(path));
    return std::unique_ptr<SqliteJournal>(
        new SqliteJournal(path, std::move(database), std::move(home)));
}

SqliteJournal::SqliteJournal(std::string path, std::unique_ptr<Database> database,
                             boost::asio::any_io_executor home)
    : path_(std::move(path)),
      writer_(std::make_unique<Writer>(std::move(database), std::move(home))) {}

SqliteJournal::~SqliteJournal() = default;

Result<std::vector<BindingRecord>> SqliteJournal::load() {
    return writer_->load();
}

void SqliteJournal::commit(std::vector<JournalChange> changes, Durability durability, Done<> done) {
    writer_->push(std::move(changes), durability, std::move(done));
}

JournalInfo SqliteJournal::info() const {
    return writer_->info(path_);
}

}  // namespace knd
