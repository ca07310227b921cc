// SPDX-License-Identifier: Apache-2.0
#include "host/model/gates.hpp"

#include <charconv>
#include <optional>
#include <vector>

#include "host/model/nearest.hpp"

namespace knd {
namespace {

/// What a gate is in a version.
enum class Stage : char { kAbsent = '-', kOff = 'o', kOn = '+' };

struct Gate {
    std::string_view name;
    std::string_view stages;  ///< one Stage per version from 1.32 on

    Stage in(int minor) const {
        return static_cast<Stage>(stages[static_cast<std::size_t>(minor - kOldestMinor)]);
    }
};

constexpr Gate kGates[] = {
    {"DynamicResourceAllocation", "oo++++"},
    {"DRAAdminAccess", "oo++++"},
    {"DRAResourceClaimDeviceStatus", "o+++++"},
    {"DRAPrioritizedList", "-o++++"},
    {"DRAPartitionableDevices", "-ooo++"},
    {"DRADeviceTaints", "-ooo++"},
    {"DRADeviceTaintRules", "---oo+"},
    {"DRAConsumableCapacity", "--oo++"},
    {"DRADeviceBindingConditions", "--oo++"},
    {"DRAExtendedResource", "--oo++"},
    {"DRASchedulerFilterTimeout", "--++++"},
    {"DRAListTypeAttributes", "----oo"},
    {"DRANodeAllocatableResources", "----oo"},
    {"DRAResourcePoolStatus", "----oo"},
    {"DRAResourceClaimGranularStatusAuthorization", "----++"},
    {"DRAWorkloadResourceClaims", "----oo"},
    // On where the cluster may not go back to 1.36 any more (--min-compatibility-version=1.37).
    {"DRAFractionalCapacityRange", "-----o"},
    {"DRAPartitionableDevicesType", "-----o"},
    {"DRAOptionalNodeOperations", "-----o"},
    {"DRADeviceCompatibilityGroups", "-----o"},
    {"DRADerivedAttributes", "-----o"},
};

const Gate* find_gate(std::string_view name) {
    for (const auto& gate : kGates)
        if (gate.name == name) return &gate;
    return nullptr;
}

Error invalid(std::string message) {
    return {Code::kInvalidArgument, std::move(message)};
}

Result<int> parse_minor(std::string_view version) {
    const auto unknown = [&] {
        return invalid("Kubernetes version \"" + std::string(version) + "\" is not one of 1." +
                       std::to_string(kOldestMinor) + " to 1." + std::to_string(kNewestMinor));
    };
    auto rest = version;
    if (rest.starts_with('v')) rest.remove_prefix(1);
    if (!rest.starts_with("1.")) return unknown();
    rest.remove_prefix(2);
    int minor = 0;
    const auto* end = rest.data() + rest.size();
    const auto read = std::from_chars(rest.data(), end, minor);
    const bool complete = read.ptr == end || *read.ptr == '.';
    if (read.ec != std::errc() || !complete || minor < kOldestMinor || minor > kNewestMinor)
        return unknown();
    return minor;
}

/// Says the nearest name, or all of them when none is near.
Error unknown_gate(std::string_view name) {
    std::vector<std::string> names;
    std::string list;
    for (const auto& known : kGates) {
        names.emplace_back(known.name);
        list.append(list.empty() ? "" : ", ").append(known.name);
    }
    auto hint = did_you_mean(name, names);
    if (hint.empty()) hint = "; known are " + list;
    return invalid("unknown feature gate \"" + std::string(name) + "\"" + hint);
}

std::string oldest_version_of(const Gate& gate) {
    for (int minor = kOldestMinor; minor <= kNewestMinor; ++minor)
        if (gate.in(minor) != Stage::kAbsent) return "1." + std::to_string(minor);
    return {};
}

struct Switch {
    std::string_view gate;
    bool on = true;
};

/// "+A", "-A", "A", "A=true", "A=false".
std::optional<Switch> parse_switch(std::string_view word) {
    if (const auto equals = word.find('='); equals != std::string_view::npos) {
        const auto value = word.substr(equals + 1);
        if (value != "true" && value != "false") return std::nullopt;
        return Switch{word.substr(0, equals), value == "true"};
    }
    const bool off = word.starts_with('-');
    if (off || word.starts_with('+')) word.remove_prefix(1);
    return Switch{word, !off};
}

}  // namespace

Result<void> Gates::change(std::string_view word) {
    const auto wanted = parse_switch(word);
    if (!wanted)
        return invalid("feature \"" + std::string(word) +
                       "\": say +NAME to switch it on, -NAME to switch it off");
    const auto* gate = find_gate(wanted->gate);
    if (gate == nullptr) {
        return unknown_gate(wanted->gate);
    }
    if (gate->in(minor_) == Stage::kAbsent)
        return invalid("feature gate " + std::string(gate->name) +
                       " does not exist in Kubernetes 1." + std::to_string(minor_) +
                       ", only from " + oldest_version_of(*gate) + " on");
    enabled_[std::string(gate->name)] = wanted->on;
    chosen_.emplace(gate->name);
    return {};
}

Result<Gates> Gates::make(std::string_view version, std::string_view changes) {
    Gates gates;
    KND_TRY_ASSIGN(gates.minor_, parse_minor(version));
    for (const auto& gate : kGates)
        gates.enabled_.emplace(gate.name, gate.in(gates.minor_) == Stage::kOn);
    // Whoever simulates allocations has it, also where it had to be switched on.
    gates.enabled_["DynamicResourceAllocation"] = true;
    while (!changes.empty()) {
        const auto comma = std::min(changes.find(','), changes.size());
        if (comma > 0) KND_TRY(gates.change(changes.substr(0, comma)));
        changes.remove_prefix(std::min(comma + 1, changes.size()));
    }
    if (!gates.enabled("DynamicResourceAllocation"))
        return invalid("without DynamicResourceAllocation no claim is ever allocated");
    return gates;
}

bool Gates::enabled(std::string_view gate) const {
    const auto found = enabled_.find(gate);
    return found != enabled_.end() && found->second;
}

const Gates& Gates::standard() {
    static const Gates kGates = *make();
    return kGates;
}

}  // namespace knd
