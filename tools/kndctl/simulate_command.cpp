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
constexpr std::size_t kMostTold = 8;

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

/// `most`: of very many copies the first ones tell enough; JSON has them all.
Json row(const simulate::NodeOutcome& node, std::size_t most) {
    std::string details;
    for (std::size_t i = 0; i < node.claims.size() && i < most; ++i)
        details += (details.empty() ? "" : "; ") + describe(node.claims[i]);
    if (node.claims.size() > most)
        details += "; and " + std::to_string(node.claims.size() - most) + " more";
    if (!node.fits) details = node.reason;
    return {{"node", node.node}, {"fits", node.fits}, {"details", details}};
}

std::string text_of(const std::vector<simulate::NodeOutcome>& nodes) {
    auto rows = Json::array();
    std::size_t fitting = 0;
    for (const auto& node : nodes) {
        rows.push_back(row(node, node.claims.size()));
        fitting += node.fits ? 1 : 0;
    }
    return table({{"NODE", "node"}, {"FITS", "fits"}, {"DEVICES OR REASON", "details"}}, rows) +
           std::to_string(fitting) + " of " + std::to_string(nodes.size()) +
           (nodes.size() == 1 ? " node fits\n" : " nodes fit\n");
}

std::string text_of(const simulate::Packing& packing) {
    auto rows = Json::array();
    for (std::size_t i = 0; i < packing.nodes.size(); ++i) {
        auto entry = row(packing.nodes[i], kMostTold);
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

std::string nothing_waits(const simulate::Objects& objects) {
    std::string text = "no claim waits for devices, so that every node fits";
    if (objects.pod_makers.empty()) return text;
    return text + "; of " + objects.pod_makers.front() +
           (objects.pod_makers.size() == 1 ? "" : " and others") +
           " no pod is made here: give one as a Pod";
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
    if (workload.open.empty()) remark(nothing_waits(cluster->objects()));
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
