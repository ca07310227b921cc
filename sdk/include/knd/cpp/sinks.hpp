// SPDX-License-Identifier: Apache-2.0
//
// What a backend writes into: devices, effects of a prepare, health. Calls chain; nothing has to be
// checked in between:
//   sink.device({.name = "nic0", .hardware_key = "pci:0000:3b:00.0", .netdev = "eth1"})
//       .attribute("ifName", "eth1").attribute("mtu", 1500).capacity("bandwidth", "25G");
#pragma once

#include <concepts>
#include <string>
#include <utility>

#include <knd/cpp/abi.hpp>

#include <knd/ext/discovery.h>
#include <knd/ext/health.h>
#include <knd/ext/prepare.h>

namespace knd {

/// Receives the devices of one list(). A device that breaks a rule of resource.k8s.io is left out
/// by the host, which logs why; the others stand.
class DeviceSink {
  public:
    struct Device {
        std::string name;           ///< DNS label, at most 63 characters, the same after a reboot
        std::string hardware_key;   ///< "pci:0000:3b:00.1", "net:dra0"
        std::string netdev = {};    ///< kernel name in the host's netns; empty: it has no netdev
        std::string withheld = {};  ///< why it is not offered, for people; empty: it is
    };

    explicit DeviceSink(const knd_device_sink* sink) : sink_(sink) {}

    /// The calls that follow describe this device.
    DeviceSink& device(const Device& device) {
        knd_device raw{};
        raw.size = sizeof raw;
        raw.name = device.name.c_str();
        raw.hardware_key = device.hardware_key.c_str();
        raw.netdev = device.netdev.empty() ? nullptr : device.netdev.c_str();
        raw.withheld = device.withheld.empty() ? nullptr : device.withheld.c_str();
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
        std::string name_in_pod = {};  ///< empty: the claim's interface.name, else `name`
    };

    explicit EffectsSink(const knd_effects* effects) : effects_(effects) {}

    /// Move this netdev into the pod.
    EffectsSink& netdev(const Netdev& netdev) {
        knd_netdev raw{};
        raw.size = sizeof raw;
        raw.ifindex = netdev.ifindex;
        raw.name = netdev.name.c_str();
        raw.mac = netdev.mac.empty() ? nullptr : netdev.mac.c_str();
        raw.name_in_pod = netdev.name_in_pod.empty() ? nullptr : netdev.name_in_pod.c_str();
        return note("netdev", netdev.name, status_ ? status_ : effects_->netdev(effects_, &raw));
    }
    EffectsSink& rdma_link(const std::string& name) {
        return note("RDMA link", name,
                    status_ ? status_ : effects_->rdma_link(effects_, name.c_str()));
    }
    /// `mode`: permission bits, 0 means 0660.
    EffectsSink& device_node(const std::string& path, std::uint32_t mode = 0) {
        const knd_node raw{sizeof raw, mode, path.c_str()};
        return note("device node", path, status_ ? status_ : effects_->device_node(effects_, &raw));
    }
    EffectsSink& mount(const std::string& source, const std::string& destination,
                       bool read_only = false) {
        const knd_mount raw{sizeof raw, read_only ? 1u : 0u, source.c_str(), destination.c_str()};
        return note("mount", destination, status_ ? status_ : effects_->mount(effects_, &raw));
    }
    EffectsSink& env(const std::string& key, const std::string& value) {
        return note("environment variable", key,
                    status_ ? status_ : effects_->env(effects_, key.c_str(), value.c_str()));
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
        status_ = sink_->device(sink_, device.c_str(), health, message);
        device_ = device;
        return *this;
    }

    const knd_health_sink* sink_;
    knd_status status_ = KND_OK;
    std::string device_;
};

}  // namespace knd
