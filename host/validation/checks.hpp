// SPDX-License-Identifier: Apache-2.0
//
// Checks that the rules of several kinds share. Internal to validation.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <string_view>

#include "host/model/json_field.hpp"
#include "host/validation/field_error.hpp"
#include "host/validation/formats.hpp"

namespace knd::validation {

using api::FieldErrors;

/// One "Invalid value" for each problem.
void add_problems(const std::string& path, const Json& value, const Problems& problems,
                  FieldErrors& errors);

void check_label(const JsonField& field, FieldErrors& errors);
void check_label_key(const JsonField& field, FieldErrors& errors);
void check_label_value(const JsonField& field, FieldErrors& errors);
void check_driver(const std::string& path, std::string_view name, FieldErrors& errors);
inline void check_driver(const JsonField& field, FieldErrors& errors) {
    check_driver(field.path(), field.text_or_empty(), errors);
}
void check_pool(const JsonField& field, FieldErrors& errors);
void check_node_name(const JsonField& field, FieldErrors& errors);
void check_class_name(const JsonField& field, FieldErrors& errors);

/// [domain/]identifier of attributes and capacities; `path` is what the error names.
void check_qualified_name(const std::string& path, std::string_view name, FieldErrors& errors);
/// The same with a domain.
void check_full_name(const JsonField& field, FieldErrors& errors);

/// "must be one of"; `supported` in the order of the message.
void check_one_of(const JsonField& field, std::initializer_list<const char*> supported,
                  FieldErrors& errors);
void check_length(const JsonField& field, std::size_t limit, FieldErrors& errors);
void check_immutable(const JsonField& field, const Json& before, FieldErrors& errors);

/// `visit` for each element, unless there are too many: then that is the only error.
void check_list(const JsonField& list, std::size_t limit, FieldErrors& errors,
                const std::function<void(const JsonField&)>& visit);
/// Also that no two elements have the same key.
void check_set(const JsonField& list, std::size_t limit, FieldErrors& errors,
               const std::function<void(const JsonField&)>& visit,
               const std::function<Json(const JsonField&)>& key);

void check_node_selector(const JsonField& selector, FieldErrors& errors);
void check_taint(const JsonField& taint, FieldErrors& errors);
void check_toleration(const JsonField& toleration, FieldErrors& errors);
/// Conditions and failure conditions of a device or an allocated device.
void check_binding_conditions(const JsonField& holder, FieldErrors& errors);
/// CEL: its length, its syntax and types, its cost.
void check_selectors(const JsonField& selectors, FieldErrors& errors);
/// There, a JSON object, and at most 10 KiB.
void check_raw_object(const JsonField& field, FieldErrors& errors);
/// `opaque` of a configuration.
void check_opaque(const JsonField& config, FieldErrors& errors);

/// Names of requests and of their alternatives: "req" and "req/sub".
class RequestNames {
  public:
    explicit RequestNames(const Json& requests);
    void check(const JsonField& reference, FieldErrors& errors) const;
    /// A list of references, each once.
    void check_all(const JsonField& references, FieldErrors& errors) const;

  private:
    std::set<std::string, std::less<>> names_;
};

}  // namespace knd::validation
