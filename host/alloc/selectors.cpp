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
    environment.list_attributes = features.list_attributes;
    environment.consumable_capacity = features.consumable_capacity;
    return environment;
}

Selector::Selector(std::string expression, const Inventory::Data& data, const Features& features)
    : expression_(std::move(expression)), data_(data), features_(features) {}

Result<void> Selector::compile() {
    if (!program_) {
        program_ = cel::compile_selector(expression_, selector_environment(features_));
        verdicts_.assign(data_.devices.size(), Verdict::kUnknown);
    }
    if (!program_->ok()) return program_->error();
    return {};
}

Result<bool> Selector::matches(DeviceIndex index) {
    auto& verdict = verdicts_[index];
    if (verdict != Verdict::kUnknown) return verdict == Verdict::kTrue;
    const auto& device = data_.devices[index];
    const auto* extra = data_.extra(device);
    if (extra != nullptr && !extra->broken.empty())
        return Error(Code::kInvalidArgument, extra->broken);
    auto result = (*program_)->matches(data_.view(device));
    if (result.ok()) verdict = *result ? Verdict::kTrue : Verdict::kFalse;
    return result;
}

Selector& SelectorCache::get(const std::string& expression) {
    auto& entry = selectors_[expression];
    if (entry == nullptr) entry = std::make_unique<Selector>(expression, data_, features_);
    return *entry;
}

void SelectorCache::trim() {
    if (selectors_.size() > kMaxSelectors) selectors_.clear();
}

}  // namespace knd::alloc
