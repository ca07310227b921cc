// SPDX-License-Identifier: Apache-2.0
//
// What a backend writes into: devices, effects of a prepare, health. Calls chain; nothing has to be
// checked in between:
//   sink.device({.name = "nic0", .hardware_key = "pci:0000:3b:00.0", .netdev = "eth1"})
//       .attribute("ifName", "eth1").attribute("mtu", 1500).capacity("bandwidth", "25G");
//   effects.netdev({.ifindex = 7, .name = "eth1"}).env("NIC", "eth1").state("vf=3");
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <knd/cpp/abi.hpp>
#include <knd/cpp/binding.hpp>

#include <knd/ext/discovery.h>
#include <knd/ext/health.h>
#include <knd/ext/prepare.h>
#include <knd/ext/recover.h>

namespace knd {

/// Receives the devices of one list(). A device that breaks a rule of resource.k8s.io is left out
/// by the host, which logs why; the others stand.
class DeviceSink {
  public:
    struct Device {
        std::string name;             ///< DNS label, the same after a reboot, unique in its pool
        std::string hardware_key;     ///< "pci:0000:3b:00.1", "net:dra0", "example.com/port-3"
        std::string netdev = {};      ///< kernel name in the host's netns; empty: it has no netdev
        std::string withheld = {};    ///< why it is not offered, for people; empty: it is
        bool shareable = false;       ///< several claims may have it at once
        std::string parent_key = {};  ///< hardware key of what it is a part of: the PF of a VF
    };
    /// How much of a capacity a claim gets. Quantities; empty: not set. See discovery.h.
    struct Policy {
        std::string default_value;
        std::string min = {};
        std::string max = {};
        std::string step = {};
        std::vector<std::string> valid_values = {};  ///< instead of min, max and step
    };

    explicit DeviceSink(const knd_device_sink* sink) : sink_(sink) {}

    /// The calls that follow describe this device.
    DeviceSink& device(const Device& device) {
        knd_device raw{};
        raw.size = sizeof raw;
        raw.name = device.name.c_str();
        raw.hardware_key = device.hardware_key.c_str();
        raw.netdev = detail::or_null(device.netdev);
        raw.flags = device.shareable ? std::uint32_t{KND_DEVICE_SHAREABLE} : 0u;
        raw.withheld = detail::or_null(device.withheld);
        raw.parent_key = detail::or_null(device.parent_key);
        device_ = device.name;
        refused_ = false;
        return note(ended_ ? KND_OK : sink_->device(sink_, &raw));
    }
    DeviceSink& attribute(const std::string& name, const std::string& value) {
        return note(skip() ? KND_OK : sink_->attr_string(sink_, name.c_str(), value.c_str()));
    }
    DeviceSink& attribute(const std::string& name, const char* value) {
        return attribute(name, std::string(value));
    }
    template <std::integral T>
    DeviceSink& attribute(const std::string& name, T value) {
        return note(skip() ? KND_OK : sink_->attr_int(sink_, name.c_str(), value));
    }
    DeviceSink& attribute(const std::string& name, bool value) {
        return note(skip() ? KND_OK : sink_->attr_bool(sink_, name.c_str(), value));
    }
    DeviceSink& version(const std::string& name, const std::string& semver) {
        return note(skip() ? KND_OK : sink_->attr_version(sink_, name.c_str(), semver.c_str()));
    }
    /// `quantity` as Kubernetes writes it: "25G", "8", "64Mi".
    DeviceSink& capacity(const std::string& name, const std::string& quantity) {
        return note(skip() ? KND_OK : sink_->capacity(sink_, name.c_str(), quantity.c_str()));
    }

