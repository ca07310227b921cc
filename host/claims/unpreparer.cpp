// SPDX-License-Identifier: Apache-2.0
#include "host/claims/unpreparer.hpp"

#include <algorithm>
#include <utility>

#include "host/claims/safe_name.hpp"
#include "host/model/log.hpp"

namespace knd {

Unpreparer::Unpreparer(BindingTable& bindings, BindingMachine& machine, const ClaimFiles& files)
    : bindings_(bindings), machine_(machine), files_(files) {}

void Unpreparer::release(const ClaimRef& claim, Done<> done) {
    if (!is_safe_uid(claim.uid)) return done({});  // was never prepared: see Preparer
    const auto bindings = bindings_.of_claim(claim.uid);
    if (bindings.empty()) {
        remove_files(claim.uid);
        return done({});
    }
    waiters_.add(claim.uid, std::move(done));
    machine_.end_claim(bindings);
}

bool Unpreparer::is_releasing(const std::string& claim_uid) {
    const auto bindings = bindings_.of_claim(claim_uid);
    return std::any_of(bindings.begin(), bindings.end(),
                       [](const Binding* binding) { return binding->record.ending; });
}

void Unpreparer::on_released(const BindingRecord& record) {
    log::info("device released", {{"claim", record.claim.text()},
                                  {"device", record.device.name},
                                  {"backend", record.device.backend}});
    if (!bindings_.of_claim(record.claim.uid).empty()) return;
    remove_files(record.claim.uid);
    waiters_.answer(record.claim.uid, {});
}

void Unpreparer::on_stuck(const Binding& binding, const Error& error) {
    if (binding.record.ending)
        waiters_.answer(binding.record.claim.uid, error.wrap(binding.text()));
}

void Unpreparer::remove_files(const std::string& claim_uid) {
    // Only a nuisance: the next start sweeps it away.
    if (const auto removed = files_.remove(claim_uid); !removed)
        log::warn("files of a claim stay behind", {{"error", removed.error().message()}});
}

}  // namespace knd
