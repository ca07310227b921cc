// SPDX-License-Identifier: Apache-2.0
//
// Virtual functions of network cards (SR-IOV) as devices, and cards as a whole. See README.md for
// the configuration, the attributes and what a claim may say.
#include <algorithm>
#include <filesystem>
#include <thread>

#include "backends/sriov/config.hpp"
#include "backends/sriov/counts.hpp"
#include "backends/sriov/describe.hpp"
#include "backends/sriov/node.hpp"
#include "sdk/support/link_watch.hpp"
#include "sdk/support/netlink.hpp"

#include <knd/cpp/backend.hpp>

namespace {

using knd::Code;
using knd::Error;
using knd::Result;

class SriovBackend {
  public:
    explicit SriovBackend(knd::Host host) : host_(host), watch_(host) {}

    Result<void> start(const knd::Params& config) {
        KND_TRY_ASSIGN(config_, sriov::Config::read(config));
        return watch_.start();
    }

    void stop() { watch_.stop(); }

    Result<void> list(const knd::Call&, knd::DeviceSink& sink) {
        watch_.ensure();
        KND_TRY_ASSIGN(const auto node, read());
        const bool vhost_net = std::filesystem::exists("/dev/vhost-net");
        for (const auto& card : node->cards())
            sriov::describe_counter(card, host_.instance(), sink);
        for (const auto& device : node->devices())
            sriov::describe(device, host_.instance(), vhost_net, sink);
        return sink.status();
    }

    Result<void> prepare(const knd::Call&, const knd::PrepareRequest& request,
                         knd::EffectsSink& effects) {
        KND_TRY_ASSIGN(const auto node, read());
        const auto* const device = node->device(std::string(request.binding.device));
        if (device == nullptr) return Error(Code::kNotFound, "there is no such function");
        if (!device->withheld.empty()) return Error(Code::kFailedPrecondition, device->withheld);
        if (!device->link) {
            return Error(Code::kNotFound, "function " + device->address +
                                              " has no interface in the host's network namespace");
        }
        effects.netdev({device->link->ifindex, device->link->name, device->link->mac});
        return effects.status();
    }

    Result<void> unprepare(const knd::Call&, const knd::Binding&) { return {}; }

    Result<void> reconcile(const knd::Call& call, std::span<const knd::Binding> live,
                           knd::LostSink& sink) {
        KND_TRY_ASSIGN(const auto node, read());
        const auto in_use = [&](const knd::sriov::Function& function) -> std::string {
            for (const auto& device : node->devices()) {
                if (device.function == nullptr || device.address != function.address) continue;
                for (const auto& binding : live)
                    if (binding.device == device.name)
                        return "claim " + std::string(binding.claim) + " has " + function.address;
            }
            return "";
        };
        const auto changes = sriov::fixed_counts(*node, in_use);
        std::vector<std::thread> workers;
        std::vector<Result<void>> results(changes.size());
        for (std::size_t i = 0; i < changes.size(); ++i) {
            if (!changes[i].refused.empty()) {
                host_.warn(changes[i].refused);
                continue;
            }
            // A card takes seconds, and does not wait for the others.
            workers.emplace_back([&, i] {
                results[i] = sriov::change_count(
                    changes[i], call.deadline(), [&] { return call.check(); }, config_.sysfs);
            });
        }
        for (auto& worker : workers)
            worker.join();
        for (const auto& result : results)
            if (!result.ok()) host_.error(result.error().message());
        return sink.status();
    }

    void on_ready(int fd) { watch_.on_ready(fd); }

  private:
    Result<std::unique_ptr<sriov::Node>> read() {
        KND_TRY_ASSIGN(auto netlink, knd::Netlink::open());
        KND_TRY_ASSIGN(const auto links, netlink.links());
        return sriov::Node::read(config_, links, known_);
    }

    knd::Host host_;
    sriov::Config config_;
    sriov::KnownNames known_;
    knd::LinkWatch watch_;
};

constexpr knd_descriptor kDescriptor = {sizeof(knd_descriptor),
                                        0,
                                        "knd.dev/sriov",
                                        "KND Host",
                                        KND_VERSION,
                                        "virtual functions of network cards"};

}  // namespace

KND_EXPORT_BACKEND(SriovBackend, kDescriptor)
