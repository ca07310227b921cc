// SPDX-License-Identifier: Apache-2.0
//
// knd_params over JSON, watching what is read: a key that no one asked for is a typing error of the
// user, and is reported with the nearest key that was asked for.
#pragma once

#include <map>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "host/model/json.hpp"

#include <knd/abi.h>

namespace knd::plugin {

/// Lives at least as long as the call that gets it; strings given out live as long as this.
/// Threads: the face may be used from any thread.
class Params {
  public:
    /// `values`: an object, or null for none.
    explicit Params(Json values);
    Params(const Params&) = delete;
    Params& operator=(const Params&) = delete;

    const knd_params* face() const { return &face_; }

    /// Keys that were asked for, whether they are there or not.
    std::set<std::string> asked() const;
    /// OK, or INVALID_ARGUMENT: "unknown key `vf_cuont`; did you mean `vf_count`?".
    Result<void> check_all_read() const;

  private:
    /// The value at a dotted path; null when there is none. Notes that it was asked for.
    Result<const Json*> find(const char* key) const;
    void collect_unread(const Json& node, const std::string& path,
                        std::vector<std::string>& unread) const;
    bool asked_within(const std::string& path) const;

    template <class Read>
    static knd_status answer(const knd_params* face, const char* key, knd_error* err,
                             Read read) noexcept;
    static knd_status string(const knd_params* p, const char* key, const char* fallback,
                             const char** value, knd_error* err) noexcept;
    static knd_status integer(const knd_params* p, const char* key, std::int64_t fallback,
                              std::int64_t* value, knd_error* err) noexcept;
    static knd_status boolean(const knd_params* p, const char* key, bool fallback, bool* value,
                              knd_error* err) noexcept;
    static knd_status length(const knd_params* p, const char* key, std::int64_t* value,
                             knd_error* err) noexcept;

    const Json values_;
    knd_params face_{};
    mutable std::mutex mutex_;
    mutable std::set<std::string> asked_;  ///< present or not; guarded by mutex_
};

}  // namespace knd::plugin
