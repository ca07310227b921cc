// SPDX-License-Identifier: Apache-2.0
#include "host/config/config.hpp"

#include <algorithm>
#include <functional>
#include <set>
#include <sstream>

// The packaged library throws; compiled in here, the parser answers with a result instead.
#define TOML_HEADER_ONLY 1
#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

#include "host/model/log.hpp"
#include "host/model/nearest.hpp"
#include "host/model/text.hpp"
#include "host/model/text_file.hpp"

namespace knd {
namespace {

/// One key of the file: where it lands, and how to read and print it.
struct Key {
    std::string path;
    /// Stores the node's value; an error says what is allowed.
    std::function<Result<void>(Config&, const toml::node&)> set;
    std::function<std::string(const Config&)> print;
};

Error bad_value(const std::string& allowed) {
    return {Code::kInvalidArgument, "must be " + allowed};
}

std::string quoted(const std::string& text) {
    std::ostringstream out;
    out << toml::value<std::string>(text);
    return out.str();
}

template <class Section>
Key text_key(std::string path, Section Config::*section, std::string Section::*field) {
    return {std::move(path),
            [=](Config& c, const toml::node& node) -> Result<void> {
                const auto value = node.value_exact<std::string>();
                if (!value) return bad_value("a string");
                c.*section.*field = *value;
                return {};
            },
            [=](const Config& c) { return quoted(c.*section.*field); }};
}

template <class Section>
Key int_key(std::string path, Section Config::*section, int Section::*field, int low, int high) {
    return {std::move(path),
            [=](Config& c, const toml::node& node) -> Result<void> {
                const auto value = node.value_exact<std::int64_t>();
                if (!value || *value < low || *value > high) {
                    return bad_value("a whole number from " + std::to_string(low) + " to " +
                                     std::to_string(high));
                }
                c.*section.*field = static_cast<int>(*value);
                return {};
            },
            [=](const Config& c) { return std::to_string(c.*section.*field); }};
}

template <class Section>
Key bool_key(std::string path, Section Config::*section, bool Section::*field) {
    return {std::move(path),
            [=](Config& c, const toml::node& node) -> Result<void> {
                const auto value = node.value_exact<bool>();
                if (!value) return bad_value("true or false");
                c.*section.*field = *value;
                return {};
            },
            [=](const Config& c) { return c.*section.*field ? "true" : "false"; }};
}

template <class Section, class Enum>
Key choice_key(std::string path, Section Config::*section, Enum Section::*field,
               std::vector<std::pair<std::string, Enum>> choices) {
    return {std::move(path),
            [=](Config& c, const toml::node& node) -> Result<void> {
                const auto value = node.value_exact<std::string>();
                std::string allowed;
                for (const auto& [name, choice] : choices) {
                    if (value && *value == name) {
                        c.*section.*field = choice;
                        return {};
                    }
                    allowed += (allowed.empty() ? "\"" : " or \"") + name + "\"";
                }
                return bad_value(allowed);
            },
            [=](const Config& c) {
                for (const auto& [name, choice] : choices) {
                    if (c.*section.*field == choice) return quoted(name);
                }
                return std::string();
            }};
}

Key taint_key(std::string path, HealthTaint HealthConfig::*field) {
    return choice_key(
        std::move(path), &Config::health, field,
        std::vector<std::pair<std::string, HealthTaint>>{{"none", HealthTaint::kNone},
                                                         {"NoSchedule", HealthTaint::kNoSchedule},
                                                         {"NoExecute", HealthTaint::kNoExecute}});
}

std::vector<Key> make_keys() {
    using C = Config;
    std::vector<Key> keys = {
        text_key("driver.name", &C::driver, &DriverConfig::name),
        text_key("driver.node", &C::driver, &DriverConfig::node),
        text_key("driver.pool", &C::driver, &DriverConfig::pool),
        text_key("kubernetes.kubeconfig", &C::kubernetes, &KubernetesConfig::kubeconfig),
        int_key("kubernetes.request_timeout_ms", &C::kubernetes,
                &KubernetesConfig::request_timeout_ms, 100, 60000),
        text_key("kubelet.registry_dir", &C::kubelet, &KubeletConfig::registry_dir),
        text_key("kubelet.plugin_dir", &C::kubelet, &KubeletConfig::plugin_dir),
        text_key("nri.socket", &C::nri, &NriConfig::socket),
        text_key("nri.index", &C::nri, &NriConfig::index),
        int_key("nri.budget_ms", &C::nri, &NriConfig::budget_ms, 100, 60000),
        choice_key("nri.cdi", &C::nri, &NriConfig::cdi,
                   std::vector<std::pair<std::string, CdiMode>>{
                       {"auto", CdiMode::kAuto}, {"on", CdiMode::kOn}, {"off", CdiMode::kOff}}),
        choice_key("nri.without_cdi", &C::nri, &NriConfig::without_cdi,
                   std::vector<std::pair<std::string, WithoutCdi>>{{"refuse", WithoutCdi::kRefuse},
                                                                   {"all", WithoutCdi::kAll}}),
        choice_key("attach.mode", &C::attach, &AttachConfig::mode,
                   std::vector<std::pair<std::string, AttachMode>>{{"async", AttachMode::kAsync},
                                                                   {"sync", AttachMode::kSync}}),
        choice_key("attach.missed", &C::attach, &AttachConfig::missed,
                   std::vector<std::pair<std::string, LateAttach>>{{"attach", LateAttach::kAttach},
                                                                   {"fail", LateAttach::kFail}}),
        int_key("attach.workers", &C::attach, &AttachConfig::workers, 1, 64),
        text_key("gate.path", &C::gate, &GateConfig::path),
        int_key("gate.timeout_ms", &C::gate, &GateConfig::timeout_ms, 100, 60000),
        bool_key("claims.metadata", &C::claims, &ClaimConfig::metadata),
        text_key("paths.backends", &C::paths, &PathConfig::backends),
        text_key("paths.journal", &C::paths, &PathConfig::journal),
        text_key("paths.run", &C::paths, &PathConfig::run),
        text_key("paths.cdi", &C::paths, &PathConfig::cdi),
        text_key("paths.control", &C::paths, &PathConfig::control),
        text_key("inventory.filter", &C::inventory, &InventoryConfig::filter),
        bool_key("inventory.protect_uplink", &C::inventory, &InventoryConfig::protect_uplink),
        int_key("inventory.resync_s", &C::inventory, &InventoryConfig::resync_s, 1, 86400),
        int_key("publish.repair_delay_ms", &C::publish, &PublishConfig::repair_delay_ms, 0, 600000),
        int_key("publish.min_interval_ms", &C::publish, &PublishConfig::min_interval_ms, 0, 600000),
        choice_key("publish.without_counters", &C::publish, &PublishConfig::without_counters,
                   std::vector<std::pair<std::string, WithoutCounters>>{
                       {"parts", WithoutCounters::kParts}, {"whole", WithoutCounters::kWhole}}),
        taint_key("health.unhealthy", &HealthConfig::unhealthy),
        taint_key("health.unknown", &HealthConfig::unknown),
        text_key("http.listen", &C::http, &HttpConfig::listen),
        text_key("log.level", &C::log, &LogConfig::level),
    };
    return keys;
}

std::string location(const std::string& origin, const toml::node& node) {
    const auto line = node.source().begin.line;
    return line == 0 ? origin : origin + ":" + std::to_string(line);
}

Json to_json_value(const toml::node& node) {
    if (const auto* table = node.as_table()) {
        Json object = Json::object();
        for (const auto& [key, value] : *table)
            object[std::string(key)] = to_json_value(value);
        return object;
    }
    if (const auto* array = node.as_array()) {
        Json list = Json::array();
        for (const auto& value : *array)
            list.push_back(to_json_value(value));
        return list;
    }
    if (const auto value = node.value_exact<std::string>()) return *value;
    if (const auto value = node.value_exact<std::int64_t>()) return *value;
    if (const auto value = node.value_exact<bool>()) return *value;
    if (const auto value = node.value_exact<double>()) return *value;
    std::ostringstream text;  // dates and times: backends see them as text
    node.visit([&](const auto& leaf) { text << leaf; });
    return text.str();
}

/// Everything wrong in one file, so that a user repairs it in one go.
class Reader {
  public:
    Reader(std::string origin, Config& config)
        : origin_(std::move(origin)), config_(config), keys_(make_keys()) {
        for (const auto& key : keys_) {
            names_.push_back(key.path);
            sections_.insert(key.path.substr(0, key.path.find('.')));
        }
    }

