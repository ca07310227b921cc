// SPDX-License-Identifier: Apache-2.0
//
// FakeNode: a kernel with the network cards of one node, as the tests of the claims speak of it. It
// outlives the daemon.
#pragma once

#include <map>
#include <string>

#include "host/sandbox/attacher.hpp"
#include "tests/fakes/kernel.hpp"

namespace knd::fake {

/// A path to the host's own namespace.
inline constexpr const char* kHostNetns = kFakeHome;

struct FakeNode {
    FakeKernel kernel;
    Attacher attacher{kernel};

    /// A card whose interface is called like the device, with an address.
    void add_link(const std::string& device) {
        const int ifindex =
            kernel.add_hardware(kFakeHome, device, "card of " + device, "02:00:00:00:00:01");
        auto& state = kernel.at(kFakeHome, device);
        state.link.flags |= 1;  // IFF_UP
        state.addresses = {{.ifindex = ifindex, .address = "192.0.2.1", .prefix_length = 24}};
        first_[device] = state;
    }
    /// Somebody pulls it out.
    void remove_link(const std::string& device) { kernel.unplug("card of " + device); }
    int ifindex_of(const std::string& device) const {
        const auto found = first_.find(device);
        return found == first_.end() ? 0 : found->second.link.ifindex;
    }
    void add_netns(const std::string& path) { kernel.add_netns(path); }
    /// As the kernel does it: the cards fall back to the host, unconfigured.
    void kill_netns(const std::string& path) {
        if (kernel.open_netns(path).ok()) kernel.kill_netns(path);
    }
    std::string netns_id(const std::string& path) {
        return kernel.netns_id(kernel.open_netns(path)->get()).value_or("");
    }
    /// As it was at first.
    bool is_home(const std::string& device) const {
        const auto links = kernel.links(kFakeHome);
        const auto found = links.find(device);
        return found != links.end() && found->second == first_.at(device);
    }
    bool is_in(const std::string& device, const std::string& path) {
        return kernel.open_netns(path).ok() && kernel.has(path, device);
    }
    const std::map<std::string, LinkState>& cards() const { return first_; }

  private:
    std::map<std::string, LinkState> first_;  ///< by device, as the host had it
};

}  // namespace knd::fake
