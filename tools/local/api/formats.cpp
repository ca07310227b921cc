// SPDX-License-Identifier: Apache-2.0
//
// The named formats of the schema.
#include "host/validation/formats.hpp"
#include "tools/local/api/schema.hpp"

namespace knd::api {

std::string check_format(std::string_view format, const std::string& value) {
    validation::Problems problems;
    if (format == "label") problems = validation::label_problems(value);
    if (format == "subdomain") problems = validation::subdomain_problems(value);
    return problems.empty() ? "" : problems.front();
}

}  // namespace knd::api
