// SPDX-License-Identifier: Apache-2.0
//
// A cluster as the allocator sees it: slices with the taint rules applied, classes, what is
// allocated already and to whom, and the nodes to look at. Made once, asked often.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "host/alloc/allocator.hpp"
#include "host/alloc/program_cache.hpp"
#include "tools/kndctl/simulate/gates.hpp"
#include "tools/kndctl/simulate/objects.hpp"

namespace knd::simulate {

struct Settings {
    Gates gates;
    bool compat = false;             ///< equal to kube-scheduler also where that is wrong
    std::vector<std::string> nodes;  ///< empty: all that the objects name
};

/// Threads: one at a time.
class Cluster {
  public:
    static Result<std::unique_ptr<Cluster>> make(Objects objects, Settings settings);

    /// Without the slices: those are in the inventory.
    const Objects& objects() const { return objects_; }
    const Settings& settings() const { return settings_; }
    std::span<const api::Node> nodes() const { return nodes_; }
    const std::shared_ptr<const alloc::Inventory>& inventory() const { return inventory_; }
    /// Compiled selectors, for all who look at this cluster.
    alloc::ProgramCache& programs() const { return *programs_; }
    /// Who holds a device, "namespace/claim" each.
    const std::vector<std::string>& holders(const alloc::DeviceId& device) const;

    const api::DeviceClass* find_class(std::string_view name) const;
    /// How much devices have left of the capacity called `name` and let a claim ask for: each
    /// amount once, most first.
    std::vector<Quantity> room(const std::string& name) const;
    /// Null: the device has no policy for the capacity, or is not there.
    const api::CapacityRequestPolicy* policy_of(const alloc::DeviceId& device,
                                                const std::string& name) const;

    /// For an allocator that is to see something else than the cluster; defaults: the cluster's.
    struct View {
        alloc::ClassLookup classes = {};
        std::uint64_t step_limit = alloc::Options{}.step_limit;
    };
    /// With everything that is allocated. Must not outlive the cluster.
    alloc::Allocator allocator(View view) const;
    alloc::Allocator allocator() const { return allocator(View{}); }
    /// What the user should know about the input, a sentence each.
    const std::vector<std::string>& remarks() const { return remarks_; }

  private:
    Cluster(Objects objects, Settings settings)
        : objects_(std::move(objects)), settings_(std::move(settings)) {}
    void choose_nodes();
    void note_what_is_off();
    Result<void> apply_taint_rules();
    void note_holders();
    alloc::AllocatedState allocated() const;

    Objects objects_;
    Settings settings_;
    std::vector<api::Node> nodes_;
    std::shared_ptr<const alloc::Inventory> inventory_;  // shared with the allocators made here
    // Likewise.
    std::shared_ptr<alloc::ProgramCache> programs_ = std::make_shared<alloc::ProgramCache>();
    std::map<alloc::DeviceId, std::vector<std::string>> holders_;
    std::vector<std::string> remarks_;
};

}  // namespace knd::simulate
