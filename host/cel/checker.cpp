// SPDX-License-Identifier: Apache-2.0
#include "host/cel/checker.hpp"

#include <algorithm>
#include <optional>

#include "host/cel/parser.hpp"
#include "host/cel/type_names.hpp"
#include "host/cel/unify.hpp"

namespace knd::cel {
namespace {

std::string in_quotes(std::string_view text) {
    return "'" + std::string(text) + "'";
}

class Checker {
  public:
    Checker(Ast& ast, const Environment& environment, CheckedAst& out, std::vector<Issue>& issues)
        : ast_(ast), environment_(environment), out_(out), issues_(issues), unifier_(out.types) {
        if (environment.device) variables_.emplace_back("device", simple(TypeKind::kDevice));
        for (const auto& variable : environment.variables)
            variables_.emplace_back(variable.name, out.types.read(variable.type));
        declared_variables_ = variables_.size();
    }

    void run() {
        visit(ast_.root);
        for (auto& node : ast_.nodes)
            node.type = unifier_.substitute(node.type, true);
        out_.result = ast_.nodes[ast_.root].type;
    }

  private:
    TypeTable& types() { return out_.types; }
    Node& node(NodeIndex index) { return ast_.nodes[index]; }
    std::string text(TypeIndex type) { return types().text(unifier_.substitute(type)); }
    void fail(std::uint32_t offset, std::string message) {
        issues_.push_back({offset, std::move(message)});
    }
    void mismatch(std::uint32_t offset, TypeIndex expected, TypeIndex found) {
        fail(offset, "expected type " + in_quotes(types().text(expected)) + " but found " +
                         in_quotes(types().text(found)));
    }
    void undeclared(std::uint32_t offset, std::string_view name) {
        fail(offset, "undeclared reference to " + in_quotes(name) + " (in container '')");
    }

    TypeIndex visit(NodeIndex index) {
        TypeIndex type = kErrorType;
        switch (node(index).kind) {
            case NodeKind::kConstant:
                type = constant(node(index));
                break;
            case NodeKind::kIdent:
                type = ident(index);
                break;
            case NodeKind::kSelect:
                type = select(index);
                break;
            case NodeKind::kCall:
                type = call(index);
                break;
            case NodeKind::kList:
                type = list(index);
                break;
            case NodeKind::kMap:
                type = map(index);
                break;
            case NodeKind::kMessage:
                type = message(index);
                break;
            case NodeKind::kFold:
                type = fold(index);
                break;
        }
        return node(index).type = type;
    }

    static TypeIndex constant(const Node& node) {
        switch (node.constant.kind()) {
            case Kind::kBool:
                return kBoolType;
            case Kind::kInt:
                return kIntType;
            case Kind::kUint:
                return simple(TypeKind::kUint);
            case Kind::kDouble:
                return simple(TypeKind::kDouble);
            case Kind::kString:
                return kStringType;
            case Kind::kBytes:
                return simple(TypeKind::kBytes);
            default:
                return simple(TypeKind::kNull);
        }
    }

    /// Innermost scope first, until 1.36 also for names that are written with a leading dot;
    /// kErrorType: not declared.
    TypeIndex lookup(std::string_view name) {
        const auto visible = visible_to(name);
        name = without_dot(name);
        for (std::size_t i = visible; i-- > 0;)
            if (variables_[i].first == name) return variables_[i].second;
        if (name == kNullValueName) return kIntType;
        const auto declared = environment_.device ? device_type(name) : kErrorType;
        return declared == kErrorType ? named_type(types(), name) : types().type_of(declared);
    }
    /// The type of `device` and those of its maps have names, which nothing but a message may use.
    TypeIndex device_type(std::string_view name) {
        if (!name.starts_with(kDeviceTypeName)) return kErrorType;
        name.remove_prefix(kDeviceTypeName.size());
        if (name.empty()) return simple(TypeKind::kDevice);
        if (!name.starts_with('.')) return kErrorType;
        const auto field = find_device_field(name.substr(1));
        return field && types().is(*field, TypeKind::kMap) ? *field : kErrorType;
    }
    /// A variable that a macro has declared with a dot is never found: it is looked for without.
    static std::string_view without_dot(std::string_view name) {
        return name.starts_with('.') ? name.substr(1) : name;
    }
    /// How many variables a name may be one of: since 1.37 a leading dot leads out of all macros.
    std::size_t visible_to(std::string_view name) const {
        const bool rooted = name.starts_with('.') && environment_.kubernetes_minor >= 37;
        return rooted ? declared_variables_ : variables_.size();
    }
    TypeIndex ident(NodeIndex index) {
        if (node(index).text == kOptionalTarget) see_held_target();
        const auto found = lookup(node(index).text);
        if (found == kErrorType && !declared_broken(node(index).text))
            undeclared(node(index).offset, node(index).text);
        return found;
    }
    /// A variable may have the error type because what it was bound to is broken: say so once.
    bool declared_broken(std::string_view name) const {
        const auto end = variables_.begin() + static_cast<std::ptrdiff_t>(visible_to(name));
        return std::any_of(variables_.begin(), end, [&](const auto& variable) {
            return variable.first == without_dot(name);
        });
    }

