// SPDX-License-Identifier: Apache-2.0
#include "backends/rdma/verbs.hpp"

#include <fcntl.h>

#include <algorithm>

namespace rdma {
namespace {

std::int64_t bytes_of(ibv_mtu mtu) {
    return mtu >= IBV_MTU_256 && mtu <= IBV_MTU_4096 ? 128LL << mtu : 0;
}

/// enum ib_port_width of the kernel, which is a bit per width.
std::string width_text(std::uint8_t width) {
    switch (width) {
        case 1:
            return "1X";
        case 2:
            return "4X";
        case 4:
            return "8X";
        case 8:
            return "12X";
        case 16:
            return "2X";
        default:
            return "";
    }
}

/// Ends the device here: it has left for a pod, or for good.
bool is_end(ibv_event_type type) {
    return type == IBV_EVENT_DEVICE_FATAL;
}

}  // namespace

void Verbs::follow(const std::vector<std::string>& names) {
    const auto wanted = [&](const std::string& name) {
        return std::find(names.begin(), names.end(), name) != names.end();
    };
    for (auto it = open_.begin(); it != open_.end();) {
        const auto one = it++;
        if (!wanted(one->first)) forget(one);
    }
    if (std::all_of(names.begin(), names.end(),
                    [&](const auto& name) { return open_.contains(name); }))
        return;
    int count = 0;
    ibv_device** const list = ibv_get_device_list(&count);
    if (list == nullptr) return;
    for (int i = 0; i < count; ++i) {
        const std::string name = ibv_get_device_name(list[i]);
        if (wanted(name) && !open_.contains(name)) open(list[i]);
    }
    ibv_free_device_list(list);
}

void Verbs::open(ibv_device* device) {
    const std::string name = ibv_get_device_name(device);
    Context context(ibv_open_device(device));
    if (!context) return;
    const int flags = ::fcntl(context->async_fd, F_GETFL);
    if (flags < 0 || ::fcntl(context->async_fd, F_SETFL, flags | O_NONBLOCK) != 0) return;
    if (const auto watched = host_.watch(context->async_fd); !watched.ok()) {
        host_.warn("events of RDMA device " + name + " are not heard, its ports are looked at " +
                   "when the host asks: " + watched.error().message());
        return;
    }
    open_.emplace(name, std::move(context));
}

void Verbs::forget(std::map<std::string, Context>::iterator open) {
    host_.unwatch(open->second->async_fd);
    open_.erase(open);
}

void Verbs::close() {
    while (!open_.empty())
        forget(open_.begin());
}

std::optional<Facts> Verbs::facts(const std::string& name) const {
    const auto found = open_.find(name);
    if (found == open_.end()) return std::nullopt;
    auto* const context = found->second.get();
    ibv_port_attr port{};
    if (ibv_query_port(context, 1, &port) != 0) return std::nullopt;
    Facts facts;
    facts.active_mtu = bytes_of(port.active_mtu);
    facts.link_width = width_text(port.active_width);
    return facts;
}

bool Verbs::on_ready(int fd) {
    const auto found = std::find_if(open_.begin(), open_.end(),
                                    [&](const auto& one) { return one.second->async_fd == fd; });
    if (found == open_.end()) return false;
    ibv_async_event event{};
    bool heard = false;
    bool ended = false;
    while (!ended && ibv_get_async_event(found->second.get(), &event) == 0) {
        heard = true;
        ended = is_end(event.event_type);
        ibv_ack_async_event(&event);
    }
    if (!heard) ended = errno != EAGAIN && errno != EINTR;
    if (ended) forget(found);
    if (heard || ended) {
        host_.devices_changed();
        host_.health_changed();
    }
    return true;
}

}  // namespace rdma
