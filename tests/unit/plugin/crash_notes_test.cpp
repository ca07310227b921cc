// SPDX-License-Identifier: Apache-2.0
//
// What the next process knows about the death of the last one: each test has a child that dies.
#include "host/plugin/crash_notes.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>

#include "host/plugin/private_copy.hpp"
#include "tests/unit/plugin/plugin_fixture.hpp"

namespace knd::plugin {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class CrashNotesTest : public ::testing::Test {
  protected:
    CrashNotesTest() {
        char name[] = "/tmp/knd-crash-XXXXXX";
        directory = ::mkdtemp(name);
    }
    ~CrashNotesTest() override { std::filesystem::remove_all(directory); }

    /// Runs in a child, as the daemon would.
    void in_child(const std::function<void()>& work) {
        std::fflush(nullptr);
        const pid_t child = ::fork();
        ASSERT_GE(child, 0);
        if (child == 0) {
            // What a sanitizer says about the crash is no news.
            ::dup2(Fd(::open("/dev/null", O_WRONLY | O_CLOEXEC)).get(), STDERR_FILENO);
            install_crash_handlers();
            work();
            ::_exit(0);
        }
        int status = 0;
        while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
        }
    }
    void die_in_call(const std::function<void()>& how) {
        in_child([&] {
            const auto notes = *CrashNotes::open(directory);
            const Call call("nic-7", "prepare", "vf3", Call::Deadline::max(), {"uid-1", "a/b"});
            const CrashNotes::Scope scope(notes.get(), "nic", call);
            how();
        });
    }
    std::vector<CrashNote> found() {
        const auto notes = CrashNotes::open(directory);
        EXPECT_TRUE(notes.ok()) << message_of(notes);
        return notes ? (*notes)->crashes() : std::vector<CrashNote>();
    }

    std::string directory;
};

TEST_F(CrashNotesTest, TellTheCallThatCrashed) {
    die_in_call([] { ::raise(SIGSEGV); });
    const auto crashes = found();
    ASSERT_EQ(crashes.size(), 1u);
    EXPECT_EQ(crashes[0].instance, "nic");
    EXPECT_EQ(crashes[0].claim_uid, "uid-1");
    EXPECT_EQ(crashes[0].signal, SIGSEGV);
    EXPECT_EQ(crashes[0].text(), "SIGSEGV in prepare of device vf3 for claim a/b");
    EXPECT_TRUE(found().empty()) << "it is told once";
}

TEST_F(CrashNotesTest, TellOfAnAbort) {
    die_in_call([] { std::abort(); });
    const auto crashes = found();
    ASSERT_EQ(crashes.size(), 1u);
    EXPECT_EQ(crashes[0].signal, SIGABRT);
}

TEST_F(CrashNotesTest, TellOfALibraryThatExits) {
    die_in_call([] { std::exit(0); });
    const auto crashes = found();
    ASSERT_EQ(crashes.size(), 1u);
    EXPECT_THAT(crashes[0].text(), StartsWith("an exit by the library in prepare"));
}

TEST_F(CrashNotesTest, TellNothingOfWhoWasKilled) {
    die_in_call([] { ::kill(::getpid(), SIGKILL); });
    EXPECT_TRUE(found().empty());
}

TEST_F(CrashNotesTest, TellNothingOfASignalFromOutside) {
    const pid_t parent = ::getpid();
    die_in_call([parent] {
        const pid_t victim = ::getpid();
        const pid_t other = ::fork();
        if (other == 0) {
            ::kill(victim, SIGABRT);
            ::_exit(0);
        }
        EXPECT_NE(parent, victim);
        for (;;)
            ::pause();
    });
    EXPECT_TRUE(found().empty());
}

TEST_F(CrashNotesTest, TellNothingOfACallThatHasComeBack) {
    in_child([&] {
        const auto notes = *CrashNotes::open(directory);
        {
            const Call call("nic-7", "list", "", Call::Deadline::max());
            const CrashNotes::Scope scope(notes.get(), "nic", call);
        }
        ::raise(SIGSEGV);
    });
    EXPECT_TRUE(found().empty());
}

TEST_F(CrashNotesTest, CutNamesThatAreTooLong) {
    in_child([&] {
        const auto notes = *CrashNotes::open(directory);
        const Call call("x", std::string(500, 'o'), std::string(500, 'd'), Call::Deadline::max(),
                        {std::string(500, 'u'), std::string(500, 'c')});
        const CrashNotes::Scope scope(notes.get(), std::string(500, 'i'), call);
        ::raise(SIGSEGV);
    });
    const auto crashes = found();
    ASSERT_EQ(crashes.size(), 1u);
    EXPECT_EQ(crashes[0].instance, std::string(63, 'i'));
    EXPECT_EQ(crashes[0].claim, std::string(319, 'c'));
}

