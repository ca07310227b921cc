// SPDX-License-Identifier: Apache-2.0
//
// The formats of names in Kubernetes, with its own explanations.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace knd::validation {

/// What is wrong with a text; empty when it is well-formed.
using Problems = std::vector<std::string>;

std::string lower_case(std::string_view text);

/// RFC 1123 label: at most 63 lower-case letters, digits and dashes.
Problems label_problems(std::string_view text);
/// Labels joined by dots, at most 253 bytes.
Problems subdomain_problems(std::string_view text);
/// The same, with the words for names of device classes.
Problems long_name_problems(std::string_view text);
/// [domain/]name of labels, taints and conditions.
Problems label_key_problems(std::string_view text);
Problems label_value_problems(std::string_view text);
Problems c_identifier_problems(std::string_view text);

}  // namespace knd::validation
