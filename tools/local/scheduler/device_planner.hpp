// SPDX-License-Identifier: Apache-2.0
//
// Which devices a pod's claims would get on a node: the allocator, fed with the objects of the API
// server and answering in JSON. Pure: nothing is read or written here but the objects given.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "host/alloc/program_cache.hpp"
#include "host/model/json.hpp"

#include <knd/cpp/result.hpp>

namespace knd::local {

using JsonObject = std::shared_ptr<const Json>;  // shared with the store, never changed

/// The claims of one pod, in the order of the pod's spec.
class PodClaims {
  public:
    struct Typed;

    static Result<PodClaims> read(std::vector<JsonObject> objects);
    PodClaims(PodClaims&&) noexcept;
    PodClaims& operator=(PodClaims&&) noexcept;
    ~PodClaims();

    const std::vector<JsonObject>& objects() const { return objects_; }
    bool allocated(std::size_t index) const;
    bool all_allocated() const;
    /// Why what is allocated already rules the node out; empty: it does not.
    std::string reject(const Json& node) const;
    const Typed& typed() const { return *typed_; }

  private:
    PodClaims();
    std::vector<JsonObject> objects_;
    std::unique_ptr<Typed> typed_;
};

class DevicePlanner {
  public:
    struct Cluster {
        std::vector<JsonObject> slices, classes, claims;
    };
    /// What plan() found for one node.
    struct Plan {
        std::string reason;             ///< why it does not fit; empty: it does
        std::vector<Json> allocations;  ///< status.allocation of the claims that had none, in order
    };

    /// Compiled selectors stay in `programs` for the planners to come.
    static Result<std::unique_ptr<DevicePlanner>> make(
        const Cluster& cluster, std::shared_ptr<alloc::ProgramCache> programs);
    ~DevicePlanner();

    /// Kubernetes looks at the classes before any node: "request r: device class c does not exist".
    Result<> check_classes(const PodClaims& claims) const;
    /// An error concerns all nodes. The devices of a plan are taken at once for later calls when it
    /// fits, as the first node that fits is used.
    Result<Plan> plan(const PodClaims& claims, const Json& node);

  private:
    struct State;
    explicit DevicePlanner(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace knd::local
