// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "host/cel/arithmetic.hpp"
#include "host/cel/checker.hpp"
#include "host/cel/parser.hpp"
#include "host/cel/string_format.hpp"
#include "host/cel/type_names.hpp"

namespace knd::cel {
namespace {

class Validator {
  public:
    Validator(const Ast& ast, const CheckedAst& checked, std::vector<Issue>& issues)
        : ast_(ast), checked_(checked), issues_(issues), parents_(ast.nodes.size(), kNoNode) {
        for (NodeIndex i = 0; i < ast.nodes.size(); ++i)
            adopt(i);
    }

    void run() {
        for (const auto& fold : ast_.folds)
            if (fold.accumulator == kOptionalTarget) targets_.push_back(fold.init);
        // One sort after the other: that is the order of what is reported at one place.
        each([&](NodeIndex i) { check_aggregate(i); });
        each([&](NodeIndex i) {
            if (node(i).kind != NodeKind::kCall || node(i).function == 0) return;
            check_literal(node(i));
            check_format(node(i));
        });
    }

  private:
    const Node& node(NodeIndex index) const { return ast_.nodes[index]; }
    void fail(std::uint32_t offset, std::string message) {
        issues_.push_back({offset, std::move(message)});
    }

    template <class Check>
    void each(Check check) {
        for (NodeIndex i = 0; i < ast_.nodes.size(); ++i) {
            const auto before = issues_.size();
            check(i);
            if (issues_.size() != before) repeat(i, before);
        }
    }

    /// What is wrong with the target of optMap() is said twice, see the checker.
    void repeat(NodeIndex index, std::size_t first) {
        constexpr std::size_t kMaxTimes = 64;
        std::size_t times = 1;
        for (auto i = index; i != kNoNode && times < kMaxTimes; i = parents_[i])
            if (std::find(targets_.begin(), targets_.end(), i) != targets_.end()) times *= 2;
        const std::vector<Issue> once(issues_.begin() + static_cast<std::ptrdiff_t>(first),
                                      issues_.end());
        for (; times > 1; --times)
            issues_.insert(issues_.end(), once.begin(), once.end());
    }

    void adopt(NodeIndex parent) {
        const auto& self = node(parent);
        if (self.kind == NodeKind::kFold) {
            const auto& fold = ast_.folds[self.first];
            for (const auto child : {fold.range, fold.init, fold.condition, fold.step, fold.result})
                parents_[child] = parent;
            return;
        }
        for (std::uint32_t i = 0; i < self.count; ++i)
            parents_[ast_.child(self, i)] = parent;
    }

    /// Among the arguments of format(), on any level: those may be of different types.
    bool is_for_format(NodeIndex index) const {
        for (auto i = parents_[index]; i != kNoNode; i = parents_[i])
            if (node(i).kind == NodeKind::kCall && node(i).text == "format") return true;
        return false;
    }

    /// The elements of a literal must have one type even where dyn would fit them all.
    void check_aggregate(NodeIndex index) {
        const auto& self = node(index);
        if (self.kind != NodeKind::kList && self.kind != NodeKind::kMap) return;
        if (is_for_format(index)) return;
        const std::uint32_t stride = self.kind == NodeKind::kMap ? 2 : 1;
        for (std::uint32_t first = 0; first < stride; ++first)
            for (auto i = first + stride; i < self.count; i += stride)
                // Of a list the first is enough.
                if (!check_same_type(self, first, i, i - i % stride) && stride == 1) return;
    }
    bool check_same_type(const Node& self, std::uint32_t first, std::uint32_t other,
                         std::uint32_t entry) {
        const auto held = [&](std::uint32_t i, std::uint32_t marked) {
            const auto type = node(ast_.child(self, i)).type;
            const bool is_key = self.kind == NodeKind::kMap && i % 2 == 0;
            const bool optional = !is_key && ast_.is_optional_child(self, marked) &&
                                  checked_.types.is(type, TypeKind::kOptional);
            return optional ? checked_.types[type].a : type;
        };
        const auto wanted = held(first, 0);
        const auto found = held(other, entry);
        if (checked_.types.equal(wanted, found)) return true;
        fail(node(ast_.child(self, other)).offset, "expected type '" + checked_.types.text(wanted) +
                                                       "' but found '" +
                                                       checked_.types.text(found) + "'");
        return false;
    }

