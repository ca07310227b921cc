// SPDX-License-Identifier: Apache-2.0
//
// Why a claim fits, or does not: for each node how far each request got in the allocator's own
// order, what every device was refused for, and the smallest change that would help.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "host/model/json.hpp"
#include "tools/kndctl/simulate/cluster.hpp"
#include "tools/kndctl/simulate/relax.hpp"
#include "tools/kndctl/simulate/workload.hpp"

namespace knd::simulate {

struct DeviceVerdict {
    alloc::DeviceId id;
    bool picked = false;  ///< part of the solution; without one, of an attempt
    bool tried = false;   ///< part of an attempt that the solution is not
    std::string reason;   ///< "in use", "request selector", ...; empty: not refused
    /// The claim that holds it, the sub-expression that decided and its values, the taint, the
    /// other device of the pair, what is left and what is wanted.
    std::string details;
};

struct RequestVerdict {
    std::string claim;       ///< "namespace/name"
    std::string name;        ///< "request" or "request/alternative"
    bool all = false;        ///< asks for all that will do: `wanted`
    std::size_t wanted = 0;  ///< devices
    std::size_t picked = 0;  ///< at best
    bool reached = false;    ///< false: a request before it could not be met
    bool limit_reached = false;
    bool met = false;                    ///< it is part of the solution
    std::vector<DeviceVerdict> devices;  ///< seen, in the allocator's order
};

struct NodeVerdict {
    std::string node;
    std::optional<api::AllocationResult> allocation;  ///< when it fits
    std::string error;   ///< of the allocator, or why the node takes no such pod
    std::string reason;  ///< in a few words, when it does not fit
    std::vector<alloc::PoolTrace> pools;
    std::vector<RequestVerdict> requests;
    std::size_t picked = 0;  ///< devices of all requests at best

    bool fits() const { return allocation.has_value(); }
};

struct Diagnosis {
    std::string claim;                  ///< "namespace/name"
    std::vector<std::string> together;  ///< claims that its pod needs on the same node
    std::vector<NodeVerdict> nodes;
    std::string conclusion;        ///< one sentence
    std::vector<Remedy> remedies;  ///< the smallest change first
    bool tried_all = true;         ///< false: there was more to try than is reasonable
};

/// `workload` is one of only().
Diagnosis diagnose(const Cluster& cluster, const Workload& workload);

/// What `kndctl explain claim -o json` prints.
Json to_json(const Diagnosis& diagnosis);

/// What it has for people: devices that were refused for the same reason share a line.
std::string to_text(const Diagnosis& diagnosis);

}  // namespace knd::simulate
