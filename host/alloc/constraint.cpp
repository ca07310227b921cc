// SPDX-License-Identifier: Apache-2.0
#include "host/alloc/constraint.hpp"

#include <algorithm>

namespace knd::alloc {
namespace {

using Type = cel::Slot::Type;

bool is_list(const cel::Slot& slot) {
    return slot.type == Type::kList;
}

}  // namespace

Constraint::Constraint(Kind kind, std::string_view attribute,
                       const std::vector<std::string>& requests, const cel::Vocabulary& vocabulary)
    : kind_(kind), requests_(requests) {
    // A name without a domain is not fully qualified, and no attribute has it.
    if (attribute.find('/') != std::string_view::npos)
        name_ = vocabulary.find_name(cel::split_qualified_name(attribute, {}));
}

bool Constraint::concerns(std::string_view base, std::string_view sub) const {
    if (requests_.empty()) return true;
    return std::any_of(requests_.begin(), requests_.end(), [&](const std::string& request) {
        if (request == base) return true;
        return !sub.empty() && request.size() == base.size() + 1 + sub.size() &&
               request.starts_with(base) && request[base.size()] == '/' && request.ends_with(sub);
    });
}

bool Constraint::add(const cel::DeviceView& device) {
    const auto* slot = name_ ? device.attribute(*name_) : nullptr;
    if (slot == nullptr) return false;
    return kind_ == Kind::kMatch ? add_match(*slot) : add_distinct(*slot);
}

bool Constraint::may_add(const cel::DeviceView& device) const {
    const auto* slot = name_ ? device.attribute(*name_) : nullptr;
    if (slot == nullptr) return false;
    if (kind_ != Kind::kMatch || seen_.empty() || is_list(*slot)) return true;
    const auto& last = seen_.back();
    return !last.list.empty() || is_list(last.scalar) || same(last.scalar, *slot);
}

void Constraint::remove() {
    seen_.pop_back();
}

bool Constraint::same(const cel::Slot& a, const cel::Slot& b) {
    if (a.type != b.type) return false;
    switch (a.type) {
        case Type::kInt:
            return a.integer == b.integer;
        case Type::kBool:
            return a.boolean == b.boolean;
        case Type::kString:
            return a.string == b.string;  // interned
        case Type::kVersion:
            return a.version == b.version || a.version->text() == b.version->text();
        case Type::kList:
        case Type::kQuantity:
            return false;
    }
    return false;
}

std::vector<Constraint::Element> Constraint::elements(const cel::Slot& slot) {
    switch (slot.type) {
        case Type::kInt:
            return {{Type::kInt, slot.integer, {}}};
        case Type::kBool:
            return {{Type::kBool, slot.boolean ? 1 : 0, {}}};
        case Type::kString:
            return {{Type::kString, 0, *slot.string}};
        case Type::kVersion:
            return {{Type::kVersion, 0, slot.version->text()}};
        case Type::kQuantity:
            return {};
        case Type::kList:
            break;
    }
    std::vector<Element> out;
    if (const auto* integers = std::get_if<std::vector<std::int64_t>>(slot.list))
        for (const auto value : *integers)
            out.push_back({Type::kInt, value, {}});
    if (const auto* booleans = std::get_if<std::vector<bool>>(slot.list))
        for (const bool value : *booleans)
            out.push_back({Type::kBool, value ? 1 : 0, {}});
    if (const auto* texts = std::get_if<std::vector<std::string>>(slot.list))
        for (const auto& value : *texts)
            out.push_back({Type::kString, 0, value});
    if (const auto* versions = std::get_if<std::vector<Version>>(slot.list))
        for (const auto& value : *versions)
            out.push_back({Type::kVersion, 0, value.text});
    return out;
}

bool Constraint::add_match(const cel::Slot& slot) {
    if (seen_.empty()) {
        seen_.push_back({slot, is_list(slot) ? elements(slot) : std::vector<Element>()});
        return true;
    }
    const auto& last = seen_.back();
    if (last.list.empty() && !is_list(last.scalar) && !is_list(slot)) {
        if (!same(last.scalar, slot)) return false;
        seen_.push_back({slot, {}});
        return true;
    }
    // Lists must keep a value in common; a scalar is a list of one.
    auto common = last.list.empty() ? elements(last.scalar) : last.list;
    const auto mine = elements(slot);
    std::erase_if(common, [&](const Element& element) {
        return std::find(mine.begin(), mine.end(), element) == mine.end();
    });
    if (common.empty()) return false;
    seen_.push_back({slot, std::move(common)});
    return true;
}

bool Constraint::add_distinct(const cel::Slot& slot) {
    for (const auto& other : seen_) {
        if (!is_list(slot) && !is_list(other.scalar)) {
            if (same(slot, other.scalar)) return false;
            continue;
        }
        const auto theirs = elements(other.scalar);
        for (const auto& element : elements(slot))
            if (std::find(theirs.begin(), theirs.end(), element) != theirs.end()) return false;
    }
    seen_.push_back({slot, {}});
    return true;
}

}  // namespace knd::alloc
