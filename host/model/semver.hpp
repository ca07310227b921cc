// SPDX-License-Identifier: Apache-2.0
//
// Semantic Versioning 2.0.0, as resource.k8s.io demands it of `version` attributes and as CEL's
// semver() reads it.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <knd/cpp/result.hpp>

namespace knd {

class Semver {
  public:
    /// Strict: three numbers without leading zeros, no "v", optional "-pre.release" and "+build".
    static Result<Semver> parse(std::string_view text);
    /// Also takes "v1", "1.2" and "01.02.03": strips the "v" and leading zeros, adds what is
    /// missing.
    static Result<Semver> parse_lenient(std::string_view text);

    std::uint64_t major() const { return numbers_[0]; }
    std::uint64_t minor() const { return numbers_[1]; }
    std::uint64_t patch() const { return numbers_[2]; }
    std::string text() const;

    /// Precedence: build metadata is ignored, a pre-release is before its release.
    std::strong_ordering operator<=>(const Semver& other) const;
    bool operator==(const Semver& other) const { return (*this <=> other) == 0; }

  private:
    struct Identifier {
        std::string text;  ///< empty for a number
        std::uint64_t number = 0;
        bool numeric = false;
        std::strong_ordering operator<=>(const Identifier& other) const;
        bool operator==(const Identifier& other) const = default;
    };
    Result<void> read_prerelease(std::string_view text);
    Result<void> read_build(std::string_view text);

    std::uint64_t numbers_[3] = {0, 0, 0};
    std::vector<Identifier> prerelease_;
    std::string build_;
};

}  // namespace knd
