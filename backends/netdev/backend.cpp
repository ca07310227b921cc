// SPDX-License-Identifier: Apache-2.0
//
// Every kernel network interface that can change its network namespace. See README.md for the
// configuration and the attributes.
#include <map>
#include <string>

#include "backends/netdev/offer.hpp"
#include "sdk/support/link_watch.hpp"
#include "sdk/support/netdev.hpp"
#include "sdk/support/netlink.hpp"

#include <knd/cpp/backend.hpp>

namespace {

using knd::Code;
using knd::Error;
using knd::Result;
using netdev::is_end_of_a_pod;
using netdev::is_same;
using netdev::Offer;

class NetdevBackend {
  public:
    explicit NetdevBackend(knd::Host host) : host_(host), watch_(host) {}

    Result<void> start(const knd::Params& config) {
        KND_TRY_ASSIGN(offer_, Offer::read(config));
        return watch_.start();
    }

    void stop() { watch_.stop(); }

    Result<void> list(const knd::Call&, knd::DeviceSink& sink) {
        watch_.ensure();
        KND_TRY_ASSIGN(const auto netdevs, knd::read_netdevs());
        listed_.clear();
        for (const auto& netdev : netdevs) {
            const auto why_not = offer_.withheld(netdev);
            if (!why_not.empty() && is_end_of_a_pod(netdev)) continue;
            knd::describe(netdev, sink, why_not);
            // Of two with one name the host takes the first.
            if (why_not.empty()) listed_.emplace(device_name(netdev), netdev.link);
        }
        return sink.status();
    }

    Result<void> prepare(const knd::Call&, const knd::PrepareRequest& request,
                         knd::EffectsSink& effects) {
        KND_TRY_ASSIGN(const auto link, find(std::string(request.binding.device)));
        effects.netdev({link.ifindex, link.name, link.mac});
        return effects.status();
    }

    Result<void> unprepare(const knd::Call&, const knd::Binding&) { return {}; }

    void on_ready(int fd) { watch_.on_ready(fd); }

  private:
    /// The interface of that device as it is now: it may have been renamed since the last list, it
    /// may have left, and another may have its ifindex or its name.
    Result<knd::LinkInfo> find(const std::string& device) const {
        const auto listed = listed_.find(device);
        if (listed != listed_.end()) {
            KND_TRY_ASSIGN(auto netlink, knd::Netlink::open());
            auto link = netlink.link(listed->second.ifindex);
            if (link && link->master == 0 && is_same(listed->second, *link)) return link;
        }
        KND_TRY_ASSIGN(const auto found, find_anew(device));
        if (listed == listed_.end() || is_same(listed->second, found)) return found;
        host_.devices_changed();
        return Error(Code::kFailedPrecondition,
                     found.text() + " has taken the place of " + listed->second.text() +
                         ", which was offered; it is being listed again, so that the next try "
                         "finds it as it is");
    }

    /// Among all interfaces, as a list would: it may have come home since the last one.
    Result<knd::LinkInfo> find_anew(const std::string& device) const {
        KND_TRY_ASSIGN(const auto netdevs, knd::read_netdevs());
        std::string why_not;
        for (const auto& netdev : netdevs) {
            if (device_name(netdev) != device) continue;
            why_not = offer_.withheld(netdev);
            if (why_not.empty()) return netdev.link;
        }
        if (!why_not.empty()) {
            return Error(Code::kFailedPrecondition,
                         "its interface may not be given away: " + why_not);
        }
        return Error(Code::kNotFound,
                     "its interface is not in the host's network namespace (any more)");
    }

    knd::Host host_;
    Offer offer_;
    knd::LinkWatch watch_;
    std::map<std::string, knd::LinkInfo> listed_;  ///< by device name, what the last list offered
};

constexpr knd_descriptor kDescriptor = {
    sizeof(knd_descriptor),     0, "knd.dev/netdev", "KND Host", KND_VERSION,
    "kernel network interfaces"};

}  // namespace

KND_EXPORT_BACKEND(NetdevBackend, kDescriptor)
