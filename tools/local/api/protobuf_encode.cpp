// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>

#include "tools/local/api/clock.hpp"
#include "tools/local/api/messages.hpp"
#include "tools/local/api/protobuf.hpp"
#include "tools/local/api/protobuf_wire.hpp"

namespace knd::api {
namespace {

void put_varint(std::string& out, std::uint64_t value) {
    for (; value >= 0x80; value >>= 7)
        out.push_back(static_cast<char>(value | 0x80));
    out.push_back(static_cast<char>(value));
}

void put_number(std::string& out, std::uint32_t field, std::int64_t value) {
    put_varint(out, field << 3 | kWireVarint);
    put_varint(out, static_cast<std::uint64_t>(value));
}

void put_bytes(std::string& out, std::uint32_t field, std::string_view bytes) {
    put_varint(out, field << 3 | kWireBytes);
    put_varint(out, bytes.size());
    out.append(bytes);
}

std::string time_bytes(const std::string& text) {
    std::string out;
    put_number(out, 1, parse_time(text));
    const auto dot = text.find('.');
    if (dot == std::string::npos) return out;
    std::int64_t nanos = 0;
    std::int64_t place = 100'000'000;
    for (auto at = dot + 1; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at) {
        nanos += place * (text[at] - '0');
        place /= 10;
    }
    put_number(out, 2, nanos);
    return out;
}

std::string int_or_string_bytes(const Json& value) {
    std::string out;
    put_number(out, 1, value.is_string() ? 1 : 0);
    if (value.is_string())
        put_bytes(out, 3, value.get_ref<const std::string&>());
    else
        put_number(out, 2, value.get<std::int64_t>());
    return out;
}

std::string only_field(std::string_view bytes) {
    std::string out;
    put_bytes(out, 1, bytes);
    return out;
}

bool fits(Scalar scalar, const Json& value) {
    switch (scalar) {
        case Scalar::kBool:
            return value.is_boolean();
        case Scalar::kInt:
        case Scalar::kInt32:
            return value.is_number_integer();
        case Scalar::kIntOrString:
            return value.is_string() || value.is_number_integer();
        case Scalar::kString:
        case Scalar::kTime:
        case Scalar::kMicroTime:
        case Scalar::kQuantity:
            return value.is_string();
        case Scalar::kMessage:
            return value.is_object();
        case Scalar::kRaw:
            return true;
    }
    return false;
}

void put_message(std::string& out, const Message& type, const Json& object);

void put_value(std::string& out, const MessageField& field, std::uint32_t number,
               const Json& value) {
    std::string inner;
    switch (field.scalar) {
        case Scalar::kBool:
            return put_number(out, number, value.get<bool>() ? 1 : 0);
        case Scalar::kInt:
        case Scalar::kInt32:
            return put_number(out, number, value.get<std::int64_t>());
        case Scalar::kString:
            return put_bytes(out, number, value.get_ref<const std::string&>());
        case Scalar::kTime:
        case Scalar::kMicroTime:
            return put_bytes(out, number, time_bytes(value.get_ref<const std::string&>()));
        case Scalar::kQuantity:
            return put_bytes(out, number, only_field(value.get_ref<const std::string&>()));
        case Scalar::kIntOrString:
            return put_bytes(out, number, int_or_string_bytes(value));
        case Scalar::kRaw:
            return put_bytes(out, number, only_field(to_text(value)));
        case Scalar::kMessage:
            put_message(inner, *field.message, value);
            return put_bytes(out, number, inner);
    }
}

void put_map(std::string& out, const MessageField& field, const Json& map) {
    for (const auto& [key, value] : map.items()) {
        if (!fits(field.scalar, value)) continue;
        std::string entry;
        put_bytes(entry, 1, key);
        put_value(entry, field, 2, value);
        put_bytes(out, field.number, entry);
    }
}

void put_message(std::string& out, const Message& type, const Json& object) {
    for (const auto& field : type.fields) {
        const auto& value = field.in_parent ? object : json_at(object, field.name);
        if (value.is_null()) continue;
        if (field.count == Count::kMap) {
            if (value.is_object()) put_map(out, field, value);
        } else if (field.count == Count::kList) {
            if (!value.is_array()) continue;
            for (const auto& item : value) {
                if (fits(field.scalar, item)) put_value(out, field, field.number, item);
            }
        } else if (fits(field.scalar, value)) {
            put_value(out, field, field.number, value);
        }
    }
}

}  // namespace

std::optional<std::string> encode_protobuf(const Json& object) {
    const auto api_version = json_string(object, "apiVersion");
    const auto kind = json_string(object, "kind");
    const auto* message = message_of(api_version, kind);
    if (message == nullptr) return std::nullopt;
    std::string type;
    put_bytes(type, 1, api_version);
    put_bytes(type, 2, kind);
    std::string raw;
    put_message(raw, *message, object);
    std::string out(kEnvelopeMagic);
    put_bytes(out, 1, type);
    put_bytes(out, 2, raw);
    return out;
}

std::optional<std::string> encode_watch_event(std::string_view type, const Json& object) {
    const auto encoded = encode_protobuf(object);
    if (!encoded) return std::nullopt;
    std::string event;
    put_bytes(event, 1, type);
    put_bytes(event, 2, only_field(*encoded));
    std::string frame;
    for (int shift = 24; shift >= 0; shift -= 8)
        frame.push_back(static_cast<char>(event.size() >> shift));
    return frame + event;
}

}  // namespace knd::api
