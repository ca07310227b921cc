// SPDX-License-Identifier: Apache-2.0
//
// Interfaces that the configuration invents, for kind clusters, demonstrations and tests: it makes
// them, offers them, makes them again when one died with its pod, and removes those that it made
// and that are not configured any more. See README.md.
#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "sdk/support/link_watch.hpp"
#include "sdk/support/netdev.hpp"
#include "sdk/support/netlink.hpp"
#include "sdk/support/netns.hpp"

#include <knd/cpp/backend.hpp>

namespace {

using knd::Code;
using knd::Error;
using knd::Result;

/// An altname of this form says that we made the link; it goes with it wherever it moves.
constexpr std::string_view kMark = "knd-dummy-";

struct Interface {
    std::string name;
    std::string kind;  ///< "auto", "dummy" or "veth"
    std::string mac;
    int mtu = 0;
    bool up = true;
    std::vector<std::string> addresses;
    std::string peer;        ///< veth: name of the far end
    std::string peer_netns;  ///< veth: path of the namespace of the far end; empty: the host's
    std::vector<std::string> peer_addresses;
};

Result<Interface> read_interface(const knd::Params& params) {
    Interface interface;
    KND_TRY_ASSIGN(interface.name, params.string("name"));
    KND_TRY_ASSIGN(interface.kind, params.string("kind", "auto"));
    KND_TRY_ASSIGN(interface.mac, params.string("mac"));
    KND_TRY_ASSIGN(const auto mtu, params.integer_in("mtu", 0, 68, 65535));
    interface.mtu = static_cast<int>(mtu);
    KND_TRY_ASSIGN(interface.up, params.boolean("up", true));
    KND_TRY_ASSIGN(interface.addresses, params.strings("addresses"));
    KND_TRY_ASSIGN(interface.peer, params.string("peer", interface.name + "-p"));
    KND_TRY_ASSIGN(interface.peer_netns, params.string("peer_netns"));
    KND_TRY_ASSIGN(interface.peer_addresses, params.strings("peer_addresses"));
    const auto refuse = [&](const std::string& key, const std::string& text) {
        return Error(Code::kInvalidArgument, "`" + params.path_of(key) + "` " + text);
    };
    if (!knd::valid_link_name(interface.name)) {
        return refuse("name", "must be an interface name of 1 to 15 characters");
    }
    if (!knd::valid_link_name(interface.peer)) {
        return refuse("peer", "must be an interface name of 1 to 15 characters");
    }
    if (interface.kind != "auto" && interface.kind != "dummy" && interface.kind != "veth") {
        return refuse("kind", "is \"" + interface.kind + "\", must be auto, dummy or veth");
    }
    for (const char* key : {"addresses", "peer_addresses"}) {
        const bool own = std::string_view(key) == "addresses";
        for (const auto& address : own ? interface.addresses : interface.peer_addresses) {
            if (auto cidr = knd::parse_cidr(address); !cidr) {
                return refuse(key, "holds \"" + address + "\": " + cidr.error().message());
            }
        }
    }
    return interface;
}

Result<void> configure(knd::Netlink& netlink, const std::string& name,
                       const std::vector<std::string>& addresses, bool up) {
    KND_TRY_ASSIGN(const auto link, netlink.link(name));
    for (const auto& text : addresses) {
        KND_TRY_ASSIGN(const auto cidr, knd::parse_cidr(text));
        knd::AddressInfo address;
        address.ifindex = link.ifindex;
        address.address = cidr.address;
        address.prefix_length = cidr.prefix_length;
        const auto added = netlink.add_address(address);
        if (!added && added.code() != Code::kAlreadyExists) return added.error();
    }
    return up ? netlink.set_up(link.ifindex) : Result<void>();
}

class DummyBackend {
  public:
    explicit DummyBackend(knd::Host host) : host_(host), watch_(host) {}

    Result<void> start(const knd::Params& config) {
        interfaces_.clear();  // of an earlier start that failed later on
        KND_TRY_ASSIGN(const auto tables, config.tables("interface"));
        for (const auto& table : tables) {
            KND_TRY_ASSIGN(auto interface, read_interface(table));
            if (find(interface.name) != nullptr) {
                return Error(Code::kInvalidArgument,
                             "interface " + interface.name + " is configured twice");
            }
            interfaces_.push_back(std::move(interface));
        }
        return watch_.start();
    }

    /// The interfaces stay: a restart of the daemon is nobody's business but its own.
    void stop() { watch_.stop(); }

    /// Only now is it known which interfaces are away in pods, and must not be made a second time.
    Result<void> reconcile(const knd::Call&, std::span<const knd::Binding> live, knd::LostSink&) {
        in_use_.clear();
        for (const auto& binding : live)
            in_use_.emplace(binding.device);
        KND_TRY(remove_strays());
        for (const auto& interface : interfaces_)
            KND_TRY(ensure(interface));
        return {};
    }

    Result<void> list(const knd::Call&, knd::DeviceSink& sink) {
        watch_.ensure();
        KND_TRY_ASSIGN(const auto netdevs, knd::read_netdevs());
        for (const auto& netdev : netdevs) {
            if (find(netdev.link.name) != nullptr && could_be_ours(netdev.link)) {
                knd::describe(netdev, sink);
            }
        }
        return sink.status();
    }

