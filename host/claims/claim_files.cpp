// SPDX-License-Identifier: Apache-2.0
#include "host/claims/claim_files.hpp"

#include "host/claims/gate.hpp"

namespace knd {
namespace {

constexpr std::string_view kMetadata = "device metadata";

}  // namespace

ClaimFiles::ClaimFiles(const ClaimsOptions& options)
    : options_(options),
      cdi_(options.driver, options.cdi_dir),
      metadata_(options.driver, options.run_dir) {}

/// A claim that has it keeps it when it is switched off: the kubelet has written down the CDI ids
/// and asks for them again when it restarts a container.
bool ClaimFiles::has_metadata(const std::string& claim_uid) const {
    return options_.metadata || metadata_.exist(claim_uid);
}

std::vector<std::string> ClaimFiles::cdi_ids(const std::string& claim_uid,
                                             const std::string& request) const {
    std::vector<std::string> ids = {cdi_.device_id(claim_uid)};
    if (has_metadata(claim_uid)) ids.push_back(cdi_.device_id(claim_uid, request));
    return ids;
}

Result<void> ClaimFiles::write(const ClaimRecords& claim) const {
    if (claim.empty()) return {};
    const auto& ref = claim.front()->claim;
    RequestMounts mounts;
    if (has_metadata(ref.uid)) {
        KND_TRY_ASSIGN(mounts, metadata_.mounts(claim).wrap(kMetadata));
        KND_TRY(metadata_.write(claim).wrap(kMetadata));
    }
    return cdi_.write(ref.uid, gate_hook(options_, ref), mounts);
}

Result<void> ClaimFiles::write_metadata(const ClaimRecords& claim,
                                        const std::string& request) const {
    if (claim.empty() || !has_metadata(claim.front()->claim.uid)) return {};
    return metadata_.write(claim, request).wrap(kMetadata);
}

Result<void> ClaimFiles::remove(const std::string& claim_uid) const {
    auto removed = metadata_.remove(claim_uid).wrap(kMetadata);
    KND_TRY(cdi_.remove(claim_uid));
    return removed;
}

Result<void> ClaimFiles::sweep(
    const std::function<bool(const std::string& claim_uid)>& keep) const {
    auto swept = metadata_.sweep(keep).wrap(kMetadata);
    KND_TRY(cdi_.sweep(keep));
    return swept;
}

}  // namespace knd
