// SPDX-License-Identifier: Apache-2.0
#include "host/cel/cel.hpp"

#include <algorithm>

#include "host/cel/ast.hpp"
#include "host/cel/checker.hpp"
#include "host/cel/code.hpp"
#include "host/cel/estimate.hpp"
#include "host/cel/library.hpp"
#include "host/cel/message.hpp"
#include "host/cel/type_names.hpp"

namespace knd::cel {

Program::Program(std::unique_ptr<const Code> code) : code_(std::move(code)) {}
Program::Program(Program&&) noexcept = default;
Program& Program::operator=(Program&&) noexcept = default;
Program::~Program() = default;

const std::string& Program::expression() const {
    return code_->expression;
}
const std::string& Program::result_type() const {
    return code_->result_type;
}

std::uint64_t Program::estimated_cost() const {
    return code_->estimated_cost;
}

Value Program::device_variable(const DeviceView& device) const {
    return Value::device(&device, code_->kubernetes_minor >= 34);
}

Result<Value> Program::evaluate(const DeviceView& device, Arena& arena, const Limits& limits,
                                std::uint64_t* cost) const {
    const auto variable = device_variable(device);
    return evaluate(std::span(&variable, 1), arena, limits, cost);
}

Result<Value> Program::evaluate(std::span<const Value> variables, Arena& arena,
                                const Limits& limits, std::uint64_t* cost) const {
    if (variables.size() < code_->variables)
        return Error(knd::Code::kInvalidArgument, "evaluation needs more variables");
    const auto out = cel::evaluate(*code_, variables, arena, limits, cost);
    if (out.is_error()) return Error(knd::Code::kFailedPrecondition, std::string(out.text()));
    return out;
}

Result<bool> Program::matches(const DeviceView& device, const Limits& limits) const {
    Arena arena;
    KND_TRY_ASSIGN(const auto out, evaluate(device, arena, limits));
    if (const auto& value = held_value(out); value.is(Kind::kBool)) return value.as_bool();
    return Error(knd::Code::kFailedPrecondition,
                 "CEL result of type " + std::string(type_name(out)) +
                     " could not be converted to bool: " + refuse_conversion(out, "bool"));
}

namespace {

/// 1.32 gives the second variable of a macro no type where the range is dynamic, and cannot pass on
/// an expression that uses it.
bool is_without_type(const Ast& ast) {
    return std::any_of(ast.nodes.begin(), ast.nodes.end(), [](const Node& node) {
        return node.kind == NodeKind::kIdent && node.type == kNoType;
    });
}

/// Whether a selector may have a result of that type.
bool is_verdict(const std::string& type, const Environment& environment) {
    if (type == "bool" || (type == "dyn" && environment.list_attributes)) return true;
    // Since 1.37 types are compared, not the objects that stand for them, and with that of an
    // attribute alone.
    if (environment.kubernetes_minor < 37) return type == "google.protobuf.Any";
    return type == "wrapper(bool)" ||
           (type == "google.protobuf.Any" && !environment.list_attributes);
}

Result<std::unique_ptr<const Code>> compile_code(std::string_view expression,
                                                 const Environment& environment, bool selector) {
    ParserOptions options;
    options.two_variable_macros = compatible_minor(environment) >= 32;
    options.sort_by = compatible_minor(environment) >= 34;
    options.escaped_fields = environment.kubernetes_minor >= 37;
    options.surrogates = environment.kubernetes_minor < 33;
    options.shadowed_accumulator = environment.kubernetes_minor < 33;
    options.knows_backquotes = environment.kubernetes_minor >= 33;
    options.formats_twice = environment.kubernetes_minor < 33;
    auto code = std::make_unique<Code>();
    code->expression = expression;
    code->kubernetes_minor = environment.kubernetes_minor;
    Ast ast;
    CheckedAst checked;
    std::vector<Issue> issues;
    if (!parse(code->expression, options, ast, issues) || !check(ast, environment, checked, issues))
        return Error(knd::Code::kInvalidArgument,
                     "compilation failed: " + describe_issues(expression, std::move(issues)));
    code->result_type = result_type_text(checked.types, checked.result);
    if (selector && !is_verdict(code->result_type, environment))
        return Error(knd::Code::kInvalidArgument,
                     "must evaluate to bool or the unknown type, not " + code->result_type);
    if (is_without_type(ast))
        return Error(knd::Code::kInvalidArgument,
                     "unexpected compilation error: missing type conversion to proto: ");
    code->estimated_cost = estimate_cost(ast, checked, environment);
    const auto failed = emit(ast, checked, environment, *code);
    if (!failed.empty())
        return Error(knd::Code::kInvalidArgument, "program instantiation failed: " + failed);
    return std::unique_ptr<const Code>(std::move(code));
}

}  // namespace

Result<Program> compile(std::string_view expression, const Environment& environment) {
    KND_TRY_ASSIGN(auto code, compile_code(expression, environment, false));
    return Program(std::move(code));
}

Result<Program> compile_selector(std::string_view expression, const Environment& environment) {
    KND_TRY_ASSIGN(auto code, compile_code(expression, environment, true));
    return Program(std::move(code));
}

}  // namespace knd::cel
