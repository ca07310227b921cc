// SPDX-License-Identifier: Apache-2.0
#include "host/cel/message_field.hpp"

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include <absl/strings/escaping.h>

#include "host/cel/library.hpp"
#include "host/cel/net.hpp"
#include "host/cel/url.hpp"

namespace knd::cel {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
/// Integers up to here are numbers in JSON, others texts: doubles hold them all.
constexpr std::int64_t kMaxJsonInteger = (std::int64_t{1} << 53) - 1;

std::string_view native_type(FieldForm form) {
    switch (form) {
        case FieldForm::kBool:
            return "bool";
        case FieldForm::kInt32:
            return "int32";
        case FieldForm::kInt64:
            return "int64";
        case FieldForm::kUint32:
            return "uint32";
        case FieldForm::kUint64:
            return "uint64";
        case FieldForm::kFloat:
            return "float32";
        case FieldForm::kDouble:
            return "float64";
        case FieldForm::kString:
            return "string";
        case FieldForm::kBytes:
            return "[]uint8";
        case FieldForm::kEnum:
            return "protoreflect.EnumNumber";
        case FieldForm::kJsonObject:
        case FieldForm::kJsonFields:
            return "*structpb.Struct";
        case FieldForm::kJsonList:
        case FieldForm::kJsonValues:
            return "*structpb.ListValue";
        case FieldForm::kJson:
            break;
    }
    return "*structpb.Value";
}

/// What the reference implementation makes of a map's key when it looks for a field of a structure
/// of Go's: "list_value" and "list-value" are "ListValue".
std::string go_field_name(std::string_view key) {
    const auto is_lower = [](char c) { return c >= 'a' && c <= 'z'; };
    const auto is_upper = [](char c) { return c >= 'A' && c <= 'Z'; };
    std::string out;
    char before = '_';
    for (std::size_t i = 0; i < key.size(); ++i) {
        const char c = key[i];
        const char next = i + 1 < key.size() ? key[i + 1] : '\0';
        const bool begins = before == '_';
        const bool keeps = is_lower(before) || (is_upper(before) && is_upper(c) && is_lower(next));
        before = std::string_view("-_ \t\n\r").find(c) == std::string_view::npos ? c : '_';
        if (before == '_') continue;
        if (begins)
            out += is_lower(c) ? static_cast<char>(c - 'a' + 'A') : c;
        else
            out += !keeps && is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c;
    }
    return out;
}

class Converter {
  public:
    explicit Converter(Arena& arena) : memory_{{}, arena} {}

    /// An error's text is without the field's name yet.
    Value convert(FieldForm form, const Value& value) const {
        if (value.is(Kind::kOptional))
            return value.as_optional() == nullptr ? Value::error("optional.none() dereference")
                                                  : convert(form, *value.as_optional());
        switch (form) {
            case FieldForm::kBool:
                return value.is(Kind::kBool) ? value : refuse(form, value);
            case FieldForm::kInt32:
            case FieldForm::kInt64:
            case FieldForm::kEnum:
                return integer(form, value);
            case FieldForm::kUint32:
            case FieldForm::kUint64:
                return unsigned_integer(form, value);
            case FieldForm::kFloat:
            case FieldForm::kDouble:
                return floating(form, value);
            case FieldForm::kString:
                return text(value);
            case FieldForm::kBytes:
                return bytes(value);
            case FieldForm::kJson:
                return json(value);
            case FieldForm::kJsonObject:
            case FieldForm::kJsonFields:
                return is_map(value) ? object(value) : refuse(form, value);
            case FieldForm::kJsonList:
            case FieldForm::kJsonValues:
                return json_list(form, value);
        }
        return Value();
    }

  private:
    Value refuse(FieldForm form, const Value& value) const {
        return memory_.error(refuse_conversion(value, native_type(form)));
    }

    Value integer(FieldForm form, const Value& value) const {
        if (!value.is(Kind::kInt)) return refuse(form, value);
        const bool fits = value.as_int() >= std::numeric_limits<std::int32_t>::min() &&
                          value.as_int() <= std::numeric_limits<std::int32_t>::max();
        return fits || form == FieldForm::kInt64 ? value : Value::error("integer overflow");
    }

