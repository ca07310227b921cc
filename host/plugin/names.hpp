// SPDX-License-Identifier: Apache-2.0
//
// The spelling rules for what a backend reports: those of resource.k8s.io for devices and
// attributes, those of the kernel for interfaces.
#pragma once

#include <string>
#include <string_view>

#include <knd/cpp/result.hpp>

namespace knd::plugin {

inline constexpr std::size_t kMaxDnsLabel = 63;
inline constexpr std::size_t kMaxIdentifier = 32;  ///< of an attribute's or capacity's name
inline constexpr std::size_t kMaxAttributeText = 64;
inline constexpr std::size_t kMaxAttributes = 32;       ///< attributes and capacities of one device
inline constexpr std::size_t kMaxReason = 512;          ///< why a device is not offered
inline constexpr std::size_t kMaxAttributeValues = 48;  ///< of one device; a list has several
inline constexpr std::size_t kMaxTaints = 4;            ///< of one device, until 1.34
inline constexpr std::size_t kMaxValidValues = 10;      ///< of one capacity
inline constexpr std::size_t kMaxCounters = 32;         ///< of one set
inline constexpr std::size_t kMaxConsumedSets = 2;      ///< by one device
inline constexpr std::size_t kMaxAddresses = 16;        ///< in a device's network data

/// Lower-case letters, digits and '-', not at the ends; at most 63.
bool is_dns_label(std::string_view text);
/// Labels joined by dots, at most 63 in all, as resource.k8s.io wants it of a domain.
bool is_domain(std::string_view text);
/// A letter or '_', then letters, digits and '_'.
bool is_c_identifier(std::string_view text);
/// What the kernel takes as the name of an interface.
bool is_interface_name(std::string_view text);
/// "00:11:22:33:44:55", or any other number of bytes up to 20 (InfiniBand).
bool is_hardware_address(std::string_view text);
/// Absolute, without "..", "." or empty parts.
bool is_clean_path(std::string_view text);
bool is_utf8(std::string_view text);
/// Letters, digits, '-', '_' and '.', no sign at the ends; at most 63, or none.
bool is_label_value(std::string_view text);
/// The same, not empty, perhaps behind "domain/".
bool is_label_key(std::string_view text);
/// `name` of an attribute or a capacity, with `domain` if it has none of its own.
Result<std::string> qualified_name(std::string_view name, std::string_view domain);
/// "2001:db8::1/64" in the kernel's spelling; empty when it is no address with a prefix length.
std::string canonical_cidr(std::string_view text);

/// A string of the other side, which may be NULL.
inline std::string_view view(const char* text) {
    return text != nullptr ? text : "";
}
/// A backend's string for a message: cut, and free of bytes that are no UTF-8.
std::string quoted(std::string_view text);
/// `text` for a log line or an error: what is no UTF-8 becomes '?', control characters become
/// blanks.
std::string printable(std::string_view text);

}  // namespace knd::plugin
