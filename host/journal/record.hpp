// SPDX-License-Identifier: Apache-2.0
//
// BindingRecord: everything that must be known about a device in the hands of a claim to finish or
// undo what was begun, after a crash at any instant. It is what the journal stores, what
// `kndctl journal` prints, and what the state machine of host/claims works on.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "host/model/binding.hpp"
#include "host/model/claim.hpp"
#include "host/model/device.hpp"
#include "host/model/json.hpp"
#include "host/model/network_config.hpp"

#include <knd/cpp/result.hpp>

namespace knd {

/// Where a binding is in its life. Each state says where the device can be and what a restart does.
enum class BindingState {
    kPrepared,   ///< at home, ready for a pod. Restart: nothing to do
    kAttaching,  ///< at home, under way, or in the pod half configured. Restart: bring it home
    kAttached,   ///< in the pod, working. Restart: leave it, unless the sandbox is gone
    kDetaching,  ///< in the pod, under way, or at home not yet restored. Restart: bring it home
    kFailed,     ///< at home; the attach to `sandbox` failed and was undone, `reason` says why
    kReleasing,  ///< at home; the claim has ended. Restart: backend unprepare, then forget it
};

std::string_view state_name(BindingState state);
Result<BindingState> state_from_name(std::string_view name);

/// The primary key: a device name is unique in its pool alone, and one claim may have several
/// shares of a device.
struct RecordKey {
    std::string claim_uid;
    std::string pool;
    std::string device;
    std::string share_id = {};
    auto operator<=>(const RecordKey&) const = default;
};

/// What a container sees of one interface of an attached device; kept so that the claim's status
/// can be written again, and so that the interface is known again whatever the pod has done to it.
struct AttachedFacts {
    std::string interface_name;
    std::string hardware_address;
    std::vector<std::string> addresses;  ///< CIDR
    int ifindex = 0;                     ///< in the pod
    bool operator==(const AttachedFacts&) const = default;
};

struct BindingRecord {
    ClaimRef claim;
    std::string pod_claim_name;     ///< of a template's claim: what the pod calls it
    std::vector<std::string> pods;  ///< uids for which the claim is reserved
    std::string request;            ///< as allocated, "req" or "req/sub"
    std::string pool;
    std::string share_id;
    Device device;  ///< as it was at prepare; its backend is device.backend
    NetworkConfig network;
    // What its backend was asked with, for a device that it has to make again.
    Json config;
    Json class_config;
    std::map<std::string, std::string> consumed;  ///< qualified capacity -> quantity
    bool admin_access = false;
    Effects effects;
    std::string boot_id;  ///< of the kernel in which it was prepared; effects do not outlive it

    BindingState state = BindingState::kPrepared;
    /// The kubelet has given the claim up: home, release, forget. A restart goes on with it, so
    /// that a claim is never found with some of its devices missing.
    bool ending = false;
    std::string reason;  ///< of the last failure, empty when there is none

    /// The pod that has, gets, or last had the device. Empty fields: none yet.
    std::string sandbox_id;
    std::string pod_uid;
    std::string pod;  ///< "namespace/name"
    std::string netns_path;
    std::string netns_id;  ///< identity of that namespace: a path may be reused
    Json host_state;       ///< what the device was like on the host, as host/sandbox wrote it
    std::vector<AttachedFacts> attached;  ///< one per interface, in the order of the effects

    std::int64_t prepared_ms = 0;  ///< since the epoch
    std::int64_t changed_ms = 0;

    RecordKey key() const { return {claim.uid, pool, device.name, share_id}; }
    BindingKey binding_key() const { return {claim.uid, device.name, share_id}; }
};

Json to_json(const BindingRecord& record);
/// Strict: a field of the wrong type or an unknown state is DATA_LOSS and names the field.
Result<BindingRecord> record_from_json(const Json& json);

}  // namespace knd
