// SPDX-License-Identifier: Apache-2.0
//
// knd-gate as the runtime runs it: the real program, the state on stdin, markers on disk.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <spawn.h>
#include <sys/wait.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <thread>

#include "host/sandbox/markers.hpp"
#include "tools/gate/oci_state.h"

#include <knd/cpp/fd.hpp>

namespace knd {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::StartsWith;
using Clock = std::chrono::steady_clock;

constexpr const char* kState =
    R"({"ociVersion":"1.0.2","id":"c1","status":"creating","pid":7,"bundle":"/b","annotations":)"
    R"({"io.kubernetes.cri.container-name":"c",)"
    R"("io.kubernetes.cri.sandbox-id":"25c029e1a57b0001"}})";

class GateProgram : public testing::Test {
  protected:
    struct Outcome {
        int status = -1;
        std::string message;
        milliseconds took{0};
    };

    static void SetUpTestSuite() { ::signal(SIGPIPE, SIG_IGN); }
    void SetUp() override {
        run_dir_ = testing::TempDir() + "knd-gate-XXXXXX";
        ASSERT_NE(::mkdtemp(run_dir_.data()), nullptr);
    }
    void TearDown() override { fs::remove_all(run_dir_); }

    std::vector<std::string> arguments(const std::string& timeout_ms = "2000") const {
        return {"knd-gate", "--run-dir",        run_dir_,       "--claim", "uid-1",
                "--name",   "default/my-claim", "--timeout-ms", timeout_ms};
    }

    /// `close_stdin` false: a runtime that writes but never ends.
    static Outcome run(std::vector<std::string> words, const std::string& state = kState,
                       bool close_stdin = true) {
        Fd in[2];
        Fd err[2];
        make_pipe(in);
        make_pipe(err);
        posix_spawn_file_actions_t actions;
        ::posix_spawn_file_actions_init(&actions);
        ::posix_spawn_file_actions_adddup2(&actions, in[0].get(), 0);
        ::posix_spawn_file_actions_adddup2(&actions, err[1].get(), 2);
        std::vector<char*> argv;
        for (auto& word : words)
            argv.push_back(word.data());
        argv.push_back(nullptr);
        const auto started = Clock::now();
        pid_t pid = 0;
        EXPECT_EQ(::posix_spawn(&pid, KND_GATE_PATH, &actions, nullptr, argv.data(), nullptr), 0);
        ::posix_spawn_file_actions_destroy(&actions);
        in[0].reset();
        err[1].reset();
        // A gate that refuses its arguments ends without reading.
        const auto written = ::write(in[1].get(), state.data(), state.size());
        EXPECT_TRUE(written == static_cast<ssize_t>(state.size()) || errno == EPIPE);
        if (close_stdin) in[1].reset();
        Outcome outcome;
        char buffer[4096];
        for (ssize_t size = 0; (size = ::read(err[0].get(), buffer, sizeof buffer)) > 0;) {
            outcome.message.append(buffer, static_cast<std::size_t>(size));
        }
        int status = 0;
        EXPECT_EQ(::waitpid(pid, &status, 0), pid);
        outcome.status = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
        outcome.took = std::chrono::duration_cast<milliseconds>(Clock::now() - started);
        return outcome;
    }

    std::string run_dir_;

