// SPDX-License-Identifier: Apache-2.0
#include "host/model/json.hpp"

#include <algorithm>

namespace knd {
namespace {

constexpr int kMaxDepth = 128;

const Json& null_json() {
    static const Json kNull;
    return kNull;
}

/// Where the nesting gets too deep; npos when it does not. A pass of its own, because the library
/// asks a guard for every value and is half as fast with one.
std::size_t nested_too_deep(std::string_view text) {
    int depth = 0;
    bool quoted = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (quoted) {
            if (c == '\\')
                ++i;
            else if (c == '"')
                quoted = false;
        } else if (c == '"') {
            quoted = true;
        } else if (c == '{' || c == '[') {
            if (++depth > kMaxDepth) return i;
        } else if (c == '}' || c == ']') {
            --depth;
        }
    }
    return std::string_view::npos;
}

/// "file:3: column 7", in lines of the whole file.
std::string place(std::string_view text, std::size_t offset, const Origin& origin) {
    const auto before = text.substr(0, std::min(offset, text.size()));
    const auto lines = std::count(before.begin(), before.end(), '\n');
    const auto start = before.rfind('\n');
    const auto column = before.size() - (start == std::string_view::npos ? 0 : start + 1) + 1;
    return Origin{origin.file, origin.line + static_cast<int>(lines)}.text() + ": column " +
           std::to_string(column);
}

}  // namespace

Result<Json> parse_json(std::string_view text, const Origin& origin) {
    if (const auto deep = nested_too_deep(text); deep != std::string_view::npos)
        return Error(Code::kInvalidArgument, place(text, deep, origin) + ": JSON is nested over " +
                                                 std::to_string(kMaxDepth) + " levels deep");
    try {
        return Json::parse(text);
    } catch (const Json::parse_error& e) {
        // "[json.exception.parse_error.101] parse error at line 1, column 2: syntax error ..."
        std::string_view what = e.what();
        const auto colon = what.find(": ");
        if (colon != std::string_view::npos) what.remove_prefix(colon + 2);
        return Error(Code::kInvalidArgument, place(text, e.byte == 0 ? 0 : e.byte - 1, origin) +
                                                 ": invalid JSON: " + std::string(what));
    } catch (const Json::exception& e) {
        return Error(Code::kInvalidArgument, origin.text() + ": invalid JSON: " + e.what());
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
