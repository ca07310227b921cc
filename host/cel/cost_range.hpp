// SPDX-License-Identifier: Apache-2.0
//
// From the least to the most that a size or a cost may be. Nothing overflows: the largest number is
// "no bound".
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

namespace knd::cel {

/// Of a literal, besides what is in it.
inline constexpr std::uint64_t kListCost = 10;
inline constexpr std::uint64_t kMapCost = 30;
inline constexpr std::uint64_t kMessageCost = 40;

struct CostRange {
    static constexpr std::uint64_t kUnbounded = std::numeric_limits<std::uint64_t>::max();

    std::uint64_t min = 0;
    std::uint64_t max = 0;

    static CostRange exactly(std::uint64_t value) { return {value, value}; }
    static CostRange unknown() { return {0, kUnbounded}; }

    CostRange operator+(const CostRange& other) const {
        return {add(min, other.min), add(max, other.max)};
    }
    CostRange operator*(const CostRange& other) const {
        return {multiply(min, other.min), multiply(max, other.max)};
    }
    /// Rounded up.
    CostRange scaled(double factor) const { return {scale(min, factor), scale(max, factor)}; }
    CostRange unite(const CostRange& other) const {
        return {std::min(min, other.min), std::max(max, other.max)};
    }

  private:
    static std::uint64_t add(std::uint64_t a, std::uint64_t b) {
        return a > kUnbounded - b ? kUnbounded : a + b;
    }
    static std::uint64_t multiply(std::uint64_t a, std::uint64_t b) {
        return b != 0 && a > kUnbounded / b ? kUnbounded : a * b;
    }
    static std::uint64_t scale(std::uint64_t value, double factor) {
        constexpr double kTwo64 = 18446744073709551616.0;
        const auto scaled = std::ceil(static_cast<double>(value) * factor);
        return scaled >= kTwo64 ? kUnbounded : static_cast<std::uint64_t>(scaled);
    }
};

}  // namespace knd::cel