    Result<void> read(const toml::table& root) {
        for (const auto& [name, node] : root) {
            if (name == "backend") {
                read_backends(node);
            } else if (const auto* table = node.as_table();
                       table && sections_.contains(std::string(name))) {
                read_section(std::string(name), *table);
            } else {
                unknown(std::string(name), node, section_names());
            }
        }
        if (problems_.empty()) return {};
        return Error(Code::kInvalidArgument, std::move(problems_));
    }

  private:
    void problem(const toml::node& node, const std::string& text) {
        problems_ += (problems_.empty() ? "" : "\n") + location(origin_, node) + ": " + text;
    }

    void unknown(const std::string& path, const toml::node& node,
                 const std::vector<std::string>& candidates) {
        problem(node, "unknown key `" + path + "`" + did_you_mean(path, candidates));
    }

    std::vector<std::string> section_names() const {
        std::vector<std::string> names(sections_.begin(), sections_.end());
        names.emplace_back("backend");
        return names;
    }

    void read_section(const std::string& section, const toml::table& table) {
        for (const auto& [name, node] : table) {
            const auto path = section + "." + std::string(name);
            const auto key = std::find_if(keys_.begin(), keys_.end(),
                                          [&](const Key& k) { return k.path == path; });
            if (key == keys_.end()) {
                unknown(path, node, names_);
            } else if (auto set = key->set(config_, node); !set) {
                problem(node, "`" + path + "` " + set.error().message());
            }
        }
    }

