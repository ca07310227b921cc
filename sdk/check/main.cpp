// SPDX-License-Identifier: Apache-2.0
//
// knd-check LIBRARY: exit 0 when no rule is broken, 1 when one is, 2 when it could not be asked.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "sdk/check/check.hpp"

namespace {

using knd::check::Report;
using knd::check::Verdict;

bool breaks_a_rule(const Report& report) {
    return report.outcome.verdict == Verdict::kFail || report.outcome.verdict == Verdict::kCrash;
}

void print_table(const std::vector<Report>& reports) {
    for (const auto& report : reports) {
        std::printf("%-6s %-7s %-32s %s\n", verdict_name(report.outcome.verdict).data(),
                    report.test->rule, report.test->name, report.outcome.text.c_str());
    }
    const auto count = [&](Verdict verdict) {
        return std::count_if(reports.begin(), reports.end(), [&](const Report& report) {
            return report.outcome.verdict == verdict;
        });
    };
    std::printf("%zu tests: %td passed, %td failed, %td crashed, %td warnings, %td skipped\n",
                reports.size(), count(Verdict::kPass), count(Verdict::kFail),
                count(Verdict::kCrash), count(Verdict::kWarn), count(Verdict::kSkip));
}

void print_json(const std::vector<Report>& reports) {
    auto list = knd::Json::array();
    for (const auto& report : reports) {
        list.push_back({{"rule", report.test->rule},
                        {"test", report.test->name},
                        {"verdict", std::string(verdict_name(report.outcome.verdict))},
                        {"text", report.outcome.text},
                        {"ms", report.took.count()}});
    }
    std::printf("%s\n", knd::to_text({{"tests", std::move(list)}}).c_str());
}

int give_up(const std::string& text) {
    std::fprintf(stderr, "knd-check: %s\n", text.c_str());
    return 2;
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app{"Checks a backend library against the rules of the KND SDK."};
    knd::check::Target target;
    knd::check::RunOptions options;
    std::string config = "{}";
    std::string claim = "{}";
    int timeout_s = 30;
    bool json = false;
    app.add_option("library", target.path, "the backend, knd-<name>.so")->required();
    app.add_option("--config", config, "JSON: its configuration, as in [backend.config]");
    app.add_option("--claim", claim, "JSON: configuration of the claim for prepare");
    app.add_option("--filter", options.filter, "regular expression over RULE/TEST");
    app.add_option("--timeout", timeout_s, "seconds for one test")->check(CLI::Range(1, 3600));
    app.add_flag("--json", json, "print JSON instead of a table");
    app.add_flag("--in-process", options.in_process, "no child processes, for a debugger");
    app.add_flag("--on-host", options.on_host,
                 "no namespaces of its own: the tests work on the real devices of this machine");
    CLI11_PARSE(app, argc, argv);

    std::error_code ec;
    target.path = std::filesystem::absolute(target.path, ec).string();
    auto parsed_config = knd::parse_json(config);
    if (!parsed_config.ok()) return give_up("--config: " + parsed_config.error().message());
    auto parsed_claim = knd::parse_json(claim);
    if (!parsed_claim.ok()) return give_up("--claim: " + parsed_claim.error().message());
    target.config = *std::move(parsed_config);
    target.claim = *std::move(parsed_claim);
    options.timeout = std::chrono::seconds(timeout_s);

    const auto tests = knd::check::all_tests();
    const auto reports = knd::check::run(tests, target, options);
    if (!reports.ok()) return give_up(reports.error().message());
    if (reports->empty()) return give_up("no test matches the filter");
    json ? print_json(*reports) : print_table(*reports);
    return std::any_of(reports->begin(), reports->end(), breaks_a_rule) ? 1 : 0;
}
