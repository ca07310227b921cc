// SPDX-License-Identifier: Apache-2.0
//
// The seam between the C ABI and C++, used by both sides: structs that may have grown, and errors
// on their way across.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>

#include <knd/cpp/result.hpp>

#include <knd/abi.h>

namespace knd {

/// What the other side passed, as this side knows it: fields that it did not have are zero, fields
/// that only it knows are dropped. `T` begins with `uint32_t size`.
template <class T>
T copy_in(const T* theirs) {
    T mine{};
    if (theirs == nullptr) return mine;
    // Bytes, not an assignment: `theirs` may be shorter than T.
    std::memcpy(&mine, theirs, std::min<std::size_t>(theirs->size, sizeof mine));
    mine.size = sizeof mine;
    return mine;
}

inline knd_status to_status(Code code) {
    return static_cast<knd_status>(code);
}

/// A status outside of the gRPC numbers is UNKNOWN.
inline Code to_code(knd_status status) {
    if (status < KND_OK || status > KND_UNAUTHENTICATED) return Code::kUnknown;
    return static_cast<Code>(status);
}

inline knd_error empty_error() {
    knd_error error{};
    error.size = sizeof error;
    return error;
}

/// `text` cut to at most `limit` bytes without splitting a UTF-8 character.
inline std::string_view cut_utf8(std::string_view text, std::size_t limit) {
    if (text.size() <= limit) return text;
    while (limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xC0) == 0x80)
        --limit;
    return text.substr(0, limit);
}

/// Writes into the caller's buffer, as much as it says to have.
inline void fill_error(knd_error* out, std::string_view message, int os_error) {
    if (out == nullptr || out->size <= offsetof(knd_error, message)) return;
    const auto room = std::min<std::size_t>(out->size, sizeof *out) - offsetof(knd_error, message);
    const auto text = cut_utf8(message, room - 1);
    out->os_error = os_error;
    std::memcpy(out->message, text.data(), text.size());
    out->message[text.size()] = '\0';
}

/// `status` and what was written into `from`, which may lack its NUL or hold nothing at all.
/// `status` is not KND_OK.
inline Error read_error(knd_status status, const knd_error& from) {
    const auto code = to_code(status);
    std::string text(from.message, ::strnlen(from.message, sizeof from.message));
    if (text.empty()) text = "failed without a message (" + std::string(code_name(code)) + ")";
    return {code, std::move(text), from.os_error};
}

}  // namespace knd
