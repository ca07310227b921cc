// SPDX-License-Identifier: Apache-2.0
#include "host/cel/arithmetic.hpp"
#include "host/cel/evaluator.hpp"

namespace knd::cel {
namespace {

/// What may be looked up in a list or map.
bool is_key(const Value& value) {
    return is_map_key(value);
}

}  // namespace

Value Evaluator::attribute(const AttributeName& name) {
    const auto& device = variables_[0].as_device();
    const auto id = device.vocabulary->find_name({name.domain, name.id});
    const auto* slot = id ? device.attribute(*id) : nullptr;
    if (slot == nullptr) return no_such_key(Value::string(name.id));
    return slot_value(*slot, arena_);
}

Value Evaluator::no_such_key(const Value& key) {
    return fail("no such key: " + to_text(key));
}

/// One domain of a device; unknown domains are empty maps.
Value Evaluator::domain(const Value& domains, std::string_view name) {
    const auto* data = arena_.make<DomainData>(&domains.as_device(), domains.is_capacity(), name);
    return data == nullptr ? out_of_memory() : Value::domain(data);
}

/// What select and index share: a field, an entry or an element.
Evaluator::Found Evaluator::lookup(const Value& target, const Value& key, Value& out) {
    switch (target.kind()) {
        case Kind::kDomains:
            // No domain has an empty name: that stands for keys that are not even texts.
            out = domain(target, key.is(Kind::kString) ? key.text() : std::string_view());
            return Found::kYes;
        case Kind::kMap:
        case Kind::kDevice:
        case Kind::kDomain:
            return find_key(target, key, arena_, out) ? Found::kYes : Found::kNo;
        case Kind::kList:
            return element(target.as_list(), key, out);
        case Kind::kMessage:
            return message_field(target.as_object<MessageData>(), key, out);
        case Kind::kError:
            out = target;
            return Found::kError;
        default:
            return Found::kNo;
    }
}

/// A field that is not set has a default: the key no text, the value null.
Evaluator::Found Evaluator::message_field(const MessageData& message, const Value& key,
                                          Value& out) {
    if (!key.is(Kind::kString)) {
        out = no_overload();
        return Found::kError;
    }
    if (message.type->field(key.text()) == nullptr) {
        out = fail("no such field '" + std::string(key.text()) + "'");
        return Found::kError;
    }
    const auto* held = message.field(key.text());
    if (held != nullptr)
        out = *held;
    else
        out = key.text() == "key" ? Value::string("") : Value();
    return Found::kYes;
}

Evaluator::Found Evaluator::element(const ListData& list, const Value& key, Value& out) {
    std::int64_t position = 0;
    if (!whole_number(key, position)) {
        out = key.is(Kind::kUint) || key.is(Kind::kDouble)
                  ? fail("unsupported index value " + to_text(key) + " in list")
                  : fail("unsupported index type '" + std::string(type_name(key)) + "' in list");
        return Found::kError;
    }
    if (position < 0 || static_cast<std::uint64_t>(position) >= list.size) {
        out = fail("index out of bounds: " + to_text(key));
        return Found::kNo;
    }
    out = list.items[position];
    return Found::kYes;
}

/// An optional that a chain of fields and indices begins with is looked into (before 1.37 also one
/// inside it); then each link is an optional. One that a chain comes to on its way has no fields.
Evaluator::Operand Evaluator::operand(std::uint32_t index) {
    const auto value = eval_operand(index);
    const auto chain = is_link(code_.instructions[index].op) ? chain_ : Chain::kStart;
    if (chain == Chain::kPlain || !value.is(Kind::kOptional)) return {value};
    const auto* held = value.as_optional();
    const bool deep = chain == Chain::kStart && code_.kubernetes_minor < 37;
    if (deep) held = &held_value(value);
    if (deep && held->is(Kind::kOptional)) held = nullptr;  // none, at the bottom
    if (held == nullptr) return {Value(), true, true};
    if (deep && held->is(Kind::kDomains)) return {from_native(*held), true};
    return {*held, true, false, deep && is_opaque(*held)};
}

Value Evaluator::select(const Instruction& i) {
    const auto target = operand(i.a);
    charge(i.c);
    return target.optional ? optional_field(target, code_.constants[i.b])
                           : plain_field(target.value, code_.constants[i.b]);
}

Value Evaluator::plain_field(const Value& target, const Value& key) {
    chain_ = Chain::kPlain;
    if (target.is_error()) return target;
    charge(1);
    Value out;
    const auto found = lookup(target, key, out);
    return found == Found::kNo && !out.is_error() ? no_such_key(key) : out;
}

/// A field of an optional is an optional; of none it is none.
Value Evaluator::optional_field(const Operand& operand, const Value& key) {
    chain_ = Chain::kOptional;
    if (operand.none) return Value::optional(nullptr);
    if (operand.opaque) return unsupported(operand.value);
    const auto& target = operand.value;
    if (target.is_error()) return target;
    if (target.is(Kind::kMessage)) {
        const auto there = has_field(target, key);
        if (!there.is_true()) return there.is_error() ? there : Value::optional(nullptr);
    }
    Value out;
    switch (lookup(target, key, out)) {
        case Found::kNo:
            return Value::optional(nullptr);
        case Found::kError:
            return out;
        case Found::kYes:
            break;
    }
    if (out.is_error()) return out;
    charge(1);
    const auto* kept = arena_.make<Value>(out);
    return kept == nullptr ? out_of_memory() : Value::optional(kept);
}

Value Evaluator::optional_select(const Instruction& i) {
    const auto target = operand(i.a);
    charge(i.c);
    return optional_field(target, code_.constants[i.b]);
}

Value Evaluator::presence(const Operand& operand, const Value& key) {
    if (operand.value.is_error()) return operand.value;
    if (operand.none) return Value::boolean(false);
    return operand.opaque ? unsupported(operand.value) : has_field(operand.value, key);
}

Value Evaluator::has(const Instruction& i) {
    const auto target = operand(i.a);
    charge(i.c);
    const auto there = presence(target, code_.constants[i.b]);
    // A presence test that does not get to its field costs one less.
    const bool reached = target.optional ? there.is_true() : !target.value.is_error();
    if (!reached && !halted_ && cost_ != 0) --cost_;
    return there;
}

/// Where Kubernetes takes the field and leaves out the question: of an optional, the field itself.
Value Evaluator::has_in_branch(const Instruction& i) {
    const auto target = operand(i.a);
    const auto& key = code_.constants[i.b];
    if (target.optional) return optional_field(target, key);
    if (target.value.is_error()) return target.value;
    charge(1);
    return has_field(target.value, key);
}

Value Evaluator::has_field(const Value& target, const Value& key) {
    // Every domain is there, if only as an empty map; `in` tells which ones a device has.
    if (target.is(Kind::kDomains)) return Value::boolean(true);
    if (target.is(Kind::kList)) {
        Value why;
        element(target.as_list(), key, why);
        return why;
    }
    Value out;
    if (target.is(Kind::kMessage)) {
        const auto& message = target.as_object<MessageData>();
        return message_field(message, key, out) == Found::kError
                   ? out
                   : Value::boolean(message.field(key.text()) != nullptr);
    }
    if (!is_map(target)) return Value::boolean(false);
    const bool found = find_key(target, key, arena_, out);
    return out.is_error() ? out : Value::boolean(found);
}

/// The value of an index; an error if nothing can be looked up by it.
Value Evaluator::index_key(std::uint32_t index) {
    const auto key = eval(index);
    if (key.is_error() || is_key(key)) return key;
    return fail("invalid qualifier type: " + std::string(native_name(key)));
}

Value Evaluator::index_of(const Instruction& i) {
    const auto target = operand(i.a);
    charge(i.c);
    if (target.value.is_error()) return target.value;
    if (target.none) return optional_field(target, {});
    const auto key = index_key(i.b);
    if (!key.is_error())
        return target.optional ? optional_field(target, key) : plain_field(target.value, key);
    if (!target.optional) charge(1);
    return key;
}

Value Evaluator::optional_index(const Instruction& i) {
    const auto target = operand(i.a);
    charge(i.c);
    if (target.value.is_error()) return target.value;
    if (target.none) return optional_field(target, {});
    const auto key = index_key(i.b);
    return key.is_error() ? key : optional_field(target, key);
}

}  // namespace knd::cel
