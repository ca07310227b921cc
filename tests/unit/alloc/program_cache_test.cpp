// SPDX-License-Identifier: Apache-2.0
#include "host/alloc/program_cache.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "tests/unit/alloc/cluster.hpp"

namespace knd::alloc {
namespace {

const cel::Environment kEnvironment;

std::shared_ptr<const cel::Program> program(ProgramCache& cache, const std::string& expression) {
    auto found = cache.get(expression, kEnvironment);
    return found.ok() ? *found : nullptr;
}

TEST(ProgramCache, CompilesATextOnce) {
    ProgramCache cache;
    const auto first = program(cache, "true");
    ASSERT_NE(first, nullptr);
    EXPECT_EQ(program(cache, "true"), first);
    EXPECT_NE(program(cache, "false"), first);
}

TEST(ProgramCache, TellsEnvironmentsApart) {
    ProgramCache cache;
    auto older = kEnvironment;
    older.kubernetes_minor = 34;
    const auto first = cache.get("true", kEnvironment);
    const auto second = cache.get("true", older);
    ASSERT_TRUE(first.ok() && second.ok());
    EXPECT_NE(*first, *second);
    EXPECT_EQ(cache.size(), 2U);
}

TEST(ProgramCache, DropsWhatWasNotUsedForLongest) {
    ProgramCache cache(2);
    const auto one = program(cache, "1 == 1");
    const auto two = program(cache, "2 == 2");
    EXPECT_EQ(program(cache, "1 == 1"), one);
    program(cache, "3 == 3");
    EXPECT_EQ(cache.size(), 2U);
    EXPECT_EQ(program(cache, "1 == 1"), one);
    EXPECT_NE(program(cache, "2 == 2"), two);
}

TEST(ProgramCache, DoesNotKeepWhatDoesNotCompile) {
    ProgramCache cache;
    EXPECT_FALSE(cache.get("nonsense(", kEnvironment).ok());
    EXPECT_EQ(cache.size(), 0U);
}

TEST(ProgramCache, IsUsedByManyThreads) {
    ProgramCache cache(4);
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([&cache, t] {
            for (int i = 0; i < 100; ++i)
                EXPECT_NE(program(cache, std::to_string((i + t) % 8) + " == 1"), nullptr);
        });
    for (auto& thread : threads)
        thread.join();
    EXPECT_EQ(cache.size(), 4U);
}

TEST(ProgramCache, IsSharedByAllocators) {
    Cluster cluster;
    cluster.slices = {slice("slice", {device("a")})};
    cluster.claims = {claim({request("r")})};
    cluster.options.programs = std::make_shared<ProgramCache>();
    EXPECT_EQ(cluster.outcome(), "r=a");
    EXPECT_EQ(cluster.options.programs->size(), 1U);
    EXPECT_EQ(cluster.outcome(), "r=a");
    EXPECT_EQ(cluster.options.programs->size(), 1U);
}

}  // namespace
}  // namespace knd::alloc
