// SPDX-License-Identifier: Apache-2.0
//
// Backends that come and go by their TOML, are wrong, late, or hang: what becomes of the others.
#include <signal.h>
#include <sys/stat.h>

#include <fstream>

#include "tests/host/node/daemon_fixture.hpp"

namespace knd::testing {
namespace {

using namespace std::chrono_literals;

class DropInTest : public DaemonTest {
  protected:
    void SetUp() override {
        NodeOptions options;
        options.backend_directory = "{dir}/backends";
        make_node(options);
        std::filesystem::create_directories(backends());
        std::filesystem::copy(KND_BINARY_DIR "/backends/knd-netdev.so", backends());
        const auto command = std::string("cc -std=c11 -shared -fPIC -fvisibility=hidden -I ") +
                             KND_SOURCE_DIR "/sdk/include -o " +
                             (backends() / "knd-hello.so").string() +
                             " " KND_SOURCE_DIR "/sdk/examples/c/hello.c";
        ASSERT_EQ(std::system(command.c_str()), 0);
    }
    std::filesystem::path backends() const { return node_->directory() / "backends"; }
    void restart_with(const std::string& toml) {
        if (node_->daemon_alive()) node_->kill_daemon(SIGTERM);
        node_->set_backends(toml);
        start();
    }
    bool publishes(const std::vector<std::string>& names) {
        return eventually([&] {
            auto published = node_->published();
            std::sort(published.begin(), published.end());
            return published == names;
        });
    }
    std::string reason(const std::string& backend) {
        const auto answer = node_->control("/backends");
        if (!answer) return answer.error().message();
        for (const auto& entry : json_at(*answer, "backends")) {
            if (json_string(entry, "name") == backend) return json_string(entry, "reason");
        }
        return "not listed";
    }

