// SPDX-License-Identifier: Apache-2.0
#include "tools/local/cluster/cluster.hpp"

#include <system_error>
#include <utility>

#include "host/model/log.hpp"
#include "host/model/text.hpp"
#include "host/model/text_file.hpp"

namespace knd::local {
namespace {

constexpr std::uint16_t kApiPort = 6443;
constexpr auto kStatusInterval = std::chrono::milliseconds(500);
constexpr auto kGrace = std::chrono::milliseconds(15'000);

struct Flavour {
    std::string_view name;
    NriVersion nri;
    bool network_removed_before_stop;
};

constexpr Flavour kFlavours[] = {{"containerd-1.7", NriVersion::k0_8, false},
                                 {"containerd-2.2", NriVersion::k0_11, false},
                                 {"containerd-2.3", NriVersion::k0_12, false},
                                 {"cri-o", NriVersion::k0_12, true}};

/// JSON that an earlier run has written; null when there is none.
Json read_json(const std::filesystem::path& path) {
    const auto text = read_text_file(path);
    if (!text.ok()) return {};
    auto json = parse_json(*text);
    return json.ok() ? *std::move(json) : Json();
}

}  // namespace

struct Cluster::Node {
    KindNode kind;
    NodeAddress address;
    NodeLayout layout;
    std::unique_ptr<NodeNetwork> network;
    std::unique_ptr<NodeRuntime> runtime;
    std::unique_ptr<Kubelet> kubelet;
    std::unique_ptr<DaemonKeeper> daemon;
};

std::vector<std::string> runtime_names() {
    std::vector<std::string> names;
    for (const auto& flavour : kFlavours)
        names.emplace_back(flavour.name);
    return names;
}

Result<std::unique_ptr<Cluster>> Cluster::open(boost::asio::io_context& io,
                                               ClusterOptions options) {
    std::unique_ptr<Cluster> cluster(new Cluster(io, std::move(options)));
    KND_TRY(cluster->start());
    return cluster;
}

Cluster::Cluster(boost::asio::io_context& io, ClusterOptions options)
    : io_(io), options_(std::move(options)), status_timer_(io) {
    int index = 0;
    for (const auto& kind : options_.config.nodes) {
        auto node = std::make_unique<Node>();
        node->kind = kind;
        node->address = {index++};
        node->layout = options_.layout.node(kind.name);
        nodes_.push_back(std::move(node));
    }
}

Cluster::~Cluster() {
    stop();
}

Result<> Cluster::start() {
    KND_TRY(make_directories(options_.layout));
    KND_TRY(check_nodes());
    KND_TRY(start_network());
    KND_TRY(start_api());
    KND_TRY_ASSIGN(claims_, ClaimController::start(io_, *store_));
    KND_TRY_ASSIGN(scheduler_, Scheduler::start(io_, *store_));
    for (auto& node : nodes_) {
        auto started = start_node(*node);
        if (!started.ok()) return std::move(started).error().wrap("node " + node->kind.name);
    }
    keep_status();
    return {};
}

/// A cluster keeps its nodes: what belongs to one that is not named any more would be left behind.
Result<> Cluster::check_nodes() const {
    std::error_code error;
    for (const auto& entry :
         std::filesystem::directory_iterator(options_.layout.root / "nodes", error)) {
        const auto name = entry.path().filename().string();
        bool known = false;
        for (const auto& node : nodes_)
            known = known || node->kind.name == name;
        if (!known)
            return Error(Code::kFailedPrecondition,
                         "node " + name + " exists in " + options_.layout.root.string() +
                             " but not in the cluster's file; run `knd-local down` first");
    }
    return {};
}

Result<> Cluster::start_network() {
    KND_TRY_ASSIGN(fabric_, Fabric::open(options_.layout.netns()));
    std::vector<std::pair<std::string, NodeAddress>> all;
    for (const auto& node : nodes_) {
        auto added = fabric_->add_node(node->kind.name, node->address);
        if (!added.ok()) return std::move(added).error().wrap("node " + node->kind.name);
        all.emplace_back(node->kind.name, node->address);
    }
    return fabric_->connect(all);
}

Result<> Cluster::start_api() {
    KND_TRY_ASSIGN(store_, api::Store::open(io_, options_.layout.database()));
    KND_TRY_ASSIGN(server_,
                   api::Server::create(io_, *store_, {options_.layout.server(), {kFabricAddress}}));
    KND_TRY_ASSIGN(Fd listening, fabric_->listen(kApiPort));
    KND_TRY(server_->serve(std::move(listening)));
    const auto before = json_int(read_json(options_.layout.status()), "port");
    const auto wanted =
        options_.api_port != 0 ? options_.api_port : static_cast<std::uint16_t>(before);
    auto port = server_->listen("127.0.0.1", wanted);
    // The port of last time is a wish, so that a kubeconfig in use stays good.
    if (!port.ok() && options_.api_port == 0) port = server_->listen("127.0.0.1", 0);
    if (!port.ok()) return std::move(port).error();
    port_ = *port;
    return server_->write_kubeconfig(options_.layout.kubeconfig(),
                                     "https://127.0.0.1:" + std::to_string(port_));
}

Result<> Cluster::start_node(Node& node) {
    KND_TRY(make_directories(node.layout));
    KND_TRY_ASSIGN(node.network,
                   NodeNetwork::open(options_.layout.netns(), node.kind.name, node.address));
    NodeRuntimeOptions runtime;
    runtime.sandboxes = node.layout.sandboxes();
    runtime.cdi = node.layout.cdi();
    runtime.node_netns = node.layout.netns;
    runtime.nri.socket_path = node.layout.nri_socket();
    for (const auto& flavour : kFlavours) {
        if (flavour.name != options_.runtime) continue;
        runtime.nri.nri_version = flavour.nri;
        runtime.network_removed_before_stop = flavour.network_removed_before_stop;
    }
    KND_TRY_ASSIGN(node.runtime, NodeRuntime::open(io_, std::move(runtime), *node.network));
    KubeletOptions kubelet;
    kubelet.node = node.kind.name;
    kubelet.ip = node.address.ip();
    kubelet.pod_cidr = node.address.pod_cidr();
    kubelet.control_plane = node.kind.control_plane;
    kubelet.labels = node.kind.labels;
    kubelet.registry = node.layout.registry();
    kubelet.checkpoint = node.layout.checkpoint();
    kubelet.wipe_delay = options_.wipe_delay;
    KND_TRY_ASSIGN(node.kubelet, Kubelet::open(io_, *store_, *node.runtime, std::move(kubelet)));
    if (options_.kndd.empty()) return {};
    return start_daemon(node);
}

Result<> Cluster::start_daemon(Node& node) {
    const auto& layout = node.layout;
    const auto own = options_.templates.find(node.kind.name);
    const auto used = own != options_.templates.end() ? own : options_.templates.find("");
    const auto text = used == options_.templates.end() ? std::string() : used->second;
    KND_TRY(replace_text_file(layout.config(),
                              render_config(text, {{"NODE", node.kind.name},
                                                   {"INDEX", std::to_string(node.address.index)},
                                                   {"DIR", layout.directory},
                                                   {"FABRIC", options_.layout.netns() / "fabric"},
                                                   {"BACKENDS", options_.backends},
                                                   {"GATE", options_.gate}})));
    const auto url = "https://" + std::string(kFabricAddress) + ":" + std::to_string(kApiPort);
    KND_TRY(server_->write_kubeconfig(layout.kubeconfig(), url, "system:node:" + node.kind.name));
    DaemonOptions daemon;
    daemon.node = node.kind.name;
    daemon.argv = {options_.kndd, "--config", layout.config()};
    daemon.env = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "NODE_NAME=" + node.kind.name};
    daemon.netns = layout.netns;
    daemon.log = layout.log;
    daemon.record = layout.process();
    node.daemon = std::make_unique<DaemonKeeper>(io_, std::move(daemon));
    node.daemon->start();
    return {};
}

void Cluster::stop() {
    status_timer_.cancel();
    for (auto& node : nodes_) {
        if (node->daemon) node->daemon->stop();
    }
    for (auto& node : nodes_) {
        if (node->daemon) node->daemon->wait();
        node->daemon.reset();
    }
}

std::vector<std::string> Cluster::unready() const {
    std::vector<std::string> names;
    for (const auto& node : nodes_) {
        if (node->daemon &&
            (node->kubelet->drivers().empty() || node->runtime->nri_plugins().empty()))
            names.push_back(node->kind.name);
    }
    return names;
}

Json Cluster::status() const {
    Json nodes = Json::array();
    for (const auto& node : nodes_) {
        Json entry = {{"name", node->kind.name},
                      {"role", node->kind.control_plane ? "control-plane" : "worker"},
                      {"ip", node->address.ip()},
                      {"drivers", node->kubelet->drivers()},
                      {"nriPlugins", node->runtime->nri_plugins()},
                      {"pods", node->runtime->sandboxes().size()},
                      {"log", node->layout.log.string()}};
        if (node->daemon) entry["kndd"] = node->daemon->status();
        nodes.push_back(std::move(entry));
    }
    return {{"name", options_.config.name}, {"port", port_}, {"nodes", nodes}};
}

void Cluster::write_status() {
    auto text = to_text(status());
    if (text != written_status_) {
        if (auto written = replace_text_file(options_.layout.status(), text); !written.ok())
            log::warn("the status was not written", {{"error", written.error().message()}});
        written_status_ = std::move(text);
    }
}

void Cluster::keep_status() {
    write_status();
    status_timer_.expires_after(kStatusInterval);
    status_timer_.async_wait([this](const boost::system::error_code& error) {
        if (!error) keep_status();
    });
}

std::string render_config(std::string text, const std::map<std::string, std::string>& values) {
    for (const auto& [name, value] : values)
        replace_all(text, "@" + name + "@", value);
    return text;
}

Result<> remove_cluster(const Layout& layout) {
    end_process(ProcessId::from_json(read_json(layout.process())), kGrace);
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(layout.root / "nodes", error)) {
        const auto node = layout.node(entry.path().filename());
        end_process(ProcessId::from_json(read_json(node.process())), kGrace);
        for (const auto& record : std::filesystem::directory_iterator(node.sandboxes(), error)) {
            for (const auto& container : sandbox_from_json(read_json(record.path())).containers)
                end_process(container.process, kGrace);
        }
    }
    KND_TRY(Fabric::remove(layout.netns()));
    std::filesystem::remove_all(layout.root, error);
    if (error) return Error::from_errno("remove " + layout.root.string(), error.value());
    return {};
}

}  // namespace knd::local
