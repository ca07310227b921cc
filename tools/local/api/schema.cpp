// SPDX-License-Identifier: Apache-2.0
#include "tools/local/api/schema.hpp"

#include <algorithm>

#include "host/model/quantity.hpp"

namespace knd::api {
namespace {

std::string_view json_type(const Json& value) {
    if (value.is_number()) return "number";
    if (value.is_boolean()) return "bool";
    return value.type_name();
}

std::string go_type(const Type& type) {
    switch (type.shape) {
        case Shape::kString:
            return "string";
        case Shape::kInt:
            return type.name == "int" ? "int64" : "int32";
        case Shape::kBool:
            return "bool";
        case Shape::kTime:
            return "v1.Time";
        case Shape::kQuantity:
            return "resource.Quantity";
        case Shape::kRaw:
            return "interface {}";
        case Shape::kObject:
            return "v1." + type.name;
        case Shape::kList:
            return "[]" + go_type(*type.element);
        case Shape::kMap:
            return "map[string]" + go_type(*type.element);
    }
    return type.name;
}

/// 2006-01-02T15:04:05[.frac](Z|+hh:mm)
bool is_time(const std::string& text) {
    constexpr std::string_view kPattern = "dddd-dd-ddTdd:dd:dd";
    if (text.size() <= kPattern.size()) return false;
    for (std::size_t i = 0; i < kPattern.size(); ++i) {
        const bool digit = text[i] >= '0' && text[i] <= '9';
        if (kPattern[i] == 'd' ? !digit : text[i] != kPattern[i]) return false;
    }
    return text.back() == 'Z' || text.find_first_of("+-", kPattern.size()) != std::string::npos;
}

/// Carries what the recursion of conform() needs.
struct Conformer {
    const std::string& root;
    std::vector<std::string>& unknown;
    std::string error;

    bool fail(const Type& type, const Json& value, const std::string& path) {
        error = "json: cannot unmarshal " + std::string(json_type(value)) +
                " into Go struct field " + root + "." + path + " of type " + go_type(type);
        return false;
    }

    /// Stored in its canonical spelling, as Kubernetes does.
    bool quantity(const Type& type, Json& value, const std::string& path) {
        if (value.is_number()) value = to_text(value);
        if (!value.is_string()) return fail(type, value, path);
        const auto parsed = Quantity::parse(value.get_ref<const std::string&>());
        if (!parsed.ok()) {
            error = parsed.error().message();
            return false;
        }
        value = parsed->text();
        return true;
    }

    bool object(const Type& type, Json& value, const std::string& path) {
        if (!value.is_object()) return fail(type, value, path);
        for (auto it = value.begin(); it != value.end();) {
            const auto* field = type.field(it.key(), kMinor);
            if (field == nullptr) unknown.push_back(path_join(path, it.key()));
            if (field == nullptr || it->is_null()) {
                it = value.erase(it);
                continue;
            }
            if (!any(*field->type, *it, path_join(path, it.key()))) return false;
            ++it;
        }
        for (const auto& field : type.fields) {
            if (field.initial.is_null() || value.contains(field.name)) continue;
            value[field.name] = field.initial;
            if (!any(*field.type, value[field.name], path_join(path, field.name))) return false;
        }
        return true;
    }

