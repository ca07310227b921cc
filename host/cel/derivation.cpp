// SPDX-License-Identifier: Apache-2.0
#include "host/cel/derivation.hpp"

#include <algorithm>

namespace knd::cel {
namespace {

bool is_scalar(std::string_view type) {
    constexpr std::string_view kTypes[] = {
        "bool", "int", "string", "dyn", "google.protobuf.Any", "kubernetes.Semver"};
    return std::find(std::begin(kTypes), std::end(kTypes), type) != std::end(kTypes);
}

bool is_attribute(std::string_view type, bool lists) {
    constexpr std::string_view kList = "list(";
    if (is_scalar(type)) return true;
    return lists && type.starts_with(kList) &&
           is_scalar(type.substr(kList.size(), type.size() - kList.size() - 1));
}

}  // namespace

Result<Program> compile_derivation(std::string_view expression, const Environment& environment) {
    auto program = compile(expression, environment);
    // Without the gate only expressions that exist make lists.
    const bool lists = environment.list_attributes || environment.stored;
    if (!program.ok() || is_attribute(program->result_type(), lists)) return program;
    return Error(knd::Code::kInvalidArgument,
                 "must evaluate to a primitive scalar (string, integer, boolean, semver)" +
                     std::string(lists ? " or a list of these scalars" : "") + ", not " +
                     program->result_type());
}

}  // namespace knd::cel
