// SPDX-License-Identifier: Apache-2.0
#include "host/claims/sandbox_registry.hpp"

#include <filesystem>
#include <utility>

#include "host/model/log.hpp"

namespace knd {
namespace {

void log_failure(const Result<void>& result) {
    if (!result) log::error("cannot tell the gate", {{"error", result.error().message()}});
}

}  // namespace

std::set<std::string> claim_uids(const std::vector<Binding*>& bindings) {
    std::set<std::string> uids;
    for (const auto* binding : bindings)
        uids.insert(binding->record.claim.uid);
    return uids;
}

SandboxRegistry::Entry& SandboxRegistry::add(const PodSandbox& pod) {
    auto& entry = entries_[pod.id];
    entry.sandbox = pod;
    return entry;
}

SandboxRegistry::Entry* SandboxRegistry::find(const std::string& sandbox_id) {
    const auto found = entries_.find(sandbox_id);
    return found == entries_.end() ? nullptr : &found->second;
}

void SandboxRegistry::open_gates(const std::string& sandbox_id,
                                 const std::set<std::string>& claim_uids) {
    for (const auto& uid : claim_uids)
        log_failure(markers_.attached(sandbox_id, uid));
}

void SandboxRegistry::close_gates(const std::string& sandbox_id,
                                  const std::set<std::string>& claim_uids, const std::string& why) {
    for (const auto& uid : claim_uids)
        log_failure(markers_.failed(sandbox_id, uid, why));
}

void SandboxRegistry::reset_gate(const std::string& sandbox_id, const std::string& claim_uid) {
    log_failure(markers_.remove(sandbox_id, claim_uid));
}

void SandboxRegistry::remove_markers(const std::string& sandbox_id) {
    log_failure(markers_.remove_sandbox(sandbox_id));
}

void SandboxRegistry::remove_markers_of_claim(const std::string& claim_uid) {
    for (const auto& sandbox_id : marked_sandboxes())
        log_failure(markers_.remove(sandbox_id, claim_uid));
}

void SandboxRegistry::sweep(const std::set<std::string>& live) {
    for (const auto& sandbox_id : marked_sandboxes())
        if (!live.contains(sandbox_id)) remove_markers(sandbox_id);
}

std::vector<std::string> SandboxRegistry::marked_sandboxes() const {
    std::error_code error;
    std::filesystem::directory_iterator entries(markers_.directory(), error);
    std::vector<std::string> found;
    for (; !error && entries != std::filesystem::directory_iterator(); entries.increment(error))
        found.push_back(entries->path().filename().string());
    return found;
}

}  // namespace knd
