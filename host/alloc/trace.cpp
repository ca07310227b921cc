// SPDX-License-Identifier: Apache-2.0
#include "host/alloc/trace.hpp"

namespace knd::alloc {

std::string_view refusal_text(Refusal refusal) {
    switch (refusal) {
        case Refusal::kNone:
            return "not refused";
        case Refusal::kInUse:
            return "in use";
        case Refusal::kPicked:
            return "picked by another request";
        case Refusal::kBindingConditions:
            return "binding conditions";
        case Refusal::kClassSelector:
            return "class selector";
        case Refusal::kRequestSelector:
            return "request selector";
        case Refusal::kSelectorError:
            return "selector error";
        case Refusal::kOtherNode:
            return "other node";
        case Refusal::kCapacityMissing:
            return "capacity missing";
        case Refusal::kCapacityPolicy:
            return "capacity policy";
        case Refusal::kCapacity:
            return "capacity used up";
        case Refusal::kCountersOff:
            return "counters are off";
        case Refusal::kCounters:
            return "counter used up";
        case Refusal::kGroups:
            return "compatibility groups";
        case Refusal::kNodeOperations:
            return "optional node operations";
        case Refusal::kTaint:
            return "taint";
        case Refusal::kConstraint:
            return "constraint";
    }
    return "unknown";
}

bool is_lasting(Refusal refusal) {
    return refusal != Refusal::kNone && refusal != Refusal::kPicked &&
           refusal != Refusal::kCapacity && refusal != Refusal::kCounters &&
           refusal != Refusal::kGroups && refusal != Refusal::kConstraint;
}

std::array<std::size_t, kRefusals> RequestTrace::counts() const {
    std::array<std::size_t, kRefusals> out{};
    for (const auto& device : devices)
        ++out[static_cast<std::size_t>(device.refusal)];
    return out;
}

}  // namespace knd::alloc
