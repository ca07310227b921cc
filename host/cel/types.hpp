// SPDX-License-Identifier: Apache-2.0
//
// The types of CEL, as the checker reasons about them: numbers into a table that lives as long as
// one compilation.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace knd::cel {

using TypeIndex = std::uint32_t;

enum class TypeKind : std::uint8_t {
    kError,
    kDyn,
    kAny,
    kNull,
    kBool,
    kInt,
    kUint,
    kDouble,
    kString,
    kBytes,
    kDuration,
    kTimestamp,
    kQuantity,
    kSemver,
    kUrl,
    kIp,
    kCidr,
    kFormat,
    kDevice,
    kEmpty,     ///< google.protobuf.Empty
    kEntry,     ///< google.protobuf.Struct.FieldsEntry
    kNothing,   ///< the parameter of "type" and "optional_type" alone; also what 1.32 takes the
                ///< second variable for, where a macro's range is dyn
    kType,      ///< type(a)
    kList,      ///< list(a)
    kMap,       ///< map(a, b)
    kOptional,  ///< optional_type(a)
    kWrapper,   ///< wrapper(a): a scalar or null
    kParam,     ///< a type variable, number a
};

/// The name of the type of `device`.
inline constexpr std::string_view kDeviceTypeName = "kubernetes.DRADevice";

/// Types without parameters have the number of their kind.
constexpr TypeIndex simple(TypeKind kind) {
    return static_cast<TypeIndex>(kind);
}
constexpr TypeIndex kErrorType = simple(TypeKind::kError);
constexpr TypeIndex kDynType = simple(TypeKind::kDyn);
constexpr TypeIndex kAnyType = simple(TypeKind::kAny);
constexpr TypeIndex kNoType = simple(TypeKind::kNothing);
constexpr TypeIndex kBoolType = simple(TypeKind::kBool);
constexpr TypeIndex kIntType = simple(TypeKind::kInt);
constexpr TypeIndex kStringType = simple(TypeKind::kString);

struct Type {
    TypeKind kind = TypeKind::kError;
    TypeIndex a = 0;
    TypeIndex b = 0;
};

/// A to Z of signatures; the numbers of other variables follow.
constexpr std::uint32_t kNamedVariables = 26;

class TypeTable {
  public:
    TypeTable();
    const Type& operator[](TypeIndex index) const { return types_[index]; }
    TypeIndex make(TypeKind kind, TypeIndex a, TypeIndex b = 0);
    TypeIndex list(TypeIndex element) { return make(TypeKind::kList, element); }
    TypeIndex map(TypeIndex key, TypeIndex value) { return make(TypeKind::kMap, key, value); }
    TypeIndex optional(TypeIndex value) { return make(TypeKind::kOptional, value); }
    TypeIndex type_of(TypeIndex value) { return make(TypeKind::kType, value); }
    TypeIndex wrapper(TypeIndex scalar) { return make(TypeKind::kWrapper, scalar); }
    TypeIndex param(std::uint32_t number) { return make(TypeKind::kParam, number); }
    bool is(TypeIndex index, TypeKind kind) const { return types_[index].kind == kind; }
    /// dyn, any or the error type: what may be anything.
    bool is_dynamic(TypeIndex index) const {
        const auto kind = types_[index].kind;
        return kind == TypeKind::kDyn || kind == TypeKind::kAny || kind == TypeKind::kError;
    }
    /// Whether they differ in nothing but wrappers: Kubernetes takes what is wrapped and what is
    /// not for one type, and goes on with the one that it met first.
    bool equal(TypeIndex a, TypeIndex b) const;
    /// What a wrapper wraps, or the type itself.
    TypeIndex bare(TypeIndex index) const {
        return is(index, TypeKind::kWrapper) ? types_[index].a : index;
    }
    /// As in the messages: "map(string, any)", "timestamp", ...
    std::string text(TypeIndex index) const;
    /// Reads what text() writes, with upper-case letters as type variables; kErrorType if it
    /// cannot.
    TypeIndex read(std::string_view text);

  private:
    TypeIndex read_one(std::string_view& text);
    std::vector<Type> types_;
};

}  // namespace knd::cel
