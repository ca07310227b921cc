// SPDX-License-Identifier: Apache-2.0
#include "tools/local/kubelet/kubelet.hpp"

#include <sys/utsname.h>

#include <utility>

#include "host/model/log.hpp"
#include "host/model/time.hpp"

namespace knd::local {
namespace {

/// The release whose behaviour is shown.
constexpr std::string_view kKubernetesVersion = "v1.36.0";

Json ready_condition(const std::string& now) {
    return {{"type", "Ready"},          {"status", "True"},
            {"reason", "KubeletReady"}, {"message", "kubelet is posting ready status"},
            {"lastHeartbeatTime", now}, {"lastTransitionTime", now}};
}

Json node_info() {
    utsname system{};
    uname(&system);
    return {{"kubeletVersion", kKubernetesVersion},
            {"kubeProxyVersion", ""},
            {"containerRuntimeVersion", std::string("knd-local://") + KND_VERSION},
            {"kernelVersion", system.release},
            {"osImage", "knd-local"},
            {"operatingSystem", "linux"},
            {"architecture", "amd64"},
            {"machineID", ""},
            {"systemUUID", ""},
            {"bootID", ""}};
}

}  // namespace

Result<std::unique_ptr<Kubelet>> Kubelet::open(boost::asio::io_context& io, api::Store& store,
                                               ContainerRuntime& runtime, KubeletOptions options) {
    std::unique_ptr<Kubelet> kubelet(new Kubelet(io, store, runtime, std::move(options)));
    KND_TRY(kubelet->start());
    return kubelet;
}

Kubelet::Kubelet(boost::asio::io_context& io, api::Store& store, ContainerRuntime& runtime,
                 KubeletOptions options)
    : io_(io),
      store_(store),
      runtime_(runtime),
      options_(std::move(options)),
      events_(store, "kubelet", options_.node) {}

Kubelet::~Kubelet() {
    runtime_.on_container_exit(nullptr);
}

Result<> Kubelet::start() {
    KND_TRY(register_node());
    // Drivers have to publish anew after a kubelet start; one that is alive notices the deletions.
    wipe_slices("");
    PluginManager::Options plugins;
    plugins.registry = options_.registry;
    KND_TRY_ASSIGN(plugins_,
                   PluginManager::open(io_, std::move(plugins),
                                       [this](const auto& driver) { driver_changed(driver); }));
    KND_TRY_ASSIGN(claims_, ClaimManager::open(options_.checkpoint, store_, *plugins_));
    context_.reset(new PodContext{io_, store_, runtime_, *claims_, events_, options_.ip,
                                  options_.retry, options_.crash_delay, options_.crash_limit,
                                  options_.resync});
    runtime_.on_container_exit([this](const std::string& uid) {
        if (const auto worker = workers_.find(uid); worker != workers_.end())
            worker->second->poke();
    });
    auto watch = store_.watch(api::Resource::kPods, 0,
                              [this](const api::Event& event) { pod_changed(event); });
    if (!watch.ok()) return watch.error().error();
    watch_ = *std::move(watch);
    take_down_orphans();
    return {};
}

Json Kubelet::node_object() const {
    Json labels = {{"kubernetes.io/hostname", options_.node},
                   {"kubernetes.io/os", "linux"},
                   {"kubernetes.io/arch", "amd64"},
                   {"beta.kubernetes.io/os", "linux"},
                   {"beta.kubernetes.io/arch", "amd64"}};
    if (options_.control_plane) labels["node-role.kubernetes.io/control-plane"] = "";
    for (const auto& [key, value] : options_.labels)
        labels[key] = value;
    Json spec = {{"podCIDR", options_.pod_cidr}, {"podCIDRs", {options_.pod_cidr}}};
    if (options_.control_plane)
        spec["taints"] = {
            {{"key", "node-role.kubernetes.io/control-plane"}, {"effect", "NoSchedule"}}};
    return {{"metadata", {{"name", options_.node}, {"labels", labels}}}, {"spec", spec}};
}

Result<> Kubelet::register_node() {
    if (!store_.get(api::Resource::kNodes, "", options_.node).ok()) {
        auto created = store_.create(api::Resource::kNodes, "", node_object());
        if (!created.ok()) return created.error().error().wrap("node " + options_.node);
    }
    const auto now = rfc3339_now();
    const Json amounts = {{"cpu", "1"}, {"memory", "1Gi"}, {"pods", "110"}};
    const Json status = {{"addresses",
                          {{{"type", "InternalIP"}, {"address", options_.ip}},
                           {{"type", "Hostname"}, {"address", options_.node}}}},
                         {"conditions", Json::array({ready_condition(now)})},
                         {"capacity", amounts},
                         {"allocatable", amounts},
                         {"nodeInfo", node_info()}};
    api::WriteOptions options;
    options.subresource = "status";
    options.field_manager = "kubelet";
    auto written = store_.modify(
        api::Resource::kNodes, "", options_.node,
        [&](const Json& stored) -> api::Answer<Json> {
            Json changed = stored;
            changed["status"] = status;
            // Ready since the first start: a node does not become ready by being seen again.
            const auto& before = json_path(stored, {"status", "conditions"});
            if (!before.empty()) changed["status"]["conditions"] = before;
            return changed;
        },
        options);
    if (!written.ok()) return written.error().error().wrap("node " + options_.node);
    return {};
}

void Kubelet::pod_changed(const api::Event& event) {
    const Json& pod = *event.object;
    if (json_string(json_at(pod, "spec"), "nodeName") != options_.node) return;
    const auto uid = json_string(json_at(pod, "metadata"), "uid");
    const auto worker = workers_.find(uid);
    if (event.type == api::EventType::kDeleted) {
        if (worker != workers_.end()) worker->second->object_deleted();
    } else if (worker != workers_.end()) {
        worker->second->update(pod);
    } else {
        add_worker(uid, pod, true);
    }
}

void Kubelet::add_worker(const std::string& uid, Json pod, bool exists) {
    workers_[uid] = std::make_unique<PodWorker>(*context_, std::move(pod), exists,
                                                [this, uid] { workers_.erase(uid); });
}

/// Pods whose object was deleted while nobody looked: their sandboxes, and their claims.
void Kubelet::take_down_orphans() {
    std::map<std::string, Json> orphans;
    for (const auto& uid : claims_->pods())
        orphans[uid] = {{"metadata", {{"uid", uid}, {"name", "unknown"}}}};
    for (const auto& sandbox : runtime_.sandboxes())
        orphans[sandbox.pod_uid] = {
            {"metadata",
             {{"uid", sandbox.pod_uid}, {"name", sandbox.name}, {"namespace", sandbox.ns}}}};
    for (const auto& pod : store_.list(api::Resource::kPods))
        orphans.erase(json_string(json_at(*pod, "metadata"), "uid"));
    for (auto& [uid, pod] : orphans)
        add_worker(uid, std::move(pod), false);
}

void Kubelet::driver_changed(const std::string& driver) {
    if (plugins_->usable(driver)) {
        wipe_timers_.erase(driver);
        for (const auto& [uid, worker] : workers_)
            worker->poke();
        return;
    }
    if (wipe_timers_.contains(driver)) return;
    auto& timer = wipe_timers_.try_emplace(driver, io_, options_.wipe_delay).first->second;
    timer.async_wait([this, driver](const boost::system::error_code& error) {
        if (error || plugins_->usable(driver)) return;
        log::info("the slices of a driver that is gone are deleted",
                  {{"node", options_.node}, {"backend", driver}});
        wipe_timers_.erase(driver);
        wipe_slices(driver);
    });
}

void Kubelet::wipe_slices(const std::string& driver) {
    for (const auto& slice : store_.list(api::Resource::kResourceSlices)) {
        const auto& spec = json_at(*slice, "spec");
        if (json_string(spec, "nodeName") != options_.node) continue;
        if (!driver.empty() && json_string(spec, "driver") != driver) continue;
        const auto removed = store_.remove(api::Resource::kResourceSlices, "",
                                           json_string(json_at(*slice, "metadata"), "name"));
        if (!removed.ok())
            log::warn("a slice was not deleted",
                      {{"node", options_.node}, {"error", removed.error().message}});
    }
}

}  // namespace knd::local
