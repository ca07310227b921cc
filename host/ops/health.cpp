// SPDX-License-Identifier: Apache-2.0
#include "host/ops/health.hpp"

#include <algorithm>

namespace knd::ops {
namespace {

HttpResponse report(const std::vector<HealthPart>& parts, bool ok, const std::string& verdict) {
    HttpResponse response;
    response.status = ok ? 200 : 503;
    for (const auto& part : parts) {
        response.body += part.ok ? "[+]" + part.name + " ok" : "[-]" + part.name + " failed";
        if (!part.detail.empty()) response.body += ": " + part.detail;
        response.body += '\n';
    }
    response.body += verdict + (ok ? " check passed\n" : " check failed\n");
    return response;
}

}  // namespace

HttpResponse readiness(const std::vector<HealthPart>& parts) {
    const bool ok = std::all_of(parts.begin(), parts.end(), [](const auto& p) { return p.ok; });
    return report(parts, ok, "readyz");
}

HttpResponse liveness(const std::vector<HealthPart>& parts) {
    const bool dead =
        std::any_of(parts.begin(), parts.end(), [](const auto& p) { return p.fatal; });
    return report(parts, !dead, "healthz");
}

}  // namespace knd::ops
