// SPDX-License-Identifier: Apache-2.0
#include "host/sandbox/rdma_move.hpp"

#include <algorithm>
#include <optional>

#include "host/sandbox/namespaces.hpp"

namespace knd {
namespace {

std::optional<RdmaLink> with_index(const std::vector<RdmaLink>& links, int index) {
    const auto found = std::find_if(links.begin(), links.end(),
                                    [&](const RdmaLink& link) { return link.index == index; });
    return found == links.end() ? std::nullopt : std::optional(*found);
}

Result<void> return_one(Kernel& kernel, const RdmaLink& link, int pod_netns) {
    const int host = kernel.home_netns();
    KND_TRY_ASSIGN(const auto on_host, kernel.rdma_links(host));
    auto now = with_index(on_host, link.index);
    if (!now && pod_netns >= 0) {
        KND_TRY_ASSIGN(const auto in_pod, kernel.rdma_links(pod_netns));
        now = with_index(in_pod, link.index);
        if (now) KND_TRY(not_gone(kernel.move_rdma(pod_netns, link.index, host)));
    }
    if (!now) {
        // Unplugged, or on its way out of a dying namespace: only hardware that is gone is no
        // reason to look again, and its netdev tells.
        if (pod_netns >= 0) return {};
        return Error(Code::kUnavailable, "it is not back on the host yet");
    }
    if (now->name == link.name) return {};
    return not_gone(kernel.rename_rdma(link.index, link.name));
}

}  // namespace

Result<std::vector<RdmaLink>> inspect_rdma(Kernel& kernel, const std::vector<std::string>& names) {
    std::vector<RdmaLink> links;
    if (names.empty()) return links;
    KND_TRY_ASSIGN(const bool exclusive, kernel.rdma_exclusive());
    KND_TRY_ASSIGN(const auto present, kernel.rdma_links(kernel.home_netns()));
    for (const auto& name : names) {
        const auto found = std::find_if(present.begin(), present.end(),
                                        [&](const RdmaLink& link) { return link.name == name; });
        if (found == present.end())
            return Error(Code::kNotFound, "RDMA device " + name + " is gone from the host");
        if (exclusive) links.push_back(*found);
    }
    return links;
}

Result<void> move_rdma_in(Kernel& kernel, const std::vector<RdmaLink>& links, int pod_netns) {
    if (links.empty()) return {};
    KND_TRY_ASSIGN(const auto in_pod, kernel.rdma_links(pod_netns));
    for (const auto& link : links) {
        if (with_index(in_pod, link.index)) continue;
        KND_TRY(not_gone(kernel.move_rdma(kernel.home_netns(), link.index, pod_netns))
                    .wrap("RDMA device " + link.name));
    }
    return {};
}

Result<void> return_rdma(Kernel& kernel, const std::vector<RdmaLink>& links, int pod_netns) {
    std::string errors;
    // In reverse; one that fails does not keep the others away.
    for (auto link = links.rbegin(); link != links.rend(); ++link) {
        const auto result = return_one(kernel, *link, pod_netns);
        if (result.ok()) continue;
        errors.append(errors.empty() ? "" : "; ")
            .append("RDMA device " + link->name + ": " + result.error().message());
    }
    if (errors.empty()) return {};
    return Error(Code::kUnavailable, std::move(errors));
}

}  // namespace knd
