// SPDX-License-Identifier: Apache-2.0
//
// What reading and writing of protobuf have in common. Internal to protobuf_*.cpp.
#pragma once

#include <string_view>

#include "tools/local/api/messages.hpp"

namespace knd::api {

constexpr unsigned kWireVarint = 0;
constexpr unsigned kWire64 = 1;
constexpr unsigned kWireBytes = 2;
constexpr unsigned kWire32 = 5;

constexpr std::string_view kEnvelopeMagic("k8s\0", 4);

/// The message of a kind; null when there is no description.
inline const Message* message_of(std::string_view api_version, std::string_view kind) {
    const bool of_events = api_version == "events.k8s.io/v1" && kind.starts_with("Event");
    return Messages::instance().find((of_events ? "events." : "") + std::string(kind));
}

}  // namespace knd::api
