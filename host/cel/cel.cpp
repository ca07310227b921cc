// SPDX-License-Identifier: Apache-2.0
#include "host/cel/cel.hpp"

#include "host/cel/ast.hpp"
#include "host/cel/checker.hpp"
#include "host/cel/code.hpp"
#include "host/cel/estimate.hpp"
#include "host/cel/library.hpp"

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

Result<Value> Program::evaluate(std::span<const Value> variables, Arena& arena,
                                const Limits& limits, std::uint64_t* cost) const {
    if (variables.size() < code_->variables)
        return Error(knd::Code::kInvalidArgument, "evaluation needs more variables");
    const auto out = cel::evaluate(*code_, variables, arena, limits, cost);
    if (out.is_error()) return Error(knd::Code::kFailedPrecondition, std::string(out.text()));
    return out;
}

namespace {

/// Why a result is no bool, in the words of Go's conversion.
std::string refused_result(const Value& value) {
    switch (value.kind()) {
        case Kind::kInt:
        case Kind::kUint:
            return "unsupported type conversion from '" + std::string(type_name(value)) +
                   "' to bool";
        case Kind::kString:
            return "unsupported native conversion from string to 'bool'";
        case Kind::kType:
            return "type conversion not supported for 'type'";
        case Kind::kOptional:
            return value.as_optional() == nullptr ? "optional.none() dereference"
                                                  : refused_result(*value.as_optional());
        case Kind::kNull:
            return "type conversion error from 'null_type' to 'bool'";
        case Kind::kDouble:
            return "type conversion error from Double to 'bool'";
        case Kind::kBytes:
            return "type conversion error from Bytes to 'bool'";
        case Kind::kList:
            return "type conversion error from list to 'bool'";
        default:
            break;
    }
    if (is_map(value)) return "type conversion error from map to 'bool'";
    const auto name = native_name(value);
    return "type conversion error from '" + std::string(name.substr(name.find('.') + 1)) +
           "' to 'bool'";
}

/// An optional stands for what it holds.
const Value& held(const Value& value) {
    const bool holds = value.is(Kind::kOptional) && value.as_optional() != nullptr;
    return holds ? held(*value.as_optional()) : value;
}

}  // namespace

Result<bool> Program::matches(const DeviceView& device, const Limits& limits) const {
    Arena arena;
    const auto variable = Value::device(&device);
    KND_TRY_ASSIGN(const auto out, evaluate(std::span(&variable, 1), arena, limits));
    if (const auto& value = held(out); value.is(Kind::kBool)) return value.as_bool();
    return Error(knd::Code::kFailedPrecondition,
                 "CEL result of type " + std::string(type_name(out)) +
                     " could not be converted to bool: " + refused_result(out));
}

namespace {

/// Whether a selector may have a result of that type.
bool is_verdict(const std::string& type, const Environment& environment) {
    return type == "bool" || type == "google.protobuf.Any" ||
           (type == "dyn" && environment.list_attributes);
}

Result<std::unique_ptr<const Code>> compile_code(std::string_view expression,
                                                 const Environment& environment, bool selector) {
    ParserOptions options;
    options.two_variable_macros = compatible_minor(environment) >= 32;
    options.sort_by = compatible_minor(environment) >= 34;
    options.escaped_fields = environment.kubernetes_minor >= 37;
    options.surrogates = environment.kubernetes_minor < 33;
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
