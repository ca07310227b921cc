// SPDX-License-Identifier: Apache-2.0
#include <functional>

#include "tools/local/api/decode_protobuf.hpp"

namespace knd::api {
namespace {

constexpr std::string_view kMagic("k8s\0", 4);

/// Takes one varint off the front; false when there is none.
bool take_varint(std::string_view& bytes, std::uint64_t& value) {
    value = 0;
    for (unsigned shift = 0; shift < 64 && !bytes.empty(); shift += 7) {
        const auto byte = static_cast<unsigned char>(bytes.front());
        bytes.remove_prefix(1);
        value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
        if (byte < 0x80) return true;
    }
    return false;
}

/// Calls `each` with every field that has bytes; false when the message is broken.
bool for_each_field(std::string_view bytes,
                    const std::function<bool(std::uint64_t field, std::string_view value)>& each) {
    while (!bytes.empty()) {
        std::uint64_t tag = 0;
        std::uint64_t number = 0;
        if (!take_varint(bytes, tag) || !take_varint(bytes, number)) return false;
        if ((tag & 7) == 0) continue;
        if ((tag & 7) != 2 || number > bytes.size()) return false;
        if (!each(tag >> 3, bytes.substr(0, number))) return false;
        bytes.remove_prefix(number);
    }
    return true;
}

bool read_map_entry(std::string_view bytes, Json& map) {
    std::string key;
    std::string value;
    const bool good = for_each_field(bytes, [&](std::uint64_t field, std::string_view text) {
        (field == 1 ? key : value) = text;
        return true;
    });
    map[key] = value;
    return good;
}

bool read_metadata(std::string_view bytes, Json& metadata) {
    return for_each_field(bytes, [&](std::uint64_t field, std::string_view value) {
        if (field == 1) metadata["name"] = value;
        if (field == 2 && !value.empty()) metadata["generateName"] = value;
        if (field == 11) return read_map_entry(value, metadata["labels"]);
        if (field == 12) return read_map_entry(value, metadata["annotations"]);
        return true;
    });
}

}  // namespace

Result<Json> parse_protobuf(std::string_view bytes) {
    Json object = Json::object();
    std::string_view raw;
    bool good = bytes.substr(0, kMagic.size()) == kMagic;
    if (good) bytes.remove_prefix(kMagic.size());
    good = good && for_each_field(bytes, [&](std::uint64_t field, std::string_view value) {
               if (field == 2) raw = value;
               if (field != 1) return true;
               return for_each_field(value, [&](std::uint64_t type_field, std::string_view text) {
                   if (type_field <= 2) object[type_field == 1 ? "apiVersion" : "kind"] = text;
                   return true;
               });
           });
    if (good && json_string(object, "kind") != "Namespace")
        return Error(Code::kUnimplemented,
                     "the body of the request was in an unknown format - accepted media types "
                     "include: application/json, application/yaml");
    object["metadata"] = Json::object();
    good = good && for_each_field(raw, [&](std::uint64_t field, std::string_view value) {
               return field != 1 || read_metadata(value, object["metadata"]);
           });
    if (!good) return Error(Code::kInvalidArgument, "the protobuf body cannot be decoded");
    return object;
}

}  // namespace knd::api
