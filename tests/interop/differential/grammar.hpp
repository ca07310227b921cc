// SPDX-License-Identifier: Apache-2.0
//
// The grammar that random expressions are grown from.
//
// A production is text with holes, {T} or {T|VARIABLES}. T is the type wanted there:
//   b bool, i int, u uint, d double, s string, y bytes, l list(int), t list(string),
//   m map(string, int), v semver, q quantity, a any value of an attribute, D duration, T timestamp,
//   o optional(int), I ip, C cidr, U url, M map(string, int) of one entry, L list of a type that
//   has no productions of its own, k optional(list(string)), E a message or what it becomes,
//   V any value at all, P a condition on such, x anything
// and VARIABLES are the types of the variables that a macro binds there, named by {$0} and {$1}.
// Leaves end a branch; they are tried when the depth is used up. Go's maps have no order: only
// those of one entry are walked over, or in ways that do not show it.
#pragma once

#include <string_view>
#include <vector>

namespace knd::differential {

struct Productions {
    std::vector<std::string_view> leaves;
    std::vector<std::string_view> inner;
};

/// Of a type. 'b' is what a selector yields.
const Productions& productions(char type);
/// More of 'b', for attributes that are lists.
const Productions& list_productions();
/// Only what people write in device classes.
const Productions& plain_productions();
/// Literals of messages.
const Productions& message_values();
/// Conditions about them.
const Productions& message_productions();
/// Conditions that are wrong.
const Productions& mistaken_productions();
/// Values of every type.
const Productions& any_values();
/// Conditions on them that take no heed of types.
const Productions& pair_productions();
/// "operator", or functions of one argument, "unary", or two, "binary".
const std::vector<std::string_view>& pair_names(std::string_view sort);

}  // namespace knd::differential
