// SPDX-License-Identifier: Apache-2.0
//
// TestNode: a node with a real kndd on it, for the tests that need one. The other side is real as
// well: knd-local's API server, the kubelet's gRPC client and, unless a containerd is given, its
// NRI runtime. Everything blocks; a loop thread of its own serves.
//
// The test program runs in network and mount namespaces of its own (main.cpp), which is the "host"
// here: kndd manages the interfaces that a test makes in it.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <filesystem>
#include <future>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "host/model/services.hpp"
#include "sdk/support/netlink.hpp"
#include "tools/local/api/server.hpp"
#include "tools/local/api/store.hpp"
#include "tools/local/kubelet/dra_plugin.hpp"
#include "tools/local/nri_runtime/nri_runtime.hpp"
#include "tools/local/support/process.hpp"

namespace knd::testing {

/// A directory that is short enough for unix sockets and gone afterwards.
class ShortDirectory {
  public:
    ShortDirectory();
    ~ShortDirectory();
    const std::filesystem::path& path() const { return path_; }

  private:
    std::filesystem::path path_;
};

struct NodeOptions {
    std::string binary = "kndd";  ///< in the directory of built programs
    /// [[backend]] tables; {dir} is the node's directory.
    std::string backends =
        "[[backend]]\nname = \"netdev\"\nlibrary = \"knd-netdev.so\"\n"
        "[backend.config]\nkinds = [\"veth\"]\ninterfaces = [\"nic*\"]\n";
    std::string extra;                    ///< further TOML, sections of its own
    std::string address = "192.0.2.250";  ///< InternalIP of the Node object; empty: none yet
    std::string nri_settings;             ///< further lines of kndd's table [nri]
    std::string nri_socket;               ///< of a containerd; empty: NRI runtime of the node
    std::string cdi_directory;            ///< empty: one of the node
    std::string backend_directory;        ///< empty: the built ones; {dir} as above
    std::string journal = "{dir}/journal.db";
    local::NriVersion nri_version = local::NriVersion::k0_12;
};

class TestNode {
  public:
    explicit TestNode(NodeOptions options = {});
    ~TestNode();

    // kndd
    Result<void> start_daemon(const std::vector<std::string>& env = {});
    /// For the next start.
    void set_backends(const std::string& toml) { options_.backends = toml; }
    /// Until it is registered, connected to the runtime, and has published.
    Result<void> wait_ready(std::chrono::milliseconds patience = std::chrono::seconds(10));
    void kill_daemon(int signal);
    bool daemon_alive() const { return daemon_.alive(); }
    /// Waits until it is gone; true when it is.
    bool wait_dead(std::chrono::milliseconds patience);
    std::string daemon_log() const;
    /// kndctl's view: a document of the control socket.
    Result<Json> control(const std::string& target) const;
    pid_t daemon_pid() const { return daemon_.pid; }

    // API objects
    /// A claim that is allocated to devices of this node and reserved for `pod_uid`.
    Result<ClaimRef> make_claim(const std::string& name, const std::vector<std::string>& devices,
                                const std::string& pod_uid, const Json& parameters = {});
    /// The same with a status of the test's own making; null: not allocated.
    Result<ClaimRef> make_claim_object(const std::string& name, const Json& allocation,
                                       const std::string& pod_uid);
    Result<void> delete_claim(const ClaimRef& claim);
    Result<Json> claim_object(const ClaimRef& claim);
    /// "reason: message" of all events about an object of that name.
    std::vector<std::string> events(const std::string& name);
    /// Names of the devices in all slices of this node.
    std::vector<std::string> published();

    // kubelet
    Result<std::vector<PreparedDevice>> prepare(const ClaimRef& claim);
    Result<void> unprepare(const ClaimRef& claim);

    // runtime (the node's own)
    Result<void> run_pod(const PodSandbox& pod);
    Result<ContainerEdits> create_container(const PodSandbox& pod, const Container& container);
    void stop_pod(const PodSandbox& pod);
    void remove_pod(const PodSandbox& pod);
    /// What a restarted plugin is told about.
    std::vector<PodSandbox> pods;

    // the host
    std::string pool() const { return "node"; }
    std::filesystem::path directory() const { return directory_.path(); }
    std::filesystem::path gate() const;

    /// Runs on the loop thread and waits.
    template <class Function>
    auto on_loop(Function function) {
        std::promise<decltype(function())> result;
        boost::asio::post(io_, [&] { result.set_value(function()); });
        return result.get_future().get();
    }
    /// For calls that answer by a Done.
    template <class T, class Function>
    Result<T> ask(Function function) {
        std::promise<Result<T>> answer;
        boost::asio::post(
            io_, [&] { function([&](Result<T> result) { answer.set_value(std::move(result)); }); });
        return answer.get_future().get();
    }
    api::Store& store() { return *store_; }

  private:
    Result<void> open();
    std::string configuration() const;
    Result<local::DraPlugin*> plugin();

    ShortDirectory directory_;
    NodeOptions options_;
    boost::asio::io_context io_;
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
    std::unique_ptr<api::Store> store_;
    std::unique_ptr<api::Server> server_;
    std::unique_ptr<local::NriRuntime> runtime_;
    std::unique_ptr<local::GrpcLoop> grpc_;
    std::unique_ptr<local::DraPlugin> plugin_;
    std::uint16_t api_port_ = 0;
    local::ProcessId daemon_;
    std::thread loop_;
    std::string failure_;
};

/// A veth that stands for a NIC: "nic0" with MAC and address in the host, its far end in
/// `peer_netns`.
struct TestNic {
    std::string name = "nic0";
    std::string mac = "02:00:00:00:00:01";
    std::string address = "192.0.2.10/24";
    int mtu = 1400;
};
Result<void> make_nic(const TestNic& nic, int peer_netns, const std::string& peer_address);

/// What must be the same before and after: link, addresses and routes of an interface, as text.
Result<std::string> describe_interface(const std::string& name);

/// A pod's network namespace, pinned in the file system as a runtime does it.
class TestPod {
  public:
    TestPod(const TestNode& node, const std::string& name);
    ~TestPod();
    const PodSandbox& sandbox() const { return sandbox_; }
    PodSandbox& sandbox() { return sandbox_; }
    int fd() const { return fd_.get(); }
    /// The runtime takes the namespace away.
    void remove_netns();
    Result<std::vector<LinkInfo>> links() const;

  private:
    PodSandbox sandbox_;
    Fd fd_;
};

/// Runs knd-gate as a runtime would: OCI state on its standard input.
struct GateResult {
    int exit_code = 0;
    std::string message;
    std::chrono::milliseconds took{0};
};
GateResult run_gate(const Hook& hook, const PodSandbox& pod);

template <class Predicate>
bool eventually(Predicate predicate,
                std::chrono::milliseconds patience = std::chrono::seconds(10)) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (!predicate()) {
        if (std::chrono::steady_clock::now() > deadline) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return true;
}

}  // namespace knd::testing
