// SPDX-License-Identifier: Apache-2.0
//
// knd-local: a whole cluster in one process for one machine. The commands; what they do is in
// cluster/.
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "host/model/log.hpp"
#include "host/model/text_file.hpp"
#include "tools/local/cluster/cluster.hpp"
#include "tools/local/support/container_root.hpp"
#include "tools/local/support/rlimits.hpp"

namespace {

namespace fs = std::filesystem;
using knd::Code;
using knd::Error;
using knd::Fd;
using knd::Result;

struct Arguments {
    std::string name;
    std::string state = "/var/lib/knd-local";
    std::string config;
    std::string kndd, backends, gate;
    std::vector<std::string> node_configs;
    bool foreground = false;
    bool detach = false;  ///< the default; the flag only says so
    std::uint16_t api_port = 0;
    int wait_s = 10;
    int wipe_delay_s = 30;
    std::string runtime = "containerd-2.3";
    std::string ns = "default";
    std::string node;
    std::string container;
    std::vector<std::string> command;

    knd::local::Layout layout() const { return layout_of(name.empty() ? "kind" : name); }
    knd::local::Layout layout_of(const std::string& cluster) const {
        return {knd::local::canonical_root(fs::path(state) / cluster)};
    }
};

int complain(const Error& error) {
    std::fprintf(stderr, "knd-local: %s\n", error.message().c_str());
    return 1;
}

/// A program or directory of the same build or installation, next to this program.
fs::path beside_us(const char* relative) {
    std::error_code error;
    const auto self = fs::read_symlink("/proc/self/exe", error);
    const auto path = (self.parent_path() / relative).lexically_normal();
    return !error && fs::exists(path, error) ? path : fs::path();
}

Result<knd::local::ClusterOptions> read_options(const Arguments& arguments) {
    knd::local::ClusterOptions options;
    KND_TRY_ASSIGN(const auto text, knd::read_text_file(arguments.config));
    KND_TRY_ASSIGN(options.config,
                   knd::local::parse_kind_config(text, arguments.config, arguments.name));
    options.layout = arguments.layout_of(options.config.name);
    options.api_port = arguments.api_port;
    options.wipe_delay = std::chrono::seconds(arguments.wipe_delay_s);
    options.runtime = arguments.runtime;
    options.kndd = arguments.kndd.empty() ? beside_us("kndd") : fs::path(arguments.kndd);
    if (arguments.kndd == "none") options.kndd.clear();
    options.gate = arguments.gate.empty() ? beside_us("knd-gate") : fs::path(arguments.gate);
    options.backends =
        arguments.backends.empty() ? beside_us("../backends") : fs::path(arguments.backends);
    auto configs = arguments.node_configs;
    const auto beside_config = fs::path(arguments.config).parent_path() / "kndd.toml";
    if (configs.empty() && fs::exists(beside_config)) configs.push_back(beside_config);
    for (const auto& config : configs) {
        const auto equals = config.find('=');
        const auto node = equals == std::string::npos ? "" : config.substr(0, equals);
        const auto file = equals == std::string::npos ? config : config.substr(equals + 1);
        KND_TRY_ASSIGN(options.templates[node], knd::read_text_file(file));
    }
    if (!options.kndd.empty() && options.templates.empty())
        return Error(Code::kInvalidArgument, "no configuration for kndd: give --node-config FILE");
    for (auto* path : {&options.kndd, &options.gate, &options.backends}) {
        if (!path->empty()) *path = fs::absolute(*path).lexically_normal();
    }
    return options;
}

/// Only one process may run a cluster; the lock goes with the process.
Result<Fd> lock(const knd::local::Layout& layout) {
    KND_TRY(knd::local::make_directories(layout));
    Fd file(open(layout.lock().c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!file) return Error::from_errno("open " + layout.lock().string(), errno);
    if (flock(file.get(), LOCK_EX | LOCK_NB) != 0)
        return Error(Code::kAlreadyExists, "the cluster in " + layout.root.string() +
                                               " is running already; see `knd-local status`");
    KND_TRY_ASSIGN(const auto self, knd::local::ProcessId::of(getpid()));
    KND_TRY(knd::replace_text_file(layout.process(), knd::to_text(self.json())));
    return file;
}

void say(int fd, const std::string& text) {
    // The other end may be gone, for example a closed terminal: nobody is left to tell.
    if (write(fd, text.data(), text.size()) < 0) return;
}

std::string welcome(const knd::local::ClusterOptions& options, const knd::local::Cluster& cluster) {
    std::string text = "cluster \"" + options.config.name + "\" is up with " +
                       std::to_string(options.config.nodes.size()) + " nodes, API server at " +
                       "https://127.0.0.1:" + std::to_string(cluster.port()) + "\n";
    for (const auto& node : cluster.unready())
        text += "warning: kndd on " + node + " has not registered yet; see " +
                options.layout.node(node).log.string() + "\n";
    return text + "export KUBECONFIG=" + options.layout.kubeconfig().string() + "\n";
}

/// Tells `report` once all daemons have registered or the time is up.
class Announcer {
  public:
    Announcer(boost::asio::io_context& io, const knd::local::Cluster& cluster,
              std::function<void()> report, std::chrono::seconds limit)
        : timer_(io),
          cluster_(cluster),
          report_(std::move(report)),
          give_up_(std::chrono::steady_clock::now() + limit) {
        check();
    }

  private:
    void check() {
        if (cluster_.unready().empty() || std::chrono::steady_clock::now() > give_up_)
            return report_();
        timer_.expires_after(std::chrono::milliseconds(10));
        timer_.async_wait([this](const boost::system::error_code& error) {
            if (!error) check();
        });
    }

    boost::asio::steady_timer timer_;
    const knd::local::Cluster& cluster_;
    std::function<void()> report_;
    std::chrono::steady_clock::time_point give_up_;
};

/// Runs until SIGTERM or SIGINT. `report` gets what the user reads when it is up.
Result<> run(knd::local::ClusterOptions options, int wait_s,
             const std::function<void(const std::string&)>& report) {
    KND_TRY_ASSIGN(const Fd locked, lock(options.layout));
    boost::asio::io_context io;
    KND_TRY_ASSIGN(auto cluster, knd::local::Cluster::open(io, options));
    boost::asio::signal_set signals(io, SIGTERM, SIGINT);
    signals.async_wait([&](const boost::system::error_code&, int) { io.stop(); });
    const auto announce = [&] {
        cluster->write_status();
        report(welcome(options, *cluster));
    };
    const Announcer announcer(io, *cluster, announce, std::chrono::seconds(wait_s));
    io.run();
    knd::log::info("shutting down; pods stay", {{"path", options.layout.root.string()}});
    cluster->stop();
    return {};
}

/// The child of a detached `up`: stdout and stderr go to a file, the first news to `report`.
int run_detached(const knd::local::ClusterOptions& options, int wait_s, Fd report) {
    setsid();
    if (auto made = knd::local::make_directories(options.layout); !made.ok()) {
        say(report.get(), "E" + made.error().message());
        return 1;
    }
    const Fd log(
        open(options.layout.log().c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
    const Fd null(open("/dev/null", O_RDWR | O_CLOEXEC));
    // So as not to hold on to the directory that the user happens to be in.
    if (chdir("/") != 0) return 1;
    dup2(null.get(), STDIN_FILENO);
    dup2(log ? log.get() : null.get(), STDOUT_FILENO);
    dup2(log ? log.get() : null.get(), STDERR_FILENO);
    const auto ran = run(options, wait_s, [&](const std::string& text) {
        say(report.get(), "I" + text);
        report.reset();
    });
    if (ran.ok()) return 0;
    if (report) {
        say(report.get(), "E" + ran.error().message());
        return 1;
    }
    knd::log::error("the cluster did not start", {{"error", ran.error().message()}});
    return 1;
}

int detach(const knd::local::ClusterOptions& options, int wait_s) {
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) != 0) return complain(Error::from_errno("pipe", errno));
    Fd news(fds[0]), report(fds[1]);
    // Before any thread exists.
    const pid_t pid = fork();
    if (pid < 0) return complain(Error::from_errno("fork", errno));
    if (pid == 0) {
        news.reset();
        _exit(run_detached(options, wait_s, std::move(report)));
    }
    report.reset();
    std::string text;
    char buffer[4096];
    for (ssize_t count; (count = read(news.get(), buffer, sizeof buffer)) > 0;)
        text.append(buffer, static_cast<std::size_t>(count));
    if (text.starts_with('I')) {
        std::fputs(text.c_str() + 1, stdout);
        return 0;
    }
    return complain(Error(Code::kInternal, text.empty() ? "the cluster ended without a word; see " +
                                                              options.layout.log().string()
                                                        : text.substr(1)));
}

int up(const Arguments& arguments) {
    auto options = read_options(arguments);
    if (!options.ok()) return complain(options.error());
    for (const auto& field : options->config.unknown)
        std::fprintf(stderr, "warning: %s: unknown field %s\n", arguments.config.c_str(),
                     field.c_str());
    for (const auto& field : options->config.ignored)
        std::fprintf(stderr, "warning: %s: %s has no effect here\n", arguments.config.c_str(),
                     field.c_str());
    if (!arguments.foreground) return detach(*options, arguments.wait_s);
    const auto ran = run(*options, arguments.wait_s, [](const std::string& text) {
        std::fputs(text.c_str(), stdout);
        std::fflush(stdout);
    });
    return ran.ok() ? 0 : complain(ran.error());
}

Result<> expect_cluster(const knd::local::Layout& layout) {
    if (fs::exists(layout.lock())) return {};
    return Error(Code::kNotFound, "no cluster in " + layout.root.string());
}

int down(const Arguments& arguments) {
    const auto layout = arguments.layout();
    if (auto found = expect_cluster(layout); !found.ok()) return complain(found.error());
    const auto removed = knd::local::remove_cluster(layout);
    return removed.ok() ? 0 : complain(removed.error());
}

std::string join(const knd::Json& list) {
    std::string text;
    for (const auto& item : list)
        text.append(text.empty() ? "" : ",").append(item.get<std::string>());
    return text.empty() ? "-" : text;
}

int status(const Arguments& arguments) {
    const auto layout = arguments.layout();
    if (auto found = expect_cluster(layout); !found.ok()) return complain(found.error());
    const auto read_json = [](const fs::path& path) {
        const auto text = knd::read_text_file(path);
        return text.ok() ? knd::parse_json(*text).value_or({}) : knd::Json();
    };
    const auto process = knd::local::ProcessId::from_json(read_json(layout.process()));
    const bool runs = process.alive();
    const auto state = read_json(layout.status());
    std::printf("cluster %s: %s", knd::json_string(state, "name").c_str(),
                runs ? "running" : "not running");
    if (runs)
        std::printf(", process %d, API server at https://127.0.0.1:%d", process.pid,
                    static_cast<int>(knd::json_int(state, "port")));
    std::printf("\n%-24s %-14s %-13s %-5s %-12s %-12s %s\n", "NODE", "ROLE", "IP", "PODS",
                "DRIVERS", "NRI", "KNDD");
    for (const auto& node : knd::json_at(state, "nodes")) {
        const auto& kndd = knd::json_at(node, "kndd");
        const auto pid = knd::json_int(kndd, "pid");
        auto daemon = kndd.is_null()    ? std::string("none")
                      : runs && pid > 0 ? "process " + std::to_string(pid)
                                        : "not running";
        if (const auto restarts = knd::json_int(kndd, "restarts"); restarts > 0)
            daemon += ", restarted " + std::to_string(restarts) + " times, last " +
                      knd::json_string(kndd, "lastEnd");
        std::printf("%-24s %-14s %-13s %-5d %-12s %-12s %s\n",
                    knd::json_string(node, "name").c_str(), knd::json_string(node, "role").c_str(),
                    knd::json_string(node, "ip").c_str(),
                    static_cast<int>(knd::json_int(node, "pods")),
                    join(knd::json_at(node, "drivers")).c_str(),
                    join(knd::json_at(node, "nriPlugins")).c_str(), daemon.c_str());
    }
    return runs ? 0 : 3;
}

/// A pod as the runtime of its node has recorded it.
struct FoundPod {
    fs::path netns;
    knd::local::SandboxRecord sandbox;
    knd::Json record;
};

/// Read from the runtime's records, so that it works whether or not the cluster's process runs.
Result<FoundPod> find_pod(const knd::local::Layout& layout, const std::string& ns,
                          const std::string& name) {
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(layout.root / "nodes", error)) {
        const auto node = layout.node(entry.path().filename());
        for (const auto& record : fs::directory_iterator(node.sandboxes(), error)) {
            if (record.path().extension() != ".json") continue;
            KND_TRY_ASSIGN(const auto text, knd::read_text_file(record.path()));
            KND_TRY_ASSIGN(const auto json, knd::parse_json(text));
            auto sandbox = knd::local::sandbox_from_json(json);
            if (sandbox.ns != ns || sandbox.name != name || !sandbox.ready) continue;
            const auto& netns = sandbox.host_network ? node.netns : sandbox.netns;
            return FoundPod{netns, std::move(sandbox), json};
        }
    }
    return Error(Code::kNotFound, "pod " + ns + "/" + name + " has no network here");
}

/// What devices have given to a container, or to all of the pod when it is not named.
Result<> surround(const FoundPod& pod, const std::string& name) {
    if (!name.empty() && pod.sandbox.newest(name) == nullptr)
        return Error(Code::kNotFound, "pod " + pod.sandbox.name + " has no container " + name);
    for (const auto& container : pod.sandbox.containers) {
        if (!name.empty() && &container != pod.sandbox.newest(name)) continue;
        for (const auto& variable : container.env) {
            const auto equals = variable.find('=');
            setenv(variable.substr(0, equals).c_str(), variable.substr(equals + 1).c_str(), 1);
        }
        if (!name.empty()) KND_TRY(knd::local::set_rlimits(0, container.rlimits));
    }
    return {};
}

int inspect(const Arguments& arguments) {
    if (arguments.command.size() != 1)
        return complain(Error(Code::kInvalidArgument, "which pod? Give POD"));
    const auto layout = arguments.layout();
    if (auto found = expect_cluster(layout); !found.ok()) return complain(found.error());
    const auto pod = find_pod(layout, arguments.ns, arguments.command.front());
    if (!pod.ok()) return complain(pod.error());
    std::puts(pod->record.dump(2).c_str());
    return 0;
}

/// The parser takes what follows the pod's name for the command, up to "--" it is options all the
/// same, as with kubectl.
void take_options(Arguments& arguments) {
    auto& words = arguments.command;
    while (words.size() >= 2) {
        const bool of_container = words[0] == "-c" || words[0] == "--container";
        if (!of_container && words[0] != "-n" && words[0] != "--namespace") break;
        (of_container ? arguments.container : arguments.ns) = words[1];
        words.erase(words.begin(), words.begin() + 2);
    }
    if (!words.empty() && words.front() == "--") words.erase(words.begin());
}

int exec(Arguments arguments) {
    const auto layout = arguments.layout();
    if (auto found = expect_cluster(layout); !found.ok()) return complain(found.error());
    fs::path netns;
    std::function<Result<>()> prepare;
    if (!arguments.node.empty()) {
        netns = layout.node(arguments.node).netns;
    } else {
        if (arguments.command.empty())
            return complain(Error(Code::kInvalidArgument, "which pod? Give POD or --node NODE"));
        const auto pod = arguments.command.front();
        arguments.command.erase(arguments.command.begin());
        take_options(arguments);
        auto found = find_pod(layout, arguments.ns, pod);
        if (!found.ok()) return complain(found.error());
        netns = found->netns;
        if (auto given = surround(*found, arguments.container); !given.ok())
            return complain(given.error());
        if (const auto* container = found->sandbox.newest(arguments.container);
            container != nullptr && !(container->devices.empty() && container->mounts.empty()))
            prepare = [given = *container] {
                return knd::local::enter_container_root(given.devices, given.mounts);
            };
    }
    if (arguments.command.empty())
        return complain(Error(Code::kInvalidArgument, "which command? Give it after --"));
    complain(knd::local::exec_in(netns, arguments.command, prepare));
    return 127;
}

int kubeconfig(const Arguments& arguments) {
    const auto text = knd::read_text_file(arguments.layout().kubeconfig());
    if (!text.ok()) return complain(text.error());
    std::fputs(text->c_str(), stdout);
    return 0;
}

void add_up(CLI::App& app, Arguments& arguments) {
    auto* command = app.add_subcommand("up", "Start the cluster of a kind configuration file");
    command->add_option("--config", arguments.config, "kind's cluster file")->required();
    command->add_option("--kndd", arguments.kndd,
                        "kndd, or \"none\"; default: the one next to knd-local");
    command->add_option("--backends", arguments.backends, "Directory of the backends");
    command->add_option("--gate", arguments.gate, "knd-gate; default: the one next to knd-local");
    command->add_option(
        "--node-config", arguments.node_configs,
        "[NODE=]FILE: configuration of kndd, a template as configs/kind/kndd.toml is; "
        "default: kndd.toml beside the cluster's file");
    auto* foreground = command->add_flag("--foreground", arguments.foreground,
                                         "Stay in the terminal, log to stderr");
    command->add_flag("--detach", arguments.detach, "Return when the cluster is up (default)")
        ->excludes(foreground);
    command->add_option("--api-port", arguments.api_port, "Port on 127.0.0.1; default: any");
    command->add_option("--wait", arguments.wait_s, "Seconds to wait for the drivers")
        ->capture_default_str();
    command
        ->add_option("--wipe-delay", arguments.wipe_delay_s,
                     "Seconds after which the slices of a driver that is gone are deleted")
        ->capture_default_str();
    command->add_option("--runtime", arguments.runtime, "Container runtime whose ways to show")
        ->check(CLI::IsMember(knd::local::runtime_names()))
        ->capture_default_str();
}

}  // namespace

