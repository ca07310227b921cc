// SPDX-License-Identifier: Apache-2.0
#include "host/model/json_field.hpp"

namespace knd {

std::string JsonField::path() const {
    auto out = parent_ == nullptr ? std::string() : parent_->path();
    if (index_ != kNoIndex) return out + "[" + std::to_string(index_) + "]";
    if (map_key_) return out + "[" + std::string(key_) + "]";
    if (!out.empty() && !key_.empty()) out += '.';
    return out.append(key_);
}

Error JsonField::wrong(std::string_view what) const {
    auto where = path();
    if (where.empty()) where = "object";
    return {Code::kInvalidArgument, where + ": " + std::string(what)};
}

Result<std::string> JsonField::text() const {
    if (!present()) return std::string();
    if (!json_->is_string()) return wrong("must be a string");
    return json_->get_ref<const std::string&>();
}

Result<std::optional<std::string>> JsonField::optional_text() const {
    if (!present()) return std::optional<std::string>();
    KND_TRY_ASSIGN(auto value, text());
    return std::optional(std::move(value));
}

Result<bool> JsonField::boolean() const {
    if (!present()) return false;
    if (!json_->is_boolean()) return wrong("must be a boolean");
    return json_->get<bool>();
}

Result<std::int64_t> JsonField::integer(std::int64_t fallback) const {
    if (!present()) return fallback;
    if (!json_->is_number_integer()) return wrong("must be an integer");
    return json_->get<std::int64_t>();
}

Result<Quantity> JsonField::quantity() const {
    if (json_->is_number()) return named(Quantity::parse(json_->dump()));
    if (!json_->is_string()) return wrong("must be a quantity");
    return named(Quantity::parse(json_->get_ref<const std::string&>()));
}

Result<std::optional<Quantity>> JsonField::optional_quantity() const {
    if (!present()) return std::optional<Quantity>();
    KND_TRY_ASSIGN(auto value, quantity());
    return std::optional(value);
}

Result<void> JsonField::need_object() const {
    if (present() && !json_->is_object()) return wrong("must be an object");
    return {};
}

Result<std::vector<std::string>> JsonField::texts() const {
    return list<std::string>([](const JsonField& field) -> Result<std::string> {
        if (!field.json().is_string()) return field.wrong("must be a string");
        return field.text();
    });
}

Result<std::map<std::string, std::string>> JsonField::text_map() const {
    return map<std::string>([](const JsonField& field) { return field.text(); });
}

Result<std::map<std::string, Quantity>> JsonField::quantities() const {
    return map<Quantity>([](const JsonField& field) { return field.quantity(); });
}

Result<Quantity> JsonField::named(Result<Quantity> read) const {
    return read.ok() ? std::move(read) : std::move(read).wrap(path());
}

}  // namespace knd
