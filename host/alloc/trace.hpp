// SPDX-License-Identifier: Apache-2.0
//
// What an allocation on one node looked at, and why it did not take it: the material of "why does
// my claim not schedule?". Allocator::allocate() fills one when it is given one.
//
// Pools, requests and devices are in the allocator's own order. A search goes back and forth, so
// that a device may be refused many times and for different reasons: the first lasting one is kept
// with its details, else the first of all; the others are counted.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/model/resource.hpp"

namespace knd::alloc {

struct DeviceId {
    std::string driver;
    std::string pool;
    std::string device;
    auto operator<=>(const DeviceId&) const = default;
    /// "driver/pool/device", for messages.
    std::string text() const { return driver + "/" + pool + "/" + device; }
};

/// Why a device does not serve a request, in the order in which the allocator asks.
enum class Refusal : std::uint8_t {
    kNone,               ///< not refused: it was picked, or nothing asked for it
    kInUse,              ///< a claim of the cluster holds it
    kPicked,             ///< another request of this run has it at that moment
    kBindingConditions,  ///< it has some, and the feature is off
    kClassSelector,      ///< `selector` of the class is false
    kRequestSelector,    ///< `selector` of the request is false
    kSelectorError,      ///< a selector failed; the allocation ends with that error
    kOtherNode,          ///< it selects its nodes itself, and not this one
    kCapacityMissing,    ///< it lacks the capacity `shortage.name` that the request names
    kCapacityPolicy,     ///< its policy for `shortage.name` does not allow the amount
    kCapacity,           ///< `shortage`: capacity, what is left, what the request takes
    kCountersOff,        ///< it uses counters, and the feature is off
    kCounters,           ///< `shortage`: set, counter, what is left, what it takes
    kGroups,             ///< its compatibility groups do not go with those of other devices
    kNodeOperations,     ///< it needs a node that may leave out operations
    kTaint,              ///< `taint` is not tolerated
    kConstraint,         ///< `conflict`
};
constexpr std::size_t kRefusals = static_cast<std::size_t>(Refusal::kConstraint) + 1;

/// Whether the reason does not depend on what else was picked.
bool is_lasting(Refusal refusal);

/// "in use", "class selector", ...
std::string_view refusal_text(Refusal refusal);

/// A counter or a capacity of which there is not enough.
struct Shortage {
    std::string counter_set;  ///< empty for a capacity
    std::string name;
    Quantity available;  ///< may be negative for counters
    Quantity wanted;
};

/// Two devices that a constraint does not allow together.
struct Conflict {
    std::size_t constraint = 0;  ///< its place in the claim
    std::string attribute;
    std::string value;              ///< of the refused device; empty: it lacks the attribute
    std::optional<DeviceId> other;  ///< picked before; absent when the attribute is lacking
    std::string other_value;
};

struct DeviceTrace {
    DeviceId id;
    Refusal refusal = Refusal::kNone;
    bool picked = false;  ///< was part of an attempt, or of the solution
    std::size_t selector = 0;
    std::optional<api::DeviceTaint> taint;
    std::optional<Shortage> shortage;
    std::optional<Conflict> conflict;
    std::uint64_t refusals = 0;  ///< how often in all
};

/// One request, or one alternative of a firstAvailable.
struct RequestTrace {
    std::size_t claim = 0;  ///< its place among the claims given
    std::string name;       ///< "request" or "request/alternative"
    bool all = false;
    std::size_t wanted = 0;       ///< devices; for `all` those that match
    std::size_t most_picked = 0;  ///< devices in the best attempt
    bool reached = false;         ///< what comes before it could be met
    bool limit_reached = false;   ///< more than 32 devices in the claim
    std::vector<DeviceTrace> devices;

    /// How many devices were refused for each reason.
    std::array<std::size_t, kRefusals> counts() const;
};

struct PoolTrace {
    enum class State : std::uint8_t { kUsable, kIncomplete, kInvalid };
    std::string driver;
    std::string pool;
    State state = State::kUsable;
    std::string reason;       ///< why it is not usable
    std::size_t devices = 0;  ///< that this node may reach
};

struct Trace {
    enum class End : std::uint8_t { kAllocated, kNoSolution, kError, kStepLimit, kCancelled };
    struct Pick {
        std::size_t request = 0;  ///< index in `requests`
        DeviceId device;
    };
    std::vector<PoolTrace> pools;  ///< without those replaced by a newer generation
    std::vector<RequestTrace> requests;
    /// The attempt with most devices, and the request that stopped it (none when all was met).
    std::vector<Pick> best;
    std::optional<std::size_t> stopped_at;
    End end = End::kNoSolution;
    std::uint64_t steps = 0;
};

}  // namespace knd::alloc
