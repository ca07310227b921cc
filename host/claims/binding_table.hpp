// SPDX-License-Identifier: Apache-2.0
//
// BindingTable: everything that claims hold, and what each entry is meant to become.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/journal/record.hpp"
#include "host/model/device.hpp"
#include "host/model/pod.hpp"

#include <knd/cpp/fd.hpp>

namespace knd {

/// A device in the hands of a claim: what is (record), and what should be (target). BindingMachine
/// moves the one towards the other; everything else only sets targets.
struct Binding {
    BindingRecord record;

    /// The sandbox that should have it; none: the host. record.ending overrules it.
    std::optional<PodSandbox> target;

    /// The claim's status says where it is; a restart says it again.
    bool status_published = false;
    std::optional<HealthReport> published_health;  ///< as that status has it
    /// Why what its backend had prepared is not there any more; empty: it is, as far as is known.
    /// The next attach has it prepared anew.
    std::string lost;

    // The step under way.
    bool busy = false;
    std::chrono::milliseconds pause{0};  ///< before the next try; 0: the last step succeeded
    std::uint64_t try_number = 0;        ///< a timer that was set for an earlier try is void
    std::string last_error;              ///< why the return or the release does not go on
    Fd netns;                            ///< pins the pod's namespace until the device has returned

    /// Some of it lives in a network namespace, so that one pod at a time can have it.
    bool has_place() const {
        return !record.effects.netdevs.empty() || !record.effects.rdma_links.empty();
    }
    bool is_target(std::string_view sandbox_id) const { return target && target->id == sandbox_id; }
    /// Where it is, or is on its way to, is where it should be.
    bool is_at_target() const { return !record.ending && is_target(record.sandbox_id); }
    bool serves_pod(std::string_view uid) const;
    /// What its interfaces are to be called in the pod.
    std::vector<std::string> names_in_pod() const;
    /// "claim ns/name: device dra0"
    std::string text() const;
};

/// Threads: domain thread. Entries have stable addresses until they are erased.
class BindingTable {
  public:
    Binding& add(BindingRecord record);
    void erase(const RecordKey& key);
    Binding* find(const RecordKey& key);

    std::vector<Binding*> all();
    std::vector<Binding*> of_claim(std::string_view claim_uid);
    std::vector<Binding*> of_pod(std::string_view pod_uid);
    /// Those that are in, on the way to, or meant for this sandbox.
    std::vector<Binding*> of_sandbox(std::string_view sandbox_id);

    /// What the journal says of them.
    std::vector<const BindingRecord*> records_of_claim(std::string_view claim_uid);

    bool empty() const { return entries_.empty(); }
    std::vector<BindingRecord> records() const;

  private:
    template <class Predicate>
    std::vector<Binding*> select(Predicate predicate);

    std::map<RecordKey, std::unique_ptr<Binding>> entries_;
};

}  // namespace knd
