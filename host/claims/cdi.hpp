// SPDX-License-Identifier: Apache-2.0
//
// CdiFiles: one CDI spec per claim. One device of it carries the start gate into every container
// that lists the claim; and one per request, where there is metadata, mounts that. A container with
// an unresolvable CDI id is refused by the runtime, so the file is there before prepare answers and
// stays until the claim is unprepared.
//
// What backends ask for, device nodes, mounts and environment, is not in it: that goes in by NRI
// CreateContainer, with numbers that are looked up at that moment.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "host/model/claim.hpp"
#include "host/model/json.hpp"
#include "host/model/pod.hpp"

#include <knd/cpp/result.hpp>

namespace knd {

/// By request: a file that the containers which list it shall see.
using RequestMounts = std::map<std::string, Mount>;

class CdiFiles {
  public:
    /// `driver` is the vendor of the kind "<driver>/claim".
    CdiFiles(std::string driver, std::string directory);

    /// "knd.dev/claim=<uid>"
    std::string device_id(const std::string& claim_uid) const;
    /// "knd.dev/claim=<uid>_<request>": the mount of that request.
    std::string device_id(const std::string& claim_uid, const std::string& request) const;
    /// Atomically, by a rename. Nothing happens when the file has this content already.
    Result<void> write(const std::string& claim_uid, const Hook& gate,
                       const RequestMounts& mounts) const;
    /// OK when there is none.
    Result<void> remove(const std::string& claim_uid) const;
    /// Removes the files of claims for which `keep` is false, and temporary files of a predecessor
    /// that was killed. Never touches files of others.
    Result<void> sweep(const std::function<bool(const std::string& claim_uid)>& keep) const;

    Json spec(const std::string& claim_uid, const Hook& gate, const RequestMounts& mounts) const;

  private:
    std::string path(const std::string& claim_uid) const;

    std::string kind_;
    std::string directory_;
    std::string prefix_;  ///< of our file names
};

}  // namespace knd
