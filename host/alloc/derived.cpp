// SPDX-License-Identifier: Apache-2.0
#include "host/alloc/derived.hpp"

#include "host/cel/derivation.hpp"
#include "host/cel/value.hpp"

namespace knd::alloc {
namespace {

using Type = cel::Slot::Type;

std::optional<Element> element(const cel::Value& value) {
    switch (value.kind()) {
        case cel::Kind::kBool:
            return Element{Type::kBool, value.as_bool() ? 1 : 0, {}};
        case cel::Kind::kInt:
            return Element{Type::kInt, value.as_int(), {}};
        case cel::Kind::kString:
            return Element{Type::kString, 0, std::string(value.text())};
        case cel::Kind::kSemver:
            return Element{Type::kVersion, 0, value.as_semver().text()};
        default:
            return std::nullopt;
    }
}

Error unsupported(const cel::Value& value) {
    return {Code::kFailedPrecondition,
            "unsupported CEL return type: " + std::string(cel::type_name(value))};
}

Result<ElementList> to_elements(const cel::Value& value) {
    ElementList out;
    if (!value.is(cel::Kind::kList)) {
        auto scalar = element(value);
        if (!scalar) return unsupported(value);
        out.elements.push_back(*std::move(scalar));
        return out;
    }
    out.is_list = true;
    const auto& list = value.as_list();
    for (std::size_t i = 0; i < list.size; ++i) {
        auto one = element(list.items[i]);
        if (!one || (i > 0 && one->type != out.elements[0].type)) return unsupported(list.items[i]);
        out.elements.push_back(*std::move(one));
    }
    return out;
}

}  // namespace

const Result<cel::Program>& DerivedValues::program(const std::string& expression) {
    const auto known = programs_.find(expression);
    if (known != programs_.end()) return known->second;
    auto compiled = cel::compile_derivation(expression, selector_environment(features_));
    return programs_.emplace(expression, std::move(compiled)).first->second;
}

Result<ElementList> DerivedValues::evaluate(const cel::Program& program, DeviceIndex index) const {
    const auto& device = data_.devices[index];
    const auto* extra = data_.extra(device);
    if (extra != nullptr && !extra->broken.empty())
        return Error(Code::kInvalidArgument, extra->broken);
    const auto view = data_.view(device);
    cel::Arena arena;
    KND_TRY_ASSIGN(const auto value, program.evaluate(view, arena));
    return to_elements(value);
}

Result<const ElementList*> DerivedValues::get(const api::DerivedAttribute& attribute,
                                              DeviceIndex device) {
    const auto key = std::pair(attribute.expression, device);
    if (const auto known = values_.find(key); known != values_.end()) return &known->second;
    const auto& compiled = program(attribute.expression);
    if (!compiled.ok())
        return Error(compiled.error())
            .wrap("compile derived attribute " + attribute.name + " failed");
    auto value = evaluate(*compiled, device);
    // Like an error of a selector it concerns all nodes.
    if (!value.ok())
        return Error(Code::kInvalidArgument, value.error().message())
            .wrap("evaluate derived attribute " + attribute.name + " on device " +
                  data_.id(data_.devices[device]).text() + " failed");
    return &values_.emplace(key, *std::move(value)).first->second;
}

}  // namespace knd::alloc