    /// A list, which API servers keep since 1.36; older ones get its first value.
    DeviceSink& attribute(const std::string& name, const std::vector<std::string>& values) {
        const auto raw = detail::pointers(values);
        return note(skip() ? KND_OK
                           : sink_->attr_strings(sink_, name.c_str(), raw.data(), raw.size()));
    }
    DeviceSink& attribute(const std::string& name, const std::vector<std::int64_t>& values) {
        return note(skip() ? KND_OK
                           : sink_->attr_ints(sink_, name.c_str(), values.data(), values.size()));
    }
    /// Of a capacity of a shareable device that was reported before.
    DeviceSink& policy(const std::string& capacity, const Policy& policy) {
        const auto values = detail::pointers(policy.valid_values);
        knd_capacity_policy raw{};
        raw.size = sizeof raw;
        raw.valid_count = static_cast<std::uint32_t>(values.size());
        raw.default_value = policy.default_value.c_str();
        raw.min = detail::or_null(policy.min);
        raw.max = detail::or_null(policy.max);
        raw.step = detail::or_null(policy.step);
        raw.valid_values = values.empty() ? nullptr : values.data();
        return note(skip() ? KND_OK : sink_->policy(sink_, capacity.c_str(), &raw));
    }
    /// What this device takes of a counter while a claim has it.
    DeviceSink& consumes(const std::string& set, const std::string& counter,
                         const std::string& quantity) {
        return note(skip()
                        ? KND_OK
                        : sink_->consumes(sink_, set.c_str(), counter.c_str(), quantity.c_str()));
    }
    /// `effect`: "None", "NoSchedule" or "NoExecute".
    DeviceSink& taint(const std::string& key, const std::string& value, const std::string& effect) {
        return note(skip() ? KND_OK
                           : sink_->taint(sink_, key.c_str(), value.c_str(), effect.c_str()));
    }
    /// A counter that devices share, at any time in the list. One that the host refuses leaves out
    /// the devices that take of it.
    DeviceSink& counter(const std::string& set, const std::string& counter,
                        const std::string& quantity) {
        if (ended_) return *this;
        const auto status = sink_->counter(sink_, set.c_str(), counter.c_str(), quantity.c_str());
        return status == KND_INVALID_ARGUMENT ? *this : note(status);
    }

    /// Fails once the host wants no more devices. A refused device is no failure of the list.
    Result<void> status() const {
        if (!ended_) return {};
        return Error(to_code(status_), "the host ended the list at device `" + device_ + "`");
    }

  private:
    bool skip() const { return ended_ || refused_; }
    DeviceSink& note(knd_status status) {
        if (status == KND_INVALID_ARGUMENT) refused_ = true;
        if (status != KND_OK && status != KND_INVALID_ARGUMENT && !ended_) {
            ended_ = true;
            status_ = status;
        }
        return *this;
    }

    const knd_device_sink* sink_;
    std::string device_;
    knd_status status_ = KND_OK;
    bool refused_ = false;
    bool ended_ = false;
};

/// Receives the effects of one prepare(). The first refusal makes the prepare fail.
class EffectsSink {
  public:
    struct Netdev {
        int ifindex = 0;
        std::string name;
        std::string mac = {};          ///< guard; empty: none
        std::string name_in_pod = {};  ///< unless the claim says; empty: `name`
    };
    /// An interface that is made in the pod.
    struct Link {
        std::string kind = {};  ///< macvlan, ipvlan, vlan, veth; empty: attach() here makes it
        int parent_ifindex = 0;
        std::string parent = {};  ///< its name, and a guard
        std::string name_in_pod;  ///< unless the claim says
        /// macvlan: bridge, vepa, private, passthru; ipvlan: l2, l3, l3s. Empty: bridge, l2; the
        /// kernel's own choice would be vepa, l3.
        std::string mode = {};
        std::string mac = {};   ///< empty: the kernel's choice
        std::string peer = {};  ///< veth: name of the end on the host
        int vlan_id = 0;
        int mtu = 0;  ///< 0: the parent's
    };
    struct Node {
        std::string path;
        std::uint32_t mode = 0;                 ///< permission bits, 0 means 0660
        std::string container_path = {};        ///< empty: `path`
        std::string access = {};                ///< of "r", "w" and "m"; empty: "rw"
        std::optional<std::uint32_t> uid = {};  ///< in the container; absent: as on the host
        std::optional<std::uint32_t> gid = {};
    };
    struct Mount {
        std::string source;
        std::string destination;
        bool read_only = false;
        std::string options = {};               ///< "nosuid,noexec"
        std::optional<std::uint32_t> uid = {};  ///< the source gets it; absent: as it is
        std::optional<std::uint32_t> gid = {};
    };
    struct RdmaLimit {
        std::string device;
        std::int64_t hca_handles = -1;  ///< -1: no limit
        std::int64_t hca_objects = -1;
    };
    /// Of a device without an interface of the host's.
    struct NetworkData {
        std::string interface_name = {};
        std::string hardware_address = {};
        std::vector<std::string> addresses = {};  ///< "192.0.2.5/24"
    };
    static constexpr std::uint64_t kUnlimited = UINT64_MAX;

