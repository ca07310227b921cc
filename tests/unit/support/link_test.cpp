// SPDX-License-Identifier: Apache-2.0
#include "sdk/support/link.hpp"

#include <gtest/gtest.h>

namespace knd {
namespace {

TEST(MacAddress, SurvivesBytesAndBack) {
    const auto bytes = mac_bytes("02:00:5e:10:00:ff");
    ASSERT_TRUE(bytes.ok());
    EXPECT_EQ(bytes->size(), 6u);
    EXPECT_EQ(mac_text(*bytes), "02:00:5e:10:00:ff");
}

TEST(MacAddress, MayHaveTwentyBytesAndDashes) {
    const auto bytes = mac_bytes("80-00-02-08-FE-80-00-00-00-00-00-00-00-11-22-33-44-55-66-77");
    ASSERT_TRUE(bytes.ok());
    EXPECT_EQ(mac_text(*bytes), "80:00:02:08:fe:80:00:00:00:00:00:00:00:11:22:33:44:55:66:77");
}

TEST(MacAddress, RefusesWhatIsNone) {
    for (const char* text :
         {"", "0", "02:0", "02:00:", "0g:00", "02 00", "02000000", "2:0:0:0:0:1"}) {
        EXPECT_EQ(mac_bytes(text).code(), Code::kInvalidArgument) << text;
    }
}

TEST(Cidr, ClearsHostBitsOfItsNetwork) {
    EXPECT_EQ(parse_cidr("192.0.2.130/25")->network(), "192.0.2.128/25");
    EXPECT_EQ(parse_cidr("10.255.255.255/9")->network(), "10.128.0.0/9");
    EXPECT_EQ(parse_cidr("2001:db8::ffff/112")->network(), "2001:db8::/112");
    EXPECT_EQ(parse_cidr("0.0.0.0/0")->network(), "0.0.0.0/0");
}

TEST(Cidr, WithoutLengthIsAHost) {
    EXPECT_EQ(parse_cidr("192.0.2.1")->prefix_length, 32);
    EXPECT_EQ(parse_cidr("2001:DB8::1")->prefix_length, 128);
    EXPECT_EQ(parse_cidr("2001:DB8::1")->address, "2001:db8::1");
}

TEST(Cidr, RefusesWhatIsNone) {
    for (const char* text : {"", "/", "/24", "192.0.2.1/", "192.0.2.1/33", "::1/129",
                             "192.0.2.1/-1", "192.0.2.1/8x", "192.0.2/24", "host/24"}) {
        EXPECT_EQ(parse_cidr(text).code(), Code::kInvalidArgument) << text;
    }
}

TEST(LinkName, IsWhatTheKernelTakes) {
    for (const char* name : {"eth0", "a", "net-1.100", "fifteen-letters"}) {
        EXPECT_TRUE(valid_link_name(name)) << name;
    }
    for (const char* name :
         {"", ".", "..", "sixteen-letters!", "a/b", "a b", "a:b", "net%d", "a\n"}) {
        EXPECT_FALSE(valid_link_name(name)) << name;
    }
}

TEST(RouteInfo, TellsWhichLinksItUses) {
    const RouteInfo route{.destination = "198.51.100.0/24",
                          .nexthops = {{.ifindex = 3}, {.ifindex = 5}}};
    EXPECT_TRUE(route.uses(5));
    EXPECT_FALSE(route.uses(4));
}

}  // namespace
}  // namespace knd
