// SPDX-License-Identifier: Apache-2.0
//
// RDMA devices that have no network interface, or none that matters: InfiniBand, EFA, and RoCE
// where the configuration says so. See README.md for configuration, attributes and what a claim can
// ask.
#include <sys/stat.h>

#include <algorithm>
#include <string>
#include <vector>

#include "backends/rdma/claim.hpp"
#include "backends/rdma/device.hpp"
#include "backends/rdma/events.hpp"
#include "backends/rdma/verbs.hpp"
#include "sdk/support/netlink.hpp"
#include "sdk/support/rdma.hpp"
#include "sdk/support/rdma_device.hpp"

#include <knd/cpp/backend.hpp>

namespace {

using knd::Code;
using knd::Error;
using knd::Result;
using knd::sysfs::RdmaDevice;
using rdma::device_name;
using rdma::find_pkey;
using rdma::is_roce;
using rdma::trouble;

constexpr const char* kConnectionManager = "/dev/infiniband/rdma_cm";

/// Whether each device belongs to one namespace. A kernel without RDMA has no devices either.
Result<bool> exclusive_mode() {
    auto netlink = knd::Rdma::open();
    if (netlink.code() == Code::kUnimplemented) return false;
    if (!netlink.ok()) return std::move(netlink).error();
    return netlink->exclusive();
}

class RdmaBackend {
  public:
    explicit RdmaBackend(knd::Host host) : host_(host), verbs_(host), events_(host) {}

    Result<void> start(const knd::Params& config) {
        KND_TRY_ASSIGN(offer_, rdma::Offer::read(config));
        return events_.start();
    }

    void stop() {
        verbs_.close();
        events_.stop();
    }

    Result<void> list(const knd::Call&, knd::DeviceSink& sink) {
        KND_TRY_ASSIGN(const bool exclusive, exclusive_mode());
        const auto devices = knd::sysfs::read_rdma_devices();
        verbs_.follow(names_of_offered(devices));
        for (const auto& device : devices) {
            describe(device, verbs_.facts(device.name), exclusive, offer_.withheld(device), sink);
        }
        return sink.status();
    }

    Result<void> validate(const knd::Call&, const knd::PrepareRequest& request) {
        if (request.admin_access) {
            return Error(Code::kFailedPrecondition,
                         "an RDMA device cannot be looked on at while another claim has it");
        }
        KND_TRY(rdma::Claim::read(request));
        return {};
    }

    Result<void> prepare(const knd::Call&, const knd::PrepareRequest& request,
                         knd::EffectsSink& effects) {
        KND_TRY_ASSIGN(const auto claim, rdma::Claim::read(request));
        KND_TRY_ASSIGN(const auto device, find(std::string(request.binding.device)));
        if (is_roce(device)) KND_TRY(move_interface(device, effects));
        effects.rdma_link(device.name);
        add_nodes(device, claim, effects);
        if (claim.lock_memory) {
            effects.rlimit("RLIMIT_MEMLOCK", knd::EffectsSink::kUnlimited,
                           knd::EffectsSink::kUnlimited);
        }
        if (claim.hca_handles || claim.hca_objects) {
            effects.rdma_limit(
                {device.name, claim.hca_handles.value_or(-1), claim.hca_objects.value_or(-1)});
        }
        if (claim.pkey) {
            KND_TRY_ASSIGN(const int index, find_pkey(device, *claim.pkey));
            effects.attribute("pkey", rdma::pkey_text(*claim.pkey))
                .attribute("pkeyIndex", std::to_string(index));
        }
        add_facts(device, effects);
        return effects.status();
    }

    Result<void> unprepare(const knd::Call&, const knd::Binding&) { return {}; }

    /// Of what is on the host: what a pod has in exclusive mode is not to be seen from here.
    Result<void> check(const knd::Call&, knd::HealthSink& sink) {
        for (const auto& device : knd::sysfs::read_rdma_devices()) {
            if (!offer_.withheld(device).empty()) continue;
            const auto why = trouble(device);
            if (why.empty())
                sink.healthy(device_name(device));
            else
                sink.unhealthy(device_name(device), why);
        }
        return sink.status();
    }

    void on_ready(int fd) {
        if (!events_.on_ready(fd)) verbs_.on_ready(fd);
    }

  private:
    std::vector<std::string> names_of_offered(const std::vector<RdmaDevice>& devices) const {
        std::vector<std::string> names;
        for (const auto& device : devices) {
            if (offer_.withheld(device).empty()) names.push_back(device.name);
        }
        return names;
    }

    Result<RdmaDevice> find(const std::string& name) const {
        for (auto& device : knd::sysfs::read_rdma_devices()) {
            if (device_name(device) != name) continue;
            const auto why_not = offer_.withheld(device);
            if (why_not.empty()) return std::move(device);
            return Error(Code::kFailedPrecondition, "it may not be given away: " + why_not);
        }
        return Error(Code::kNotFound,
                     "its RDMA device is not in the host's network namespace (any more)");
    }

    /// RoCE's addresses are its interface's: without that the device has no GIDs.
    static Result<void> move_interface(const RdmaDevice& device, knd::EffectsSink& effects) {
        if (device.netdevs.size() != 1) {
            return Error(Code::kFailedPrecondition,
                         "RDMA device " + device.name + " is RoCE, and its function has " +
                             std::to_string(device.netdevs.size()) +
                             " network interfaces on the host where it should have one");
        }
        KND_TRY_ASSIGN(auto netlink, knd::Netlink::open());
        KND_TRY_ASSIGN(const auto link, netlink.link(device.netdevs.front()));
        effects.netdev({link.ifindex, link.name, link.mac});
        return {};
    }

    /// By the device's parent: a move gives the nodes other numbers.
    static void add_nodes(const RdmaDevice& device, const rdma::Claim& claim,
                          knd::EffectsSink& effects) {
        constexpr std::uint32_t kForAll = 0666;
        effects.device_node(
            {.path = device.directory + "/infiniband_verbs/uverbs*", .mode = kForAll});
        struct stat info {};
        if (::stat(kConnectionManager, &info) == 0)
            effects.device_node({.path = kConnectionManager, .mode = kForAll});
        if (!claim.privileged || device.mad.empty()) return;
        effects.device_node({.path = device.directory + "/infiniband_mad/*", .mode = 0600});
    }

    static void add_facts(const RdmaDevice& device, knd::EffectsSink& effects) {
        effects.attribute("rdmaDevice", device.name);
        const auto add = [&](const char* name, const std::string& value) {
            if (!value.empty()) effects.attribute(name, value);
        };
        add("nodeGuid", device.node_guid);
        if (device.ports.empty()) return;
        const auto& port = device.ports.front();
        add("linkLayer", port.link_layer);
        add("portGuid", port.guid);
        if (port.lid != 0) add("lid", std::to_string(port.lid));
    }

    knd::Host host_;
    rdma::Offer offer_;
    rdma::Verbs verbs_;
    rdma::Events events_;
};

constexpr knd_descriptor kDescriptor = {
    sizeof(knd_descriptor), 0, "knd.dev/rdma", "KND Host", KND_VERSION, "RDMA devices"};

}  // namespace

KND_EXPORT_BACKEND(RdmaBackend, kDescriptor)