    explicit EffectsSink(const knd_effects* effects) : effects_(effects) {}

    /// Move this netdev into the pod.
    EffectsSink& netdev(const Netdev& netdev) {
        knd_netdev raw{};
        raw.size = sizeof raw;
        raw.ifindex = netdev.ifindex;
        raw.name = netdev.name.c_str();
        raw.mac = detail::or_null(netdev.mac);
        raw.name_in_pod = detail::or_null(netdev.name_in_pod);
        return note("netdev", netdev.name, status_ ? status_ : effects_->netdev(effects_, &raw));
    }
    /// Make an interface in the pod.
    EffectsSink& link(const Link& link) {
        knd_link raw{};
        raw.size = sizeof raw;
        raw.parent_ifindex = link.parent_ifindex;
        raw.kind = detail::or_null(link.kind);
        raw.parent = detail::or_null(link.parent);
        raw.name_in_pod = link.name_in_pod.c_str();
        raw.mode = detail::or_null(link.mode);
        raw.mac = detail::or_null(link.mac);
        raw.peer = detail::or_null(link.peer);
        raw.vlan_id = link.vlan_id;
        raw.mtu = link.mtu;
        return note("link", link.name_in_pod, status_ ? status_ : effects_->link(effects_, &raw));
    }
    EffectsSink& rdma_link(const std::string& name) {
        return note("RDMA link", name,
                    status_ ? status_ : effects_->rdma_link(effects_, name.c_str()));
    }
    EffectsSink& device_node(const Node& node) {
        knd_node raw{};
        raw.size = sizeof raw;
        raw.mode = node.mode;
        raw.path = node.path.c_str();
        raw.container_path = detail::or_null(node.container_path);
        raw.access = detail::or_null(node.access);
        raw.owner = owner(node.uid, node.gid);
        raw.uid = node.uid.value_or(0);
        raw.gid = node.gid.value_or(0);
        return note("device node", node.path,
                    status_ ? status_ : effects_->device_node(effects_, &raw));
    }
    EffectsSink& mount(const Mount& mount) {
        knd_mount raw{};
        raw.size = sizeof raw;
        raw.read_only = mount.read_only ? 1u : 0u;
        raw.source = mount.source.c_str();
        raw.destination = mount.destination.c_str();
        raw.options = detail::or_null(mount.options);
        raw.owner = owner(mount.uid, mount.gid);
        raw.uid = mount.uid.value_or(0);
        raw.gid = mount.gid.value_or(0);
        return note("mount", mount.destination,
                    status_ ? status_ : effects_->mount(effects_, &raw));
    }
    EffectsSink& env(const std::string& key, const std::string& value) {
        return note("environment variable", key,
                    status_ ? status_ : effects_->env(effects_, key.c_str(), value.c_str()));
    }
    /// rlimit("RLIMIT_MEMLOCK", EffectsSink::kUnlimited, EffectsSink::kUnlimited)
    EffectsSink& rlimit(const std::string& type, std::uint64_t soft, std::uint64_t hard) {
        const knd_rlimit raw{sizeof raw, 0, type.c_str(), soft, hard};
        return note("limit", type, status_ ? status_ : effects_->rlimit(effects_, &raw));
    }
    EffectsSink& rdma_limit(const RdmaLimit& limit) {
        const knd_rdma_limit raw{sizeof raw, 0, limit.device.c_str(), limit.hca_handles,
                                 limit.hca_objects};
        return note("limits of RDMA device", limit.device,
                    status_ ? status_ : effects_->rdma_limit(effects_, &raw));
    }
    /// For the metadata that containers read.
    EffectsSink& attribute(const std::string& name, const std::string& value) {
        return note("attribute", name,
                    status_ ? status_ : effects_->attribute(effects_, name.c_str(), value.c_str()));
    }
    EffectsSink& network_data(const NetworkData& data) {
        const auto addresses = detail::pointers(data.addresses);
        knd_network_data raw{};
        raw.size = sizeof raw;
        raw.address_count = static_cast<std::uint32_t>(addresses.size());
        raw.interface_name = detail::or_null(data.interface_name);
        raw.hardware_address = detail::or_null(data.hardware_address);
        raw.addresses = addresses.empty() ? nullptr : addresses.data();
        return note("network data of", data.interface_name,
                    status_ ? status_ : effects_->network_data(effects_, &raw));
    }
    /// At most 4 KiB, given back in every later Binding.
    EffectsSink& state(std::string_view bytes) {
        return note("state of", std::to_string(bytes.size()) + " bytes",
                    status_ ? status_ : effects_->state(effects_, bytes.data(), bytes.size()));
    }