    /// The first argument, which for a member function is not the target.
    const Node* literal_argument(const Node& self) const {
        const std::uint32_t first = self.member ? 1 : 0;
        if (self.count <= first) return nullptr;
        const auto& out = node(ast_.child(self, first));
        return out.kind == NodeKind::kConstant ? &out : nullptr;
    }

    void check_literal(const Node& self) {
        const auto* argument = literal_argument(self);
        auto function = self.text;
        if (function.starts_with('.')) function.remove_prefix(1);
        if (argument == nullptr || !is_bad(function, argument->constant)) return;
        fail(argument->offset, "invalid " + std::string(function) + " argument");
    }

    static bool is_bad(std::string_view function, const Value& literal) {
        if (literal.is(Kind::kInt)) {
            const auto seconds = literal.as_int();
            return function == "duration" || (function == "timestamp" &&
                                              (seconds < kMinTimestamp || seconds > kMaxTimestamp));
        }
        // Stands for a time or a duration of messages, but is none that could be converted.
        if (literal.is(Kind::kNull)) return function == "duration" || function == "timestamp";
        if (!literal.is(Kind::kString)) return false;
        std::string why;
        std::int64_t number = 0;
        Instant instant;
        return (function == "matches" && compile_pattern(literal.text(), why) == nullptr) ||
               (function == "duration" && !read_duration(literal.text(), number)) ||
               (function == "timestamp" && !read_timestamp(literal.text(), instant));
    }

    /// 'text'.format([...]): each clause must suit the type of its argument, and none be left over.
    void check_format(const Node& self) {
        if (self.text != "format" || !self.member || self.count != 2) return;
        const auto& format = node(ast_.child(self, 0));
        const auto& list = node(ast_.child(self, 1));
        if (format.kind != NodeKind::kConstant || list.kind != NodeKind::kList) return;
        auto place = self.offset;
        std::string ignored;
        std::size_t used = 0;
        const auto failed = walk_format(
            format.constant.text(), list.count,
            [&](std::size_t number, const FormatClause& clause, std::string&) {
                return check_argument(ast_.child(list, static_cast<std::uint32_t>(number)),
                                      clause.verb, place);
            },
            ignored, used);
        if (!failed.empty()) return fail(place, failed);
        if (list.count > used)
            fail(self.offset, "too many arguments supplied to string.format (expected " +
                                  std::to_string(used) + ", got " + std::to_string(list.count) +
                                  ")");
    }

    std::string check_argument(NodeIndex index, char verb, std::uint32_t& place) {
        const auto& self = node(index);
        if (self.type == kDynType) return {};
        const auto type = checked_.types.bare(self.type);
        auto why = refuse_clause(verb, checked_.types[type].kind, bare_name(type));
        if (!why.empty()) place = self.offset;
        const bool inner =
            verb == 's' && (self.kind == NodeKind::kList || self.kind == NodeKind::kMap);
        for (std::uint32_t i = 0; inner && i < self.count && why.empty(); ++i)
            why = check_argument(ast_.child(self, i), verb, place);
        return why;
    }

    /// Without parameters: "list".
    std::string bare_name(TypeIndex type) const {
        const auto text = result_type_text(checked_.types, type);
        return text.substr(0, text.find('('));
    }

    const Ast& ast_;
    const CheckedAst& checked_;
    std::vector<Issue>& issues_;
    std::vector<NodeIndex> parents_;
    std::vector<NodeIndex> targets_;  ///< of optMap() and optFlatMap()
};

}  // namespace

void validate(const Ast& ast, const CheckedAst& checked, std::vector<Issue>& issues) {
    Validator(ast, checked, issues).run();
}

}  // namespace knd::cel
