// SPDX-License-Identifier: Apache-2.0
//
// How long an allocation takes, beside Kubernetes' allocator on the same objects in the same run.
//   knd_alloc_bench [--oracle PROGRAM]      PROGRAM: `go build` in tests/interop/oracle
// "fresh": an Allocator made for it, as a scheduler that starts does; "kept": one that has decided
// on this before. Go's figure is with everything warm.
#include <malloc.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include "host/alloc/allocator.hpp"
#include "tests/interop/differential/oracle.hpp"

namespace knd {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kRoot = "resource.kubernetes.io/pcieRoot";

struct Shape {
    const char* name;
    int nodes;
    int devices;
    int per_root;
    int count;
    bool match;
    bool select;
    int used_nodes = 0;  ///< the first so many have nothing left
};

constexpr Shape kShapes[] = {
    {"1 node x 64: 8 devices on one PCI root", 1, 64, 8, 8, true, false},
    {"1 node x 64: 9 devices on one of 8 roots of 8", 1, 64, 8, 9, true, false},
    {"1 node x 64: two-clause selector", 1, 64, 8, 1, false, true},
    {"5,000 nodes x 8: two-clause selector", 5000, 8, 4, 1, false, true},
    {"1,000 nodes x 64: two-clause selector", 1000, 64, 8, 1, false, true},
    {"5,000 nodes x 16, 95 % in use: first node that fits", 5000, 16, 4, 2, true, true, 4750},
};

std::string node_name(int node) {
    return "node-" + std::to_string(node);
}

Json slice(const Shape& shape, int node) {
    auto devices = Json::array();
    for (int d = 0; d < shape.devices; ++d)
        devices.push_back(
            {{"name", "dev-" + std::to_string(d)},
             {"attributes",
              {{"numaNode", {{"int", d * 2 / shape.devices}}},
               {"speed", {{"int", d % 4 == 3 ? 400000 : 100000}}},
               {"ifName", {{"string", "eth" + std::to_string(d)}}},
               {kRoot, {{"string", "pci0000:" + std::to_string(d / shape.per_root)}}}}}});
    return {{"metadata", {{"name", node_name(node)}}},
            {"spec",
             {{"driver", "x"},
              {"nodeName", node_name(node)},
              {"pool", {{"name", node_name(node)}, {"generation", 1}, {"resourceSliceCount", 1}}},
              {"devices", devices}}}};
}

/// The case as the oracle takes it; with `nodes` those that are asked about.
Json document(const Shape& shape, int node) {
    Json exactly = {
        {"deviceClassName", "c"}, {"allocationMode", "ExactCount"}, {"count", shape.count}};
    if (shape.select)
        exactly["selectors"] = {
            {{"cel",
              {{"expression",
                R"(device.driver == "x" && device.attributes["x"].speed >= 100000)"}}}}};
    Json devices = {{"requests", {{{"name", "r"}, {"exactly", exactly}}}}};
    if (shape.match) devices["constraints"] = {{{"requests", {"r"}}, {"matchAttribute", kRoot}}};
    Json out = {{"kind", "alloc"},
                {"features", Json::object()},
                {"slices", Json::array()},
                {"classes", {{{"metadata", {{"name", "c"}}}, {"spec", Json::object()}}}},
                {"claims",
                 {{{"metadata", {{"name", "claim"}, {"namespace", "ns"}, {"uid", "u"}}},
                   {"spec", {{"devices", devices}}}}}},
                {"nodes", {{{"metadata", {{"name", node_name(node)}}}}}},
                {"allocated", Json::array()}};
    for (int n = 0; n < shape.nodes; ++n)
        out["slices"].push_back(slice(shape, n));
    for (int n = 0; n < shape.used_nodes; ++n)
        for (int d = 0; d < shape.devices; ++d)
            out["allocated"].push_back({{"request", "r"},
                                        {"driver", "x"},
                                        {"pool", node_name(n)},
                                        {"device", "dev-" + std::to_string(d)}});
    return out;
}

double microseconds(const std::function<void()>& work) {
    std::vector<double> rounds;
    const auto end = Clock::now() + std::chrono::milliseconds(300);
    do {
        const auto begin = Clock::now();
        work();
        rounds.push_back(std::chrono::duration<double, std::micro>(Clock::now() - begin).count());
    } while (Clock::now() < end || rounds.size() < 5);
    std::nth_element(rounds.begin(), rounds.begin() + static_cast<long>(rounds.size() / 2),
                     rounds.end());
    return rounds[rounds.size() / 2];
}

/// What the oracle needs per allocation on that node; negative: it has no answer in time.
double go_microseconds(differential::Oracle& oracle, const Json& one) {
    const auto answer = oracle.ask(one);
    if (!answer.ok()) return -1;
    const auto& nodes = json_at(*answer, "nodes");
    if (!nodes.is_array() || nodes.empty() || json_bool(nodes[0], "aborted")) return -1;
    return static_cast<double>(json_int(nodes[0], "nanoseconds")) / 1e3;
}

Result<void> run(const Shape& shape, differential::Oracle* oracle) {
    const int last = shape.nodes - 1;
    const auto one = document(shape, last);
    std::vector<api::ResourceSlice> slices;
    for (const auto& item : one["slices"]) {
        KND_TRY_ASSIGN(auto read, api::read_resource_slice(item));
        slices.push_back(std::move(read));
    }
    KND_TRY_ASSIGN(const auto device_class, api::read_device_class(one["classes"][0]));
    KND_TRY_ASSIGN(const auto claim, api::read_resource_claim(one["claims"][0]));
    alloc::AllocatedState held;
    KND_TRY_ASSIGN(const auto used,
                   api::read_allocation_result({{"devices", {{"results", one["allocated"]}}}}));
    held.add(used);

    const auto memory = ::mallinfo2().uordblks;
    const auto begin = Clock::now();
    KND_TRY_ASSIGN(const auto inventory, alloc::Inventory::make(slices));
    const auto build = std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
    const auto bytes = static_cast<double>(::mallinfo2().uordblks - memory) /
                       (static_cast<double>(shape.nodes) * shape.devices);

    std::vector<api::Node> nodes(static_cast<std::size_t>(shape.used_nodes > 0 ? shape.nodes : 1));
    for (std::size_t n = 0; n < nodes.size(); ++n)
        nodes[n].name = node_name(shape.used_nodes > 0 ? static_cast<int>(n) : last);
    const api::ResourceClaim* const claims[] = {&claim};
    const auto lookup = [&](std::string_view) { return &device_class; };
    bool fits = false;
    const auto search = [&](alloc::Allocator& allocator) {
        fits = false;
        for (const auto& node : nodes) {
            const auto result = allocator.allocate(node, claims);
            fits = result.ok() && *result;
            if (fits) break;
        }
    };
    alloc::Allocator kept(inventory, lookup, held);
    const auto warm = microseconds([&] { search(kept); });
    const auto cold = microseconds([&] {
        alloc::Allocator fresh(inventory, lookup, held);
        search(fresh);
    });
    std::printf("%-52s %-9s fresh %10.2f us  kept %10.2f us", shape.name,
                fits ? "fits" : "does not", cold, warm);
    if (oracle != nullptr && shape.used_nodes == 0) {
        const auto go = go_microseconds(*oracle, one);
        if (go < 0)
            std::printf("  Go: no answer in time");
        else
            std::printf("  Go %10.2f us  %.0fx / %.0fx", go, go / cold, go / warm);
    }
    std::printf("\n%-52s inventory %.1f ms, %.0f B a device\n", "", build, bytes);
    return {};
}

int run_all(int argc, char** argv) {
    std::string path;
    CLI::App app{"How long an allocation takes"};
    app.add_option("--oracle", path, "the program of tests/interop/oracle");
    CLI11_PARSE(app, argc, argv);
    std::optional<differential::Oracle> oracle;
    if (!path.empty()) {
        auto started = differential::Oracle::start(path, "bench");
        if (!started.ok()) {
            std::fprintf(stderr, "%s\n", started.error().message().c_str());
            return 1;
        }
        oracle.emplace(*std::move(started));
    }
    for (const auto& shape : kShapes) {
        if (const auto done = run(shape, oracle ? &*oracle : nullptr); !done.ok()) {
            std::fprintf(stderr, "%s: %s\n", shape.name, done.error().message().c_str());
            return 1;
        }
    }
    return 0;
}

}  // namespace
}  // namespace knd

int main(int argc, char** argv) {
    return knd::run_all(argc, argv);
}