    TypeIndex select(NodeIndex index) {
        const auto name = node(index).test_only ? std::string() : qualified_name(ast_, index);
        if (!name.empty()) {
            if (const auto found = lookup(name); found != kErrorType) {
                auto& self = node(index);
                self.kind = NodeKind::kIdent;
                self.text = ast_.texts.emplace_back(name);
                return found;
            }
        }
        const auto field = node(index).text;
        const auto result = select_field(index, ast_.child(node(index), 0), field, false);
        return node(index).test_only ? kBoolType : unifier_.substitute(result);
    }

    TypeIndex select_field(NodeIndex index, NodeIndex operand, std::string_view field,
                           bool optional) {
        auto target = unifier_.substitute(visit(operand));
        const bool unwrap = types().is(target, TypeKind::kOptional);
        if (unwrap) target = types()[target].a;
        TypeIndex result = kDynType;
        const auto type = types()[target];
        switch (type.kind) {
            case TypeKind::kMap:
                result = type.b;
                break;
            case TypeKind::kDevice:
            case TypeKind::kEmpty:
            case TypeKind::kEntry:
                result = field_of(node(index).offset, target, field);
                break;
            case TypeKind::kQuantity:
            case TypeKind::kSemver:
            case TypeKind::kUrl:
            case TypeKind::kFormat:
                // Types without fields, of which the reference implementation knows just the name.
                fail(node(index).offset,
                     "unexpected failed resolution of " + in_quotes(text(target)));
                result = kErrorType;
                break;
            case TypeKind::kParam:
                unifier_.assignable(kDynType, target);
                break;
            default:
                if (!types().is_dynamic(target))
                    fail(node(index).offset,
                         "type " + in_quotes(text(target)) + " does not support field selection");
        }
        return unwrap || optional ? types().optional(result) : result;
    }

    std::optional<TypeIndex> find_device_field(std::string_view field) {
        if (field == "driver") return kStringType;
        const auto outer = [&](TypeIndex value) {
            return types().map(kStringType, types().map(kStringType, value));
        };
        if (field == "attributes") return outer(environment_.list_attributes ? kDynType : kAnyType);
        if (field == "capacity") return outer(simple(TypeKind::kQuantity));
        if (field == "allowMultipleAllocations" && knows(34, environment_.consumable_capacity))
            return kBoolType;
        return std::nullopt;
    }
    /// Of `device`, or of a message.
    TypeIndex field_of(std::uint32_t offset, TypeIndex type, std::string_view field) {
        std::optional<TypeIndex> found;
        if (types().is(type, TypeKind::kDevice))
            found = find_device_field(field);
        else if (const auto* message = message_of(types(), type))
            if (const auto* known = message->field(field)) found = field_type(types(), known->form);
        if (found) return *found;
        fail(offset, "undefined field " + in_quotes(field));
        return kErrorType;
    }

    TypeIndex call(NodeIndex index) {
        const auto self = node(index);
        if (self.text == ops::kOptSelect) {
            const auto field = node(ast_.child(self, 1)).constant.text();
            return unifier_.substitute(select_field(index, ast_.child(self, 0), field, true));
        }
        for (std::uint32_t i = self.member ? 1 : 0; i < self.count; ++i)
            visit(ast_.child(self, i));
        if (!self.member) return resolve(index, self.text, false, 0);
        auto prefix = qualified_name(ast_, ast_.child(self, 0));
        if (prefix.starts_with('.')) prefix.erase(0, 1);
        if (!prefix.empty()) {
            const auto full = prefix + "." + std::string(self.text);
            if (declared(full)) return resolve(index, full, false, 1);
        }
        visit(ast_.child(self, 0));
        return resolve(index, self.text, true, 0);
    }

