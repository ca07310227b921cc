// SPDX-License-Identifier: Apache-2.0
#include "tests/host/node/runtime.hpp"

namespace knd::testing {
namespace {

constexpr char kConfigV2[] = R"(version = 3
root = "$D/root"
state = "$D/state"
[grpc]
  address = "$D/c.sock"
[ttrpc]
  address = "$D/c.sock.ttrpc"
[plugins.'io.containerd.nri.v1.nri']
  disable = false
  socket_path = "$D/nri.sock"
  plugin_path = "$D/nri/plugins"
  plugin_config_path = "$D/nri/conf.d"
[plugins.'io.containerd.cri.v1.runtime']
  restrict_oom_score_adj = true
  enable_cdi = $CDI
  cdi_spec_dirs = ["$D/cdi"]
  cni.bin_dirs = ["/usr/lib/cni"]
  cni.conf_dir = "$D/cni"
  containerd.runtimes.runc.runtime_type = "io.containerd.runc.v2"
  containerd.runtimes.runc.options.BinaryName = "/usr/sbin/runc"
  containerd.runtimes.runc.options.SystemdCgroup = false
  containerd.runtimes.runc.options.Root = "$D/runc"
[plugins.'io.containerd.cri.v1.images']
  snapshotter = "native"
  pinned_images.sandbox = "knd.test/pause:1"
)";

constexpr char kConfigV1[] = R"(version = 2
root = "$D/root"
state = "$D/state"
[grpc]
  address = "$D/c.sock"
[ttrpc]
  address = "$D/c.sock.ttrpc"
[plugins."io.containerd.nri.v1.nri"]
  disable = false
  socket_path = "$D/nri.sock"
  plugin_path = "$D/nri/plugins"
  plugin_config_path = "$D/nri/conf.d"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "knd.test/pause:1"
  enable_cdi = $CDI
  cdi_spec_dirs = ["$D/cdi"]
  restrict_oom_score_adj = true
  cni.bin_dir = "/usr/lib/cni"
  cni.conf_dir = "$D/cni"
  containerd.snapshotter = "native"
  containerd.runtimes.runc.runtime_type = "io.containerd.runc.v2"
  containerd.runtimes.runc.options.BinaryName = "/usr/sbin/runc"
  containerd.runtimes.runc.options.SystemdCgroup = false
  containerd.runtimes.runc.options.Root = "$D/runc"
)";

}  // namespace

Result<RuntimeRecipe> containerd_recipe(int major, bool cdi) {
    const char* cache = std::getenv("KND_CACHE");
    const auto package = std::filesystem::path(cache != nullptr ? cache : "/var/cache/knd") /
                         ("containerd-" + std::to_string(major));
    const auto bin = package / "usr/bin";
    if (!std::filesystem::exists(bin / "containerd")) {
        return Error(Code::kNotFound, "no containerd " + std::to_string(major) +
                                          ".x is unpacked in " + package.string() +
                                          "; run tools/install-deps test");
    }
    return RuntimeRecipe{
        .name = "containerd",
        .command = {bin / "containerd", "--config", "$D/config.toml"},
        .values = {{"$CDI", cdi ? "true" : "false"}},
        .path = bin,  // the version's own shim first
        .files = {{"config.toml", major == 1 ? kConfigV1 : kConfigV2}},
        .import = {bin / "ctr", "--address", "$D/c.sock", "-n", "k8s.io", "images", "import",
                   "--snapshotter", "native", "--local", "$D/image.tar"}};
}

}  // namespace knd::testing
