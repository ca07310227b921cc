// SPDX-License-Identifier: Apache-2.0
#include "host/alloc/selectors.hpp"

namespace knd::alloc {
namespace {

/// Claims bring expressions without end; classes have few.
constexpr std::size_t kMaxSelectors = 1000;

}  // namespace

bool knows_lists(const Features& features) {
    // Since 1.37 lists are known whatever the gate says.
    return features.list_attributes || features.kubernetes_minor >= 37;
}

cel::Environment selector_environment(const Features& features) {
    cel::Environment environment;
    environment.kubernetes_minor = features.kubernetes_minor;
    environment.list_attributes = knows_lists(features);
    environment.consumable_capacity = features.consumable_capacity;
    return environment;
}

Result<void> check_attributes(const api::SliceDevice& device, const Features& features) {
    const auto unsupported = [](const std::string& name) {
        return Error(Code::kInvalidArgument, "attribute " + name + ": unsupported attribute value");
    };
    if (!device.unknown_attributes.empty()) return unsupported(*device.unknown_attributes.begin());
    if (knows_lists(features)) return {};
    for (const auto& [name, value] : device.attributes)
        if (is_list(value)) return unsupported(name);
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
