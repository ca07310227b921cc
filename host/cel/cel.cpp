// SPDX-License-Identifier: Apache-2.0
#include "host/cel/cel.hpp"

#include "host/cel/ast.hpp"
#include "host/cel/checker.hpp"
#include "host/cel/code.hpp"
#include "host/cel/estimate.hpp"

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

Result<bool> Program::matches(const DeviceView& device, const Limits& limits) const {
    Arena arena;
    const auto variable = Value::device(&device);
    KND_TRY_ASSIGN(const auto out, evaluate(std::span(&variable, 1), arena, limits));
    if (out.is(Kind::kBool)) return out.as_bool();
    const std::string type(type_name(out));
    const auto why = out.is(Kind::kString)
                         ? "unsupported native conversion from string to 'bool'"
                         : "unsupported type conversion from '" + type + "' to bool";
    return Error(knd::Code::kFailedPrecondition,
                 "CEL result of type " + type + " could not be converted to bool: " + why);
}

Result<Program> compile(std::string_view expression, const Environment& environment) {
    ParserOptions options;
    options.two_variable_macros = compatible_minor(environment) >= 32;
    options.sort_by = compatible_minor(environment) >= 34;
    auto code = std::make_unique<Code>();
    code->expression = expression;
    Ast ast;
    CheckedAst checked;
    std::vector<Issue> issues;
    if (!parse(code->expression, options, ast, issues) || !check(ast, environment, checked, issues))
        return Error(knd::Code::kInvalidArgument,
                     "compilation failed: " + describe_issues(expression, std::move(issues)));
    code->result_type = result_type_text(checked.types, checked.result);
    code->estimated_cost = estimate_cost(ast, checked, environment);
    const auto failed = emit(ast, checked, environment, *code);
    if (!failed.empty())
        return Error(knd::Code::kInvalidArgument, "program instantiation failed: " + failed);
    return Program(std::unique_ptr<const Code>(std::move(code)));
}

Result<Program> compile_selector(std::string_view expression, const Environment& environment) {
    KND_TRY_ASSIGN(auto program, compile(expression, environment));
    const auto& type = program.result_type();
    const bool unknown =
        type == "google.protobuf.Any" || (type == "dyn" && environment.list_attributes);
    if (type == "bool" || unknown) return program;
    return Error(knd::Code::kInvalidArgument,
                 "must evaluate to bool or the unknown type, not " + type);
}

}  // namespace knd::cel
