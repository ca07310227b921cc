// SPDX-License-Identifier: Apache-2.0
//
// Replays allocations that Kubernetes' own allocator has judged (tests/interop/corpus), without Go.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/interop/differential/compare.hpp"
#include "tests/interop/differential/ours.hpp"

namespace knd::differential {
namespace {

Json read_file(const std::filesystem::path& path) {
    std::ifstream file(path);
    const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    auto json = parse_json(text);
    return json.ok() ? *std::move(json) : Json();
}

class Corpus : public testing::TestWithParam<std::string> {};

TEST_P(Corpus, IsDecidedAsByKubernetes) {
    const auto cases = read_file(std::filesystem::path(KND_CORPUS) / GetParam());
    ASSERT_TRUE(cases.is_array());
    std::size_t judged = 0;
    for (const auto& one : cases) {
        if (!one.contains("expected")) continue;
        ++judged;
        for (const auto& each : spread(one)) {
            const auto result = compare(each, each["expected"], our_answer(each), {.cost = true});
            EXPECT_EQ(result.verdict, Verdict::kSame) << result.what << "\n" << to_text(each);
        }
    }
    EXPECT_GT(judged, 0u);
}

std::vector<std::string> files() {
    std::vector<std::string> out;
    for (const auto& entry : std::filesystem::directory_iterator(KND_CORPUS))
        if (entry.path().filename().string().starts_with("judged_"))
            out.push_back(entry.path().filename().string());
    return out;
}

INSTANTIATE_TEST_SUITE_P(Judged, Corpus, testing::ValuesIn(files()), [](const auto& file) {
    return std::filesystem::path(file.param).stem().string();
});

}  // namespace
}  // namespace knd::differential
