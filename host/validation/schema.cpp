// SPDX-License-Identifier: Apache-2.0
#include "host/validation/schema.hpp"

#include <algorithm>
#include <cassert>
#include <charconv>

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
Number number(std::string_view text) {
    Number value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

Json default_value(const Type& type, std::string_view text) {
    switch (type.shape) {
        case Shape::kInt:
            return number<std::int64_t>(text);
        case Shape::kBool:
            return text == "true";
        case Shape::kObject:
        case Shape::kRaw:
        case Shape::kMap:
            return Json::object();
        case Shape::kString:
        case Shape::kTime:
        case Shape::kQuantity:
        case Shape::kList:
            return text;
    }
    return nullptr;
}

struct Attribute {
    std::string_view name;
    void (*set)(Field& field, std::string_view value);
};

constexpr Attribute kAttributes[] = {
    {"go", [](Field& field, std::string_view value) { field.go_name = value; }},
    {"since", [](Field& field, std::string_view value) { field.since = number<int>(value); }},
    {"until", [](Field& field, std::string_view value) { field.until = number<int>(value); }},
    {"gate", [](Field& field, std::string_view value) { field.gate = value; }},
    {"!", [](Field& field, std::string_view) { field.required = true; }},
    {"fixed", [](Field& field, std::string_view) { field.fixed = true; }},
    {"set", [](Field& field, std::string_view) { field.set = true; }},
    {"",
     [](Field& field, std::string_view text) { field.initial = default_value(*field.type, text); }},
    {"key", [](Field& field, std::string_view value) { field.keys = split(value, ','); }},
    {"merge", [](Field& field, std::string_view value) { field.merge_key = value; }},
    {"in", [](Field& field, std::string_view value) { field.allowed = split(value, '|'); }},
    {"fmt", [](Field& field, std::string_view value) { field.format = value; }},
    {"min", [](Field& field, std::string_view value) { field.min = number<std::int64_t>(value); }},
    {"max", [](Field& field, std::string_view value) { field.max = number<std::int64_t>(value); }},
};

void set_attribute(Field& field, std::string_view word) {
    const auto name = take(word, '=');
    const auto* found = std::find_if(std::begin(kAttributes), std::end(kAttributes),
                                     [&](const Attribute& one) { return one.name == name; });
    assert(found != std::end(kAttributes));
    found->set(field, word);
}

/// Goes through a text, line by line.
class TextReader {
  public:
    explicit TextReader(Schema::Types& types) : types_(types) {}

    void read(std::string_view text) {
        while (!text.empty()) {
            const auto line = take(text, '\n');
            if (!line.empty()) add_line(line);
        }
    }

  private:
    void add_line(std::string_view line) {
        // The first ": " ends the declaration; "map:T" has no space behind its colon.
        const auto colon = line.find(": ");
        const auto description =
            colon == std::string_view::npos ? std::string_view() : line.substr(colon + 2);
        auto words = line.substr(0, colon);
        if (words.starts_with("  &")) {
            add_fields_of(words.substr(3));
        } else if (words.starts_with("  ")) {
            words.remove_prefix(2);
            add_field(words, description);
        } else if (const auto name = take(words, ' '); name == "package") {
            package_ = words;
        } else {
            begin_type(name, words, description);
        }
    }

    void begin_type(std::string_view name, std::string_view attribute,
                    std::string_view description) {
        current_ = &type(name);
        supplements_ = !current_->fields.empty();
        current_->external = current_->external || attribute == "external";
        current_->package = package_;
        current_->description = description;
    }

    /// They have been listed before.
    void add_fields_of(std::string_view name) {
        for (const auto& field : type(name).fields)
            if (field.name != "name") current_->fields.push_back(field);
    }

    void add_field(std::string_view words, std::string_view description) {
        const auto name = take(words, ' ');
        auto& field = supplements_ ? known_field(name) : new_field(name, take(words, ' '));
        field.description = description;
        while (!words.empty())
            set_attribute(field, take(words, ' '));
    }

    Field& known_field(std::string_view name) {
        auto& fields = current_->fields;
        const auto found = std::find_if(fields.begin(), fields.end(),
                                        [&](const Field& one) { return one.name == name; });
        assert(found != fields.end());
        return *found;
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

}  // namespace

const Field* Type::field(std::string_view wanted, int minor) const {
    const auto found = std::find_if(fields.begin(), fields.end(), [&](const Field& one) {
        return one.name == wanted && one.exists_in(minor);
    });
    return found == fields.end() ? nullptr : &*found;
}

const Schema& Schema::instance() {
    static const Schema kSchema({kSchemaText});
    return kSchema;
}

Schema::Schema(std::initializer_list<std::string_view> texts) {
    for (const auto& [name, shape] : kScalars) {
        auto type = std::make_unique<Type>();
        type->shape = shape;
        type->name = name;
        types_.emplace(name, std::move(type));
    }
    TextReader reader(types_);
    for (const auto text : texts)
        reader.read(text);
    for ([[maybe_unused]] const auto& [name, type] : types_)
        assert(type->shape != Shape::kObject || !type->fields.empty());
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
