// SPDX-License-Identifier: Apache-2.0
//
// How long an allocation takes on one node of a cluster, beside Kubernetes' allocator on the same
// objects in the same run. Medians.
//   knd_alloc_bench [--oracle PROGRAM] [--only TEXT]     PROGRAM: `go build` in
//   tests/interop/oracle
//
//   cycle   what kube-scheduler does for each pod: a new allocator, then an allocation. What
//           outlives a pod is kept: the slices (ours: the Inventory), compiled expressions
//   warm    the allocation alone, by an allocator that has decided on it before
//
// A node has as many NICs as GPUs, of two drivers, with 17 attributes and capacities each. Claims
// take NICs from a class that selects their driver, as drivers' classes do; GPUs come first in the
// order of devices. "Two clauses" are another selector of the request.
#include <malloc.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include "host/alloc/allocator.hpp"
#include "host/alloc/program_cache.hpp"
#include "tests/interop/differential/oracle.hpp"

namespace knd {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kRoot = "resource.kubernetes.io/pcieRoot";
constexpr auto kTwoClauses = R"(device.attributes["nic.example.com"].numaNode == 1 && )"
                             R"(device.attributes["nic.example.com"].speed >= 200000)";

// --- objects -------------------------------------------------------------------------------------

Json text(const std::string& value) {
    return {{"string", value}};
}
Json number(std::int64_t value) {
    return {{"int", value}};
}
Json flag(bool value) {
    return {{"bool", value}};
}
Json version(const std::string& value) {
    return {{"version", value}};
}

/// Device `d` of a node that has `count` of them; `per_root` share a PCIe root with as many others.
Json nic(int d, int count, int per_root) {
    const auto n = std::to_string(d);
    return {{"name", "nic-" + n},
            {"attributes",
             {{"numaNode", number(d * 2 / count)},
              {"speed", number(d % 4 == 3 ? 400000 : 100000)},
              {"ifName", text("eth" + n)},
              {"mac", text("02:00:{node}:" + n)},
              {"vendor", text("15b3")},
              {"model", text("ConnectX-7")},
              {"kernelDriver", text("mlx5_core")},
              {"firmware", version("28.39.1002")},
              {"linkType", text("ether")},
              {"state", text("up")},
              {"mtu", number(9000)},
              {"rdma", flag(true)},
              {"sriov", flag(false)},
              {"virtual", flag(false)},
              {"resource.kubernetes.io/pciBusID", text("0000:" + n + ":00.0")},
              {kRoot, text("pci0000:" + std::to_string(d / per_root))}}},
            {"capacity", {{"bandwidth", {{"value", "400G"}}}}}};
}

Json gpu(int d, int count, int per_root) {
    const auto n = std::to_string(d);
    return {{"name", "gpu-" + n},
            {"attributes",
             {{"numaNode", number(d * 2 / count)},
              {"index", number(d)},
              {"uuid", text("GPU-8c5a3f40-{node}-" + n)},
              {"productName", text("H200 SXM")},
              {"architecture", text("Hopper")},
              {"brand", text("Tensor")},
              {"driverVersion", version("570.86.15")},
              {"cudaVersion", version("12.8.0")},
              {"computeCapability", version("9.0.0")},
              {"ecc", flag(true)},
              {"mig", flag(false)},
              {"nvlinks", number(18)},
              {"powerLimit", number(700)},
              {"resource.kubernetes.io/pciBusID", text("0000:" + n + ":01.0")},
              {kRoot, text("pci0000:" + std::to_string(d / per_root))}}},
            {"capacity", {{"memory", {{"value", "141Gi"}}}, {"cores", {{"value", "132"}}}}}};
}

Json slice(const std::string& kind, int count, int per_root) {
    auto devices = Json::array();
    for (int d = 0; d < count; ++d)
        devices.push_back(kind == "nic" ? nic(d, count, per_root) : gpu(d, count, per_root));
    return {{"metadata", {{"name", kind + "-{node}"}}},
            {"spec",
             {{"driver", kind + ".example.com"},
              {"nodeName", "node-{node}"},
              {"pool", {{"name", "node-{node}"}, {"generation", 1}, {"resourceSliceCount", 1}}},
              {"devices", devices}}}};
}

Json device_class(const std::string& kind) {
    const auto expression = "device.driver == \"" + kind + ".example.com\"";
    return {{"metadata", {{"name", kind}}},
            {"spec", {{"selectors", {{{"cel", {{"expression", expression}}}}}}}}};
}

Json request(const std::string& kind, int count, const char* selector = nullptr) {
    Json exactly = {{"deviceClassName", kind}, {"allocationMode", "ExactCount"}, {"count", count}};
    if (selector != nullptr) exactly["selectors"] = {{{"cel", {{"expression", selector}}}}};
    return {{"name", kind}, {"exactly", exactly}};
}

Json claim(std::initializer_list<Json> requests, bool on_one_root = false) {
    Json devices = {{"requests", std::vector<Json>(requests)}};
    if (on_one_root) devices["constraints"] = {{{"matchAttribute", kRoot}}};
    return {{"metadata", {{"name", "claim"}, {"namespace", "ns"}, {"uid", "u"}}},
            {"spec", {{"devices", devices}}}};
}

// --- what is measured ----------------------------------------------------------------------------

struct Question {
    const char* name;
    Json claim;
};

struct Cluster {
    const char* name;
    int nodes;
    int devices;  ///< NICs of a node, and GPUs
    int per_root;
    std::vector<Question> questions;
    int used_nodes = 0;  ///< the first so many have nothing left, and all nodes are asked
};

std::vector<Cluster> clusters() {
    const auto one_nic = claim({request("nic", 1)});
    const auto two_clauses = claim({request("nic", 1, kTwoClauses)});
    const auto pair = claim({request("gpu", 1), request("nic", 1)}, true);
    return {{"1 x 64",
             1,
             64,
             8,
             {{"8 NICs on one root", claim({request("nic", 8)}, true)},
              {"9 NICs on one of 8 roots of 8", claim({request("nic", 9)}, true)}}},
            {"5,000 x 8",
             5000,
             8,
             2,
             {{"NIC, class only", one_nic},
              {"NIC, two clauses", two_clauses},
              {"GPU and NIC on one root", pair},
              {"4 NICs", claim({request("nic", 4)})}}},
            {"5,000 x 64",
             5000,
             64,
             8,
             {{"NIC, class only", one_nic},
              {"NIC, two clauses", two_clauses},
              {"GPU and NIC on one root", pair},
              {"4 NICs", claim({request("nic", 4)})}}},
            {"5,000 x 8",
             5000,
             8,
             2,
             {{"first node that fits, 95 % used", claim({request("nic", 2)}, true)}},
             4750}};
}

/// Everything as the oracle takes it: the slices of one node, to be copied.
Json document(const Cluster& cluster) {
    Json out = {{"kind", "allocBench"},
                {"features",
                 {{"adminAccess", true},
                  {"prioritizedList", true},
                  {"partitionableDevices", true},
                  {"deviceTaints", true},
                  {"consumableCapacity", true},
                  {"deviceBinding", true}}},
                {"slices",
                 {slice("gpu", cluster.devices, cluster.per_root),
                  slice("nic", cluster.devices, cluster.per_root)}},
                {"copies", cluster.nodes},
                {"classes", {device_class("gpu"), device_class("nic")}},
                {"claims", Json::array()}};
    for (const auto& question : cluster.questions)
        out["claims"].push_back(question.claim);
    return out;
}

std::string node_name(int node) {
    return "node-" + std::to_string(node);
}

void number_node(std::string& text, const std::string& node) {
    constexpr std::string_view kPlace = "{node}";
    if (const auto at = text.find(kPlace); at != text.npos) text.replace(at, kPlace.size(), node);
}

Result<std::vector<api::ResourceSlice>> read_slices(const Json& document, int nodes) {
    std::vector<api::ResourceSlice> out;
    for (const auto& item : document["slices"]) {
        KND_TRY_ASSIGN(const auto one, api::read_resource_slice(item));
        for (int n = 0; n < nodes; ++n) {
            const auto node = std::to_string(n);
            auto& copy = out.emplace_back(one);
            for (auto* text : {&copy.meta.name, &copy.pool.name, &*copy.node_name})
                number_node(*text, node);
            for (auto& device : copy.devices)
                for (auto& [name, value] : device.attributes)
                    if (auto* text = std::get_if<std::string>(&value)) number_node(*text, node);
        }
    }
    return out;
}

alloc::AllocatedState used(const Cluster& cluster) {
    alloc::AllocatedState out;
    for (int n = 0; n < cluster.used_nodes; ++n)
        for (int d = 0; d < cluster.devices; ++d)
            for (const std::string kind : {"nic", "gpu"})
                out.devices.insert(
                    {kind + ".example.com", node_name(n), kind + "-" + std::to_string(d)});
    return out;
}

// --- measuring -----------------------------------------------------------------------------------

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

/// What the allocator of the C library has given out, mapped blocks included.
double bytes_in_use() {
    const auto info = ::mallinfo2();
    return static_cast<double>(info.uordblks + info.hblkhd);
}

const std::string kDoesNotFit = "does not fit";

/// "driver/device driver/device": what a claim got.
std::string devices_of(const Json& allocation) {
    std::string out;
    for (const auto& result : json_path(allocation, {"devices", "results"}))
        out += json_string(result, "driver") + "/" + json_string(result, "device") + " ";
    return out.empty() ? kDoesNotFit : out;
}

std::string answer_of(const Json& theirs) {
    return theirs.contains("allocations") ? devices_of(theirs["allocations"][0]) : kDoesNotFit;
}

class Bench {
  public:
    Bench(const Cluster& cluster, differential::Oracle* oracle)
        : cluster_(cluster), oracle_(oracle) {}

