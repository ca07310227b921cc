// SPDX-License-Identifier: Apache-2.0
#include "host/validation/formats.hpp"
#include "tests/unit/validation/objects.hpp"

namespace knd::validation {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Json meta(const Json& fields = Json::object()) {
    Json metadata = {{"name", "x"}, {"namespace", "ns"}, {"resourceVersion", "1"}};
    metadata.update(fields);
    return {{"metadata", metadata}};
}

Texts of_meta(const Json& after, const Json& before = {}, bool namespaced = true) {
    api::FieldErrors errors;
    validate_metadata(before, after, {namespaced, subdomain_problems}, errors);
    Texts texts;
    for (const auto& error : errors)
        texts.push_back(error.text());
    return texts;
}

TEST(MetadataRules, WantANameOrAPrefixForOne) {
    EXPECT_THAT(of_meta(meta()), IsEmpty());
    EXPECT_THAT(of_meta(meta({{"name", ""}})),
                ElementsAre("metadata.name: Required value: name or generateName is required"));
    EXPECT_THAT(of_meta(meta({{"generateName", "some-"}})), IsEmpty());
    EXPECT_THAT(of_meta(meta({{"generateName", "-a"}})),
                ElementsAre(HasSubstr("metadata.generateName: Invalid value: \"-a\"")));
}

TEST(MetadataRules, WantANamespaceWhereThereIsOne) {
    EXPECT_THAT(of_meta(meta({{"namespace", ""}})),
                ElementsAre("metadata.namespace: Required value"));
    EXPECT_THAT(of_meta(meta(), {}, false),
                ElementsAre("metadata.namespace: Forbidden: not allowed on this type"));
}

TEST(MetadataRules, WantKeysAndValuesOfLabels) {
    EXPECT_THAT(of_meta(meta({{"labels", {{"a b", "v"}}}})),
                ElementsAre(HasSubstr("metadata.labels: Invalid value: \"a b\": name part must")));
    EXPECT_THAT(of_meta(meta({{"labels", {{"a", "v v"}}}})),
                ElementsAre(HasSubstr("metadata.labels: Invalid value: \"v v\": a valid label")));
}

TEST(MetadataRules, TakeAnnotationsOfAtMost256KiB) {
    EXPECT_THAT(of_meta(meta({{"annotations", {{"UPPER", std::string(262144 - 5, 'x')}}}})),
                IsEmpty());
    EXPECT_THAT(of_meta(meta({{"annotations", {{"UPPER", std::string(262144 - 4, 'x')}}}})),
                ElementsAre("metadata.annotations: Too long: may not be more than 262144 bytes"));
}

TEST(MetadataRules, WantOwnersThatCanBeFound) {
    EXPECT_THAT(of_meta(meta({{"ownerReferences", Json::array({Json::object()})}})),
                ElementsAre("metadata.ownerReferences.apiVersion: Invalid value: \"\": version "
                            "must not be empty",
                            "metadata.ownerReferences.kind: Invalid value: \"\": must not be empty",
                            "metadata.ownerReferences.name: Invalid value: \"\": must not be empty",
                            "metadata.ownerReferences.uid: Invalid value: \"\": must not be "
                            "empty"));
}

TEST(MetadataRules, WantFinalizersWithADomain) {
    EXPECT_THAT(of_meta(meta({{"finalizers", {"example.com/x", "orphan"}}})), IsEmpty());
    EXPECT_THAT(of_meta(meta({{"finalizers", {"x"}}})),
                ElementsAre("metadata.finalizers[0]: Invalid value: \"x\": name is neither a "
                            "standard finalizer name nor is it fully qualified"));
}

TEST(MetadataRules, KeepWhatNamesAnObject) {
    EXPECT_THAT(of_meta(meta({{"name", "y"}}), meta()),
                ElementsAre("metadata.name: Invalid value: \"y\": field is immutable"));
    EXPECT_THAT(of_meta(meta({{"resourceVersion", ""}}), meta()),
                ElementsAre("metadata.resourceVersion: Invalid value: \"\": must be specified for "
                            "an update"));
}

TEST(MetadataRules, AddNoFinalizersToWhatLeaves) {
    const auto leaving = meta({{"deletionTimestamp", "2026-01-01T00:00:00Z"}});
    auto held = leaving;
    held["metadata"]["finalizers"] = {"a.b/c"};
    EXPECT_THAT(of_meta(held, leaving),
                ElementsAre("metadata.finalizers: Forbidden: no new finalizers can be added if the "
                            "object is being deleted, found new finalizers []string{\"a.b/c\"}"));
}

TEST(TemplateMetadataRules, TakeLabelsAndAnnotationsAlone) {
    const auto with = [](const Json& metadata) {
        return said(
            validate_template,
            {{"spec", {{"metadata", metadata}, {"spec", claim_with(Json::object())["spec"]}}}});
    };
    EXPECT_THAT(with({{"labels", {{"a", "b"}}}, {"annotations", {{"c", "d"}}}}), IsEmpty());
    EXPECT_THAT(with({{"name", "x"}, {"finalizers", {"a.b/c"}}}),
                ElementsAre("spec.metadata.name: Forbidden: cannot be set",
                            "spec.metadata.finalizers: Forbidden: cannot be set"));
    EXPECT_THAT(with({{"labels", {{"a b", ""}}}}),
                ElementsAre(HasSubstr("spec.metadata.labels: Invalid value: \"a b\"")));
}

}  // namespace
}  // namespace knd::validation
