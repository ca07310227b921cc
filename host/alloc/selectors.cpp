// SPDX-License-Identifier: Apache-2.0
#include "host/alloc/selectors.hpp"

namespace knd::alloc {
namespace {

/// Claims bring expressions without end; classes have few.
constexpr std::size_t kMaxSelectors = 1000;

}  // namespace

cel::Environment selector_environment(const Features& features) {
    cel::Environment environment;
    environment.kubernetes_minor = features.kubernetes_minor;
    // Since 1.37 stored expressions know lists whatever the gate says.
    environment.list_attributes = features.list_attributes || features.kubernetes_minor >= 37;
    environment.consumable_capacity = features.consumable_capacity;
    return environment;
}

Result<void> check_attributes(const std::map<std::string, AttributeValue>& attributes,
                              const Features& features) {
    // Since 1.37 lists are known whatever the gate says.
    if (features.list_attributes || features.kubernetes_minor >= 37) return {};
    for (const auto& [name, value] : attributes)
        if (is_list(value))
            return Error(Code::kInvalidArgument,
                         "attribute " + name + ": unsupported attribute value");
    return {};
}

Result<void> Selector::compile(ProgramCache& programs, const cel::Environment& environment) {
    if (program_ != nullptr) return {};
    KND_TRY_ASSIGN(program_, programs.get(expression_, environment));
    return {};
}

Result<bool> Selector::matches(const Inventory::Data& data, DeviceIndex index,
                               bool hides_sharing) const {
    const auto& device = data.devices[index];
    const auto* extra = data.extra(device);
    if (extra != nullptr && !extra->broken.empty())
        return Error(Code::kInvalidArgument, extra->broken);
    auto view = data.view(device);
    view.allow_multiple_allocations = view.allow_multiple_allocations && !hides_sharing;
    return program_->matches(view);
}

Selector& SelectorCache::get(const std::string& expression) {
    const auto known = selectors_.find(expression);
    if (known != selectors_.end()) return known->second;
    const auto number = static_cast<std::uint32_t>(selectors_.size());
    return selectors_.try_emplace(expression, expression, number).first->second;
}

bool SelectorCache::trim() {
    if (selectors_.size() <= kMaxSelectors) return false;
    selectors_.clear();
    return true;
}

}  // namespace knd::alloc
