// SPDX-License-Identifier: Apache-2.0
//
// A host with two network devices, one with hardware and one without, and a pod with an eth0 of its
// own.
#pragma once

#include <gmock/gmock.h>

#include <algorithm>
#include <map>
#include <string>

#include "host/sandbox/attacher.hpp"
#include "tests/fakes/kernel.hpp"

namespace knd {

inline constexpr const char* kPod = "/run/netns/pod";
inline constexpr const char* kMac = "02:00:00:00:00:01";
inline constexpr unsigned kUp = 1;

class SandboxScene : public testing::Test {
  protected:
    SandboxScene() {
        kernel_.add_virtual(kFakeHome, "uplink", "veth", "02:00:00:00:00:99");
        kernel_.add_hardware(kFakeHome, "eth1", "0000:3b:00.0", kMac);
        kernel_.add_virtual(kFakeHome, "dra0", "dummy", kMac);
        furnish(kernel_.at(kFakeHome, "eth1"));
        furnish(kernel_.at(kFakeHome, "dra0"));
        rdma_ = kernel_.add_rdma("mlx5_0", "0000:3b:00.0");
        kernel_.add_netns(kPod);
        kernel_.add_virtual(kPod, "eth0", "veth", "02:00:00:00:00:50");
    }

    /// Gives a link something of everything that must come back.
    static void furnish(LinkState& state) {
        auto& link = state.link;
        link.flags |= kUp;
        link.mtu = 1400;
        link.alias = "rack 4 port 7";
        link.txqlen = 500;
        link.altnames = {"enp59s0-" + link.name};
        state.addresses = {
            {.ifindex = link.ifindex, .address = "192.0.2.1", .prefix_length = 24},
            {.ifindex = link.ifindex, .address = "2001:db8::1", .prefix_length = 64}};
        state.routes = {{.destination = "198.51.100.0/24",
                         .nexthops = {{.ifindex = link.ifindex}},
                         .metric = static_cast<std::uint32_t>(link.ifindex),
                         .scope = 253},
                        {.destination = "203.0.113.0/24",
                         .nexthops = {{.ifindex = link.ifindex, .gateway = "192.0.2.254"}},
                         .metric = 50 + static_cast<std::uint32_t>(link.ifindex)}};
        state.neighbors = {
            {.ifindex = link.ifindex, .address = "192.0.2.254", .mac = "02:00:00:00:00:fe"}};
    }

    NetdevEffect effect_of(const std::string& name) {
        const auto& link = kernel_.at(kFakeHome, name).link;
        return {link.ifindex, link.name, link.mac, ""};
    }

    /// A macvlan that is made in the pod on the uplink.
    NetdevEffect made_effect(const std::string& name) {
        NetdevEffect effect;
        effect.name = name;
        effect.made = MadeLink{.kind = "macvlan",
                               .parent_ifindex = kernel_.at(kFakeHome, "uplink").link.ifindex,
                               .parent = "uplink",
                               .mode = "bridge"};
        return effect;
    }

    /// A veth whose other end stays on the host.
    static NetdevEffect veth_effect(const std::string& name) {
        NetdevEffect effect;
        effect.name = name;
        effect.made = MadeLink{.kind = "veth", .peer = name + "-host"};
        return effect;
    }

    /// "mv..." and "ve..." are made in the pod, "mlx..." is an RDMA device, all others move.
    AttachPlan attach_plan(const std::vector<std::string>& names = {"eth1"}) {
        AttachPlan plan;
        plan.key = {"claim-uid", "device"};
        for (const auto& name : names) {
            if (name.starts_with("mlx"))
                plan.effects.rdma_links.push_back(name);
            else if (name.starts_with("ve"))
                plan.effects.netdevs.push_back(veth_effect(name));
            else if (name.starts_with("mv"))
                plan.effects.netdevs.push_back(made_effect(name));
            else
                plan.effects.netdevs.push_back(effect_of(name));
        }
        plan.network.interface_name = "net1";
        plan.network.mtu = 9000;
        plan.network.hardware_addr = "02:00:00:00:00:0a";
        plan.network.addresses = {{"10.0.0.1/24", "fd00::1/64"}};
        plan.network.routes = {{.destination = "10.9.0.0/16", .gateway = "10.0.0.254"},
                               {.destination = "10.8.0.0/16", .scope = 253}};
        plan.network.rules = {{.priority = 100, .source = "10.0.0.0/24", .table = 1000}};
        plan.network.neighbors = {{"10.0.0.254", "02:00:00:00:00:ff"}};
        plan.netns.path = kPod;
        return plan;
    }

    static DetachPlan way_back(const AttachPlan& plan, const HostState& state) {
        DetachPlan back;
        back.key = plan.key;
        back.effects = plan.effects;
        back.network = plan.network;
        back.host_state = state;
        back.netns.path = plan.netns.path;
        back.netns.id = plan.netns.id;
        return back;
    }

    /// The host's links, comparable: routes sorted, as their order says nothing.
    std::map<std::string, LinkState> host() const {
        auto links = kernel_.links(kFakeHome);
        for (auto& [name, state] : links) {
            std::sort(state.routes.begin(), state.routes.end(),
                      [](const auto& a, const auto& b) { return a.text() < b.text(); });
        }
        return links;
    }

    FakeKernel kernel_;
    int rdma_ = 0;  ///< mlx5_0
    Attacher attacher_{kernel_};
};

/// EXPECT_OK(result): shows the message of the error.
#define EXPECT_OK(expression)                                                     \
    do {                                                                          \
        const auto& expect_ok_result = (expression);                              \
        EXPECT_TRUE(expect_ok_result.ok())                                        \
            << (expect_ok_result.ok() ? "" : expect_ok_result.error().message()); \
    } while (false)
#define ASSERT_OK(expression)                                                     \
    do {                                                                          \
        const auto& assert_ok_result = (expression);                              \
        ASSERT_TRUE(assert_ok_result.ok())                                        \
            << (assert_ok_result.ok() ? "" : assert_ok_result.error().message()); \
    } while (false)

}  // namespace knd