    Value unsigned_integer(FieldForm form, const Value& value) const {
        if (!value.is(Kind::kUint)) return refuse(form, value);
        const bool fits = value.as_uint() <= std::numeric_limits<std::uint32_t>::max();
        return fits || form == FieldForm::kUint64 ? value
                                                  : Value::error("unsigned integer overflow");
    }

    Value floating(FieldForm form, const Value& value) const {
        if (!value.is(Kind::kDouble)) return refuse(form, value);
        if (form == FieldForm::kDouble) return value;
        return Value::floating(double{static_cast<float>(value.as_double())});
    }

    /// Kubernetes' own types are texts where a text is wanted.
    Value text(const Value& value) const {
        switch (value.kind()) {
            case Kind::kString:
                return value;
            case Kind::kQuantity:
            case Kind::kSemver:
            case Kind::kUrl:
            case Kind::kIp:
            case Kind::kCidr:
                return memory_.string(to_text(value));
            default:
                return refuse(FieldForm::kString, value);
        }
    }

    /// A list of small numbers is what Go takes for bytes.
    Value bytes(const Value& value) const {
        if (value.is(Kind::kBytes)) return value;
        if (!value.is(Kind::kList)) return refuse(FieldForm::kBytes, value);
        const auto& list = value.as_list();
        std::string out;
        for (const auto& item : std::span(list.items, list.size)) {
            if (!item.is(Kind::kUint)) return memory_.error(refuse_conversion(item, "uint8"));
            if (item.as_uint() > 255) return Value::error("unsigned integer overflow");
            out += static_cast<char>(item.as_uint());
        }
        return memory_.bytes(out);
    }

    /// As JSON has it: numbers are doubles, times and bytes are texts.
    Value json(const Value& value) const {
        switch (value.kind()) {
            case Kind::kNull:
            case Kind::kBool:
            case Kind::kDouble:
            case Kind::kString:
                return value;
            case Kind::kInt:
                if (value.as_int() < -kMaxJsonInteger || value.as_int() > kMaxJsonInteger)
                    return memory_.string(std::to_string(value.as_int()));
                return Value::floating(static_cast<double>(value.as_int()));
            case Kind::kUint:
                if (value.as_uint() > static_cast<std::uint64_t>(kMaxJsonInteger))
                    return memory_.string(std::to_string(value.as_uint()));
                return Value::floating(static_cast<double>(value.as_uint()));
            case Kind::kBytes:
                return memory_.string(
                    absl::Base64Escape({value.text().data(), value.text().size()}));
            case Kind::kDuration:
            case Kind::kTimestamp:
                return memory_.string(to_text(value));
            case Kind::kOptional:
                return convert(FieldForm::kJson, value);
            case Kind::kList:
                return list(value.as_list());
            case Kind::kMessage:
                return message(value.as_object<MessageData>());
            default:
                return is_map(value) ? object(value) : refuse(FieldForm::kJson, value);
        }
    }

    Value list(const ListData& from) const {
        std::vector<Value> items;
        items.reserve(from.size);
        for (const auto& item : std::span(from.items, from.size)) {
            items.push_back(json(item));
            if (items.back().is_error()) return items.back();
        }
        return memory_.list(items);
    }

    /// A map may stand for Go's structure of a list, whose only field is "values".
    Value json_list(FieldForm form, const Value& value) const {
        if (value.is(Kind::kList)) return list(value.as_list());
        if (form == FieldForm::kJsonValues || !value.is(Kind::kMap)) return refuse(form, value);
        auto out = memory_.list({});
        const auto& map = value.as_map();
        for (const auto& entry : std::span(map.entries, map.size)) {
            const auto field = go_field_name(to_text(entry.key));
            if (field != "Values")
                return memory_.error("type conversion error, no such field '" + field +
                                     "' in type 'structpb.ListValue'");
            if (!entry.value.is(Kind::kList))
                return memory_.error(refuse_conversion(entry.value, "[]*structpb.Value"));
            out = list(entry.value.as_list());
            if (out.is_error()) return out;
        }
        return out;
    }

