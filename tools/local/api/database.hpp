// SPDX-License-Identifier: Apache-2.0
//
// The objects on disk: one SQLite table, and the newest revision beside it, so that revisions never
// go back, not even when the newest change was a deletion.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include <knd/cpp/result.hpp>

struct sqlite3;
struct sqlite3_stmt;

namespace knd::api {

class Database {
  public:
    struct Row {
        std::string_view resource, ns, name, body;
    };

    static Result<std::unique_ptr<Database>> open(const std::filesystem::path& path);
    ~Database();
    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;

    /// Calls back with every object. The newest revision is the result.
    Result<std::uint64_t> load(const std::function<Result<>(const Row&)>& each);
    /// Both survive the end of the process once they have returned.
    Result<> put(const Row& row, std::uint64_t revision);
    Result<> remove(const Row& row, std::uint64_t revision);

  private:
    explicit Database(sqlite3* handle) : handle_(handle) {}
    Result<> execute(const char* sql);
    Result<sqlite3_stmt*> prepare(const char* sql);
    Result<> write(sqlite3_stmt* statement, const Row& row, std::uint64_t revision);
    Error failure(std::string_view what) const;

    sqlite3* handle_;
    sqlite3_stmt* put_ = nullptr;
    sqlite3_stmt* remove_ = nullptr;
    sqlite3_stmt* set_revision_ = nullptr;
};

}  // namespace knd::api
