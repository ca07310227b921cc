// SPDX-License-Identifier: Apache-2.0
//
// CdiFiles: one CDI spec per claim, whose single device carries the start gate into every container
// that lists the claim. A container with an unresolvable CDI id is refused by the runtime, so the
// file is there before prepare answers and stays until the claim is unprepared.
//
// Device nodes, mounts and environment are not in it: they go in by NRI CreateContainer, with
// numbers that are looked up at that moment.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "host/model/claim.hpp"
#include "host/model/json.hpp"
#include "host/model/pod.hpp"

#include <knd/cpp/result.hpp>

namespace knd {

/// Claim uids become file names and CDI names: letters, digits, '-', '_' and '.', at most 64, not
/// starting with punctuation.
bool is_safe_uid(std::string_view uid);

class CdiFiles {
  public:
    /// `driver` is the vendor of the kind "<driver>/claim".
    CdiFiles(std::string driver, std::string directory);

    /// "knd.dev/claim=<uid>"
    std::string device_id(const std::string& claim_uid) const;
    /// Atomically, by a rename. Nothing happens when the file has this content already.
    Result<void> write(const std::string& claim_uid, const Hook& gate) const;
    /// OK when there is none.
    Result<void> remove(const std::string& claim_uid) const;
    /// Removes the files of claims for which `keep` is false, and temporary files of a predecessor
    /// that was killed. Never touches files of others.
    Result<void> sweep(const std::function<bool(const std::string& claim_uid)>& keep) const;

    Json spec(const std::string& claim_uid, const Hook& gate) const;

  private:
    std::string path(const std::string& claim_uid) const;

    std::string kind_;
    std::string directory_;
    std::string prefix_;  ///< of our file names
};

}  // namespace knd