    Result<void> run() {
        const auto objects = document(cluster_);
        KND_TRY(read(objects));
        // All nodes are too many for the oracle.
        if (oracle_ != nullptr && cluster_.used_nodes == 0) {
            KND_TRY_ASSIGN(theirs_, oracle_->ask(objects));
            std::printf("%-44s Go: %.0f B a device\n", "",
                        static_cast<double>(json_int(theirs_, "heapBytes")) / devices());
        }
        for (std::size_t i = 0; i < cluster_.questions.size(); ++i)
            KND_TRY(ask(i));
        return {};
    }

  private:
    double devices() const { return 2.0 * cluster_.nodes * cluster_.devices; }

    Result<void> read(const Json& objects) {
        for (const auto& item : objects["classes"]) {
            KND_TRY_ASSIGN(auto read, api::read_device_class(item));
            classes_.push_back(std::move(read));
        }
        KND_TRY_ASSIGN(const auto slices, read_slices(objects, cluster_.nodes));
        const auto before = bytes_in_use();
        const auto begin = Clock::now();
        KND_TRY_ASSIGN(inventory_, alloc::Inventory::make(slices));
        const std::chrono::duration<double, std::milli> took = Clock::now() - begin;
        std::printf("%s: %.0f devices, inventory %.1f ms, %.0f B a device\n", cluster_.name,
                    devices(), took.count(), (bytes_in_use() - before) / devices());
        const bool all = cluster_.used_nodes > 0;
        for (int n = all ? 0 : cluster_.nodes - 1; n < cluster_.nodes; ++n)
            nodes_.push_back({node_name(n), {}, false, {}});
        return {};
    }

