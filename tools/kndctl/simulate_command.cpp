// SPDX-License-Identifier: Apache-2.0
#include "tools/kndctl/simulate_command.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <memory>

#include "tools/kndctl/input.hpp"
#include "tools/kndctl/simulate/simulate.hpp"
#include "tools/kndctl/table.hpp"

namespace knd::ctl {
namespace {

constexpr std::size_t kMostCopies = 1'000'000;

struct Options {
    InputOptions input;
    std::size_t count = 0;  ///< 0: no packing
};

/// "default/claim: nic=eth1,eth2"; the driver and pool are in the JSON.
std::string describe(const simulate::ClaimOutcome& claim) {
    std::string text = (claim.ns.empty() ? "" : claim.ns + "/") + claim.name + ":";
    std::string_view request;
    for (const auto& result : claim.allocation.results) {
        if (result.request != request)
            text += " " + result.request + "=";
        else
            text += ",";
        request = result.request;
        text += result.device;
    }
    return text;
}

Json row(const simulate::NodeOutcome& node) {
    std::string details;
    for (const auto& claim : node.claims)
        details += (details.empty() ? "" : "; ") + describe(claim);
    if (!node.fits) details = node.reason;
    return {{"node", node.node}, {"fits", node.fits}, {"details", details}};
}

std::string text_of(const std::vector<simulate::NodeOutcome>& nodes) {
    auto rows = Json::array();
    std::size_t fitting = 0;
    for (const auto& node : nodes) {
        rows.push_back(row(node));
        fitting += node.fits ? 1 : 0;
    }
    return table({{"NODE", "node"}, {"FITS", "fits"}, {"DEVICES OR REASON", "details"}}, rows) +
           std::to_string(fitting) + " of " + std::to_string(nodes.size()) +
           (nodes.size() == 1 ? " node fits\n" : " nodes fit\n");
}

std::string text_of(const simulate::Packing& packing) {
    auto rows = Json::array();
    for (std::size_t i = 0; i < packing.nodes.size(); ++i) {
        auto entry = row(packing.nodes[i]);
        entry["copies"] = packing.copies[i];
        rows.push_back(std::move(entry));
    }
    return table({{"NODE", "node"}, {"COPIES", "copies"}, {"DEVICES OR REASON", "details"}}, rows) +
           std::to_string(packing.fit) + " of " + std::to_string(packing.asked) + " copies fit" +
           (packing.stopped.empty() ? "" : "; the next one does not: ") + packing.stopped + "\n";
}

bool fits_somewhere(const std::vector<simulate::NodeOutcome>& nodes) {
    return std::any_of(nodes.begin(), nodes.end(), [](const auto& node) { return node.fits; });
}

template <class Outcome>
void print(const Outcome& outcome, const std::string& output) {
    std::cout << (is_structured(output) ? structured_text(output, simulate::to_json(outcome))
                                        : text_of(outcome));
}

Result<int> run(const Options& options, const std::string& output) {
    KND_TRY_ASSIGN(const auto cluster, read_cluster(options.input));
    // What a file lacks was forgotten; a cluster has its pods that wait for others to act.
    const auto find = options.input.files.empty() ? simulate::gather : simulate::waiting;
    KND_TRY_ASSIGN(const auto workload, find(cluster->objects(), cluster->settings().gates));
    for (const auto& text : cluster->remarks())
        remark(text);
    for (const auto& stuck : workload.stuck)
        remark(stuck.second.message() + "; the pod is left out");
    if (workload.open.empty()) remark("no claim waits for devices, so that every node fits");
    if (options.count > 0) {
        const auto packing = simulate::pack(*cluster, workload, options.count);
        print(packing, output);
        return packing.fit > 0 ? 0 : 1;
    }
    const auto nodes = simulate::simulate(*cluster, workload, !is_structured(output));
    print(nodes, output);
    return fits_somewhere(nodes) ? 0 : 1;
}

}  // namespace

void add_simulate_command(CLI::App& app, Shared& shared) {
    auto& command = *app.add_subcommand(
        "simulate", "what fits where: allocates the claims that wait, on each node");
    const auto options = std::make_shared<Options>();
    add_input_options(command, options->input);
    add_output_option(command, shared);
    command
        .add_option("--count", options->count,
                    "pack so many copies of what waits, and say what stops the next one")
        ->type_name("N")
        ->check(CLI::Range(std::size_t{1}, kMostCopies));
    command.footer(
        "Claims with status.allocation have their devices; all others are allocated together, in "
        "the\norder given, on each node. Exit code: 0 some node fits, 1 none does, 2 bad input.");
    command.group(kClusterGroup)->callback([&shared, options] {
        const auto status = run(*options, shared.output);
        shared.status = status.ok() ? *status : complain(status.error());
    });
}

}  // namespace knd::ctl
