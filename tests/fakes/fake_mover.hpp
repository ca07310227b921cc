// SPDX-License-Identifier: Apache-2.0
//
// FakeNode: links and network namespaces of one node, as far as the claims can see them. It
// outlives the daemon, as a kernel does. FakeMover moves its links, fails on demand, and stops in
// the middle when a step hook throws.
#pragma once

#include <fcntl.h>

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "host/claims/mover.hpp"

namespace knd::fake {

/// A path to the host's own namespace.
inline constexpr char kHostNetns[] = "/proc/1/ns/net";

struct FakeNode {
    struct Link {
        std::string where;  ///< empty: the host, else the identity of a namespace
        std::string name;
        bool pristine = true;  ///< on the host: name, addresses, routes as they were at first
    };
    std::map<std::string, Link> links;         ///< by device name, which is the name on the host
    std::map<std::string, std::string> netns;  ///< path -> identity, those that live
    std::set<std::pair<int, std::string>> processes;  ///< pid, identity of its namespace
    int next_netns = 1;

    void add_link(const std::string& device) { links[device] = {"", device, true}; }
    void add_netns(const std::string& path) { netns[path] = "4:" + std::to_string(next_netns++); }
    /// As the kernel does it: physical devices fall back to the host, unconfigured.
    void kill_netns(const std::string& path) {
        const auto found = netns.find(path);
        if (found == netns.end()) return;
        for (auto& [device, link] : links)
            if (link.where == found->second) link = {"", "dev0", false};
        netns.erase(found);
    }
    bool is_home(const std::string& device) const {
        const auto& link = links.at(device);
        return link.where.empty() && link.pristine && link.name == device;
    }
    bool is_in(const std::string& device, const std::string& path) const {
        const auto found = netns.find(path);
        return found != netns.end() && links.at(device).where == found->second;
    }
};

class FakeMover final : public DeviceMover {
  public:
    explicit FakeMover(FakeNode& node) : node_(node) {}

    /// Asked before each step of survey, attach (twice: before and after the move) and detach:
    /// "survey", "attach", "configure", "detach".
    std::function<std::optional<Error>(std::string_view step, const std::string& device)> fault =
        [](std::string_view, const std::string&) { return std::nullopt; };

    Result<PodNetns> pin(const std::string& path) override {
        if (path == kHostNetns)
            return Error(Code::kFailedPrecondition, "the pod shares the host's network namespace");
        const auto found = node_.netns.find(path);
        if (found == node_.netns.end())
            return Error(Code::kNotFound, "network namespace " + path + " is gone");
        return PodNetns{Fd(::open("/dev/null", O_RDONLY | O_CLOEXEC)), path, found->second};
    }

    Result<Survey> survey(const BindingRecord& record) override {
        if (auto error = fault("survey", record.device.name)) return *std::move(error);
        KND_TRY_ASSIGN(auto netns, pin(record.netns_path));
        if (record.effects.netdevs.empty()) return Survey{Json(), std::move(netns)};
        const auto link = node_.links.find(record.device.name);
        if (link == node_.links.end())
            return Error(Code::kNotFound, "interface " + record.device.name + " does not exist");
        if (!node_.is_home(record.device.name))
            return Error(Code::kFailedPrecondition, record.device.name + " is not on the host");
        return Survey{Json{{"name", link->second.name}}, std::move(netns)};
    }

    Result<std::vector<AttachedFacts>> attach(const BindingRecord& record, int,
                                              const StepHook& on_step) override {
        const auto& device = record.device.name;
        if (auto error = fault("attach", device)) return *std::move(error);
        if (!node_.is_home(device))
            return Error(Code::kFailedPrecondition, device + " is not on the host");
        if (!node_.netns.contains(record.netns_path) ||
            node_.netns.at(record.netns_path) != record.netns_id)
            return Error(Code::kNotFound, "the pod's network namespace is gone");
        const auto& configured = record.network.interface_name;
        const auto name = configured.empty() ? device : configured;
        node_.links[device] = {record.netns_id, name, false};
        on_step("attach.moved");
        if (auto error = fault("configure", device)) return *std::move(error);
        return std::vector<AttachedFacts>{{name, "02:00:00:00:00:01", {"192.0.2.1/24"}, 7}};
    }
    Result<std::vector<AttachedFacts>> configure_made(const BindingRecord& record, int,
                                                      const StepHook&) override {
        return record.attached;
    }

    Result<Detached> detach(const BindingRecord& record, int, const StepHook& on_step) override {
        const auto& device = record.device.name;
        if (auto error = fault("detach", device)) return *std::move(error);
        const auto found = node_.links.find(device);
        if (found == node_.links.end()) return Detached{{device}, {}};
        if (node_.is_home(device)) return Detached{};
        auto& link = found->second;
        if (!link.where.empty() && link.where != record.netns_id)
            return Error(Code::kInternal, device + " is in a namespace of somebody else");
        link.where.clear();
        on_step("detach.moved");
        if (record.host_state.is_null())
            return Error(Code::kInternal, "nobody noted what " + device + " was like");
        link.name = json_string(record.host_state, "name");
        on_step("detach.renamed");
        link.pristine = true;
        return Detached{};
    }

    Result<void> stop_container(const Container& container, const std::string& path) override {
        KND_TRY_ASSIGN(const auto netns, pin(path));
        if (node_.processes.erase({container.pid, netns.id}) == 0)
            return Error(Code::kFailedPrecondition, "process " + std::to_string(container.pid) +
                                                        " is not in the pod's network namespace");
        return {};
    }

  private:
    FakeNode& node_;
};

}  // namespace knd::fake
