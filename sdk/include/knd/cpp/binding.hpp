// SPDX-License-Identifier: Apache-2.0
//
// Binding: a device in the hands of a claim, as a backend sees it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <knd/cpp/abi.hpp>

#include <knd/ext/prepare.h>

namespace knd {
namespace detail {

inline std::string_view view(const char* text) {
    return text != nullptr ? text : "";
}
inline const char* or_null(const std::string& text) {
    return text.empty() ? nullptr : text.c_str();
}
inline std::vector<const char*> pointers(const std::vector<std::string>& texts) {
    std::vector<const char*> all;
    for (const auto& text : texts)
        all.push_back(text.c_str());
    return all;
}
/// Calls `visit` for each of `count` structs, which may be longer than those compiled here.
template <class T, class Visit>
void each(const T* first, std::uint64_t count, Visit visit) {
    const auto* next = reinterpret_cast<const char*>(first);
    for (std::uint64_t i = 0; i < count; ++i, next += first->size)
        visit(reinterpret_cast<const T*>(next));
}

}  // namespace detail

/// Views are valid during the call, and NUL-terminated.
struct Binding {
    std::string_view claim_uid;
    std::string_view claim;  ///< "namespace/name", for messages
    std::string_view device;
    std::string_view state;     ///< bytes that prepare left in the effects sink
    std::string_view share_id;  ///< of a shareable device; else empty

    static Binding from(const knd_binding* theirs) {
        const auto b = copy_in(theirs);
        return {detail::view(b.claim_uid), detail::view(b.claim), detail::view(b.device),
                std::string_view(static_cast<const char*>(b.state), b.state ? b.state_size : 0),
                detail::view(b.share_id)};
    }
    knd_binding raw() const {
        knd_binding b{};
        b.size = sizeof b;
        b.claim_uid = claim_uid.data();
        b.claim = claim.data();
        b.device = device.data();
        b.state = state.data();
        b.state_size = state.size();
        b.share_id = share_id.data();
        return b;
    }
};

}  // namespace knd
