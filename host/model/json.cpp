// SPDX-License-Identifier: Apache-2.0
#include "host/model/json.hpp"

namespace knd {
namespace {

constexpr int kMaxDepth = 128;

const Json& null_json() {
    static const Json kNull;
    return kNull;
}

}  // namespace

Result<Json> parse_json(std::string_view text) {
    bool too_deep = false;
    const auto guard = [&](int depth, Json::parse_event_t, Json&) {
        too_deep = too_deep || depth > kMaxDepth;
        return !too_deep;
    };
    try {
        auto json = Json::parse(text, guard);
        if (too_deep) return Error(Code::kInvalidArgument, "JSON is nested over 128 levels deep");
        return json;
    } catch (const Json::exception& e) {
        return Error(Code::kInvalidArgument, std::string("invalid JSON: ") + e.what());
    }
}

const Json& json_at(const Json& object, std::string_view key) {
    if (!object.is_object()) return null_json();
    const auto found = object.find(key);
    return found == object.end() ? null_json() : *found;
}

const Json& json_path(const Json& object, std::initializer_list<std::string_view> keys) {
    const Json* at = &object;
    for (const auto key : keys)
        at = &json_at(*at, key);
    return *at;
}

std::string json_string(const Json& object, std::string_view key, std::string_view fallback) {
    const auto& value = json_at(object, key);
    return value.is_string() ? value.get_ref<const std::string&>() : std::string(fallback);
}

std::int64_t json_int(const Json& object, std::string_view key, std::int64_t fallback) {
    const auto& value = json_at(object, key);
    return value.is_number_integer() ? value.get<std::int64_t>() : fallback;
}

bool json_bool(const Json& object, std::string_view key, bool fallback) {
    const auto& value = json_at(object, key);
    return value.is_boolean() ? value.get<bool>() : fallback;
}

std::string to_text(const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace knd
