// SPDX-License-Identifier: Apache-2.0
#include "tools/local/cluster/layout.hpp"

#include <sys/un.h>

#include <initializer_list>
#include <system_error>

namespace knd::local {
namespace {

/// What a driver may put behind "plugins/": a name of 32 characters, a slash, "dra.sock".
constexpr std::size_t kPluginSocket = 42;

Result<> make_all(std::initializer_list<std::filesystem::path> paths) {
    for (const auto& path : paths) {
        std::error_code error;
        std::filesystem::create_directories(path, error);
        if (error) return Error::from_errno("create " + path.string(), error.value());
    }
    return {};
}

}  // namespace

std::filesystem::path canonical_root(const std::filesystem::path& root) {
    std::error_code error;
    const auto absolute = std::filesystem::absolute(root, error);
    if (error) return root;
    auto canonical = std::filesystem::weakly_canonical(absolute, error);
    return error ? absolute : canonical;
}

Result<> make_directories(const Layout& layout) {
    return make_all({layout.root, layout.server(), layout.netns(), layout.logs()});
}

Result<> make_directories(const NodeLayout& node) {
    const auto longest = node.plugins().string().size() + 1 + kPluginSocket;
    if (longest >= sizeof(sockaddr_un::sun_path))
        return Error(Code::kInvalidArgument,
                     "sockets below " + node.plugins().string() +
                         " would have a path of over 107 bytes; choose a shorter --state");
    return make_all({node.directory, node.registry(), node.plugins(), node.cdi(), node.sandboxes(),
                     node.run()});
}

}  // namespace knd::local
