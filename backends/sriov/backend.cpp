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
#include "backends/sriov/effects.hpp"
#include "backends/sriov/lease.hpp"
#include "backends/sriov/node.hpp"
#include "backends/sriov/record.hpp"
#include "backends/sriov/settings.hpp"
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
        records_.emplace(config_.directory + "/" + std::string(host_.instance()));
        leases_.emplace(config_, *records_);
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

    Result<void> validate(const knd::Call&, const knd::PrepareRequest& request) {
        if (request.admin_access) {
            return Error(Code::kFailedPrecondition,
                         "a function cannot be looked at while others have it");
        }
        KND_TRY_ASSIGN(const auto settings,
                       sriov::Settings::read(request.config, request.class_config));
        KND_TRY_ASSIGN(const auto node, read());
        // One that is not there is prepare's to tell: it may come back until then.
        const auto* const device = node->device(std::string(request.binding.device));
        if (device == nullptr) return {};
        const auto kept = records_->load(device->name);
        const bool live = kept.ok() && *kept && (*kept)->claim_uid == request.binding.claim_uid;
        return live ? Result<void>() : settings.check(*device);
    }

    Result<void> prepare(const knd::Call& call, const knd::PrepareRequest& request,
                         knd::EffectsSink& effects) {
        KND_TRY_ASSIGN(const auto settings,
                       sriov::Settings::read(request.config, request.class_config));
        KND_TRY_ASSIGN(const auto node, read());
        const auto* const device = node->device(std::string(request.binding.device));
        if (device == nullptr) return Error(Code::kNotFound, "there is no such function");
        if (!device->withheld.empty()) return Error(Code::kFailedPrecondition, device->withheld);
        KND_TRY_ASSIGN(const auto record,
                       leases_->take(*node, *device, settings, request.binding, call.deadline(),
                                     [&] { return call.check(); }));
        sriov::add_effects(*device, record, config_.sysfs, effects);
        return effects.status();
    }

    Result<void> unprepare(const knd::Call& call, const knd::Binding& binding) {
        const std::string device(binding.device);
        if (!sriov::parse_device_name(device)) return {};
        KND_TRY_ASSIGN(auto record, records_->load(device));
        if (!record && !binding.state.empty()) {
            KND_TRY_ASSIGN(record, sriov::Record::parse(binding.state));
        }
        if (!record || record->claim_uid != binding.claim_uid) return {};
        KND_TRY_ASSIGN(const auto node, read());
        return leases_->give_back(*node, *record, call.deadline(), [&] { return call.check(); });
    }

    Result<void> reconcile(const knd::Call& call, std::span<const knd::Binding> live,
                           knd::LostSink& sink) {
        KND_TRY(records_->open());
        KND_TRY_ASSIGN(auto node, read());
        KND_TRY(free_orphans(call, *node, live));
        for (const auto& binding : live) {
            auto record = sriov::Record::parse(binding.state);
            if (!record.ok()) continue;
            if (node->function(record->address) == nullptr) {
                sink.lost(binding, "function " + record->address + " is gone");
                (void)records_->remove(record->device);
            } else if (const auto kept = records_->load(record->device); kept.ok() && !*kept) {
                KND_TRY(records_->save(*record));
            }
        }
        change_counts(call, *node);
        return sink.status();
    }

    void on_ready(int fd) { watch_.on_ready(fd); }

  private:
    Result<std::unique_ptr<sriov::Node>> read() {
        KND_TRY_ASSIGN(auto netlink, knd::Netlink::open());
        KND_TRY_ASSIGN(const auto links, netlink.links());
        return sriov::Node::read(config_, links, known_);
    }

    /// What was changed for a claim of which the host knows nothing: it died between our answer and
    /// its own note.
    Result<void> free_orphans(const knd::Call& call, const sriov::Node& node,
                              std::span<const knd::Binding> live) {
        KND_TRY_ASSIGN(const auto records, records_->all());
        for (const auto& record : records) {
            const bool known = std::any_of(live.begin(), live.end(), [&](const auto& binding) {
                return binding.device == record.device && binding.claim_uid == record.claim_uid;
            });
            if (known) continue;
            host_.info("putting back " + record.device + ", which claim " + record.claim +
                       " was about to get");
            const auto check = [&] { return call.check(); };
            if (auto done = leases_->give_back(node, record, call.deadline(), check); !done.ok())
                host_.error(record.device + ": " + done.error().message());
        }
        return {};
    }

    /// Why a function must stay as it is.
    std::string in_use(const sriov::Node& node, const knd::sriov::Function& function) const {
        const auto records = records_->all();
        if (records.ok()) {
            for (const auto& record : *records)
                if (record.address == function.address)
                    return "claim " + record.claim + " has " + function.address;
        }
        for (const auto& device : node.devices()) {
            if (device.address != function.address || device.link) continue;
            if (function.driver == "vfio-pci") return function.address + " is bound to vfio-pci";
            if (!function.driver.empty())
                return "the interface of " + function.address + " is in another namespace";
        }
        return "";
    }

    void change_counts(const knd::Call& call, const sriov::Node& node) {
        const auto changes = sriov::fixed_counts(
            node, [&](const knd::sriov::Function& function) { return in_use(node, function); });
        std::vector<std::thread> workers;
        std::vector<Result<void>> results(changes.size());
        for (std::size_t i = 0; i < changes.size(); ++i) {
            if (!changes[i].refused.empty()) {
                host_.warn(changes[i].refused);
                continue;
            }
            host_.info((changes[i].name.empty() ? changes[i].card : changes[i].name) + " gets " +
                       std::to_string(changes[i].to) + " virtual functions instead of " +
                       std::to_string(changes[i].from));
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
    }

    knd::Host host_;
    sriov::Config config_;
    std::optional<sriov::Records> records_;
    std::optional<sriov::Leases> leases_;
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