    bool available(const Overload& overload) const {
        if (overload.until != 0 && environment_.kubernetes_minor > overload.until) return false;
        if (overload.list_attributes) return knows(overload.since, environment_.list_attributes);
        return overload.since <= (overload.with_library ? environment_.kubernetes_minor
                                                        : compatible_minor(environment_));
    }
    /// What came with that release, behind a gate.
    bool knows(int since, bool gate) const {
        return environment_.kubernetes_minor >= since && (environment_.stored || gate);
    }
    bool declared(std::string_view name) const {
        for (const auto library : libraries())
            for (const auto& overload : library)
                if (overload.function == name && available(overload)) return true;
        return false;
    }

    /// Picks the overloads that fit; `skip` children are no arguments.
    TypeIndex resolve(NodeIndex index, std::string_view name, bool member, std::uint32_t skip) {
        const auto self = node(index);
        const auto written = name;
        if (name.starts_with('.')) name.remove_prefix(1);
        std::vector<TypeIndex> arguments;
        for (std::uint32_t i = skip; i < self.count; ++i)
            arguments.push_back(node(ast_.child(self, i)).type);
        CheckedCall checked;
        checked.qualified = skip != 0;
        bool found = false;
        TypeIndex result = kErrorType;
        for (const auto library : libraries()) {
            for (const auto& overload : library) {
                if (overload.function != name || !available(overload)) continue;
                found = true;
                const auto fit = try_overload(overload, member, arguments);
                if (!fit) continue;
                if (checked.overloads.empty())
                    result = *fit;
                else if (!types().is_dynamic(result) && !types().equal(*fit, result))
                    result = kDynType;
                checked.overloads.push_back(&overload);
            }
        }
        if (!found) {
            undeclared(self.offset, written);
        } else if (checked.overloads.empty() && (name == ops::kAnd || name == ops::kOr)) {
            for (std::uint32_t i = 0; i < self.count; ++i)
                if (!unifier_.assignable(arguments[i], kBoolType))
                    mismatch(node(ast_.child(self, i)).offset, kBoolType, arguments[i]);
        } else if (checked.overloads.empty()) {
            no_overload(self.offset, name, member, arguments);
        }
        out_.calls.push_back(std::move(checked));
        node(index).function = static_cast<std::uint32_t>(out_.calls.size());
        return result;
    }

    /// The type of the result, which is an error if that of an argument is.
    std::optional<TypeIndex> try_overload(const Overload& overload, bool member,
                                          std::span<const TypeIndex> arguments) {
        auto signature = read_signature(types(), overload.signature);
        if (signature.member != member) return std::nullopt;
        // Also where the number of arguments differs: messages show the numbers of variables.
        std::vector<TypeIndex> fresh(26, 0);
        for (auto& parameter : signature.parameters)
            parameter = unifier_.instantiate(parameter, fresh);
        if (!unifier_.assignable(arguments, signature.parameters)) return std::nullopt;
        return unifier_.substitute(unifier_.instantiate(signature.result, fresh));
    }

    void no_overload(std::uint32_t offset, std::string_view name, bool member,
                     std::span<const TypeIndex> arguments) {
        std::string list;
        const std::size_t first = member ? 1 : 0;
        for (std::size_t i = first; i < arguments.size(); ++i) {
            if (i > first) list += ", ";
            list += types().text(unifier_.substitute(arguments[i], true));
        }
        list = "(" + list + ")";
        if (member) list = types().text(unifier_.substitute(arguments[0], true)) + "." + list;
        fail(offset, "found no matching overload for " + in_quotes(name) + " applied to " +
                         in_quotes(list));
    }