int main(int argc, char** argv) {
    Arguments arguments;
    CLI::App app("A Kubernetes cluster for network drivers, on one machine, in one process");
    app.set_version_flag("--version", "knd-local " KND_VERSION);
    app.require_subcommand(1);
    app.fallthrough();
    app.add_option("--name", arguments.name, "Name of the cluster; default: kind");
    app.add_option("--state", arguments.state, "Where clusters keep their state")
        ->capture_default_str();
    add_up(app, arguments);
    app.add_subcommand("down", "End the cluster and remove everything that it made");
    app.add_subcommand("status", "Show nodes and daemons");
    app.add_subcommand("kubeconfig", "Print the kubeconfig");
    auto* exec_command =
        app.add_subcommand("exec", "Run a command in the network of a pod or node");
    exec_command->add_option("-n,--namespace", arguments.ns, "Namespace of the pod")
        ->capture_default_str();
    exec_command->add_option("--node", arguments.node, "A node instead of a pod");
    exec_command->add_option(
        "-c,--container", arguments.container,
        "Container whose variables, limits, devices and mounts the command gets");
    exec_command->add_option("command", arguments.command, "[POD] -- COMMAND...");
    exec_command->positionals_at_end();
    auto* inspect_command = app.add_subcommand(
        "inspect", "Print what a pod's containers were given: devices, mounts, variables, hooks");
    inspect_command->add_option("-n,--namespace", arguments.ns, "Namespace of the pod")
        ->capture_default_str();
    inspect_command->add_option("pod", arguments.command, "POD");
    CLI11_PARSE(app, argc, argv);
    signal(SIGPIPE, SIG_IGN);
    if (app.got_subcommand("up")) return up(arguments);
    if (app.got_subcommand("down")) return down(arguments);
    if (app.got_subcommand("status")) return status(arguments);
    if (app.got_subcommand("kubeconfig")) return kubeconfig(arguments);
    if (app.got_subcommand("inspect")) return inspect(arguments);
    return exec(std::move(arguments));
}