    static constexpr char kNetdev[] =
        "[[backend]]\nname = \"netdev\"\nlibrary = \"knd-netdev.so\"\n"
        "[backend.config]\nkinds = [\"veth\"]\ninterfaces = [\"nic*\"]\n";
    static constexpr char kHello[] = "[[backend]]\nname = \"hello\"\nlibrary = \"knd-hello.so\"\n";
};

TEST_F(DropInTest, AppearsWithItsTomlAndGoesWithIt) {
    restart_with(kNetdev);
    EXPECT_TRUE(publishes({"nic0"}));
    restart_with(std::string(kNetdev) + kHello);
    EXPECT_TRUE(publishes({"hello-0", "hello-1", "nic0"})) << reason("hello");
    restart_with(kNetdev);
    EXPECT_TRUE(publishes({"nic0"}));
}

TEST_F(DropInTest, NamesAnUnknownKeyOfABackend) {
    restart_with(std::string(kNetdev) + kHello + "[backend.config]\ncuont = 3\n");
    EXPECT_TRUE(publishes({"nic0"}));
    EXPECT_TRUE(has(reason("hello"), "cuont")) << reason("hello");
    EXPECT_TRUE(has(reason("hello"), "count")) << reason("hello");
}

TEST_F(DropInTest, ServesTheOthersWhenOneIsMissing) {
    restart_with(std::string(kNetdev) +
                 "[[backend]]\nname = \"gone\"\nlibrary = \"knd-gone.so\"\n");
    EXPECT_TRUE(publishes({"nic0"}));
    EXPECT_TRUE(has(reason("gone"), "knd-gone.so")) << reason("gone");
}

TEST_F(DropInTest, StartsABackendAgainWhoseHardwareIsNotThereYet) {
    const auto hardware = node_->directory() / "hardware";
    std::filesystem::copy(KND_BINARY_DIR "/bad_backends/bad-start-waits.so", backends());
    restart_with(std::string(kNetdev) +
                 "[[backend]]\nname = \"late\"\nlibrary = \"bad-start-waits.so\"\n"
                 "[backend.config]\nfile = \"" +
                 hardware.string() + "\"\n");
    EXPECT_TRUE(publishes({"nic0"}));
    EXPECT_TRUE(has(reason("late"), "not there yet")) << reason("late");
    std::ofstream(hardware) << "here";
    EXPECT_TRUE(publishes({"good-0", "nic0"})) << node_->daemon_log();
    EXPECT_EQ(reason("late"), "");
}

TEST_F(DropInTest, RefusesALibraryThatOthersMayWrite) {
    ::chmod((backends() / "knd-hello.so").c_str(), 0666);
    restart_with(std::string(kNetdev) + kHello);
    EXPECT_TRUE(publishes({"nic0"}));
    EXPECT_TRUE(has(reason("hello"), "writ")) << reason("hello");
}

TEST_F(DropInTest, SurvivesACrashInAConstructor) {
    std::ofstream(node_->directory() / "crash.c")
        << "__attribute__((constructor)) static void boom(void) { *(volatile int*)0 = 1; }\n";
    const auto command = "cc -shared -fPIC -o " + (backends() / "knd-crash.so").string() + " " +
                         (node_->directory() / "crash.c").string();
    ASSERT_EQ(std::system(command.c_str()), 0);
    restart_with(std::string(kNetdev) +
                 "[[backend]]\nname = \"crash\"\nlibrary = \"knd-crash.so\"\n");
    EXPECT_TRUE(publishes({"nic0"}));
    EXPECT_TRUE(has(reason("crash"), "crash")) << reason("crash");
}

TEST_F(DropInTest, SurvivesACopyOverALibraryThatRuns) {
    restart_with(std::string(kNetdev) + kHello);
    ASSERT_TRUE(publishes({"hello-0", "hello-1", "nic0"}));
    std::filesystem::resize_file(backends() / "knd-hello.so", 0);
    std::filesystem::resize_file(backends() / "knd-netdev.so", 0);
    const auto ref = claim("c1", "uid-p1");
    EXPECT_EQ(prepare_error(ref), "");
    EXPECT_TRUE(node_->unprepare(ref).ok());  // nic0 is listed again before it is free
    EXPECT_TRUE(eventually([&] { return has(reason("netdev"), "was replaced"); }));
    EXPECT_TRUE(node_->daemon_alive());
}

/// A backend that takes kndd with it.
class DeadlyBackendTest : public DropInTest {
  protected:
    void SetUp() override {
        DropInTest::SetUp();
        std::filesystem::copy(KND_BINARY_DIR "/bad_backends/bad-crashes.so", backends());
    }
    static std::string deadly(const std::string& where, const std::string& how) {
        return std::string(kNetdev) +
               "[[backend]]\nname = \"deadly\"\nlibrary = \"bad-crashes.so\"\n"
               "[backend.config]\nwhere = \"" +
               where + "\"\nhow = \"" + how + "\"\n";
    }
    std::int64_t crashes() {
        const auto answer = node_->control("/backends");
        if (!answer) return -1;
        for (const auto& entry : json_at(*answer, "backends"))
            if (json_string(entry, "name") == "deadly") return json_int(entry, "crashes", -1);
        return -1;
    }
    void dies_twice_in_prepare(const std::string& how) {
        restart_with(deadly("prepare", how));
        const auto boom = node_->make_claim("boom", {"good-0"}, "uid-p1");
        ASSERT_TRUE(boom.ok()) << boom.error().message();
        for (int i = 0; i < 2; ++i) {
            EXPECT_TRUE(publishes({"good-0", "nic0"}));
            // As the kubelet does: its connection to the last kndd is not made anew at once.
            std::string why;
            ASSERT_TRUE(eventually([&] {
                why = prepare_error(*boom);
                return node_->wait_dead(100ms);
            })) << why;
            EXPECT_NE(why, "");
            start();
        }
        EXPECT_EQ(crashes(), 2);
        std::string why;
        EXPECT_TRUE(eventually([&] {
            why = prepare_error(*boom);
            return has(why, "kndd died 2 times in calls for this claim");
        })) << why;
        EXPECT_TRUE(has(node_->daemon_log(), "kndd died in a call to a backend"));
        EXPECT_TRUE(event_says("boom", "BackendCrashed: backend deadly ended kndd"));
        EXPECT_EQ(prepare_error(claim("c1", "uid-p2")), "") << "others are served";
        EXPECT_TRUE(node_->daemon_alive());
    }
};

TEST_F(DeadlyBackendTest, KeepsOutAClaimThatCrashesItTwice) {
    dies_twice_in_prepare("segv");
}

TEST_F(DeadlyBackendTest, KeepsOutAClaimThatAbortsItTwice) {
    dies_twice_in_prepare("abort");
}

TEST_F(DeadlyBackendTest, KeepsOutAClaimThatEndsItTwice) {
    dies_twice_in_prepare("exit");
}

TEST_F(DeadlyBackendTest, KeepsOutAClaimThatEndsItTwiceWithoutAWord) {
    dies_twice_in_prepare("_exit");
}

TEST_F(DeadlyBackendTest, KeepsOutABackendThatCrashesItInList) {
    node_->set_backends(deadly("list", "segv"));
    for (int i = 0; i < 3; ++i) {
        ASSERT_TRUE(node_->start_daemon().ok());
        ASSERT_TRUE(node_->wait_dead(10s)) << i;
    }
    start();
    EXPECT_TRUE(publishes({"nic0"})) << node_->daemon_log();
    EXPECT_TRUE(has(reason("deadly"), "kndd died 3 times")) << reason("deadly");
    EXPECT_TRUE(has(reason("deadly"), "it is tried again at")) << reason("deadly");
    EXPECT_EQ(prepare_error(claim("c1", "uid-p1")), "");
}

TEST_F(DeadlyBackendTest, HoldsNoKillAgainstABackend) {
    restart_with(deadly("prepare", "kill"));
    const auto boom = node_->make_claim("boom", {"good-0"}, "uid-p1");
    ASSERT_TRUE(boom.ok()) << boom.error().message();
    EXPECT_NE(prepare_error(*boom), "");
    ASSERT_TRUE(node_->wait_dead(10s));
    start();
    EXPECT_TRUE(eventually([&] { return crashes() == 0; })) << crashes();
}

TEST_F(DropInTest, ServesOthersWhileABackendIsStillStarting) {
    const auto blocker = node_->directory() / "blocker";
    std::ofstream(blocker) << "x";
    std::filesystem::copy(KND_BINARY_DIR "/bad_backends/bad-start-blocks.so", backends());
    node_->set_backends(std::string(kNetdev) +
                        "[[backend]]\nname = \"slow\"\nlibrary = \"bad-start-blocks.so\"\n"
                        "[backend.config]\nfile = \"" +
                        blocker.string() + "\"\n");
    ASSERT_TRUE(node_->start_daemon().ok());
    // Slices wait for it; the kubelet and pods do not.
    TestPod pod(*node_, "p1");
    const auto ref = claim("c1", pod.sandbox().uid);
    ASSERT_TRUE(eventually([&] { return prepare_error(ref).empty(); })) << prepare_error(ref);
    EXPECT_TRUE(publishes({}));
    ASSERT_TRUE(node_->run_pod(pod.sandbox()).ok());
    EXPECT_EQ(gate(pod, ref).exit_code, 0);
    EXPECT_TRUE(in_pod(pod));
    node_->stop_pod(pod.sandbox());
    std::filesystem::remove(blocker);
    EXPECT_TRUE(publishes({"good-0", "nic0"})) << node_->daemon_log();
}

/// A backend whose list does not return as long as there is a file.
class StuckBackendTest : public DaemonTest {
  protected:
    void SetUp() override {
        NodeOptions options;
        options.backend_directory = KND_BINARY_DIR "/bad_backends";
        options.backends =
            "[[backend]]\nname = \"slow\"\nlibrary = \"bad-list-waits.so\"\n"
            "[backend.config]\nfile = \"{dir}/blocker\"\n";
        make_node(options);
        start();
    }
    bool offers(const std::vector<std::string>& devices) {
        return eventually([&] { return node_->published() == devices; }, 20s);
    }
};

TEST_F(StuckBackendTest, OffersItsDevicesAgainWhenItAnswers) {
    ASSERT_TRUE(offers({"good-0"}));
    const auto made = node_->make_claim("c1", {"good-0"}, "uid-p1");
    ASSERT_TRUE(made.ok()) << made.error().message();
    ASSERT_EQ(prepare_error(*made), "");
    const auto blocker = node_->directory() / "blocker";
    std::ofstream(blocker) << "x";
    // The backend is asked for its list again before the device is free.
    ASSERT_TRUE(node_->unprepare(*made).ok());
    EXPECT_TRUE(offers({}));
    EXPECT_TRUE(has(node_->daemon_log(), "stuck in list, which does not return"));
    std::filesystem::remove(blocker);
    EXPECT_TRUE(offers({"good-0"})) << node_->daemon_log();
    EXPECT_TRUE(node_->daemon_alive());
}

}  // namespace
}  // namespace knd::testing