    TypeIndex message(NodeIndex index) {
        const auto self = node(index);
        const auto found = lookup(self.text);
        const bool is_type = types().is(found, TypeKind::kType);
        const bool is_broken = found == kErrorType && declared_broken(self.text);
        // Since 1.37 variables are not looked for.
        if ((found == kErrorType && !is_broken) ||
            (!is_type && environment_.kubernetes_minor >= 37)) {
            undeclared(self.offset, self.text);
            return kErrorType;
        }
        const auto made = is_type ? made_of(types()[found].a) : kErrorType;
        const bool is_message = is_type && can_be_made(made);
        if (!is_type && !is_broken)
            fail(self.offset, in_quotes(plain_name(found)) + " is not a type");
        else if (is_type && !is_message)
            fail(self.offset, in_quotes(plain_name(made)) + " is not a message type");
        for (std::uint32_t i = 0; i < self.count; i += 2) {
            const auto type = is_type ? assigned_type(ast_.child(self, i), made)
                                      : unresolved(ast_.child(self, i), self.text);
            assign(ast_.child(self, i), ast_.child(self, i + 1), type,
                   ast_.is_optional_child(self, i));
        }
        return is_message ? made : kErrorType;
    }
    /// Since 1.37 a list is one of dyn, which has a message.
    TypeIndex made_of(TypeIndex type) {
        const bool open =
            types().is(type, TypeKind::kList) && types().is(types()[type].a, TypeKind::kParam);
        return open && environment_.kubernetes_minor >= 37 ? types().list(kDynType) : type;
    }
    bool can_be_made(TypeIndex type) const {
        return out_.types.is(type, TypeKind::kDevice) || out_.types.is(type, TypeKind::kNull) ||
               message_of(out_.types, type) != nullptr;
    }
    /// Without parameters, but for what is wrapped.
    std::string plain_name(TypeIndex type) {
        const auto name = result_type_text(types(), unifier_.substitute(type));
        return types().is(type, TypeKind::kWrapper) ? name : name.substr(0, name.find('('));
    }
    TypeIndex unresolved(NodeIndex field, std::string_view type) {
        fail(node(field).offset, "unexpected failed resolution of " + in_quotes(type));
        return kErrorType;
    }
    /// Of a field that a literal of a message names. A map, of which none can be made so, has a
    /// field of any name.
    TypeIndex assigned_type(NodeIndex field, TypeIndex made) {
        if (types().is(made, TypeKind::kNull))
            return unresolved(field, "google.protobuf.NullValue");
        const bool is_struct = message_of(types(), made) != nullptr;
        if (types().is(made, TypeKind::kMap) && !is_struct)
            return types().is(types()[made].b, TypeKind::kParam) ? kAnyType : types()[made].b;
        return field_of(node(field).offset, made, node(field).constant.text());
    }
    void assign(NodeIndex field, NodeIndex value, TypeIndex wanted, bool optional) {
        auto found = visit(value);
        if (optional) found = unwrap(value, found);
        if (unifier_.assignable(wanted, found)) return;
        fail(node(field).offset, "expected type of field " +
                                     in_quotes(node(field).constant.text()) + " is " +
                                     in_quotes(types().text(wanted)) + " but provided type is " +
                                     in_quotes(types().text(found)));
    }

    /// The common type of the elements of a literal. Mixed ones are dyn, and refused later where
    /// they are not meant for format().
    TypeIndex join(bool first, TypeIndex previous, TypeIndex current) {
        if (first) return current;
        if (unifier_.assignable(previous, current)) return unifier_.most_general(previous, current);
        return kDynType;
    }

    /// The type of an element written with "?" is what its optional holds.
    TypeIndex unwrap(NodeIndex element, TypeIndex type) {
        if (types().is(type, TypeKind::kOptional)) return types()[type].a;
        if (!types().is_dynamic(type) || type == kErrorType)
            mismatch(node(element).offset, types().optional(type), type);
        return type;
    }

    TypeIndex list(NodeIndex index) {
        const auto self = node(index);
        TypeIndex element = kErrorType;
        for (std::uint32_t i = 0; i < self.count; ++i) {
            const auto child = ast_.child(self, i);
            auto type = visit(child);
            if (ast_.is_optional_child(self, i)) type = unwrap(child, type);
            element = join(i == 0, element, type);
        }
        return types().list(self.count == 0 ? unifier_.fresh() : element);
    }

    TypeIndex map(NodeIndex index) {
        const auto self = node(index);
        TypeIndex key = kErrorType, value = kErrorType;
        for (std::uint32_t i = 0; i < self.count; i += 2) {
            const auto key_node = ast_.child(self, i);
            const auto value_node = ast_.child(self, i + 1);
            key = join(i == 0, key, visit(key_node));
            auto type = visit(value_node);
            if (ast_.is_optional_child(self, i)) type = unwrap(value_node, type);
            value = join(i == 0, value, type);
        }
        if (self.count == 0) {
            key = unifier_.fresh();
            value = unifier_.fresh();
        }
        return types().map(key, value);
    }

