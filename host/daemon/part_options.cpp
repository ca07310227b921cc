// SPDX-License-Identifier: Apache-2.0
#include "host/daemon/part_options.hpp"

#include <chrono>
#include <fstream>

namespace knd {
namespace {

using std::chrono::milliseconds;

std::string boot_id() {
    std::ifstream file("/proc/sys/kernel/random/boot_id");
    std::string id;
    std::getline(file, id);
    return id;
}

std::string taint_effect(HealthTaint taint) {
    switch (taint) {
        case HealthTaint::kNoSchedule:
            return "NoSchedule";
        case HealthTaint::kNoExecute:
            return "NoExecute";
        case HealthTaint::kNone:
            break;
    }
    return "none";
}

}  // namespace

plugin::PluginOptions plugin_options(const Config& config) {
    plugin::PluginOptions options;
    options.directory = config.paths.backends;
    options.domain = config.driver.name;
    options.run_directory = config.paths.run;
    options.node = config.driver.node;
    return options;
}

Inventory::Options inventory_options(const Config& config, DeviceFilter filter) {
    Inventory::Options options;
    options.pool = config.driver.pool;
    for (const auto& backend : config.backends)
        options.backends.push_back(backend.name);
    options.filter = std::move(filter);
    options.driver = config.driver.name;
    options.health = {taint_effect(config.health.unhealthy), taint_effect(config.health.unknown)};
    options.wholes_without_counters = config.publish.without_counters == WithoutCounters::kWhole;
    return options;
}

ClaimsOptions claims_options(const Config& config) {
    ClaimsOptions options;
    options.driver = config.driver.name;
    options.cdi_dir = config.paths.cdi;
    options.attach = config.attach;
    options.gate = config.gate;
    options.nri = config.nri;
    options.metadata = config.claims.metadata;
    options.run_dir = config.paths.run;
    options.hook_budget = milliseconds(config.nri.budget_ms);
    options.boot_id = boot_id();
    return options;
}

nri::PluginOptions nri_options(const Config& config) {
    nri::PluginOptions options;
    options.socket_path = config.nri.socket;
    options.name = config.driver.name;
    options.index = config.nri.index;
    options.budget = milliseconds(config.nri.budget_ms);
    return options;
}

dra::Server::Options server_options(const Config& config) {
    dra::Server::Options options;
    options.driver = config.driver.name;
    options.plugin_dir = config.kubelet.plugin_dir;
    options.registry_dir = config.kubelet.registry_dir;
    return options;
}

dra::Publisher::Options publisher_options(const Config& config) {
    dra::Publisher::Options options;
    options.driver = config.driver.name;
    options.node = config.driver.node;
    options.repair_delay = milliseconds(config.publish.repair_delay_ms);
    options.write_interval = milliseconds(config.publish.min_interval_ms);
    return options;
}

kube::Client::Options client_options(const Config& config) {
    kube::Client::Options options;
    options.timeout = milliseconds(config.kubernetes.request_timeout_ms);
    return options;
}

}  // namespace knd
