// SPDX-License-Identifier: Apache-2.0
//
// Killing a container whose runtime, as CRI-O, does not say which process it is.
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <utility>

#include "host/sandbox/container_process.hpp"
#include "tests/host/sandbox/namespaces.hpp"

namespace knd {
namespace {

namespace fs = std::filesystem;

/// A process in the test's network namespace, in a cgroup that is named after the container.
class ContainerProcessTest : public NamespaceTest {
  protected:
    void SetUp() override {
        NamespaceTest::SetUp();
        if (IsSkipped()) return;
        container_.id = "knd-test-" + std::to_string(::getpid());
        const fs::path all = "/sys/fs/cgroup";
        cgroup_ = (fs::exists(all / "pids") ? all / "pids" : all) / container_.id;
        std::error_code error;
        fs::create_directory(cgroup_, error);
        if (error)
            GTEST_SKIP() << "no cgroup can be made at " << cgroup_ << ": " << error.message();
        process_ = ::fork();
        ASSERT_GE(process_, 0);
        if (process_ == 0) {
            for (;;)
                ::pause();
        }
        std::ofstream(cgroup_ / "cgroup.procs") << process_ << std::flush;
        netns_id_ = *netns::identity(netns::open_of(process_)->get());
    }

    void TearDown() override {
        if (process_ > 0) {
            ::kill(process_, SIGKILL);
            ::waitpid(process_, nullptr, 0);
        }
        if (!cgroup_.empty()) ::rmdir(cgroup_.c_str());
    }

    Container container_;
    fs::path cgroup_;
    pid_t process_ = -1;
    std::string netns_id_;
};

TEST_F(ContainerProcessTest, KillsTheProcessWhoseCgroupBearsTheId) {
    ASSERT_OK(kill_container(container_, netns_id_));
    int status = 0;
    ASSERT_GT(::waitpid(std::exchange(process_, -1), &status, 0), 0);
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

TEST_F(ContainerProcessTest, SparesAProcessOfAnotherNetworkNamespace) {
    const auto killed = kill_container(container_, "4:1");
    EXPECT_THAT(killed.error().message(), testing::HasSubstr("no process of it is in the pod's"));
    EXPECT_EQ(::waitpid(process_, nullptr, WNOHANG), 0);
}

TEST_F(ContainerProcessTest, KillsNothingWithoutAnId) {
    EXPECT_FALSE(kill_container(Container(), netns_id_).ok());
    EXPECT_EQ(::waitpid(process_, nullptr, WNOHANG), 0);
}

}  // namespace
}  // namespace knd
