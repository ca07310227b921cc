// SPDX-License-Identifier: Apache-2.0
//
// The kubeconfig format.
#include <cctype>
#include <cstdint>

#include "host/kube/config.hpp"
#include "host/model/json_field.hpp"
#include "host/model/text_file.hpp"
#include "host/model/yaml.hpp"

namespace knd::kube {
namespace {

namespace fs = std::filesystem;

/// The entry of `list` whose name is `name`.
Result<const Json*> named(const Json& root, const char* list, const std::string& name) {
    const auto& entries = json_at(root, list);
    if (entries.is_array()) {
        for (const auto& entry : entries) {
            if (json_string(entry, "name") == name) return &entry;
        }
    }
    return Error(Code::kInvalidArgument, std::string(list) + " has no entry \"" + name + "\"");
}

int base64_digit(char c) {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    if (c == '+') return 62;
    return c == '/' ? 63 : -1;
}

Result<std::string> decode_base64(std::string_view text, const char* key) {
    std::string out;
    out.reserve(text.size() / 4 * 3);
    std::uint32_t bits = 0;
    int count = 0;
    for (const char c : text) {
        if (c == '=' || std::isspace(static_cast<unsigned char>(c)) != 0) continue;
        const int digit = base64_digit(c);
        if (digit < 0) return Error(Code::kInvalidArgument, std::string(key) + " is not base64");
        bits = bits << 6 | static_cast<std::uint32_t>(digit);
        if ((count += 6) < 8) continue;
        count -= 8;
        out += static_cast<char>(bits >> count & 0xff);
    }
    return out;
}

std::string relative_to(const fs::path& base, const std::string& file) {
    return file.empty() || fs::path(file).is_absolute() ? file : (base / file).string();
}

/// `key`-data or the file named by `key`.
Result<Secret> secret_at(const JsonField& field, const std::string& key, const fs::path& base) {
    Secret secret;
    const auto data_key = key + "-data";
    KND_TRY_ASSIGN(const auto data, field[data_key].text());
    if (!data.empty()) {
        KND_TRY_ASSIGN(secret.data, decode_base64(data, data_key.c_str()));
        return secret;
    }
    KND_TRY_ASSIGN(secret.file, field[key].text());
    secret.file = relative_to(base, secret.file);
    return secret;
}

Result<> read_cluster(const JsonField& cluster, const fs::path& base, Config& config) {
    KND_TRY_ASSIGN(config.server, cluster["server"].text());
    while (!config.server.empty() && config.server.back() == '/')
        config.server.pop_back();
    if (!config.server.starts_with("https://") && !config.server.starts_with("http://"))
        return Error(Code::kInvalidArgument,
                     "server is \"" + config.server + "\", it must start with https:// or http://");
    KND_TRY_ASSIGN(config.tls_server_name, cluster["tls-server-name"].text());
    KND_TRY_ASSIGN(config.proxy_url, cluster["proxy-url"].text());
    KND_TRY_ASSIGN(config.insecure_skip_tls_verify, cluster["insecure-skip-tls-verify"].boolean());
    KND_TRY_ASSIGN(config.ca, secret_at(cluster, "certificate-authority", base));
    return {};
}

Result<> read_user(const JsonField& user, const fs::path& base, Config& config) {
    for (const char* helper : {"exec", "auth-provider"}) {
        if (!user[helper].present()) continue;
        return Error(Code::kUnimplemented,
                     std::string("the user has an `") + helper +
                         "` section; a daemon does not run login programs: use a token file or a "
                         "client certificate, as a service account has");
    }
    if (user["username"].present())
        return Error(Code::kUnimplemented,
                     "the user has a password; Kubernetes no longer accepts those, use a token");
    KND_TRY_ASSIGN(const auto token_file, user["tokenFile"].text());
    config.token.file = relative_to(base, token_file);
    KND_TRY_ASSIGN(config.token.data, user["token"].text());
    KND_TRY_ASSIGN(config.client_cert, secret_at(user, "client-certificate", base));
    KND_TRY_ASSIGN(config.client_key, secret_at(user, "client-key", base));
    return {};
}

Result<Config> read_root(const Json& root, const fs::path& base, std::string context) {
    if (!root.is_object()) return Error(Code::kInvalidArgument, "it is not a kubeconfig document");
    if (context.empty()) context = json_string(root, "current-context");
    if (context.empty()) return Error(Code::kInvalidArgument, "current-context is not set");
    KND_TRY_ASSIGN(const auto* chosen, named(root, "contexts", context));
    const JsonField names(json_at(*chosen, "context"), "context");
    KND_TRY_ASSIGN(const auto cluster_name, names["cluster"].text());
    KND_TRY_ASSIGN(const auto user_name, names["user"].text());
    KND_TRY_ASSIGN(const auto* cluster, named(root, "clusters", cluster_name));
    Config config;
    KND_TRY(read_cluster(JsonField(json_at(*cluster, "cluster"), "cluster"), base, config));
    if (user_name.empty()) return config;
    KND_TRY_ASSIGN(const auto* user, named(root, "users", user_name));
    KND_TRY(read_user(JsonField(json_at(*user, "user"), "user"), base, config));
    return config;
}

}  // namespace

Result<Config> Config::from_kubeconfig(const fs::path& path, std::string_view context) {
    const auto where = "kubeconfig " + path.string();
    auto text = read_text_file(path.string());
    if (!text.ok()) return std::move(text).error().wrap("kubeconfig");
    KND_TRY_ASSIGN(const auto root, parse_yaml(*text).wrap(where));
    return read_root(root, path.parent_path(), std::string(context)).wrap(where);
}

}  // namespace knd::kube
