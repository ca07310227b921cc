// SPDX-License-Identifier: Apache-2.0
//
// Numbers in the headers of mux and ttrpc.
#pragma once

#include <cstdint>

namespace knd::nri {

inline void put_u32(char* out, std::uint32_t value) {
    for (int i = 0; i < 4; ++i)
        out[i] = static_cast<char>(value >> (24 - 8 * i));
}

inline std::uint32_t get_u32(const char* in) {
    std::uint32_t value = 0;
    for (int i = 0; i < 4; ++i)
        value = value << 8 | static_cast<unsigned char>(in[i]);
    return value;
}

}  // namespace knd::nri
