// SPDX-License-Identifier: Apache-2.0
#include <cstdio>

#include "host/model/time.hpp"
#include "tools/local/api/messages.hpp"
#include "tools/local/api/protobuf.hpp"
#include "tools/local/api/protobuf_wire.hpp"

namespace knd::api {
namespace {

/// An object of 8 MiB can be made of four million empty ones, of which each takes far more here.
constexpr std::size_t kMaxValues = 1u << 20;

Error broken(const char* what) {
    return {Code::kInvalidArgument, what};
}

/// One field as it stands on the wire; `bytes` of length-delimited ones, `number` of varints.
struct Item {
    std::uint64_t field = 0;
    unsigned type = 0;
    std::uint64_t number = 0;
    std::string_view bytes;
};

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

Result<Item> take_item(std::string_view& bytes) {
    Item item;
    std::uint64_t tag = 0;
    if (!take_varint(bytes, tag)) return broken("ends in the middle of a field");
    item.field = tag >> 3;
    item.type = tag & 7;
    std::size_t size = 0;
    if (item.field == 0) return broken("has a field with the number 0");
    if (item.type == kWireVarint || item.type == kWireBytes) {
        if (!take_varint(bytes, item.number)) return broken("ends in the middle of a number");
        if (item.type == kWireVarint) return item;
        if (item.number > bytes.size()) return broken("has a length beyond its end");
        size = item.number;
    } else if (item.type == kWire64 || item.type == kWire32) {
        size = item.type == kWire64 ? 8 : 4;
        if (size > bytes.size()) return broken("ends in the middle of a number");
    } else {
        return broken("has a field of a wire type that is not in use");
    }
    item.bytes = bytes.substr(0, size);
    bytes.remove_prefix(size);
    return item;
}

bool is_utf8(std::string_view text) {
    for (std::size_t i = 0; i < text.size();) {
        const auto byte = [&](std::size_t at) -> unsigned {
            return at < text.size() ? static_cast<unsigned char>(text[at]) : 0;
        };
        const unsigned first = byte(i++);
        if (first < 0x80) continue;
        const unsigned more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;
        if (first < 0xc2 || first > 0xf4) return false;
        const unsigned second = byte(i);
        // The shortest form, no surrogates, nothing beyond U+10FFFF.
        if ((first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f) ||
            (first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f))
            return false;
        for (unsigned k = 0; k < more; ++k, ++i) {
            if ((byte(i) & 0xc0) != 0x80) return false;
        }
    }
    return true;
}

constexpr const char* kOtherType = "has another wire type than its field";

/// The next field of a small message whose fields below `bytes_from` are numbers.
Result<Item> take_typed(std::string_view& bytes, std::uint64_t bytes_from) {
    KND_TRY_ASSIGN(const auto item, take_item(bytes));
    if (item.field <= 3 && item.type != (item.field < bytes_from ? kWireVarint : kWireBytes))
        return broken(kOtherType);
    return item;
}

Result<> decode_time(std::string_view bytes, bool micro, Json& value) {
    std::int64_t seconds = 0;
    std::int64_t nanos = 0;
    while (!bytes.empty()) {
        KND_TRY_ASSIGN(const auto item, take_typed(bytes, 3));
        if (item.field == 1) seconds = static_cast<std::int64_t>(item.number);
        if (item.field == 2) nanos = static_cast<std::int32_t>(item.number);
    }
    value = nullptr;
    if (seconds == 0 && nanos == 0) return {};
    auto text = rfc3339(seconds);
    if (text.empty() || nanos < 0 || nanos > 999'999'999) return broken("is no time");
    if (micro) {
        char fraction[16];
        std::snprintf(fraction, sizeof fraction, ".%06dZ", static_cast<int>(nanos / 1000));
        text.replace(text.size() - 1, 1, fraction);
    }
    value = std::move(text);
    return {};
}

Result<> decode_int_or_string(std::string_view bytes, Json& value) {
    bool is_text = false;
    std::int64_t number = 0;
    std::string_view text;
    while (!bytes.empty()) {
        KND_TRY_ASSIGN(const auto item, take_typed(bytes, 3));
        if (item.field == 1) is_text = item.number != 0;
        if (item.field == 2) number = static_cast<std::int32_t>(item.number);
        if (item.field == 3) text = item.bytes;
    }
    if (is_text && !is_utf8(text)) return broken("is not UTF-8");
    value = is_text ? Json(text) : Json(number);
    return {};
}

/// The one field of bytes that a Quantity, RawExtension or FieldsV1 consists of.
Result<std::string_view> decode_only_field(std::string_view bytes) {
    std::string_view only;
    while (!bytes.empty()) {
        KND_TRY_ASSIGN(const auto item, take_typed(bytes, 1));
        if (item.field == 1) only = item.bytes;
    }
    return only;
}

bool is_number(Scalar scalar) {
    return scalar == Scalar::kBool || scalar == Scalar::kInt || scalar == Scalar::kInt32;
}

/// What JSON leaves out of a field that is no pointer.
bool is_zero(const Json& value) {
    return value.is_null() || value == 0 || value == false ||
           (value.is_string() && value.get_ref<const std::string&>().empty());
}

/// The depth of the recursion is that of the table, which has no cycles.
class Decoder {
  public:
    /// Adds to what `object` has: a message that comes twice is one.
    Result<> message(const Message& type, std::string_view bytes, Json& object) {
        if (object.is_null()) object = Json::object();
        while (!bytes.empty()) {
            KND_TRY_ASSIGN(const auto item, take_item(bytes));
            const auto* known = type.field(item.field);
            if (known == nullptr) continue;
            auto read = field(*known, item, object);
            if (!read.ok()) return std::move(read).error().wrap(known->name);
        }
        return {};
    }

