// SPDX-License-Identifier: Apache-2.0
#include "host/sandbox/namespaces.hpp"

#include <algorithm>
#include <cerrno>

namespace knd {

Result<Namespaces> open_host(Kernel& kernel) {
    Namespaces namespaces;
    namespaces.host_netns = kernel.home_netns();
    KND_TRY_ASSIGN(namespaces.host, kernel.view(namespaces.host_netns));
    return namespaces;
}

Result<void> check_identity(Kernel& kernel, int netns_fd, const PodNetns& netns) {
    KND_TRY_ASSIGN(const auto id, kernel.netns_id(netns_fd));
    KND_TRY_ASSIGN(const auto host, kernel.netns_id(kernel.home_netns()));
    if (id == host) {
        return Error(
            Code::kFailedPrecondition,
            "the pod shares the host's network namespace (hostNetwork): a device cannot be "
            "moved into it");
    }
    if (netns.id.empty() || netns.id == id) return {};
    return Error(Code::kNotFound, "the network namespace of the pod is gone: at " + netns.path +
                                      " there is another one now");
}

Result<void> open_pod(Kernel& kernel, const PodNetns& netns, Namespaces& namespaces) {
    namespaces.pod_netns = netns.fd.get();
    if (!netns.fd) {
        if (netns.path.empty()) return Error(Code::kNotFound, "the pod has no network namespace");
        KND_TRY_ASSIGN(namespaces.opened, kernel.open_netns(netns.path));
        namespaces.pod_netns = namespaces.opened.get();
    }
    KND_TRY(check_identity(kernel, namespaces.pod_netns, netns));
    auto view = kernel.view(namespaces.pod_netns);
    // It is there, whatever the kernel has against a socket in it.
    if (!view.ok()) return not_gone(std::move(view).error());
    namespaces.pod = *std::move(view);
    return {};
}

namespace {

template <class Is>
Result<std::optional<LinkInfo>> confirmed(NetworkView& view, Result<LinkInfo> link, Is is) {
    if (link.ok()) return std::optional(*std::move(link));
    if (link.code() != Code::kNotFound) return std::move(link).error();
    KND_TRY_ASSIGN(const auto links, view.links());
    const auto found = std::find_if(links.begin(), links.end(), is);
    return found == links.end() ? std::nullopt : std::optional(*found);
}

}  // namespace

Result<std::optional<LinkInfo>> look_up(NetworkView& view, int ifindex) {
    return confirmed(view, view.link(ifindex),
                     [&](const LinkInfo& link) { return link.ifindex == ifindex; });
}

Result<std::optional<LinkInfo>> look_up(NetworkView& view, const std::string& name) {
    return confirmed(view, view.link(name),
                     [&](const LinkInfo& link) { return link.name == name; });
}

bool is_absent(const Error& error) {
    return error.os_error() == ENOENT;
}

Result<void> not_gone(Result<void> result) {
    if (result.code() != Code::kNotFound) return result;
    const auto& error = result.error();
    return Error(Code::kUnavailable, error.message(), error.os_error());
}

}  // namespace knd
