// SPDX-License-Identifier: Apache-2.0
#include "host/validation/schema.hpp"

#include <algorithm>
#include <charconv>

#include "host/model/log.hpp"

namespace knd::validation {
namespace {

constexpr std::pair<std::string_view, Shape> kScalars[] = {
    {"string", Shape::kString}, {"int", Shape::kInt},   {"int32", Shape::kInt},
    {"bool", Shape::kBool},     {"time", Shape::kTime}, {"quantity", Shape::kQuantity},
    {"raw", Shape::kRaw},
};

/// Takes what stands before the separator from the text, and the separator.
std::string_view take(std::string_view& text, char separator) {
    const auto part = text.substr(0, text.find(separator));
    text.remove_prefix(std::min(part.size() + 1, text.size()));
    return part;
}

std::vector<std::string> split(std::string_view text, char separator) {
    std::vector<std::string> parts;
    while (!text.empty())
        parts.emplace_back(take(text, separator));
    return parts;
}

template <class Number>
bool read_number(std::string_view text, Number& number) {
    const auto* end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, number);
    return read.ec == std::errc() && read.ptr == end;
}

bool read_text(std::string_view text, std::string& into) {
    into = text;
    return !text.empty();
}

bool read_list(std::string_view text, char separator, std::vector<std::string>& into) {
    into = split(text, separator);
    return !text.empty();
}

bool read_flag(std::string_view value, bool& flag) {
    flag = true;
    return value.empty();
}

bool read_default(const Type& type, std::string_view text, Json& value) {
    std::int64_t number = 0;
    switch (type.shape) {
        case Shape::kInt:
            if (!read_number(text, number)) return false;
            value = number;
            return true;
        case Shape::kBool:
            value = text == "true";
            return text == "true" || text == "false";
        case Shape::kObject:
        case Shape::kRaw:
        case Shape::kMap:
            value = Json::object();
            return text == "object";
        case Shape::kString:
            value = text;
            return true;
        case Shape::kTime:
        case Shape::kQuantity:
        case Shape::kList:
            return false;
    }
    return false;
}

/// Whether a field of this type may have the attribute.
using Fits = bool (*)(Shape shape);

bool always(Shape) {
    return true;
}
bool to_text_only(Shape shape) {
    return shape == Shape::kString;
}
bool to_numbers(Shape shape) {
    return shape == Shape::kInt;
}
bool to_lists(Shape shape) {
    return shape == Shape::kList;
}
bool to_what_has_a_size(Shape shape) {
    return shape == Shape::kInt || shape == Shape::kString || shape == Shape::kList;
}

struct Attribute {
    std::string_view name;
    Fits fits;
    /// False when there is no sense in the value.
    bool (*set)(Field& field, std::string_view value);
};

constexpr Attribute kAttributes[] = {
    {"go", always,
     [](Field& field, std::string_view v) {
         field.go_name = v;
         return true;
     }},
    {"since", always, [](Field& field, std::string_view v) { return read_number(v, field.since); }},
    {"until", always, [](Field& field, std::string_view v) { return read_number(v, field.until); }},
    {"gate", always, [](Field& field, std::string_view v) { return read_text(v, field.gate); }},
    {"gated_since", always,
     [](Field& field, std::string_view v) { return read_number(v, field.gated_since); }},
    {"gated_until", always,
     [](Field& field, std::string_view v) { return read_number(v, field.gated_until); }},
    {"!", always, [](Field& field, std::string_view v) { return read_flag(v, field.required); }},
    {"fixed", always, [](Field& field, std::string_view v) { return read_flag(v, field.fixed); }},
    {"", always,
     [](Field& field, std::string_view v) { return read_default(*field.type, v, field.initial); }},
    {"set", to_lists, [](Field& field, std::string_view v) { return read_flag(v, field.set); }},
    {"key", to_lists,
     [](Field& field, std::string_view v) { return read_list(v, ',', field.keys); }},
    {"merge", to_lists,
     [](Field& field, std::string_view v) { return read_text(v, field.merge_key); }},
    {"in", to_text_only,
     [](Field& field, std::string_view v) { return read_list(v, '|', field.allowed); }},
    {"fmt", to_text_only,
     [](Field& field, std::string_view v) { return read_text(v, field.format); }},
    {"min", to_numbers,
     [](Field& field, std::string_view v) { return read_number(v, field.min.emplace()); }},
    {"max", to_what_has_a_size,
     [](Field& field, std::string_view v) { return read_number(v, field.max.emplace()); }},
};

Error mistake(std::string_view what, std::string_view where) {
    return {Code::kInvalidArgument, std::string(what) + " \"" + std::string(where) + "\""};
}

Result<void> set_attribute(Field& field, std::string_view word) {
    if (word.empty()) return Error(Code::kInvalidArgument, "two spaces");
    auto value = word;
    const auto name = take(value, '=');
    const auto* found = std::find_if(std::begin(kAttributes), std::end(kAttributes),
                                     [&](const Attribute& one) { return one.name == name; });
    if (found == std::end(kAttributes)) return mistake("unknown attribute", word);
    if (!found->fits(field.type->shape)) return mistake("not for this type: attribute", word);
    if (!found->set(field, value)) return mistake("malformed attribute", word);
    return {};
}

/// Goes through a text, line by line.
class TextReader {
  public:
    explicit TextReader(Schema::Types& types) : types_(types) {}

    Result<void> read(std::string_view text) {
        while (!text.empty()) {
            const auto line = take(text, '\n');
            if (line.empty()) continue;
            KND_TRY(add_line(line).wrap("\"" + std::string(line) + "\""));
        }
        return {};
    }

