// SPDX-License-Identifier: Apache-2.0
//
// What a claim asks of an RDMA device. README.md says what the keys mean.
#pragma once

#include <cstdint>
#include <optional>

#include "sdk/support/rdma_device.hpp"

#include <knd/cpp/backend.hpp>

namespace rdma {

struct Claim {
    bool privileged = false;  ///< umad and issm: whoever has them can speak as the subnet's manager
    bool lock_memory = true;
    std::optional<std::int64_t> hca_handles;
    std::optional<std::int64_t> hca_objects;
    std::optional<std::uint16_t> pkey;

    static knd::Result<Claim> read(const knd::PrepareRequest& request);
};

/// "0x8001", with or without 0x; 0 and 0x8000 are no partitions.
knd::Result<std::uint16_t> read_pkey(const std::string& text);

/// Where the first port's table has the claim's PKey; a port that has it not is told, with what it
/// has. The membership bit does not count: a limited member is one, too.
knd::Result<int> find_pkey(const knd::sysfs::RdmaDevice& device, std::uint16_t pkey);

}  // namespace rdma
