// SPDX-License-Identifier: Apache-2.0
//
// FakeKernel: network namespaces and links that behave as Linux's do where the sandbox layer
// depends on it: a move closes the device and drops addresses and routes; it takes the wanted name
// only if the present one is taken, renames afterwards, and is not undone when a later part of the
// request fails; a name may be an altname; routes need a link that is up and a gateway that is
// reachable, and one of another device may be in their way; a namespace that dies gives hardware
// back to the host, under "dev<ifindex>" if its name is taken, and destroys virtual links.
//
// Any call can be made to fail, and any call can be the last one of the process (FakeCrash).
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "host/sandbox/host_state.hpp"
#include "host/sandbox/kernel.hpp"

namespace knd {

/// Thrown instead of making the call at which the process dies.
struct FakeCrash {};

class FakeKernel final : public Kernel {
  public:
    /// A namespace "home" with a loopback.
    FakeKernel();
    ~FakeKernel() override;

    // Setting the scene.
    void add_netns(const std::string& path);
    /// A link with hardware of its own at `bus_address`, or a virtual one of `kind`. Its ifindex.
    int add_hardware(const std::string& netns, const std::string& name,
                     const std::string& bus_address, const std::string& mac);
    /// The same for a virtual function: its permanent MAC is whatever was set last.
    int add_virtual_function(const std::string& netns, const std::string& name,
                             const std::string& bus_address, const std::string& mac);
    int add_virtual(const std::string& netns, const std::string& name, const std::string& kind,
                    const std::string& mac);
    LinkState& at(const std::string& netns, const std::string& name);
    /// What the kernel does when the last user of a namespace is gone: its path is gone at once,
    /// its devices come home in the course of that many calls.
    void kill_netns(const std::string& path, int calls = 0);
    /// As net.ipv6.conf.all.disable_ipv6: IPv6 addresses are refused.
    void disable_ipv6(const std::string& path);
    /// An RDMA device, of the hardware at `bus_address` if that is not empty; it is on the host at
    /// first. Its index.
    int add_rdma(const std::string& name, const std::string& bus_address = "");
    bool rdma_exclusive_mode = true;
    /// The name of that device in a namespace; empty: it is not there.
    std::string rdma_name(const std::string& netns, int index) const;
    /// As `ip link delete`.
    void remove(const std::string& netns, const std::string& name);
    /// As if the card was pulled out.
    void unplug(const std::string& bus_address);

    // Faults. Calls are counted from 1 since the last of these.
    void fail_call(int number, int os_error);
    /// That call and all after it.
    void fail_from(int number, int os_error);
    void crash_at_call(int number);
    void no_faults();
    int calls() const { return calls_; }

    /// Asked before an address is read ("survey") or added in a pod ("address") or on the host
    /// ("restore"), and before a link moves to another namespace ("move"), with the link's name.
    std::function<std::optional<Error>(std::string_view call, const std::string& link)> fault =
        [](std::string_view, const std::string&) { return std::nullopt; };
    /// Processes, by the identity of the namespace that they are in.
    std::set<std::pair<int, std::string>> processes;
    /// The path goes, the namespace lives as long as somebody holds it.
    void unlink_netns(const std::string& path);

    // Looking.
    NewLink last_made;  ///< what the last link that was made was asked to be
    bool has(const std::string& netns, const std::string& name) const;
    /// All links of a namespace by name, without the loopback.
    std::map<std::string, LinkState> links(const std::string& netns) const;
    std::vector<RuleInfo> rules(const std::string& netns) const;

    // Kernel.
    Result<Fd> open_netns(const std::string& path) override;
    int home_netns() const override;
    Result<std::string> netns_id(int netns_fd) override;
    Result<std::unique_ptr<NetworkView>> view(int netns_fd) override;
    bool has_hardware(const std::string& bus, const std::string& device) override;
    bool is_virtual_function(const std::string& bus, const std::string& device) override;
    Result<void> kill_container(const Container& container, const std::string& netns_id) override;
    Result<bool> rdma_exclusive() override;
    Hardware rdma_hardware(const std::string& name) override;
    Result<std::vector<RdmaLink>> rdma_links(int netns_fd) override;
    Result<void> move_rdma(int from_netns_fd, int index, int to_netns_fd) override;
    Result<void> rename_rdma(int index, const std::string& name) override;

  private:
    friend class FakeView;
    struct Netns;
    /// Counts a call; an error or a crash if this is the one.
    Result<void> count();
    void bury();
    void remove_pair(int pair);
    Netns* find(int netns_fd);
    Netns& named(const std::string& path);
    const Netns& named(const std::string& path) const;

    mutable std::recursive_mutex mutex_;  ///< a kernel serves several threads
    std::vector<std::unique_ptr<Netns>> all_;
    std::set<std::string> hardware_;
    std::set<std::string> virtual_functions_;
    std::map<std::string, std::string> rdma_hardware_;  ///< node GUID -> bus address
    int next_rdma_ = 1;
    int next_pair_ = 1;
    std::pair<std::string, int> dying_;  ///< path, and the call at which its devices come home
    int calls_ = 0;
    std::optional<int> fail_at_;
    bool fail_on_ = false;
    int fail_errno_ = 0;
    std::optional<int> crash_at_;
};

/// The path under which FakeKernel knows the host's namespace.
inline constexpr const char* kFakeHome = "home";

}  // namespace knd
