// SPDX-License-Identifier: Apache-2.0
#include "sdk/support/bpf.hpp"

#include <bpf/bpf.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>
#include <memory>
#include <set>

#include <knd/cpp/fd.hpp>

namespace knd::bpf {
namespace {

// linux/bpf.h of Linux 6.6; older headers lack them.
constexpr auto kTcxIngress = static_cast<bpf_attach_type>(46);
constexpr auto kTcxEgress = static_cast<bpf_attach_type>(47);
constexpr std::uint32_t kMaxPrograms = 64;

using Socket = std::unique_ptr<nl_sock, decltype(&nl_socket_free)>;
using Handler = std::function<void(nlmsghdr*)>;

int on_message(nl_msg* message, void* handler) {
    (*static_cast<Handler*>(handler))(nlmsg_hdr(message));
    return NL_OK;
}

Result<void> dump(nl_sock* socket, int type, const tcmsg& request, Handler handler) {
    if (const int sent =
            nl_send_simple(socket, type, NLM_F_DUMP, const_cast<tcmsg*>(&request), sizeof request);
        sent < 0) {
        return Error(Code::kUnavailable, std::string("ask for tc: ") + nl_geterror(sent));
    }
    nl_socket_modify_cb(socket, NL_CB_VALID, NL_CB_CUSTOM, on_message, &handler);
    if (const int received = nl_recvmsgs_default(socket); received < 0) {
        return Error(Code::kUnavailable, std::string("read tc: ") + nl_geterror(received));
    }
    return {};
}

/// Interfaces with a clsact qdisc; without one there can be no filter.
Result<std::set<int>> with_clsact(nl_sock* socket) {
    std::set<int> found;
    const tcmsg request{};
    KND_TRY(dump(socket, RTM_GETQDISC, request, [&](nlmsghdr* header) {
        const auto* tc = static_cast<const tcmsg*>(nlmsg_data(header));
        const auto* kind = nlmsg_find_attr(header, sizeof *tc, TCA_KIND);
        if (kind != nullptr && std::string_view(nla_get_string(kind)) == "clsact") {
            found.insert(tc->tcm_ifindex);
        }
    }));
    return found;
}

Result<void> add_filters(nl_sock* socket, int ifindex, std::vector<std::string>& names) {
    for (const auto parent : {TC_H_MIN_INGRESS, TC_H_MIN_EGRESS}) {
        tcmsg request{};
        request.tcm_ifindex = ifindex;
        request.tcm_parent = TC_H_MAKE(TC_H_CLSACT, parent);
        KND_TRY(dump(socket, RTM_GETTFILTER, request, [&](nlmsghdr* header) {
            const auto* kind = nlmsg_find_attr(header, sizeof(tcmsg), TCA_KIND);
            auto* options = nlmsg_find_attr(header, sizeof(tcmsg), TCA_OPTIONS);
            if (kind == nullptr || options == nullptr) return;
            if (std::string_view(nla_get_string(kind)) != "bpf") return;
            auto* attributes = static_cast<nlattr*>(nla_data(options));
            const auto* name = nla_find(attributes, nla_len(options), TCA_BPF_NAME);
            // The kernel reports each filter twice, the chain's head without a name.
            if (name != nullptr) names.emplace_back(nla_get_string(name));
        }));
    }
    return {};
}

void add_tcx(int ifindex, std::vector<std::string>& names) {
    for (const auto direction : {kTcxIngress, kTcxEgress}) {
        std::array<std::uint32_t, kMaxPrograms> ids{};
        std::uint32_t count = kMaxPrograms;
        if (bpf_prog_query(ifindex, direction, 0, nullptr, ids.data(), &count) != 0) continue;
        for (std::uint32_t i = 0; i < std::min(count, kMaxPrograms); ++i) {
            const Fd program(bpf_prog_get_fd_by_id(ids[i]));
            bpf_prog_info info{};
            std::uint32_t size = sizeof info;
            if (!program || bpf_obj_get_info_by_fd(program.get(), &info, &size) != 0) continue;
            names.emplace_back(info.name, strnlen(info.name, sizeof info.name));
        }
    }
}

}  // namespace

Result<std::map<int, Programs>> programs(const std::vector<int>& ifindexes) {
    const Socket socket(nl_socket_alloc(), nl_socket_free);
    if (!socket) return Error(Code::kResourceExhausted, "out of memory for a netlink socket");
    if (const int error = nl_connect(socket.get(), NETLINK_ROUTE); error < 0) {
        return Error(Code::kUnavailable, std::string("open netlink: ") + nl_geterror(error));
    }
    nl_socket_disable_seq_check(socket.get());
    KND_TRY_ASSIGN(const auto clsact, with_clsact(socket.get()));
    std::map<int, Programs> found;
    for (const int ifindex : ifindexes) {
        Programs programs;
        if (clsact.contains(ifindex)) {
            KND_TRY(add_filters(socket.get(), ifindex, programs.tc_filters));
        }
        add_tcx(ifindex, programs.tcx_programs);
        if (programs.any()) found.emplace(ifindex, std::move(programs));
    }
    return found;
}

}  // namespace knd::bpf
