// SPDX-License-Identifier: Apache-2.0
//
// Bytes of NRI connections, written by hand so that the tests do not lean on what they test.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace knd::nri::test {

inline std::string u32(std::uint32_t value) {
    return {static_cast<char>(value >> 24), static_cast<char>(value >> 16),
            static_cast<char>(value >> 8), static_cast<char>(value)};
}

inline std::string frame(std::uint32_t id, std::string_view payload) {
    return u32(id) + u32(static_cast<std::uint32_t>(payload.size())) + std::string(payload);
}

inline std::string ttrpc(std::uint32_t stream, char type, std::string_view data, char flags = 0) {
    return u32(static_cast<std::uint32_t>(data.size())) + u32(stream) + type + flags +
           std::string(data);
}

/// A message whose data are `size` bytes, no two neighbours alike.
inline std::string ttrpc_message(std::size_t size, std::uint32_t stream = 1) {
    std::string data(size, '\0');
    for (std::size_t i = 0; i < size; ++i)
        data[i] = static_cast<char>(i * 31 + (i >> 8));
    return ttrpc(stream, 1, data);
}

}  // namespace knd::nri::test
