// SPDX-License-Identifier: Apache-2.0
#include "tests/interop/differential/oracle.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>
#include <utility>

namespace knd::differential {
namespace {

constexpr std::size_t kBlock = 1 << 16;
/// An expression like lists.range(9223372036854775807) takes all there is: it ends the child before
/// it ends others.
constexpr rlim_t kMaxMemory = rlim_t{8} << 30;

Result<void> write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        const auto n = ::write(fd, text.data(), text.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return Error::from_errno("write to the oracle", errno);
        text.remove_prefix(static_cast<std::size_t>(n));
    }
    return {};
}

}  // namespace

Oracle::Oracle(std::string path, std::string mode)
    : path_(std::move(path)), mode_(std::move(mode)) {}

Oracle::Oracle(Oracle&& other) noexcept
    : path_(std::move(other.path_)),
      mode_(std::move(other.mode_)),
      child_(std::exchange(other.child_, -1)),
      to_(std::move(other.to_)),
      from_(std::move(other.from_)),
      buffer_(std::move(other.buffer_)),
      used_(other.used_) {}

Oracle::~Oracle() {
    if (child_ >= 0) wait();
}

Result<Oracle> Oracle::start(const std::string& path, const std::string& mode) {
    Oracle out(path, mode);
    KND_TRY(out.spawn());
    return out;
}

Result<void> Oracle::spawn() {
    int in[2], out[2];
    if (::pipe2(in, O_CLOEXEC) != 0) return Error::from_errno("pipe", errno);
    Fd in_read(in[0]), in_write(in[1]);
    if (::pipe2(out, O_CLOEXEC) != 0) return Error::from_errno("pipe", errno);
    Fd out_read(out[0]), out_write(out[1]);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in_read.get(), STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, out_write.get(), STDOUT_FILENO);
    char* const arguments[] = {path_.data(), mode_.empty() ? nullptr : mode_.data(), nullptr};
    const int failed = ::posix_spawn(&child_, path_.c_str(), &actions, nullptr, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (failed != 0) return Error::from_errno("start " + path_, failed);
    const rlimit limit{kMaxMemory, kMaxMemory};
    if (::prlimit(child_, RLIMIT_AS, &limit, nullptr) != 0)
        return Error::from_errno("limit the oracle's memory", errno);
    to_ = std::move(in_write);
    from_ = std::move(out_read);
    buffer_.clear();
    used_ = 0;
    return {};
}

std::string Oracle::wait() {
    to_ = Fd();
    int status = 0;
    while (::waitpid(child_, &status, 0) < 0 && errno == EINTR) {
    }
    child_ = -1;
    return WIFSIGNALED(status) ? "signal " + std::to_string(WTERMSIG(status))
                               : "exit status " + std::to_string(WEXITSTATUS(status));
}

Result<std::string> Oracle::read_line() {
    for (auto searched = used_;;) {
        const auto end = buffer_.find('\n', searched);
        if (end != std::string::npos) {
            auto line = buffer_.substr(used_, end - used_);
            used_ = end + 1;
            return line;
        }
        buffer_.erase(0, used_);
        used_ = 0;
        searched = buffer_.size();
        buffer_.resize(searched + kBlock);
        const auto n = ::read(from_.get(), buffer_.data() + searched, kBlock);
        buffer_.resize(searched + static_cast<std::size_t>(n > 0 ? n : 0));
        if (n < 0 && errno != EINTR) return Error::from_errno("read from the oracle", errno);
        if (n == 0) return Error(Code::kUnavailable, "the oracle ended before it had answered");
    }
}

Result<void> Oracle::ask(std::span<const Json> cases, const Answered& answered) {
    bool one_by_one = false;  // what the child had answered when it died is not all here
    for (std::size_t done = 0; done < cases.size();) {
        const auto first = done;
        const auto asked = exchange(cases.subspan(done, one_by_one ? 1 : cases.size() - done),
                                    [&](std::size_t i, const Json& answer) {
                                        done = first + i + 1;
                                        answered(first + i, answer);
                                    });
        if (asked.ok()) continue;
        if (asked.error().code() != Code::kUnavailable) return asked;
        const auto how = wait();
        KND_TRY(spawn());
        if (one_by_one && done == first) {
            answered(done++, {{"panic", "the oracle died of it: " + how}});
            one_by_one = false;
        } else {
            one_by_one = true;
        }
    }
    return {};
}

Result<void> Oracle::exchange(std::span<const Json> cases, const Answered& answered) {
    // The child may block on its answers while it has not read all questions: two directions,
    // two threads.
    Result<void> written;
    std::thread writer([&] {
        for (const auto& one : cases) {
            written = write_all(to_.get(), to_text(one) + "\n");
            if (!written.ok()) return;
        }
    });
    Result<void> read;
    for (std::size_t i = 0; i < cases.size() && read.ok(); ++i) {
        auto line = read_line();
        if (!line.ok()) {
            read = std::move(line).error();
            break;
        }
        auto answer = parse_json(*line);
        if (answer.ok())
            answered(i, *answer);
        else
            read = std::move(answer).error().wrap("answer of the oracle");
    }
    // A child that is gone makes the writer fail as well, because nobody reads the pipe.
    writer.join();
    KND_TRY(std::move(read));
    return written;
}

Result<Json> Oracle::ask(const Json& one) {
    Json out;
    KND_TRY(ask(std::span(&one, 1), [&](std::size_t, const Json& answer) { out = answer; }));
    return out;
}

}  // namespace knd::differential
