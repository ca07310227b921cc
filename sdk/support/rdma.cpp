// SPDX-License-Identifier: Apache-2.0
#include "sdk/support/rdma.hpp"

#include <linux/netlink.h>
#include <rdma/rdma_netlink.h>

#include <cstdint>
#include <cstdio>

#include "sdk/support/netlink_message.hpp"
#include "sdk/support/netlink_socket.hpp"

namespace knd {
namespace {

// An RDMA request has no fixed part (drivers/infiniband/core/nldev.c).
constexpr std::size_t kNoHeader = 0;

Message request(int command, int flags = 0) {
    return Message(RDMA_NL_GET_TYPE(RDMA_NL_NLDEV, command), flags);
}

/// As sysfs has it.
std::string guid_text(std::uint64_t guid) {
    if (guid == 0) return "";
    char text[20];
    std::snprintf(text, sizeof text, "%04x:%04x:%04x:%04x",
                  static_cast<unsigned>(guid >> 48 & 0xffff),
                  static_cast<unsigned>(guid >> 32 & 0xffff),
                  static_cast<unsigned>(guid >> 16 & 0xffff), static_cast<unsigned>(guid & 0xffff));
    return text;
}

}  // namespace

Rdma::Rdma(std::unique_ptr<Netlink::Socket> socket) : socket_(std::move(socket)) {}
Rdma::Rdma(Rdma&&) noexcept = default;
Rdma& Rdma::operator=(Rdma&&) noexcept = default;
Rdma::~Rdma() = default;

Result<Rdma> Rdma::open() {
    auto socket = Netlink::Socket::open(NETLINK_RDMA);
    if (socket.ok()) return Rdma(*std::move(socket));
    const auto& error = socket.error();
    if (error.os_error() != EPROTONOSUPPORT) return error;
    return Error(Code::kUnimplemented, "this kernel has no RDMA", EPROTONOSUPPORT);
}

Result<bool> Rdma::exclusive() {
    auto message = request(RDMA_NLDEV_CMD_SYS_GET);
    // A kernel before 5.2 does not tell, and has shared mode alone.
    bool exclusive = false;
    auto told = socket_->request(message, [&](const nlmsghdr* answer) {
        const auto attributes = Attributes::of(answer, kNoHeader);
        if (attributes.has(RDMA_NLDEV_SYS_ATTR_NETNS_MODE))
            exclusive = attributes.u8(RDMA_NLDEV_SYS_ATTR_NETNS_MODE) == 0;
    });
    if (!told.ok()) return std::move(told).error().wrap("read the RDMA namespace mode");
    return exclusive;
}

Result<std::vector<RdmaLink>> Rdma::links() {
    auto message = request(RDMA_NLDEV_CMD_GET, NLM_F_DUMP);
    std::vector<RdmaLink> links;
    auto listed = socket_->dump(
        message, [&] { links.clear(); },
        [&](const nlmsghdr* answer) {
            const auto attributes = Attributes::of(answer, kNoHeader);
            links.push_back({static_cast<int>(attributes.u32(RDMA_NLDEV_ATTR_DEV_INDEX)),
                             attributes.text(RDMA_NLDEV_ATTR_DEV_NAME),
                             guid_text(attributes.u64(RDMA_NLDEV_ATTR_NODE_GUID))});
        });
    if (!listed.ok()) return std::move(listed).error().wrap("list RDMA devices");
    return links;
}

Result<void> Rdma::move(int index, int netns_fd) {
    auto message = request(RDMA_NLDEV_CMD_SET, NLM_F_ACK);
    message.put_u32(RDMA_NLDEV_ATTR_DEV_INDEX, static_cast<std::uint32_t>(index));
    message.put_u32(RDMA_NLDEV_NET_NS_FD, static_cast<std::uint32_t>(netns_fd));
    return socket_->request(message).wrap("move RDMA device " + std::to_string(index));
}

Result<void> Rdma::rename(int index, const std::string& name) {
    auto message = request(RDMA_NLDEV_CMD_SET, NLM_F_ACK);
    message.put_u32(RDMA_NLDEV_ATTR_DEV_INDEX, static_cast<std::uint32_t>(index));
    message.put_text(RDMA_NLDEV_ATTR_DEV_NAME, name);
    return socket_->request(message).wrap("rename RDMA device " + std::to_string(index) + " to " +
                                          name);
}

}  // namespace knd