    Result<void> ask(std::size_t number) {
        const auto& question = cluster_.questions[number];
        KND_TRY_ASSIGN(const auto claim, api::read_resource_claim(question.claim));
        const auto held = used(cluster_);
        auto kept = allocator(held);
        const auto found = first_fit(kept, claim);
        if (!found.ok()) return found.error();
        const auto answer = *found ? devices_of(api::to_json((**found)[0])) : kDoesNotFit;
        const auto warm = microseconds([&] { (void)first_fit(kept, claim); });
        const auto cycle = microseconds([&] {
            auto fresh = allocator(held);
            (void)first_fit(fresh, claim);
        });
        std::printf("  %-42s cycle %9.2f us", question.name, cycle);
        const auto theirs = theirs_.is_null() ? Json() : theirs_["claims"][number];
        compare(theirs, "cycleNanoseconds", cycle);
        std::printf("   warm %9.2f us", warm);
        compare(theirs, "warmNanoseconds", warm);
        if (!theirs.is_null() && answer_of(theirs) != answer)
            return Error(Code::kInternal, std::string(question.name) + ": we say " + answer +
                                              ", the oracle " + to_text(theirs));
        std::printf("   %s\n", answer.substr(0, 40).c_str());
        return {};
    }

    static void compare(const Json& theirs, const char* which, double ours) {
        if (theirs.is_null()) return;
        const auto go = static_cast<double>(json_int(theirs, which)) / 1e3;
        std::printf(" Go %9.1f us %6.0fx", go, go / ours);
    }

    alloc::Allocator allocator(const alloc::AllocatedState& held) const {
        alloc::Options options;
        options.programs = programs_;
        return {inventory_,
                [this](std::string_view name) { return &classes_[name == "gpu" ? 0 : 1]; }, held,
                std::move(options)};
    }

    Result<std::optional<alloc::Allocations>> first_fit(alloc::Allocator& allocator,
                                                        const api::ResourceClaim& claim) const {
        const auto* one = &claim;
        for (const auto& node : nodes_) {
            auto result = allocator.allocate(node, {&one, 1});
            if (!result.ok() || *result) return result;
        }
        return std::optional<alloc::Allocations>();
    }

    const Cluster& cluster_;
    differential::Oracle* oracle_;
    Json theirs_;
    std::vector<api::DeviceClass> classes_;
    std::shared_ptr<const alloc::Inventory> inventory_;  // shared with the allocators made here
    // Shared likewise.
    std::shared_ptr<alloc::ProgramCache> programs_ = std::make_shared<alloc::ProgramCache>();
    std::vector<api::Node> nodes_;
};

int run_all(int argc, char** argv) {
    std::string path;
    std::string only;
    CLI::App app{"How long an allocation takes"};
    app.add_option("--oracle", path, "the program of tests/interop/oracle");
    app.add_option("--only", only, "clusters with this name alone");
    CLI11_PARSE(app, argc, argv);
    std::optional<differential::Oracle> oracle;
    if (!path.empty()) {
        auto started = differential::Oracle::start(path);
        if (!started.ok()) {
            std::fprintf(stderr, "%s\n", started.error().message().c_str());
            return 1;
        }
        oracle.emplace(*std::move(started));
    }
    for (const auto& cluster : clusters()) {
        if (!only.empty() && only != cluster.name) continue;
        if (const auto done = Bench(cluster, oracle ? &*oracle : nullptr).run(); !done.ok()) {
            std::fprintf(stderr, "%s: %s\n", cluster.name, done.error().message().c_str());
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
