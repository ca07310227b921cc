// SPDX-License-Identifier: Apache-2.0
#include "host/cel/device_view.hpp"

#include <algorithm>
#include <functional>

namespace knd::cel {

QualifiedName split_qualified_name(std::string_view name, std::string_view driver) {
    const auto slash = name.find('/');
    if (slash == std::string_view::npos) return {driver, name};
    return {name.substr(0, slash), name.substr(slash + 1)};
}

std::size_t Vocabulary::NameHash::operator()(const QualifiedName& name) const {
    const std::hash<std::string_view> hash;
    return hash(name.id) * 31 + hash(name.domain);
}

NameId Vocabulary::intern_name(QualifiedName name) {
    const auto found = name_ids_.find(name);
    if (found != name_ids_.end()) return found->second;
    const QualifiedName kept{intern(name.domain), intern(name.id)};
    const auto id = static_cast<NameId>(names_.size());
    names_.push_back(kept);
    name_ids_.emplace(kept, id);
    return id;
}

std::optional<NameId> Vocabulary::find_name(QualifiedName name) const {
    const auto found = name_ids_.find(name);
    if (found == name_ids_.end()) return std::nullopt;
    return found->second;
}

/// Where the text is, or else would be. The table is never full.
std::size_t Vocabulary::place_of(std::string_view text) const {
    const auto mask = text_places_.size() - 1;
    auto place = std::hash<std::string_view>()(text) & mask;
    while (text_places_[place] != nullptr && *text_places_[place] != text)
        place = (place + 1) & mask;
    return place;
}

/// For one more text, at most three quarters full.
void Vocabulary::make_room() {
    if ((texts_.size() + 1) * 4 <= text_places_.size() * 3) return;
    text_places_.assign(std::max<std::size_t>(16, text_places_.size() * 2), nullptr);
    for (const auto& text : texts_)
        text_places_[place_of(text)] = &text;
}

const std::string& Vocabulary::intern(std::string_view text) {
    make_room();
    auto& known = text_places_[place_of(text)];
    if (known == nullptr) known = &texts_.emplace_back(text);
    return *known;
}

const std::string* Vocabulary::find_text(std::string_view text) const {
    return text_places_.empty() ? nullptr : text_places_[place_of(text)];
}

Result<const Semver*> Vocabulary::version(std::string_view text) {
    const auto* key = &intern(text);
    if (const auto known = versions_.find(key); known != versions_.end()) return &known->second;
    KND_TRY_ASSIGN(auto parsed, Semver::parse(text));
    return &versions_.emplace(key, std::move(parsed)).first->second;
}

const Quantity& Vocabulary::keep(const Quantity& quantity) {
    const auto key = quantity.value_rounded_up();
    const auto [first, last] = quantity_ids_.equal_range(key);
    for (auto known = first; known != last; ++known)
        if (known->second->identical(quantity)) return *known->second;
    return *quantity_ids_.emplace(key, &quantities_.emplace_back(quantity))->second;
}

const AttributeValue& Vocabulary::keep(const AttributeValue& list) {
    return lists_.emplace_back(list);
}

namespace {

Result<Slot> make_slot(Vocabulary& vocabulary, const AttributeValue& value) {
    Slot slot;
    if (const auto* integer = std::get_if<std::int64_t>(&value)) {
        slot.type = Slot::Type::kInt;
        slot.integer = *integer;
    } else if (const auto* boolean = std::get_if<bool>(&value)) {
        slot.type = Slot::Type::kBool;
        slot.boolean = *boolean;
    } else if (const auto* text = std::get_if<std::string>(&value)) {
        slot.type = Slot::Type::kString;
        slot.string = &vocabulary.intern(*text);
    } else if (const auto* version = std::get_if<Version>(&value)) {
        auto parsed = vocabulary.version(version->text);
        if (!parsed.ok()) return std::move(parsed).error().wrap("parse semantic version");
        slot.type = Slot::Type::kVersion;
        slot.version = *parsed;
    } else {
        slot.type = Slot::Type::kList;
        slot.list = &vocabulary.keep(value);
    }
    return slot;
}

}  // namespace

Result<void> append_attributes(Vocabulary& vocabulary, std::string_view driver,
                               const std::map<std::string, AttributeValue>& attributes,
                               std::vector<Slot>& slots) {
    Result<void> first_error;
    for (const auto& [name, value] : attributes) {
        auto slot = make_slot(vocabulary, value);
        if (!slot.ok()) {
            if (first_error.ok()) first_error = std::move(slot).error().wrap("attribute " + name);
            continue;
        }
        slot->name = vocabulary.intern_name(split_qualified_name(name, driver));
        slot->qualified = name.find('/') != std::string::npos;
        slots.push_back(*slot);
    }
    return first_error;
}

void append_capacity(Vocabulary& vocabulary, std::string_view driver, std::string_view name,
                     const Quantity& value, std::vector<Slot>& slots) {
    Slot slot;
    slot.name = vocabulary.intern_name(split_qualified_name(name, driver));
    slot.qualified = name.find('/') != std::string_view::npos;
    slot.type = Slot::Type::kQuantity;
    slot.quantity = &vocabulary.keep(value);
    slots.push_back(slot);
}

Result<OwnedDevice> OwnedDevice::make(std::string_view driver,
                                      const std::map<std::string, AttributeValue>& attributes,
                                      const std::map<std::string, std::string>& capacity,
                                      bool allow_multiple_allocations) {
    OwnedDevice out;
    out.vocabulary_ = std::make_unique<Vocabulary>();
    out.driver_ = driver;
    out.allow_multiple_allocations_ = allow_multiple_allocations;
    KND_TRY(append_attributes(*out.vocabulary_, driver, attributes, out.attributes_));
    for (const auto& [name, text] : capacity) {
        auto quantity = Quantity::parse(text);
        if (!quantity.ok()) return std::move(quantity).error().wrap("capacity " + name);
        append_capacity(*out.vocabulary_, driver, name, *quantity, out.capacity_);
    }
    return out;
}

DeviceView OwnedDevice::view() const {
    return {vocabulary_.get(), driver_, attributes_, capacity_, allow_multiple_allocations_};
}

}  // namespace knd::cel
