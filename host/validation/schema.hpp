// SPDX-License-Identifier: Apache-2.0
//
// The fields of the objects of resource.k8s.io: of what type, in which releases, behind which
// feature gate. Internal to validation.
//
// Grammar of the text, by line:
//   Type [external]           an object type; external ones are printed with their JSON names
//   v1beta1.Type              the same where that version differs
//     field type [attribute ...]
//     &Type                   all fields of that type but its name
// A type is string, int, bool, time, quantity, raw, a Type, []type or map:type; a * in front tells
// absent from zero. Attributes:
//   go=Name    name in Go, where it is not the capitalised one
//   since=NN   first release 1.NN that has the field; until=NN is the last one
//   gate=Name  without this gate the field is dropped
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "host/model/gates.hpp"
#include "host/model/json.hpp"

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

    bool exists_in(int minor) const { return since <= minor && minor <= until; }
};

struct Type {
    Shape shape = Shape::kObject;
    std::string name;  ///< "DeviceRequest"; of lists and maps with the element
    const Type* element = nullptr;
    bool external = false;
    std::vector<Field> fields;

    /// Null when the release has no such field.
    const Field* field(std::string_view name, int minor) const;
};

/// A constant, made at its first use.
class Schema {
  public:
    static const Schema& instance();

    /// Null when there is no such type.
    const Type* find(std::string_view name) const;
    /// The type as v1beta1 has it.
    const Type& in_v1beta1(const Type& type) const;

  private:
    Schema();
    void add_line(std::string_view line);
    void add_field(std::string_view line);
    const Type* resolve(std::string_view text);

    std::map<std::string, std::unique_ptr<Type>, std::less<>> types_;
    Type* current_ = nullptr;
};

/// Whether both would be stored alike: empty lists are absent ones, "1000m" is "1".
bool same(const Type& type, bool pointer, const Json& a, const Json& b);

/// The text by which errors show a value that is a struct in Go: all fields, with Go's names.
std::string go_text(const Type& type, const Json& value, int minor);

extern const char* const kSchemaText;

}  // namespace knd::validation
