// SPDX-License-Identifier: Apache-2.0
//
// Pods here use the host's network, so that no namespace has to be entered and no root is needed.
#include "host/model/text_file.hpp"
#include "tools/local/kubelet/node_runtime.hpp"
#include "tools/local/support/container_root.hpp"
#include "tools/local/support/rlimits.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <optional>

#include "kubelet_support.hpp"

namespace knd::local {
namespace {

using testing::HasSubstr;
using std::chrono_literals::operator""s;

class NoNetwork final : public PodNetwork {
  public:
    std::string error;
    std::vector<std::string> removed;
    Result<Attachment> add(const std::string& sandbox) override {
        if (!error.empty()) return Error(Code::kUnknown, error);
        return Attachment{"/run/netns/" + sandbox, "10.244.1.2"};
    }
    Result<> remove(const std::string& sandbox, const std::string&) override {
        removed.push_back(sandbox);
        return {};
    }
    bool adopt(const std::string&, const std::string&) override { return !gone; }
    bool gone = false;
};

class NodeRuntimeTest : public testing::Test {
  protected:
    void SetUp() override { open(); }
    void TearDown() override {
        if (!runtime_) return;
        for (const auto& sandbox : runtime_->sandboxes()) {
            for (const auto& container : sandbox.containers)
                end_process(container.process, 1s);
        }
    }
    void open() {
        NodeRuntimeOptions options;
        options.sandboxes = directory_ / "sandboxes";
        options.cdi = directory_ / "cdi";
        options.nri.socket_path = directory_ / "nri.sock";
        std::filesystem::create_directories(options.cdi);
        auto opened = NodeRuntime::open(io_, options, network_);
        ASSERT_TRUE(opened.ok()) << opened.error().message();
        runtime_ = *std::move(opened);
    }
    template <class T, class Start>
    Result<T> wait(Start start) {
        std::optional<Result<T>> answer;
        start([&](Result<T> result) { answer = std::move(result); });
        if (!run_until(io_, [&] { return answer.has_value(); }))
            return Error(Code::kDeadlineExceeded, "no answer");
        return *std::move(answer);
    }
    Result<std::string> run_pod(bool host_network = true) {
        return wait<std::string>([&](auto done) {
            runtime_->run_sandbox({"uid-1", "default", "p", host_network}, done);
        });
    }
    Result<std::string> create(const std::string& sandbox, std::vector<std::string> cdi = {}) {
        return wait<std::string>([&](auto done) {
            runtime_->create_container(sandbox, {"c", "image", 0, cdi}, done);
        });
    }
    Result<> start(const std::string& container) {
        return wait<void>([&](auto done) { runtime_->start_container(container, done); });
    }
    void write_hook(const std::string& script) {
        const Json hook = {{"hookName", "createRuntime"},
                           {"path", "/bin/sh"},
                           {"args", {"sh", "-c", script}},
                           {"env", {"A=1"}}};
        const Json device = {{"name", "d"}, {"containerEdits", {{"hooks", Json::array({hook})}}}};
        std::ofstream(directory_ / "cdi/knd.json")
            << Json({{"kind", "knd.test/gate"}, {"devices", Json::array({device})}}).dump();
    }
    ContainerRecord container() { return runtime_->sandboxes().front().containers.front(); }

