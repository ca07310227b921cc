// SPDX-License-Identifier: Apache-2.0
#include "host/plugin/effects_sink.hpp"

#include <algorithm>

#include "host/plugin/names.hpp"

#include <knd/cpp/abi.hpp>

namespace knd::plugin {
namespace {

Error invalid(std::string text) {
    return {Code::kInvalidArgument, std::move(text)};
}

std::string_view view(const char* text) {
    return text != nullptr ? text : "";
}

std::string quoted(std::string_view text) {
    return is_utf8(text) ? "`" + std::string(cut_utf8(text, 80)) + "`" : "`(not UTF-8)`";
}

template <class List>
Result<void> check_room(const List& list) {
    if (list.size() < EffectsCollector::kMaxOfEach) return {};
    return invalid("more than " + std::to_string(EffectsCollector::kMaxOfEach) +
                   " effects of one kind");
}

/// Structs of the other side that are as long as this host knows them.
template <class T>
Result<void> check_struct(const T* theirs, const char* name) {
    if (theirs != nullptr && theirs->size >= sizeof(T)) return {};
    return invalid(std::string(name) + " is missing or too short");
}

}  // namespace

template <class Add>
knd_status EffectsCollector::answer(const knd_effects* face, Add add) noexcept {
    auto& self = *static_cast<EffectsCollector*>(face->host_data);
    if (self.cancelled_) return KND_CANCELLED;
    try {
        Result<void> result = add(self);
        if (result.ok()) return KND_OK;
        const auto status = to_status(result.code());
        if (!self.refusal_) self.refusal_ = std::move(result).error();
        return status;
    } catch (const std::exception&) {  // out of memory; nothing else throws above
        return KND_RESOURCE_EXHAUSTED;
    }
}

EffectsCollector::EffectsCollector(const std::atomic<bool>& cancelled) : cancelled_(cancelled) {
    using Sink = const knd_effects*;
    face_.size = sizeof face_;
    face_.netdev = [](Sink e, const knd_netdev* n) noexcept {
        return answer(e, [&](EffectsCollector& self) { return self.add_netdev(n); });
    };
    face_.rdma_link = [](Sink e, const char* name) noexcept {
        return answer(e, [&](EffectsCollector& self) { return self.add_rdma_link(name); });
    };
    face_.device_node = [](Sink e, const knd_node* n) noexcept {
        return answer(e, [&](EffectsCollector& self) { return self.add_node(n); });
    };
    face_.mount = [](Sink e, const knd_mount* m) noexcept {
        return answer(e, [&](EffectsCollector& self) { return self.add_mount(m); });
    };
    face_.env = [](Sink e, const char* key, const char* value) noexcept {
        return answer(e, [&](EffectsCollector& self) { return self.add_env(key, value); });
    };
    face_.state = [](Sink e, const void* data, std::uint64_t size) noexcept {
        return answer(e, [&](EffectsCollector& self) { return self.set_state(data, size); });
    };
    face_.host_data = this;
}

Result<void> EffectsCollector::add_netdev(const knd_netdev* netdev) {
    KND_TRY(check_struct(netdev, "knd_netdev"));
    const auto name = view(netdev->name);
    const auto where = "netdev " + quoted(name);
    if (!is_interface_name(name)) return invalid(where + ": no name of an interface");
    if (netdev->ifindex <= 0) {
        return invalid(where + ": ifindex " + std::to_string(netdev->ifindex) + " is no interface");
    }
    const auto mac = view(netdev->mac);
    if (!mac.empty() && !is_hardware_address(mac)) {
        return invalid(where + ": " + quoted(mac) + " is no hardware address");
    }
    const auto in_pod = view(netdev->name_in_pod);
    if (!in_pod.empty() && !is_interface_name(in_pod)) {
        return invalid(where + ": name in the pod " + quoted(in_pod) +
                       " is no name of an interface");
    }
    KND_TRY(check_room(effects_.netdevs).wrap(where));
    const bool again =
        std::any_of(effects_.netdevs.begin(), effects_.netdevs.end(),
                    [&](const NetdevEffect& other) { return other.ifindex == netdev->ifindex; });
    if (again) return invalid(where + ": given twice");
    effects_.netdevs.push_back(
        {netdev->ifindex, std::string(name), std::string(mac), std::string(in_pod)});
    return {};
}

Result<void> EffectsCollector::add_rdma_link(const char* name) {
    const auto text = view(name);
    const auto where = "RDMA link " + quoted(text);
    if (text.empty() || text.size() > 63 || !is_utf8(text) ||
        text.find('/') != std::string_view::npos) {
        return invalid(where + ": no name of an RDMA device");
    }
    KND_TRY(check_room(effects_.rdma_links).wrap(where));
    effects_.rdma_links.emplace_back(text);
    return {};
}

Result<void> EffectsCollector::add_node(const knd_node* node) {
    KND_TRY(check_struct(node, "knd_node"));
    const auto path = view(node->path);
    const auto where = "device node " + quoted(path);
    if (!is_clean_path(path)) return invalid(where + ": must be an absolute path without `..`");
    if (node->mode > 0777) return invalid(where + ": mode has more than permission bits");
    KND_TRY(check_room(effects_.nodes).wrap(where));
    effects_.nodes.push_back({std::string(path), node->mode == 0 ? 0660 : node->mode});
    return {};
}

Result<void> EffectsCollector::add_mount(const knd_mount* mount) {
    KND_TRY(check_struct(mount, "knd_mount"));
    const auto source = view(mount->source);
    const auto destination = view(mount->destination);
    const auto where = "mount " + quoted(destination);
    if (!is_clean_path(source) || !is_clean_path(destination)) {
        return invalid(where + ": source and destination must be absolute paths without `..`");
    }
    KND_TRY(check_room(effects_.mounts).wrap(where));
    effects_.mounts.push_back(
        {std::string(source), std::string(destination), mount->read_only != 0});
    return {};
}

Result<void> EffectsCollector::add_env(const char* key, const char* value) {
    const auto where = "environment variable " + quoted(view(key));
    if (!is_c_identifier(view(key))) return invalid(where + ": no name of a variable");
    if (view(value).size() > kMaxEnvValue || !is_utf8(view(value))) {
        return invalid(where + ": value must be at most 32 KiB of UTF-8");
    }
    KND_TRY(check_room(effects_.env).wrap(where));
    if (!effects_.env.emplace(view(key), view(value)).second) {
        return invalid(where + ": given twice");
    }
    return {};
}

Result<void> EffectsCollector::set_state(const void* data, std::uint64_t size) {
    if (size > kMaxState) {
        return invalid("state: " + std::to_string(size) + " bytes, at most 4096 are kept");
    }
    if (data == nullptr && size != 0) return invalid("state: no data");
    effects_.state = size == 0 ? "" : std::string(static_cast<const char*>(data), size);
    return {};
}

}  // namespace knd::plugin
