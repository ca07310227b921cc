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
                       const std::vector<std::string>& requests, const cel::Vocabulary& vocabulary,
                       Rules rules)
    : kind_(kind), rules_(rules), requests_(requests) {
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

bool Constraint::add(const cel::DeviceView& device, std::string_view base) {
    const auto* slot = name_ ? device.attribute(*name_) : nullptr;
    if (slot == nullptr) return false;
    if (!(kind_ == Kind::kMatch ? add_match(*slot, base) : add_distinct(*slot, base))) return false;
    ++count_;
    return true;
}

bool Constraint::may_add(const cel::DeviceView& device) const {
    const auto* slot = name_ ? device.attribute(*name_) : nullptr;
    if (slot == nullptr) return false;
    if (kind_ != Kind::kMatch || seen_.empty() || rules_.sets) return true;
    return same(seen_.back().slot, *slot);
}

void Constraint::remove(std::string_view base) {
    --count_;
    if (kind_ == Kind::kDistinct && rules_.distinct_per_request)
        std::erase_if(seen_, [&](const Seen& seen) { return seen.base == base; });
    else
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

Constraint::Elements Constraint::elements(const cel::Slot& slot) {
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
    Elements out;
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

bool Constraint::add_match(const cel::Slot& slot, std::string_view base) {
    if (!rules_.sets) {
        if (!seen_.empty() && !same(seen_.back().slot, slot)) return false;
        seen_.push_back({slot, base, {}});
        return true;
    }
    auto common = elements(slot);
    if (!seen_.empty()) {
        const auto& before = rules_.keeps_intersection ? kept_ : seen_.back().common;
        std::erase_if(common, [&](const Element& element) {
            return std::find(before.begin(), before.end(), element) == before.end();
        });
    }
    if (common.empty()) return false;
    if (rules_.keeps_intersection) kept_ = common;
    seen_.push_back({slot, base, std::move(common)});
    return true;
}

bool Constraint::add_distinct(const cel::Slot& slot, std::string_view base) {
    if (count_ > 0 && rules_.sets && elements(slot).empty()) return false;
    for (const auto& other : seen_)
        if (count_ > 0 && collide(slot, other.slot)) return false;
    if (rules_.distinct_per_request)
        std::erase_if(seen_, [&](const Seen& seen) { return seen.base == base; });
    seen_.push_back({slot, base, {}});
    return true;
}

/// Whether `a` repeats a value of `b`. Without sets a list is no value to compare at all.
bool Constraint::collide(const cel::Slot& a, const cel::Slot& b) const {
    if (!rules_.sets || (!is_list(a) && !is_list(b))) return is_list(a) || same(a, b);
    const auto theirs = elements(b);
    const auto mine = elements(a);
    return std::any_of(mine.begin(), mine.end(), [&](const Element& element) {
        return std::find(theirs.begin(), theirs.end(), element) != theirs.end();
    });
}

}  // namespace knd::alloc
