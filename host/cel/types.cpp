// SPDX-License-Identifier: Apache-2.0
#include "host/cel/types.hpp"

#include <algorithm>

namespace knd::cel {
namespace {

struct SimpleName {
    TypeKind kind;
    std::string_view text;
};
constexpr SimpleName kSimpleNames[] = {
    {TypeKind::kError, "!error!"},
    {TypeKind::kDyn, "dyn"},
    {TypeKind::kAny, "any"},
    {TypeKind::kNull, "null"},
    {TypeKind::kBool, "bool"},
    {TypeKind::kInt, "int"},
    {TypeKind::kUint, "uint"},
    {TypeKind::kDouble, "double"},
    {TypeKind::kString, "string"},
    {TypeKind::kBytes, "bytes"},
    {TypeKind::kDuration, "duration"},
    {TypeKind::kTimestamp, "timestamp"},
    {TypeKind::kQuantity, "kubernetes.Quantity"},
    {TypeKind::kSemver, "kubernetes.Semver"},
    {TypeKind::kUrl, "kubernetes.URL"},
    {TypeKind::kIp, "net.IP"},
    {TypeKind::kCidr, "net.CIDR"},
    {TypeKind::kFormat, "kubernetes.NamedFormat"},
    {TypeKind::kDevice, kDeviceTypeName},
    {TypeKind::kEmpty, "google.protobuf.Empty"},
    {TypeKind::kEntry, "google.protobuf.Struct.FieldsEntry"},
    {TypeKind::kNothing, ""},
};

bool is_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '.' || c == '!';
}

bool take(std::string_view& text, std::string_view mark) {
    while (text.starts_with(' '))
        text.remove_prefix(1);
    if (!text.starts_with(mark)) return false;
    text.remove_prefix(mark.size());
    return true;
}

}  // namespace

TypeTable::TypeTable() {
    for (const auto& name : kSimpleNames)
        types_.push_back({name.kind});
}

TypeIndex TypeTable::make(TypeKind kind, TypeIndex a, TypeIndex b) {
    for (std::size_t i = std::size(kSimpleNames); i < types_.size(); ++i)
        if (types_[i].kind == kind && types_[i].a == a && types_[i].b == b)
            return static_cast<TypeIndex>(i);
    types_.push_back({kind, a, b});
    return static_cast<TypeIndex>(types_.size() - 1);
}

bool TypeTable::equal(TypeIndex a, TypeIndex b) const {
    a = bare(a);
    b = bare(b);
    if (a == b) return true;
    const auto& first = types_[a];
    const auto& second = types_[b];
    const bool composed = first.kind == TypeKind::kList || first.kind == TypeKind::kMap ||
                          first.kind == TypeKind::kOptional || first.kind == TypeKind::kType;
    if (!composed || first.kind != second.kind) return false;
    return equal(first.a, second.a) && equal(first.b, second.b);
}

std::string TypeTable::text(TypeIndex index) const {
    const auto& type = types_[index];
    if (index < std::size(kSimpleNames)) return std::string(kSimpleNames[index].text);
    switch (type.kind) {
        case TypeKind::kType:
            return type.a == kNoType ? "type" : "type(" + text(type.a) + ")";
        case TypeKind::kList:
            return "list(" + text(type.a) + ")";
        case TypeKind::kMap:
            return "map(" + text(type.a) + ", " + text(type.b) + ")";
        case TypeKind::kOptional:
            return type.a == kNoType ? "optional_type" : "optional_type(" + text(type.a) + ")";
        case TypeKind::kWrapper:
            return "wrapper(" + text(type.a) + ")";
        default:
            break;
    }
    if (type.a < kNamedVariables) return std::string(1, static_cast<char>('A' + type.a));
    return "_var" + std::to_string(type.a - kNamedVariables);
}

TypeIndex TypeTable::read(std::string_view text) {
    const auto type = read_one(text);
    return text.empty() ? type : kErrorType;
}

TypeIndex TypeTable::read_one(std::string_view& text) {
    while (text.starts_with(' '))
        text.remove_prefix(1);
    const auto end = std::find_if_not(text.begin(), text.end(), is_word);
    const auto word = text.substr(0, static_cast<std::size_t>(end - text.begin()));
    text.remove_prefix(word.size());
    if (word.size() == 1 && word[0] >= 'A' && word[0] <= 'Z')
        return param(static_cast<std::uint32_t>(word[0] - 'A'));
    for (const auto& name : kSimpleNames)
        if (!word.empty() && name.text == word) return simple(name.kind);
    if (!take(text, "(")) return kErrorType;
    const auto a = read_one(text);
    TypeIndex b = 0;
    if (word == "map") {
        if (!take(text, ",")) return kErrorType;
        b = read_one(text);
    }
    if (!take(text, ")")) return kErrorType;
    if (word == "list") return list(a);
    if (word == "map") return map(a, b);
    if (word == "type") return type_of(a);
    if (word == "wrapper") return wrapper(a);
    if (word == "optional" || word == "optional_type") return optional(a);
    return kErrorType;
}

}  // namespace knd::cel