TEST_F(CrashNotesTest, BelongToOneProcess) {
    const auto first = CrashNotes::open(directory);
    ASSERT_TRUE(first.ok());
    in_child([&] {
        const auto second = CrashNotes::open(directory);
        std::ofstream(directory + "/answer") << code_name(second.code());
    });
    std::string answer;
    std::ifstream(directory + "/answer") >> answer;
    EXPECT_EQ(answer, "UNAVAILABLE");
}

TEST_F(CrashNotesTest, AreReadWhileAChildOfTheDeadProcessLives) {
    die_in_call([] {
        if (::fork() == 0) {
            ::sleep(2);
            ::_exit(0);
        }
        ::raise(SIGSEGV);
    });
    EXPECT_EQ(found().size(), 1u);
}

TEST_F(CrashNotesTest, SurviveAFileOfAnotherKind) {
    std::ofstream(directory + "/backend-calls") << std::string(100'000, '\x02');
    EXPECT_TRUE(found().empty());
}

TEST_F(CrashNotesTest, GoOnWhenThereIsNoSlotLeft) {
    const auto notes = *CrashNotes::open(directory);
    const Call call("nic-7", "list", "", Call::Deadline::max());
    std::vector<std::unique_ptr<CrashNotes::Scope>> scopes;
    for (int i = 0; i < 200; ++i)
        scopes.push_back(std::make_unique<CrashNotes::Scope>(notes.get(), "nic", call));
    while (!scopes.empty())
        scopes.pop_back();
    const CrashNotes::Scope none(nullptr, "nic", call);
}

// --- and what an instance makes of it ---

class DeadlyBackendTest : public CrashNotesTest {
  protected:
    void set_up(PluginFixture& host) const {
        host.options.run_directory = directory;
        host.options.probe = false;
    }
    static Result<Effects> prepare(PluginFixture& host, Backend& backend, const std::string& uid) {
        return host.wait<Effects>([&](Done<Effects> done) {
            backend.prepare({.binding = {{uid, "good-0"}, "default/" + uid, ""}},
                            std::chrono::steady_clock::now() + std::chrono::seconds(5),
                            std::move(done));
        });
    }
    void die(const std::string& where, const std::string& how, const std::string& uid = "boom") {
        in_child([&] {
            PluginFixture host;
            set_up(host);
            auto& backend = host.load("bad-crashes.so", {{"where", where}, {"how", how}});
            if (!host.start(backend).ok()) ::_exit(1);
            if (where == "list") static_cast<void>(host.list(backend));
            if (where == "prepare") static_cast<void>(prepare(host, backend, uid));
        });
    }
};

TEST_F(DeadlyBackendTest, IsNamedByTheNextStart) {
    die("prepare", "segv");
    PluginFixture host;
    set_up(host);
    auto& backend = host.run("bad-crashes.so");
    ASSERT_EQ(host.registry->crashes().size(), 1u);
    EXPECT_EQ(host.registry->crashes()[0].text(),
              "SIGSEGV in prepare of device good-0 for claim default/boom");
    EXPECT_EQ(backend.info().crashes, 1u);
    EXPECT_THAT(backend.info().last_crash, StartsWith("SIGSEGV in prepare of device good-0"));
    EXPECT_TRUE(prepare(host, backend, "boom").ok()) << "once is no habit";
}

TEST_F(DeadlyBackendTest, DoesNotServeTheClaimThatKilledTwice) {
    die("prepare", "segv");
    die("prepare", "abort");
    PluginFixture host;
    set_up(host);
    auto& backend = host.run("bad-crashes.so", {{"where", "prepare"}, {"how", "segv"}});
    const auto prepared = prepare(host, backend, "boom");
    EXPECT_EQ(prepared.code(), Code::kUnavailable);
    EXPECT_THAT(message_of(prepared),
                StartsWith("backend bad: does not serve this claim, because kndd died 2 times in "
                           "calls for this claim, the last time of SIGABRT in prepare of device "
                           "good-0 for claim default/boom at 2"));
    EXPECT_THAT(message_of(prepared), HasSubstr("; it is tried again at 2"));
    EXPECT_TRUE(prepare(host, backend, "other").ok());
    EXPECT_TRUE(host.list(backend).ok());
    const auto unprepared = host.wait<void>([&](Done<> done) {
        backend.unprepare({{"boom", "good-0"}, "default/boom", ""}, Backend::Deadline::max(),
                          std::move(done));
    });
    EXPECT_TRUE(unprepared.ok()) << "ends are served always";
}

TEST_F(DeadlyBackendTest, TriesTheClaimAgainAfterThePause) {
    die("prepare", "segv");
    die("prepare", "exit");
    {
        PluginFixture host;
        set_up(host);
        host.options.deaths.first_pause = std::chrono::milliseconds(1);
        auto& backend = host.run("bad-crashes.so");
        host.run_for(std::chrono::milliseconds(20));
        EXPECT_TRUE(prepare(host, backend, "boom").ok());
    }
    die("prepare", "segv");
    PluginFixture host;
    set_up(host);
    auto& backend = host.run("bad-crashes.so");
    EXPECT_TRUE(prepare(host, backend, "boom").ok()) << "what worked has cleared its count";
    EXPECT_EQ(backend.info().crashes, 3u);
}

TEST_F(DeadlyBackendTest, IsKeptOutAfterThreeDeathsInList) {
    for (int i = 0; i < 3; ++i)
        die("list", "segv");
    PluginFixture host;
    set_up(host);
    host.options.deaths.first_pause = std::chrono::milliseconds(60'000);
    auto& backend = host.run("bad-crashes.so", {{"where", "list"}, {"how", "segv"}});
    EXPECT_EQ(backend.info().state, BackendState::kFailed);
    EXPECT_THAT(backend.info().reason,
                StartsWith("out of service after kndd died 3 times in calls to this backend, the "
                           "last time of SIGSEGV in list at 2"));
    EXPECT_THAT(backend.info().reason, HasSubstr("; it is tried again at 2"));
    EXPECT_EQ(host.list(backend).code(), Code::kUnavailable);
    EXPECT_TRUE(host.unprepare(backend).ok()) << "ends are served always";
}

TEST_F(DeadlyBackendTest, ComesBackAfterThePause) {
    for (int i = 0; i < 3; ++i)
        die("list", "segv");
    PluginFixture host;
    set_up(host);
    host.options.deaths.first_pause = std::chrono::milliseconds(60'000);
    {
        PluginFixture first;  // takes the last death into the book
        set_up(first);
        first.options.deaths.first_pause = std::chrono::milliseconds(300);
        auto& backend = first.run("bad-crashes.so");
        EXPECT_EQ(backend.info().state, BackendState::kFailed);
        first.run_for(std::chrono::milliseconds(500));
        EXPECT_EQ(backend.info().state, BackendState::kRunning);
        EXPECT_EQ(backend.info().reason, "");
        EXPECT_TRUE(first.list(backend).ok());
    }
    EXPECT_EQ(host.run("bad-crashes.so").info().state, BackendState::kRunning);
}

TEST_F(DeadlyBackendTest, IsNotEvenStartedAfterThreeDeathsInStart) {
    for (int i = 0; i < 3; ++i)
        die("start", "segv");
    PluginFixture host;
    set_up(host);
    auto& backend = host.load("bad-crashes.so", {{"where", "start"}, {"how", "segv"}});
    const auto started = host.start(backend);
    EXPECT_EQ(started.code(), Code::kUnavailable) << "so that the keeper tries it again";
    EXPECT_THAT(message_of(started), StartsWith("backend bad: not running: kndd died 3 times"));
}

TEST_F(DeadlyBackendTest, IsNotEvenMadeAfterThreeDeathsInCreateAndTriedAgainLater) {
    {
        DeathBook::Options options;
        options.first_pause = std::chrono::milliseconds(1000);
        DeathBook book(directory + "/backend-deaths.json", options);
        const auto sum = copy_library(KND_BAD_BACKENDS "/bad-crashes.so")->sha256;
        const auto now = std::chrono::system_clock::now().time_since_epoch();
        for (int i = 0; i < 3; ++i)
            book.add({"bad", "create", "", "", "", SIGSEGV}, sum,
                     now / std::chrono::milliseconds(1));
    }
    PluginFixture host;
    set_up(host);
    auto& backend = host.load("bad-crashes.so");
    EXPECT_EQ(backend.info().state, BackendState::kFailed);
    EXPECT_EQ(host.start(backend).code(), Code::kUnavailable);
    EXPECT_EQ(host.unprepare(backend).code(), Code::kUnavailable);
    host.run_for(std::chrono::milliseconds(1200));
    EXPECT_TRUE(host.start(backend).ok());
    EXPECT_EQ(backend.info().state, BackendState::kRunning);
}

TEST_F(DeadlyBackendTest, IsInnocentOfAKill) {
    for (int i = 0; i < 3; ++i)
        die("prepare", "kill");
    PluginFixture host;
    set_up(host);
    auto& backend = host.run("bad-crashes.so");
    EXPECT_EQ(backend.info().crashes, 0u);
    EXPECT_TRUE(prepare(host, backend, "boom").ok());
}

}  // namespace
}  // namespace knd::plugin
