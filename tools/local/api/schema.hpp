// SPDX-License-Identifier: Apache-2.0
//
// One description of all types, from which come: pruning of unknown fields, type errors, defaults,
// the rules of single fields, merge keys of strategic merge patch and server-side apply, and the
// OpenAPI documents that `kubectl explain` and `kubectl apply` read.
//
// Grammar of the text, by line:
//   package io.k8s.api.core.v1            prefix of the OpenAPI names that follow
//   Type: description                     an object type
//     field type [attribute ...]: description
// A type is string, int, int32, bool, time, quantity, any, a Type, []type or map:type. Attributes:
//   !        required                     key=a,b   keys of a list that is a map (apply)
//   fixed    cannot change after create   merge=k   key of strategic merge patch
//   set      a list without repetition    in=A|B    allowed values
//   =v       default (=object: {})        fmt=name  label, subdomain, ... (check_format)
//   min=N max=N   of a number, of a string's bytes or a list's items
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tools/local/api/status.hpp"

namespace knd::api {

enum class Shape { kString, kInt, kBool, kTime, kQuantity, kAny, kObject, kList, kMap };

struct Field;

struct Type {
    Shape shape = Shape::kAny;
    std::string name;  ///< "PodSpec"; for scalars and containers the text of the type
    std::string package;
    std::string description;
    std::vector<Field> fields;      ///< of an object
    const Type* element = nullptr;  ///< of a list or map

    const Field* field(std::string_view field_name) const;
};

struct Field {
    std::string name;
    std::string description;
    const Type* type = nullptr;
    bool required = false;
    bool fixed = false;
    bool set = false;
    std::string format;
    std::string merge_key;
    std::vector<std::string> keys;
    std::vector<std::string> allowed;
    std::optional<std::int64_t> min, max;
    Json initial;  ///< default; null for none
};

/// The types of the text: a constant, parsed at its first use and never changed.
class Schema {
  public:
    static const Schema& instance();

    /// Null when there is no such type.
    const Type* find(std::string_view name) const;
    const std::map<std::string, std::unique_ptr<Type>, std::less<>>& types() const {
        return types_;
    }

  private:
    Schema();
    void parse(std::string_view text);
    void add_field(Type& owner, std::string_view line);
    const Type* resolve(std::string_view text);

    std::map<std::string, std::unique_ptr<Type>, std::less<>> types_;
    std::string package_;
    std::string current_;
};

/// Brings `value` into the shape of `type`: nulls are dropped, quantities become strings, unknown
/// fields go and are listed, defaults are filled in. The error names the field of a wrong type.
Answer<bool> conform(const Type& type, Json& value, std::vector<std::string>& unknown);

/// Checks the rules that the schema states; with `before` also that fixed fields did not change.
void check_fields(const Type& type, const Json& value, const Json& before, const std::string& path,
                  FieldErrors& errors);

/// Checks one value against a named format; empty when it is fine, else Kubernetes' explanation.
std::string check_format(std::string_view format, const std::string& value);

/// `a.b`, or `b` when `a` is empty; indexes and map keys as Kubernetes prints them.
std::string path_join(const std::string& path, std::string_view name);
std::string path_index(const std::string& path, std::size_t index);
std::string path_key(const std::string& path, std::string_view key);

extern const char* const kSchemaText[];

}  // namespace knd::api
