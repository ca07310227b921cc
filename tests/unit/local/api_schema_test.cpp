// SPDX-License-Identifier: Apache-2.0
#include "tools/local/api/schema.hpp"

#include <gmock/gmock.h>

#include "tools/local/api/kinds.hpp"
#include "tools/local/api/openapi.hpp"

namespace knd::api {
namespace {

using testing::IsEmpty;

/// "Type.field" of all fields of served types for which `is_wrong` holds.
template <class IsWrong>
std::vector<std::string> fields_where(const IsWrong& is_wrong) {
    std::vector<std::string> found;
    for (const auto& [name, type] : served_schema().types()) {
        if (type->package.empty()) continue;
        for (const auto& field : type->fields)
            if (is_wrong(field)) found.push_back(name + "." + field.name);
    }
    return found;
}

const Type& innermost(const Type& type) {
    return type.element == nullptr ? type : innermost(*type.element);
}

TEST(ApiSchema, SaysOfEveryFieldOfItsReleaseWhatItMeans) {
    EXPECT_THAT(fields_where([](const Field& field) {
                    return field.exists_in(kMinor) && field.description.empty();
                }),
                IsEmpty());
}

TEST(ApiSchema, SaysNothingOfFieldsOfOtherReleases) {
    EXPECT_THAT(fields_where([](const Field& field) {
                    return !field.exists_in(kMinor) && !field.description.empty();
                }),
                IsEmpty());
}

TEST(ApiSchema, ServesTheTypesOfAllServedFields) {
    EXPECT_THAT(fields_where([](const Field& field) {
                    const auto& type = innermost(*field.type);
                    return field.exists_in(kMinor) && type.shape == Shape::kObject &&
                           type.package.empty();
                }),
                IsEmpty());
}

TEST(ApiSchema, HasTheFieldsOfValidation) {
    for (const auto& [name, type] : Schema::instance().types()) {
        const auto* served = served_schema().find(name);
        ASSERT_NE(served, nullptr) << name;
        ASSERT_EQ(served->fields.size(), type->fields.size()) << name;
        for (std::size_t i = 0; i < type->fields.size(); ++i) {
            const auto& ours = served->fields[i];
            const auto& theirs = type->fields[i];
            EXPECT_EQ(ours.name, theirs.name) << name;
            EXPECT_EQ(ours.type->name, theirs.type->name) << name << "." << ours.name;
            EXPECT_EQ(ours.pointer, theirs.pointer) << name << "." << ours.name;
        }
    }
}

TEST(ApiSchema, HasTheTypeOfEveryServedKind) {
    for (const auto& kind : all_kinds())
        EXPECT_NE(served_schema().find(kind.kind), nullptr) << kind.kind;
}

TEST(ApiSchema, NamesOnlyFormatsThatAreChecked) {
    EXPECT_THAT(fields_where([](const Field& field) {
                    return !field.format.empty() && check_format(field.format, "*").empty();
                }),
                IsEmpty());
}

TEST(ApiSchema, ServesNoFieldOfALaterRelease) {
    const auto document = openapi_v2("v");
    const auto& fields =
        json_path(document, {"definitions", "io.k8s.api.resource.v1.Device", "properties"});
    EXPECT_TRUE(fields.contains("taints"));
    EXPECT_FALSE(fields.contains("nodeAllocatableResources"));
}

}  // namespace
}  // namespace knd::api
