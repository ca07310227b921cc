// SPDX-License-Identifier: Apache-2.0
//
// A plugin made of host/nri alone, for a foreign runtime to try. Prints a line for each call. A pod
// named "refused" is refused, one named "stuck" gets no answer, one named "fatal" is the end of the
// plugin; every container gets one of each kind of edit.
#include <boost/asio/io_context.hpp>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "host/nri/plugin.hpp"

namespace {

using namespace std::chrono_literals;

class Probe : public knd::PodService {
  public:
    void runtime_connected(const knd::RuntimeInfo& /*runtime*/) override {}
    void synchronize(std::vector<knd::PodSandbox> pods, std::vector<knd::Container> containers,
                     knd::Done<> done) override {
        say("synchronize " + std::to_string(pods.size()) + " " + std::to_string(containers.size()));
        done({});
    }
    void run_pod_sandbox(knd::PodSandbox pod, knd::Done<> done) override {
        if (pod.name == "quiet") return done({});
        say("run " + pod.text() + " " + pod.uid + " " + pod.netns);
        if (pod.name == "fatal") std::_Exit(0);
        if (pod.name == "stuck") return stuck_.push_back(std::move(done));
        if (pod.name == "refused")
            return done(knd::Error(knd::Code::kFailedPrecondition, "device is gone"));
        done({});
    }
    void create_container(knd::PodSandbox pod, knd::Container container,
                          knd::Done<knd::ContainerEdits> done) override {
        say("create " + pod.text() + " " + container.name + " " +
            std::to_string(container.create_runtime_hooks.size()));
        knd::ContainerEdits edits;
        edits.devices.push_back({.path = "/dev/knd0",
                                 .major = 1,
                                 .minor = 3,
                                 .mode = 0600,
                                 .uid = 7,
                                 .gid = 8,
                                 .access = "r"});
        edits.mounts.push_back({.source = "/run/knd",
                                .destination = "/run/knd",
                                .read_only = true,
                                .options = {"nosuid"}});
        edits.rlimits.push_back({.type = "RLIMIT_MEMLOCK", .soft = 1, .hard = UINT64_MAX});
        edits.unified["rdma.max"] = "mlx5_0 hca_handle=2";
        edits.env["KND_PCI"] = "0000:01:00.1";
        edits.create_runtime_hooks.push_back(
            {.path = "/bin/knd-gate", .args = {"knd-gate"}, .env = {"KND_GATE=1"}, .timeout_s = 9});
        done(std::move(edits));
    }
    void stop_pod_sandbox(knd::PodSandbox pod, knd::Done<> done) override {
        say("stop " + pod.text());
        done(knd::Error(knd::Code::kInternal, "cannot stop"));  // must not reach the runtime
    }
    void remove_pod_sandbox(knd::PodSandbox pod, knd::Done<> done) override {
        say("remove " + pod.text());
        done({});
    }

  private:
    static void say(const std::string& line) {
        std::puts(line.c_str());
        std::fflush(stdout);
    }
    std::vector<knd::Done<>> stuck_;
};

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        std::fprintf(stderr, "usage: %s SOCKET\n", argv[0]);
        return 2;
    }
    boost::asio::io_context io;
    Probe probe;
    knd::nri::PluginObserver observer;
    knd::nri::Plugin plugin(io, {.socket_path = argv[1]}, probe, observer);
    if (const auto started = plugin.start(); !started) {
        std::fprintf(stderr, "%s\n", started.error().message().c_str());
        return 1;
    }
    io.run();
}
