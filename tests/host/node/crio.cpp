// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <cstdio>
#include <memory>

#include "tests/host/node/runtime.hpp"

namespace knd::testing {
namespace {

/// Image names are looked up in the archive of the tests, not in a registry. /usr/sbin/runc with a
/// root of its own, as containerd has it here; no drop-in files, no hooks, no history of its own
/// outside of the directory.
constexpr char kConfig[] = R"([crio]
root = "$D/root"
runroot = "$D/runroot"
storage_driver = "vfs"
log_dir = "$D/logs"
version_file = "$D/version"
version_file_persist = ""
clean_shutdown_file = "$D/clean.shutdown"
[crio.api]
listen = "$D/c.sock"
stream_port = "0"
[crio.runtime]
default_runtime = "runc"
default_capabilities = ["CHOWN", "KILL", "NET_RAW"]
cgroup_manager = "cgroupfs"
conmon_cgroup = "pod"
pinns_path = "$B/pinns"
namespaces_dir = "$D/namespaces"
container_exits_dir = "$D/exits"
container_attach_socket_dir = "$D/attach"
hooks_dir = []
cdi_spec_dirs = ["$D/cdi"]
irqbalance_config_restore_file = ""
enable_criu_support = false
[crio.runtime.runtimes.runc]
runtime_path = "/usr/sbin/runc"
runtime_root = "$D/runc"
monitor_path = "/usr/bin/conmon"
monitor_cgroup = "pod"
[crio.image]
default_transport = "docker-archive:$D/image.tar:"
pause_image = "knd.test/pause:1"
pause_command = ""
signature_policy = "$D/policy.json"
signature_policy_dir = "$D/policies"
[crio.network]
network_dir = "$D/cni"
plugin_dirs = ["/usr/lib/cni"]
[crio.nri]
enable_nri = true
nri_listen = "$D/nri.sock"
nri_plugin_dir = "$D/nri/plugins"
nri_plugin_config_dir = "$D/nri/conf.d"
)";

constexpr char kPolicy[] = R"({"default": [{"type": "insecureAcceptAnything"}]})";

struct ClosePipe {
    void operator()(std::FILE* pipe) const { ::pclose(pipe); }
};

/// The directory with the built programs, or the builder's reason why there is none.
Result<std::string> built_crio() {
    std::unique_ptr<std::FILE, ClosePipe> pipe(
        ::popen(KND_SOURCE_DIR "/tests/interop/crio/build --cached", "re"));
    if (!pipe) return Error::from_errno("run tests/interop/crio/build", errno);
    std::array<char, 1024> buffer{};
    std::string line;
    while (std::fgets(buffer.data(), buffer.size(), pipe.get()) != nullptr)
        line += buffer.data();
    if (!line.empty() && line.back() == '\n') line.pop_back();
    if (::pclose(pipe.release()) == 0) return line;
    return Error(Code::kNotFound, line);
}

}  // namespace

Result<RuntimeRecipe> crio_recipe() {
    KND_TRY_ASSIGN(const auto built, built_crio());
    return RuntimeRecipe{.name = "CRI-O",
                         .command = {"$B/crio", "--config", "$D/config.toml", "--config-dir", ""},
                         .values = {{"$B", built}},
                         .path = "",
                         .files = {{"config.toml", kConfig}, {"policy.json", kPolicy}},
                         .import = {}};
}

}  // namespace knd::testing
