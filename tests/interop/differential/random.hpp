// SPDX-License-Identifier: Apache-2.0
//
// Random choices that a seed repeats on every machine: the standard distributions do not.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace knd::differential {

class Random {
  public:
    explicit Random(std::uint64_t seed) : engine_(seed) {}

    /// 0 <= result < bound; 0 when bound is 0.
    std::size_t below(std::size_t bound) {
        return bound == 0 ? 0 : static_cast<std::size_t>(engine_() % bound);
    }
    /// Both ends included.
    std::int64_t between(std::int64_t low, std::int64_t high) {
        return low + static_cast<std::int64_t>(below(static_cast<std::size_t>(high - low + 1)));
    }
    bool chance(unsigned percent) { return below(100) < percent; }
    template <class T>
    const T& pick(const std::vector<T>& items) {
        return items[below(items.size())];
    }
    std::string_view pick(std::initializer_list<std::string_view> items) {
        return items.begin()[below(items.size())];
    }

  private:
    std::mt19937_64 engine_;
};

}  // namespace knd::differential
