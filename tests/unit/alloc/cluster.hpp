// SPDX-License-Identifier: Apache-2.0
//
// A small cluster written down as JSON-like builder calls, and one call that allocates in it.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "host/alloc/allocator.hpp"

namespace knd::alloc {

inline api::SliceDevice device(std::string name,
                               std::map<std::string, AttributeValue> attributes = {}) {
    api::SliceDevice out;
    out.name = std::move(name);
    out.attributes = std::move(attributes);
    return out;
}

inline api::ResourceSlice slice(std::string name, std::vector<api::SliceDevice> devices,
                                std::string pool = "pool", std::string driver = "driver") {
    api::ResourceSlice out;
    out.meta.name = std::move(name);
    out.driver = std::move(driver);
    out.pool = {std::move(pool), 1, 1};
    out.node_name = "node-1";
    out.devices = std::move(devices);
    return out;
}

inline api::DeviceRequest request(std::string name, std::int64_t count = 1,
                                  std::vector<std::string> selectors = {}) {
    api::DeviceRequest out;
    out.name = std::move(name);
    out.exactly.emplace();
    out.exactly->device_class = "class";
    out.exactly->count = count;
    for (auto& selector : selectors)
        out.exactly->selectors.emplace_back(std::move(selector));
    return out;
}

inline api::DeviceRequest all(std::string name, std::vector<std::string> selectors = {}) {
    auto out = request(std::move(name), 1, std::move(selectors));
    out.exactly->allocation_mode = "All";
    return out;
}

inline api::ExactRequest alternative(std::string name, std::int64_t count = 1,
                                     std::vector<std::string> selectors = {}) {
    auto out = *request(name, count, std::move(selectors)).exactly;
    out.name = std::move(name);
    return out;
}

inline api::DeviceRequest first_of(std::string name, std::vector<api::ExactRequest> alternatives) {
    api::DeviceRequest out;
    out.name = std::move(name);
    out.first_available = std::move(alternatives);
    return out;
}

inline api::DeviceConstraint match(std::string attribute, std::vector<std::string> requests = {}) {
    return {std::move(requests), std::move(attribute), std::nullopt};
}

inline api::DeviceConstraint distinct(std::string attribute) {
    return {{}, std::nullopt, std::move(attribute)};
}

inline api::ResourceClaim claim(std::vector<api::DeviceRequest> requests,
                                std::vector<api::DeviceConstraint> constraints = {}) {
    api::ResourceClaim out;
    out.meta.ns = "default";
    out.meta.name = "claim";
    out.devices.requests = std::move(requests);
    out.devices.constraints = std::move(constraints);
    return out;
}

struct Cluster {
    std::vector<api::ResourceSlice> slices;
    std::vector<api::ResourceClaim> claims;
    std::map<std::string, api::DeviceClass> classes;
    AllocatedState allocated;
    Options options;
    mutable std::uint64_t steps = 0;  ///< of the last allocate()
    api::Node node{"node-1", {{"region", "region-1"}, {"planet", "earth"}}};

    Cluster() { add_class("class", "device.driver == \"driver\""); }
    void add_class(const std::string& name, const std::string& selector) {
        classes[name].meta.name = name;
        classes[name].selectors = {selector};
    }

    Result<std::optional<Allocations>> allocate() const {
        KND_TRY_ASSIGN(auto inventory, Inventory::make(slices, options.features));
        const auto lookup = [this](std::string_view name) -> const api::DeviceClass* {
            const auto found = classes.find(std::string(name));
            return found == classes.end() ? nullptr : &found->second;
        };
        Allocator allocator(std::move(inventory), lookup, allocated, options,
                            [] { return std::string("share"); });
        std::vector<const api::ResourceClaim*> pointers;
        for (const auto& item : claims)
            pointers.push_back(&item);
        auto result = allocator.allocate(node, pointers);
        steps = allocator.steps();
        return result;
    }

    /// "req=device req=device", claims apart by "; ", or "no", or "error: ...".
    std::string outcome() const {
        const auto result = allocate();
        if (!result.ok()) return "error: " + result.error().message();
        if (!*result) return "no";
        std::string out;
        for (const auto& allocation : **result) {
            if (&allocation != &(*result)->front()) out += "; ";
            for (const auto& item : allocation.results) {
                if (&item != &allocation.results.front()) out += ' ';
                out += item.request + "=" + item.device;
            }
        }
        return out;
    }
};

}  // namespace knd::alloc
