// SPDX-License-Identifier: Apache-2.0
#include "host/kube/config.hpp"

#include <cstdlib>

#include "host/model/log.hpp"
#include "host/model/text_file.hpp"

namespace knd::kube {
namespace {

std::string trimmed(std::string text) {
    const auto last = text.find_last_not_of(" \t\r\n");
    text.erase(last == std::string::npos ? 0 : last + 1);
    return text;
}

/// Good enough to tell a certificate or key from a half-written or foreign file.
bool looks_like_pem(std::string_view text) {
    const auto begin = text.find("-----BEGIN ");
    if (begin == std::string_view::npos) return false;
    const auto end = text.find("-----END ", begin);
    return end != std::string_view::npos && text.find("-----", end + 9) != std::string_view::npos;
}

Result<> check(std::string_view value, bool pem, const std::string& what) {
    if (value.empty()) return Error(Code::kInvalidArgument, what + " is empty");
    if (pem && !looks_like_pem(value))
        return Error(Code::kInvalidArgument, what + " holds no PEM block");
    return {};
}

Result<std::string> load_secret(const Secret& secret, bool pem, const std::string& what) {
    if (secret.empty()) return std::string();
    if (secret.file.empty()) {
        KND_TRY(check(secret.data, pem, what));
        return secret.data;
    }
    KND_TRY_ASSIGN(auto text, read_text_file(secret.file));
    if (!pem) text = trimmed(std::move(text));
    KND_TRY(check(text, pem, secret.file));
    return text;
}

}  // namespace

Result<Config> Config::in_cluster(const std::filesystem::path& dir) {
    const char* host = std::getenv("KUBERNETES_SERVICE_HOST");
    const char* port = std::getenv("KUBERNETES_SERVICE_PORT");
    if (host == nullptr || port == nullptr || *host == '\0' || *port == '\0')
        return Error(Code::kFailedPrecondition,
                     "no kubeconfig is configured and KUBERNETES_SERVICE_HOST and _PORT are not "
                     "set, as they are in a pod; set kube.kubeconfig");
    const std::string name(host);
    const bool ipv6 = name.find(':') != std::string::npos;
    Config config;
    config.server = "https://" + (ipv6 ? "[" + name + "]" : name) + ":" + port;
    config.token.file = dir / "token";
    config.ca.file = dir / "ca.crt";
    return config;
}

Result<Config> Config::load(const std::filesystem::path& path) {
    return path.empty() ? in_cluster() : from_kubeconfig(path);
}

Result<Credentials> Credentials::open(const Config& config) {
    Credentials made;
    made.ca_ = config.ca;
    made.token_ = config.token;
    made.client_cert_ = config.client_cert;
    made.client_key_ = config.client_key;
    KND_TRY_ASSIGN(made.set_.ca, load_secret(config.ca, true, "certificate-authority-data"));
    KND_TRY_ASSIGN(made.set_.token, load_secret(config.token, false, "token"));
    KND_TRY_ASSIGN(made.set_.client_cert,
                   load_secret(config.client_cert, true, "client-certificate-data"));
    KND_TRY_ASSIGN(made.set_.client_key, load_secret(config.client_key, true, "client-key-data"));
    made.read_at_ = Clock::now();
    return made;
}

const CredentialSet& Credentials::current(Clock::time_point now) {
    if (now - read_at_ >= kRefresh) refresh(now);
    return set_;
}

bool Credentials::token_rejected(Clock::time_point now) {
    const auto before = set_.token;
    refresh(now);
    return set_.token != before;
}

void Credentials::refresh(Clock::time_point now) {
    read_at_ = now;
    bool all_fine = true;
    for (const auto& [secret, value, pem] : {std::tuple{&ca_, &set_.ca, true},
                                             {&token_, &set_.token, false},
                                             {&client_cert_, &set_.client_cert, true},
                                             {&client_key_, &set_.client_key, true}}) {
        all_fine = refresh_one(*secret, *value, pem) && all_fine;
    }
    complained_ = !all_fine;
}

bool Credentials::refresh_one(const Secret& from, std::string& value, bool pem) {
    if (from.file.empty()) return true;
    auto read = load_secret(from, pem, from.file);
    if (read) {
        value = *std::move(read);
        return true;
    }
    if (!complained_)
        log::warn("credentials are kept as they were",
                  {{"file", from.file}, {"error", read.error().message()}});
    return false;
}

}  // namespace knd::kube
