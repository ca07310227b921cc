// SPDX-License-Identifier: Apache-2.0
//
// The compiled form: 16-byte instructions in one array, each naming its operands by index, children
// before parents. emitter.cpp writes it, evaluator.cpp runs it.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "host/cel/checker.hpp"
#include "host/cel/library.hpp"
#include "host/cel/message.hpp"
#include "host/cel/value.hpp"

namespace knd::cel {

enum class Op : std::uint8_t {
    kConstant,        ///< constants[a]
    kVariable,        ///< variables[a], cost b
    kLocal,           ///< slot a, cost b
    kBound,           ///< slot a, cost b, filled by the binding folds[c] when it is first asked for
    kAttribute,       ///< device.attributes["domain"].id, names[a], cost b, without building a map
    kDriver,          ///< device.driver, cost a
    kSelect,          ///< a.constants[b], additional cost c, here and in the next four
    kHas,             ///< has(a.constants[b])
    kHasInBranch,     ///< likewise, as a branch of a conditional or an index
    kOptionalSelect,  ///< a.?constants[b]
    kIndex,           ///< a[b]
    kOptionalIndex,   ///< a[?b]
    kAnd,
    kOr,
    kNot,
    kNegate,
    kConditional,  ///< a ? b : c
    kNotStrictlyFalse,
    kEqual,
    kNotEqual,
    kLess,
    kLessEqual,
    kGreater,
    kGreaterEqual,
    kIn,     ///< here and in other binary operators, c: 1 if the size of operands counts
    kInSet,  ///< a in b, a literal list of scalars
    kAdd,
    kSubtract,
    kMultiply,
    kDivide,
    kModulo,
    kList,     ///< operands[b ...], count c; a: 1 if some are optional
    kMap,      ///< the same, keys and values
    kMessage,  ///< messages[a], operands[b ...], count c
    kGrowing,  ///< an empty list (a = 0) or map (a = 1) that a fold will fill in place
    kAppend,   ///< slot a gets the element b; c: 1 if that is a constant
    kInsert,   ///< slot a gets key b and value c; c = kNoNode: all entries of map b
    kFold,     ///< folds[a]
    kOrElse,   ///< a.or(b)
    kOrValue,  ///< a.orValue(b)
    kCall,     ///< sites[a], operands[b ...], count c
};

/// A link of a chain of fields and indices. A conditional is the chain that it chooses.
constexpr bool is_link(Op op) {
    return op == Op::kSelect || op == Op::kIndex || op == Op::kOptionalSelect ||
           op == Op::kOptionalIndex || op == Op::kConditional;
}

struct Instruction {
    Op op = Op::kConstant;
    std::uint32_t a = 0, b = 0, c = 0;
};
static_assert(sizeof(Instruction) == 16);

struct FoldCode {
    std::uint32_t accumulator = 0, variable = 0, variable2 = 0;  ///< slots
    bool two_variables = false;
    std::uint32_t range = 0, init = 0, condition = 0, step = 0, result = 0;
    bool condition_always_true = false;
    /// cel.bind(): nothing but a name for `init`, in `result`.
    bool is_binding = false;
    /// A binding that no one wrote: of the target of optMap().
    bool holds_target = false;
    /// Number of a binding whose price counts again: what the reference implementation evaluates
    /// twice is evaluated once here.
    std::uint32_t charges_again = kNoNode;
};

/// An overload that may be meant by a call.
struct Candidate {
    static constexpr std::size_t kMaxArguments = 5;
    Native native = nullptr;
    Cost cost = nullptr;
    std::uint8_t count = 0;
    std::array<TypeKind, kMaxArguments> kinds{};
    /// Of lists: what their first element must be.
    std::array<TypeKind, kMaxArguments> elements{};
};

struct CallSite {
    std::string_view function;
    std::uint32_t first = 0, count = 0;  ///< candidates
    const Pattern* pattern = nullptr;    ///< of a constant regular expression
    /// Arguments after one that fails are not evaluated.
    bool stops_at_error = false;
    /// An optional costs as much as what it holds.
    bool prices_held = false;
};

/// The literal of a message. What has a type, yet cannot be made, has null pointers.
struct MessageCode {
    struct Field {
        std::string_view name;
        const MessageField* field = nullptr;
    };
    std::string_view name;
    const MessageType* type = nullptr;
    std::vector<Field> fields;
    bool has_optional = false;
};

struct AttributeName {
    std::string_view domain;
    std::string_view id;
};

/// Bytes of the expression; equal: what a macro made, not written.
struct SourceSpan {
    std::uint32_t begin = 0, end = 0;
    bool empty() const { return begin == end; }
};

struct Code {
    std::string expression;
    std::string result_type;
    std::uint64_t estimated_cost = 0;
    int kubernetes_minor = 36;
    std::vector<Instruction> instructions;
    std::vector<SourceSpan> spans;  ///< by instruction
    std::vector<std::uint32_t> operands;
    std::vector<std::uint32_t> optional_operands;  ///< numbers among operands, sorted
    std::vector<Value> constants;
    std::vector<FoldCode> folds;
    std::vector<MessageCode> messages;
    std::vector<CallSite> sites;
    std::vector<Candidate> candidates;
    std::vector<AttributeName> names;
    std::vector<PatternPointer> patterns;
    std::deque<std::string> texts;  ///< what constants and names point into
    Arena arena;                    ///< literal lists and maps
    std::uint32_t root = 0;
    std::uint32_t slots = 0;  ///< locals needed
    std::uint32_t variables = 0;
};

/// What the checker has seen can be emitted. Says why if the conversion of a literal fails.
std::string emit(Ast& ast, const CheckedAst& checked, const Environment& environment, Code& code);

/// "no such overload: NAME(TYPE, TYPE)"
std::string no_such_overload(std::string_view function, std::span<const Value> arguments);
/// Whether the arguments are of the kinds that the candidate wants.
bool fits(const Candidate& candidate, std::span<const Value> arguments);
/// Of a binary operator on these operands, which may be errors. `by_size`: the checker knew that it
/// is about texts, or a list that is searched.
std::uint64_t operator_cost(Op op, const Value& left, const Value& right, bool by_size,
                            int kubernetes_minor);

/// What each instruction yielded last; empty: it was not reached.
using Trace = std::vector<std::optional<Value>>;

/// Runs the code once. The values of a trace live as long as the arena.
Value evaluate(const Code& code, std::span<const Value> variables, Arena& arena,
               const Limits& limits, std::uint64_t* cost, Trace* trace = nullptr);

}  // namespace knd::cel
