// SPDX-License-Identifier: Apache-2.0
//
// The calls of host/sandbox, in terms of a binding's record. All of them block; one call at a time
// for one binding.
#pragma once

#include <vector>

#include "host/journal/record.hpp"
#include "host/sandbox/attacher.hpp"

#include <knd/cpp/result.hpp>

namespace knd {

struct Survey {
    Json host_state;  ///< for the record: what detach needs
    PodNetns netns;   ///< of record.netns_path, pinned
};

/// Reads only: checks the guards, and what the devices are like on the host.
Result<Survey> survey(const Attacher& attacher, const BindingRecord& record);
/// After a failure detach brings home whatever is not.
Result<std::vector<AttachedFacts>> attach(const Attacher& attacher, const BindingRecord& record,
                                          int netns_fd, const StepHook& on_step);
/// Configures what its backend has made in the pod since; the facts of all interfaces.
Result<std::vector<AttachedFacts>> configure_made(const Attacher& attacher,
                                                  const BindingRecord& record, int netns_fd,
                                                  const StepHook& on_step);
/// From wherever the devices are. OK when they are home already. `netns_fd` may be -1.
Result<Detached> detach(const Attacher& attacher, const BindingRecord& record, int netns_fd,
                        const StepHook& on_step);

}  // namespace knd
