// SPDX-License-Identifier: Apache-2.0
#include "tools/local/support/rlimits.hpp"

#include <sys/resource.h>

#include <cerrno>
#include <string>
#include <string_view>
#include <utility>

namespace knd::local {
namespace {

constexpr std::pair<std::string_view, __rlimit_resource> kResources[] = {
    {"RLIMIT_AS", RLIMIT_AS},
    {"RLIMIT_CORE", RLIMIT_CORE},
    {"RLIMIT_CPU", RLIMIT_CPU},
    {"RLIMIT_DATA", RLIMIT_DATA},
    {"RLIMIT_FSIZE", RLIMIT_FSIZE},
    {"RLIMIT_LOCKS", RLIMIT_LOCKS},
    {"RLIMIT_MEMLOCK", RLIMIT_MEMLOCK},
    {"RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE},
    {"RLIMIT_NICE", RLIMIT_NICE},
    {"RLIMIT_NOFILE", RLIMIT_NOFILE},
    {"RLIMIT_NPROC", RLIMIT_NPROC},
    {"RLIMIT_RSS", RLIMIT_RSS},
    {"RLIMIT_RTPRIO", RLIMIT_RTPRIO},
    {"RLIMIT_RTTIME", RLIMIT_RTTIME},
    {"RLIMIT_SIGPENDING", RLIMIT_SIGPENDING},
    {"RLIMIT_STACK", RLIMIT_STACK}};

Result<> set_rlimit(pid_t pid, const Rlimit& limit) {
    for (const auto& [name, resource] : kResources) {
        if (name != limit.type) continue;
        const rlimit values{limit.soft, limit.hard};
        if (prlimit(pid, resource, &values, nullptr) != 0)
            return Error::from_errno("set " + limit.type + " to " + std::to_string(limit.soft),
                                     errno);
        return {};
    }
    return Error(Code::kInvalidArgument, "there is no limit \"" + limit.type + "\"");
}

}  // namespace

Result<> set_rlimits(pid_t pid, const std::vector<Rlimit>& limits) {
    for (const auto& limit : limits)
        KND_TRY(set_rlimit(pid, limit));
    return {};
}

}  // namespace knd::local
