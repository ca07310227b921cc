// SPDX-License-Identifier: Apache-2.0
//
// Devices that pods ask for as plain resources, "example.com/nic: 1", where a DeviceClass stands
// behind that name (KEP-5004). kube-scheduler makes one claim for all of them in a pod, without
// those that a device plugin of the node provides: nodes may see different claims.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>

#include "host/model/core.hpp"
#include "host/model/resource.hpp"

namespace knd::simulate {

using Classes = std::map<std::string, api::DeviceClass, std::less<>>;

/// Resource name -> class, by a class's own name for it and by the one that every class has,
/// "deviceclass.resource.kubernetes.io/CLASS". Of two classes with one name the newer counts, then
/// the one whose own name comes first. Points into `classes`.
using BackingClasses = std::map<std::string, const api::DeviceClass*, std::less<>>;
BackingClasses backing_classes(const Classes& classes);

/// The claim of one pod, as each node sees it.
class ExtendedClaim {
  public:
    /// Empty: the pod asks for nothing that a class backs, or has its claim already. The pod must
    /// outlive the result.
    static std::optional<ExtendedClaim> make(const api::Pod& pod, const BackingClasses& classes,
                                             std::span<const api::Node> nodes);

    const api::Pod& pod() const { return *pod_; }
    /// Where no device plugin helps.
    const api::ResourceClaim& whole() const { return variants_.at({}); }
    /// Null: the node's device plugins provide everything. Of a node that make() did not see, the
    /// whole claim.
    const api::ResourceClaim* on(const api::Node& node) const;
    /// Whether it is one of this pod's claims. By address.
    bool has(const api::ResourceClaim& claim) const;

  private:
    using Names = std::set<std::string>;
    /// Of the resources, those that a device plugin of the node provides.
    Names provided(const api::Node& node) const;

    const api::Pod* pod_ = nullptr;
    Names resources_;
    std::map<Names, api::ResourceClaim> variants_;  ///< by what need not be claimed
};

}  // namespace knd::simulate
