// SPDX-License-Identifier: Apache-2.0
//
// DeviceCollector: the device sink of one list(). Devices come out as resource.k8s.io takes them; a
// device that breaks a rule is left out and remembered with the reason, the others stand. So one
// bad device never costs a node all of its devices. Of two devices with one name the first stands.
#pragma once

#include <atomic>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "host/model/device.hpp"

#include <knd/cpp/result.hpp>

#include <knd/ext/discovery.h>

namespace knd::plugin {

/// Used by one thread at a time. After `cancelled` is set every call answers CANCELLED.
class DeviceCollector {
  public:
    /// More devices than this end the list: a backend must not be able to use up the memory.
    static constexpr std::size_t kMaxDevices = 65536;
    static constexpr std::size_t kMaxCounterSets = 128;

    /// `domain` is put before names that have none. `cancelled` outlives this object.
    DeviceCollector(std::string backend, std::string domain, const std::atomic<bool>& cancelled);
    DeviceCollector(const DeviceCollector&) = delete;
    DeviceCollector& operator=(const DeviceCollector&) = delete;

    const knd_device_sink* face() const { return &face_; }

    /// The devices that were accepted, and the counters. A device that takes of a counter that did
    /// not come is refused here. Call once.
    DeviceListing take();

    struct Refusal {
        std::string device;
        std::string reason;  ///< "attribute `x`: 70 bytes long, at most 64 are allowed"
        auto operator<=>(const Refusal&) const = default;
    };
    /// In the order of arrival, at most one per device. Complete after take().
    const std::vector<Refusal>& refusals() const { return refusals_; }

  private:
    Result<void> begin(const knd_device* theirs);
    Result<void> add_attribute(const char* name, AttributeValue value);
    Result<void> add_text(const char* name, const char* value);
    Result<void> add_texts(const char* name, const char* const* values, std::uint64_t count);
    Result<void> add_numbers(const char* name, const std::int64_t* values, std::uint64_t count);
    Result<void> add_version(const char* name, const char* semver);
    Result<void> add_capacity(const char* name, const char* quantity);
    Result<void> set_policy(const char* capacity, const knd_capacity_policy* theirs);
    Result<void> consume(std::string_view set, std::string_view counter, const char* quantity);
    Result<void> add_taint(const char* key, const char* value, const char* effect);
    /// Of no device: an error is kept for the devices that take of it.
    Result<void> add_counter(std::string_view set, std::string_view counter, const char* quantity);
    Result<void> check_room(std::size_t values = 0) const;
    /// Why the counters that `device` takes of are not there; empty: they are.
    std::string missing_counter(const Device& device) const;
    void finish_current();
    void refuse(const Error& error);

    template <class Add>
    static knd_status answer(const knd_device_sink* face, Add add) noexcept;
    static knd_status counter(const knd_device_sink* face, const char* set, const char* counter,
                              const char* quantity) noexcept;

    knd_device_sink face_{};
    const std::string backend_;
    const std::string domain_;
    const std::atomic<bool>& cancelled_;
    std::vector<Device> devices_;
    Counters counters_;
    std::set<std::string> names_;
    std::vector<Refusal> refusals_;
    Device current_;
    std::size_t values_ = 0;  ///< of the attributes of current_
    bool open_ = false;       ///< current_ is being described and has not been refused
};

}  // namespace knd::plugin
