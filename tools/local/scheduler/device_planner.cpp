// SPDX-License-Identifier: Apache-2.0
#include "tools/local/scheduler/device_planner.hpp"

#include <map>
#include <optional>
#include <utility>

#include "host/alloc/allocator.hpp"
#include "host/model/placement.hpp"
#include "tools/local/api/intake.hpp"

namespace knd::local {
namespace {

/// An error of a reader, with the object's name in front.
template <class T>
Result<T> named(const Json& object, Result<T> read) {
    return std::move(read).wrap(api::object_name(object));
}

}  // namespace

struct PodClaims::Typed {
    std::vector<api::ResourceClaim> claims;
    std::vector<const api::ResourceClaim*> open;  ///< those without an allocation
};

PodClaims::PodClaims() : typed_(std::make_unique<Typed>()) {}
PodClaims::PodClaims(PodClaims&&) noexcept = default;
PodClaims& PodClaims::operator=(PodClaims&&) noexcept = default;
PodClaims::~PodClaims() = default;

Result<PodClaims> PodClaims::read(std::vector<JsonObject> objects) {
    PodClaims claims;
    for (const auto& object : objects) {
        KND_TRY_ASSIGN(auto claim, named(*object, api::read_resource_claim(*object)));
        claims.typed_->claims.push_back(std::move(claim));
    }
    for (const auto& claim : claims.typed_->claims) {
        if (!claim.allocation) claims.typed_->open.push_back(&claim);
    }
    claims.objects_ = std::move(objects);
    return claims;
}

bool PodClaims::allocated(std::size_t index) const {
    return typed_->claims[index].allocation.has_value();
}

bool PodClaims::all_allocated() const {
    return typed_->open.empty();
}

std::string PodClaims::reject(const Json& node) const {
    const auto typed = api::read_node(node);
    if (!typed.ok()) return typed.error().message();
    for (const auto& claim : typed_->claims) {
        auto reason = api::reject(claim, *typed);
        if (!reason.empty()) return reason;
    }
    return {};
}

struct DevicePlanner::State {
    std::map<std::string, api::DeviceClass, std::less<>> classes;
    std::optional<alloc::Allocator> allocator;
};

DevicePlanner::DevicePlanner(std::unique_ptr<State> state) : state_(std::move(state)) {}
DevicePlanner::~DevicePlanner() = default;

Result<std::unique_ptr<DevicePlanner>> DevicePlanner::make(
    const Cluster& cluster, std::shared_ptr<alloc::ProgramCache> programs) {
    auto state = std::make_unique<State>();
    std::vector<api::ResourceSlice> slices;
    for (const auto& object : cluster.slices) {
        KND_TRY_ASSIGN(auto slice, named(*object, api::read_resource_slice(*object)));
        slices.push_back(std::move(slice));
    }
    for (const auto& object : cluster.classes) {
        KND_TRY_ASSIGN(auto device_class, named(*object, api::read_device_class(*object)));
        state->classes.emplace(api::object_name(*object), std::move(device_class));
    }
    alloc::AllocatedState allocated;
    for (const auto& object : cluster.claims) {
        KND_TRY_ASSIGN(const auto claim, named(*object, api::read_resource_claim(*object)));
        if (claim.allocation) allocated.add(*claim.allocation);
    }
    KND_TRY_ASSIGN(auto inventory, alloc::Inventory::make(slices));
    alloc::Options options;
    options.programs = std::move(programs);
    state->allocator.emplace(
        std::move(inventory),
        [&classes = state->classes](std::string_view name) -> const api::DeviceClass* {
            const auto found = classes.find(name);
            return found == classes.end() ? nullptr : &found->second;
        },
        allocated, std::move(options));
    return std::unique_ptr<DevicePlanner>(new DevicePlanner(std::move(state)));
}

Result<> DevicePlanner::check_classes(const PodClaims& claims) const {
    for (const auto* claim : claims.typed().open) {
        for (const auto& request : claim->devices.requests) {
            auto wanted = request.first_available;
            if (request.exactly) wanted.push_back(*request.exactly);
            for (const auto& one : wanted) {
                if (state_->classes.contains(one.device_class)) continue;
                const auto full = one.name.empty() ? request.name : request.name + "/" + one.name;
                return Error(Code::kNotFound, "request " + full + ": device class " +
                                                  one.device_class + " does not exist");
            }
        }
    }
    return {};
}

Result<DevicePlanner::Plan> DevicePlanner::plan(const PodClaims& claims, const Json& node) {
    Plan plan;
    if (claims.all_allocated()) return plan;
    KND_TRY_ASSIGN(const auto typed, api::read_node(node));
    auto found = state_->allocator->allocate(typed, claims.typed().open);
    if (!found.ok()) {
        // This code alone is about one node: its pools are invalid.
        if (found.code() != Code::kFailedPrecondition) return std::move(found).error();
        plan.reason = found.error().message();
    } else if (!*found) {
        plan.reason = "cannot allocate all claims";
    } else {
        state_->allocator->commit(**found);
        for (const auto& allocation : **found)
            plan.allocations.push_back(api::to_json(allocation));
    }
    return plan;
}

}  // namespace knd::local
