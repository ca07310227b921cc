// SPDX-License-Identifier: Apache-2.0
#include "tests/interop/differential/command_line.hpp"

#include <csignal>
#include <cstdio>
#include <random>

#include "host/model/text_file.hpp"

namespace knd::differential {

void add_common_options(CLI::App& app, CommonSettings& settings, const std::string& corpus,
                        const std::string& record) {
    settings.seed = std::random_device{}();
    app.add_option("--oracle", settings.oracle, "The built oracle")->required();
    app.add_option("--corpus", settings.corpus, corpus);
    app.add_option("--record", settings.record, record);
    app.add_option("--count", settings.count, "Random cases of each kind");
    app.add_option("--seed", settings.seed, "Repeats a run");
    app.add_option("--release", settings.release, "The oracle's: NN of Kubernetes 1.NN");
    app.add_option("--show", settings.show, "How many differences are printed");
}

int run_comparison(CLI::App& app, int argc, char** argv,
                   const std::function<Result<bool>()>& compare) {
    // An oracle that ends early is an error to report, not a reason to end as well.
    std::signal(SIGPIPE, SIG_IGN);
    CLI11_PARSE(app, argc, argv);
    const auto same = compare();
    if (same.ok()) return *same ? 0 : 1;
    std::fprintf(stderr, "%s\n", same.error().message().c_str());
    return 2;
}

Result<std::vector<Json>> read_cases(const std::string& path) {
    KND_TRY_ASSIGN(const auto text, read_text_file(path));
    auto json = parse_json(text);
    if (!json.ok()) return std::move(json).error().wrap(path);
    if (!json->is_array()) return std::vector<Json>{*std::move(json)};
    return std::vector<Json>(json->begin(), json->end());
}

}  // namespace knd::differential
