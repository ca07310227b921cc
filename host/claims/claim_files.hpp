// SPDX-License-Identifier: Apache-2.0
//
// ClaimFiles: what a prepared claim has on the node's disk for its containers: the CDI spec, whose
// devices bring the gate and the device metadata into them, and the metadata itself.
//
// Threads: domain thread.
// Failure: of a write fails what it is for, so that no container is without what it could rely on.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "host/claims/cdi.hpp"
#include "host/claims/metadata.hpp"
#include "host/claims/options.hpp"

namespace knd {

class ClaimFiles {
  public:
    /// `options` is borrowed.
    explicit ClaimFiles(const ClaimsOptions& options);

    /// What the kubelet hands to containers that list this request.
    std::vector<std::string> cdi_ids(const std::string& claim_uid,
                                     const std::string& request) const;
    /// All files of a claim; those that are as they should be are left alone.
    Result<void> write(const ClaimRecords& claim) const;
    /// The metadata of one request, after a device of it has been attached.
    Result<void> write_metadata(const ClaimRecords& claim, const std::string& request) const;
    /// OK when there are none.
    Result<void> remove(const std::string& claim_uid) const;
    /// Removes the files of claims for which `keep` is false. Never touches files of others.
    Result<void> sweep(const std::function<bool(const std::string& claim_uid)>& keep) const;

  private:
    bool has_metadata(const std::string& claim_uid) const;

    const ClaimsOptions& options_;
    CdiFiles cdi_;
    MetadataFiles metadata_;
};

}  // namespace knd
