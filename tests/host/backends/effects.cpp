// SPDX-License-Identifier: Apache-2.0
//
// A backend whose one device, eff0, has an effect of each kind that is for containers, and makes an
// interface in the pod. Keys of its TOML: `parent`, an interface of the host, and `directory`, what
// is mounted. Keys of a claim: `link` ("macvlan", "backend" or "none").
#include <net/if.h>

#include <knd/cpp/backend.hpp>

#include "sdk/support/netns.hpp"

namespace {

using knd::Result;

class EffectsBackend {
  public:
    explicit EffectsBackend(knd::Host host) : host_(host) {}

    Result<void> start(const knd::Params& config) {
        KND_TRY_ASSIGN(parent_, config.string("parent", "nic0"));
        KND_TRY_ASSIGN(directory_, config.string("directory", "/tmp"));
        return {};
    }
    void stop() {}
    Result<void> list(const knd::Call&, knd::DeviceSink& sink) {
        sink.device({.name = "eff0", .hardware_key = "knd.test/eff0"}).attribute("speed", 1);
        return sink.status();
    }
    Result<void> validate(const knd::Call&, const knd::PrepareRequest& request) {
        return link_of(request).ok() ? Result<void>() : Result<void>(link_of(request).error());
    }
    Result<void> prepare(const knd::Call&, const knd::PrepareRequest& request,
                         knd::EffectsSink& effects) {
        if (request.binding.device != "eff0")
            return knd::Error(knd::Code::kNotFound, "there is no such device");
        KND_TRY_ASSIGN(const auto link, link_of(request));
        effects
            .device_node({.path = "/dev/null",
                          .mode = 0640,
                          .container_path = "/dev/effect0",
                          .access = "rw",
                          .uid = 1000,
                          .gid = 1001})
            .mount({.source = directory_,
                    .destination = "/effect",
                    .options = "nosuid,noexec",
                    .uid = 1000,
                    .gid = 1001})
            .env("EFFECT_PORT", "eff0 of " + std::string(request.binding.claim))
            // Not above the limit of the machine: only CAP_SYS_RESOURCE raises that.
            .rlimit("RLIMIT_MEMLOCK", 65536, 1048576)
            .attribute("guid", "0002:c903")
            .state("made " + link);
        if (link == "macvlan")
            effects.link({.kind = "macvlan",
                          .parent_ifindex = static_cast<int>(::if_nametoindex(parent_.c_str())),
                          .parent = parent_,
                          .name_in_pod = "made0",
                          .mode = "bridge",
                          .mac = "02:00:00:00:0e:01"});
        if (link == "backend") effects.link({.name_in_pod = "made0"});
        if (link == "none")
            effects.network_data({.interface_name = "ib9", .addresses = {"192.0.2.99/24"}});
        return effects.status();
    }
    Result<void> unprepare(const knd::Call&, const knd::Binding&) { return {}; }
    Result<void> reconcile(const knd::Call&, std::span<const knd::Binding>, knd::LostSink&) {
        return {};
    }
    /// A veth whose other end stays in the pod as well: all that this kernel may have.
    Result<void> attach(const knd::Call&, const knd::AttachRequest& request) {
        if (request.binding.state != "made backend") return {};
        KND_TRY_ASSIGN(auto netlink, knd::netns::open_netlink(request.netns_fd));
        if (netlink.link("made0").ok()) return {};
        knd::NewLink link;
        link.kind = "veth";
        link.name = "made0";
        link.peer_name = "made0-peer";
        return netlink.create_link(link);
    }
    Result<void> detach(const knd::Call&, const knd::AttachRequest& request) {
        if (request.binding.state != "made backend" || request.netns_fd < 0) return {};
        KND_TRY_ASSIGN(auto netlink, knd::netns::open_netlink(request.netns_fd));
        const auto link = netlink.link("made0");
        return link.ok() ? netlink.delete_link(link->ifindex) : Result<void>();
    }

  private:
    static Result<std::string> link_of(const knd::PrepareRequest& request) {
        KND_TRY_ASSIGN(const std::string link, request.config.string("link", "none"));
        if (link == "none" || link == "macvlan" || link == "backend") return link;
        return knd::Error(knd::Code::kInvalidArgument,
                          "link: must be \"none\", \"macvlan\" or \"backend\"");
    }

    knd::Host host_;
    std::string parent_;
    std::string directory_;
};

constexpr knd_descriptor kDescriptor = {
    sizeof(knd_descriptor), 0, "knd.test/effects", "KND Host", "1.0.0", "an effect of each kind"};

}  // namespace

KND_EXPORT_BACKEND(EffectsBackend, kDescriptor)
