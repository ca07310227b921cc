// SPDX-License-Identifier: Apache-2.0
//
// ResourceSlices as values, and the rules by which a pool of devices becomes slices: sharding,
// names, generations, and what has to be written when the API server holds something else. Pure
// functions; publisher.hpp carries the plans out.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/model/device.hpp"
#include "host/model/json.hpp"

#include <knd/cpp/result.hpp>

namespace knd::dra {

/// Limits of the API, per slice.
inline constexpr std::size_t kDevicesPerSlice = 128;
inline constexpr std::size_t kRichDevicesPerSlice = 64;  ///< when a device has list attributes

/// A device ready to be sent. Text, because ten thousand devices as JSON trees would take more
/// memory than the rest of the daemon.
struct SliceDevice {
    std::string name;
    std::string text;   ///< the v1 object in canonical form
    bool rich = false;  ///< has list attributes, so that its slice holds fewer devices
    bool operator==(const SliceDevice&) const = default;
};

/// A slice as the API server holds it, reduced to what decisions need.
struct StoredSlice {
    std::string name;
    std::string uid;
    std::string resource_version;
    std::optional<std::size_t> index;  ///< decoded from the name; nothing: not ours by form
    std::string pool;
    std::int64_t generation = 0;
    std::int64_t slice_count = 0;
    std::string owner_uid;  ///< of the Node
    std::vector<SliceDevice> devices;
    bool foreign = false;  ///< has members that we never write (nodeSelector, sharedCounters, ...)
    /// Whether the two say the same; resource versions do not count.
    bool same_content(const StoredSlice& other) const;
};

struct SliceWrite {
    std::string name;  ///< empty: create
    std::string uid;
    std::string resource_version;
    std::size_t index = 0;
    std::vector<SliceDevice> devices;
};

/// What brings the pool to the desired state: deletes first, then updates, then creates.
struct PoolPlan {
    std::vector<StoredSlice> deletes;
    std::vector<SliceWrite> updates;
    std::vector<SliceWrite> creates;
    std::int64_t generation = 0;
    std::size_t slice_count = 0;
    bool empty() const { return deletes.empty() && updates.empty() && creates.empty(); }
};

/// Where the driver's slices hang.
struct SliceOwner {
    std::string driver;
    std::string node;
    std::string node_uid;
};

/// Devices in the form they are compared and sent in. INVALID_ARGUMENT: two have one name.
Result<std::vector<SliceDevice>> slice_devices(const std::vector<Device>& devices);

/// A ResourceSlice object of API version `version`.
Result<StoredSlice> parse_slice(const Json& object, std::string_view version);

/// Deals devices to slices, at least one. A device stays in the slice where `stored` has it, as far
/// as there is room, so that a change of one device rewrites one slice and keeps the generation.
std::vector<std::vector<SliceDevice>> shard(const std::vector<SliceDevice>& devices,
                                            const std::vector<StoredSlice>& stored);

/// Texts that the server was seen to store instead of what we sent (fields of a feature gate that
/// is off are dropped without a word): sent -> stored.
using Adopted = std::map<std::string, std::string, std::less<>>;

PoolPlan plan_pool(const std::vector<SliceDevice>& devices, const std::vector<StoredSlice>& stored,
                   const SliceOwner& owner, const Adopted& adopted);

/// The object to send for one write of a plan.
std::string slice_body(const SliceWrite& write, const PoolPlan& plan, const SliceOwner& owner,
                       std::string_view pool, std::string_view version);

/// "00001-dra.net-node1-"
std::string generate_name(std::size_t index, const SliceOwner& owner);
std::optional<std::size_t> index_of_name(std::string_view name);

/// The members of `sent` that are missing or different in `stored`, for a log line: "dra0: taints".
std::string describe_dropped(const std::vector<SliceDevice>& sent,
                             const std::vector<SliceDevice>& stored);

}  // namespace knd::dra
