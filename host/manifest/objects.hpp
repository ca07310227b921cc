// SPDX-License-Identifier: Apache-2.0
//
// Manifests as typed objects: a cluster, as far as scheduling with devices looks at it.
#pragma once

#include <functional>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "host/manifest/manifest.hpp"
#include "host/model/resource.hpp"

namespace knd::manifest {

/// In the order of the input. Where an object came from is said in errors alone, and found again by
/// origin().
struct Objects {
    std::vector<api::ResourceSlice> slices;
    std::vector<api::DeviceClass> classes;
    std::vector<api::ResourceClaim> claims;
    std::vector<api::ResourceClaimTemplate> templates;
    std::vector<api::Pod> pods;
    std::vector<api::Node> nodes;
    std::vector<api::DeviceTaintRule> taint_rules;
    /// Objects of other kinds, counted: "ConfigMap" -> 3.
    std::map<std::string, std::size_t> ignored;

    /// Where the object was read; null when it was not, or has no name. `kind` is "Pod" and so on,
    /// `name` is ObjectMeta::text().
    const Origin* origin(const std::string& kind, const std::string& name) const;

    std::map<std::pair<std::string, std::string>, Origin> origins;
};

/// Refuses objects for reasons of its own: API validation, for instance. May be empty.
using Check = std::function<Result<void>(const Json& object)>;

/// An object that is given twice is an error: which of the two is meant cannot be known.
Result<Objects> read_objects(std::span<const std::string> paths, const Check& check = {});
Result<Objects> read_objects(const Source& source, const Check& check = {});

}  // namespace knd::manifest
