// SPDX-License-Identifier: Apache-2.0
//
// Types of API objects, read from texts: of what type each field is, in which releases, behind
// which feature gate, and for kinds that knd-local serves also what it means and may hold. One
// table for both, so that the validator and the API server of knd-local cannot disagree.
//
// Grammar of a text, by line:
//   package io.k8s.api.core.v1               prefix of the OpenAPI names of the types that follow
//   Type [external][: description]           an object type; external ones are printed with their
//                                            JSON names
//   v1beta1.Type                             the same where that version differs
//     field type [attribute ...][: description]
//     &Type                                  all fields of that type but its name
// A type that an earlier text has described is supplemented: its fields stand without their type.
// A type is string, int, int32, bool, time, quantity, raw, a Type, []type or map:type; a * in
// front tells absent from zero. Attributes:
//   go=Name    name in Go, where it is not the capitalised one; empty: embedded in Go
//   since=NN   first release 1.NN that has the field; until=NN is the last one
//   gate=Name  without this gate the field is dropped
//   gated_since=NN, gated_until=NN  first and last release where that is so
// and of fields that are served:
//   !        required                        key=a,b   keys of a list that is a map (apply)
//   fixed    cannot change after create      merge=k   key of strategic merge patch
//   set      a list without repetition       in=A|B    allowed values
//   =v       default (=object: {})           fmt=name  format of the text
//   min=N    of a number                     max=N     of that, of a text's bytes or a list's items
#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/model/gates.hpp"
#include "host/model/json.hpp"

#include <knd/cpp/result.hpp>

namespace knd::validation {

enum class Shape { kString, kInt, kBool, kTime, kQuantity, kRaw, kObject, kList, kMap };

struct Type;

struct Field {
    std::string name;
    std::string go_name;
    const Type* type = nullptr;
    bool pointer = false;
    int since = kOldestMinor;
    int until = kNewestMinor;
    std::string gate;
    int gated_since = kOldestMinor;
    int gated_until = kNewestMinor;

    // The rest is empty where nobody serves the field.
    std::string description;
    bool required = false;
    bool fixed = false;
    bool set = false;
    std::string format;
    std::string merge_key;
    std::vector<std::string> keys;
    std::vector<std::string> allowed;
    std::optional<std::int64_t> min, max;
    Json initial;  ///< default; null for none

    bool exists_in(int minor) const { return since <= minor && minor <= until; }
};

struct Type {
    Shape shape = Shape::kObject;
    std::string name;  ///< "DeviceRequest"; of lists and maps with the element
    const Type* element = nullptr;
    bool external = false;
    std::vector<Field> fields;
    std::string package;  ///< empty: the type is not served
    std::string description;

    /// Null when the release has no such field.
    const Field* field(std::string_view name, int minor) const;
};

/// Never changed once it is made.
class Schema {
  public:
    using Types = std::map<std::string, std::unique_ptr<Type>, std::less<>>;

    /// Of resource.k8s.io, as validation needs it; made at its first use.
    static const Schema& instance();

    /// INVALID_ARGUMENT names the first line with a mistake, or the type that is nowhere described.
    static Result<Schema> read(std::initializer_list<std::string_view> texts);
    /// Of texts of ours: a mistake ends the process, so that no test passes with it.
    static Schema built_in(std::initializer_list<std::string_view> texts);

    /// Null when there is no such type.
    const Type* find(std::string_view name) const;
    /// The type as v1beta1 has it.
    const Type& in_v1beta1(const Type& type) const;
    const Types& types() const { return types_; }

  private:
    Schema() = default;

    Types types_;
};

/// Whether both would be stored alike: empty lists are absent ones, "1000m" is "1".
bool same(const Type& type, bool pointer, const Json& a, const Json& b);

/// The text by which errors show a value that is a struct in Go: all fields, with Go's names.
std::string go_text(const Type& type, const Json& value, int minor);

/// The types of resource.k8s.io, and what of others they consist of.
extern const char* const kSchemaText;

}  // namespace knd::validation