    TypeIndex fold(NodeIndex index) {
        const auto fold = ast_.folds[node(index).first];
        if (fold.accumulator == kOptionalTarget) return held_target(fold);
        const auto range = unifier_.substitute((visit(fold.range), node(fold.range).type));
        const auto accumulator = visit(fold.init);
        TypeIndex first = kDynType, second = kDynType;
        iteration_types(fold, range, first, second);
        const auto scope = variables_.size();
        variables_.emplace_back(fold.accumulator, accumulator);
        variables_.emplace_back(fold.variable, first);
        if (!fold.variable2.empty()) variables_.emplace_back(fold.variable2, second);
        require(fold.condition, kBoolType);
        require(fold.step, accumulator);
        variables_.resize(scope + 1);
        const auto result = visit(fold.result);
        variables_.resize(scope);
        return unifier_.substitute(result);
    }

    /// What optMap() is called on is held in a variable here and written twice in the reference
    /// implementation, which reports what is wrong with it twice.
    TypeIndex held_target(const Fold& fold) {
        for (const auto unused : {fold.range, fold.condition, fold.step})
            node(unused).type = kDynType;
        const auto before = issues_.size();
        const auto made = unifier_.made();
        const auto target = visit(fold.init);
        constexpr int kMaxRepeats = 64;  // nested ones double
        const bool repeat = issues_.size() != before && repeats_++ < kMaxRepeats;
        held_.push_back({repeat ? fold.init : kNoNode, unifier_.made() - made, 0});
        variables_.emplace_back(fold.accumulator, target);
        const auto result = visit(fold.result);
        variables_.pop_back();
        held_.pop_back();
        return unifier_.substitute(result);
    }
    void see_held_target() {
        auto& held = held_.back();
        if (++held.seen != 2) return;
        if (held.repeat == kNoNode) return unifier_.skip(held.made);
        const auto repeat = held.repeat;  // a copy: the visit may hold others
        visit(repeat);
    }

    void require(NodeIndex index, TypeIndex wanted) {
        const auto found = visit(index);
        if (!unifier_.assignable(wanted, found)) mismatch(node(index).offset, wanted, found);
    }

    void iteration_types(const Fold& fold, TypeIndex range, TypeIndex& first, TypeIndex& second) {
        const auto type = types()[range];
        switch (type.kind) {
            case TypeKind::kList:
                first = fold.variable2.empty() ? type.a : kIntType;
                second = type.a;
                return;
            case TypeKind::kMap:
                first = type.a;
                second = type.b;
                return;
            case TypeKind::kDyn:
            case TypeKind::kError:
            case TypeKind::kParam:
                if (type.kind == TypeKind::kParam) unifier_.assignable(kDynType, range);
                if (environment_.kubernetes_minor < 33) second = kNoType;
                return;
            default:
                fail(node(fold.range).offset,
                     "expression of type " + in_quotes(text(range)) +
                         " cannot be range of a comprehension (must be list, map, or dynamic)");
                first = second = kErrorType;
                if (environment_.kubernetes_minor < 33) second = kNoType;
        }
    }

    Ast& ast_;
    const Environment& environment_;
    CheckedAst& out_;
    std::vector<Issue>& issues_;
    Unifier unifier_;
    std::vector<std::pair<std::string_view, TypeIndex>> variables_;
    std::size_t declared_variables_ = 0;  ///< those of the environment, which come first
    struct Held {
        NodeIndex repeat = kNoNode;
        std::uint32_t made = 0;  ///< type variables
        int seen = 0;
    };
    std::vector<Held> held_;
    int repeats_ = 0;
};

}  // namespace

std::string qualified_name(const Ast& ast, NodeIndex index) {
    const auto& node = ast.nodes[index];
    if (node.kind == NodeKind::kIdent) return std::string(node.text);
    if (node.kind != NodeKind::kSelect || node.test_only) return {};
    auto prefix = qualified_name(ast, ast.child(node, 0));
    return prefix.empty() ? prefix : prefix + "." + std::string(node.text);
}

bool check(Ast& ast, const Environment& environment, CheckedAst& checked,
           std::vector<Issue>& issues) {
    Checker(ast, environment, checked, issues).run();
    if (issues.empty()) validate(ast, checked, issues);
    return issues.empty();
}

}  // namespace knd::cel
