// SPDX-License-Identifier: Apache-2.0
//
// What a pool says in ResourceSlices: its devices and the counters that they share, in the one form
// in which they are compared and sent. What the API server does not keep is left out here, so that
// what is published is what is stored. Pure functions.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "host/model/device.hpp"
#include "host/model/json.hpp"
#include "host/model/slice_features.hpp"

#include <knd/cpp/result.hpp>

namespace knd::dra {

/// Limits of the API, per slice.
inline constexpr std::size_t kDevicesPerSlice = 128;
/// When one of its devices has list attributes, taints or counters.
inline constexpr std::size_t kRichDevicesPerSlice = 64;
inline constexpr std::size_t kCounterSetsPerSlice = 8;

/// A device ready to be sent. Text, because ten thousand devices as JSON trees would take more
/// memory than the rest of the daemon.
struct SliceDevice {
    std::string name;
    std::string text;       ///< the v1 object in canonical form, taints without the time
    bool rich = false;      ///< its slice holds fewer devices
    bool consumes = false;  ///< it takes of counters
    bool operator==(const SliceDevice&) const = default;
};

/// An entry of sharedCounters, likewise.
struct SliceCounters {
    std::string name;
    std::string text;
    bool operator==(const SliceCounters&) const = default;
};

struct SlicePool {
    SlicePool() = default;
    SlicePool(std::vector<SliceDevice> all, std::vector<SliceCounters> shared = {})
        : devices(std::move(all)), counters(std::move(shared)) {}
    std::vector<SliceDevice> devices;
    std::vector<SliceCounters> counters;
    /// Until 1.34 a device finds its counters in its own slice only; since 1.35 a slice has either
    /// devices or counters.
    bool together = false;
    bool operator==(const SlicePool&) const = default;
};

/// What the API server keeps, and what its release demands.
struct SliceRules {
    SliceFeatures features;
    bool old = false;  ///< the rules of releases until 1.34
};

/// INVALID_ARGUMENT: two devices have one name, or until 1.34 there are more counters than fit.
Result<SlicePool> slice_pool(const DeviceListing& listing, const SliceRules& rules);
Result<std::vector<SliceDevice>> slice_devices(const std::vector<Device>& devices);

/// As they came from the API server, in v1's shape.
SliceDevice canonical_device(Json device);
SliceCounters canonical_counters(Json set);

/// When taints of a device were added, by "DEVICE KEY=VALUE:EFFECT". The server stamps a taint that
/// comes without a time, so that one which is written again has to bring it.
using TaintTimes = std::map<std::string, std::string>;
void collect_taint_times(const Json& device, TaintTimes& times);
void set_taint_times(Json& device, const TaintTimes& times);

}  // namespace knd::dra
