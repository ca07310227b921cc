// SPDX-License-Identifier: Apache-2.0
//
// Every kernel network interface that can change its network namespace. See README.md for the
// configuration and the attributes.
#include <map>
#include <string>
#include <vector>

#include "sdk/support/link_watch.hpp"
#include "sdk/support/netdev.hpp"
#include "sdk/support/netlink.hpp"

#include <knd/cpp/backend.hpp>

namespace {

using knd::Code;
using knd::Error;
using knd::Result;

class NetdevBackend {
  public:
    explicit NetdevBackend(knd::Host host) : host_(host), watch_(host) {}

    Result<void> start(const knd::Params& config) {
        KND_TRY_ASSIGN(include_, config.strings("interfaces"));
        KND_TRY_ASSIGN(exclude_, config.strings("exclude_interfaces"));
        KND_TRY_ASSIGN(exclude_kinds_, config.strings("exclude_kinds"));
        KND_TRY_ASSIGN(offer_virtual_, config.boolean("virtual", true));
        KND_TRY_ASSIGN(const bool veth, config.boolean("veth", false));
        // The node's ends of the pods' primary interfaces.
        if (!veth) exclude_kinds_.push_back("veth");
        return watch_.start();
    }

    void stop() { watch_.stop(); }

    Result<void> list(const knd::Call&, knd::DeviceSink& sink) {
        watch_.ensure();
        KND_TRY_ASSIGN(const auto netdevs, scan());
        for (const auto& netdev : netdevs)
            knd::describe(netdev, sink);
        return sink.status();
    }

    Result<void> prepare(const knd::Call&, const knd::PrepareRequest& request,
                         knd::EffectsSink& effects) {
        const std::string device(request.binding.device);
        auto known = ifindexes_.find(device);
        if (known == ifindexes_.end()) {
            // It may have come home since the last list.
            KND_TRY(scan());
            known = ifindexes_.find(device);
        }
        if (known == ifindexes_.end()) {
            return Error(Code::kNotFound, "no interface of that name is offered (any more)");
        }
        // As it is now: it may have been renamed, or have left, since the last list.
        KND_TRY_ASSIGN(auto netlink, knd::Netlink::open());
        const auto link = netlink.link(known->second);
        if (!link) {
            return Error(Code::kNotFound, "its interface has left the host's network namespace");
        }
        effects.netdev({link->ifindex, link->name, link->mac});
        return effects.status();
    }

    Result<void> unprepare(const knd::Call&, const knd::Binding&) { return {}; }

    void on_ready(int fd) { watch_.on_ready(fd); }

  private:
    /// What is offered, as the kernel has it now.
    Result<std::vector<knd::Netdev>> scan() {
        KND_TRY_ASSIGN(auto netdevs, knd::read_netdevs());
        std::erase_if(netdevs, [&](const auto& netdev) { return !reason_to_skip(netdev).empty(); });
        ifindexes_.clear();
        for (const auto& netdev : netdevs)
            ifindexes_[device_name(netdev)] = netdev.link.ifindex;
        return netdevs;
    }

    std::string reason_to_skip(const knd::Netdev& netdev) const {
        if (!netdev.immovable.empty()) return netdev.immovable;
        if (!include_.empty() && !knd::matches_glob(netdev.link.name, include_)) {
            return "`interfaces` does not name it";
        }
        if (knd::matches_glob(netdev.link.name, exclude_)) return "`exclude_interfaces` names it";
        if (knd::matches_glob(netdev.link.kind, exclude_kinds_)) {
            return "its kind " + netdev.link.kind + " is excluded";
        }
        if (!offer_virtual_ && netdev.sysfs.is_virtual) return "it is virtual";
        return "";
    }

    knd::Host host_;
    std::vector<std::string> include_;
    std::vector<std::string> exclude_;
    std::vector<std::string> exclude_kinds_;
    bool offer_virtual_ = true;
    knd::LinkWatch watch_;
    std::map<std::string, int> ifindexes_;  ///< by device name, as of the last list
};

constexpr knd_descriptor kDescriptor = {
    sizeof(knd_descriptor),     0, "knd.dev/netdev", "KND Host", KND_VERSION,
    "kernel network interfaces"};

}  // namespace

KND_EXPORT_BACKEND(NetdevBackend, kDescriptor)
