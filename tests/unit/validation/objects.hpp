// SPDX-License-Identifier: Apache-2.0
//
// Valid objects to be spoiled, and what is then said.
#pragma once

#include <gmock/gmock.h>

#include <functional>
#include <string>
#include <vector>

#include "host/validation/validation.hpp"

namespace knd::validation {

using Texts = std::vector<std::string>;
using Rules = void (*)(const Json&, const Json&, api::FieldErrors&, const Gates&);

/// What the rules say of an object that has been read as an API server reads it.
inline Texts said(Rules rules, const Json& after, const Json& before = {},
                  const Gates& gates = Gates::standard()) {
    const auto read = [&](Json object) {
        const char* kind = "ResourceClaim";
        if (rules == validate_slice) kind = "ResourceSlice";
        if (rules == validate_class) kind = "DeviceClass";
        if (rules == validate_template) kind = "ResourceClaimTemplate";
        if (rules == validate_taint_rule || rules == validate_taint_rule_status)
            kind = "DeviceTaintRule";
        if (object.is_object()) object["kind"] = kind;
        auto shaped = shape_object(object, gates);
        return shaped.ok() ? std::move(shaped->object) : object;
    };
    api::FieldErrors errors;
    rules(read(before), read(after), errors, gates);
    Texts texts;
    for (const auto& error : errors)
        texts.push_back(error.text());
    return texts;
}

inline Json array_of(std::size_t count, const std::function<Json(std::size_t)>& make) {
    auto list = Json::array();
    for (std::size_t i = 0; i < count; ++i)
        list.push_back(make(i));
    return list;
}

inline Json object_of(std::size_t count, const Json& value) {
    auto map = Json::object();
    for (std::size_t i = 0; i < count; ++i)
        map["k" + std::to_string(i)] = value;
    return map;
}

inline Json numbered(const char* prefix, std::size_t count) {
    return array_of(count, [&](std::size_t i) { return prefix + std::to_string(i); });
}

inline Json named(const char* prefix, std::size_t count) {
    return array_of(count, [&](std::size_t i) {
        return Json{{"name", prefix + std::to_string(i)}};
    });
}

inline Json slice_with(const Json& device) {
    return {{"kind", "ResourceSlice"},
            {"spec",
             {{"driver", "dra.net"},
              {"nodeName", "n1"},
              {"pool", {{"name", "n1"}, {"generation", 1}, {"resourceSliceCount", 1}}},
              {"devices", Json::array({device})}}}};
}

/// A claim of one request "r" with the fields of `exactly`.
inline Json claim_with(const Json& exactly) {
    Json request = {{"name", "r"}, {"exactly", {{"deviceClassName", "net"}}}};
    request["exactly"].update(exactly);
    return {{"kind", "ResourceClaim"},
            {"spec", {{"devices", {{"requests", Json::array({request})}}}}}};
}

}  // namespace knd::validation
