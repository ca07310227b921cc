// SPDX-License-Identifier: Apache-2.0
#include "host/plugin/probe.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <csignal>
#include <cstdio>

#include "host/plugin/library.hpp"
#include "host/plugin/tables.hpp"

#include <knd/cpp/abi.hpp>
#include <knd/cpp/fd.hpp>

namespace knd::plugin {
namespace {

/// What the child tells, in the order in which it gets there. The last one before a crash says
/// where it happened.
enum class Stage : char { kLoad = 'l', kCreate = 'c', kTables = 't', kDestroy = 'd', kDone = 'e' };

std::string_view stage_text(char stage) {
    switch (static_cast<Stage>(stage)) {
        case Stage::kLoad:
            return "while its constructors ran";
        case Stage::kCreate:
            return "in create";
        case Stage::kTables:
            return "while its tables were read";
        case Stage::kDestroy:
            return "in destroy";
        case Stage::kDone:
            break;
    }
    return "after everything was done";
}

/// What goes through the pipe last: 'r', the code, the text.
constexpr char kRefused = 'r';

const knd_host* silent_host() {
    static constexpr knd_host kHost{
        sizeof(knd_host),
        0,
        [](const knd_host*, std::int32_t, const char*) noexcept {},
        [](const knd_host*, const char*) noexcept -> const void* { return nullptr; },
        nullptr,
        "probe",
        "knd.dev",
        "localhost"};
    return &kHost;
}

class Reporter {
  public:
    explicit Reporter(int fd) : fd_(fd) {}
    void stage(Stage stage) const { put(std::string(1, static_cast<char>(stage))); }
    void refused(const Error& error) const {
        put(std::string(1, kRefused) + static_cast<char>(error.code()) + error.message());
    }

  private:
    void put(const std::string& bytes) const {
        // Shorter than PIPE_BUF, so it goes at once or, with the parent gone, not at all.
        const auto text = bytes.substr(0, 4000);
        [[maybe_unused]] const auto written = ::write(fd_, text.data(), text.size());
    }
    int fd_;
};

/// Everything that runs code of the library.
Result<void> exercise(const std::string& path, const std::string& loaded_from,
                      const Reporter& report) {
    report.stage(Stage::kLoad);
    KND_TRY_ASSIGN(const auto library, open_library(path, loaded_from));
    report.stage(Stage::kCreate);
    knd_backend* backend = library.entry->create(silent_host());
    if (backend == nullptr) {
        return Error(Code::kResourceExhausted, path + ": create made no instance");
    }
    report.stage(Stage::kTables);
    const auto tables = read_tables(*backend);
    if (!tables.ok()) return Error(tables.error()).wrap(path);
    report.stage(Stage::kDestroy);
    backend->destroy(backend);
    return {};
}

[[noreturn]] void run_child(const std::string& path, const std::string& loaded_from, int fd) {
    // The child must not outlive a parent that is killed now.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::prctl(PR_SET_DUMPABLE, 0);  // a crash here is an answer, not a core file
    for (const int signal : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTERM, SIGINT}) {
        std::signal(signal, SIG_DFL);
    }
    const Reporter report(fd);
    const auto result = exercise(path, loaded_from, report);
    if (result.ok()) {
        report.stage(Stage::kDone);
    } else {
        report.refused(result.error());
    }
    ::_exit(0);  // no destructors: they are the parent's
}

/// Reads until the child closes its end; false when the time is up first.
bool read_report(int fd, std::chrono::milliseconds timeout, std::string& report) {
    const auto end = std::chrono::steady_clock::now() + timeout;
    for (;;) {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
            end - std::chrono::steady_clock::now());
        if (left.count() <= 0) return false;
        pollfd waited{fd, POLLIN, 0};
        const int ready = ::poll(&waited, 1, static_cast<int>(left.count()));
        if (ready <= 0) continue;
        char buffer[4096];
        const auto got = ::read(fd, buffer, sizeof buffer);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return true;
        report.append(buffer, static_cast<std::size_t>(got));
    }
}

int wait_for(pid_t child) {
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return status;
}

/// "crashed with SIGSEGV (Segmentation fault)" or "ended the process with exit status 3".
std::string end_text(int status) {
    if (WIFSIGNALED(status)) {
        const int signal = WTERMSIG(status);
        const char* name = ::sigabbrev_np(signal);
        const char* what = ::sigdescr_np(signal);
        return "crashed with SIG" + std::string(name ? name : std::to_string(signal)) + " (" +
               (what ? what : "unknown signal") + ")";
    }
    return "ended the process with exit status " + std::to_string(WEXITSTATUS(status));
}

Result<void> judge(const std::string& path, const std::string& report, int status) {
    const auto refused = report.find(kRefused);
    if (refused != std::string::npos && refused + 1 < report.size()) {
        return Error(to_code(report[refused + 1]), report.substr(refused + 2));
    }
    const char last = report.empty() ? static_cast<char>(Stage::kLoad) : report.back();
    if (last == static_cast<char>(Stage::kDone) && WIFEXITED(status) && WEXITSTATUS(status) == 0) {
        return {};
    }
    return Error(Code::kInternal, path + " " + end_text(status) + " " +
                                      std::string(stage_text(last)) +
                                      "; it was tried in a child process, so nothing else is "
                                      "affected");
}

}  // namespace

Result<void> probe_library(const std::string& path, const std::string& loaded_from,
                           std::chrono::milliseconds timeout) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return Error::from_errno("pipe", errno);
    Fd read_end(ends[0]);
    Fd write_end(ends[1]);
    // What is buffered now would be written by the child as well.
    std::fflush(nullptr);
    const pid_t child = ::fork();
    if (child < 0) return Error::from_errno("fork", errno);
    if (child == 0) run_child(path, loaded_from, write_end.get());
    write_end.reset();
    std::string report;
    const bool in_time = read_report(read_end.get(), timeout, report);
    if (!in_time) ::kill(child, SIGKILL);
    const int status = wait_for(child);
    if (!in_time) {
        const char last = report.empty() ? static_cast<char>(Stage::kLoad) : report.back();
        return Error(Code::kInternal, path + " hung for " + std::to_string(timeout.count()) +
                                          " ms " + std::string(stage_text(last)));
    }
    return judge(path, report, status);
}

}  // namespace knd::plugin