    Directory directory_;
    boost::asio::io_context io_;
    NoNetwork network_;
    std::unique_ptr<NodeRuntime> runtime_;
};

TEST_F(NodeRuntimeTest, RunsAContainer) {
    const auto sandbox = run_pod();
    ASSERT_TRUE(sandbox.ok()) << sandbox.error().message();
    const auto id = create(*sandbox);
    ASSERT_TRUE(id.ok()) << id.error().message();
    const auto started = start(*id);
    ASSERT_TRUE(started.ok()) << started.error().message();
    EXPECT_TRUE(container().process.alive());
}

TEST_F(NodeRuntimeTest, NoticesThatAContainerHasEnded) {
    const auto id = create(*run_pod());
    ASSERT_TRUE(start(*id).ok());
    container().process.signal(SIGKILL);
    ASSERT_TRUE(run_until(io_, [&] { return container().state == ContainerState::kExited; }));
    EXPECT_EQ(container().exit_code, 137);
}

TEST_F(NodeRuntimeTest, StopsAContainer) {
    const auto id = create(*run_pod());
    ASSERT_TRUE(start(*id).ok());
    const auto process = container().process;
    ASSERT_TRUE(wait<void>([&](auto done) { runtime_->stop_container(*id, 5s, done); }).ok());
    EXPECT_FALSE(process.alive());
}

TEST_F(NodeRuntimeTest, RefusesAContainerWithAnUnknownDevice) {
    const auto id = create(*run_pod(), {"knd.test/gate=nodev"});
    EXPECT_EQ(
        id.error().message(),
        "failed to create containerd container: CDI device injection failed: unresolvable CDI "
        "devices knd.test/gate=nodev");
}

TEST_F(NodeRuntimeTest, DoesNotStartAContainerWhoseHookFails) {
    write_hook("echo not attached >&2; exit 1");
    const auto id = create(*run_pod(), {"knd.test/gate=d"});
    const auto started = start(*id);
    ASSERT_FALSE(started.ok());
    EXPECT_THAT(started.error().message(),
                HasSubstr("exit status 1, stdout: , stderr: not attached"));
    EXPECT_EQ(container().reason, "StartError");
}

TEST_F(NodeRuntimeTest, EndsTheProcessOfAContainerWhoseHookFails) {
    write_hook("cat > state; exit 1");
    const auto id = create(*run_pod(), {"knd.test/gate=d"});
    ASSERT_FALSE(start(*id).ok());
    EXPECT_FALSE(container().process.alive());
}

TEST_F(NodeRuntimeTest, TellsHooksThePodAndTheProcess) {
    const auto out = (directory_ / "state").string();
    write_hook("cat > " + out);
    const auto sandbox = run_pod();
    const auto id = create(*sandbox, {"knd.test/gate=d"});
    ASSERT_TRUE(start(*id).ok());
    const auto state = parse_json(*read_text_file(out));
    ASSERT_TRUE(state.ok());
    EXPECT_EQ(json_int(*state, "pid"), container().process.pid);
    EXPECT_EQ(json_string(json_at(*state, "annotations"), "io.kubernetes.cri.sandbox-id"),
              *sandbox);
}

TEST_F(NodeRuntimeTest, DoesNotStartAContainerTwice) {
    write_hook("exit 1");
    const auto id = create(*run_pod(), {"knd.test/gate=d"});
    ASSERT_FALSE(start(*id).ok());
    EXPECT_EQ(start(*id).error().message(),
              "container is in CONTAINER_EXITED state: it cannot be started again");
}

TEST_F(NodeRuntimeTest, TakesOverARunningContainer) {
    const auto id = create(*run_pod());
    ASSERT_TRUE(start(*id).ok());
    runtime_.reset();
    open();
    EXPECT_EQ(container().state, ContainerState::kRunning);
    container().process.signal(SIGKILL);
    EXPECT_TRUE(run_until(io_, [&] { return container().state == ContainerState::kExited; }));
}

TEST_F(NodeRuntimeTest, GivesThePodsNetworkBack) {
    const auto sandbox = run_pod(false);
    ASSERT_TRUE(wait<void>([&](auto done) { runtime_->stop_sandbox(*sandbox, done); }).ok());
    EXPECT_THAT(network_.removed, testing::ElementsAre(*sandbox));
}

TEST_F(NodeRuntimeTest, TellsThatThePodsNetworkHasGone) {
    const auto sandbox = run_pod(false);
    ASSERT_TRUE(sandbox.ok());
    EXPECT_TRUE(runtime_->sandboxes()[0].ready);
    network_.gone = true;
    EXPECT_FALSE(runtime_->sandboxes()[0].ready);
    // It is stopped like any other.
    EXPECT_TRUE(wait<void>([&](auto done) { runtime_->stop_sandbox(*sandbox, done); }).ok());
    EXPECT_EQ(network_.removed.size(), 1U);
}

TEST_F(NodeRuntimeTest, RecordsWhatAContainerIsGiven) {
    std::ofstream(directory_ / "cdi/a.json") << R"({"cdiVersion": "0.6.0", "kind": "knd.dev/claim",
        "devices": [{"name": "d", "containerEdits": {
            "env": ["A=b"],
            "deviceNodes": [{"path": "/dev/vfio/7", "type": "c", "major": 243, "minor": 7,
                             "permissions": "r", "uid": 5}],
            "mounts": [{"hostPath": "/s", "containerPath": "/d", "options": ["ro", "nosuid"]}]
        }}]})";
    const auto sandbox = run_pod();
    const auto container = create(*sandbox, {"knd.dev/claim=d"});
    ASSERT_TRUE(container.ok()) << container.error().message();
    runtime_.reset();
    open();  // out of the record on disk
    const auto given = runtime_->sandboxes()[0].containers[0];
    EXPECT_EQ(given.env, std::vector<std::string>{"A=b"});
    EXPECT_EQ(given.cdi_devices, std::vector<std::string>{"knd.dev/claim=d"});
    ASSERT_EQ(given.devices.size(), 1U);
    EXPECT_EQ(given.devices[0].path, "/dev/vfio/7");
    EXPECT_EQ(given.devices[0].minor, 7);
    EXPECT_EQ(given.devices[0].access, "r");
    EXPECT_EQ(given.devices[0].uid, 5U);
    ASSERT_EQ(given.mounts.size(), 1U);
    EXPECT_TRUE(given.mounts[0].read_only);
    EXPECT_EQ(given.mounts[0].options, std::vector<std::string>{"nosuid"});
}

