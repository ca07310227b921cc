// SPDX-License-Identifier: Apache-2.0
//
// kndctl: what an operator types. Some commands ask the daemon of this node on its control socket;
// the others look at a cluster, from manifests or from its API server, and say what the scheduler
// would do and why.
#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "tools/kndctl/cel_command.hpp"
#include "tools/kndctl/explain_command.hpp"
#include "tools/kndctl/migrate_command.hpp"
#include "tools/kndctl/node_commands.hpp"
#include "tools/kndctl/simulate_command.hpp"

namespace {

/// `--features -A` means what `--features=-A` means; the command line parser sees a flag there.
std::vector<std::string> arguments(int argc, char** argv) {
    std::vector<std::string> out;
    for (int i = 1; i < argc; ++i) {
        const std::string word = argv[i];
        const bool joined = word == "--features" && i + 1 < argc;
        out.push_back(joined ? word + "=" + argv[++i] : word);
    }
    return {out.rbegin(), out.rend()};  // the parser takes them from the end
}

}  // namespace

int main(int argc, char** argv) {
    knd::ctl::Shared shared;
    CLI::App app{"kndctl: what KND Host does on this node, what the scheduler would do, and why"};
    app.require_subcommand(1);
    app.fallthrough();
    knd::ctl::add_output_option(app, shared);
    knd::ctl::add_simulate_command(app, shared);
    auto& explain = *app.add_subcommand("explain", "why a claim or a device is as it is");
    explain.group(knd::ctl::kClusterGroup);
    explain.require_subcommand(1);
    knd::ctl::add_explain_claim_command(explain, shared);
    knd::ctl::add_cel_command(app, shared);
    knd::ctl::add_migrate_command(app, shared);
    knd::ctl::add_node_commands(app, explain, shared);
    try {
        app.parse(arguments(argc, argv));
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : 2;
    }
    return shared.status;
}
