// SPDX-License-Identifier: Apache-2.0
//
// Gives every node a type, or says why it has none. Type variables are unified as the reference
// checker does it, so that what Kubernetes accepts is accepted here, and with the same result type.
#pragma once

#include <vector>

#include "host/cel/ast.hpp"
#include "host/cel/cel.hpp"
#include "host/cel/library.hpp"
#include "host/cel/types.hpp"

namespace knd::cel {

struct CheckedCall {
    /// Overloads whose signature fits what is known of the arguments, in order of declaration.
    std::vector<const Overload*> overloads;
    /// The name was qualified ("optional.of"): the first child is no argument.
    bool qualified = false;
};

struct CheckedAst {
    TypeTable types;
    /// By Node::function - 1; calls only.
    std::vector<CheckedCall> calls;
    TypeIndex result = kErrorType;
};

/// "a.b.c" if the node is a chain of plain names; else empty.
std::string qualified_name(const Ast& ast, NodeIndex node);

/// What types alone do not show: literals that can never be converted, lists and maps of mixed
/// types, format strings that their arguments do not fill.
void validate(const Ast& ast, const CheckedAst& checked, std::vector<Issue>& issues);

/// False: `issues` says why.
bool check(Ast& ast, const Environment& environment, CheckedAst& checked,
           std::vector<Issue>& issues);

}  // namespace knd::cel
