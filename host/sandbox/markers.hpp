// SPDX-License-Identifier: Apache-2.0
//
// Markers: what tells knd-gate that the devices of a claim are in a sandbox, or never will be. One
// small file per (sandbox, claim) below the daemon's run directory, which is on tmpfs; the layout
// is that of marker_layout.h, which the gate includes as well.
//
// Threads: any. A marker appears complete or not at all.
#pragma once

#include <string>
#include <string_view>

#include <knd/cpp/result.hpp>

namespace knd {

class Markers {
  public:
    /// `run_dir`: "/run/knd".
    explicit Markers(std::string run_dir);

    /// The gate lets the containers of this sandbox that use this claim start.
    Result<void> attached(std::string_view sandbox_id, std::string_view claim_uid) const;
    /// The gate refuses them at once and says `why`, one short line with the fact first.
    Result<void> failed(std::string_view sandbox_id, std::string_view claim_uid,
                        std::string_view why) const;
    /// The gate waits again. Without effect when there is none.
    Result<void> remove(std::string_view sandbox_id, std::string_view claim_uid) const;
    /// All of a sandbox.
    Result<void> remove_sandbox(std::string_view sandbox_id) const;

    const std::string& directory() const { return directory_; }

  private:
    Result<void> write(std::string_view sandbox_id, std::string_view claim_uid,
                       std::string_view text) const;
    std::string directory_;
};

}  // namespace knd