    /// A map with texts for keys.
    Value object(const Value& value) const {
        std::span<const MapEntry> from;
        if (!entries_of(value, memory_.arena, from)) return memory_.out_of_memory();
        std::vector<MapEntry> entries;
        entries.reserve(from.size());
        for (const auto& entry : from) {
            const auto key = text(entry.key);
            if (key.is_error()) return key;
            const auto held = json(entry.value);
            if (held.is_error()) return held;
            entries.push_back({key, held});
        }
        return map(entries);
    }

    Value message(const MessageData& data) const {
        std::vector<MapEntry> entries;
        if (data.key != nullptr) entries.push_back({Value::string("key"), *data.key});
        if (data.value != nullptr) entries.push_back({Value::string("value"), *data.value});
        return map(entries);
    }

    Value map(const std::vector<MapEntry>& entries) const {
        auto* kept =
            static_cast<MapEntry*>(memory_.arena.allocate(entries.size() * sizeof(MapEntry)));
        if (kept == nullptr) return memory_.out_of_memory();
        std::copy(entries.begin(), entries.end(), kept);
        return make_map({kept, entries.size()}, memory_.arena, true);
    }

    Call memory_;
};

std::string field_name(const MessageType& type, const MessageField& field) {
    return std::string(type.name) + "." + std::string(field.name);
}

}  // namespace

Value convert_field(const MessageType& type, const MessageField& field, const Value& value,
                    Arena& arena) {
    const Call memory{{}, arena};
    const bool repeated = field.form == FieldForm::kJsonValues;
    const bool mapped = field.form == FieldForm::kJsonFields;
    if ((repeated && !value.is(Kind::kList)) || (mapped && !is_map(value)))
        return memory.error("unsupported field type for " + field_name(type, field) + ": " +
                            parameterized_name(value));
    const auto out = Converter(arena).convert(field.form, value);
    if (!out.is_error()) return out;
    return memory.error("field type conversion error for " + field_name(type, field) +
                        " value type: " + std::string(out.text()));
}

Value duration_of(std::int64_t seconds, std::int64_t nanoseconds) {
    std::int64_t out = 0;
    if (__builtin_mul_overflow(seconds, kSecond, &out) ||
        __builtin_add_overflow(out, nanoseconds, &out))
        return Value::duration(seconds < 0 ? std::numeric_limits<std::int64_t>::min()
                                           : std::numeric_limits<std::int64_t>::max());
    return Value::duration(out);
}

Value timestamp_of(std::int64_t seconds, std::int64_t nanoseconds) {
    // Far beyond what can be written as a date, and near enough that sums do not overflow.
    constexpr std::int64_t kFarthest = std::int64_t{1} << 61;
    seconds = std::clamp(seconds, -kFarthest, kFarthest) + nanoseconds / kSecond;
    nanoseconds %= kSecond;
    if (nanoseconds < 0) {
        nanoseconds += kSecond;
        --seconds;
    }
    return Value::timestamp(seconds, static_cast<std::uint32_t>(nanoseconds));
}

std::string refuse_conversion(const Value& value, std::string_view native_type) {
    const auto to = std::string(native_type);
    const auto from = [&](std::string_view name) {
        return "type conversion error from " + std::string(name) + " to '" + to + "'";
    };
    switch (value.kind()) {
        case Kind::kNull:
            return from("'null_type'");
        case Kind::kBool:
            return from("bool");
        case Kind::kInt:
        case Kind::kUint:
            return "unsupported type conversion from '" + std::string(type_name(value)) + "' to " +
                   to;
        case Kind::kDouble:
            return from("Double");
        case Kind::kString:
            return "unsupported native conversion from string to '" + to + "'";
        case Kind::kBytes:
            return from("Bytes");
        case Kind::kList:
            return from("list");
        case Kind::kType:
            return "type conversion not supported for 'type'";
        case Kind::kOptional:
            return value.as_optional() == nullptr ? "optional.none() dereference"
                                                  : refuse_conversion(*value.as_optional(), to);
        case Kind::kMessage:
            return from("'*dynamicpb.Message'");
        case Kind::kMap:
        case Kind::kDevice:
        case Kind::kDomains:
        case Kind::kDomain:
            return from("map");
        case Kind::kError:
            return std::string(value.text());
        default:
            break;
    }
    const auto name = native_name(value);
    return from("'" + std::string(name.substr(name.find('.') + 1)) + "'");
}

}  // namespace knd::cel
