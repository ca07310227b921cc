// SPDX-License-Identifier: Apache-2.0
//
// Inventory: which devices this node offers, and for each one that it does not offer, why.
//
// It merges the lists of all backends. A hardware key that two of them report belongs to the first
// in config order. The uplink is never offered, nor what the filter rejects, nor what is in a live
// binding under another name. A device that a claim holds stays, with the attributes it had, while
// it is away in a pod. What the API server would not keep apart is kept apart here: see
// sharing.hpp.
//
// Threads: domain thread.
// Metrics: knd_devices{backend,state="offered"|"withheld"}
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "host/model/device.hpp"
#include "host/model/slice_features.hpp"

#include <knd/cpp/result.hpp>

namespace knd {

/// True: offered. False or an error: withheld, and the error is shown as the reason.
using DeviceFilter = std::function<Result<bool>(const Device&)>;

class Inventory {
  public:
    /// Shared by the list that it came in, the claim that holds it and its entry: a thousand of
    /// them are two megabytes, and every claim that comes or goes makes all entries anew.
    using DevicePtr = std::shared_ptr<const Device>;

    /// The effect of the taint of a device in this state: "NoSchedule", "NoExecute" or "none".
    struct HealthPolicy {
        std::string unhealthy = "NoSchedule";
        std::string unknown = "none";
    };

    struct Options {
        std::string pool = "node";          ///< "{backend}" is replaced
        std::vector<std::string> backends;  ///< in order of precedence
        DeviceFilter filter;                ///< none: everything passes
        std::string driver = "knd.dev";     ///< domain of the health taint's key
        HealthPolicy health = {};
        /// Where the API server keeps no counters: wholes are offered, not their parts.
        bool wholes_without_counters = false;
    };

    /// One device as `kndctl devices` shows it.
    struct Entry {
        DevicePtr device;
        std::string pool;
        bool offered = false;
        bool present = false;  ///< reported by its backend right now
        bool held = false;     ///< a claim has it
        std::string reason;    ///< why it is not offered; empty when it is
        /// Nothing: its backend does not tell.
        std::optional<HealthReport> health = {};
        std::vector<DeviceTaint> taints = {};  ///< its backend's and ours
        Counters consumes = {};                ///< by the names that the sets have in the pool
    };

    explicit Inventory(Options options);

    /// The complete list of one backend as of now. Replaces the earlier one.
    void set_devices(const std::string& backend, DeviceListing listing);
    /// Devices of a backend that are not healthy, by name. From the first call on its other devices
    /// are healthy; before, nothing is known of any.
    void set_health(const std::string& backend, std::map<std::string, HealthReport> reports);
    /// What the API server keeps; until this is told, everything.
    void set_features(const SliceFeatures& features);
    /// The backend does not serve: its devices that nobody holds are withdrawn.
    void set_unavailable(const std::string& backend, const std::string& reason);
    /// Interfaces of the host that must not be offered, with the sentence that says why.
    void set_protected(std::map<std::string, std::string> netdevs);
    /// What live bindings have: interfaces by their names on the host, with those that they have on
    /// the way home, and hardware by its key; and who has it, "claim ns/name has it (device vf1)".
    /// Whatever else is one of them is withheld. Names of the way home (knd and 12 hexadecimal
    /// digits) are withheld from then on for good: a list may show one long after its time.
    void set_bound(std::map<std::string, std::string> netdevs,
                   std::map<std::string, std::string> hardware = {});
    /// Why the host needs this interface; empty: it does not.
    std::string uplink_reason(const std::string& netdev) const;
    /// Devices of one backend that claims hold, as they were when they were prepared. Those of
    /// other backends among them are passed over.
    void set_held(const std::string& backend, std::vector<Device> devices);
    /// Devices that claims have got, besides those that they held already.
    void add_held(std::vector<Device> devices);
    /// Backends of held devices that are not among `devices`: what is about to be released.
    std::set<std::string> backends_releasing(const std::vector<Device>& devices) const;

    /// The device of that name, offered or held; nothing for what is withheld.
    std::optional<Device> find(const std::string& pool, const std::string& name) const;
    /// Everything that is or could be offered, sorted by name.
    const std::vector<Entry>& entries() const { return entries_; }
    /// Hardware keys of what `device` is a part of, the nearest first: those of its PF and its
    /// card.
    std::vector<std::string> wholes_of(const Device& device) const;
    /// What the publisher writes. Every running backend has its pool, even an empty one.
    std::map<std::string, DeviceListing> pools() const;

    /// Runs when pools() differs from what it was before.
    std::function<void()> on_changed;
    /// Runs after set_health(), also when that changes nothing that is offered.
    std::function<void()> on_health_changed;

  private:
    struct Source {
        std::string name;
        bool available = false;
        bool listed = false;
        std::string reason;
        std::map<std::string, DevicePtr> devices;  ///< by name
        Counters counters;
        bool tells_health = false;
        std::map<std::string, HealthReport> health;
        /// What its counter sets are called in the pool. Of two backends' sets of one name the
        /// second gets its backend's name in front; nothing: there is no name for it.
        std::map<std::string, std::string> set_names;
    };
    using Held = std::map<std::string, DevicePtr>;    ///< by "backend/name"
    using Owners = std::map<std::string, DevicePtr>;  ///< by hardware key

    Source* source(const std::string& backend);
    const Source* source(const std::string& backend) const;
    void replace_held(Held held);
    void rebuild();
    void name_counter_sets();
    std::set<std::string> pool_names() const;
    void add_source(const Source& source, std::set<std::string>& names, Owners& owners);
    void describe(Entry& entry, const Source& source) const;
    std::string withheld_reason(const Entry& entry, const Source& source,
                                const std::set<std::string>& names, const Owners& owners);
    std::string bound_reason(const Device& device) const;
    std::string taint_reason(const Entry& entry) const;
    std::string filter_reason(const DevicePtr& device);
    void share();
    std::string pool_of(const std::string& backend) const;

    Options options_;
    SliceFeatures features_;
    std::vector<Source> sources_;
    std::map<std::string, std::string> protected_;
    std::map<std::string, std::string> bound_netdevs_;
    std::map<std::string, std::string> bound_hardware_;
    std::set<std::string> transit_names_;
    Held held_;
    std::vector<Entry> entries_;
    std::map<std::string, std::string> parents_;  ///< of each part: its key -> that of its whole
    std::map<std::string, Counters> counters_;    ///< by pool
    /// What the filter says: an expression is dearer than all else here, and a device that stays
    /// the object that it was gets the same answer.
    std::map<DevicePtr, std::string> filtered_;
    std::map<DevicePtr, std::string> filtered_before_;
    std::set<std::string> published_pools_;
};

}  // namespace knd
