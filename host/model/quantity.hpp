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
    /// As Kubernetes writes its big decimals: without a suffix, and with as many digits behind the
    /// point as it holds the number with ("500m" is 0.500, "0.5" is 0.5).
    std::string decimal_text() const;

    bool is_zero() const { return mantissa_ == 0; }
    int sign() const { return mantissa_ == 0 ? 0 : (mantissa_ < 0 ? -1 : 1); }
    /// The value, if it is a whole number that fits.
    std::optional<std::int64_t> as_int64() const;
    /// What Kubernetes' AsInt64 yields: nothing for a number that it holds with a fraction, even if
    /// that is zero ("1.0"), or as a big decimal, even if it would fit ("1.5Gi").
    std::optional<std::int64_t> plain_int64() const;
    /// Held as an int64 and a power of ten, not as a big decimal.
    bool is_plain() const { return !big_; }
    /// Rounded away from zero to a whole number, saturated at the ends of int64.
    std::int64_t value_rounded_up() const;
    /// In milli-units, rounded away from zero, saturated at the ends of int64.
    std::int64_t milli_value_rounded_up() const;
    /// What Kubernetes' Value() yields: as above, but beyond int64 it has the low 64 bits of a big
    /// decimal, and of anything else 0.
    std::int64_t overflowing_value() const;
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
    /// Equal, and nothing tells one from the other.
    bool identical(const Quantity& other) const {
        return mantissa_ == other.mantissa_ && exponent_ == other.exponent_ &&
               scale_ == other.scale_ && big_ == other.big_ && format_ == other.format_;
    }

  private:
    __extension__ using Int = __int128;
    Quantity(Int mantissa, std::int32_t exponent, Format format);
    /// Whether the sum of two plain ones is plain, and with what scale.
    bool plain_sum(const Quantity& other, std::int32_t& scale) const;
    void hold(std::int32_t scale, bool big);
    /// mantissa * 10^(exponent - to), rounded away from zero and saturated.
    Int scaled(std::int32_t to) const;

    Int mantissa_ = 0;  ///< no trailing decimal zeros; 0 has exponent 0
    std::int32_t exponent_ = 0;
    /// Kubernetes holds mantissas as they were written; where that shows, these two tell: the power
    /// of ten of its mantissa, and whether that is a big one.
    std::int32_t scale_ = 0;
    bool big_ = false;
    Format format_ = Format::kDecimalSi;
};

}  // namespace knd
