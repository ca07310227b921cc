// SPDX-License-Identifier: Apache-2.0
//
// A JSON value and where it is, so that an error can name its field. What the readers of API
// objects are written with: each accessor answers with the value, or with the path and what is
// wrong: "spec.devices[2].name: must be a string".
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/model/json.hpp"
#include "host/model/quantity.hpp"

#include <knd/cpp/result.hpp>

namespace knd {

/// Lives on the stack, shorter than its parent and its JSON: the path is spelled only when it is
/// needed, from the chain of parents. Absent and null are the same, as in Kubernetes.
class JsonField {
  public:
    /// A root; `name` may be empty.
    JsonField(const Json& json, std::string_view name) : json_(&json), key_(name) {}

    const Json& json() const { return *json_; }
    bool present() const { return !json_->is_null(); }
    JsonField operator[](std::string_view key) const { return {json_at(*json_, key), *this, key}; }

    /// Another value, named as if it were this one.
    JsonField in_place_of(const Json& json) const {
        auto field = *this;
        field.json_ = &json;
        return field;
    }

    /// The same value under another key of its map, for keys that are too long to be shown.
    JsonField with_key(std::string_view key) const {
        auto field = *this;
        field.key_ = key;
        return field;
    }

    /// "spec.devices[2].attributes[mac]"
    std::string path() const;
    Error wrong(std::string_view what) const;

    /// The text, or "" for what is none.
    std::string_view text_or_empty() const {
        return json_->is_string() ? std::string_view(json_->get_ref<const std::string&>())
                                  : std::string_view();
    }
    /// Members of a map, elements of a list; 0 for anything else.
    std::size_t size() const { return json_->is_structured() ? json_->size() : 0; }

    Result<std::string> text() const;
    Result<std::optional<std::string>> optional_text() const;
    Result<bool> boolean() const;
    Result<std::int64_t> integer(std::int64_t fallback) const;
    /// A quantity may be written as a JSON number too.
    Result<Quantity> quantity() const;
    Result<std::optional<Quantity>> optional_quantity() const;
    Result<void> need_object() const;
    Result<std::vector<std::string>> texts() const;
    Result<std::map<std::string, std::string>> text_map() const;
    Result<std::map<std::string, Quantity>> quantities() const;

    /// read(JsonField) for each element.
    template <class T, class Read>
    Result<std::vector<T>> list(Read read) const {
        std::vector<T> out;
        if (!present()) return out;
        if (!json_->is_array()) return wrong("must be a list");
        out.reserve(json_->size());
        for (std::size_t i = 0; i < json_->size(); ++i) {
            JsonField element((*json_)[i], *this, {});
            element.index_ = i;
            KND_TRY_ASSIGN(auto item, read(element));
            out.push_back(std::move(item));
        }
        return out;
    }
    /// visit(JsonField) for each element of a list; nothing when it is none.
    template <class Visit>
    void each(Visit visit) const {
        if (!json_->is_array()) return;
        for (std::size_t i = 0; i < json_->size(); ++i) {
            JsonField element((*json_)[i], *this, {});
            element.index_ = i;
            visit(element);
        }
    }
    /// visit(key, JsonField) for each member of a map; nothing when it is none.
    template <class Visit>
    void each_member(Visit visit) const {
        if (!json_->is_object()) return;
        for (const auto& [key, value] : json_->items()) {
            JsonField element(value, *this, key);
            element.map_key_ = true;
            visit(key, element);
        }
    }
    template <class T, class Read>
    Result<std::map<std::string, T>> map(Read read) const {
        std::map<std::string, T> out;
        if (!present()) return out;
        if (!json_->is_object()) return wrong("must be an object");
        for (const auto& [key, value] : json_->items()) {
            JsonField element(value, *this, key);
            element.map_key_ = true;
            KND_TRY_ASSIGN(auto item, read(element));
            out.emplace_hint(out.end(), key, std::move(item));
        }
        return out;
    }

  private:
    static constexpr std::size_t kNoIndex = static_cast<std::size_t>(-1);

    JsonField(const Json& json, const JsonField& parent, std::string_view key)
        : json_(&json), parent_(&parent), key_(key) {}
    Result<Quantity> named(Result<Quantity> read) const;

    const Json* json_;
    const JsonField* parent_ = nullptr;
    std::string_view key_;
    std::size_t index_ = kNoIndex;
    bool map_key_ = false;
};

}  // namespace knd
