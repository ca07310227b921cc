// SPDX-License-Identifier: Apache-2.0
//
// How long expressions take to compile and to evaluate, and how often evaluation asks for memory.
// KND_ORACLE names the built tests/interop/oracle: then Kubernetes' own CEL is timed as well.
#include <benchmark/benchmark.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "host/cel/cel.hpp"
#include "host/model/json.hpp"
#include "tests/fakes/count_allocations.hpp"

namespace knd::cel {
namespace {

struct Example {
    const char* name;
    const char* expression;
};
/// The one that the goals are about.
constexpr auto kThreeClauses = R"(device.driver == "x" && device.attributes["x"].numaNode == 1 && )"
                               R"(device.attributes["x"].speed >= 200000)";
constexpr Example kExamples[] = {
    {"driver", R"(device.driver == "x")"},
    {"three_clauses", kThreeClauses},
    {"bind",
     R"(cel.bind(d, device.attributes["x"], d.numaNode == 1 && d.speed >= 200000 && d.rdma))"},
    {"semver", R"(device.attributes["x"].firmware.compareTo(semver("22.0.0")) > 0)"},
    {"quantity", R"(device.capacity["x"].bandwidth.compareTo(quantity("100G")) >= 0)"},
    {"optional", R"(device.attributes["x"].?absent.orValue(false))"},
    {"regex", R"(device.attributes["x"].model.matches("^cx[0-9]+$"))"},
    {"list", R"(device.attributes["x"].model in ["cx5", "cx6", "cx7"])"},
    {"macro", R"(["cx6", "cx7"].exists(m, device.attributes["x"].model.startsWith(m)))"},
};

const char* kDeviceJson =
    R"({"driver":"x","attributes":{"numaNode":{"int":1},"speed":{"int":400000},)"
    R"("model":{"string":"cx7"},"firmware":{"version":"22.41.1000"},"ifName":{"string":"eth1"},)"
    R"("mac":{"string":"02:00:00:00:00:01"},"mtu":{"int":9000},"rdma":{"bool":true}},)"
    R"("capacity":{"bandwidth":{"value":"400G"}}})";

OwnedDevice example_device() {
    auto device = OwnedDevice::make("x",
                                    {{"numaNode", std::int64_t{1}},
                                     {"speed", std::int64_t{400000}},
                                     {"model", std::string("cx7")},
                                     {"firmware", Version{"22.41.1000"}},
                                     {"ifName", std::string("eth1")},
                                     {"mac", std::string("02:00:00:00:00:01")},
                                     {"mtu", std::int64_t{9000}},
                                     {"rdma", true}},
                                    {{"bandwidth", "400G"}});
    return *std::move(device);
}

void compile_expression(benchmark::State& state, const char* expression) {
    for (auto _ : state) {
        auto program = compile_selector(expression);
        benchmark::DoNotOptimize(program);
    }
}

void evaluate_expression(benchmark::State& state, const char* expression) {
    const auto device = example_device();
    const auto view = device.view();
    const auto program = compile_selector(expression);
    if (!program.ok()) return state.SkipWithError(program.error().message().c_str());
    const auto before = test::allocations;
    for (auto _ : state) {
        auto matches = program->matches(view);
        benchmark::DoNotOptimize(matches);
    }
    state.counters["allocations"] = benchmark::Counter(
        static_cast<double>(test::allocations - before), benchmark::Counter::kAvgIterations);
}

/// What the oracle says that one compilation or evaluation takes, as manual time.
void ask_oracle(benchmark::State& state, const std::string& oracle, const char* expression,
                const char* which) {
    const Json one = {{"kind", "cel"},
                      {"expression", expression},
                      {"features", {{"consumableCapacity", true}}},
                      {"device", *parse_json(kDeviceJson)}};
    const auto command = "printf '%s\n' '" + knd::to_text(one) + "' | '" + oracle + "' bench";
    std::string answer(1 << 16, '\0');
    auto* pipe = popen(command.c_str(), "r");
    if (pipe == nullptr) return state.SkipWithError("the oracle cannot be started");
    answer.resize(std::fread(answer.data(), 1, answer.size(), pipe));
    pclose(pipe);
    const auto json = parse_json(answer);
    if (!json.ok()) return state.SkipWithError("the oracle did not answer");
    for (auto _ : state)
        state.SetIterationTime(static_cast<double>(json_int(*json, which)) / 1e9);
}

void add_benchmarks() {
    const char* oracle = std::getenv("KND_ORACLE");
    for (const auto& [name, expression] : kExamples) {
        benchmark::RegisterBenchmark((std::string("compile/") + name).c_str(), compile_expression,
                                     expression);
        benchmark::RegisterBenchmark((std::string("evaluate/") + name).c_str(), evaluate_expression,
                                     expression);
        if (oracle == nullptr) continue;
        for (const auto* which : {"compileNanoseconds", "evaluateNanoseconds"})
            benchmark::RegisterBenchmark((std::string("go/") + which + "/" + name).c_str(),
                                         ask_oracle, std::string(oracle), expression, which)
                ->UseManualTime()
                ->Iterations(1);
    }
}

}  // namespace
}  // namespace knd::cel

int main(int argc, char** argv) {
    knd::cel::add_benchmarks();
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}
