// SPDX-License-Identifier: Apache-2.0
//
// What knd-check makes of the libraries in tests/bad_backends.
#include "sdk/check/check.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace knd::check {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

/// The outcome of the one test whose rule and name are `name`, of `library` (bad-<library>.so).
Outcome check(const std::string& library, const std::string& name,
              std::chrono::milliseconds timeout = std::chrono::seconds(30)) {
    Target target;
    target.path = std::string(KND_BAD_BACKENDS) + "/bad-" + library + ".so";
    const auto tests = all_tests();
    const auto reports = run(tests, target, {.filter = "^" + name + "$", .timeout = timeout});
    if (!reports.ok() || reports->size() != 1) {
        ADD_FAILURE() << name << " is not one test";
        return {};
    }
    return reports->front().outcome;
}

/// FAIL with exactly this text.
void expect_fail(const Outcome& outcome, const std::string& text) {
    if (outcome.verdict == Verdict::kSkip) GTEST_SKIP() << outcome.text;
    EXPECT_EQ(verdict_name(outcome.verdict), "FAIL");
    EXPECT_THAT(outcome.text, StartsWith(text));
}

#ifdef __SANITIZE_ADDRESS__
constexpr bool kAddressSanitizer = true;
#else
constexpr bool kAddressSanitizer = false;
#endif

TEST(Check, FindsNothingWrongWithALibraryThatIsRight) {
    if (kAddressSanitizer) GTEST_SKIP() << "built with ASan, the library needs ASan's runtime";
    Target target;
    target.path = std::string(KND_BAD_BACKENDS) + "/bad-nothing.so";
    const auto tests = all_tests();
    const auto reports = run(tests, target, {.filter = "KND-[VLT]|KND-B2"});
    ASSERT_TRUE(reports.ok());
    for (const auto& report : *reports) {
        if (report.outcome.verdict == Verdict::kSkip) continue;
        EXPECT_EQ(verdict_name(report.outcome.verdict), "PASS")
            << report.test->name << ": " << report.outcome.text;
    }
}

TEST(Check, FindsSymbolsThatShouldBeHidden) {
    expect_fail(check("no-entry", "KND-V1/exports-one-symbol"), "does not export knd_entry_v1");
    const auto outcome = check("missing-symbol", "KND-V1/exports-one-symbol");
    EXPECT_THAT(outcome.text, HasSubstr("symbols besides knd_entry_v1"));
}

TEST(Check, FindsLazyBinding) {
    const auto outcome = check("no-entry", "KND-L2/binds-at-load");
    EXPECT_EQ(verdict_name(outcome.verdict), "WARN");
    EXPECT_EQ(outcome.text, "binds symbols lazily; link with -z now");
}

TEST(Check, SaysWhyALibraryDoesNotLoad) {
    const auto outcome = check("newer-abi", "KND-L2/loads");
    EXPECT_THAT(outcome.text, HasSubstr("built for backend ABI 0.10"));
}

TEST(Check, ReportsACrashOfAConstructor) {
    if (kAddressSanitizer) GTEST_SKIP() << "ASan turns the crash into an exit";
    const auto outcome = check("constructor-crashes", "KND-L2/loads");
    EXPECT_EQ(verdict_name(outcome.verdict), "CRASH");
    EXPECT_EQ(outcome.text, "crashed: Segmentation fault");
}

TEST(Check, GivesUpOnALibraryThatHangs) {
    const auto outcome = check("constructor-hangs", "KND-L2/loads", std::chrono::milliseconds(200));
    EXPECT_EQ(verdict_name(outcome.verdict), "CRASH");
    EXPECT_EQ(outcome.text, "hung for 200 ms");
}

TEST(Check, FindsGarbageNames) {
    expect_fail(check("garbage-names", "KND-B5/lists-within-the-limits"),
                "device Not_A_Label: name must be a DNS label");
}

TEST(Check, FindsDuplicateDevices) {
    expect_fail(check("duplicates", "KND-B5/lists-within-the-limits"),
                "device good-0: reported twice");
}

TEST(Check, FindsALateAnswerToCancellation) {
    expect_fail(check("ignores-cancel", "KND-B7/notices-cancellation"), "a cancelled list takes");
}

TEST(Check, FindsADeviceThatIsPreparedThoughItIsNotListed) {
    expect_fail(check("nothing", "KND-B6/refuses-an-unknown-device"),
                "prepares a device that it does not list");
}

TEST(Check, FindsAnImpossibleEffect) {
    expect_fail(check("effects", "KND-B6/prepares-and-unprepares"),
                "impossible effect: netdev `eth0`: ifindex 0 is no interface");
}

TEST(Check, FindsAChangedThread) {
    expect_fail(check("cwd", "KND-T3/leaves-the-thread-as-it-was"),
                "leaves the working directory changed");
    expect_fail(check("signals", "KND-T3/leaves-the-thread-as-it-was"),
                "leaves the signal mask changed");
}

TEST(Check, FindsHealthOfDevicesThatAreNotListed) {
    expect_fail(check("health", "KND-B13/checks-its-own-devices"),
                "reports the health of `good-1`, which it does not list");
}

TEST(Check, WarnsOfStateThatNobodyWouldFree) {
    const auto outcome = check("keeps-state", "KND-B10/recovers-if-it-must");
    EXPECT_EQ(verdict_name(outcome.verdict), "WARN");
    EXPECT_THAT(outcome.text,
                StartsWith("prepare leaves state, and it does not offer knd.recover/2"));
}

TEST(Check, RefusesAFilterThatIsNone) {
    const auto tests = all_tests();
    EXPECT_EQ(run(tests, {}, {.filter = "("}).code(), Code::kInvalidArgument);
}

}  // namespace
}  // namespace knd::check
