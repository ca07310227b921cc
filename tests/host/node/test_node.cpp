// SPDX-License-Identifier: Apache-2.0
#include "tests/host/node/test_node.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include <boost/asio/post.hpp>
#include <fstream>
#include <sstream>

#include "host/model/text_file.hpp"
#include "host/ops/control_client.hpp"

namespace knd::testing {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr char kDriver[] = "dra.net";
constexpr char kNode[] = "node";

fs::path built(const std::string& program) {
    return fs::path(KND_BINARY_DIR) / "bin" / program;
}

Json node_object(const std::string& address) {
    Json node = {{"metadata", {{"name", kNode}}}};
    if (!address.empty())
        node["status"]["addresses"] = {{{"type", "InternalIP"}, {"address", address}}};
    return node;
}

}  // namespace

TestNode::TestNode(NodeOptions options) : options_(std::move(options)), work_(io_.get_executor()) {
    if (auto opened = open(); !opened) failure_ = opened.error().message();
    loop_ = std::thread([this] { io_.run(); });
}

TestNode::~TestNode() {
    if (daemon_.pid != 0 && daemon_.alive()) kill_daemon(SIGKILL);
    on_loop([this] {
        plugin_.reset();
        runtime_.reset();
        server_.reset();
        store_.reset();
        return 0;
    });
    work_.reset();
    io_.stop();
    loop_.join();
    grpc_.reset();
}

Result<void> TestNode::open() {
    const auto& dir = directory_.path();
    for (const auto* name : {"reg", "plugin", "cdi", "run"})
        fs::create_directories(dir / name);
    KND_TRY_ASSIGN(store_, api::Store::open(io_, dir / "api.db"));
    KND_TRY_ASSIGN(server_, api::Server::create(io_, *store_, {dir / "pki", {}}));
    KND_TRY_ASSIGN(api_port_, server_->listen("127.0.0.1", 0));
    KND_TRY(server_->write_kubeconfig(dir / "kubeconfig",
                                      "https://127.0.0.1:" + std::to_string(api_port_), "admin"));
    KND_TRY(store_->create(api::Resource::kNodes, "", node_object(options_.address)).result());
    grpc_ = std::make_unique<local::GrpcLoop>(io_);
    if (!options_.nri_socket.empty()) return {};
    local::NriRuntimeOptions runtime;
    runtime.socket_path = dir / "nri.sock";
    runtime.nri_version = options_.nri_version;
    KND_TRY_ASSIGN(runtime_, local::NriRuntime::open(io_, runtime, [this] {
                       return local::NriRuntime::Inventory{pods, {}};
                   }));
    return {};
}

std::string TestNode::configuration() const {
    const auto dir = directory_.path().string();
    const auto line = [](const std::string& key, const std::string& value) {
        return key + " = \"" + value + "\"\n";
    };
    const auto expand = [&](std::string text) {
        for (auto at = text.find("{dir}"); at != std::string::npos; at = text.find("{dir}")) {
            text.replace(at, 5, dir);
        }
        return text;
    };
    return "[driver]\n" + line("name", kDriver) + line("node", kNode) + "[kubernetes]\n" +
           line("kubeconfig", dir + "/kubeconfig") + "[kubelet]\n" +
           line("registry_dir", dir + "/reg") + line("plugin_dir", dir + "/plugin") + "[nri]\n" +
           line("socket", options_.nri_socket.empty() ? dir + "/nri.sock" : options_.nri_socket) +
           options_.nri_settings + "[gate]\n" + line("path", gate()) +
           "timeout_ms = 3000\n[paths]\n" +
           line("backends", options_.backend_directory.empty()
                                ? std::string(KND_BINARY_DIR) + "/backends"
                                : expand(options_.backend_directory)) +
           line("journal", expand(options_.journal)) + line("run", dir + "/run") +
           line("cdi", options_.cdi_directory.empty() ? dir + "/cdi" : options_.cdi_directory) +
           line("control", dir + "/kndd.sock") + "[http]\nlisten = \"\"\n[log]\n" +
           line("level", "debug") + options_.extra + expand(options_.backends);
}

