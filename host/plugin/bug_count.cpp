// SPDX-License-Identifier: Apache-2.0
#include "host/plugin/bug_count.hpp"

#include <algorithm>
#include <utility>

#include "host/model/time.hpp"

namespace knd::plugin {

using std::chrono::duration_cast;

BugCount::Verdict BugCount::add(const CallClaim& claim, const std::string& operation,
                                const std::string& error, Clock::time_point now) {
    forget(now);
    auto& offender = claim.uid.empty() ? instance_ : claims_[claim.uid];
    offender.bugs.push_back(now);
    offender.last_operation = operation;
    const auto text = operation + ": " + error;
    Verdict verdict;
    if (!claim.uid.empty() && judge(offender, offender.bugs.size(), text, now))
        verdict.claim = offender.kept_out;
    auto all = instance_.bugs.size();
    std::size_t of_claims = 0;
    std::size_t guilty = 0;
    for (const auto& [uid, other] : claims_) {
        of_claims += other.bugs.size();
        if (!other.bugs.empty()) ++guilty;
    }
    const bool many_claims = static_cast<int>(guilty) >= options_.claims;
    if (many_claims) all += of_claims;
    if ((claim.uid.empty() || many_claims) && judge(instance_, all, text, now))
        verdict.instance = instance_.kept_out;
    return verdict;
}

/// Whether it is kept out from now on. Who was kept out within the window has one try.
bool BugCount::judge(Offender& offender, std::size_t bugs, const std::string& error,
                     Clock::time_point now) const {
    const bool relapsed = offender.kept_out.has_value();
    if (relapsed && now < offender.kept_out->until) return false;
    if (!relapsed && static_cast<int>(bugs) < options_.allowed) return false;
    offender.pause = std::clamp(offender.pause * 2, options_.first_pause, options_.last_pause);
    const auto minutes = duration_cast<std::chrono::minutes>(options_.window).count();
    offender.kept_out =
        KeptOut{relapsed ? "an internal error when it was tried again, in " + error
                         : std::to_string(bugs) + " internal errors in " + std::to_string(minutes) +
                               " minutes, the last one in " + error,
                now + offender.pause};
    return true;
}

void BugCount::worked(const CallClaim& claim, const std::string& operation) {
    const auto found = claims_.find(claim.uid);
    if (found != claims_.end() && found->second.last_operation == operation) claims_.erase(found);
}

const BugCount::KeptOut* BugCount::kept_out(const CallClaim& claim, Clock::time_point now) const {
    const auto found = claims_.find(claim.uid);
    if (found == claims_.end() || !found->second.kept_out) return nullptr;
    return now < found->second.kept_out->until ? &*found->second.kept_out : nullptr;
}

/// What is older than the window, counted from its end for those who are kept out.
void BugCount::forget(Clock::time_point now) {
    const auto age = [&](Offender& offender) {
        auto& bugs = offender.bugs;
        while (!bugs.empty() && now - bugs.front() > options_.window)
            bugs.pop_front();
        if (!offender.kept_out || now - offender.kept_out->until <= options_.window) return;
        offender.kept_out.reset();
        offender.pause = {};
    };
    age(instance_);
    for (auto& [uid, claim] : claims_)
        age(claim);
    std::erase_if(claims_, [](const auto& entry) {
        return entry.second.bugs.empty() && !entry.second.kept_out;
    });
}

std::string wall_time(BugCount::Clock::time_point when) {
    const auto wall =
        std::chrono::system_clock::now() +
        duration_cast<std::chrono::system_clock::duration>(when - BugCount::Clock::now());
    return rfc3339(std::chrono::system_clock::to_time_t(wall));
}

}  // namespace knd::plugin
