// SPDX-License-Identifier: Apache-2.0
//
// knd-check: any backend library in, a verdict out. Each test is one rule of sdk/README.md, runs in
// a child process of its own, and in a network namespace of its own where the user may make one.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "host/model/json.hpp"

namespace knd::check {

/// kWarn: allowed, and likely not meant. kCrash: also when it hung or ended the process.
enum class Verdict { kPass, kFail, kCrash, kWarn, kSkip };
std::string_view verdict_name(Verdict verdict);

struct Outcome {
    Verdict verdict = Verdict::kPass;
    std::string text;  ///< what was found, for the author of the backend
};
inline Outcome pass() {
    return {};
}
inline Outcome fail(std::string text) {
    return {Verdict::kFail, std::move(text)};
}
inline Outcome warn(std::string text) {
    return {Verdict::kWarn, std::move(text)};
}
inline Outcome skip(std::string text) {
    return {Verdict::kSkip, std::move(text)};
}

/// What is checked, and with what.
struct Target {
    std::string path;              ///< absolute
    Json config = Json::object();  ///< for start
    Json claim = Json::object();   ///< for prepare
    bool isolated = false;         ///< in a namespace of its own; set by the runner
};

struct Test {
    const char* rule;  ///< "KND-V1"
    const char* name;  ///< "exports-one-symbol"
    /// Prepares devices or makes interfaces: only where that harms nobody.
    bool needs_isolation;
    std::function<Outcome(const Target&)> run;
};

std::vector<Test> elf_tests();
std::vector<Test> load_tests();
std::vector<Test> contract_tests();
std::vector<Test> extension_tests();
std::vector<Test> hygiene_tests();
/// All of them, in the order in which they should be read.
std::vector<Test> all_tests();

struct RunOptions {
    std::string filter;  ///< regular expression over "rule/name"; empty: all
    std::chrono::milliseconds timeout{30000};
    bool in_process = false;  ///< for a debugger: a crash ends everything
    bool on_host = false;     ///< run all tests here, in the namespaces of the caller
};

struct Report {
    const Test* test;
    Outcome outcome;
    std::chrono::milliseconds took{0};
};

/// Runs those that match. `filter` that is no regular expression: INVALID_ARGUMENT.
Result<std::vector<Report>> run(const std::vector<Test>& tests, const Target& target,
                                const RunOptions& options);

}  // namespace knd::check
