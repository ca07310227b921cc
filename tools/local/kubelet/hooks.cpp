// SPDX-License-Identifier: Apache-2.0
#include "tools/local/kubelet/hooks.hpp"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <utility>

#include "tools/local/support/process.hpp"

namespace knd::local {
namespace {

/// Longer output of a hook is cut: it ends up in an error message.
constexpr std::size_t kOutputLimit = 4096;

/// What a hook writes to one of its streams.
class Output : public std::enable_shared_from_this<Output> {
  public:
    Output(boost::asio::io_context& io, Fd fd) : descriptor_(io, fd.release()) {}
    const std::string& text() const { return text_; }
    bool ended() const { return ended_; }

    void read(std::function<void()> at_end) {
        at_end_ = std::move(at_end);
        next();
    }
    void stop() {
        at_end_ = nullptr;
        boost::system::error_code ignored;
        descriptor_.close(ignored);
    }

  private:
    void next() {
        descriptor_.async_read_some(
            boost::asio::buffer(buffer_),
            [self = shared_from_this()](const boost::system::error_code& error, std::size_t count) {
                self->text_.append(self->buffer_.data(), count);
                if (self->text_.size() > kOutputLimit) self->text_.resize(kOutputLimit);
                if (!error) return self->next();
                self->ended_ = true;
                // Taken out first: what it does may call stop().
                if (const auto at_end = std::exchange(self->at_end_, nullptr)) at_end();
            });
    }

    boost::asio::posix::stream_descriptor descriptor_;
    std::array<char, 1024> buffer_{};
    std::string text_;
    std::function<void()> at_end_;
    bool ended_ = false;
};

struct Pipe {
    Fd out, in;
    static Result<Pipe> make() {
        int fds[2];
        if (pipe2(fds, O_CLOEXEC) != 0) return Error::from_errno("pipe", errno);
        return Pipe{Fd(fds[0]), Fd(fds[1])};
    }
};

/// A chain of hooks under way. Keeps itself alive until `done` is called.
class HookRun : public std::enable_shared_from_this<HookRun> {
  public:
    HookRun(boost::asio::io_context& io, std::vector<Hook> hooks, HookContext context, Done<> done)
        : io_(io),
          timer_(io),
          hooks_(std::move(hooks)),
          context_(std::move(context)),
          done_(std::move(done)) {}

    void next() {
        if (index_ == hooks_.size()) return std::exchange(done_, nullptr)({});
        exit_.reset();
        timed_out_ = false;
        if (auto started = start(hooks_[index_]); !started.ok())
            finish("error running hook #" + std::to_string(index_) + ": fork/exec " +
                   hooks_[index_].path + ": " + reason(started.error()));
    }

  private:
    static std::string reason(const Error& error) {
        if (error.os_error() == ENOENT) return "no such file or directory";
        if (error.os_error() == EACCES) return "permission denied";
        return error.message();
    }

    Result<> start(const Hook& hook) {
        KND_TRY_ASSIGN(Pipe input, Pipe::make());
        KND_TRY_ASSIGN(Pipe output, Pipe::make());
        KND_TRY_ASSIGN(Pipe errors, Pipe::make());
        SpawnOptions options;
        // As in OCI: args[0] is the program's name for itself, not an argument.
        options.argv = hook.args.empty() ? std::vector<std::string>{hook.path} : hook.args;
        options.program = hook.path;
        options.env = hook.env;
        options.directory = context_.bundle;
        options.netns = context_.netns;
        options.input = std::move(input.out);
        options.output = std::move(output.in);
        options.errors = std::move(errors.in);
        KND_TRY_ASSIGN(Child child, spawn(options));
        // The state is far smaller than a pipe's buffer (64 KiB), so this does not block. A hook
        // that has ended without reading gives EPIPE, which is its own affair.
        if (write(input.in.get(), context_.state.data(), context_.state.size()) < 0)
            input.in.reset();
        process_ = child.id;
        watch(std::move(child), std::move(output.out), std::move(errors.out), hook.timeout_s);
        return {};
    }

    void watch(Child child, Fd output, Fd errors, int timeout_s) {
        const auto self = shared_from_this();
        output_ = std::make_shared<Output>(io_, std::move(output));
        errors_ = std::make_shared<Output>(io_, std::move(errors));
        exit_watch_ = std::make_unique<ExitWatch>(io_, std::move(child.pidfd), [self](Exit exit) {
            self->exit_ = exit;
            self->check();
        });
        output_->read([self] { self->check(); });
        errors_->read([self] { self->check(); });
        if (timeout_s <= 0) return;
        timer_.expires_after(std::chrono::seconds(timeout_s));
        timer_.async_wait([self](const boost::system::error_code& error) {
            if (error) return;
            self->timed_out_ = true;
            self->process_.signal(SIGKILL);
        });
    }

    /// A hook is over when it has exited and both streams have ended; children that it left behind
    /// with an open stream do not count when it was killed.
    void check() {
        if (!exit_) return;
        if (!timed_out_ && !(output_->ended() && errors_->ended())) return;
        timer_.cancel();
        output_->stop();
        errors_->stop();
        const auto prefix = "error running hook #" + std::to_string(index_) + ": ";
        if (timed_out_) {
            const auto limit = std::to_string(hooks_[index_].timeout_s);
            return finish(prefix + "hook ran past specified timeout of " + limit + ".0s");
        }
        if (exit_->code != 0)
            return finish(prefix + "error running hook: " + exit_->text() +
                          ", stdout: " + output_->text() + ", stderr: " + errors_->text());
        ++index_;
        next();
    }

    void finish(std::string message) {
        while (!message.empty() && message.back() == '\n')
            message.pop_back();
        if (done_) std::exchange(done_, nullptr)(Error(Code::kUnknown, std::move(message)));
    }

    boost::asio::io_context& io_;
    boost::asio::steady_timer timer_;
    std::vector<Hook> hooks_;
    HookContext context_;
    Done<> done_;
    std::size_t index_ = 0;
    ProcessId process_;
    std::unique_ptr<ExitWatch> exit_watch_;
    std::shared_ptr<Output> output_, errors_;  // shared with the reads that are under way
    std::optional<Exit> exit_;
    bool timed_out_ = false;
};

}  // namespace

void run_hooks(boost::asio::io_context& io, std::vector<Hook> hooks, HookContext context,
               Done<> done) {
    std::make_shared<HookRun>(io, std::move(hooks), std::move(context), std::move(done))->next();
}

}  // namespace knd::local
