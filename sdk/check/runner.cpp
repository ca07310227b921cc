// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <regex>
#include <utility>

#include "sdk/check/check.hpp"
#include "sdk/support/netlink.hpp"

#include <knd/cpp/fd.hpp>

namespace knd::check {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

/// An interface to find, for backends that look for some.
void make_interfaces() {
    auto netlink = Netlink::open();
    if (!netlink.ok()) return;
    // Best effort: a kernel without veth leaves the namespace empty, and tests that need a device
    // say that there was none.
    static_cast<void>(
        netlink->create_link({.kind = "veth", .name = "knd-check0", .peer_name = "knd-check1"}));
}

/// A network namespace, a mount namespace with its sysfs, and where needed a user namespace.
bool isolate() {
    const auto uid = ::geteuid();
    const auto gid = ::getegid();
    const int flags = CLONE_NEWNET | CLONE_NEWNS | (uid != 0 ? CLONE_NEWUSER : 0);
    if (::unshare(flags) != 0) return false;
    if (uid != 0) {
        std::ofstream("/proc/self/setgroups") << "deny";
        std::ofstream("/proc/self/uid_map") << "0 " << uid << " 1";
        std::ofstream("/proc/self/gid_map") << "0 " << gid << " 1";
    }
    if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return false;
    // Without it /sys would show the interfaces of the caller's namespace.
    static_cast<void>(::mount("sysfs", "/sys", "sysfs", 0, nullptr));
    make_interfaces();
    return true;
}

Outcome run_here(const Test& test, Target target, const RunOptions& options) {
    target.isolated = options.on_host || isolate();
    if (test.needs_isolation && !target.isolated) {
        return skip("needs a network namespace of its own; run as root, or with --on-host");
    }
    return test.run(target);
}

[[noreturn]] void run_child(const Test& test, const Target& target, const RunOptions& options,
                            int fd) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const auto outcome = run_here(test, target, options);
    const auto text =
        static_cast<char>('0' + static_cast<int>(outcome.verdict)) + outcome.text.substr(0, 4000);
    [[maybe_unused]] const auto written = ::write(fd, text.data(), text.size());
    ::_exit(0);
}

bool read_all(int fd, milliseconds timeout, std::string& text) {
    const auto end = Clock::now() + timeout;
    while (true) {
        const auto left = std::chrono::duration_cast<milliseconds>(end - Clock::now()).count();
        if (left <= 0) return false;
        pollfd waited{fd, POLLIN, 0};
        if (::poll(&waited, 1, static_cast<int>(left)) <= 0) continue;
        char buffer[4096];
        const auto got = ::read(fd, buffer, sizeof buffer);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return true;
        text.append(buffer, static_cast<std::size_t>(got));
    }
}

Outcome crashed(int status) {
    if (WIFSIGNALED(status)) {
        const char* what = ::sigdescr_np(WTERMSIG(status));
        return {Verdict::kCrash, std::string("crashed: ") + (what ? what : "unknown signal")};
    }
    return {Verdict::kCrash,
            "ended the process with exit status " + std::to_string(WEXITSTATUS(status))};
}

Outcome run_in_child(const Test& test, const Target& target, const RunOptions& options) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return fail("knd-check: no pipe");
    Fd read_end(ends[0]);
    Fd write_end(ends[1]);
    const pid_t child = ::fork();
    if (child < 0) return fail("knd-check: no process");
    if (child == 0) run_child(test, target, options, write_end.get());
    write_end.reset();
    std::string text;
    const bool in_time = read_all(read_end.get(), options.timeout, text);
    if (!in_time) ::kill(child, SIGKILL);
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (!in_time) {
        return {Verdict::kCrash, "hung for " + std::to_string(options.timeout.count()) + " ms"};
    }
    const bool clean = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (!clean || text.empty()) return crashed(status);
    return {static_cast<Verdict>(text[0] - '0'), text.substr(1)};
}

}  // namespace

std::string_view verdict_name(Verdict verdict) {
    switch (verdict) {
        case Verdict::kPass:
            return "PASS";
        case Verdict::kFail:
            return "FAIL";
        case Verdict::kCrash:
            return "CRASH";
        case Verdict::kWarn:
            return "WARN";
        case Verdict::kSkip:
            return "SKIP";
    }
    return "?";
}

std::vector<Test> all_tests() {
    std::vector<Test> all;
    for (auto group :
         {&elf_tests, &load_tests, &contract_tests, &extension_tests, &hygiene_tests}) {
        auto tests = group();
        std::move(tests.begin(), tests.end(), std::back_inserter(all));
    }
    return all;
}

Result<std::vector<Report>> run(const std::vector<Test>& tests, const Target& target,
                                const RunOptions& options) {
    std::regex filter;
    try {
        filter = std::regex(options.filter.empty() ? "." : options.filter);
    } catch (const std::regex_error& e) {
        return Error(Code::kInvalidArgument, "filter: " + std::string(e.what()));
    }
    std::vector<Report> reports;
    for (const auto& test : tests) {
        const auto name = std::string(test.rule) + "/" + test.name;
        if (!std::regex_search(name, filter)) continue;
        const auto began = Clock::now();
        auto outcome = options.in_process ? run_here(test, target, options)
                                          : run_in_child(test, target, options);
        reports.push_back({&test, std::move(outcome),
                           std::chrono::duration_cast<milliseconds>(Clock::now() - began)});
    }
    return reports;
}

}  // namespace knd::check
