// SPDX-License-Identifier: Apache-2.0
//
// DeviceMover: what the claims ask of host/sandbox, in terms of a binding's record. SandboxMover is
// the real one; tests have one that moves names between maps.
#pragma once

#include <string>

#include "host/journal/record.hpp"
#include "host/sandbox/attacher.hpp"

#include <knd/cpp/fd.hpp>
#include <knd/cpp/result.hpp>

namespace knd {

/// Threads: any, several at a time, but one call at a time for one binding. All but pin and
/// stop_container block.
class DeviceMover {
  public:
    struct Survey {
        Json host_state;  ///< for the record: what detach needs
        PodNetns netns;   ///< of record.netns_path, pinned
    };
    virtual ~DeviceMover() = default;
    /// Quick. Pins the namespace at `path`.
    virtual Result<PodNetns> pin(const std::string& path) = 0;
    /// Reads only: checks the guards, and what the devices are like on the host.
    virtual Result<Survey> survey(const BindingRecord& record) = 0;
    /// After a failure detach brings home whatever is not.
    virtual Result<std::vector<AttachedFacts>> attach(const BindingRecord& record, int netns_fd,
                                                      const StepHook& on_step) = 0;
    /// Configures what its backend has made in the pod since; the facts of all interfaces.
    virtual Result<std::vector<AttachedFacts>> configure_made(const BindingRecord& record,
                                                              int netns_fd,
                                                              const StepHook& on_step) = 0;
    /// From wherever the devices are. OK when they are home already. `netns_fd` may be -1.
    virtual Result<Detached> detach(const BindingRecord& record, int netns_fd,
                                    const StepHook& on_step) = 0;
    /// Kills the container, if its processes are in the namespace at `path`.
    virtual Result<void> stop_container(const Container& container, const std::string& path) = 0;
};

class SandboxMover final : public DeviceMover {
  public:
    /// `attacher` is borrowed.
    explicit SandboxMover(const Attacher& attacher) : attacher_(attacher) {}

    Result<PodNetns> pin(const std::string& path) override;
    Result<Survey> survey(const BindingRecord& record) override;
    Result<std::vector<AttachedFacts>> attach(const BindingRecord& record, int netns_fd,
                                              const StepHook& on_step) override;
    Result<std::vector<AttachedFacts>> configure_made(const BindingRecord& record, int netns_fd,
                                                      const StepHook& on_step) override;
    Result<Detached> detach(const BindingRecord& record, int netns_fd,
                            const StepHook& on_step) override;
    Result<void> stop_container(const Container& container, const std::string& path) override;

  private:
    const Attacher& attacher_;
};

}  // namespace knd
