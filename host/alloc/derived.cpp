// SPDX-License-Identifier: Apache-2.0
#include "host/alloc/derived.hpp"

#include <algorithm>

#include "host/cel/value.hpp"

namespace knd::alloc {
namespace {

using Type = cel::Slot::Type;

bool is_element_type(std::string_view type) {
    constexpr std::string_view kTypes[] = {
        "bool", "int", "string", "dyn", "google.protobuf.Any", "kubernetes.Semver"};
    return std::find(std::begin(kTypes), std::end(kTypes), type) != std::end(kTypes);
}

bool is_attribute_type(std::string_view type) {
    if (is_element_type(type)) return true;
    constexpr std::string_view kList = "list(";
    if (!type.starts_with(kList)) return false;
    return is_element_type(type.substr(kList.size(), type.size() - kList.size() - 1));
}

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
    auto compiled = cel::compile(expression, selector_environment(features_));
    if (compiled.ok() && !is_attribute_type(compiled->result_type()))
        compiled = Error(Code::kInvalidArgument,
                         "must evaluate to a primitive scalar (string, integer, boolean, semver) "
                         "or a list of these scalars, not " +
                             compiled->result_type());
    return programs_.emplace(expression, std::move(compiled)).first->second;
}

Result<ElementList> DerivedValues::evaluate(const cel::Program& program, DeviceIndex index) const {
    const auto& device = data_.devices[index];
    const auto* extra = data_.extra(device);
    if (extra != nullptr && !extra->broken.empty())
        return Error(Code::kInvalidArgument, extra->broken);
    const auto view = data_.view(device);
    const auto variable = cel::Value::device(&view);
    cel::Arena arena;
    KND_TRY_ASSIGN(const auto value, program.evaluate(std::span(&variable, 1), arena));
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
