// SPDX-License-Identifier: Apache-2.0
#include "tests/host/node/containerd.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include <fstream>
#include <sstream>
#include <thread>

#include "tools/local/support/files.hpp"

namespace knd::testing {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr auto kStart = 20s;

void replace_all(std::string& text, const std::string& what, const std::string& with) {
    for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at)) {
        text.replace(at, what.size(), with);
        at += with.size();
    }
}

Result<void> run(const std::vector<std::string>& argv, const fs::path& log) {
    local::SpawnOptions options;
    options.argv = argv;
    options.env = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin"};
    options.output = Fd(::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
    options.errors = Fd(::dup(options.output.get()));
    KND_TRY_ASSIGN(const auto child, local::spawn(options));
    int status = 0;
    ::waitpid(child.id.pid, &status, 0);
    if (status == 0) return {};
    return Error(Code::kInternal, argv.front() + " failed, see " + log.string());
}

/// Whatever still runs with this text on its command line: shims, which outlive containerd.
void kill_by_command_line(const std::string& text) {
    for (const auto& entry : fs::directory_iterator("/proc")) {
        const auto name = entry.path().filename().string();
        if (name.find_first_not_of("0123456789") != std::string::npos) continue;
        std::ifstream file(entry.path() / "cmdline");
        std::stringstream line;
        line << file.rdbuf();
        if (line.str().find(text) == std::string::npos) continue;
        if (const auto id = local::ProcessId::of(std::stoi(name)); id) id->signal(SIGKILL);
    }
}

}  // namespace

Result<std::unique_ptr<Containerd>> Containerd::make(Options options) {
    if (!fs::exists(options.package / "usr/bin/containerd")) {
        return Error(Code::kNotFound, "no containerd is unpacked in " + options.package.string());
    }
    auto made = std::unique_ptr<Containerd>(new Containerd(std::move(options)));
    KND_TRY(made->write_config());
    KND_TRY(made->start());
    KND_TRY(made->import_images());
    return made;
}

Containerd::~Containerd() {
    stop(SIGTERM);
    kill_by_command_line(directory().string() + "/");
    std::this_thread::sleep_for(100ms);
    // Mounts of sandboxes that were not removed; deepest first.
    std::ifstream mounts("/proc/self/mounts");
    std::vector<std::string> below;
    for (std::string line; std::getline(mounts, line);) {
        std::istringstream words(line);
        std::string source, target;
        words >> source >> target;
        if (target.starts_with(directory().string() + "/")) below.push_back(target);
    }
    for (auto it = below.rbegin(); it != below.rend(); ++it)
        ::umount2(it->c_str(), MNT_DETACH);
}

std::string Containerd::config_v2() const {
    return R"(version = 3
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
}

std::string Containerd::config_v1() const {
    return R"(version = 2
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
}

Result<void> Containerd::write_config() const {
    std::error_code ignored;
    for (const auto* name : {"cdi", "cni", "nri/plugins", "nri/conf.d"}) {
        fs::create_directories(directory() / name, ignored);
    }
    auto text = options_.major == 1 ? config_v1() : config_v2();
    replace_all(text, "$D", directory().string());
    replace_all(text, "$CDI", options_.cdi ? "true" : "false");
    KND_TRY(local::write_file(directory() / "config.toml", text));
    return local::write_file(
        directory() / "cni/10-ptp.conflist",
        R"({"cniVersion":"0.4.0","name":"knd","plugins":[{"type":"ptp","ipam":)"
        R"({"type":"host-local","dataDir":")" +
            directory().string() +
            R"(/ipam",)"
            R"("ranges":[[{"subnet":"10.251.0.0/16"}]]}}]})");
}

Result<void> Containerd::start() {
    const auto bin = options_.package / "usr/bin";
    local::SpawnOptions options;
    options.argv = {bin / "containerd", "--config", directory() / "config.toml"};
    // The version's own shim first.
    options.env = {"PATH=" + bin.string() + ":/usr/sbin:/usr/bin:/sbin:/bin"};
    options.dies_with_parent = true;
    options.output =
        Fd(::open(log_file().c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
    options.errors = Fd(::dup(options.output.get()));
    KND_TRY_ASSIGN(const auto child, local::spawn(options));
    process_ = child.id;
    running_ = true;
    cri_ = std::make_unique<CriClient>(directory() / "c.sock");
    const auto deadline = std::chrono::steady_clock::now() + kStart;
    while (std::chrono::steady_clock::now() < deadline) {
        if (fs::exists(directory() / "c.sock") && fs::exists(nri_socket()) &&
            cri_->version().ok()) {
            return {};
        }
        if (!process_.alive()) break;
        std::this_thread::sleep_for(50ms);
    }
    return Error(Code::kUnavailable, "containerd does not come up, see " + log_file().string());
}

void Containerd::stop(int signal) {
    if (!running_) return;
    running_ = false;
    cri_.reset();
    process_.signal(signal);
    int status = 0;
    ::waitpid(process_.pid, &status, 0);
}

Result<void> Containerd::import_images() {
    const auto image = directory() / "image.tar";
    const auto log = directory() / "ctr.log";
    KND_TRY(run({KND_SOURCE_DIR "/tests/host/node/make-image", image}, log));
    return run({options_.package / "usr/bin/ctr", "--address", directory() / "c.sock", "-n",
                "k8s.io", "images", "import", "--snapshotter", "native", "--local", image},
               log);
}

}  // namespace knd::testing