    Result<void> prepare(const knd::Call&, const knd::PrepareRequest& request,
                         knd::EffectsSink& effects) {
        for (const auto& interface : interfaces_) {
            if (knd::dns_label(interface.name) != request.binding.device) continue;
            KND_TRY_ASSIGN(auto netlink, knd::Netlink::open());
            const auto link = netlink.link(interface.name);
            // Altnames are found as well, and belong to somebody else's interface.
            if (!link || link->name != interface.name) {
                return Error(Code::kNotFound, "interface " + interface.name +
                                                  " is not in the host's network namespace");
            }
            if (!could_be_ours(*link)) {
                return Error(Code::kFailedPrecondition,
                             link->text() + " has the name of one that this backend makes, but is" +
                                 " neither dummy nor veth: rename it, or the one in the TOML");
            }
            in_use_.emplace(request.binding.device);
            effects.netdev({link->ifindex, link->name, link->mac});
            return effects.status();
        }
        return Error(Code::kNotFound, "no interface of that name is configured");
    }

    Result<void> unprepare(const knd::Call&, const knd::Binding& binding) {
        in_use_.erase(std::string(binding.device));
        for (const auto& interface : interfaces_) {
            if (knd::dns_label(interface.name) == binding.device) return ensure(interface);
        }
        return {};
    }

    void on_ready(int fd) { watch_.on_ready(fd); }

  private:
    const Interface* find(const std::string& name) const {
        const auto found = std::find_if(interfaces_.begin(), interfaces_.end(),
                                        [&](const Interface& i) { return i.name == name; });
        return found == interfaces_.end() ? nullptr : &*found;
    }

    /// Hardware that has got a name of ours is not given away as if we had made it.
    static bool could_be_ours(const knd::LinkInfo& link) {
        return link.kind == "dummy" || link.kind == "veth";
    }

    /// Makes the interface when it is neither here nor in a pod.
    Result<void> ensure(const Interface& interface) {
        if (in_use_.contains(knd::dns_label(interface.name))) return {};
        KND_TRY_ASSIGN(auto netlink, knd::Netlink::open());
        if (netlink.link(interface.name).ok()) return {};
        KND_TRY(create(netlink, interface).wrap("make interface " + interface.name));
        auto furnished = furnish(netlink, interface);
        if (furnished) return {};
        // The next try would take half of one for the whole.
        const auto half = netlink.link(interface.name);
        if (half) static_cast<void>(netlink.delete_link(half->ifindex));
        return std::move(furnished).error().wrap("furnish interface " + interface.name);
    }

    Result<void> create(knd::Netlink& netlink, const Interface& interface) {
        if (interface.kind == "veth") return create_veth(netlink, interface);
        knd::NewLink link;
        link.kind = "dummy";
        link.name = interface.name;
        link.mac = interface.mac;
        link.mtu = interface.mtu;
        const auto made = netlink.create_link(link);
        if (!made && interface.kind == "auto" && made.code() == Code::kUnimplemented) {
            host_.warn("this kernel has no dummy interfaces; " + interface.name +
                       " is a veth instead, its other end is " + interface.peer);
            return create_veth(netlink, interface);
        }
        KND_TRY(made);
        host_.info(interface.name + " is of kind dummy");
        return {};
    }

    Result<void> create_veth(knd::Netlink& netlink, const Interface& interface) {
        knd::NewLink link;
        link.kind = "veth";
        link.name = interface.name;
        link.mac = interface.mac;
        link.mtu = interface.mtu;
        link.peer_name = interface.peer;
        if (interface.peer_netns.empty()) return netlink.create_link(link);
        KND_TRY_ASSIGN(const auto netns, knd::netns::open(interface.peer_netns));
        link.peer_netns_fd = netns.get();
        return netlink.create_link(link);
    }

    Result<void> furnish(knd::Netlink& netlink, const Interface& interface) {
        KND_TRY_ASSIGN(const auto link, netlink.link(interface.name));
        KND_TRY(netlink.add_altname(link.ifindex, std::string(kMark) + interface.name));
        if (link.kind == "veth") KND_TRY(furnish_peer(netlink, interface));
        return configure(netlink, interface.name, interface.addresses, interface.up);
    }

    static Result<void> furnish_peer(knd::Netlink& netlink, const Interface& interface) {
        if (interface.peer_netns.empty()) {
            return configure(netlink, interface.peer, interface.peer_addresses, true);
        }
        KND_TRY_ASSIGN(const auto netns, knd::netns::open(interface.peer_netns));
        KND_TRY_ASSIGN(auto there, knd::netns::open_netlink(netns.get()));
        return configure(there, interface.peer, interface.peer_addresses, true);
    }

    Result<void> remove_strays() {
        KND_TRY_ASSIGN(auto netlink, knd::Netlink::open());
        KND_TRY_ASSIGN(const auto links, netlink.links());
        for (const auto& link : links) {
            for (const auto& altname : link.altnames) {
                if (!altname.starts_with(kMark)) continue;
                const auto name = altname.substr(kMark.size());
                if (find(name) != nullptr || in_use_.contains(knd::dns_label(name))) continue;
                host_.info("removing interface " + link.name + ": it is not configured any more");
                KND_TRY(netlink.delete_link(link.ifindex));
                break;
            }
        }
        return {};
    }

    knd::Host host_;
    std::vector<Interface> interfaces_;
    std::set<std::string> in_use_;  ///< device names that claims hold
    knd::LinkWatch watch_;
};

constexpr knd_descriptor kDescriptor = {
    sizeof(knd_descriptor),        0, "knd.dev/dummy", "KND Host", KND_VERSION,
    "interfaces made up from TOML"};

}  // namespace

KND_EXPORT_BACKEND(DummyBackend, kDescriptor)
