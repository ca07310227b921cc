// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/validation/objects.hpp"

namespace knd::validation {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Json result(std::size_t number) {
    return {{"request", "r"},
            {"driver", "dra.net"},
            {"pool", "n1"},
            {"device", "d" + std::to_string(number)}};
}

Json with_status(const Json& status) {
    auto claim = claim_with(Json::object());
    claim["status"] = status;
    return claim;
}

Texts of_allocation(const Json& devices) {
    return said(validate_claim_status, with_status({{"allocation", {{"devices", devices}}}}));
}

/// What is said of a status of the one allocated device.
Texts of_device(Json fields) {
    auto device = result(0);
    device.erase("request");
    device.update(fields);
    return said(validate_claim_status,
                with_status({{"allocation", {{"devices", {{"results", {result(0)}}}}}},
                             {"devices", Json::array({device})}}));
}

TEST(ClaimStatusRules, TakeAtMost32Results) {
    EXPECT_THAT(of_allocation({{"results", array_of(32, result)}}), IsEmpty());
    EXPECT_THAT(of_allocation({{"results", array_of(33, result)}}),
                ElementsAre("status.allocation.devices.results: Too many: 33: must have at most 32 "
                            "items"));
}

TEST(ClaimStatusRules, TakeAtMost64Configs) {
    const auto with = [](std::size_t count) {
        return of_allocation(
            {{"config", array_of(count, [](auto) {
                  return Json{{"source", "FromClass"},
                              {"opaque", {{"driver", "d"}, {"parameters", Json::object()}}}};
              })}});
    };
    EXPECT_THAT(with(64), IsEmpty());
    EXPECT_THAT(with(65), ElementsAre("status.allocation.devices.config: Too many: 65: must have "
                                      "at most 64 items"));
}

TEST(ClaimStatusRules, WantResultsOfRequests) {
    auto other = result(0);
    other["request"] = "other";
    EXPECT_THAT(of_allocation({{"results", Json::array({other})}}),
                ElementsAre(HasSubstr("results[0].request: Invalid value: \"other\"")));
    auto shared = result(0);
    shared["shareID"] = "12345678-1234-1234-1234-1234567890AB";
    EXPECT_THAT(of_allocation({{"results", Json::array({shared})}}),
                ElementsAre(HasSubstr("results[0].shareID: Invalid value")));
}

TEST(ClaimStatusRules, KeepAnAllocation) {
    const auto before = with_status({{"allocation", {{"devices", {{"results", {result(0)}}}}}}});
    auto after = before;
    after["status"]["allocation"]["devices"]["results"][0] = result(1);
    EXPECT_THAT(said(validate_claim_status, after, before),
                ElementsAre(HasSubstr("status.allocation: Invalid value")));
    EXPECT_THAT(said(validate_claim_status, before, before), IsEmpty());
    after["status"].erase("allocation");
    EXPECT_THAT(said(validate_claim_status, after, before), IsEmpty());
}

Json consumers(std::size_t count) {
    return array_of(count, [](std::size_t i) {
        return Json{{"resource", "pods"}, {"name", "p"}, {"uid", std::to_string(i)}};
    });
}

TEST(ClaimStatusRules, TakeAtMost256Consumers) {
    const auto with = [](const Json& reserved) {
        return said(validate_claim_status,
                    with_status({{"allocation", Json::object()}, {"reservedFor", reserved}}));
    };
    EXPECT_THAT(with(consumers(256)), IsEmpty());
    EXPECT_THAT(with(consumers(257)),
                ElementsAre("status.reservedFor: Too many: 257: must have at most 256 items"));
    EXPECT_THAT(with(Json::array({consumers(1)[0], consumers(1)[0]})),
                ElementsAre("status.reservedFor[1]: Duplicate value: \"0\""));
    EXPECT_THAT(with(Json::array({Json::object()})),
                ElementsAre("status.reservedFor[0].resource: Required value",
                            "status.reservedFor[0].name: Required value",
                            "status.reservedFor[0].uid: Required value"));
}

TEST(ClaimStatusRules, ReserveWhatIsAllocatedAndStays) {
    EXPECT_THAT(said(validate_claim_status, with_status({{"reservedFor", consumers(1)}})),
                ElementsAre("status.reservedFor: Forbidden: may not be specified when `allocated` "
                            "is not set"));
    auto leaving = with_status({{"allocation", Json::object()}, {"reservedFor", consumers(1)}});
    leaving["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z";
    auto grown = leaving;
    grown["status"]["reservedFor"] = consumers(2);
    EXPECT_THAT(said(validate_claim_status, leaving, leaving), IsEmpty());
    EXPECT_THAT(said(validate_claim_status, grown, leaving),
                ElementsAre(HasSubstr("new entries may not be added while `deallocationRequested` "
                                      "or `deletionTimestamp` are set")));
}

TEST(DeviceStatusRules, WantAnAllocatedDevice) {
    EXPECT_THAT(of_device(Json::object()), IsEmpty());
    EXPECT_THAT(of_device({{"device", "d9"}}),
                ElementsAre(HasSubstr("must be an allocated device in the claim")));
}

TEST(DeviceStatusRules, TakeAtMost8Conditions) {
    const auto with = [](std::size_t count) {
        return of_device({{"conditions", array_of(count, [](std::size_t i) {
                               return Json{{"type", "t" + std::to_string(i)},
                                           {"status", "True"},
                                           {"reason", "R"},
                                           {"lastTransitionTime", "2026-01-01T00:00:00Z"}};
                           })}});
    };
    EXPECT_THAT(with(8), IsEmpty());
    EXPECT_THAT(with(9), ElementsAre("status.devices[0].conditions: Too many: 9: must have at most "
                                     "8 items"));
}

TEST(DeviceStatusRules, WantWholeConditions) {
    EXPECT_THAT(
        of_device({{"conditions", Json::array({{{"type", "Ready"}, {"status", "Perhaps"}}})}}),
        ElementsAre("status.devices[0].conditions[0].status: Unsupported value: \"Perhaps\": "
                    "supported values: \"False\", \"True\", \"Unknown\"",
                    "status.devices[0].conditions[0].lastTransitionTime: Required value",
                    "status.devices[0].conditions[0].reason: Required value"));
}

TEST(DeviceStatusRules, TakeDataOfAtMost10KiB) {
    EXPECT_THAT(of_device({{"data", {{"a", std::string(10240 - 8, 'x')}}}}), IsEmpty());
    EXPECT_THAT(of_device({{"data", {{"a", std::string(10240 - 7, 'x')}}}}),
                ElementsAre("status.devices[0].data: Too long: may not be more than 10240 bytes"));
}

TEST(DeviceStatusRules, LimitNetworkData) {
    const auto with = [](const Json& data) { return of_device({{"networkData", data}}); };
    const auto ips = [](std::size_t count) {
        return array_of(count, [](std::size_t i) { return "10.0.0." + std::to_string(i) + "/24"; });
    };
    EXPECT_THAT(with({{"ips", ips(16)},
                      {"interfaceName", std::string(256, 'x')},
                      {"hardwareAddress", std::string(128, 'x')}}),
                IsEmpty());
    EXPECT_THAT(with({{"ips", ips(17)}}),
                ElementsAre("status.devices[0].networkData.ips: Too many: 17: must have at most 16 "
                            "items"));
    EXPECT_THAT(with({{"interfaceName", std::string(257, 'x')}}),
                ElementsAre("status.devices[0].networkData.interfaceName: Too long: may not be "
                            "more than 256 bytes"));
    EXPECT_THAT(with({{"hardwareAddress", std::string(129, 'x')}}),
                ElementsAre("status.devices[0].networkData.hardwareAddress: Too long: may not be "
                            "more than 128 bytes"));
}

TEST(DeviceStatusRules, WantAddressesInCanonicalForm) {
    const auto with = [](const Json& ips) { return of_device({{"networkData", {{"ips", ips}}}}); };
    EXPECT_THAT(with({"10.0.0.5/24", "fd00::1/64"}), IsEmpty());
    EXPECT_THAT(with({"10.0.0.5"}), ElementsAre(HasSubstr("must be a valid address in CIDR form")));
    EXPECT_THAT(with({"FD00::1/64"}),
                ElementsAre(HasSubstr("must be in canonical form (\"fd00::1/64\")")));
    EXPECT_THAT(with({"::ffff:10.0.0.1/120"}),
                ElementsAre(HasSubstr("must be in canonical form (\"10.0.0.1/24\")")));
    EXPECT_THAT(with({"10.0.0.05/24"}),
                ElementsAre(HasSubstr("must be in canonical form (\"10.0.0.5/24\")")));
    EXPECT_THAT(with({"0fd00::00:01.02.3.004/064"}),
                ElementsAre(HasSubstr("must be in canonical form (\"fd00::102:304/64\")")));
    EXPECT_THAT(with({"::1:2/64", "::/0", "::1/128", "0.0.0.0/0"}), IsEmpty());
    EXPECT_THAT(with({"10.0.0.5/24", "10.0.0.5/24"}),
                Contains(HasSubstr("ips[1]: Duplicate value: \"10.0.0.5/24\"")));
}

}  // namespace
}  // namespace knd::validation
