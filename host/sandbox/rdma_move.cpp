// SPDX-License-Identifier: Apache-2.0
#include "host/sandbox/rdma_move.hpp"

#include <algorithm>
#include <chrono>
#include <optional>
#include <thread>
#include <utility>

#include "host/sandbox/namespaces.hpp"

namespace knd {
namespace {

/// A namespace is destroyed in the background; its devices come home then.
constexpr auto kDyingNetnsPause = std::chrono::milliseconds(50);
constexpr int kDyingNetnsLooks = 20;

bool is_device(const RdmaLink& link, const RdmaLink& noted) {
    // It has none, or an older version noted none: its number is all there is.
    if (noted.node_guid.empty()) return link.index == noted.index;
    if (link.node_guid != noted.node_guid) return false;
    // Numbers are used again; functions of one card may have one GUID.
    return link.index == noted.index || link.name == noted.name;
}

Result<std::optional<RdmaLink>> find_rdma(Kernel& kernel, int netns, const RdmaLink& noted) {
    KND_TRY_ASSIGN(const auto links, kernel.rdma_links(netns));
    const auto found = std::find_if(links.begin(), links.end(),
                                    [&](const RdmaLink& link) { return is_device(link, noted); });
    return found == links.end() ? std::nullopt : std::optional(*found);
}

bool hardware_exists(Kernel& kernel, const RdmaState& device) {
    return !device.device.empty() && kernel.has_hardware(device.bus, device.device);
}

/// One of software outlives a namespace, too.
bool may_come(Kernel& kernel, const RdmaState& device) {
    return device.device.empty() || hardware_exists(kernel, device);
}

/// On the host, where it is brought if the pod has it. Waits a moment for one whose namespace dies.
Result<std::optional<RdmaLink>> bring_rdma_home(Kernel& kernel, const RdmaState& device,
                                                int pod_netns) {
    const int host = kernel.home_netns();
    for (int look = 1;; ++look) {
        KND_TRY_ASSIGN(auto on_host, find_rdma(kernel, host, device.link));
        if (on_host) return on_host;
        if (pod_netns >= 0) {
            KND_TRY_ASSIGN(auto in_pod, find_rdma(kernel, pod_netns, device.link));
            if (in_pod) KND_TRY(not_gone(kernel.move_rdma(pod_netns, in_pod->index, host)));
            return in_pod;
        }
        if (!may_come(kernel, device) || look == kDyingNetnsLooks) return std::optional<RdmaLink>();
        std::this_thread::sleep_for(kDyingNetnsPause);
    }
}

Result<void> return_one(Kernel& kernel, const RdmaState& device, int pod_netns,
                        std::vector<std::string>& warnings) {
    KND_TRY_ASSIGN(const auto now, bring_rdma_home(kernel, device, pod_netns));
    if (now && now->name == device.link.name) return {};
    if (now) return not_gone(kernel.rename_rdma(now->index, device.link.name));
    if (hardware_exists(kernel, device))
        return Error(Code::kUnavailable, "it (" + device.bus + " " + device.device +
                                             ") is neither in the pod nor back on the host yet");
    warnings.push_back("RDMA device " + device.link.name + " is gone, with its hardware");
    return {};
}

}  // namespace

Result<std::vector<RdmaState>> inspect_rdma(Kernel& kernel, const std::vector<std::string>& names) {
    std::vector<RdmaState> devices;
    if (names.empty()) return devices;
    KND_TRY_ASSIGN(const bool exclusive, kernel.rdma_exclusive());
    KND_TRY_ASSIGN(const auto present, kernel.rdma_links(kernel.home_netns()));
    for (const auto& name : names) {
        const auto found = std::find_if(present.begin(), present.end(),
                                        [&](const RdmaLink& link) { return link.name == name; });
        if (found == present.end())
            return Error(Code::kNotFound, "RDMA device " + name + " is gone from the host");
        if (!exclusive) continue;
        auto [bus, device] = kernel.rdma_hardware(name);
        devices.push_back({*found, std::move(bus), std::move(device)});
    }
    return devices;
}

Result<void> move_rdma_in(Kernel& kernel, const std::vector<RdmaState>& devices, int pod_netns) {
    for (const auto& device : devices) {
        KND_TRY_ASSIGN(const auto in_pod, find_rdma(kernel, pod_netns, device.link));
        if (in_pod) continue;
        KND_TRY(not_gone(kernel.move_rdma(kernel.home_netns(), device.link.index, pod_netns))
                    .wrap("RDMA device " + device.link.name));
    }
    return {};
}

Result<void> return_rdma(Kernel& kernel, const std::vector<RdmaState>& devices, int pod_netns,
                         std::vector<std::string>& warnings) {
    std::string errors;
    // In reverse; one that fails does not keep the others away.
    for (auto device = devices.rbegin(); device != devices.rend(); ++device) {
        const auto result = return_one(kernel, *device, pod_netns, warnings);
        if (result.ok()) continue;
        errors.append(errors.empty() ? "" : "; ")
            .append("RDMA device " + device->link.name + ": " + result.error().message());
    }
    if (errors.empty()) return {};
    return Error(Code::kUnavailable, std::move(errors));
}

}  // namespace knd
