// SPDX-License-Identifier: Apache-2.0
#include "host/alloc/allocator.hpp"

#include <random>

#include "host/alloc/search.hpp"

namespace knd::alloc {
namespace {

/// A random UUID, version 4.
std::string random_share_id() {
    std::random_device random;
    constexpr char kHex[] = "0123456789abcdef";
    std::string out;
    for (int i = 0; i < 36; ++i) {
        if (i == 8 || i == 13 || i == 18 || i == 23)
            out += '-';
        else if (i == 14)
            out += '4';
        else if (i == 19)
            out += kHex[8 + random() % 4];
        else
            out += kHex[random() % 16];
    }
    return out;
}

void hold(const Inventory::Data& data, const DeviceId& id, const Capacity* consumed,
          Holdings& holdings) {
    for (const auto index : data.find(id)) {
        if (consumed == nullptr) {
            holdings.devices[index] = true;
            continue;
        }
        auto& sum = holdings.capacity[index];
        for (const auto& [name, value] : *consumed)
            sum[name] += value;
    }
}

}  // namespace

void AllocatedState::add(const api::AllocationResult& allocation) {
    for (const auto& result : allocation.results) {
        if (result.admin_access) continue;
        DeviceId id{result.driver, result.pool, result.device};
        if (result.share_id.empty()) {
            devices.insert(std::move(id));
            continue;
        }
        if (!shares.emplace(id, result.share_id).second) continue;
        auto& sum = capacity[id];
        for (const auto& [name, value] : result.consumed_capacity)
            sum[name] += value;
    }
}

struct Allocator::State {
    std::shared_ptr<const Inventory> inventory;
    ClassLookup classes;
    Options options;
    ShareIds share_ids;
    Holdings holdings;
    Programs programs;
    std::uint64_t steps = 0;
};

Allocator::Allocator(std::shared_ptr<const Inventory> inventory, ClassLookup classes,
                     AllocatedState allocated, Options options, ShareIds share_ids)
    : state_(std::make_unique<State>()) {
    state_->inventory = std::move(inventory);
    state_->classes = std::move(classes);
    state_->options = std::move(options);
    state_->share_ids = share_ids ? std::move(share_ids) : ShareIds(random_share_id);
    const auto& data = state_->inventory->data();
    state_->holdings.devices.assign(data.devices.size(), false);
    for (const auto& id : allocated.devices)
        hold(data, id, nullptr, state_->holdings);
    for (const auto& [id, consumed] : allocated.capacity)
        hold(data, id, &consumed, state_->holdings);
}

Allocator::~Allocator() = default;
Allocator::Allocator(Allocator&&) noexcept = default;
Allocator& Allocator::operator=(Allocator&&) noexcept = default;

Result<std::optional<Allocations>> Allocator::allocate(
    const api::Node& node, std::span<const api::ResourceClaim* const> claims) {
    state_->steps = 0;
    const Context context{
        state_->inventory->data(), state_->classes,  state_->holdings, state_->options,
        state_->share_ids,         state_->programs, state_->steps};
    return Search(context, node, claims).run();
}

void Allocator::commit(std::span<const api::AllocationResult> allocations) {
    const auto& data = state_->inventory->data();
    for (const auto& allocation : allocations) {
        for (const auto& result : allocation.results) {
            if (result.admin_access) continue;
            const bool shared = !result.share_id.empty();
            hold(data, {result.driver, result.pool, result.device},
                 shared ? &result.consumed_capacity : nullptr, state_->holdings);
        }
    }
}

std::uint64_t Allocator::steps() const {
    return state_->steps;
}

}  // namespace knd::alloc
