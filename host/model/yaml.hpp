// SPDX-License-Identifier: Apache-2.0
//
// YAML as Kubernetes reads it: YAML 1.1's scalars (`yes` is true, 0777 is octal), aliases, merge
// keys, no timestamps, and JSON's data model. The one place that includes the YAML library.
//
// Hostile text is bounded: 128 levels of nesting, and what aliases repeat is limited in size.
#pragma once

#include <functional>
#include <string_view>

#include "host/model/json.hpp"
#include "host/model/origin.hpp"

#include <knd/cpp/result.hpp>

namespace knd {

/// The first document of the text; null when there is none. An error begins with the place.
Result<Json> parse_yaml(std::string_view text, const Origin& origin = {});

/// Takes what a text holds, in its order. Its failure ends the reading.
struct YamlSink {
    /// An element of the list `items` of a document, as soon as it is complete, so that a long list
    /// is never in memory as a whole. Empty: elements stay in their document.
    std::function<Result<void>(Json item, int line)> item;
    /// A document, without the elements that `item` has taken. Empty documents are left out.
    std::function<Result<void>(Json document, int line)> document;
};

Result<void> parse_yaml_documents(std::string_view text, const Origin& origin,
                                  const YamlSink& sink);

}  // namespace knd
