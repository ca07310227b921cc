// SPDX-License-Identifier: Apache-2.0
#include "host/sandbox/kept_namespaces.hpp"

#include <sys/stat.h>

#include <cerrno>
#include <filesystem>
#include <vector>

#include "sdk/support/netns.hpp"

namespace knd {

/// The id comes from the runtime and becomes part of a path.
Result<std::string> MountedNamespaces::path(const std::string& sandbox_id) const {
    const bool fits = !sandbox_id.empty() && sandbox_id.size() <= 128 &&
                      sandbox_id.front() != '.' &&
                      sandbox_id.find_first_of(std::string_view("/\0", 2)) == std::string::npos;
    if (fits) return directory_ + "/" + sandbox_id;
    return Error(Code::kInvalidArgument, "`" + sandbox_id + "` cannot be a sandbox id");
}

Result<void> MountedNamespaces::keep(const std::string& sandbox_id, int netns_fd) {
    KND_TRY_ASSIGN(const auto place, path(sandbox_id));
    if (::mkdir(directory_.c_str(), 0700) != 0 && errno != EEXIST)
        return Error::from_errno("create " + directory_, errno);
    auto kept = netns::pin(netns_fd, place);
    if (kept.code() == Code::kAlreadyExists) return {};
    return kept;
}

Result<Fd> MountedNamespaces::open(const std::string& sandbox_id) {
    KND_TRY_ASSIGN(const auto place, path(sandbox_id));
    auto netns = netns::open(place);
    // A file that a mount was to be made on, or the mount of another mount namespace.
    if (netns.code() != Code::kFailedPrecondition) return netns;
    return Error(Code::kNotFound, netns.error().message());
}

Result<void> MountedNamespaces::drop(const std::string& sandbox_id) {
    KND_TRY_ASSIGN(const auto place, path(sandbox_id));
    return netns::unpin(place);
}

Result<void> MountedNamespaces::sweep(const std::set<std::string>& used) {
    std::error_code error;
    std::filesystem::directory_iterator entries(directory_, error);
    std::vector<std::string> unused;
    for (; !error && entries != std::filesystem::directory_iterator(); entries.increment(error)) {
        auto id = entries->path().filename().string();
        if (!used.contains(id)) unused.push_back(std::move(id));
    }
    for (const auto& id : unused)
        KND_TRY(drop(id));
    return {};
}

}  // namespace knd
