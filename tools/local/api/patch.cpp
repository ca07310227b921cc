// SPDX-License-Identifier: Apache-2.0
#include "tools/local/api/patch.hpp"

#include <algorithm>

namespace knd::api {
namespace {

constexpr std::string_view kOrder = "$setElementOrder/";
constexpr std::string_view kDeleteValues = "$deleteFromPrimitiveList/";

bool is_directive(std::string_view key) {
    return !key.empty() && key[0] == '$';
}

const Field* field_of(const Type* type, std::string_view name) {
    return type == nullptr ? nullptr : type->field(name, kMinor);
}

/// Takes the directives out of what a patch adds, since nothing is there that they could act on.
Json without_directives(Json value) {
    if (value.is_array()) {
        std::erase_if(value.get_ref<Json::array_t&>(),
                      [](const Json& item) { return json_string(item, "$patch") == "delete"; });
        for (auto& item : value)
            item = without_directives(std::move(item));
    } else if (value.is_object()) {
        Json plain = Json::object();
        for (auto& [key, item] : value.items()) {
            if (!is_directive(key) && !item.is_null()) plain[key] = without_directives(item);
        }
        return plain;
    }
    return value;
}

Json merge_object(const Type* type, Json target, const Json& patch);

auto find_by_key(Json& list, const std::string& key, const Json& value) {
    return std::find_if(list.begin(), list.end(),
                        [&](const Json& item) { return json_at(item, key) == value; });
}

Json merge_keyed_list(const Type* element, const std::string& key, Json target, const Json& patch) {
    for (const auto& item : patch) {
        if (json_string(item, "$patch") == "replace") {
            return without_directives(patch);
        }
        const auto found = find_by_key(target, key, json_at(item, key));
        if (json_string(item, "$patch") == "delete") {
            if (found != target.end()) target.erase(found);
        } else if (found != target.end()) {
            *found = merge_object(element, *found, item);
        } else {
            target.push_back(without_directives(item));
        }
    }
    return target;
}

/// Puts the items that `order` names into its order; others keep their place behind them.
void reorder(Json& list, const Json& order, const std::string& key) {
    const auto rank = [&](const Json& item) {
        const auto found = std::find_if(order.begin(), order.end(), [&](const Json& one) {
            return key.empty() ? one == item : json_at(one, key) == json_at(item, key);
        });
        return found - order.begin();
    };
    std::stable_sort(list.begin(), list.end(),
                     [&](const Json& a, const Json& b) { return rank(a) < rank(b); });
}

Json merge_list(const Field* field, Json target, const Json& patch) {
    if (field == nullptr || !target.is_array() || !patch.is_array())
        return without_directives(patch);
    if (!field->merge_key.empty())
        return merge_keyed_list(field->type->element, field->merge_key, std::move(target), patch);
    if (!field->set) return without_directives(patch);
    for (const auto& item : patch) {
        if (std::find(target.begin(), target.end(), item) == target.end()) target.push_back(item);
    }
    return target;
}

void retain_keys(Json& target, const Json& keys) {
    if (!keys.is_array() || !target.is_object()) return;
    for (auto it = target.begin(); it != target.end();) {
        const bool kept = std::find(keys.begin(), keys.end(), Json(it.key())) != keys.end();
        if (kept)
            ++it;
        else
            it = target.erase(it);
    }
}

/// $setElementOrder/f and $deleteFromPrimitiveList/f, after the fields themselves are merged.
void follow_list_directives(const Type* type, Json& target, const Json& patch) {
    for (const auto& [key, value] : patch.items()) {
        if (key.rfind(kDeleteValues, 0) == 0) {
            const auto name = key.substr(kDeleteValues.size());
            if (!json_at(target, name).is_array()) continue;
            std::erase_if(target[name].get_ref<Json::array_t&>(),
                          [&values = value](const Json& one) {
                              return std::find(values.begin(), values.end(), one) != values.end();
                          });
        } else if (key.rfind(kOrder, 0) == 0) {
            const auto name = key.substr(kOrder.size());
            const auto* field = field_of(type, name);
            if (json_at(target, name).is_array() && value.is_array())
                reorder(target[name], value, field == nullptr ? "" : field->merge_key);
        }
    }
}

Json merge_object(const Type* type, Json target, const Json& patch) {
    if (!patch.is_object()) return patch;
    const auto directive = json_string(patch, "$patch");
    if (directive == "delete") return Json::object();
    if (directive == "replace" || !target.is_object()) return without_directives(patch);
    retain_keys(target, json_at(patch, "$retainKeys"));
    for (const auto& [key, value] : patch.items()) {
        if (is_directive(key)) continue;
        const auto* field = field_of(type, key);
        const bool is_map = type != nullptr && type->shape == Shape::kMap;
        if (value.is_null())
            target.erase(key);
        else if (value.is_array())
            target[key] = merge_list(field, json_at(target, key), value);
        else if (value.is_object() && target.contains(key))
            target[key] = merge_object(field != nullptr ? field->type
                                       : is_map         ? type->element
                                                        : nullptr,
                                       target[key], value);
        else
            target[key] = without_directives(value);
    }
    follow_list_directives(type, target, patch);
    return target;
}

}  // namespace

Json merge_patch(Json target, const Json& patch) {
    target.merge_patch(patch);
    return target;
}

Answer<Json> json_patch(const Json& target, const Json& patch) {
    try {
        return target.patch(patch);
    } catch (const Json::exception& e) {
        return Status{
            422, "Invalid",
            std::string("the server rejected our request due to an error in our request: ") +
                e.what(),
            Json::object()};
    }
}

Answer<Json> strategic_merge_patch(const Type& type, Json target, const Json& patch) {
    if (!patch.is_object()) return bad_request("a strategic merge patch must be a JSON object");
    return merge_object(&type, std::move(target), patch);
}

}  // namespace knd::api
