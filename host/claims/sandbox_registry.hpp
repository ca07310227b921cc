// SPDX-License-Identifier: Apache-2.0
//
// SandboxRegistry: the sandboxes that use our devices, and what their gates have been told. What a
// gate was told is in its marker on disk and nowhere else, so that a restart changes nothing of it.
//
// Threads: domain thread.
// Failure: a marker that cannot be written is logged; its gate waits until its time is up and
// refuses
//          the container, which is the safe side.
#pragma once

#include <map>
#include <set>
#include <string>

#include "host/claims/binding_table.hpp"
#include "host/model/pod.hpp"
#include "host/sandbox/markers.hpp"

namespace knd {

class SandboxRegistry {
  public:
    struct Entry {
        PodSandbox sandbox;
        bool released = false;  ///< its gates have been opened
        bool refused = false;   ///< they have been told "no" since
    };

    /// `markers` is borrowed.
    explicit SandboxRegistry(const Markers& markers) : markers_(markers) {}

    Entry& add(const PodSandbox& pod);
    Entry* find(const std::string& sandbox_id);
    bool erase(const std::string& sandbox_id) { return entries_.erase(sandbox_id) > 0; }
    void clear() { entries_.clear(); }
    const std::map<std::string, Entry>& entries() const { return entries_; }

    /// The gates of these claims open.
    void open_gates(const std::string& sandbox_id, const std::set<std::string>& claim_uids);
    /// The gates of these claims refuse their containers and say why.
    void close_gates(const std::string& sandbox_id, const std::set<std::string>& claim_uids,
                     const std::string& why);
    /// The gate waits again: what it was told is of an attempt that is over.
    void reset_gate(const std::string& sandbox_id, const std::string& claim_uid);
    /// The sandbox is gone.
    void remove_markers(const std::string& sandbox_id);
    /// The claim is gone, for every sandbox.
    void remove_markers_of_claim(const std::string& claim_uid);
    /// Removes the markers of sandboxes that do not live.
    void sweep(const std::set<std::string>& live);

  private:
    std::vector<std::string> marked_sandboxes() const;

    const Markers& markers_;
    std::map<std::string, Entry> entries_;  ///< by sandbox id
};

std::set<std::string> claim_uids(const std::vector<Binding*>& bindings);

}  // namespace knd
