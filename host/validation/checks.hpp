// SPDX-License-Identifier: Apache-2.0
//
// Checks that the rules of several kinds share. Internal to validation.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "host/model/gates.hpp"
#include "host/model/json_field.hpp"
#include "host/validation/field_error.hpp"
#include "host/validation/formats.hpp"

namespace knd::validation {

using api::FieldErrors;

/// What has been found so far, and whose rules hold.
class Report {
  public:
    Report(FieldErrors& errors, const Gates& gates) : errors_(errors), gates_(gates) {}

    void add(api::FieldError error) { errors_.push_back(std::move(error)); }
    /// The last error is one of the value's type.
    void blame_type() { errors_.back().reason = "FieldValueTypeInvalid"; }
    std::size_t size() const { return errors_.size(); }
    const Gates& gates() const { return gates_; }
    /// NN of Kubernetes 1.NN.
    int minor() const { return gates_.kubernetes_minor(); }

  private:
    FieldErrors& errors_;
    const Gates& gates_;
};

/// One "Invalid value" for each problem.
void add_problems(const std::string& path, const Json& value, const Problems& problems,
                  Report& report);

void check_label(const JsonField& field, Report& report);
void check_label_key(const JsonField& field, Report& report);
void check_label_value(const JsonField& field, Report& report);
void check_driver(const std::string& path, std::string_view name, Report& report);
inline void check_driver(const JsonField& field, Report& report) {
    check_driver(field.path(), field.text_or_empty(), report);
}
void check_pool(const JsonField& field, Report& report);
void check_node_name(const JsonField& field, Report& report);
void check_class_name(const JsonField& field, Report& report);

/// [domain/]identifier of attributes and capacities; `path` is what the error names.
void check_qualified_name(const std::string& path, std::string_view name, Report& report);
/// The same with a domain.
void check_full_name(const JsonField& field, Report& report);

/// "must be one of"; `supported` in the order of the message.
void check_one_of(const JsonField& field, std::initializer_list<const char*> supported,
                  Report& report);
void check_length(const JsonField& field, std::size_t limit, Report& report);
/// An absent text is an empty one.
void check_immutable_text(const JsonField& field, const Json& before, Report& report);
void check_immutable(const JsonField& field, const Json& before, Report& report);

/// `visit` for each element, unless there are too many: then that is the only error since 1.35.
void check_list(const JsonField& list, std::size_t limit, Report& report,
                const std::function<void(const JsonField&)>& visit);
/// That no two elements have the same text in `key`, or are the same text.
void check_repetition(const JsonField& list, std::string_view key, Report& report);
/// check_list() and check_repetition().
void check_set(const JsonField& list, std::size_t limit, Report& report,
               const std::function<void(const JsonField&)>& visit, std::string_view key = "");

void check_node_selector(const JsonField& selector, Report& report);
/// An effect that was there `before`, if anything was, is not looked at again.
void check_taint(const JsonField& taint, const Json& before, Report& report);
void check_toleration(const JsonField& toleration, Report& report);
/// Conditions and failure conditions of a device or an allocated device.
void check_binding_conditions(const JsonField& holder, Report& report);
/// One capacity; `shared`: of a device that may be allocated several times.
void check_capacity(const JsonField& capacity, bool shared, Report& report);
/// What a device takes of its node's resources.
void check_node_resources(const JsonField& device, Report& report);
/// Operations of the node that are left out (1.37).
void check_skipped_operations(const JsonField& operations, Report& report);
/// CEL: its length, its syntax and types, its cost. `stored`: unchanged in an update.
void check_selectors(const JsonField& selectors, bool stored, Report& report);
/// An expression whose value becomes an attribute (1.37); returns its cost.
std::uint64_t check_derivation(const JsonField& expression, bool stored, Report& report);
/// There, a JSON object, and at most 10 KiB, unless it is `stored`: unchanged in an update.
void check_raw_object(const JsonField& field, bool stored, Report& report);
/// `opaque` of a configuration.
void check_opaque(const JsonField& config, bool stored, Report& report);

/// Of the claims made from a template: labels and annotations, and nothing else.
void check_template_metadata(const JsonField& meta, Report& report);

/// Names of requests and of their alternatives: "req" and "req/sub".
class RequestNames {
  public:
    explicit RequestNames(const Json& requests);
    void check(const JsonField& reference, Report& report) const;
    /// A list of references, each once.
    void check_all(const JsonField& references, Report& report) const;

  private:
    bool contains(std::string_view reference) const;

    using Names = std::set<std::string, std::less<>>;
    std::map<std::string, Names, std::less<>> alternatives_;  ///< by request
};

}  // namespace knd::validation