fs::path TestNode::gate() const {
    return built("knd-gate");
}

Result<void> TestNode::start_daemon(const std::vector<std::string>& env) {
    if (!failure_.empty()) return Error(Code::kInternal, failure_);
    const auto dir = directory_.path();
    KND_TRY(replace_text_file(dir / "kndd.toml", configuration()));
    local::SpawnOptions options;
    options.argv = {built(options_.binary), "--config", dir / "kndd.toml"};
    options.env = env;
    options.env.emplace_back("PATH=/usr/sbin:/usr/bin:/sbin:/bin");
    options.dies_with_parent = true;
    const auto log = dir / "kndd.log";
    options.output = Fd(::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
    options.errors = Fd(::dup(options.output.get()));
    KND_TRY_ASSIGN(const auto child, local::spawn(options));
    daemon_ = child.id;
    return {};
}

Result<void> TestNode::wait_ready(std::chrono::milliseconds patience) {
    std::string last = "it never listened on its sockets";
    const bool ready = eventually(
        [&] {
            if (!daemon_alive()) return true;
            const auto registered = fs::exists(directory_.path() / "reg" / "dra.net-reg.sock");
            const auto connected =
                on_loop([&] { return !runtime_ || !runtime_->plugins().empty(); });
            const auto slices =
                on_loop([&] { return !store_->list(api::Resource::kResourceSlices).empty(); });
            last = std::string("registered ") + (registered ? "yes" : "no") + ", connected " +
                   (connected ? "yes" : "no") + ", published " + (slices ? "yes" : "no");
            return registered && connected && slices;
        },
        patience);
    if (ready && daemon_alive()) return {};
    return Error(Code::kUnavailable, "kndd is not ready: " + last + "\n" + daemon_log());
}

void TestNode::kill_daemon(int signal) {
    daemon_.signal(signal);
    wait_dead(20s);
    on_loop([this] {
        plugin_.reset();
        return 0;
    });
}

bool TestNode::wait_dead(std::chrono::milliseconds patience) {
    return eventually(
        [&] {
            int status = 0;
            return ::waitpid(daemon_.pid, &status, WNOHANG) != 0 || !daemon_.alive();
        },
        patience);
}

std::string TestNode::daemon_log() const {
    return read_text_file(directory_.path() / "kndd.log").value_or("");
}

Result<Json> TestNode::control(const std::string& target) const {
    return ops::control_get(directory_.path() / "kndd.sock", target);
}

Result<ClaimRef> TestNode::make_claim(const std::string& name,
                                      const std::vector<std::string>& devices,
                                      const std::string& pod_uid, const Json& parameters) {
    Json results = Json::array();
    for (const auto& device : devices) {
        results.push_back(
            {{"request", "nic"}, {"driver", kDriver}, {"pool", pool()}, {"device", device}});
    }
    Json allocation = {{"devices", {{"results", results}}}};
    if (!parameters.is_null()) {
        allocation["devices"]["config"] = {
            {{"source", "FromClaim"},
             {"opaque", {{"driver", kDriver}, {"parameters", parameters}}}}};
    }
    return make_claim_object(name, allocation, pod_uid);
}

Result<ClaimRef> TestNode::make_claim_object(const std::string& name, const Json& allocation,
                                             const std::string& pod_uid) {
    return on_loop([&]() -> Result<ClaimRef> {
        const Json spec = {
            {"devices",
             {{"requests", {{{"name", "nic"}, {"exactly", {{"deviceClassName", "any"}}}}}}}}};
        const Json object = {{"metadata", {{"name", name}}}, {"spec", spec}};
        KND_TRY_ASSIGN(auto made,
                       store_->create(api::Resource::kResourceClaims, "default", object).result());
        const auto uid = json_string(json_at(*made, "metadata"), "uid");
        if (!allocation.is_null()) {
            const auto allocate = [&](const Json& current) -> api::Answer<Json> {
                auto next = current;
                next["status"] = {
                    {"allocation", allocation},
                    {"reservedFor", {{{"resource", "pods"}, {"name", "pod"}, {"uid", pod_uid}}}}};
                return next;
            };
            api::WriteOptions options;
            options.subresource = "status";
            KND_TRY(
                store_->modify(api::Resource::kResourceClaims, "default", name, allocate, options)
                    .result());
        }
        return ClaimRef{"default", name, uid};
    });
}

Result<void> TestNode::delete_claim(const ClaimRef& claim) {
    return on_loop([&]() -> Result<void> {
        KND_TRY(store_->remove(api::Resource::kResourceClaims, claim.ns, claim.name).result());
        return {};
    });
}

Result<Json> TestNode::claim_object(const ClaimRef& claim) {
    return on_loop([&]() -> Result<Json> {
        KND_TRY_ASSIGN(const auto object,
                       store_->get(api::Resource::kResourceClaims, claim.ns, claim.name).result());
        return *object;
    });
}

std::vector<std::string> TestNode::events(const std::string& name) {
    return on_loop([&] {
        std::vector<std::string> found;
        for (const auto& event : store_->list(api::Resource::kEvents)) {
            if (json_string(json_at(*event, "involvedObject"), "name") != name) continue;
            found.push_back(json_string(*event, "reason") + ": " + json_string(*event, "message"));
        }
        return found;
    });
}

std::vector<std::string> TestNode::published() {
    return on_loop([&] {
        std::vector<std::string> found;
        for (const auto& slice : store_->list(api::Resource::kResourceSlices)) {
            for (const auto& device : json_path(*slice, {"spec", "devices"})) {
                found.push_back(json_string(device, "name"));
            }
        }
        return found;
    });
}

Result<local::DraPlugin*> TestNode::plugin() {
    if (plugin_) return plugin_.get();
    const auto socket = directory_.path() / "reg" / "dra.net-reg.sock";
    auto info = ask<local::PluginInfo>([&](Done<local::PluginInfo> done) {
        local::get_plugin_info(*grpc_, socket, std::move(done));
    });
    if (!info) return std::move(info).error();
    on_loop([&] {
        plugin_ = std::make_unique<local::DraPlugin>(*grpc_, *info, "v1", [] {});
        return 0;
    });
    return plugin_.get();
}

Result<std::vector<PreparedDevice>> TestNode::prepare(const ClaimRef& claim) {
    KND_TRY_ASSIGN(auto* driver, plugin());
    KND_TRY_ASSIGN(auto answers, ask<local::ClaimAnswers>([&](Done<local::ClaimAnswers> done) {
                       driver->prepare({claim}, std::move(done));
                   }));
    auto& answer = answers[claim.uid];
    if (!answer.error.empty()) return Error(Code::kUnknown, answer.error);
    return std::move(answer.devices);
}

Result<void> TestNode::unprepare(const ClaimRef& claim) {
    KND_TRY_ASSIGN(auto* driver, plugin());
    KND_TRY_ASSIGN(auto answers, ask<local::ClaimAnswers>([&](Done<local::ClaimAnswers> done) {
                       driver->unprepare({claim}, std::move(done));
                   }));
    if (const auto& error = answers[claim.uid].error; !error.empty()) {
        return Error(Code::kUnknown, error);
    }
    return {};
}

Result<void> TestNode::run_pod(const PodSandbox& pod) {
    return ask<void>([&](Done<> done) { runtime_->run_pod_sandbox(pod, std::move(done)); });
}

Result<ContainerEdits> TestNode::create_container(const PodSandbox& pod,
                                                  const Container& container) {
    return ask<ContainerEdits>([&](Done<ContainerEdits> done) {
        runtime_->create_container(pod, container, std::move(done));
    });
}

void TestNode::stop_pod(const PodSandbox& pod) {
    (void)ask<void>([&](Done<> done) { runtime_->stop_pod_sandbox(pod, std::move(done)); });
}

void TestNode::remove_pod(const PodSandbox& pod) {
    (void)ask<void>([&](Done<> done) { runtime_->remove_pod_sandbox(pod, std::move(done)); });
}

}  // namespace knd::testing
