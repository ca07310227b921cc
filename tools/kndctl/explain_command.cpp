// SPDX-License-Identifier: Apache-2.0
#include "tools/kndctl/explain_command.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <memory>
#include <string>

#include "tools/kndctl/input.hpp"
#include "tools/kndctl/simulate/diagnosis.hpp"

namespace knd::ctl {
namespace {

struct Options {
    InputOptions input;
    std::string ns;
    std::string name;
};

int print_allocated(const api::ResourceClaim& claim, const std::string& output) {
    std::string devices;
    for (const auto& result : claim.allocation->results)
        devices +=
            (devices.empty() ? "" : ", ") + result.driver + "/" + result.pool + "/" + result.device;
    const auto conclusion = "claim " + claim.meta.text() + " has its devices already" +
                            (devices.empty() ? "" : ": " + devices) + ".";
    const Json document = {{"claim", claim.meta.text()},    {"fits", true},
                           {"conclusion", conclusion},      {"change", Json()},
                           {"otherChanges", Json::array()}, {"nodes", Json::array()}};
    std::cout << (is_structured(output) ? structured_text(output, document) : conclusion + "\n");
    return 0;
}

Result<int> run(const Options& options, const std::string& output) {
    KND_TRY_ASSIGN(const auto cluster, read_cluster(options.input));
    // "ns/name" is how claims are written everywhere here.
    const auto slash = options.ns.empty() ? options.name.find('/') : std::string::npos;
    const auto ns = slash == std::string::npos ? options.ns : options.name.substr(0, slash);
    const auto name = slash == std::string::npos ? options.name : options.name.substr(slash + 1);
    KND_TRY_ASSIGN(const auto workload,
                   simulate::only(cluster->objects(), cluster->settings().gates, ns, name));
    for (const auto& text : cluster->remarks())
        remark(text);
    const auto& claim = *workload.asked;
    if (claim.allocation) return print_allocated(claim, output);
    const auto diagnosis = simulate::diagnose(*cluster, workload);
    std::cout << (is_structured(output) ? structured_text(output, simulate::to_json(diagnosis))
                                        : simulate::to_text(diagnosis));
    const bool fits = std::any_of(diagnosis.nodes.begin(), diagnosis.nodes.end(),
                                  [](const auto& node) { return node.fits(); });
    return fits ? 0 : 1;
}

}  // namespace

void add_explain_claim_command(CLI::App& explain, Shared& shared) {
    auto& command = *explain.add_subcommand(
        "claim", "why a claim does not fit, node by node, and the smallest change that helps");
    const auto options = std::make_shared<Options>();
    command.add_option("NAME", options->name, "the ResourceClaim; also NS/NAME")->required();
    command.add_option("-n,--namespace", options->ns, "its namespace; default: default")
        ->type_name("NS");
    add_input_options(command, options->input);
    // A second word behind -f is the name.
    command.get_option("--filename")->allow_extra_args(false);
    add_output_option(command, shared);
    command.footer("Exit code: 0 it fits, or has its devices; 1 it fits nowhere; 2 bad input.");
    command.callback([&shared, options] {
        const auto status = run(*options, shared.output);
        shared.status = status.ok() ? *status : complain(status.error());
    });
}

}  // namespace knd::ctl
