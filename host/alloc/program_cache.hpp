// SPDX-License-Identifier: Apache-2.0
//
// Compiled selectors, by text and environment: the same few classes and templates come again and
// again, and their compilation takes longer than an allocation. The least recently used ones are
// dropped; texts that do not compile are not kept.
//
// Threads: any number at once.
#pragma once

#include <cstddef>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "host/cel/cel.hpp"

#include <knd/cpp/result.hpp>

namespace knd::alloc {

class ProgramCache {
  public:
    static constexpr std::size_t kDefaultSize = 1000;
    explicit ProgramCache(std::size_t most = kDefaultSize) : most_(most) {}

    /// Shared: whoever holds a program may use it after the cache has dropped it. The error is
    /// CEL's.
    Result<std::shared_ptr<const cel::Program>> get(std::string_view expression,
                                                    const cel::Environment& environment);
    std::size_t size() const;

  private:
    /// Borrows: from an entry, or from who asks.
    struct Key {
        std::string_view expression;
        const cel::Environment* environment;
        bool operator==(const Key& other) const {
            return expression == other.expression && *environment == *other.environment;
        }
    };
    struct KeyHash {
        std::size_t operator()(const Key& key) const {
            return std::hash<std::string_view>()(key.expression);
        }
    };
    struct Entry {
        std::string expression;
        cel::Environment environment;
        std::shared_ptr<const cel::Program> program;
    };
    std::shared_ptr<const cel::Program> find(const Key& key);

    const std::size_t most_;
    mutable std::mutex mutex_;
    std::list<Entry> entries_;  ///< the last used first
    std::unordered_map<Key, std::list<Entry>::iterator, KeyHash> places_;
};

}  // namespace knd::alloc
