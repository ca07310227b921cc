// SPDX-License-Identifier: Apache-2.0
#include "host/alloc/constraint.hpp"

#include <algorithm>

namespace knd::alloc {
namespace {

using Type = cel::Slot::Type;

template <class Container, class Element>
bool has(const Container& container, const Element& element) {
    return std::find(container.begin(), container.end(), element) != container.end();
}

}  // namespace

bool concerns(const std::vector<std::string>& requests, std::string_view base,
              std::string_view sub) {
    if (requests.empty()) return true;
    return std::any_of(requests.begin(), requests.end(), [&](const std::string& request) {
        if (request == base) return true;
        return !sub.empty() && request.size() == base.size() + 1 + sub.size() &&
               request.starts_with(base) && request[base.size()] == '/' && request.ends_with(sub);
    });
}

Constraint::Constraint(Kind kind, std::string_view attribute, const cel::Vocabulary& vocabulary,
                       NodePools& pools, Rules rules)
    : kind_(kind), rules_(rules), pools_(&pools) {
    // A name without a domain is not fully qualified, and no attribute has it.
    if (attribute.find('/') != std::string_view::npos)
        name_ = vocabulary.find_name(cel::split_qualified_name(attribute, {}));
    if (name_) values_ = &pools.values(*name_);
}

bool Constraint::add(CandidateIndex candidate, std::string_view base) {
    if (value(candidate) == kNoValue) return false;
    if (!(kind_ == Kind::kMatch ? add_match(candidate, base) : add_distinct(candidate, base)))
        return false;
    ++count_;
    return true;
}

bool Constraint::add_value(CandidateIndex candidate, std::string_view base,
                           const ElementList* computed) {
    if (computed == nullptr && value(candidate) == kNoValue) return false;
    auto own = computed != nullptr
                   ? *computed
                   : ElementList{value(candidate) == kListValue, elements(candidate)};
    Elements common;
    if (!fits(own, common)) return false;
    seen_.push_back({candidate, base, std::move(common), std::move(own)});
    ++count_;
    return true;
}

/// With sets: whether they meet, or must not; `common` is what all of them have. Without: whether
/// two scalars are equal, or must not be; a list may only be the first.
bool Constraint::fits(const ElementList& value, Elements& common) const {
    const auto meets = [&](const Seen& other) {
        if (!rules_.sets)
            return !value.is_list && !other.own.is_list && value.elements == other.own.elements;
        return std::any_of(value.elements.begin(), value.elements.end(),
                           [&](const Element& one) { return has(other.own.elements, one); });
    };
    if (rules_.sets && value.elements.empty()) return false;
    if (!rules_.sets && value.is_list && !seen_.empty()) return false;
    if (kind_ == Kind::kDistinct) return std::none_of(seen_.begin(), seen_.end(), meets);
    if (!rules_.sets) return seen_.empty() || meets(seen_.front());
    common = value.elements;
    if (!seen_.empty())
        std::erase_if(common, [&](const Element& one) { return !has(seen_.back().common, one); });
    return !common.empty();
}

bool Constraint::may_add(CandidateIndex candidate) const {
    const auto mine = value(candidate);
    if (mine == kNoValue) return false;
    if (seen_.empty()) return true;
    if (kind_ == Kind::kDistinct)
        return mine == kListValue ||
               std::none_of(seen_.begin(), seen_.end(),
                            [&](const Seen& seen) { return value(seen.candidate) == mine; });
    if (rules_.sets) return true;
    return mine != kListValue && mine == value(seen_.back().candidate);
}

void Constraint::remove(std::string_view base) {
    --count_;
    if (kind_ == Kind::kDistinct && rules_.distinct_per_request)
        std::erase_if(seen_, [&](const Seen& seen) { return seen.base == base; });
    else
        seen_.pop_back();
}

const ValueNumbers* Constraint::countable_values() const {
    const bool open = kind_ == Kind::kDistinct || (seen_.empty() && !rules_.sets);
    return open ? values_ : nullptr;
}

std::optional<CandidateIndex> Constraint::rival(CandidateIndex candidate) const {
    if (value(candidate) == kNoValue || seen_.empty()) return std::nullopt;
    if (kind_ == Kind::kDistinct)
        for (const auto& seen : seen_)
            if (collide(candidate, seen.candidate)) return seen.candidate;
    return seen_.back().candidate;
}

std::string Constraint::value_text(CandidateIndex candidate) const {
    std::string out;
    for (const auto& element : elements(candidate)) {
        if (!out.empty()) out += ", ";
        if (element.type == Type::kInt)
            out += std::to_string(element.number);
        else if (element.type == Type::kBool)
            out += element.number == 0 ? "false" : "true";
        else
            out += element.text;
    }
    return out;
}

Elements Constraint::elements(CandidateIndex candidate) const {
    const auto* slot = name_ ? pools_->attribute(candidate, *name_) : nullptr;
    if (slot == nullptr) return {};
    Elements out;
    switch (slot->type) {
        case Type::kInt:
            return {{Type::kInt, slot->integer, {}}};
        case Type::kBool:
            return {{Type::kBool, slot->boolean ? 1 : 0, {}}};
        case Type::kString:
            return {{Type::kString, 0, *slot->string}};
        case Type::kVersion:
            return {{Type::kVersion, 0, slot->version->text()}};
        case Type::kQuantity:
            return {};
        case Type::kList:
            break;
    }
    if (const auto* integers = std::get_if<std::vector<std::int64_t>>(slot->list))
        for (const auto number : *integers)
            out.push_back({Type::kInt, number, {}});
    if (const auto* booleans = std::get_if<std::vector<bool>>(slot->list))
        for (const bool boolean : *booleans)
            out.push_back({Type::kBool, boolean ? 1 : 0, {}});
    if (const auto* texts = std::get_if<std::vector<std::string>>(slot->list))
        for (const auto& text : *texts)
            out.push_back({Type::kString, 0, text});
    if (const auto* versions = std::get_if<std::vector<Version>>(slot->list))
        for (const auto& version : *versions)
            out.push_back({Type::kVersion, 0, version.text});
    return out;
}

bool Constraint::add_match(CandidateIndex candidate, std::string_view base) {
    if (!rules_.sets) {
        if (!may_add(candidate)) return false;
        seen_.push_back({candidate, base, {}, {}});
        return true;
    }
    auto common = elements(candidate);
    if (!seen_.empty()) {
        const auto& before = rules_.keeps_intersection ? kept_ : seen_.back().common;
        std::erase_if(common, [&](const Element& element) { return !has(before, element); });
    }
    if (common.empty()) return false;
    if (rules_.keeps_intersection) kept_ = common;
    seen_.push_back({candidate, base, std::move(common), {}});
    return true;
}

bool Constraint::add_distinct(CandidateIndex candidate, std::string_view base) {
    if (count_ > 0 && rules_.sets && elements(candidate).empty()) return false;
    for (const auto& other : seen_)
        if (collide(candidate, other.candidate)) return false;
    if (rules_.distinct_per_request)
        std::erase_if(seen_, [&](const Seen& seen) { return seen.base == base; });
    seen_.push_back({candidate, base, {}, {}});
    return true;
}

/// Whether `a` repeats a value of `b`. Without sets a list is no value to compare at all.
bool Constraint::collide(CandidateIndex a, CandidateIndex b) const {
    if (rules_.distinct_by_device)
        return pools_->candidates()[a].device == pools_->candidates()[b].device;
    if (value(a) != kListValue && value(b) != kListValue) return value(a) == value(b);
    if (!rules_.sets) return value(a) == kListValue;
    const auto theirs = elements(b);
    const auto mine = elements(a);
    return std::any_of(mine.begin(), mine.end(),
                       [&](const Element& element) { return has(theirs, element); });
}

}  // namespace knd::alloc
