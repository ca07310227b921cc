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

#include "host/dra/slice_device.hpp"
#include "host/model/json.hpp"

#include <knd/cpp/result.hpp>

namespace knd::dra {

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
    std::vector<SliceCounters> counters;
    TaintTimes taint_times;
    bool foreign = false;  ///< has members that we never write (nodeSelector, allNodes, ...)
    /// Whether the two say the same; resource versions do not count.
    bool same_content(const StoredSlice& other) const;
};

struct SliceWrite {
    std::string name;  ///< empty: create
    std::string uid;
    std::string resource_version;
    std::size_t index = 0;
    std::vector<SliceDevice> devices;
    std::vector<SliceCounters> counters;
};

/// What brings the pool to the desired state: deletes first, then updates, then creates.
struct PoolPlan {
    std::vector<StoredSlice> deletes;
    std::vector<SliceWrite> updates;
    std::vector<SliceWrite> creates;
    std::int64_t generation = 0;
    std::size_t slice_count = 0;
    TaintTimes taint_times;
    bool empty() const { return deletes.empty() && updates.empty() && creates.empty(); }
};

/// Where the driver's slices hang.
struct SliceOwner {
    std::string driver;
    std::string node;
    std::string node_uid;
};

/// A ResourceSlice object of API version `version`.
Result<StoredSlice> parse_slice(const Json& object, std::string_view version);

/// Deals devices to slices, at least one. A device stays in the slice where `stored` has it, as far
/// as there is room, so that a change of one device rewrites one slice and keeps the generation.
std::vector<std::vector<SliceDevice>> shard(const SlicePool& pool,
                                            const std::vector<StoredSlice>& stored);

/// Texts that the server was seen to store instead of what we sent (fields of a feature gate that
/// is off are dropped without a word): sent -> stored, of devices, and of all counters of a slice.
using Adopted = std::map<std::string, std::string, std::less<>>;

PoolPlan plan_pool(const SlicePool& pool, const std::vector<StoredSlice>& stored,
                   const SliceOwner& owner, const Adopted& adopted);
/// `[{"counters":...},...]`
std::string counters_text(const std::vector<SliceCounters>& counters);

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