    void read_backends(const toml::node& node) {
        const auto* list = node.as_array();
        if (list == nullptr || (!list->empty() && !list->is_array_of_tables())) {
            problem(node, "`backend` must be a list of tables: write [[backend]]");
            return;
        }
        for (const auto& entry : *list)
            read_backend(*entry.as_table());
    }

    void read_backend(const toml::table& table) {
        BackendConfig backend;
        backend.config = Json::object();
        for (const auto& [name, node] : table) {
            const std::string key(name);
            std::string* target = key == "name"      ? &backend.name
                                  : key == "library" ? &backend.library
                                  : key == "sha256"  ? &backend.sha256
                                                     : nullptr;
            if (target != nullptr) {
                const auto value = node.value_exact<std::string>();
                if (!value) problem(node, "`backend." + key + "` must be a string");
                *target = value.value_or("");
            } else if (key == "config" && node.is_table()) {
                backend.config = to_json_value(node);
            } else if (key == "config") {
                problem(node, "`backend.config` must be a table");
            } else {
                unknown("backend." + key, node,
                        {"backend.name", "backend.library", "backend.sha256", "backend.config"});
            }
        }
        check_backend(table, backend);
        config_.backends.push_back(std::move(backend));
    }

    void check_backend(const toml::table& table, const BackendConfig& backend) {
        if (backend.name.empty()) problem(table, "a [[backend]] needs a `name`");
        if (backend.library.empty()) {
            problem(table, "backend `" + backend.name +
                               "` needs a `library`, for example "
                               "\"knd-netdev.so\"");
        }
        for (const auto& other : config_.backends) {
            if (other.name == backend.name) {
                problem(table, "backend name `" + backend.name + "` is used twice");
            }
        }
    }

