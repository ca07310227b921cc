// SPDX-License-Identifier: Apache-2.0
#include "tools/local/support/process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <fstream>
#include <sstream>
#include <utility>

namespace knd::local {
namespace {

/// Everything the child needs, made before fork(): after it only system calls are safe, because
/// other threads may have held locks (malloc's among them) at that moment.
struct Prepared {
    std::vector<char*> argv;
    std::vector<char*> env;
    const char* program = nullptr;
    const char* directory = "/";
    Fd null, netns;
    int streams[3] = {-1, -1, -1};
    bool own_sysfs = false;
    bool dies_with_parent = false;
    pid_t parent = 0;
};

/// What the child writes into the pipe when it cannot go on.
struct Failure {
    int os_error;
    std::array<char, 32> step;
};

[[noreturn]] void fail(int report, const char* step) {
    Failure failure{errno, {}};
    std::strncpy(failure.step.data(), step, failure.step.size() - 1);
    // The parent learns the reason or, if even this fails, sees an exit code of 127.
    if (write(report, &failure, sizeof failure) < 0) _exit(126);
    _exit(127);
}

void reset_signals() {
    for (int number = 1; number < NSIG; ++number)
        signal(number, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
}

/// What failed, with errno set; null when all went well. System calls only: runs after fork().
/// sdk/support/netns keeps setns() away from threads that live on; a child on its way to exec is
/// not one of them.
const char* enter(int netns, bool own_sysfs) {
    if (netns >= 0 && setns(netns, CLONE_NEWNET) != 0) return "enter the network namespace";
    if (!own_sysfs) return nullptr;
    // Slave: namespaces that are pinned later still appear here; our /sys goes nowhere else.
    if (unshare(CLONE_NEWNS) != 0) return "make a mount namespace";
    if (mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) != 0) return "separate the mounts";
    // EBUSY: the one that is there shows this very namespace.
    if (mount("sysfs", "/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) != 0 &&
        errno != EBUSY)
        return "mount /sys";
    return nullptr;
}

[[noreturn]] void run_child(const Prepared& prepared, int report) {
    reset_signals();
    setsid();
    if (prepared.dies_with_parent) {
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (getppid() != prepared.parent) _exit(127);
    }
    if (const auto* failed = enter(prepared.netns.get(), prepared.own_sysfs); failed != nullptr)
        fail(report, failed);
    if (chdir(prepared.directory) != 0) fail(report, "change directory");
    for (int stream = 0; stream < 3; ++stream) {
        if (dup2(prepared.streams[stream], stream) < 0) fail(report, "set up standard streams");
    }
    if (prepared.argv.size() > 1) {
        execve(prepared.program, prepared.argv.data(), prepared.env.data());
        fail(report, "exec");
    }
    prctl(PR_SET_NAME, "pause");
    syscall(SYS_close_range, 3U, ~0U, 0U);
    for (;;)
        pause();
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
    std::vector<char*> result;
    for (const auto& text : texts)
        result.push_back(const_cast<char*>(text.c_str()));
    result.push_back(nullptr);
    return result;
}

Result<Prepared> prepare(const SpawnOptions& options) {
    Prepared prepared;
    prepared.argv = pointers(options.argv);
    prepared.env = pointers(options.env);
    prepared.program = options.program.empty() ? prepared.argv[0] : options.program.c_str();
    prepared.directory = options.directory.c_str();
    prepared.own_sysfs = options.own_sysfs;
    prepared.dies_with_parent = options.dies_with_parent;
    prepared.parent = getpid();
    prepared.null.reset(open("/dev/null", O_RDWR | O_CLOEXEC));
    if (!prepared.null) return Error::from_errno("open /dev/null", errno);
    if (!options.netns.empty()) {
        prepared.netns.reset(open(options.netns.c_str(), O_RDONLY | O_CLOEXEC));
        if (!prepared.netns)
            return Error::from_errno("open network namespace " + options.netns.string(), errno);
    }
    const Fd* streams[] = {&options.input, &options.output, &options.errors};
    for (int i = 0; i < 3; ++i)
        prepared.streams[i] = *streams[i] ? streams[i]->get() : prepared.null.get();
    return prepared;
}

/// Reads the child's report: nothing when it went well, since exec and pause close the pipe.
Result<> read_report(int report, pid_t pid) {
    Failure failure{};
    ssize_t count;
    do {
        count = read(report, &failure, sizeof failure);
    } while (count < 0 && errno == EINTR);
    if (count < static_cast<ssize_t>(sizeof failure)) return {};
    waitpid(pid, nullptr, 0);
    return Error::from_errno(failure.step.data(), failure.os_error);
}

}  // namespace

Result<ProcessId> ProcessId::of(pid_t pid) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
    std::string text;
    if (!std::getline(file, text))
        return Error(Code::kNotFound, "no process " + std::to_string(pid));
    // The name in parentheses may contain anything, so fields are counted after the last one.
    std::istringstream rest(text.substr(text.rfind(')') + 1));
    std::string field;
    std::string state;
    rest >> state;
    for (int i = 4; i < 22; ++i)
        rest >> field;
    ProcessId result{pid, 0};
    rest >> result.started;
    if (state == "Z" || state == "X")
        return Error(Code::kNotFound, "process " + std::to_string(pid) + " has ended");
    return result;
}

ProcessId ProcessId::from_json(const Json& json) {
    return {static_cast<pid_t>(json_int(json, "pid")),
            static_cast<std::uint64_t>(json_int(json, "started"))};
}

Json ProcessId::json() const {
    return {{"pid", pid}, {"started", started}};
}

bool ProcessId::alive() const {
    if (pid <= 0) return false;
    const auto now = of(pid);
    return now.ok() && now->started == started;
}

bool ProcessId::signal(int number) const {
    if (pid <= 0) return false;
    // The pidfd first, then the check: what the check has seen is what the descriptor names.
    const Fd pidfd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
    if (!pidfd || !alive()) return false;
    return syscall(SYS_pidfd_send_signal, pidfd.get(), number, nullptr, 0) == 0;
}

Result<Child> spawn(const SpawnOptions& options) {
    KND_TRY_ASSIGN(const Prepared prepared, prepare(options));
    int pipe_fds[2];
    if (pipe2(pipe_fds, O_CLOEXEC) != 0) return Error::from_errno("pipe", errno);
    Fd report_out(pipe_fds[0]), report_in(pipe_fds[1]);
    const pid_t pid = fork();
    if (pid < 0) return Error::from_errno("fork", errno);
    if (pid == 0) run_child(prepared, report_in.get());
    report_in.reset();
    KND_TRY(read_report(report_out.get(), pid));
    Child child;
    child.pidfd.reset(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
    if (!child.pidfd) return Error::from_errno("pidfd_open", errno);
    auto id = ProcessId::of(pid);
    // A program that is over already is still a child: its exit is for the ExitWatch to report.
    child.id = id.ok() ? *id : ProcessId{pid, 0};
    return child;
}

Error exec_in(const std::filesystem::path& netns, const std::vector<std::string>& argv,
              const std::function<Result<>()>& prepare) {
    const Fd fd(open(netns.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) return Error::from_errno("open network namespace " + netns.string(), errno);
    if (const auto* failed = enter(fd.get(), true); failed != nullptr)
        return Error::from_errno(failed, errno);
    if (prepare) {
        if (auto prepared = prepare(); !prepared.ok()) return std::move(prepared).error();
    }
    execvp(argv.front().c_str(), pointers(argv).data());
    return Error::from_errno(argv.front(), errno);
}

std::string Exit::text() const {
    if (code <= 128) return "exit status " + std::to_string(code);
    if (code == 128 + SIGKILL) return "signal: killed";
    return "signal: " + std::to_string(code - 128);
}

struct ExitWatch::State {
    State(boost::asio::io_context& io, Fd pidfd, Callback done)
        : descriptor(io, pidfd.release()), callback(std::move(done)) {}
    boost::asio::posix::stream_descriptor descriptor;
    Callback callback;
};

ExitWatch::ExitWatch(boost::asio::io_context& io, Fd pidfd, Callback callback)
    : state_(std::make_shared<State>(io, std::move(pidfd), std::move(callback))) {
    state_->descriptor.async_wait(
        boost::asio::posix::stream_descriptor::wait_read,
        [state = state_](const boost::system::error_code& error) {
            if (error || !state->callback) return;
            siginfo_t info{};
            Exit exit{255};
            const auto pidfd_number = static_cast<id_t>(state->descriptor.native_handle());
            if (waitid(P_PIDFD, pidfd_number, &info, WEXITED | WNOHANG) == 0 && info.si_pid != 0)
                exit.code = info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
            std::exchange(state->callback, nullptr)(exit);
        });
}

ExitWatch::~ExitWatch() {
    state_->callback = nullptr;
    boost::system::error_code ignored;
    state_->descriptor.close(ignored);
}

Result<std::unique_ptr<ExitWatch>> ExitWatch::adopt(boost::asio::io_context& io,
                                                    const ProcessId& process, Callback callback) {
    Fd pidfd(static_cast<int>(syscall(SYS_pidfd_open, process.pid, 0)));
    if (!pidfd || !process.alive())
        return Error(Code::kNotFound, "process " + std::to_string(process.pid) + " has ended");
    return std::make_unique<ExitWatch>(io, std::move(pidfd), std::move(callback));
}

void end_process(const ProcessId& process, std::chrono::milliseconds grace) {
    const Fd pidfd(static_cast<int>(syscall(SYS_pidfd_open, process.pid, 0)));
    if (!pidfd || !process.signal(SIGTERM)) return;
    pollfd wait{pidfd.get(), POLLIN, 0};
    if (poll(&wait, 1, static_cast<int>(grace.count())) == 0) {
        process.signal(SIGKILL);
        poll(&wait, 1, 5000);
    }
    waitid(P_PIDFD, static_cast<id_t>(pidfd.get()), nullptr, WEXITED | WNOHANG);
}

}  // namespace knd::local
