// SPDX-License-Identifier: Apache-2.0
//
// CEL, the expression language of device selectors, with Kubernetes' environment and messages.
//
//   text -> lexer -> parser (macros) -> checker (types) -> emitter -> Program: flat arrays of nodes
//
// A Program is immutable and may be used by several threads at once. Its evaluation allocates only
// from the Arena given, and is bounded by a cost limit counted in Kubernetes' units.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "host/cel/device_view.hpp"
#include "host/cel/value.hpp"

#include <knd/cpp/result.hpp>

namespace knd::cel {

/// The limit that Kubernetes sets, at compile time (estimated) and at run time (actual).
constexpr std::uint64_t kDefaultCostLimit = 1'000'000;

/// A variable of an expression outside the DRA environment. `type` is one of dyn, bool, int, uint,
/// double, string, bytes, list(T), map(K, V).
struct Variable {
    std::string name;
    std::string type = "dyn";
    bool operator==(const Variable&) const = default;
};

/// What an expression may use.
struct Environment {
    /// Whose rules: Kubernetes 1.NN.
    int kubernetes_minor = 36;
    /// An expression of an object that exists may use everything its release knows, whatever the
    /// feature gates say: that is what schedulers evaluate. A new one, which API validation looks
    /// at, may use what the release before knew as well, and what its gates allow.
    bool stored = true;
    /// DRAListTypeAttributes: list attributes have values, attributes are of type dyn; and
    /// includes(), which stored expressions have anyway.
    bool list_attributes = false;
    /// DRAConsumableCapacity: device.allowMultipleAllocations, which stored ones have anyway.
    bool consumable_capacity = true;
    /// Declare `device`, variable 0; else only `variables` exist.
    bool device = true;
    std::vector<Variable> variables;
    bool operator==(const Environment&) const = default;
};

/// The release whose functions and macros an expression may use.
constexpr int compatible_minor(const Environment& environment) {
    return environment.stored ? environment.kubernetes_minor : environment.kubernetes_minor - 1;
}

struct Limits {
    std::uint64_t cost = kDefaultCostLimit;
};

struct Code;
struct Explanation;

class Program {
  public:
    Program(Program&&) noexcept;
    Program& operator=(Program&&) noexcept;
    ~Program();

    /// For an expression over `device`. A run-time error is FAILED_PRECONDITION with CEL's text.
    Result<bool> matches(const DeviceView& device, const Limits& limits = {}) const;

    /// For an expression over `device`, of any type. The value may point into `arena` and into the
    /// device. `cost` gets the actual cost, also after an error.
    Result<Value> evaluate(const DeviceView& device, Arena& arena, const Limits& limits = {},
                           std::uint64_t* cost = nullptr) const;

    /// The same over `variables`, in the order of the environment.
    Result<Value> evaluate(std::span<const Value> variables, Arena& arena,
                           const Limits& limits = {}, std::uint64_t* cost = nullptr) const;

    const std::string& expression() const;
    /// The checker's verdict: "bool", "list(string)", "any", ...
    const std::string& result_type() const;
    /// The most that one evaluation can cost, for any device that the API allows. API validation
    /// refuses selectors over kDefaultCostLimit.
    std::uint64_t estimated_cost() const;

  private:
    friend Result<Program> compile(std::string_view expression, const Environment& environment);
    friend Result<Program> compile_selector(std::string_view expression,
                                            const Environment& environment);
    friend Explanation explain(const Program& program, const DeviceView& device,
                               const Limits& limits);
    explicit Program(std::unique_ptr<const Code> code);
    Value device_variable(const DeviceView& device) const;
    std::unique_ptr<const Code> code_;
};

/// INVALID_ARGUMENT with all errors found, each with line, column and the line of source.
Result<Program> compile(std::string_view expression, const Environment& environment);

/// As compile(), for a device selector: the result must be bool, or unknown until it runs.
Result<Program> compile_selector(std::string_view expression, const Environment& environment = {});

}  // namespace knd::cel