    std::string origin_;
    Config& config_;
    std::vector<Key> keys_;
    std::vector<std::string> names_;
    std::set<std::string> sections_;
    std::string problems_;
};

bool is_dns_subdomain(const std::string& name) {
    if (name.empty() || name.size() > 63) return false;
    bool label_start = true;
    for (std::size_t i = 0; i < name.size(); ++i) {
        const char c = name[i];
        const bool alnum = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        const bool label_end = i + 1 == name.size() || name[i + 1] == '.';
        if (c == '.' ? label_start : !(alnum || (c == '-' && !label_start && !label_end))) {
            return false;
        }
        label_start = c == '.';
    }
    return !label_start;
}

Result<void> check(const Config& config, const std::string& origin) {
    const auto fail = [&](const std::string& text) {
        return Error(Code::kInvalidArgument, origin + ": " + text);
    };
    if (!is_dns_subdomain(config.driver.name)) {
        return fail(
            "`driver.name` must be a DNS name in lower case of at most 63 characters, not \"" +
            config.driver.name + "\"");
    }
    if (config.nri.index.size() != 2 || !std::isdigit(config.nri.index[0]) ||
        !std::isdigit(config.nri.index[1])) {
        return fail("`nri.index` must be two digits, not \"" + config.nri.index + "\"");
    }
    if (config.log.level != "debug" && config.log.level != "info" && config.log.level != "warn" &&
        config.log.level != "error" && config.log.level != "off") {
        return fail("`log.level` must be debug, info, warn, error or off, not \"" +
                    config.log.level + "\"");
    }
    for (const auto& [key, path] : {std::pair{"paths.backends", &config.paths.backends},
                                    {"paths.journal", &config.paths.journal},
                                    {"paths.run", &config.paths.run},
                                    {"paths.cdi", &config.paths.cdi},
                                    {"paths.control", &config.paths.control},
                                    {"gate.path", &config.gate.path},
                                    {"nri.socket", &config.nri.socket},
                                    {"kubelet.registry_dir", &config.kubelet.registry_dir},
                                    {"kubelet.plugin_dir", &config.kubelet.plugin_dir}}) {
        if (path->empty() || path->front() != '/') {
            return fail(std::string("`") + key + "` must be an absolute path, not \"" + *path +
                        "\"");
        }
    }
    return {};
}

}  // namespace

Result<Config> parse_config(std::string_view text, const std::string& origin) {
    const auto parsed = toml::parse(text, origin);
    if (!parsed) {
        const auto& error = parsed.error();
        return Error(Code::kInvalidArgument,
                     origin + ":" + std::to_string(error.source().begin.line) +
                         ": not valid TOML: " + std::string(error.description()));
    }
    Config config;
    KND_TRY(Reader(origin, config).read(parsed.table()));
    KND_TRY(check(config, origin));
    return config;
}

Result<Config> load_config(const std::string& path) {
    KND_TRY_ASSIGN(const auto text, read_text_file(path).wrap("cannot read configuration"));
    return parse_config(text, path);
}

std::vector<std::pair<std::string, std::string>> config_keys() {
    const Config defaults;
    std::vector<std::pair<std::string, std::string>> keys;
    for (const auto& key : make_keys())
        keys.emplace_back(key.path, key.print(defaults));
    return keys;
}

Result<void> resolve_config(Config& config, const std::string& node_name_from_env,
                            const std::string& host_name) {
    auto& node = config.driver.node;
    if (node.empty()) node = node_name_from_env.empty() ? host_name : node_name_from_env;
    if (node.empty()) {
        return Error(Code::kInvalidArgument,
                     "the node's name is not known: set `driver.node` or the variable NODE_NAME");
    }
    replace_all(config.driver.pool, "{node}", node);
    for (auto* path :
         {&config.kubelet.registry_dir, &config.kubelet.plugin_dir, &config.paths.journal,
          &config.paths.run, &config.paths.cdi, &config.paths.control, &config.nri.socket}) {
        replace_all(*path, "{node}", node);
        replace_all(*path, "{driver}", config.driver.name);
    }
    return {};
}

}  // namespace knd
