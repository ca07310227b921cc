// SPDX-License-Identifier: Apache-2.0
#include "tests/host/node/runtime.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <thread>

#include "host/model/text.hpp"
#include "host/model/text_file.hpp"

namespace knd::testing {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr auto kStart = 20s;
constexpr auto kEnd = 10s;

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

/// Whatever still runs with this text on its command line: shims and monitors, which outlive their
/// runtime.
void kill_by_command_line(const std::string& text) {
    for (const auto& entry : fs::directory_iterator("/proc")) {
        const auto name = entry.path().filename().string();
        if (name.find_first_not_of("0123456789") != std::string::npos) continue;
        const auto line = read_text_file(entry.path() / "cmdline").value_or("");
        if (line.find(text) == std::string::npos) continue;
        if (const auto id = local::ProcessId::of(std::stoi(name)); id) id->signal(SIGKILL);
    }
}

/// In each hierarchy, or in the only one.
std::vector<fs::path> cgroups_of_pods() {
    std::error_code ignored;
    std::vector<fs::path> hierarchies = {"/sys/fs/cgroup"};
    for (const auto& entry : fs::directory_iterator("/sys/fs/cgroup", ignored))
        if (entry.is_directory(ignored)) hierarchies.push_back(entry.path());
    std::vector<fs::path> found;
    for (const auto& hierarchy : hierarchies) {
        const auto top = hierarchy / cgroup_parent();
        if (!fs::exists(top, ignored)) continue;
        found.push_back(top);
        for (const auto& entry : fs::recursive_directory_iterator(top, ignored))
            if (entry.is_directory(ignored)) found.push_back(entry.path());
    }
    return found;
}

/// Runtimes leave empty cgroups, and a sandbox of which a shim was still busy its pause process.
void end_cgroups() {
    for (int look = 0; look < 50; ++look) {
        const auto cgroups = cgroups_of_pods();
        if (cgroups.empty()) return;
        for (auto it = cgroups.rbegin(); it != cgroups.rend(); ++it) {
            std::ifstream processes(*it / "cgroup.procs");
            for (int pid = 0; processes >> pid;)
                ::kill(pid, SIGKILL);
            ::rmdir(it->c_str());
        }
        std::this_thread::sleep_for(20ms);
    }
}

}  // namespace

Result<std::unique_ptr<Runtime>> Runtime::make(RuntimeRecipe recipe, fs::path directory) {
    auto made = std::unique_ptr<Runtime>(new Runtime(std::move(recipe), std::move(directory)));
    KND_TRY(made->write_files());
    KND_TRY(made->start());
    KND_TRY(made->import_images());
    return made;
}

Runtime::~Runtime() {
    stop(SIGTERM);
    kill_by_command_line(directory_.string() + "/");
    std::this_thread::sleep_for(100ms);
    // Mounts of sandboxes that were not removed; deepest first.
    std::ifstream mounts("/proc/self/mounts");
    std::vector<std::string> below;
    for (std::string line; std::getline(mounts, line);) {
        std::istringstream words(line);
        std::string source, target;
        words >> source >> target;
        if (target.starts_with(directory_.string() + "/")) below.push_back(target);
    }
    for (auto it = below.rbegin(); it != below.rend(); ++it)
        ::umount2(it->c_str(), MNT_DETACH);
    end_cgroups();
}

std::string Runtime::expand(std::string text) const {
    replace_all(text, "$D", directory_.string());
    for (const auto& [name, value] : recipe_.values)
        replace_all(text, name, value);
    return text;
}

std::vector<std::string> Runtime::expand(std::vector<std::string> texts) const {
    for (auto& text : texts)
        text = expand(std::move(text));
    return texts;
}

Result<void> Runtime::write_files() const {
    std::error_code ignored;
    for (const auto* name : {"cdi", "cni", "nri/plugins", "nri/conf.d"}) {
        fs::create_directories(directory_ / name, ignored);
    }
    KND_TRY(run({KND_SOURCE_DIR "/tests/host/node/make-image", directory_ / "image.tar"},
                directory_ / "image.log"));
    for (const auto& [name, text] : recipe_.files) {
        KND_TRY(replace_text_file(directory_ / name, expand(text)));
    }
    return replace_text_file(
        directory_ / "cni/10-ptp.conflist",
        expand(R"({"cniVersion":"0.4.0","name":"knd","plugins":[{"type":"ptp","ipam":)"
               R"({"type":"host-local","dataDir":"$D/ipam",)"
               R"("ranges":[[{"subnet":"10.251.0.0/16"}]]}}]})"));
}

Result<void> Runtime::start() {
    local::SpawnOptions options;
    options.argv = expand(recipe_.command);
    const auto first = recipe_.path.empty() ? "" : recipe_.path + ":";
    options.env = {"PATH=" + first + "/usr/sbin:/usr/bin:/sbin:/bin"};
    options.dies_with_parent = true;
    options.output =
        Fd(::open(log_file().c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
    options.errors = Fd(::dup(options.output.get()));
    KND_TRY_ASSIGN(const auto child, local::spawn(options));
    process_ = child.id;
    running_ = true;
    const auto socket = directory_ / "c.sock";
    cri_ = std::make_unique<CriClient>(socket);
    const auto deadline = std::chrono::steady_clock::now() + kStart;
    while (std::chrono::steady_clock::now() < deadline) {
        if (fs::exists(socket) && fs::exists(nri_socket()) && cri_->version().ok()) return {};
        if (!process_.alive()) break;
        std::this_thread::sleep_for(50ms);
    }
    return Error(Code::kUnavailable,
                 recipe_.name + " does not come up, see " + log_file().string());
}

void Runtime::stop(int signal) {
    if (!running_) return;
    running_ = false;
    cri_.reset();
    process_.signal(signal);
    int status = 0;
    const auto deadline = std::chrono::steady_clock::now() + kEnd;
    while (std::chrono::steady_clock::now() < deadline) {
        if (::waitpid(process_.pid, &status, WNOHANG) != 0) return;
        std::this_thread::sleep_for(10ms);
    }
    // CRI-O (1.34) now and then waits for itself when it is asked to end.
    process_.signal(SIGKILL);
    ::waitpid(process_.pid, &status, 0);
}

Result<void> Runtime::import_images() {
    if (!recipe_.import.empty()) return run(expand(recipe_.import), directory_ / "import.log");
    return cri_->pull_test_image();
}

}  // namespace knd::testing
