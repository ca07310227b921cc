// SPDX-License-Identifier: Apache-2.0
#include "host/alloc/allocator.hpp"

#include <array>
#include <cstddef>
#include <memory_resource>
#include <random>

#include "host/alloc/program_cache.hpp"
#include "host/alloc/search.hpp"

namespace knd::alloc {
namespace {

constexpr std::size_t kMaxForeignNodes = 1000;
/// What a search of a few requests needs beside its results.
constexpr std::size_t kScratchBytes = 16 * 1024;

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
            if (index >= holdings.devices.size()) holdings.devices.resize(index + 1);
            holdings.devices[index] = true;
            continue;
        }
        if (consumed->empty()) {
            ++holdings.bare_shares[index];
            continue;
        }
        const auto amounts = in_order(data.view(data.devices[index]), *consumed);
        auto& sum = holdings.capacity[index];
        sum.resize(amounts.size());
        for (std::size_t i = 0; i < amounts.size(); ++i)
            sum[i] += amounts[i];
    }
}

/// The opposite of hold().
void let_go(const Inventory::Data& data, const DeviceId& id, const Capacity* consumed,
            Holdings& holdings) {
    for (const auto index : data.find(id)) {
        if (consumed == nullptr) {
            if (holdings.has(index)) holdings.devices[index] = false;
            continue;
        }
        if (consumed->empty()) {
            const auto bare = holdings.bare_shares.find(index);
            if (bare != holdings.bare_shares.end() && --bare->second == 0)
                holdings.bare_shares.erase(bare);
            continue;
        }
        const auto found = holdings.capacity.find(index);
        if (found == holdings.capacity.end()) continue;
        const auto amounts = in_order(data.view(data.devices[index]), *consumed);
        auto& sum = found->second;
        bool used = false;
        for (std::size_t i = 0; i < sum.size(); ++i) {
            if (i < amounts.size()) sum[i] -= amounts[i];
            used = used || sum[i].sign() > 0;
        }
        if (!used) holdings.capacity.erase(found);
    }
}

/// visit(device, consumed capacity or null) for everything that the results take.
template <class Visit>
void for_each_holding(std::span<const api::AllocationResult> allocations, Visit visit) {
    for (const auto& allocation : allocations) {
        for (const auto& result : allocation.results) {
            if (result.admin_access) continue;
            visit(DeviceId{result.driver, result.pool, result.device},
                  result.share_id.empty() ? nullptr : &result.consumed_capacity);
        }
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
    State(std::shared_ptr<const Inventory> devices, ClassLookup lookup, Options how, ShareIds ids)
        : inventory(std::move(devices)),
          classes(std::move(lookup)),
          options(std::move(how)),
          share_ids(ids ? std::move(ids) : ShareIds(random_share_id)),
          behaviour(options),
          selectors(options.features, options.programs != nullptr
                                          ? options.programs
                                          : std::make_shared<ProgramCache>()) {}

    /// Gathered at the first question about a node, and again when its labels have changed.
    NodePools& pools(const api::Node& node);

    std::shared_ptr<const Inventory> inventory;
    ClassLookup classes;
    Options options;
    ShareIds share_ids;
    Behaviour behaviour;
    Holdings holdings;
    SelectorCache selectors;
    std::unordered_map<std::string, std::unique_ptr<NodePools>> nodes;
    std::uint64_t steps = 0;
};

NodePools& Allocator::State::pools(const api::Node& node) {
    const auto& data = inventory->data();
    // Whoever makes up nodes without end must not fill the memory.
    if (nodes.size() > data.nodes.size() + kMaxForeignNodes) nodes.clear();
    auto& known = nodes[node.name];
    const bool is_current = known != nullptr &&
                            (data.selectors.empty() || known->node().labels == node.labels) &&
                            known->node().declared_features == node.declared_features;
    if (!is_current) known = std::make_unique<NodePools>(data, node, options.features, behaviour);
    return *known;
}

Allocator::Allocator(std::shared_ptr<const Inventory> inventory, ClassLookup classes,
                     const AllocatedState& allocated, Options options, ShareIds share_ids)
    : state_(std::make_unique<State>(std::move(inventory), std::move(classes), std::move(options),
                                     std::move(share_ids))) {
    const auto& data = state_->inventory->data();
    if (!allocated.devices.empty()) state_->holdings.devices.resize(data.devices.size());
    for (const auto& id : allocated.devices)
        hold(data, id, nullptr, state_->holdings);
    for (const auto& [id, consumed] : allocated.capacity)
        hold(data, id, &consumed, state_->holdings);
}

Allocator::~Allocator() = default;
Allocator::Allocator(Allocator&&) noexcept = default;
Allocator& Allocator::operator=(Allocator&&) noexcept = default;

Result<std::optional<Allocations>> Allocator::allocate(
    const api::Node& node, std::span<const api::ResourceClaim* const> claims, Trace* trace) {
    auto& state = *state_;
    if (state.selectors.trim())
        for (auto& [name, pools] : state.nodes)
            pools->forget_verdicts();
    std::array<std::byte, kScratchBytes> buffer;
    std::pmr::monotonic_buffer_resource scratch(buffer.data(), buffer.size());
    const Context context{state.inventory->data(), state.classes,   state.holdings, state.options,
                          state.share_ids,         state.selectors, trace,          &scratch};
    Search search(context, state.pools(node), claims);
    auto result = search.run();
    state.steps = search.steps();
    return result;
}

void Allocator::commit(std::span<const api::AllocationResult> allocations) {
    const auto& data = state_->inventory->data();
    ++state_->holdings.changes;
    for_each_holding(allocations, [&](const DeviceId& id, const Capacity* consumed) {
        hold(data, id, consumed, state_->holdings);
    });
}

void Allocator::release(std::span<const api::AllocationResult> allocations) {
    const auto& data = state_->inventory->data();
    ++state_->holdings.changes;
    for_each_holding(allocations, [&](const DeviceId& id, const Capacity* consumed) {
        let_go(data, id, consumed, state_->holdings);
    });
}

std::uint64_t Allocator::steps() const {
    return state_->steps;
}

}  // namespace knd::alloc
