// SPDX-License-Identifier: Apache-2.0
#include "tools/local/api/database.hpp"

#include <sqlite3.h>

namespace knd::api {
namespace {

// synchronous=NORMAL: nothing is lost when the process dies, and a power cut, which takes every
// client with it, may undo the last writes. FULL would hold the only thread for an fsync per write.
constexpr const char* kSchemaSql =
    "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
    "CREATE TABLE IF NOT EXISTS objects (resource TEXT, ns TEXT, name TEXT, body TEXT NOT NULL,"
    "  PRIMARY KEY (resource, ns, name)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS revision (id INTEGER PRIMARY KEY CHECK (id = 1), value INTEGER);"
    "INSERT OR IGNORE INTO revision VALUES (1, 0);";

std::string_view column(sqlite3_stmt* row, int index) {
    const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(row, index));
    return {text == nullptr ? "" : text,
            static_cast<std::size_t>(sqlite3_column_bytes(row, index))};
}

void bind(sqlite3_stmt* statement, int index, std::string_view text) {
    sqlite3_bind_text(statement, index, text.data(), static_cast<int>(text.size()), SQLITE_STATIC);
}

}  // namespace

Result<std::unique_ptr<Database>> Database::open(const std::filesystem::path& path) {
    sqlite3* handle = nullptr;
    const int code =
        sqlite3_open_v2(path.c_str(), &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr);
    std::unique_ptr<Database> database(new Database(handle));
    if (code != SQLITE_OK) return database->failure("open " + path.string());
    KND_TRY(database->execute(kSchemaSql).wrap("open " + path.string()));
    KND_TRY_ASSIGN(database->put_,
                   database->prepare("INSERT OR REPLACE INTO objects VALUES (?1, ?2, ?3, ?4)"));
    KND_TRY_ASSIGN(
        database->remove_,
        database->prepare("DELETE FROM objects WHERE resource = ?1 AND ns = ?2 AND name = ?3"));
    KND_TRY_ASSIGN(database->set_revision_, database->prepare("UPDATE revision SET value = ?1"));
    return database;
}

Database::~Database() {
    for (auto* statement : {put_, remove_, set_revision_})
        sqlite3_finalize(statement);
    sqlite3_close(handle_);
}

Error Database::failure(std::string_view what) const {
    const bool busy = sqlite3_errcode(handle_) == SQLITE_BUSY;
    return {Code::kInternal, std::string(what) + ": " + sqlite3_errmsg(handle_) +
                                 (busy ? " (is another knd-local using it?)" : "")};
}

Result<> Database::execute(const char* sql) {
    if (sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr) != SQLITE_OK)
        return failure("object database");
    return {};
}

Result<sqlite3_stmt*> Database::prepare(const char* sql) {
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v2(handle_, sql, -1, &statement, nullptr) != SQLITE_OK)
        return failure("object database");
    return statement;
}

Result<std::uint64_t> Database::load(const std::function<Result<>(const Row&)>& each) {
    KND_TRY_ASSIGN(auto* rows, prepare("SELECT resource, ns, name, body FROM objects"));
    Result<> result;
    while (result.ok() && sqlite3_step(rows) == SQLITE_ROW)
        result = each({column(rows, 0), column(rows, 1), column(rows, 2), column(rows, 3)});
    sqlite3_finalize(rows);
    KND_TRY(std::move(result));
    KND_TRY_ASSIGN(auto* newest, prepare("SELECT value FROM revision"));
    std::uint64_t revision = 0;
    if (sqlite3_step(newest) == SQLITE_ROW)
        revision = static_cast<std::uint64_t>(sqlite3_column_int64(newest, 0));
    sqlite3_finalize(newest);
    return revision;
}

Result<> Database::write(sqlite3_stmt* statement, const Row& row, std::uint64_t revision) {
    KND_TRY(execute("BEGIN"));
    bind(statement, 1, row.resource);
    bind(statement, 2, row.ns);
    bind(statement, 3, row.name);
    if (statement == put_) bind(statement, 4, row.body);
    sqlite3_bind_int64(set_revision_, 1, static_cast<sqlite3_int64>(revision));
    const bool done =
        sqlite3_step(statement) == SQLITE_DONE && sqlite3_step(set_revision_) == SQLITE_DONE;
    Result<> result;
    if (!done) result = failure("object database");
    sqlite3_reset(statement);
    sqlite3_reset(set_revision_);
    if (done) result = execute("COMMIT");
    // A failed COMMIT (a full disk) leaves the transaction open.
    if (!result.ok()) sqlite3_exec(handle_, "ROLLBACK", nullptr, nullptr, nullptr);
    return result;
}

Result<> Database::put(const Row& row, std::uint64_t revision) {
    return write(put_, row, revision);
}

Result<> Database::remove(const Row& row, std::uint64_t revision) {
    return write(remove_, row, revision);
}

}  // namespace knd::api
