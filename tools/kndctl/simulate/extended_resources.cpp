// SPDX-License-Identifier: Apache-2.0
#include "tools/kndctl/simulate/extended_resources.hpp"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <tuple>
#include <utility>
#include <vector>

namespace knd::simulate {
namespace {

constexpr std::string_view kOfClass = "deviceclass.resource.kubernetes.io/";

std::int64_t count_of(const api::PodContainer& container, const std::string& resource) {
    const auto found = container.requests.find(resource);
    return found == container.requests.end() ? 0 : found->second.plain_int64().value_or(0);
}

/// Places in the list of all containers, those of the init phase first.
struct Containers {
    std::vector<const api::PodContainer*> all;
    std::vector<std::size_t> passing;  ///< end before the next one starts
    std::vector<std::size_t> lasting;  ///< the others: main ones and sidecars

    explicit Containers(const api::Pod& pod) {
        for (const auto& container : pod.init_containers) {
            (container.restarts_always ? lasting : passing).push_back(all.size());
            all.push_back(&container);
        }
        for (const auto& container : pod.containers) {
            lasting.push_back(all.size());
            all.push_back(&container);
        }
    }
};

/// The number at the end is the resource's place among all that the container asks for.
api::DeviceRequest request_for(const Containers& containers, std::size_t index,
                               const std::string& resource, const std::string& device_class,
                               std::int64_t count) {
    const auto& asked = containers.all[index]->requests;
    const auto place = std::distance(asked.begin(), asked.find(resource));
    api::DeviceRequest request;
    request.name = "container-" + std::to_string(index) + "-request-" + std::to_string(place);
    request.exactly.emplace();
    request.exactly->device_class = device_class;
    request.exactly->count = count;
    return request;
}

/// A container of the init phase uses what the lasting ones after it will have; only what it needs
/// beyond that is asked for, once for all of them.
void add_requests(const Containers& containers, const std::string& resource,
                  const std::string& device_class, std::vector<api::DeviceRequest>& out) {
    for (const auto index : containers.lasting)
        if (const auto count = count_of(*containers.all[index], resource); count > 0)
            out.push_back(request_for(containers, index, resource, device_class, count));
    std::optional<std::size_t> largest;
    std::int64_t most = 0;
    for (const auto index : containers.passing) {
        auto missing = count_of(*containers.all[index], resource);
        for (const auto other : containers.lasting)
            if (other >= index) missing -= count_of(*containers.all[other], resource);
        if (missing <= most) continue;
        most = missing;
        largest = index;
    }
    if (largest) out.push_back(request_for(containers, *largest, resource, device_class, most));
}

api::ResourceClaim make_claim(const api::Pod& pod, const BackingClasses& classes,
                              const std::set<std::string>& resources) {
    api::ResourceClaim claim;
    claim.meta.ns = pod.meta.ns;
    claim.meta.name = pod.meta.name + "-extended-resources";
    claim.meta.annotations["resource.kubernetes.io/extended-resource-claim"] = "true";
    const Containers containers(pod);
    auto& requests = claim.devices.requests;
    for (const auto& resource : resources)
        add_requests(containers, resource, classes.at(resource)->meta.name, requests);
    std::sort(requests.begin(), requests.end(),
              [](const auto& a, const auto& b) { return a.name < b.name; });
    return claim;
}

std::set<std::string> backed(const api::Pod& pod, const BackingClasses& classes) {
    std::set<std::string> out;
    for (const auto* containers : {&pod.init_containers, &pod.containers})
        for (const auto& container : *containers)
            for (const auto& [resource, amount] : container.requests)
                if (classes.contains(resource) && count_of(container, resource) > 0)
                    out.insert(resource);
    return out;
}

}  // namespace

BackingClasses backing_classes(const Classes& classes) {
    BackingClasses out;
    for (const auto& [name, device_class] : classes) {
        out[std::string(kOfClass) + name] = &device_class;
        if (device_class.extended_resource_name.empty()) continue;
        auto& known = out[device_class.extended_resource_name];
        // Classes come in the order of their names.
        if (known == nullptr || known->meta.created < device_class.meta.created)
            known = &device_class;
    }
    return out;
}

std::optional<ExtendedClaim> ExtendedClaim::make(const api::Pod& pod, const BackingClasses& classes,
                                                 std::span<const api::Node> nodes) {
    // A pod with a node has gone past the scheduler, which alone makes such claims.
    if (!pod.extended_resource_claim.empty() || !pod.node_name.empty()) return std::nullopt;
    ExtendedClaim out;
    out.pod_ = &pod;
    out.resources_ = backed(pod, classes);
    if (out.resources_.empty()) return std::nullopt;
    std::set<Names> all = {{}};
    for (const auto& node : nodes)
        all.insert(out.provided(node));
    for (const auto& without : all) {
        Names left;
        std::set_difference(out.resources_.begin(), out.resources_.end(), without.begin(),
                            without.end(), std::inserter(left, left.end()));
        out.variants_.emplace(without, make_claim(pod, classes, left));
    }
    return out;
}

ExtendedClaim::Names ExtendedClaim::provided(const api::Node& node) const {
    Names out;
    for (const auto& resource : resources_) {
        const auto found = node.allocatable.find(resource);
        if (found != node.allocatable.end() && !found->second.is_zero()) out.insert(resource);
    }
    return out;
}

const api::ResourceClaim* ExtendedClaim::on(const api::Node& node) const {
    const auto found = variants_.find(provided(node));
    const auto& claim = found == variants_.end() ? whole() : found->second;
    return claim.devices.requests.empty() ? nullptr : &claim;
}

bool ExtendedClaim::has(const api::ResourceClaim& claim) const {
    return std::any_of(variants_.begin(), variants_.end(),
                       [&](const auto& variant) { return &variant.second == &claim; });
}

}  // namespace knd::simulate
