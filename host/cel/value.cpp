// SPDX-License-Identifier: Apache-2.0
#include "host/cel/value.hpp"

#include <algorithm>

#include "host/cel/library.hpp"
#include "host/cel/message.hpp"
#include "host/cel/named_format.hpp"
#include "host/cel/net.hpp"
#include "host/cel/url.hpp"

namespace knd::cel {

void* Arena::allocate(std::size_t size) {
    size = (size + 15) & ~std::size_t{15};
    if (static_cast<std::size_t>(end_ - next_) < size) {
        const auto block = std::max<std::size_t>(size, 64u << 10);
        if (size > limit_ || used_ + block > limit_) return nullptr;
        used_ += block;
        blocks_.push_back(std::make_unique<char[]>(block));
        next_ = blocks_.back().get();
        end_ = next_ + block;
    }
    return std::exchange(next_, next_ + size);
}

void Arena::release() {
    for (auto i = destructors_.rbegin(); i != destructors_.rend(); ++i)
        i->run(i->object);
    destructors_.clear();
    blocks_.clear();
}

void Arena::reset() {
    release();
    next_ = first_;
    end_ = first_ + sizeof first_;
    used_ = 0;
}

Value Value::boolean(bool value) {
    Value out;
    out.kind_ = Kind::kBool;
    out.payload_.boolean = value;
    return out;
}

Value Value::integer(std::int64_t value) {
    Value out;
    out.kind_ = Kind::kInt;
    out.payload_.integer = value;
    return out;
}

Value Value::unsigned_integer(std::uint64_t value) {
    Value out;
    out.kind_ = Kind::kUint;
    out.payload_.unsigned_integer = value;
    return out;
}

Value Value::floating(double value) {
    Value out;
    out.kind_ = Kind::kDouble;
    out.payload_.floating = value;
    return out;
}

Value Value::textual(Kind kind, std::string_view text) {
    Value out;
    out.kind_ = kind;
    out.size_ = static_cast<std::uint32_t>(text.size());
    out.payload_.text = text.data();
    return out;
}

Value Value::string(std::string_view text) {
    return textual(Kind::kString, text);
}
Value Value::bytes(std::string_view data) {
    return textual(Kind::kBytes, data);
}
Value Value::type(std::string_view name) {
    return textual(Kind::kType, name);
}
Value Value::error(std::string_view message) {
    return textual(Kind::kError, message);
}

Value Value::duration(std::int64_t nanoseconds) {
    auto out = integer(nanoseconds);
    out.kind_ = Kind::kDuration;
    return out;
}

Value Value::timestamp(std::int64_t seconds, std::uint32_t nanoseconds, std::int16_t zone) {
    auto out = integer(seconds);
    out.zone_ = zone;
    out.kind_ = Kind::kTimestamp;
    out.size_ = nanoseconds;
    return out;
}

Value Value::pointer(Kind kind, const void* pointer) {
    Value out;
    out.kind_ = kind;
    out.payload_.pointer = pointer;
    return out;
}

Value Value::computed_quantity(const Quantity* value) {
    auto out = quantity(value);
    out.size_ = 1;
    return out;
}

Value Value::device(const DeviceView* device, bool knows_sharing) {
    auto out = pointer(Kind::kDevice, device);
    out.size_ = knows_sharing ? 1 : 0;
    return out;
}

Value Value::domains(const DeviceView* device, bool capacity) {
    auto out = pointer(Kind::kDomains, device);
    out.size_ = capacity ? 1 : 0;
    return out;
}

std::string_view native_name(const Value& value) {
    switch (value.kind()) {
        case Kind::kNull:
            return "types.Null";
        case Kind::kBool:
            return "types.Bool";
        case Kind::kInt:
            return "types.Int";
        case Kind::kUint:
            return "types.Uint";
        case Kind::kDouble:
            return "types.Double";
        case Kind::kString:
            return "types.String";
        case Kind::kBytes:
            return "types.Bytes";
        case Kind::kList:
            return "*types.baseList";
        case Kind::kType:
            return "*types.Type";
        case Kind::kDuration:
            return "types.Duration";
        case Kind::kTimestamp:
            return "types.Timestamp";
        case Kind::kOptional:
            return "*types.Optional";
        case Kind::kQuantity:
            return value.is_computed() ? "*cel.Quantity" : "cel.Quantity";
        case Kind::kSemver:
            return "cel.Semver";
        case Kind::kUrl:
            return "cel.URL";
        case Kind::kIp:
            return "cel.IP";
        case Kind::kCidr:
            return "cel.CIDR";
        case Kind::kFormat:
            return "cel.Format";
        case Kind::kDomains:
            return "cel.mapper";
        case Kind::kMessage:
            return "*types.protoObj";
        case Kind::kError:
            return "*types.Err";
        default:
            return "*types.baseMap";
    }
}

std::string_view type_name(const Value& value) {
    switch (value.kind()) {
        case Kind::kNull:
            return "null_type";
        case Kind::kBool:
            return "bool";
        case Kind::kInt:
            return "int";
        case Kind::kUint:
            return "uint";
        case Kind::kDouble:
            return "double";
        case Kind::kString:
            return "string";
        case Kind::kBytes:
            return "bytes";
        case Kind::kList:
            return "list";
        case Kind::kMap:
        case Kind::kDevice:
        case Kind::kDomains:
        case Kind::kDomain:
            return "map";
        case Kind::kType:
            return "type";
        case Kind::kDuration:
            return "google.protobuf.Duration";
        case Kind::kTimestamp:
            return "google.protobuf.Timestamp";
        case Kind::kOptional:
            return "optional_type";
        case Kind::kQuantity:
            return "kubernetes.Quantity";
        case Kind::kSemver:
            return "kubernetes.Semver";
        case Kind::kUrl:
            return "kubernetes.URL";
        case Kind::kIp:
            return "net.IP";
        case Kind::kCidr:
            return "net.CIDR";
        case Kind::kFormat:
            return "kubernetes.NamedFormat";
        case Kind::kMessage:
            return value.as_object<MessageData>().type->name;
        case Kind::kError:
            return "error";
    }
    return "";
}

std::string parameterized_name(const Value& value) {
    if (is_map(value)) return "map(dyn, dyn)";
    return value.is(Kind::kList) ? "list(dyn)" : std::string(type_name(value));
}

namespace {

/// A JSON object's key, for what may be a key.
std::string key_text(const Value& key) {
    return to_text(key);
}

}  // namespace

Json to_json(const Value& value) {
    switch (value.kind()) {
        case Kind::kNull:
            return nullptr;
        case Kind::kBool:
            return value.as_bool();
        case Kind::kInt:
            return value.as_int();
        case Kind::kUint:
            return value.as_uint();
        case Kind::kDouble:
            return value.as_double();
        case Kind::kList: {
            auto out = Json::array();
            for (std::size_t i = 0; i < value.as_list().size; ++i)
                out.push_back(to_json(value.as_list().items[i]));
            return out;
        }
        case Kind::kMap:
        case Kind::kDevice:
        case Kind::kDomains:
        case Kind::kDomain: {
            Arena arena;
            std::span<const MapEntry> entries;
            auto out = Json::object();
            if (entries_of(value, arena, entries))
                for (const auto& entry : entries)
                    out[key_text(entry.key)] = to_json(entry.value);
            return out;
        }
        case Kind::kOptional:
            return value.as_optional() == nullptr ? Json() : to_json(*value.as_optional());
        case Kind::kMessage: {
            const auto& message = value.as_object<MessageData>();
            auto out = Json::object();
            for (const auto& field : message.type->fields)
                if (const auto* held = message.field(field.name); held != nullptr)
                    out[std::string(field.name)] = to_json(*held);
            return out;
        }
        case Kind::kString:
        case Kind::kBytes:
        case Kind::kType:
        case Kind::kDuration:
        case Kind::kTimestamp:
        case Kind::kQuantity:
        case Kind::kSemver:
        case Kind::kUrl:
        case Kind::kIp:
        case Kind::kCidr:
        case Kind::kFormat:
        case Kind::kError:
            return to_text(value);
    }
    return nullptr;
}

/// Each kind is named here and above: one that both left to the other would never end.
std::string to_text(const Value& value) {
    switch (value.kind()) {
        case Kind::kString:
        case Kind::kBytes:
        case Kind::kType:
        case Kind::kError:
            return std::string(value.text());
        case Kind::kDouble:
            return double_text(value.as_double());
        case Kind::kDuration:
            return duration_text(value.time());
        case Kind::kTimestamp:
            return timestamp_text({value.time(), value.nanoseconds(), value.zone()});
        case Kind::kQuantity:
            return value.as_quantity().text();
        case Kind::kIp:
            return value.as_object<IpAddress>().text();
        case Kind::kCidr:
            return value.as_object<Cidr>().text();
        case Kind::kSemver:
            return value.as_semver().text();
        case Kind::kUrl:
            return value.as_object<Url>().text();
        case Kind::kOptional:
            return value.as_optional() == nullptr
                       ? "optional.none()"
                       : "optional(" + to_text(*value.as_optional()) + ")";
        case Kind::kFormat:
            return "format." + std::string(value.as_object<NamedFormat>().name) + "()";
        case Kind::kNull:
        case Kind::kBool:
        case Kind::kInt:
        case Kind::kUint:
        case Kind::kList:
        case Kind::kMap:
        case Kind::kDevice:
        case Kind::kDomains:
        case Kind::kDomain:
        case Kind::kMessage:
            return knd::to_text(to_json(value));
    }
    return "";
}

}  // namespace knd::cel
