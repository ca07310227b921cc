// SPDX-License-Identifier: Apache-2.0
#include "tools/kndctl/output.hpp"

#include <gtest/gtest.h>

#include "host/model/yaml.hpp"

namespace knd::ctl {
namespace {

TEST(Yaml, IsIndentedAsKubectlDoes) {
    const Json document = {{"list", {{{"a", 1}, {"b", {{"c", "x"}}}}, "text"}}, {"none", nullptr}};
    EXPECT_EQ(yaml_text(document), "list:\n- a: 1\n  b:\n    c: x\n- text\nnone: null\n");
}

TEST(Yaml, ReadsBackAsTheSameDocument) {
    const Json document = {
        {"texts", {"",    "true",       "no", "1",          "1e3",      "0x1",  "a: b", "# x",
                   "- y", "line\nline", "~",  "2026-01-01", "12:30:45", "null", "'",    "\"",
                   "é",   " a ",        "*x", "&y",         "%",        "@"}},
        {"numbers", {0, -1, 1.5}},
        {"booleans", {true, false}},
        {"empty", {{"list", Json::array()}, {"map", Json::object()}}},
        {"nested", {{{Json::array({1, 2}), Json::array()}}}},
        {"a key: with #", {{"yes", "on"}}}};
    const auto read = parse_yaml(yaml_text(document));
    ASSERT_TRUE(read.ok()) << read.error().message();
    EXPECT_EQ(*read, document) << yaml_text(document);
}

}  // namespace
}  // namespace knd::ctl