  private:
    Result<> field(const MessageField& field, const Item& item, Json& object) {
        if (field.in_parent) {
            if (item.type != kWireBytes) return broken(kOtherType);
            return message(*field.message, item.bytes, object);
        }
        auto& slot = object[field.name];
        if (field.count == Count::kList) return element(field, item, slot);
        if (field.count == Count::kMap) return entry(field, item, slot);
        KND_TRY(value(field, item, slot));
        const bool left_out =
            slot.is_null() || (!field.pointer && !field.keeps_zero && is_zero(slot));
        if (left_out) object.erase(field.name);
        return {};
    }

    Result<> element(const MessageField& field, const Item& item, Json& list) {
        if (list.is_null()) list = Json::array();
        if (!is_number(field.scalar) || item.type != kWireBytes) {
            list.push_back(nullptr);
            return value(field, item, list.back());
        }
        Item one{item.field, kWireVarint, 0, {}};
        for (auto packed = item.bytes; !packed.empty();) {
            if (!take_varint(packed, one.number)) return broken("ends in the middle of a number");
            list.push_back(nullptr);
            KND_TRY(value(field, one, list.back()));
        }
        return {};
    }

    Result<> entry(const MessageField& field, const Item& item, Json& map) {
        if (item.type != kWireBytes) return broken(kOtherType);
        if (map.is_null()) map = Json::object();
        std::string_view key;
        Item held{2, kWireBytes, 0, {}};
        if (is_number(field.scalar)) held.type = kWireVarint;
        auto bytes = item.bytes;
        while (!bytes.empty()) {
            KND_TRY_ASSIGN(const auto part, take_item(bytes));
            if (part.field == 1 && part.type != kWireBytes) return broken(kOtherType);
            if (part.field == 1) key = part.bytes;
            if (part.field == 2) held = part;
        }
        if (!is_utf8(key)) return broken("has a key that is not UTF-8");
        auto& slot = map[std::string(key)];
        slot = nullptr;
        return value(field, held, slot);
    }