    Result<void> status() const {
        if (status_ == KND_OK) return {};
        return Error(to_code(status_), "the host refused the " + what_);
    }

  private:
    static std::uint32_t owner(const std::optional<std::uint32_t>& uid,
                               const std::optional<std::uint32_t>& gid) {
        return (uid ? std::uint32_t{KND_OWNER_UID} : 0u) |
               (gid ? std::uint32_t{KND_OWNER_GID} : 0u);
    }
    EffectsSink& note(std::string_view kind, std::string_view name, knd_status status) {
        if (status_ == KND_OK && status != KND_OK) {
            status_ = status;
            what_ = std::string(kind).append(" `").append(name).append("`");
        }
        return *this;
    }

    const knd_effects* effects_;
    knd_status status_ = KND_OK;
    std::string what_;
};

/// Receives the health of devices. What is not reported counts as healthy.
class HealthSink {
  public:
    explicit HealthSink(const knd_health_sink* sink) : sink_(sink) {}

    HealthSink& healthy(const std::string& device) {
        return note(device, KND_HEALTH_HEALTHY, nullptr);
    }
    HealthSink& unhealthy(const std::string& device, const std::string& why) {
        return note(device, KND_HEALTH_UNHEALTHY, why.c_str());
    }
    HealthSink& unknown(const std::string& device, const std::string& why) {
        return note(device, KND_HEALTH_UNKNOWN, why.c_str());
    }
    Result<void> status() const {
        if (status_ == KND_OK) return {};
        return Error(to_code(status_), "the host refused the health of device `" + device_ + "`");
    }

  private:
    HealthSink& note(const std::string& device, std::int32_t health, const char* message) {
        if (status_ != KND_OK) return *this;
        const auto status = sink_->device(sink_, device.c_str(), health, message);
        // A device that the host has not heard of yet, or no more, is no failure of the others.
        if (status == KND_NOT_FOUND) return *this;
        status_ = status;
        device_ = device;
        return *this;
    }

    const knd_health_sink* sink_;
    knd_status status_ = KND_OK;
    std::string device_;
};

/// Receives which bindings are lost. One that is not mentioned is as it was.
class LostSink {
  public:
    explicit LostSink(const knd_recover_sink* sink) : sink_(sink) {}

    /// `binding`: one of the list. `why`: a sentence for people.
    LostSink& lost(const Binding& binding, const std::string& why) {
        const knd_binding raw = binding.raw();
        const auto status = sink_->lost(sink_, &raw, why.c_str());
        if (status_ == KND_OK) status_ = status;
        return *this;
    }
    Result<void> status() const {
        if (status_ == KND_OK) return {};
        return Error(to_code(status_), "the host refused a lost binding");
    }

  private:
    const knd_recover_sink* sink_;
    knd_status status_ = KND_OK;
};

}  // namespace knd
