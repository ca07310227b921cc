// SPDX-License-Identifier: Apache-2.0
//
// Label and field selectors of list, watch and deletecollection.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tools/local/api/kinds.hpp"
#include "tools/local/api/status.hpp"

namespace knd::api {

class ObjectSelector {
  public:
    ObjectSelector() = default;  ///< selects everything

    /// 400 when either does not parse, or when `kind` cannot be selected by one of the fields.
    static Answer<ObjectSelector> parse(const Kind& kind, std::string_view labels,
                                        std::string_view fields);

    bool matches(const Json& object) const;

  private:
    enum class Operator { kIn, kNotIn, kExists, kNotExists };
    struct Requirement {
        Operator op;
        std::string key;
        std::vector<std::string> values;
    };
    static Answer<Requirement> parse_label(std::string_view text);

    std::vector<Requirement> labels_;
    std::vector<Requirement> fields_;
};

/// The value of a dotted path as field selectors compare it: "" when absent, true/false, digits.
std::string field_text(const Json& object, std::string_view dotted_path);

}  // namespace knd::api
