// SPDX-License-Identifier: Apache-2.0
#include "host/claims/claims.hpp"

namespace knd {

std::string explain(const BindingRecord& record) {
    const auto claim = "claim " + record.claim.text();
    const auto because = record.reason.empty() ? std::string() : ": " + record.reason;
    switch (record.state) {
        case BindingState::kPrepared:
            return "on the node, prepared for " + claim + ", waiting for a pod that uses it" +
                   because;
        case BindingState::kAttaching:
            return "on its way into pod " + record.pod + " for " + claim + because;
        case BindingState::kAttached: {
            std::string name;
            for (const auto& facts : record.attached)
                name += (name.empty() ? "" : ", ") + facts.interface_name;
            return "in pod " + record.pod + (name.empty() ? "" : " as " + name) + " for " + claim;
        }
        case BindingState::kDetaching:
            return "on its way back from pod " + record.pod + ", held by " + claim + because;
        case BindingState::kFailed:
            return "on the node, held by " + claim + "; its attach to pod " + record.pod +
                   " failed" + because;
        case BindingState::kReleasing:
            return "on the node, being released by " + claim + because;
    }
    return "";
}

}  // namespace knd
