// SPDX-License-Identifier: Apache-2.0
//
// MetadataFiles: what a container can read about the devices that it was given, as KEP-5304 has it.
// One file per request of a claim, RUN/metadata/DRIVER/UID/REQUEST.json on the node, and by a mount
// of the claim's CDI spec in each container that lists the request:
//
//   /var/run/kubernetes.io/dra-device-attributes/
//     resourceclaims/CLAIM/REQUEST/DRIVER-metadata.json             of a claim that a pod names
//     resourceclaimtemplates/POD-CLAIM/REQUEST/DRIVER-metadata.json of a claim made for a pod
//
// It says which devices there are and their attributes, from prepare on, and which interface a
// device became and its addresses, once it is attached.
//
// Rationale: a file is written in place. What a container has mounted is the inode, and may be
// mounted before the device is attached: another file in its place would never show. Readers do
// not see half of it nevertheless, as a container's process waits at the gate until the file is
// written for good. What a kill has cut off is completed by the next start, before gates open.
//
// Threads: domain thread. Nothing is flushed: the run directory is on tmpfs.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "host/claims/cdi.hpp"
#include "host/journal/record.hpp"

#include <knd/cpp/result.hpp>

namespace knd {

/// The bindings of one claim, borrowed.
using ClaimRecords = std::vector<const BindingRecord*>;

class MetadataFiles {
  public:
    /// `run_dir`: "/run/knd".
    MetadataFiles(std::string driver, const std::string& run_dir);

    /// Where the files are, and where containers find them.
    Result<RequestMounts> mounts(const ClaimRecords& claim) const;
    /// The files of all requests; those that are as they should be are left alone. Each rewrite has
    /// a generation of its own.
    Result<void> write(const ClaimRecords& claim) const;
    /// Of one request.
    Result<void> write(const ClaimRecords& claim, const std::string& request) const;

    bool exist(const std::string& claim_uid) const;
    /// OK when there are none.
    Result<void> remove(const std::string& claim_uid) const;
    /// Removes the files of claims for which `keep` is false.
    Result<void> sweep(const std::function<bool(const std::string& claim_uid)>& keep) const;

  private:
    Result<std::string> path_in_container(const BindingRecord& record) const;
    std::string directory(const std::string& claim_uid) const;
    std::string path(const BindingRecord& record) const;

    std::string driver_;
    std::string directory_;
};

}  // namespace knd