  private:
    static void make_pipe(Fd (&ends)[2]) {
        int fds[2];
        ASSERT_EQ(::pipe2(fds, O_CLOEXEC), 0);
        ends[0] = Fd(fds[0]);
        ends[1] = Fd(fds[1]);
    }
};

TEST_F(GateProgram, LetsTheContainerStartWhenTheMarkerIsThere) {
    ASSERT_TRUE(Markers(run_dir_).attached("25c029e1a57b0001", "uid-1").ok());
    const auto outcome = run(arguments());
    EXPECT_EQ(outcome.status, 0);
    EXPECT_EQ(outcome.message, "");
    EXPECT_LT(outcome.took, milliseconds(1000));
}

TEST_F(GateProgram, WaitsForTheMarker) {
    std::thread later([&] {
        std::this_thread::sleep_for(milliseconds(150));
        EXPECT_TRUE(Markers(run_dir_).attached("25c029e1a57b0001", "uid-1").ok());
    });
    const auto outcome = run(arguments("20000"));
    later.join();
    EXPECT_EQ(outcome.status, 0);
    EXPECT_GE(outcome.took, milliseconds(150));
}

TEST_F(GateProgram, RefusesWhenTheTimeIsUp) {
    const auto outcome = run(arguments("300"));
    EXPECT_EQ(outcome.status, 1);
    EXPECT_EQ(outcome.message,
              "knd-gate: network of claim default/my-claim is not attached after 0.3 s (sandbox "
              "25c029e1a57b): see the events of the pod, and whether kndd runs on this node\n");
    EXPECT_GE(outcome.took, milliseconds(300));
}

TEST_F(GateProgram, RefusesAtOnceWhenTheAttachFailed) {
    ASSERT_TRUE(Markers(run_dir_)
                    .failed("25c029e1a57b0001", "uid-1", "device eth1 is gone from the host")
                    .ok());
    const auto outcome = run(arguments("60000"));
    EXPECT_EQ(outcome.status, 1);
    EXPECT_EQ(outcome.message,
              "knd-gate: network of claim default/my-claim: device eth1 is gone from the host\n");
    EXPECT_LT(outcome.took, milliseconds(5000));
}

TEST_F(GateProgram, LooksAtItsOwnSandboxAndClaimAlone) {
    const Markers markers(run_dir_);
    ASSERT_TRUE(markers.attached("25c029e1a57b0001", "uid-2").ok());
    ASSERT_TRUE(markers.attached("another", "uid-1").ok());
    EXPECT_EQ(run(arguments("100")).status, 1);
}

TEST_F(GateProgram, TellsThatTheRuntimeNamesNoSandbox) {
    for (const char* state : {"", "{}", "[]", R"({"annotations":{}})", "garbage",
                              R"({"annotations":{"io.kubernetes.cri.sandbox-id":"../../etc"}})"}) {
        const auto outcome = run(arguments(), state);
        EXPECT_EQ(outcome.status, 1) << state;
        EXPECT_THAT(outcome.message,
                    StartsWith("knd-gate: the container runtime does not tell the"));
    }
}

TEST_F(GateProgram, DoesNotOutliveItsTimeWhenStdinStaysOpen) {
    const auto outcome = run(arguments("200"), "{", false);
    EXPECT_EQ(outcome.status, 1);
    EXPECT_LT(outcome.took, milliseconds(5000));
}

TEST_F(GateProgram, RefusesToRunWithoutKnowingForWhat) {
    EXPECT_THAT(run({"knd-gate"}).message, HasSubstr("usage: "));
    EXPECT_THAT(run(arguments("0")).message, HasSubstr("usage: "));
    EXPECT_THAT(run(arguments("999999999999999999999")).message, HasSubstr("usage: "));
    EXPECT_THAT(run(arguments("-1")).message, HasSubstr("usage: "));
    auto words = arguments();
    words[4] = "../uid";
    EXPECT_EQ(run(words).status, 1);
    words = arguments();
    words[1] = "--unknown";
    EXPECT_EQ(run(words).status, 1);
}

TEST_F(GateProgram, IsTensOfKilobytes) {
    EXPECT_LT(fs::file_size(KND_GATE_PATH), 64u << 10);
}

std::string sandbox_id_in(const std::string& text, std::size_t chunk) {
    oci_state state{};
    for (std::size_t at = 0; at < text.size(); at += chunk) {
        const auto size = std::min(chunk, text.size() - at);
        oci_state_feed(&state, text.data() + at, static_cast<long>(size));
    }
    return state.sandbox_id;
}

TEST(OciState, NamesTheSandboxHoweverItIsCut) {
    for (std::size_t chunk = 1; chunk < 40; ++chunk) {
        EXPECT_EQ(sandbox_id_in(kState, chunk), "25c029e1a57b0001");
    }
}

TEST(OciState, KnowsCriOsAnnotation) {
    EXPECT_EQ(
        sandbox_id_in(R"({ "annotations" : { "io.kubernetes.cri-o.SandboxID" : "abc" } })", 7),
        "abc");
}

TEST(OciState, IsNotFooledByTextThatLooksLikeTheAnnotation) {
    EXPECT_EQ(sandbox_id_in(R"({"annotations":{"note":"\"io.kubernetes.cri.sandbox-id\":\"evil\"",)"
                            R"("nested":{"io.kubernetes.cri.sandbox-id":"evil"},)"
                            R"("io.kubernetes.cri.sandbox-id":"good"},)"
                            R"("io.kubernetes.cri.sandbox-id":"evil"})",
                            5),
              "good");
    EXPECT_EQ(sandbox_id_in(R"({"other":{"io.kubernetes.cri.sandbox-id":"evil"}})", 5), "");
    EXPECT_EQ(sandbox_id_in(R"({"annotations":{"x":["io.kubernetes.cri.sandbox-id","evil"]}})", 5),
              "");
}

TEST(OciState, TakesNoIdThatIsTooLong) {
    const std::string id(KND_SANDBOX_ID_MAX + 1, 'a');
    EXPECT_EQ(sandbox_id_in(R"({"annotations":{"io.kubernetes.cri.sandbox-id":")" + id + "\"}}", 9),
              "");
}

}  // namespace
}  // namespace knd
