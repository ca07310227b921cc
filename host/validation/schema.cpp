// SPDX-License-Identifier: Apache-2.0
#include "host/validation/schema.hpp"

#include <algorithm>
#include <cassert>
#include <charconv>

namespace knd::validation {
namespace {

constexpr std::pair<std::string_view, Shape> kScalars[] = {
    {"string", Shape::kString}, {"int", Shape::kInt},           {"bool", Shape::kBool},
    {"time", Shape::kTime},     {"quantity", Shape::kQuantity}, {"raw", Shape::kRaw},
};

std::string_view next_word(std::string_view& text) {
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
    const auto word = text.substr(0, text.find(' '));
    text.remove_prefix(word.size());
    return word;
}

int number(std::string_view text) {
    int value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

void set_attribute(Field& field, std::string_view word) {
    const auto equals = word.find('=');
    const auto key = word.substr(0, equals);
    const auto value = word.substr(equals + 1);
    if (key == "go")
        field.go_name = value;
    else if (key == "since")
        field.since = number(value);
    else if (key == "until")
        field.until = number(value);
    else if (key == "gate")
        field.gate = value;
    else
        assert(!"unknown attribute in the schema text");
}

}  // namespace

const Field* Type::field(std::string_view wanted, int minor) const {
    const auto found = std::find_if(fields.begin(), fields.end(), [&](const Field& one) {
        return one.name == wanted && one.exists_in(minor);
    });
    return found == fields.end() ? nullptr : &*found;
}

const Schema& Schema::instance() {
    static const Schema kSchema;
    return kSchema;
}

Schema::Schema() {
    for (const auto& [name, shape] : kScalars) {
        auto type = std::make_unique<Type>();
        type->shape = shape;
        type->name = name;
        types_.emplace(name, std::move(type));
    }
    std::string_view text = kSchemaText;
    while (!text.empty()) {
        const auto end = std::min(text.find('\n'), text.size());
        if (end > 0) add_line(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
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

void Schema::add_line(std::string_view line) {
    if (line.starts_with("  &")) {
        // Listed before, so that its fields are there already.
        for (const auto& field : types_.find(line.substr(3))->second->fields)
            if (field.name != "name") current_->fields.push_back(field);
        return;
    }
    if (line.starts_with("  ")) return add_field(line);
    const auto name = next_word(line);
    resolve(name);
    current_ = types_.find(name)->second.get();
    current_->external = next_word(line) == "external";
}

void Schema::add_field(std::string_view line) {
    Field field;
    field.name = next_word(line);
    field.go_name = field.name;
    field.go_name[0] = static_cast<char>(field.go_name[0] - 'a' + 'A');
    auto type = next_word(line);
    field.pointer = type.starts_with('*');
    if (field.pointer) type.remove_prefix(1);
    field.type = resolve(type);
    for (auto word = next_word(line); !word.empty(); word = next_word(line))
        set_attribute(field, word);
    current_->fields.push_back(std::move(field));
}

/// A type that has not been described yet is entered empty and filled in when its line comes.
const Type* Schema::resolve(std::string_view text) {
    const auto found = types_.find(text);
    if (found != types_.end()) return found->second.get();
    auto owned = std::make_unique<Type>();
    auto* type = owned.get();
    type->name = text;
    types_.emplace(text, std::move(owned));
    if (text.starts_with("[]")) {
        type->shape = Shape::kList;
        type->element = resolve(text.substr(2));
    } else if (text.starts_with("map:")) {
        type->shape = Shape::kMap;
        type->element = resolve(text.substr(4));
    }
    return type;
}

}  // namespace knd::validation
