// SPDX-License-Identifier: Apache-2.0
#include "host/model/attribute_json.hpp"

#include <utility>

namespace knd {
namespace {

struct Writer {
    Json operator()(std::int64_t value) const { return {{"int", value}}; }
    Json operator()(bool value) const { return {{"bool", value}}; }
    Json operator()(const std::string& value) const { return {{"string", value}}; }
    Json operator()(const Version& value) const { return {{"version", value.text}}; }
    Json operator()(const std::vector<std::int64_t>& value) const { return {{"ints", value}}; }
    Json operator()(const std::vector<bool>& value) const { return {{"bools", value}}; }
    Json operator()(const std::vector<std::string>& value) const { return {{"strings", value}}; }
    Json operator()(const std::vector<Version>& value) const {
        Json texts = Json::array();
        for (const auto& version : value)
            texts.push_back(version.text);
        return {{"versions", std::move(texts)}};
    }
};

}  // namespace

Json attributes_to_json(const std::map<std::string, AttributeValue>& attributes) {
    Json json = Json::object();
    for (const auto& [name, value] : attributes)
        json[name] = std::visit(Writer(), value);
    return json;
}

}  // namespace knd