    bool any(const Type& type, Json& value, const std::string& path) {
        switch (type.shape) {
            case Shape::kRaw:
                return true;
            case Shape::kString:
                return value.is_string() || fail(type, value, path);
            case Shape::kInt:
                return value.is_number_integer() || fail(type, value, path);
            case Shape::kBool:
                return value.is_boolean() || fail(type, value, path);
            case Shape::kQuantity:
                return quantity(type, value, path);
            case Shape::kTime:
                if (!value.is_string()) return fail(type, value, path);
                if (is_time(value.get_ref<const std::string&>())) return true;
                error = "parsing time " + to_text(value) +
                        " as \"2006-01-02T15:04:05Z07:00\": " + "cannot parse " + to_text(value);
                return false;
            case Shape::kObject:
                return object(type, value, path);
            case Shape::kList:
                if (!value.is_array()) return fail(type, value, path);
                for (std::size_t i = 0; i < value.size(); ++i) {
                    if (!any(*type.element, value[i], path_index(path, i))) return false;
                }
                return true;
            case Shape::kMap:
                if (!value.is_object()) return fail(type, value, path);
                for (auto& [key, item] : value.items()) {
                    if (!any(*type.element, item, path_key(path, key))) return false;
                }
                return true;
        }
        return true;
    }
};

void check_string(const Field& field, const Json& value, const std::string& path,
                  FieldErrors& errors) {
    const auto& text = value.get_ref<const std::string&>();
    if (text.empty()) return;
    if (field.max && text.size() > static_cast<std::size_t>(*field.max)) {
        errors.push_back(field_too_long(path, static_cast<std::size_t>(*field.max)));
        return;
    }
    if (!field.allowed.empty() &&
        std::find(field.allowed.begin(), field.allowed.end(), text) == field.allowed.end()) {
        errors.push_back(field_unsupported(path, value, field.allowed));
    }
    if (field.format.empty()) return;
    if (auto why = check_format(field.format, text); !why.empty())
        errors.push_back(field_invalid(path, value, why));
}

void check_int(const Field& field, const Json& value, const std::string& path,
               FieldErrors& errors) {
    const auto number = value.get<std::int64_t>();
    if (field.min && number < *field.min) {
        const auto why = *field.min == 1
                             ? std::string("must be greater than zero")
                             : "must be greater than or equal to " + std::to_string(*field.min);
        errors.push_back(field_invalid(path, value, why));
    }
    if (field.max && number > *field.max) {
        errors.push_back(field_invalid(
            path, value, "must be less than or equal to " + std::to_string(*field.max)));
    }
}

void check_list(const Field& field, const Json& value, const std::string& path,
                FieldErrors& errors) {
    if (field.max && value.size() > static_cast<std::size_t>(*field.max))
        errors.push_back(field_too_many(path, value.size(), static_cast<std::size_t>(*field.max)));
    if (field.keys.empty() && !field.set) return;
    for (std::size_t i = 0; i < value.size(); ++i) {
        for (std::size_t j = 0; j < i; ++j) {
            const auto same_key = [&](const std::string& key) {
                return json_at(value[i], key) == json_at(value[j], key);
            };
            const bool same = field.set
                                  ? value[i] == value[j]
                                  : std::all_of(field.keys.begin(), field.keys.end(), same_key);
            if (!same) continue;
            const bool one_key = field.keys.size() == 1;
            const auto at = path_index(path, i);
            errors.push_back(
                field_duplicate(one_key ? path_join(at, field.keys[0]) : at,
                                one_key ? json_at(value[i], field.keys[0]) : value[i]));
            break;
        }
    }
}

void check_field(const Field& field, const Json& value, const Json& before, const std::string& path,
                 FieldErrors& errors) {
    const bool empty =
        value.is_null() ||
        (!value.is_number() && !value.is_boolean() && !value.is_object() && value.empty()) ||
        (value.is_string() && value.get_ref<const std::string&>().empty());
    if (empty && field.required) {
        errors.push_back(field_required(path));
        return;
    }
    if (field.fixed && !before.is_null() && json_at(before, field.name) != value)
        errors.push_back(field_invalid(path, value, "field is immutable"));
    if (value.is_null()) return;
    switch (field.type->shape) {
        case Shape::kString:
            check_string(field, value, path, errors);
            break;
        case Shape::kInt:
            check_int(field, value, path, errors);
            break;
        case Shape::kList:
            check_list(field, value, path, errors);
            break;
        case Shape::kBool:
        case Shape::kTime:
        case Shape::kQuantity:
        case Shape::kRaw:
        case Shape::kObject:
        case Shape::kMap:
            break;
    }
}

}  // namespace

const Schema& served_schema() {
    static const auto kSchema =
        Schema::built_in({validation::kSchemaText, kCoreText, kPodText, kResourceText});
    return kSchema;
}

Answer<bool> conform(const Type& type, Json& value, std::vector<std::string>& unknown) {
    Conformer conformer{type.name, unknown, {}};
    if (conformer.any(type, value, "")) return true;
    return bad_request(type.name + " in version \"v1\" cannot be handled as a " + type.name + ": " +
                       conformer.error);
}

void check_fields(const Type& type, const Json& value, const Json& before, const std::string& path,
                  FieldErrors& errors) {
    if (type.shape == Shape::kList) {
        for (std::size_t i = 0; i < value.size(); ++i)
            check_fields(*type.element, value[i], Json(), path_index(path, i), errors);
    } else if (type.shape == Shape::kMap) {
        for (const auto& [key, item] : value.items())
            check_fields(*type.element, item, Json(), path_key(path, key), errors);
    } else if (type.shape == Shape::kObject) {
        for (const auto& field : type.fields) {
            const auto& child = json_at(value, field.name);
            const auto child_path = path_join(path, field.name);
            check_field(field, child, before, child_path, errors);
            if (!child.is_null())
                check_fields(*field.type, child, json_at(before, field.name), child_path, errors);
        }
    }
}

std::string path_join(const std::string& path, std::string_view name) {
    return path.empty() ? std::string(name) : path + "." + std::string(name);
}

std::string path_index(const std::string& path, std::size_t index) {
    return path + "[" + std::to_string(index) + "]";
}

std::string path_key(const std::string& path, std::string_view key) {
    return path + "[" + std::string(key) + "]";
}

}  // namespace knd::api
