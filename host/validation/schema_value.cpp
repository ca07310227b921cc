// SPDX-License-Identifier: Apache-2.0
//
// Comparing and printing values by their types.
#include <algorithm>

#include "host/model/quantity.hpp"
#include "host/validation/field_error.hpp"
#include "host/validation/schema.hpp"

namespace knd::validation {
namespace {

std::string zero_text(Shape shape) {
    switch (shape) {
        case Shape::kString:
            return "\"\"";
        case Shape::kInt:
            return "0";
        case Shape::kBool:
            return "false";
        case Shape::kQuantity:
            return "\"0\"";
        case Shape::kTime:
        case Shape::kRaw:
        case Shape::kObject:
        case Shape::kList:
        case Shape::kMap:
            break;
    }
    return "null";
}

bool is_zero(const Type& type, const Json& value) {
    switch (type.shape) {
        case Shape::kString:
            return value.is_string() && value.get_ref<const std::string&>().empty();
        case Shape::kInt:
            return value == 0;
        case Shape::kBool:
            return value == false;
        case Shape::kObject:
            return std::all_of(type.fields.begin(), type.fields.end(), [&](const Field& field) {
                return same(*field.type, field.pointer, json_at(value, field.name), Json());
            });
        case Shape::kQuantity:
            return value.is_string() && value.get_ref<const std::string&>() == "0";
        case Shape::kTime:
        case Shape::kRaw:
        case Shape::kList:
        case Shape::kMap:
            break;
    }
    return false;
}

bool same_members(const Type& type, const Json& a, const Json& b) {
    if (type.shape == Shape::kObject)
        return std::all_of(type.fields.begin(), type.fields.end(), [&](const Field& field) {
            return same(*field.type, field.pointer, json_at(a, field.name), json_at(b, field.name));
        });
    if (a.size() != b.size()) return false;
    if (type.shape == Shape::kList)
        return std::equal(a.begin(), a.end(), b.begin(), [&](const Json& x, const Json& y) {
            return same(*type.element, false, x, y);
        });
    for (const auto& [key, value] : a.items())
        if (!b.contains(key) || !same(*type.element, false, value, b[key])) return false;
    return true;
}

class Printer {
  public:
    explicit Printer(int minor) : minor_(minor) {}

    void print(const Type& type, bool pointer, const Json& value) {
        if (value.is_null() && (pointer || type.shape != Shape::kObject)) {
            out_ += pointer ? "null" : zero_text(type.shape);
        } else if (type.shape == Shape::kObject) {
            out_ += '{';
            members(type, value);
            out_ += '}';
        } else if (type.shape == Shape::kList) {
            out_ += '[';
            for (const auto& element : value) {
                comma('[');
                print(*type.element, false, element);
            }
            out_ += ']';
        } else if (type.shape == Shape::kMap) {
            out_ += '{';
            for (const auto& [key, element] : value.items()) {
                comma('{');
                out_ += api::go_json(key) + ":";
                print(*type.element, false, element);
            }
            out_ += '}';
        } else {
            out_ += api::go_json(value);
        }
    }
    std::string take() { return std::move(out_); }

  private:
    void comma(char open) {
        if (out_.back() != open) out_ += ',';
    }

    void members(const Type& type, const Json& value) {
        for (const auto& field : type.fields) {
            if (!field.exists_in(minor_)) continue;
            const auto& member = json_at(value, field.name);
            // A struct that is embedded has its fields among those of the outer one.
            if (field.go_name.empty()) {
                members(*field.type, member);
                continue;
            }
            const bool nothing = member.is_null() || is_zero(*field.type, member) ||
                                 (member.is_structured() && member.empty());
            if (type.external && nothing) continue;
            comma('{');
            out_.append("\"").append(type.external ? field.name : field.go_name).append("\":");
            print(*field.type, field.pointer, member);
        }
    }

    int minor_;
    std::string out_;
};

}  // namespace

bool same(const Type& type, bool pointer, const Json& a, const Json& b) {
    if (a.is_null() && b.is_null()) return true;
    if (type.shape == Shape::kList || type.shape == Shape::kMap)
        return a.size() == b.size() && same_members(type, a, b);
    if (a.is_null() || b.is_null()) return !pointer && is_zero(type, a.is_null() ? b : a);
    if (type.shape == Shape::kObject) return same_members(type, a, b);
    if (type.shape != Shape::kQuantity) return a == b;
    const auto x = Quantity::parse(a.is_string() ? a.get_ref<const std::string&>() : "");
    const auto y = Quantity::parse(b.is_string() ? b.get_ref<const std::string&>() : "");
    return x.ok() && y.ok() ? *x == *y : a == b;
}

std::string go_text(const Type& type, const Json& value, int minor) {
    Printer printer(minor);
    printer.print(type, false, value);
    return printer.take();
}

}  // namespace knd::validation
