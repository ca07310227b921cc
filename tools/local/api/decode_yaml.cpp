// SPDX-License-Identifier: Apache-2.0
#include "tools/local/api/decode.hpp"

#include <yaml-cpp/yaml.h>

#include <charconv>

namespace knd::api {
namespace {

constexpr int kMaxDepth = 64;
/// Aliases can make a short document stand for a huge one.
constexpr std::size_t kMaxNodes = 200'000;

Json scalar(const YAML::Node& node) {
    const auto& text = node.Scalar();
    // yaml-cpp marks quoted scalars with the tag "!".
    if (node.Tag() == "!" || node.Tag() == "tag:yaml.org,2002:str") return text;
    if (text == "true" || text == "false") return text == "true";
    if (text.empty() || text == "null" || text == "~") return nullptr;
    const auto* end = text.data() + text.size();
    std::int64_t integer = 0;
    if (const auto read = std::from_chars(text.data(), end, integer);
        read.ec == std::errc() && read.ptr == end)
        return integer;
    double real = 0;
    const bool numeric = text.find_first_not_of("0123456789+-.eE") == std::string::npos;
    if (const auto read = std::from_chars(text.data(), end, real);
        numeric && read.ec == std::errc() && read.ptr == end)
        return real;
    return text;
}

Result<Json> convert(const YAML::Node& node, int depth, std::size_t& nodes) {
    if (++nodes > kMaxNodes)
        return Error(Code::kInvalidArgument, "YAML expands to more than 200000 values");
    if (depth > kMaxDepth)
        return Error(Code::kInvalidArgument, "YAML is nested over 64 levels deep");
    if (node.IsSequence()) {
        Json list = Json::array();
        for (const auto& item : node) {
            KND_TRY_ASSIGN(auto value, convert(item, depth + 1, nodes));
            list.push_back(std::move(value));
        }
        return list;
    }
    if (node.IsMap()) {
        Json object = Json::object();
        for (const auto& pair : node) {
            if (!pair.first.IsScalar())
                return Error(Code::kInvalidArgument, "YAML has a key that is no string");
            KND_TRY_ASSIGN(object[pair.first.Scalar()], convert(pair.second, depth + 1, nodes));
        }
        return object;
    }
    return node.IsScalar() ? scalar(node) : Json();
}

}  // namespace

Result<Json> parse_yaml(const std::string& text) {
    // JSON is YAML too, and is what most clients send here.
    if (auto json = parse_json(text); json.ok()) return json;
    try {
        std::size_t nodes = 0;
        return convert(YAML::Load(text), 0, nodes);
    } catch (const YAML::Exception& e) {
        return Error(Code::kInvalidArgument, std::string("invalid YAML: ") + e.what());
    }
}

}  // namespace knd::api
