// SPDX-License-Identifier: Apache-2.0
//
// Waiters: callers who wait for the same thing, each under a key.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "host/model/services.hpp"

namespace knd {

/// Threads: domain thread.
class Waiters {
  public:
    void add(const std::string& key, Done<> done) { waiting_[key].push_back(std::move(done)); }
    bool has(const std::string& key) const { return waiting_.contains(key); }
    /// Answers all of them. An answer may add waiters of its own; they wait for the next time.
    void answer(const std::string& key, const Result<void>& result) {
        const auto node = waiting_.extract(key);
        if (node.empty()) return;
        for (const auto& done : node.mapped())
            done(result);
    }

  private:
    std::map<std::string, std::vector<Done<>>> waiting_;
};

}  // namespace knd
