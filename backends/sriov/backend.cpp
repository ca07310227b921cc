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
#include "backends/sriov/health.hpp"
#include "backends/sriov/idle.hpp"
#include "backends/sriov/lease.hpp"
#include "backends/sriov/node.hpp"
#include "backends/sriov/record.hpp"
#include "backends/sriov/settings.hpp"
#include "sdk/support/link_watch.hpp"
#include "sdk/support/netlink.hpp"
#include "sdk/support/uevent.hpp"

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
        KND_TRY(watch_.start());
        auto listening = listen();
        if (!listening.ok()) stop();
        return listening;
    }

    void stop() {
        if (idle_.fd() >= 0) host_.unwatch(idle_.fd());
        idle_.close();
        if (uevents_) host_.unwatch(uevents_->fd());
        uevents_.reset();
        watch_.stop();
    }

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
        KND_TRY_ASSIGN(auto node, read());
        const std::string name(request.binding.device);
        KND_TRY(make_room(call, name, node));
        const auto* const device = node->device(name);
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
        KND_TRY(leases_->give_back(*node, *record, call.deadline(), [&] { return call.check(); }));
        note_idle(*node);
        return {};
    }

    Result<void> check(const knd::Call&, knd::HealthSink& sink) {
        KND_TRY_ASSIGN(const auto node, read());
        KND_TRY_ASSIGN(const auto in_use, records_->all());
        sriov::report_health(*node, in_use, sink);
        return sink.status();
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
        KND_TRY_ASSIGN(node, read());
        note_idle(*node);
        return sink.status();
    }

    void on_ready(int fd) {
        if (uevents_ && fd == uevents_->fd()) {
            if (!uevents_->drain()) return;
            host_.devices_changed();
            host_.health_changed();
        } else if (fd == idle_.fd()) {
            remove_idle();
        } else {
            watch_.on_ready(fd);
            host_.health_changed();
        }
    }

  private:
    Result<std::unique_ptr<sriov::Node>> read() {
        KND_TRY_ASSIGN(auto netlink, knd::Netlink::open());
        KND_TRY_ASSIGN(const auto links, netlink.links());
        return sriov::Node::read(config_, links, known_);
    }

    Result<void> listen() {
        KND_TRY_ASSIGN(auto uevents, knd::UeventMonitor::open("pci"));
        KND_TRY(host_.watch(uevents.fd()));
        uevents_ = std::move(uevents);
        KND_TRY(idle_.open());
        return host_.watch(idle_.fd());
    }

    /// The claim that has a device of this card, other than `except`; empty: none.
    std::string holder_of(const std::string& card, const std::string& except = {}) const {
        const auto records = records_->all();
        if (!records.ok()) return records.error().message();
        for (const auto& record : *records)
            if (record.card == card && record.device != except) return record.claim;
        return "";
    }

    /// Makes the functions of a card for a claim on one of them, all at once and so for all claims
    /// that wait; or takes idle ones away for a claim on the card. `node` is read anew then.
    Result<void> make_room(const knd::Call& call, const std::string& name,
                           std::unique_ptr<sriov::Node>& node) {
        const auto* const device = node->device(name);
        if (device == nullptr || !device->card->on_demand()) return {};
        const auto& card = *device->card;
        const auto address = card.function.address;
        const int wanted = device->whole() ? 0 : card.offered();
        idle_.busy(address);
        if (device->whole() ? card.function.num_vfs == 0 : card.function.num_vfs > 0) return {};
        if (const auto holder = holder_of(address, name); !holder.empty()) {
            return Error(Code::kUnavailable, device->whole()
                                                 ? "claim " + holder + " has a function of the card"
                                                 : "claim " + holder + " has the card as a whole");
        }
        KND_TRY(sriov::change_count(
            {.card = address,
             .name = card.link ? card.name : "",
             .from = card.function.num_vfs,
             .to = wanted},
            call.deadline(), [&] { return call.check(); }, config_.sysfs));
        KND_TRY_ASSIGN(node, read());
        return {};
    }

    void note_idle(const sriov::Node& node) {
        for (const auto& card : node.cards()) {
            const auto& address = card.function.address;
            if (!card.on_demand() || card.function.num_vfs == 0) continue;
            if (holder_of(address).empty()) {
                idle_.idle(address, card.rule->idle_s);
            } else {
                idle_.busy(address);
            }
        }
    }

    void remove_idle() {
        for (const auto& address : idle_.due()) {
            const auto node = read();
            if (!node.ok()) {
                host_.error(node.error().message());
                return;
            }
            const auto* const card = (*node)->card(address);
            if (card == nullptr || !holder_of(address).empty()) continue;
            host_.info("removing the idle virtual functions of " + address);
            if (auto gone = knd::pci::remove_functions(address, config_.sysfs); !gone.ok())
                host_.error(gone.error().message());
            host_.devices_changed();
        }
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
    std::optional<knd::UeventMonitor> uevents_;
    sriov::IdleCards idle_;
};

constexpr knd_descriptor kDescriptor = {sizeof(knd_descriptor),
                                        0,
                                        "knd.dev/sriov",
                                        "KND Host",
                                        KND_VERSION,
                                        "virtual functions of network cards"};

}  // namespace

KND_EXPORT_BACKEND(SriovBackend, kDescriptor)
