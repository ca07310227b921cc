// SPDX-License-Identifier: Apache-2.0
#include "backends/rdma/claim.hpp"

#include <charconv>
#include <limits>
#include <string>

#include "backends/rdma/device.hpp"

namespace rdma {
namespace {

using knd::Code;
using knd::Error;
using knd::Result;

constexpr std::uint16_t kPartition = 0x7fff;  // the highest bit is full membership

/// -1: the claim does not say. Where the kernel's limit is an int, more is none.
Result<std::optional<std::int64_t>> read_limit(const knd::Params& config, std::string_view key) {
    KND_TRY_ASSIGN(const auto value,
                   config.integer_in(key, -1, -1, std::numeric_limits<std::int32_t>::max()));
    return value < 0 ? std::nullopt : std::optional(value);
}

}  // namespace

Result<Claim> Claim::read(const knd::PrepareRequest& request) {
    const auto& config = request.config;
    Claim claim;
    KND_TRY_ASSIGN(claim.privileged, config.boolean("privileged"));
    KND_TRY_ASSIGN(claim.lock_memory, config.boolean("lockMemory", true));
    KND_TRY_ASSIGN(claim.hca_handles, read_limit(config, "hcaHandles"));
    KND_TRY_ASSIGN(claim.hca_objects, read_limit(config, "hcaObjects"));
    KND_TRY_ASSIGN(const auto pkey, config.string("pkey"));
    if (!pkey.empty()) {
        KND_TRY_ASSIGN(claim.pkey, read_pkey(pkey));
    }
    // Read either way: a key that nobody reads would be a typing error. The class's own
    // configuration is under the claim's, so this key reaches us by both.
    KND_TRY(config.boolean("allowPrivileged"));
    KND_TRY_ASSIGN(const auto allowed, request.class_config.boolean("allowPrivileged"));
    if (claim.privileged && !allowed) {
        return Error(Code::kFailedPrecondition,
                     "`privileged` gives the container the devices of the subnet's management, "
                     "which its DeviceClass does not allow: an administrator sets "
                     "`allowPrivileged: true` in the class's config");
    }
    return claim;
}

Result<std::uint16_t> read_pkey(const std::string& text) {
    std::string_view digits = text;
    if (digits.starts_with("0x") || digits.starts_with("0X")) digits.remove_prefix(2);
    std::uint16_t value = 0;
    const auto end = digits.data() + digits.size();
    const auto [stop, error] = std::from_chars(digits.data(), end, value, 16);
    if (error == std::errc() && stop == end && (value & kPartition) != 0) return value;
    return Error(Code::kInvalidArgument,
                 "`pkey` is `" + text + "`, must be a partition in hexadecimal, as \"0x8001\"");
}

Result<int> find_pkey(const knd::sysfs::RdmaDevice& device, std::uint16_t pkey) {
    std::string has;
    for (const auto& port : device.ports) {
        if (port.number != 1) continue;
        for (const auto& one : port.pkeys) {
            if ((one.value & kPartition) == (pkey & kPartition)) return one.index;
            has.append(has.empty() ? "" : ", ").append(pkey_text(one.value));
        }
    }
    return Error(Code::kFailedPrecondition, "port 1 of RDMA device " + device.name +
                                                " is no member of partition " + pkey_text(pkey) +
                                                " (it has " + (has.empty() ? "none" : has) +
                                                "): the subnet manager makes it one");
}

}  // namespace rdma
