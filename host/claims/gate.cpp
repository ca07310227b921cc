// SPDX-License-Identifier: Apache-2.0
#include "host/claims/gate.hpp"

#include <algorithm>

namespace knd {
namespace {

constexpr std::string_view kClaimFlag = "--claim";
// The gate ends by itself first: when the runtime has to kill it, what it said is lost.
constexpr int kMarginSeconds = 5;

}  // namespace

Hook gate_hook(const ClaimsOptions& options, const ClaimRef& claim) {
    Hook hook;
    hook.path = options.gate.path;
    hook.args = {"knd-gate",
                 "--run-dir",
                 options.run_dir,
                 std::string(kClaimFlag),
                 claim.uid,
                 "--name",
                 claim.text(),
                 "--timeout-ms",
                 std::to_string(options.gate.timeout_ms)};
    // Without any variable runc hands the hook the whole environment of the runtime.
    hook.env = {"KND_GATE=1"};
    hook.timeout_s = (options.gate.timeout_ms + 999) / 1000 + kMarginSeconds;
    return hook;
}

std::string_view gated_claim(const Hook& hook, const ClaimsOptions& options) {
    if (hook.path != options.gate.path) return "";
    const auto flag = std::find(hook.args.begin(), hook.args.end(), kClaimFlag);
    if (flag == hook.args.end() || flag + 1 == hook.args.end()) return "";
    return *(flag + 1);
}

}  // namespace knd
