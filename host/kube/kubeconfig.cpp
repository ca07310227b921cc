// SPDX-License-Identifier: Apache-2.0
//
// The kubeconfig format. The only file with yaml-cpp in it, whose exceptions end here.
#include <yaml-cpp/yaml.h>

#include <cctype>
#include <cstdint>

#include "host/kube/config.hpp"

namespace knd::kube {
namespace {

namespace fs = std::filesystem;

std::string text_at(const YAML::Node& node, const char* key) {
    if (!node.IsMap()) return {};
    const auto value = node[key];
    return value && value.IsScalar() ? value.Scalar() : std::string();
}

/// The map called `inner` of the entry of `list` whose name is `name`.
Result<YAML::Node> named(const YAML::Node& root, const char* list, const std::string& name,
                         const char* inner) {
    const auto entries = root[list];
    if (entries && entries.IsSequence()) {
        for (const auto& entry : entries) {
            if (text_at(entry, "name") != name) continue;
            const auto found = entry[inner];
            if (found && found.IsMap()) return YAML::Node(found);
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
Result<Secret> secret_at(const YAML::Node& node, const std::string& key, const fs::path& base) {
    Secret secret;
    const auto data_key = key + "-data";
    const auto data = text_at(node, data_key.c_str());
    if (!data.empty()) {
        KND_TRY_ASSIGN(secret.data, decode_base64(data, data_key.c_str()));
        return secret;
    }
    secret.file = relative_to(base, text_at(node, key.c_str()));
    return secret;
}

Result<> read_cluster(const YAML::Node& cluster, const fs::path& base, Config& config) {
    config.server = text_at(cluster, "server");
    while (!config.server.empty() && config.server.back() == '/')
        config.server.pop_back();
    if (!config.server.starts_with("https://") && !config.server.starts_with("http://"))
        return Error(Code::kInvalidArgument,
                     "server is \"" + config.server + "\", it must start with https:// or http://");
    config.tls_server_name = text_at(cluster, "tls-server-name");
    config.proxy_url = text_at(cluster, "proxy-url");
    config.insecure_skip_tls_verify = text_at(cluster, "insecure-skip-tls-verify") == "true";
    KND_TRY_ASSIGN(config.ca, secret_at(cluster, "certificate-authority", base));
    return {};
}

Result<> read_user(const YAML::Node& user, const fs::path& base, Config& config) {
    for (const char* helper : {"exec", "auth-provider"}) {
        if (!user[helper]) continue;
        return Error(Code::kUnimplemented,
                     std::string("the user has an `") + helper +
                         "` section; a daemon does not run login programs: use a token file or a "
                         "client certificate, as a service account has");
    }
    if (user["username"])
        return Error(Code::kUnimplemented,
                     "the user has a password; Kubernetes no longer accepts those, use a token");
    config.token.file = relative_to(base, text_at(user, "tokenFile"));
    config.token.data = text_at(user, "token");
    KND_TRY_ASSIGN(config.client_cert, secret_at(user, "client-certificate", base));
    KND_TRY_ASSIGN(config.client_key, secret_at(user, "client-key", base));
    return {};
}

Result<Config> read_root(const YAML::Node& root, const fs::path& base, std::string context) {
    if (!root.IsMap()) return Error(Code::kInvalidArgument, "it is not a kubeconfig document");
    if (context.empty()) context = text_at(root, "current-context");
    if (context.empty()) return Error(Code::kInvalidArgument, "current-context is not set");
    KND_TRY_ASSIGN(auto chosen, named(root, "contexts", context, "context"));
    KND_TRY_ASSIGN(auto cluster, named(root, "clusters", text_at(chosen, "cluster"), "cluster"));
    Config config;
    KND_TRY(read_cluster(cluster, base, config));
    const auto user_name = text_at(chosen, "user");
    if (user_name.empty()) return config;
    KND_TRY_ASSIGN(auto user, named(root, "users", user_name, "user"));
    KND_TRY(read_user(user, base, config));
    return config;
}

}  // namespace

Result<Config> Config::from_kubeconfig(const fs::path& path, std::string_view context) {
    const auto where = "kubeconfig " + path.string();
    try {
        const auto root = YAML::LoadFile(path.string());
        return read_root(root, path.parent_path(), std::string(context)).wrap(where);
    } catch (const YAML::BadFile&) {
        return Error(Code::kNotFound, where + ": cannot be read");
    } catch (const YAML::Exception& e) {
        return Error(Code::kInvalidArgument, where + ": " + e.what());
    }
}

}  // namespace knd::kube
