// SPDX-License-Identifier: Apache-2.0
#include "host/model/quantity.hpp"

#include <limits>

#include <gtest/gtest.h>

namespace knd {
namespace {

std::string canonical(std::string_view text) {
    auto parsed = Quantity::parse(text);
    return parsed.ok() ? parsed->text() : "error: " + parsed.error().message();
}

TEST(Quantity, RefusesAnExponentThatItCouldNotWrite) {
    EXPECT_FALSE(Quantity::parse("57210000000000000000180246931459E999999998").ok());
    EXPECT_FALSE(Quantity::parse("5721000000E999999998").ok());
    EXPECT_TRUE(Quantity::parse("5E999999998").ok());
}

TEST(Quantity, WritesTheCanonicalForm) {
    const std::pair<const char*, const char*> table[] = {
        {"0", "0"},
        {"1", "1"},
        {"1000", "1k"},
        {"1500m", "1500m"},
        {"1.5", "1500m"},
        {"1024", "1024"},
        {"1024Ki", "1Mi"},
        {"1536Mi", "1536Mi"},
        {"1.5Gi", "1536Mi"},
        {"0.5Ki", "512"},
        {"1e3", "1e3"},
        {"15e2", "1500"},
        {"100E", "100E"},
        {"-5", "-5"},
        {"+5", "5"},
        {"1.0", "1"},
        {"0.001", "1m"},
        {"0.0000000001", "1n"},
        {"1.1n", "2n"},
        {"-1.1n", "-2n"},
        {"9223372036854775807", "9223372036854775807"},
        {"16Ei", "9223372036854775807"},
        {"8Ei", "9223372036854775807"},
        {"1.Gi", "1Gi"},
        {"k", "0"},
        {"010", "10"},
        {"12e-3", "12e-3"},
        {"1.1Ki", "1126400m"}};
    for (const auto& [in, out] : table)
        EXPECT_EQ(canonical(in), out) << in;
}

TEST(Quantity, WritesDecimalsWithTheDigitsThatItIsHeldWith) {
    const std::pair<const char*, const char*> table[] = {
        {"0", "0"},       {"500m", "0.500"},    {"0.5", "0.5"},
        {"1.50", "1.50"}, {"12500m", "12.500"}, {"-5m", "-0.005"},
        {"2k", "2000"},   {"1Ki", "1024"},      {"1.5Ki", "1536.000000000"},
        {"0.0", "0.0"}};
    for (const auto& [text, decimal] : table)
        EXPECT_EQ(Quantity::parse(text)->decimal_text(), decimal) << text;
}

TEST(Quantity, RefusesWhatIsNoNumber) {
    const auto wrong_format =
        "error: quantities must match the regular expression "
        "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
    for (const auto* text : {"", "1 ", "abc", "1Gx", "1..2", "1,5"})
        EXPECT_EQ(canonical(text), wrong_format) << text;
    for (const auto* text : {"1KiB5", "1Kk", "1e", "1mi", "--1"})
        EXPECT_TRUE(canonical(text).starts_with("error: ")) << text;
    EXPECT_EQ(canonical("1Kk"), "error: unable to parse quantity's suffix");
}

TEST(Quantity, ComparesByValueNotBySpelling) {
    const auto value = [](const char* text) { return *Quantity::parse(text); };
    EXPECT_EQ(value("1Ki"), value("1024"));
    EXPECT_EQ(value("1500m"), value("1.5"));
    EXPECT_LT(value("999m"), value("1"));
    EXPECT_LT(value("-1"), value("1n"));
    EXPECT_GT(value("1e30"), value("8Ei"));
    EXPECT_LT(value("-1e30"), value("1n"));
    EXPECT_LT(value("1e30"), value("1e200"));
}

TEST(Quantity, WritesSumsThatFillAllBits) {
    const auto sum = *Quantity::parse("501m") - *Quantity::parse(
                                                    "888888888888888888888888888888"
                                                    "888888888888888888050m");
    EXPECT_TRUE(Quantity::parse(sum.text()).ok()) << sum.text();
}

TEST(Quantity, KnowsWhatKubernetesHoldsAsAPlainInteger) {
    const auto plain = [](const char* text) { return Quantity::parse(text)->plain_int64(); };
    EXPECT_EQ(plain("0"), 0);
    EXPECT_EQ(plain("10Gi"), 10737418240);
    EXPECT_EQ(plain("1e3"), 1000);
    EXPECT_EQ(plain("1.0"), std::nullopt);
    EXPECT_EQ(plain("1.5Gi"), std::nullopt);
    EXPECT_EQ(plain("1500m"), std::nullopt);
    EXPECT_EQ((*Quantity::parse("500m") - *Quantity::parse("500m")).plain_int64(), std::nullopt);
    EXPECT_EQ((*Quantity::parse("2") - *Quantity::parse("3")).plain_int64(), -1);
}

TEST(Quantity, AddsExactlyAcrossSuffixes) {
    EXPECT_EQ((*Quantity::parse("1Gi") + *Quantity::parse("1")).text(), "1073741825");
    EXPECT_EQ((*Quantity::parse("500m") + *Quantity::parse("500m")).text(), "1");
    EXPECT_EQ((*Quantity::parse("1Gi") - *Quantity::parse("512Mi")).text(), "512Mi");
    EXPECT_EQ((*Quantity::parse("1") - *Quantity::parse("1")).text(), "0");
}

TEST(Quantity, AddsAtTheEndsOfItsRangeWithoutOverflow) {
    auto sum = *Quantity::parse("9999999999999999999999999999");
    for (int i = 0; i < 100; ++i)
        sum += sum;
    EXPECT_GT(sum, *Quantity::parse("1e57"));
    EXPECT_GE(*Quantity::parse("1e900000000") + *Quantity::parse("1n"),
              *Quantity::parse("1e900000000"));
}

TEST(Quantity, TakesTheFormatOfWhatIsAddedToZero) {
    EXPECT_EQ((Quantity() + *Quantity::parse("2Gi")).text(), "2Gi");
}

TEST(Quantity, RoundsUpToWholeAndMilliUnits) {
    EXPECT_EQ(Quantity::parse("1m")->value_rounded_up(), 1);
    EXPECT_EQ(Quantity::parse("-1m")->value_rounded_up(), -1);
    EXPECT_EQ(Quantity::parse("1u")->milli_value_rounded_up(), 1);
    EXPECT_EQ(Quantity::parse("2.5")->milli_value_rounded_up(), 2500);
    EXPECT_EQ(Quantity::parse("1e30")->value_rounded_up(), 9223372036854775807);
}

TEST(Quantity, OverflowsAsKubernetesDoes) {
    const auto value = [](std::string_view text) {
        return Quantity::parse(text)->overflowing_value();
    };
    EXPECT_EQ(value("1.5"), 2);
    EXPECT_EQ(value("9223372036854775807"), 9223372036854775807);
    EXPECT_EQ(value("9223372036854775808"), std::numeric_limits<std::int64_t>::min());
    EXPECT_EQ(value("18446744073709551617"), 1);
    EXPECT_EQ(value("-18446744073709551617"), -1);
    EXPECT_EQ(value("1e30"), 0) << "an int64 and a power of ten";
    EXPECT_EQ(value("10E"), 0);
    EXPECT_EQ(value("1000000000000000000000000000000"), 5076944270305263616) << "10^30 mod 2^64";
}

TEST(Quantity, IsAnIntegerOnlyWhenItFits) {
    EXPECT_EQ(Quantity::parse("2k")->as_int64(), 2000);
    EXPECT_FALSE(Quantity::parse("2.5")->as_int64());
    EXPECT_FALSE(Quantity::parse("10E")->as_int64());
}

}  // namespace
}  // namespace knd
