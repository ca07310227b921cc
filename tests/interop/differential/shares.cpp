// SPDX-License-Identifier: Apache-2.0
#include "tests/interop/differential/shares.hpp"

#include <cstdio>

namespace knd::differential {
namespace {

/// What a case's text has in it when it uses a feature.
constexpr std::pair<const char*, const char*> kSigns[] = {
    {"adminAccess", ""},
    {"all", "\"allocationMode\":\"All\""},
    {"allocated shares", "\"shareID\""},
    {"binding conditions", "\"bindingConditions\""},
    {"capacity policies", "\"requestPolicy\""},
    {"capacity requests", "\"capacity\":{\"requests\""},
    {"counters", "\"consumesCounters\""},
    {"distinctAttribute", "\"distinctAttribute\""},
    {"firstAvailable", "\"firstAvailable\""},
    {"list attributes", "\"listAttributes\":true"},
    {"matchAttribute", "\"matchAttribute\""},
    {"node selectors", "\"nodeSelector\""},
    {"per-device nodes", "\"perDeviceNodeSelection\""},
    {"selectors", "\"expression\""},
    {"shared devices", "\"allowMultipleAllocations\""},
    {"taint rules", "\"taintRules\""},
    {"taints", "\"taints\""},
    {"tolerations", "\"tolerations\""},
};

using Sign = std::pair<const char*, const char*>;

bool uses(const Json& one, const std::string& text, const Sign& sign) {
    if (sign.first != std::string_view("adminAccess"))
        return text.find(sign.second) != std::string::npos;
    // The gate has the same name.
    return to_text(json_at(one, "claims")).find("\"adminAccess\":true") != std::string::npos;
}

}  // namespace

void Shares::count(const Json& one, const Json& answer) {
    std::array<std::size_t, 4> fates{};
    for (const auto& node : json_at(answer, "nodes")) {
        const auto fate = json_bool(node, "aborted") ? kAborted
                          : node.contains("error")   ? kError
                          : json_bool(node, "fits")  ? kFits
                                                     : kDoesNotFit;
        ++fates[fate];
    }
    const auto add = [&](const std::string& feature) {
        auto& sum = by_feature_[feature];
        for (std::size_t i = 0; i < fates.size(); ++i)
            sum[i] += fates[i];
    };
    const auto text = to_text(one);
    for (const auto& sign : kSigns)
        if (uses(one, text, sign)) add(sign.first);
    if (json_at(one, "claims").size() > 1) add("several claims");
    add("(all)");
}

std::string Shares::table() const {
    std::string out = "  feature               answers   fits     no  error aborted\n";
    for (const auto& [feature, fates] : by_feature_) {
        const auto sum = fates[0] + fates[1] + fates[2] + fates[3];
        const auto percent = [&](Fate fate) {
            return sum == 0 ? 0.0 : 100.0 * static_cast<double>(fates[fate]) / double(sum);
        };
        char line[128];
        std::snprintf(line, sizeof line, "  %-20s %8zu %5.1f%% %5.1f%% %5.1f%% %6.1f%%\n",
                      feature.c_str(), sum, percent(kFits), percent(kDoesNotFit), percent(kError),
                      percent(kAborted));
        out += line;
    }
    return out;
}

}  // namespace knd::differential
