// SPDX-License-Identifier: Apache-2.0
//
// KeptNamespaces: keeps the network namespace of a sandbox alive while a device is in it, whoever
// lives or dies. A runtime removes a namespace as soon as it has told of the pod's stop; a virtual
// interface that is still inside dies with it, and a descriptor of the daemon helps only as long as
// the daemon lives. So the namespace gets a name below the run directory, by a bind mount.
//
// Threads: any; quick.
#pragma once

#include <set>
#include <string>

#include <knd/cpp/fd.hpp>
#include <knd/cpp/result.hpp>

namespace knd {

class KeptNamespaces {
  public:
    virtual ~KeptNamespaces() = default;
    /// OK when it is kept already.
    virtual Result<void> keep(const std::string& sandbox_id, int netns_fd) = 0;
    /// NOT_FOUND: it is not kept.
    virtual Result<Fd> open(const std::string& sandbox_id) = 0;
    /// Without effect when it is not kept.
    virtual Result<void> drop(const std::string& sandbox_id) = 0;
    /// Drops those of other sandboxes than `used`: what a predecessor kept and has no use any more.
    virtual Result<void> sweep(const std::set<std::string>& used) = 0;
};

/// Needs CAP_SYS_ADMIN, and, in a container, a run directory whose mounts are the host's
/// (mountPropagation: Bidirectional).
class MountedNamespaces final : public KeptNamespaces {
  public:
    /// `run_dir`: "/run/knd".
    explicit MountedNamespaces(const std::string& run_dir) : directory_(run_dir + "/netns") {}

    Result<void> keep(const std::string& sandbox_id, int netns_fd) override;
    Result<Fd> open(const std::string& sandbox_id) override;
    Result<void> drop(const std::string& sandbox_id) override;
    Result<void> sweep(const std::set<std::string>& used) override;

  private:
    Result<std::string> path(const std::string& sandbox_id) const;

    std::string directory_;
};

}  // namespace knd
