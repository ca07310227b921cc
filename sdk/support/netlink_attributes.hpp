// SPDX-License-Identifier: Apache-2.0
//
// Attribute numbers that are younger than the kernel headers of Debian 12 (6.1). They are part of
// the kernel's ABI; a kernel that does not know them leaves them out and refuses to set them.
#pragma once

namespace knd {

constexpr int kIflaGsoIpv4MaxSize = 63;  ///< Linux 6.3
constexpr int kIflaGroIpv4MaxSize = 64;  ///< Linux 6.3
constexpr int kIflaNetnsImmutable = 67;  ///< Linux 6.15

}  // namespace knd
