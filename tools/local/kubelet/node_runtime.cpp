// SPDX-License-Identifier: Apache-2.0
#include "tools/local/kubelet/node_runtime.hpp"

#include <signal.h>

#include <iterator>
#include <system_error>
#include <utility>

#include "host/model/log.hpp"
#include "host/model/text_file.hpp"
#include "host/model/time.hpp"
#include "tools/local/api/random.hpp"
#include "tools/local/kubelet/cdi.hpp"
#include "tools/local/support/rlimits.hpp"

namespace knd::local {
namespace {

constexpr std::string_view kTaskPrefix =
    "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc "
    "create failed: unable to start container process: error during container init";

PodSandbox nri_pod(const SandboxRecord& sandbox) {
    return {sandbox.id, sandbox.pod_uid, sandbox.ns, sandbox.name, sandbox.netns};
}

Container nri_container(const SandboxRecord& sandbox, const ContainerRecord& container) {
    return {.id = container.id,
            .sandbox_id = sandbox.id,
            .name = container.name,
            .create_runtime_hooks = container.hooks,
            .running = container.state == ContainerState::kRunning,
            .cdi_devices = container.cdi_devices};
}

/// Hooks are apart: those of CDI are told to plugins, and come first.
void take_edits(ContainerEdits edits, ContainerRecord& container) {
    const auto append = [](auto& from, auto& to) {
        to.insert(to.end(), std::make_move_iterator(from.begin()),
                  std::make_move_iterator(from.end()));
    };
    append(edits.create_runtime_hooks, container.hooks);
    append(edits.devices, container.devices);
    append(edits.mounts, container.mounts);
    append(edits.rlimits, container.rlimits);
    container.unified.insert(edits.unified.begin(), edits.unified.end());
    for (const auto& [name, value] : edits.env)
        container.env.push_back(name + "=" + value);
}

/// The error of an NRI plugin as the CRI client of containerd sees it.
Error nri_error(std::string_view context, const Error& error) {
    return {Code::kUnknown,
            std::string(context) + ": rpc error: code = Unknown desc = " + error.message()};
}

}  // namespace

Result<std::unique_ptr<NodeRuntime>> NodeRuntime::open(boost::asio::io_context& io,
                                                       NodeRuntimeOptions options,
                                                       PodNetwork& network) {
    std::unique_ptr<NodeRuntime> runtime(new NodeRuntime(io, std::move(options), network));
    KND_TRY(runtime->load());
    NodeRuntime& self = *runtime;
    KND_TRY_ASSIGN(runtime->nri_,
                   NriRuntime::open(io, self.options_.nri, [&self] { return self.inventory(); }));
    return runtime;
}

NodeRuntime::NodeRuntime(boost::asio::io_context& io, NodeRuntimeOptions options,
                         PodNetwork& network)
    : io_(io), options_(std::move(options)), network_(network) {}

Result<> NodeRuntime::load() {
    std::error_code error;
    std::filesystem::create_directories(options_.sandboxes, error);
    if (error) return Error::from_errno("create " + options_.sandboxes.string(), error.value());
    for (const auto& entry : std::filesystem::directory_iterator(options_.sandboxes, error)) {
        if (entry.path().extension() != ".json") continue;
        KND_TRY_ASSIGN(const auto text, read_text_file(entry.path()));
        auto json = parse_json(text);
        if (!json.ok()) return std::move(json).error().wrap(entry.path().string());
        auto sandbox = sandbox_from_json(*json);
        // A reboot leaves the records and takes the namespaces and processes.
        sandbox.ready =
            sandbox.ready && (sandbox.host_network || network_.adopt(sandbox.id, sandbox.ip));
        auto& stored = sandboxes_[sandbox.id] = std::move(sandbox);
        for (auto& container : stored.containers)
            adopt(stored, container);
        save_or_log(stored);
    }
    return {};
}

void NodeRuntime::adopt(SandboxRecord& sandbox, ContainerRecord& container) {
    if (container.state == ContainerState::kExited) return;
    const bool running = container.state == ContainerState::kRunning && sandbox.ready;
    if (running) {
        auto watch = ExitWatch::adopt(io_, container.process, [this, id = container.id](Exit exit) {
            container_ended(id, exit);
        });
        if (watch.ok()) {
            processes_[container.id].watch = *std::move(watch);
            return;
        }
    }
    // Also what was about to start: its hooks' verdict is lost, so it counts as not started.
    container.process.signal(SIGKILL);
    container.state = ContainerState::kExited;
    container.exit_code = 255;
    container.reason = "Unknown";
    container.finished = rfc3339_now();
}

Result<> NodeRuntime::save(const SandboxRecord& sandbox) const {
    return replace_text_file(options_.sandboxes / (sandbox.id + ".json"), to_text(to_json(sandbox)),
                             0600);
}

void NodeRuntime::save_or_log(const SandboxRecord& sandbox) const {
    if (auto saved = save(sandbox); !saved.ok())
        log::error("the record of a pod was not written",
                   {{"pod", sandbox.ns + "/" + sandbox.name}, {"error", saved.error().message()}});
}

SandboxRecord* NodeRuntime::find_sandbox(const std::string& id) {
    const auto found = sandboxes_.find(id);
    return found == sandboxes_.end() ? nullptr : &found->second;
}

NodeRuntime::Found NodeRuntime::find_container(const std::string& id) {
    for (auto& [sandbox_id, sandbox] : sandboxes_) {
        for (auto& container : sandbox.containers) {
            if (container.id == id) return {&sandbox, &container};
        }
    }
    return {};
}

NriRuntime::Inventory NodeRuntime::inventory() const {
    NriRuntime::Inventory all;
    for (const auto& [id, sandbox] : sandboxes_) {
        if (!sandbox.ready) continue;
        all.pods.push_back(nri_pod(sandbox));
        for (const auto& container : sandbox.containers) {
            if (container.state != ContainerState::kExited)
                all.containers.push_back(nri_container(sandbox, container));
        }
    }
    return all;
}

std::vector<SandboxRecord> NodeRuntime::sandboxes() const {
    std::vector<SandboxRecord> all;
    for (const auto& [id, sandbox] : sandboxes_) {
        all.push_back(sandbox);
        // A namespace can vanish under a pod. The record itself stays ready, so that the pod is
        // stopped like any other and plugins hear of it.
        all.back().ready =
            sandbox.ready && (sandbox.host_network || network_.adopt(id, sandbox.ip));
    }
    return all;
}

void NodeRuntime::on_container_exit(std::function<void(const std::string&)> callback) {
    exit_callback_ = std::move(callback);
}

Result<> NodeRuntime::join_network(SandboxRecord& sandbox) {
    if (sandbox.host_network) return {};
    KND_TRY_ASSIGN(auto attachment, network_.add(sandbox.id));
    sandbox.netns = attachment.netns;
    sandbox.ip = attachment.ip;
    return {};
}

Result<> NodeRuntime::leave_network(const SandboxRecord& sandbox) {
    if (sandbox.host_network) return {};
    return network_.remove(sandbox.id, sandbox.ip);
}

void NodeRuntime::run_sandbox(const PodRequest& pod, Done<std::string> done) {
    SandboxRecord sandbox;
    sandbox.id = api::random_id(64);
    sandbox.pod_uid = pod.uid;
    sandbox.ns = pod.ns;
    sandbox.name = pod.name;
    sandbox.host_network = pod.host_network;
    if (auto joined = join_network(sandbox); !joined.ok())
        return done(std::move(joined).error().wrap("failed to setup network for sandbox \"" +
                                                   sandbox.id + "\""));
    sandbox.ready = true;
    if (auto saved = save(sandbox); !saved.ok()) {
        (void)leave_network(sandbox);  // the first error is the one to tell
        return done(std::move(saved).error());
    }
    nri_->run_pod_sandbox(nri_pod(sandbox), [this, sandbox, done](Result<> answer) {
        if (answer.ok()) {
            sandboxes_[sandbox.id] = sandbox;
            return done(sandbox.id);
        }
        // As containerd: the sandbox is rolled back and plugins do not hear of it again.
        if (auto removed = leave_network(sandbox); !removed.ok())
            log::error("the network of a failed pod is left behind",
                       {{"netns", sandbox.netns.string()}, {"error", removed.error().message()}});
        std::error_code ignored;
        std::filesystem::remove(options_.sandboxes / (sandbox.id + ".json"), ignored);
        done(nri_error("NRI RunPodSandbox failed", answer.error()));
    });
}

void NodeRuntime::create_container(const std::string& sandbox_id, const ContainerRequest& request,
                                   Done<std::string> done) {
    const auto* sandbox = find_sandbox(sandbox_id);
    if (sandbox == nullptr || !sandbox->ready)
        return done(Error(Code::kNotFound, "sandbox \"" + sandbox_id + "\" is not running"));
    auto edits = resolve_cdi({options_.cdi}, request.cdi_ids);
    if (!edits.ok())
        return done(std::move(edits).error().wrap(
            "failed to create containerd container: CDI device injection failed"));
    ContainerRecord container;
    container.id = api::random_id(64);
    container.name = request.name;
    container.image = request.image;
    container.attempt = request.attempt;
    container.created = rfc3339_now();
    container.cdi_devices = request.cdi_ids;
    take_edits(*std::move(edits), container);
    nri_->create_container(
        nri_pod(*sandbox), nri_container(*sandbox, container),
        [this, sandbox_id, container, done](Result<ContainerEdits> adjusted) mutable {
            if (!adjusted.ok())
                return done(
                    nri_error("failed to create containerd container: failed to get NRI "
                              "adjustment for container",
                              adjusted.error()));
            auto* owner = find_sandbox(sandbox_id);
            if (owner == nullptr) return done(Error(Code::kNotFound, "the sandbox is gone"));
            take_edits(*std::move(adjusted), container);
            owner->containers.push_back(container);
            if (auto saved = save(*owner); !saved.ok()) {
                owner->containers.pop_back();
                return done(std::move(saved).error());
            }
            done(container.id);
        });
}

Result<HookContext> NodeRuntime::hook_context(const Found& found) const {
    const auto& container = *found.container;
    const auto& sandbox = *found.sandbox;
    const auto bundle = options_.sandboxes / sandbox.id / container.id;
    std::error_code error;
    std::filesystem::create_directories(bundle, error);
    if (error) return Error::from_errno("create " + bundle.string(), error.value());
    const std::string prefix = "io.kubernetes.cri.";
    const Json state = {{"ociVersion", "1.0.2-dev"},
                        {"id", container.id},
                        {"status", "creating"},
                        {"pid", container.process.pid},
                        {"bundle", bundle.string()},
                        {"annotations",
                         {{prefix + "container-name", container.name},
                          {prefix + "container-type", "container"},
                          {prefix + "image-name", container.image},
                          {prefix + "sandbox-id", sandbox.id},
                          {prefix + "sandbox-name", sandbox.name},
                          {prefix + "sandbox-namespace", sandbox.ns},
                          {prefix + "sandbox-uid", sandbox.pod_uid}}}};
    return HookContext{bundle, options_.node_netns, to_text(state)};
}

void NodeRuntime::start_container(const std::string& id, Done<> done) {
    const auto found = find_container(id);
    if (found.container == nullptr)
        return done(
            Error(Code::kNotFound, "container \"" + id + "\" in namespace \"k8s.io\": not found"));
    if (found.container->state != ContainerState::kCreated)
        return done(Error(Code::kFailedPrecondition,
                          "container is in CONTAINER_EXITED state: it cannot be started again"));
    SpawnOptions options;
    options.netns = found.sandbox->host_network ? options_.node_netns : found.sandbox->netns;
    auto child = spawn(options);
    if (!child.ok()) return start_failed(id, child.error(), done);
    found.container->process = child->id;
    processes_[id].watch = std::make_unique<ExitWatch>(
        io_, std::move(child->pidfd), [this, id](Exit exit) { container_ended(id, exit); });
    save_or_log(*found.sandbox);
    if (auto limited = set_rlimits(found.container->process.pid, found.container->rlimits);
        !limited.ok())
        return start_failed(id, limited.error(), done);
    auto context = hook_context(found);
    if (!context.ok()) return start_failed(id, context.error(), done);
    run_hooks(
        io_, found.container->hooks, *std::move(context),
        [this, alive = alive_, id, done](Result<> hooks) {
            if (!*alive) return;
            if (!hooks.ok()) return start_failed(id, hooks.error(), done);
            const auto ready = find_container(id);
            if (ready.container == nullptr || ready.container->state != ContainerState::kCreated)
                return done(Error(Code::kUnknown, "container ended while its hooks ran"));
            ready.container->state = ContainerState::kRunning;
            ready.container->started = rfc3339_now();
            save_or_log(*ready.sandbox);
            done({});
        });
}

void NodeRuntime::start_failed(const std::string& id, const Error& error, const Done<>& done) {
    const auto found = find_container(id);
    if (found.container == nullptr) return done(error);
    auto& container = *found.container;
    processes_.erase(id);
    end_process(container.process, std::chrono::milliseconds(0));
    const auto wrapped = error.wrap(kTaskPrefix);
    container.state = ContainerState::kExited;
    container.exit_code = 128;
    container.reason = "StartError";
    container.message = wrapped.message();
    container.finished = rfc3339_now();
    save_or_log(*found.sandbox);
    done(wrapped);
}

void NodeRuntime::container_ended(const std::string& id, Exit exit) {
    const auto found = find_container(id);
    if (found.container == nullptr) return;
    auto& container = *found.container;
    container.state = ContainerState::kExited;
    container.exit_code = exit.code;
    container.reason = exit.code == 0 ? "Completed" : "Error";
    container.finished = rfc3339_now();
    save_or_log(*found.sandbox);
    const auto process = processes_.extract(id);
    const auto pod_uid = found.sandbox->pod_uid;
    for (const auto& waiting : process.mapped().waiting)
        waiting({});
    if (exit_callback_) exit_callback_(pod_uid);
}

void NodeRuntime::stop_container(const std::string& id, std::chrono::milliseconds grace,
                                 Done<> done) {
    const auto found = find_container(id);
    const auto process = processes_.find(id);
    if (found.container == nullptr || process == processes_.end()) return done({});
    process->second.waiting.push_back(std::move(done));
    found.container->process.signal(SIGTERM);
    auto timer = std::make_shared<boost::asio::steady_timer>(io_, grace);
    timer->async_wait(
        [timer, target = found.container->process](const boost::system::error_code& error) {
            if (!error) target.signal(SIGKILL);
        });
}

/// As containerd: when plugins hear of the stop, all containers have ended. False when none is
/// left.
bool NodeRuntime::end_next_container(SandboxRecord& sandbox, const Done<>& done) {
    for (auto& container : sandbox.containers) {
        if (container.state == ContainerState::kExited) continue;
        if (processes_.contains(container.id)) {
            stop_container(container.id, std::chrono::milliseconds(0),
                           [this, alive = alive_, id = sandbox.id, done](Result<> stopped) {
                               if (!*alive) return;
                               if (!stopped.ok()) return done(std::move(stopped).error());
                               stop_sandbox(id, done);
                           });
            return true;
        }
        container.state = ContainerState::kExited;
        container.exit_code = 255;
        container.reason = "Unknown";
        container.finished = rfc3339_now();
    }
    return false;
}

void NodeRuntime::stop_sandbox(const std::string& id, Done<> done) {
    auto* sandbox = find_sandbox(id);
    if (sandbox == nullptr || !sandbox->ready) return done({});
    if (end_next_container(*sandbox, done)) return;
    if (options_.network_removed_before_stop) {
        if (auto removed = leave_network(*sandbox); !removed.ok())
            return done(std::move(removed).error().wrap("failed to destroy network for sandbox"));
    }
    nri_->stop_pod_sandbox(nri_pod(*sandbox), [this, id, done](Result<> answer) {
        // containerd only logs what a plugin has to say here.
        if (!answer.ok())
            log::warn("NRI StopPodSandbox failed",
                      {{"pod", id}, {"error", answer.error().message()}});
        network_gone(id, done);
    });
}

void NodeRuntime::network_gone(const std::string& id, const Done<>& done) {
    auto* sandbox = find_sandbox(id);
    if (sandbox == nullptr) return done({});
    if (auto removed = leave_network(*sandbox); !removed.ok())
        return done(std::move(removed).error().wrap("failed to destroy network for sandbox"));
    sandbox->ready = false;
    save_or_log(*sandbox);
    done({});
}

void NodeRuntime::remove_sandbox(const std::string& id, Done<> done) {
    const auto* sandbox = find_sandbox(id);
    if (sandbox == nullptr) return done({});
    nri_->remove_pod_sandbox(nri_pod(*sandbox), [this, id, done](Result<> answer) {
        if (!answer.ok())
            log::warn("NRI RemovePodSandbox failed",
                      {{"pod", id}, {"error", answer.error().message()}});
        sandboxes_.erase(id);
        std::error_code ignored;
        std::filesystem::remove(options_.sandboxes / (id + ".json"), ignored);
        std::filesystem::remove_all(options_.sandboxes / id, ignored);
        done({});
    });
}

}  // namespace knd::local
