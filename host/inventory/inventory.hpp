// SPDX-License-Identifier: Apache-2.0
//
// Inventory: which devices this node offers, and for each one that it does not offer, why.
//
// It merges the lists of all backends. A hardware key that two of them report belongs to the first
// in config order. The uplink is never offered, nor what the filter rejects. A device that a claim
// holds stays, with the attributes it had, while it is away in a pod.
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

#include <knd/cpp/result.hpp>

namespace knd {

/// True: offered. False or an error: withheld, and the error is shown as the reason.
using DeviceFilter = std::function<Result<bool>(const Device&)>;

class Inventory {
  public:
    /// Shared by the list that it came in, the claim that holds it and its entry: a thousand of
    /// them are two megabytes, and every claim that comes or goes makes all entries anew.
    using DevicePtr = std::shared_ptr<const Device>;

    struct Options {
        std::string pool = "node";          ///< "{backend}" is replaced
        std::vector<std::string> backends;  ///< in order of precedence
        DeviceFilter filter;                ///< none: everything passes
    };

    /// One device as `kndctl devices` shows it.
    struct Entry {
        DevicePtr device;
        std::string pool;
        bool offered = false;
        bool present = false;  ///< reported by its backend right now
        bool held = false;     ///< a claim has it
        std::string reason;    ///< why it is not offered; empty when it is
    };

    explicit Inventory(Options options);

    /// The complete list of one backend as of now. Replaces the earlier one.
    void set_devices(const std::string& backend, std::vector<Device> devices);
    /// The backend does not serve: its devices that nobody holds are withdrawn.
    void set_unavailable(const std::string& backend, const std::string& reason);
    /// Interfaces of the host that must not be offered, with the sentence that says why.
    void set_protected(std::map<std::string, std::string> netdevs);
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
    /// What the publisher writes. Every running backend has its pool, even an empty one.
    std::map<std::string, std::vector<Device>> pools() const;

    /// Runs when pools() differs from what it was before.
    std::function<void()> on_changed;

  private:
    struct Source {
        std::string name;
        bool available = false;
        bool listed = false;
        std::string reason;
        std::map<std::string, DevicePtr> devices;  ///< by name
    };
    using Held = std::map<std::string, DevicePtr>;    ///< by "backend/name"
    using Owners = std::map<std::string, DevicePtr>;  ///< by hardware key

    Source* source(const std::string& backend);
    void replace_held(Held held);
    void rebuild();
    std::set<std::string> pool_names() const;
    void add_source(const Source& source, std::set<std::string>& names, Owners& owners);
    std::string withheld_reason(const Entry& entry, const Source& source,
                                const std::set<std::string>& names, const Owners& owners) const;
    std::string pool_of(const std::string& backend) const;

    Options options_;
    std::vector<Source> sources_;
    std::map<std::string, std::string> protected_;
    Held held_;
    std::vector<Entry> entries_;
    std::set<std::string> published_pools_;
};

}  // namespace knd