    Result<> value(const MessageField& field, const Item& item, Json& slot) {
        if (values_++ == kMaxValues) return broken("has too many values");
        if (item.type != (is_number(field.scalar) ? kWireVarint : kWireBytes))
            return broken(kOtherType);
        switch (field.scalar) {
            case Scalar::kBool:
                slot = item.number != 0;
                return {};
            case Scalar::kInt:
                slot = static_cast<std::int64_t>(item.number);
                return {};
            case Scalar::kInt32:
                slot = static_cast<std::int32_t>(item.number);
                return {};
            case Scalar::kString:
                if (!is_utf8(item.bytes)) return broken("is not UTF-8");
                slot = item.bytes;
                return {};
            case Scalar::kTime:
            case Scalar::kMicroTime:
                return decode_time(item.bytes, field.scalar == Scalar::kMicroTime, slot);
            case Scalar::kIntOrString:
                return decode_int_or_string(item.bytes, slot);
            case Scalar::kQuantity: {
                KND_TRY_ASSIGN(const auto text, decode_only_field(item.bytes));
                if (!is_utf8(text)) return broken("is not UTF-8");
                slot = text.empty() ? std::string_view("0") : text;
                return {};
            }
            case Scalar::kRaw:
                return raw(item.bytes, slot);
            case Scalar::kMessage:
                return message(*field.message, item.bytes, slot);
        }
        return {};
    }

    static Result<> raw(std::string_view bytes, Json& slot) {
        KND_TRY_ASSIGN(const auto text, decode_only_field(bytes));
        slot = nullptr;
        if (text.empty()) return {};
        if (!is_utf8(text)) return broken("is not UTF-8");
        KND_TRY_ASSIGN(slot, parse_json(text));
        return {};
    }

    std::size_t values_ = 0;
};

struct Envelope {
    std::string api_version, kind;
    std::string_view raw;
};

Result<Envelope> open_envelope(std::string_view bytes) {
    if (bytes.substr(0, kEnvelopeMagic.size()) != kEnvelopeMagic)
        return broken("does not begin with k8s and a zero byte");
    bytes.remove_prefix(kEnvelopeMagic.size());
    Envelope envelope;
    while (!bytes.empty()) {
        KND_TRY_ASSIGN(const auto item, take_typed(bytes, 1));
        if (item.field == 2) envelope.raw = item.bytes;
        if (item.field != 1) continue;
        for (auto type = item.bytes; !type.empty();) {
            KND_TRY_ASSIGN(const auto part, take_typed(type, 1));
            if (!is_utf8(part.bytes)) return broken("has a kind that is not UTF-8");
            if (part.field == 1) envelope.api_version = part.bytes;
            if (part.field == 2) envelope.kind = part.bytes;
        }
    }
    return envelope;
}

}  // namespace

Result<Json> decode_protobuf(std::string_view bytes, const std::string& api_version,
                             const std::string& kind) {
    auto envelope = open_envelope(bytes);
    if (!envelope.ok())
        return std::move(envelope).error().wrap("the protobuf body cannot be decoded");
    if (envelope->api_version.empty()) envelope->api_version = api_version;
    if (envelope->kind.empty()) envelope->kind = kind;
    const auto* message = message_of(envelope->api_version, envelope->kind);
    if (message == nullptr)
        return Error(Code::kInvalidArgument, "no kind " + to_text(Json(envelope->kind)) +
                                                 " is known for version " +
                                                 to_text(Json(envelope->api_version)));
    Json object = Json::object();
    Decoder decoder;
    auto read = decoder.message(*message, envelope->raw, object);
    if (!read.ok())
        return std::move(read).error().wrap("the protobuf body cannot be decoded: " +
                                            envelope->kind);
    object["apiVersion"] = envelope->api_version;
    object["kind"] = envelope->kind;
    return object;
}

}  // namespace knd::api