  private:
    Result<void> add_line(std::string_view line) {
        // The first ": " ends the declaration; "map:T" has no space behind its colon.
        const auto colon = line.find(": ");
        const auto description =
            colon == std::string_view::npos ? std::string_view() : line.substr(colon + 2);
        auto words = line.substr(0, colon);
        if (words.starts_with("  ")) {
            if (current_ == nullptr) return Error(Code::kInvalidArgument, "a field of no type");
            words.remove_prefix(2);
            if (words.starts_with("&")) return add_fields_of(words.substr(1));
            return add_field(words, description);
        }
        const auto name = take(words, ' ');
        if (name == "package") {
            package_ = words;
            return {};
        }
        return begin_type(name, words, description);
    }

    Result<void> begin_type(std::string_view name, std::string_view attribute,
                            std::string_view description) {
        if (name.empty()) return Error(Code::kInvalidArgument, "a type without a name");
        if (!attribute.empty() && attribute != "external")
            return mistake("unknown attribute", attribute);
        current_ = &type(name);
        supplements_ = !current_->fields.empty();
        current_->external = current_->external || !attribute.empty();
        current_->package = package_;
        current_->description = description;
        return {};
    }

    Result<void> add_fields_of(std::string_view name) {
        const auto& fields = type(name).fields;
        if (fields.empty() || &fields == &current_->fields)
            return mistake("not described before: type", name);
        for (const auto& field : fields)
            if (field.name != "name") current_->fields.push_back(field);
        return {};
    }

    Result<void> add_field(std::string_view words, std::string_view description) {
        const auto name = take(words, ' ');
        if (name.empty() || name[0] < 'a' || name[0] > 'z') return mistake("no name:", name);
        auto* field = known_field(name);
        if (supplements_ && field == nullptr) return mistake("the type has no field", name);
        if (!supplements_ && field != nullptr) return mistake("the type has two fields", name);
        if (!supplements_) {
            const auto type_name = take(words, ' ');
            if (type_name.empty()) return Error(Code::kInvalidArgument, "a field without a type");
            field = &new_field(name, type_name);
        }
        field->description = description;
        while (!words.empty())
            KND_TRY(set_attribute(*field, take(words, ' ')));
        return {};
    }

    Field* known_field(std::string_view name) {
        auto& fields = current_->fields;
        const auto found = std::find_if(fields.begin(), fields.end(),
                                        [&](const Field& one) { return one.name == name; });
        return found == fields.end() ? nullptr : &*found;
    }

    Field& new_field(std::string_view name, std::string_view type_name) {
        auto& field = current_->fields.emplace_back();
        field.name = name;
        field.go_name = name;
        field.go_name[0] = static_cast<char>(field.go_name[0] - 'a' + 'A');
        field.pointer = type_name.starts_with('*');
        if (field.pointer) type_name.remove_prefix(1);
        field.type = &type(type_name);
        return field;
    }

    /// A type that has not been described yet is entered empty and filled in when its line comes.
    Type& type(std::string_view text) {
        const auto found = types_.find(text);
        if (found != types_.end()) return *found->second;
        auto& made = *types_.emplace(text, std::make_unique<Type>()).first->second;
        made.name = text;
        if (text.starts_with("[]")) {
            made.shape = Shape::kList;
            made.element = &type(text.substr(2));
        } else if (text.starts_with("map:")) {
            made.shape = Shape::kMap;
            made.element = &type(text.substr(4));
        }
        return made;
    }

    Schema::Types& types_;
    std::string_view package_;
    Type* current_ = nullptr;
    bool supplements_ = false;
};

/// What can only be seen once all is read.
Result<void> check_whole(const Type& type) {
    if (type.shape == Shape::kObject && type.fields.empty())
        return mistake("nowhere described: type", type.name);
    for (const auto& field : type.fields) {
        auto keys = field.keys;
        if (!field.merge_key.empty()) keys.push_back(field.merge_key);
        for (const auto& key : keys)
            if (field.type->element->field(key, kNewestMinor) == nullptr)
                return mistake("no field of its elements: key", key)
                    .wrap(type.name + "." + field.name);
    }
    return {};
}

}  // namespace

const Field* Type::field(std::string_view wanted, int minor) const {
    const auto found = std::find_if(fields.begin(), fields.end(), [&](const Field& one) {
        return one.name == wanted && one.exists_in(minor);
    });
    return found == fields.end() ? nullptr : &*found;
}

const Schema& Schema::instance() {
    static const auto kSchema = built_in({kSchemaText});
    return kSchema;
}

Result<Schema> Schema::read(std::initializer_list<std::string_view> texts) {
    Schema schema;
    for (const auto& [name, shape] : kScalars) {
        auto type = std::make_unique<Type>();
        type->shape = shape;
        type->name = name;
        schema.types_.emplace(name, std::move(type));
    }
    TextReader reader(schema.types_);
    for (const auto text : texts)
        KND_TRY(reader.read(text));
    for (const auto& [name, type] : schema.types_)
        KND_TRY(check_whole(*type));
    return schema;
}

Schema Schema::built_in(std::initializer_list<std::string_view> texts) {
    auto schema = read(texts);
    if (!schema.ok()) log::fatal("the types of the API", {{"error", schema.error().message()}});
    return std::move(*schema);
}

const Type* Schema::find(std::string_view name) const {
    const auto found = types_.find(name);
    return found == types_.end() ? nullptr : found->second.get();
}

const Type& Schema::in_v1beta1(const Type& type) const {
    const auto* own = find("v1beta1." + type.name);
    return own == nullptr ? type : *own;
}

}  // namespace knd::validation
