// SPDX-License-Identifier: Apache-2.0
//
// The daemon's configuration. configs/daemon.toml lists every key with its default and its meaning;
// a test holds the two equal.
#pragma once

#include <string>
#include <vector>

#include "host/model/json.hpp"

#include <knd/cpp/result.hpp>

namespace knd {

struct DriverConfig {
    std::string name = "knd.dev";  ///< DRA driver name and attribute domain
    std::string node;              ///< empty: $NODE_NAME, else the host name
    std::string pool = "{node}";   ///< {node} and {backend} are replaced
};

struct KubernetesConfig {
    std::string kubeconfig;  ///< empty: in-cluster service account
    int request_timeout_ms = 5000;
};

struct KubeletConfig {
    std::string registry_dir = "/var/lib/kubelet/plugins_registry";
    std::string plugin_dir = "/var/lib/kubelet/plugins/{driver}";
};

/// Whether the container runtime takes CDI devices from the kubelet.
enum class CdiMode { kAuto, kOn, kOff };
/// What containers get where the runtime does not tell which of them list a claim.
enum class WithoutCdi { kRefuse, kAll };

struct NriConfig {
    std::string socket = "/var/run/nri/nri.sock";
    std::string index = "50";
    int budget_ms = 1500;  ///< longest that one hook may take; the runtime cuts off at 2000
    CdiMode cdi = CdiMode::kAuto;
    WithoutCdi without_cdi = WithoutCdi::kRefuse;
};

enum class AttachMode { kAsync, kSync };
enum class LateAttach { kAttach, kFail };

struct AttachConfig {
    AttachMode mode = AttachMode::kAsync;
    /// What Synchronize does with a pod that runs without its device.
    LateAttach missed = LateAttach::kAttach;
    int workers = 4;
};

struct GateConfig {
    std::string path = "/usr/lib/knd/knd-gate";
    int timeout_ms = 5000;
};

struct ClaimConfig {
    bool metadata = true;  ///< what a container can read about its devices (KEP-5304)
};

struct PathConfig {
    std::string backends = "/usr/lib/knd/backends";
    std::string journal = "/var/lib/knd/journal.db";
    std::string run = "/run/knd";
    std::string cdi = "/var/run/cdi";
    std::string control = "/run/knd/kndd.sock";
};

struct InventoryConfig {
    /// CEL over `device`, the same environment as a DeviceClass selector. Empty: all devices.
    std::string filter;
    bool protect_uplink = true;
    int resync_s = 300;
};

/// What is offered of a device and its parts where the API server has no counters.
enum class WithoutCounters { kParts, kWhole };

struct PublishConfig {
    int repair_delay_ms = 5000;  ///< after a delete that was not ours
    int min_interval_ms = 2000;  ///< between two writes caused by flapping devices
    WithoutCounters without_counters = WithoutCounters::kParts;
};

/// How a device is tainted that is not healthy.
enum class HealthTaint { kNone, kNoSchedule, kNoExecute };

struct HealthConfig {
    HealthTaint unhealthy = HealthTaint::kNoSchedule;
    HealthTaint unknown = HealthTaint::kNone;
};

struct HttpConfig {
    std::string listen = "127.0.0.1:9177";  ///< empty: no metrics, no health
};

struct LogConfig {
    std::string level = "info";
};

struct BackendConfig {
    std::string name;
    std::string library;  ///< bare file name inside paths.backends
    std::string sha256;   ///< empty: not pinned
    Json config;          ///< [backend.config], handed to the library
};

struct Config {
    DriverConfig driver;
    KubernetesConfig kubernetes;
    KubeletConfig kubelet;
    NriConfig nri;
    AttachConfig attach;
    GateConfig gate;
    ClaimConfig claims;
    PathConfig paths;
    InventoryConfig inventory;
    PublishConfig publish;
    HealthConfig health;
    HttpConfig http;
    LogConfig log;
    std::vector<BackendConfig> backends;
};

/// Reads and checks a file. Errors say file, line, key, what was found and what is allowed; an
/// unknown key is an error that names the nearest known one.
Result<Config> load_config(const std::string& path);

/// The same for text; `origin` stands for the file name in errors.
Result<Config> parse_config(std::string_view text, const std::string& origin);

/// "driver.name" -> default as TOML text, for every key outside [[backend]]. For tests.
std::vector<std::pair<std::string, std::string>> config_keys();

/// Fills in the node's name and replaces {node} and {driver} in names and paths.
Result<void> resolve_config(Config& config, const std::string& node_name_from_env,
                            const std::string& host_name);

}  // namespace knd