TEST_F(NodeRuntimeTest, ShowsDevicesAndMountsInARootOfTheirOwn) {
    if (getuid() != 0) GTEST_SKIP() << "mounts need root";
    std::ofstream(directory_ / "text") << "hello";
    const std::vector<DeviceNode> devices = {
        {.path = "/dev/knd/x", .major = 1, .minor = 3, .mode = 0620, .uid = 7}};
    const std::vector<Mount> mounts = {{.source = directory_ / "text",
                                        .destination = "/etc/knd-test/text",
                                        .read_only = true,
                                        .options = {"nosuid"}}};
    const auto child = fork();
    if (child == 0) {
        const auto error =
            exec_in("/proc/self/ns/net",
                    {"sh", "-c",
                     "[ $(stat -c %t:%T:%a:%u /dev/knd/x) = 1:3:620:7 ] && echo > /dev/null && "
                     "[ $(cat /etc/knd-test/text) = hello ] && ! echo > /etc/knd-test/text && "
                     "[ -d /proc/self ] && [ ! -e /dev/kmsg ]"},
                    [&] { return enter_container_root(devices, mounts); });
        std::fprintf(stderr, "%s\n", error.message().c_str());
        _exit(error.message().find("lay memory over the root") == std::string::npos ? 1 : 77);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    if (WEXITSTATUS(status) == 77) GTEST_SKIP() << "there is no overlayfs over this root";
    EXPECT_EQ(WEXITSTATUS(status), 0);
    EXPECT_FALSE(std::filesystem::exists("/etc/knd-test"));
    EXPECT_FALSE(std::filesystem::exists("/dev/knd"));
}

TEST_F(NodeRuntimeTest, LimitsTheProcessOfAContainer) {
    ContainerRecord record;
    record.rlimits = {{.type = "RLIMIT_NOFILE", .soft = 17, .hard = 18}};
    const auto child = spawn({});
    ASSERT_TRUE(child.ok());
    EXPECT_TRUE(set_rlimits(child->id.pid, record.rlimits).ok());
    const auto limits = *read_text_file("/proc/" + std::to_string(child->id.pid) + "/limits");
    EXPECT_THAT(limits, testing::ContainsRegex("Max open files +17 +18"));
    record.rlimits[0].type = "RLIMIT_MOON";
    EXPECT_EQ(set_rlimits(child->id.pid, record.rlimits).error().message(),
              "there is no limit \"RLIMIT_MOON\"");
    end_process(child->id, 1s);
}

TEST_F(NodeRuntimeTest, LeavesNoRecordOfARemovedPod) {
    const auto sandbox = run_pod();
    ASSERT_TRUE(wait<void>([&](auto done) { runtime_->stop_sandbox(*sandbox, done); }).ok());
    ASSERT_TRUE(wait<void>([&](auto done) { runtime_->remove_sandbox(*sandbox, done); }).ok());
    EXPECT_TRUE(std::filesystem::is_empty(directory_ / "sandboxes"));
}

TEST_F(NodeRuntimeTest, SaysWhyThereIsNoNetwork) {
    network_.error = "no address left";
    EXPECT_THAT(run_pod(false).error().message(), HasSubstr("no address left"));
}

}  // namespace
}  // namespace knd::local
