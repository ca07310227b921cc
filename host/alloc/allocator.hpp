// SPDX-License-Identifier: Apache-2.0
//
// DRA's structured allocator: which devices a set of claims gets on a node. It decides what
// kube-scheduler would decide, from the same objects, and nothing else: no clock, no I/O.
//
//   Inventory   slices of the whole cluster, prepared once: interned, grouped, sorted
//   Allocator   + classes and what is allocated already; allocate(node, claims) any number of times
//
// Expressions are evaluated once per device in the life of an Allocator; so are the pools of a node
// gathered. Compiled expressions outlive it in a ProgramCache: like kube-scheduler, one may make an
// allocator per pod.
//
// Threads: one at a time per Allocator. An Inventory is immutable and may be shared, a ProgramCache
// too.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "host/alloc/trace.hpp"
#include "host/cel/cel.hpp"
#include "host/model/resource.hpp"

#include <knd/cpp/result.hpp>

namespace knd::alloc {

class ProgramCache;

/// The feature gates that the allocator depends on; the defaults are those of Kubernetes 1.36.
struct Features {
    int kubernetes_minor = 36;
    bool admin_access = true;
    bool prioritized_list = true;
    bool partitionable_devices = true;
    bool device_taints = true;
    bool consumable_capacity = true;
    bool device_binding = true;
    bool list_attributes = false;
    // From 1.37 on.
    bool compatibility_groups = false;
    bool derived_attributes = false;
    bool fractional_range = false;
    bool optional_node_operations = false;
};

/// What selectors of stored objects are compiled with under these features.
cel::Environment selector_environment(const Features& features);
/// INVALID_ARGUMENT ("attribute NAME: ..."): a value is of a type that the release or its gates, or
/// this program, does not know; no expression can be evaluated on such a device.
Result<void> check_attributes(const api::SliceDevice& device, const Features& features);

/// Kubernetes keeps three implementations side by side: what is new enters the experimental one
/// and moves on with time.
enum class Variant : std::uint8_t { kStable, kIncubating, kExperimental };

/// The one that kube-scheduler of that release runs: the most stable that knows all the features
/// that are on.
Variant variant_for(const Features& features);

/// What the claims of the cluster hold already.
struct AllocatedState {
    std::set<DeviceId> devices;
    /// Shares of devices with allowMultipleAllocations, by share id.
    std::set<std::pair<DeviceId, std::string>> shares;
    /// Sum of what the shares have consumed.
    std::map<DeviceId, std::map<std::string, Quantity>> capacity;
    /// Adds the results of one allocated claim; adminAccess results do not count.
    void add(const api::AllocationResult& allocation);
};

struct Options {
    Features features;
    /// Decides exactly as kube-scheduler of the last patch release does, also where that is known
    /// to be wrong; what that is is listed in behaviour.hpp. Texts of errors are Kubernetes' to the
    /// letter. Where Kubernetes tries pools in no order, they are tried by name.
    bool compat = false;
    /// With compat: the implementation, if not the one that the features ask for.
    std::optional<Variant> variant;
    /// Candidates looked at before allocate() gives up with DEADLINE_EXCEEDED.
    std::uint64_t step_limit = 5'000'000;
    /// Asked now and then; true stops the search with CANCELLED. May be empty.
    std::function<bool()> cancelled;
    /// Shared with other allocators, and with those to come; null: this one compiles for itself.
    std::shared_ptr<ProgramCache> programs;
};

/// Immutable after make(). The slices are read, not kept.
class Inventory {
  public:
    struct Data;
    static Result<std::shared_ptr<const Inventory>> make(std::span<const api::ResourceSlice> slices,
                                                         const Features& features = {});
    explicit Inventory(std::unique_ptr<const Data> data);
    ~Inventory();
    const Data& data() const { return *data_; }

  private:
    std::unique_ptr<const Data> data_;
};

/// Finds a class by name; null: there is none. The class must live as long as the Allocator.
using ClassLookup = std::function<const api::DeviceClass*(std::string_view name)>;

/// Makes share ids; a UUID each. Injected so that a simulation can be repeated.
using ShareIds = std::function<std::string()>;

/// One result per claim, in the order of the claims.
using Allocations = std::vector<api::AllocationResult>;

class Allocator {
  public:
    /// Shared: an Inventory is used by many allocators, and lives as long as the last of them.
    Allocator(std::shared_ptr<const Inventory> inventory, ClassLookup classes,
              const AllocatedState& allocated, Options options = {}, ShareIds share_ids = {});
    ~Allocator();
    Allocator(Allocator&&) noexcept;
    Allocator& operator=(Allocator&&) noexcept;

    /// Empty optional: does not fit on this node. Errors are Kubernetes' texts and concern all
    /// nodes except FAILED_PRECONDITION, which concerns this node alone (invalid resource pools).
    /// Does not change the allocated state: call commit() with what was decided. A `trace` gets
    /// what was looked at and why it was not taken, whatever the result.
    Result<std::optional<Allocations>> allocate(const api::Node& node,
                                                std::span<const api::ResourceClaim* const> claims,
                                                Trace* trace = nullptr);

    /// Devices of the results become "in use" for the next allocate().
    void commit(std::span<const api::AllocationResult> allocations);
    /// They are free again: takes back a commit(), or a part of what the Allocator was made with.
    void release(std::span<const api::AllocationResult> allocations);

    /// Candidates looked at by the last allocate().
    std::uint64_t steps() const;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace knd::alloc
