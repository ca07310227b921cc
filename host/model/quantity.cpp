// SPDX-License-Identifier: Apache-2.0
#include "host/model/quantity.hpp"

#include <algorithm>
#include <cstdlib>
#include <limits>

namespace knd {
namespace {

__extension__ using Int = __int128;

constexpr std::int32_t kNano = -9;
/// Significant digits kept by parse(): 2^63-1 with nine fraction digits has 28. A binary suffix
/// multiplies by up to 2^60, and 10^20 * 2^60 still fits into 127 bits.
constexpr int kDecimalDigits = 28;
constexpr int kBinaryDigits = 20;
constexpr int kMaxDigits = 36;
constexpr std::size_t kExponentDigits = 9;
constexpr std::int32_t kMaxExponent = 999'999'999;  ///< of so many digits
constexpr Int kSaturated = (static_cast<Int>(1) << 126);
constexpr std::int64_t kMaxInt64 = std::numeric_limits<std::int64_t>::max();
constexpr std::string_view kNumberSuffixCharacters = "eEinumkKMGTP";
constexpr std::string_view kWrongFormat =
    "quantities must match the regular expression "
    "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

struct DecimalSuffix {
    std::string_view text;
    std::int32_t exponent;
};
constexpr DecimalSuffix kDecimalSuffixes[] = {{"n", -9}, {"u", -6}, {"m", -3}, {"", 0},
                                              {"k", 3},  {"M", 6},  {"G", 9},  {"T", 12},
                                              {"P", 15}, {"E", 18}};
constexpr std::string_view kBinarySuffixes[] = {"", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"};

struct Suffix {
    Quantity::Format format = Quantity::Format::kDecimalSi;
    std::int32_t exponent = 0;  ///< of ten, or of two for kBinarySi
};

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

std::optional<Suffix> read_exponent(std::string_view digits) {
    const bool negative = digits.starts_with('-');
    if (negative || digits.starts_with('+')) digits.remove_prefix(1);
    if (digits.empty() || digits.size() > kExponentDigits) return std::nullopt;
    std::int32_t value = 0;
    for (const char c : digits) {
        if (!is_digit(c)) return std::nullopt;
        value = value * 10 + (c - '0');
    }
    return Suffix{Quantity::Format::kDecimalExponent, negative ? -value : value};
}

std::optional<Suffix> read_suffix(std::string_view text) {
    for (const auto& suffix : kDecimalSuffixes)
        if (suffix.text == text) return Suffix{Quantity::Format::kDecimalSi, suffix.exponent};
    for (int i = 1; i < static_cast<int>(std::size(kBinarySuffixes)); ++i)
        if (kBinarySuffixes[i] == text) return Suffix{Quantity::Format::kBinarySi, 10 * i};
    if (text.starts_with('e') || text.starts_with('E')) return read_exponent(text.substr(1));
    return std::nullopt;
}

/// The three parts of a quantity's text. The numbers may both be empty: "k" is a zero.
struct Parts {
    bool negative = false;
    std::string_view whole;
    std::string_view fraction;
    std::string_view suffix;
};

std::string_view take_digits(std::string_view& text) {
    const auto end = std::find_if_not(text.begin(), text.end(), is_digit);
    const auto digits = text.substr(0, static_cast<std::size_t>(end - text.begin()));
    text.remove_prefix(digits.size());
    return digits;
}

std::optional<Parts> split(std::string_view text) {
    Parts parts;
    parts.negative = text.starts_with('-');
    if (parts.negative || text.starts_with('+')) text.remove_prefix(1);
    parts.whole = take_digits(text);
    parts.whole.remove_prefix(std::min(parts.whole.find_first_not_of('0'), parts.whole.size()));
    if (text.starts_with('.')) {
        text.remove_prefix(1);
        parts.fraction = take_digits(text);
    }
    parts.suffix = text;
    text.remove_prefix(std::min(text.find_first_not_of(kNumberSuffixCharacters), text.size()));
    if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
    take_digits(text);
    if (!text.empty()) return std::nullopt;
    return parts;
}

/// Divides by 10^places, away from zero, without overflow for any number of places.
Int divide_up(Int value, std::int64_t places) {
    bool lost = false;
    for (; places > 0 && value != 0; --places) {
        lost = lost || value % 10 != 0;
        value /= 10;
    }
    return lost ? value + 1 : value;
}

/// How Kubernetes holds what it has just parsed.
struct HeldForm {
    std::int32_t scale = 0;
    bool big = false;
};
HeldForm held_form(std::string_view text, const Parts& parts, const Suffix& suffix, Int mantissa) {
    constexpr int kPlainDigits = 18;
    const auto digits = static_cast<int>(std::max<std::size_t>(parts.whole.size(), 1));
    const auto places = static_cast<int>(parts.fraction.size());
    if (text == "0") return {};
    if (suffix.format == Quantity::Format::kBinarySi) {
        const bool plain = places == 0 && 15 - digits - suffix.exponent * 3 / 10 - 1 >= 0 &&
                           (mantissa << suffix.exponent) <= kMaxInt64;
        return plain ? HeldForm{} : HeldForm{mantissa == 0 ? 0 : kNano, true};
    }
    const auto scale = suffix.exponent - places;
    if (digits + places <= kPlainDigits && scale >= kNano) return {scale, false};
    return {mantissa == 0 ? scale : kNano, true};
}

}  // namespace

Quantity::Quantity(std::int64_t value, Format format) : Quantity(Int{value}, 0, format) {}

Quantity::Quantity(Int mantissa, std::int32_t exponent, Format format)
    : mantissa_(mantissa), exponent_(exponent), scale_(exponent), format_(format) {
    while (mantissa_ != 0 && mantissa_ % 10 == 0) {
        mantissa_ /= 10;
        ++exponent_;
    }
    if (mantissa_ == 0) exponent_ = 0;
}

Quantity Quantity::from_milli(std::int64_t milli, Format format) {
    return Quantity(Int{milli}, -3, format);
}

Result<Quantity> Quantity::parse(std::string_view text) {
    const auto parts = text.empty() ? std::nullopt : split(text);
    if (!parts) return Error(Code::kInvalidArgument, std::string(kWrongFormat));
    const auto suffix = read_suffix(parts->suffix);
    if (!suffix) return Error(Code::kInvalidArgument, "unable to parse quantity's suffix");

    // What has more digits keeps the leading ones: rounded up, as small parts are.
    const auto most = suffix->format == Format::kBinarySi ? kBinaryDigits : kDecimalDigits;
    Int mantissa = 0;
    std::int64_t exponent = 0;
    int digits = 0;
    bool lost = false;
    const auto take = [&](std::string_view part, bool fraction) {
        for (const char c : part) {
            if (digits < most) {
                mantissa = mantissa * 10 + (c - '0');
                digits += mantissa != 0 ? 1 : 0;
                exponent -= fraction ? 1 : 0;
            } else {
                lost = lost || c != '0';
                exponent += fraction ? 0 : 1;
            }
        }
    };
    take(parts->whole, false);
    take(parts->fraction, true);
    if (lost) ++mantissa;

    auto format = suffix->format;
    const auto held = held_form(text, *parts, *suffix, mantissa);
    if (format == Format::kBinarySi) {
        mantissa <<= suffix->exponent;
    } else {
        exponent += suffix->exponent;
    }
    if (mantissa == 0) {
        Quantity zero(Int{0}, 0, format);
        zero.hold(held.scale, held.big);
        return zero;
    }
    if (exponent < kNano) {
        mantissa = divide_up(mantissa, kNano - exponent);
        exponent = kNano;
    }
    Quantity result(mantissa, static_cast<std::int32_t>(exponent), format);
    // Left-out digits and zeros at the end make an exponent that could not be read back.
    if (result.exponent_ > kMaxExponent)
        return Error(Code::kInvalidArgument, "unable to parse quantity's suffix");
    result.hold(held.scale, held.big);
    if (format == Format::kBinarySi) {
        if (result > Quantity(kMaxInt64)) {
            result = Quantity(kMaxInt64, format);
            result.hold(0, true);
        }
        if (result < Quantity(1)) result.format_ = Format::kDecimalSi;
    }
    return parts->negative ? -result : result;
}

std::string Quantity::text() const {
    if (mantissa_ == 0) return "0";
    std::string sign = mantissa_ < 0 ? "-" : "";
    const auto digits = [](Int value) {
        std::string out;
        for (; value != 0; value /= 10)
            out.insert(out.begin(), static_cast<char>('0' + value % 10));
        return out;
    };
    Int number = mantissa_ < 0 ? -mantissa_ : mantissa_;
    const auto whole = as_int64();
    if (format_ == Format::kBinarySi && whole && (*whole <= -1024 || *whole >= 1024)) {
        number = *whole < 0 ? -Int{*whole} : Int{*whole};
        std::size_t power = 0;
        for (; number % 1024 == 0 && power + 1 < std::size(kBinarySuffixes); ++power)
            number /= 1024;
        return sign + digits(number) + std::string(kBinarySuffixes[power]);
    }
    std::int32_t exponent = exponent_;
    auto text = sign + digits(number);  // as text, because 128 bits may be full already
    for (; exponent % 3 != 0; --exponent)
        text += '0';
    if (format_ != Format::kDecimalExponent)
        for (const auto& suffix : kDecimalSuffixes)
            if (suffix.exponent == exponent) return text + std::string(suffix.text);
    if (exponent == 0) return text;
    return text + "e" + std::to_string(exponent);
}

std::string Quantity::decimal_text() const {
    const auto places = static_cast<std::size_t>(std::max(-scale_, 0));
    auto number = scaled(std::min(scale_, 0));
    const bool negative = number < 0;
    if (negative) number = -number;
    std::string text;
    for (; number != 0 || text.size() <= places; number /= 10) {
        if (places > 0 && text.size() == places) text.insert(text.begin(), '.');
        text.insert(text.begin(), static_cast<char>('0' + number % 10));
    }
    return negative ? "-" + text : text;
}

Quantity::Int Quantity::scaled(std::int32_t to) const {
    Int value = mantissa_ < 0 ? -mantissa_ : mantissa_;
    if (exponent_ < to) value = divide_up(value, std::int64_t{to} - exponent_);
    for (std::int64_t i = exponent_; i > to && value != 0; --i) {
        if (value > kSaturated / 10) {
            value = kSaturated;
            break;
        }
        value *= 10;
    }
    return mantissa_ < 0 ? -value : value;
}

std::optional<std::int64_t> Quantity::as_int64() const {
    if (exponent_ < 0) return std::nullopt;
    const auto value = scaled(0);
    if (value > kMaxInt64 || value < -Int{kMaxInt64} - 1) return std::nullopt;
    return static_cast<std::int64_t>(value);
}

namespace {
std::int64_t saturate(Int value) {
    if (value > kMaxInt64) return kMaxInt64;
    if (value < -Int{kMaxInt64} - 1) return std::numeric_limits<std::int64_t>::min();
    return static_cast<std::int64_t>(value);
}
}  // namespace

std::optional<std::int64_t> Quantity::plain_int64() const {
    if (big_ || scale_ < 0) return std::nullopt;
    return as_int64();
}

void Quantity::hold(std::int32_t scale, bool big) {
    scale_ = scale;
    big_ = big;
}

std::int64_t Quantity::value_rounded_up() const {
    return saturate(scaled(0));
}

std::int64_t Quantity::milli_value_rounded_up() const {
    return saturate(scaled(-3));
}

std::int64_t Quantity::overflowing_value() const {
    constexpr std::int32_t kBits = 64;  // so many factors of ten leave nothing of the low bits
    if (exponent_ < 0 || as_int64()) return static_cast<std::int64_t>(scaled(0));
    if (!big_) return 0;
    auto bits = static_cast<std::uint64_t>(mantissa_);
    for (std::int32_t i = 0; i < std::min(exponent_, kBits); ++i)
        bits *= 10;
    return static_cast<std::int64_t>(bits);
}

double Quantity::as_double() const {
    // From the mantissa that Kubernetes holds: another one could round differently.
    const auto base = static_cast<double>(scale_ < exponent_ ? scaled(scale_) : mantissa_);
    const auto exponent = std::min(scale_, exponent_);
    return exponent == 0 ? base
                         : base * std::strtod(("1e" + std::to_string(exponent)).c_str(), nullptr);
}

Quantity Quantity::operator-() const {
    auto result = *this;
    result.mantissa_ = -result.mantissa_;
    return result;
}

bool Quantity::plain_sum(const Quantity& other, std::int32_t& scale) const {
    if (big_ || other.big_) return false;
    if (other.mantissa_ == 0 || mantissa_ == 0) {
        scale = other.mantissa_ == 0 ? scale_ : other.scale_;
        return true;
    }
    scale = std::min(scale_, other.scale_);
    const auto a = scaled(scale), b = other.scaled(scale);
    const auto fits = [](Int value) { return value <= kMaxInt64 && value >= -Int{kMaxInt64} - 1; };
    return fits(a) && fits(b) && fits(a + b);
}

Quantity& Quantity::operator+=(const Quantity& other) {
    auto scale = std::min(scale_, other.scale_);
    const bool plain = plain_sum(other, scale);
    const auto format = mantissa_ == 0 ? other.format_ : format_;
    if (other.mantissa_ == 0 || mantissa_ == 0) {
        const auto& kept = mantissa_ == 0 ? other : *this;
        *this = Quantity(kept.mantissa_, kept.exponent_, format);
        hold(scale, !plain);
        return *this;
    }
    const auto& low = exponent_ <= other.exponent_ ? *this : other;
    const auto& high = exponent_ <= other.exponent_ ? other : *this;
    auto common = low.exponent_;
    // Raise the common exponent until the larger number fits: only then are digits lost.
    const auto too_large = [](Int value) {
        return value >= kSaturated / 2 || value <= -kSaturated / 2;
    };
    if (std::int64_t{high.exponent_} - common > kMaxDigits) common = high.exponent_ - kMaxDigits;
    while (too_large(high.scaled(common)))
        ++common;
    *this = Quantity(low.scaled(common) + high.scaled(common), common, format);
    hold(scale, !plain);
    return *this;
}

Quantity& Quantity::operator-=(const Quantity& other) {
    if (mantissa_ == 0) format_ = other.format_;
    const auto format = format_;
    *this += -other;
    format_ = format;
    return *this;
}

std::strong_ordering Quantity::operator<=>(const Quantity& other) const {
    if (sign() != other.sign()) return sign() <=> other.sign();
    if (exponent_ == other.exponent_) {
        return mantissa_ < other.mantissa_   ? std::strong_ordering::less
               : mantissa_ > other.mantissa_ ? std::strong_ordering::greater
                                             : std::strong_ordering::equal;
    }
    // Scale the one with the larger exponent down; if that saturates it is the larger magnitude.
    const bool other_higher = other.exponent_ > exponent_;
    const auto& low = other_higher ? *this : other;
    const auto& high = other_higher ? other : *this;
    const auto a = low.mantissa_;
    const auto b = high.scaled(low.exponent_);
    const auto order = a < b   ? std::strong_ordering::less
                       : a > b ? std::strong_ordering::greater
                               : std::strong_ordering::equal;
    if (other_higher) return order;
    return order < 0   ? std::strong_ordering::greater
           : order > 0 ? std::strong_ordering::less
                       : std::strong_ordering::equal;
}

}  // namespace knd
