// SPDX-License-Identifier: Apache-2.0
//
// Kubernetes' resource.Quantity: an exact decimal number with a remembered way of writing it
// ("1536Mi", "1500m", "15e2"). Equal values written differently compare equal.
//
// Numbers are held as mantissa * 10^exponent, so everything that Kubernetes can parse is exact here
// too: up to 18 significant digits with any exponent, or up to 2^63-1 with nine fraction digits.
// What has more fraction digits is rounded away from zero, what is larger is cut, as upstream does.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <knd/cpp/result.hpp>

namespace knd {

class Quantity {
  public:
    /// How the number was written, and hence how text() writes it.
    enum class Format : std::uint8_t { kDecimalSi, kBinarySi, kDecimalExponent };

    /// Zero.
    Quantity() = default;
    explicit Quantity(std::int64_t value, Format format = Format::kDecimalSi);
    /// value / 1000, for instance a number of milli-units.
    static Quantity from_milli(std::int64_t milli, Format format = Format::kDecimalSi);

    /// The errors are Kubernetes' own sentences.
    static Result<Quantity> parse(std::string_view text);

    /// Canonical form: no fraction, no exponent when a suffix says it, the largest suffix possible.
    std::string text() const;
    Format format() const { return format_; }

    bool is_zero() const { return mantissa_ == 0; }
    int sign() const { return mantissa_ == 0 ? 0 : (mantissa_ < 0 ? -1 : 1); }
    /// The value, if it is a whole number that fits.
    std::optional<std::int64_t> as_int64() const;
    /// Rounded away from zero to a whole number, saturated at the ends of int64.
    std::int64_t value_rounded_up() const;
    /// In milli-units, rounded away from zero, saturated at the ends of int64.
    std::int64_t milli_value_rounded_up() const;
    double as_double() const;

    /// A zero adopts the format of what is added to it. A sum over 38 digits loses its last ones.
    Quantity& operator+=(const Quantity& other);
    Quantity& operator-=(const Quantity& other);
    friend Quantity operator+(Quantity a, const Quantity& b) { return a += b; }
    friend Quantity operator-(Quantity a, const Quantity& b) { return a -= b; }
    Quantity operator-() const;

    /// By value; the format does not matter.
    std::strong_ordering operator<=>(const Quantity& other) const;
    bool operator==(const Quantity& other) const { return (*this <=> other) == 0; }

  private:
    __extension__ using Int = __int128;
    Quantity(Int mantissa, std::int32_t exponent, Format format);
    /// mantissa * 10^(exponent - to), rounded away from zero and saturated.
    Int scaled(std::int32_t to) const;

    Int mantissa_ = 0;  ///< no trailing decimal zeros; 0 has exponent 0
    std::int32_t exponent_ = 0;
    Format format_ = Format::kDecimalSi;
};

}  // namespace knd
