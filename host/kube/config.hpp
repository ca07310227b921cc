// SPDX-License-Identifier: Apache-2.0
//
// Where the API server is and how to prove who we are: read from a kubeconfig file or from the
// service account of the pod. Credentials are files that others rotate, so Config holds paths where
// the source gave paths, and Credentials reads them again while the daemon runs.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include <knd/cpp/result.hpp>

namespace knd::kube {

/// A piece of PEM or a token: given inline, or as a file that may change at any time.
struct Secret {
    std::string data;
    std::string file;  ///< wins over `data`
    bool empty() const { return data.empty() && file.empty(); }
    bool operator==(const Secret&) const = default;
};

struct Config {
    std::string server;  ///< "https://10.0.0.1:6443", perhaps with a path; no trailing slash
    std::string tls_server_name;  ///< certificate name to expect instead of the host in `server`
    std::string proxy_url;
    bool insecure_skip_tls_verify = false;
    Secret ca;  ///< empty: the roots of the system
    Secret token;
    Secret client_cert;
    Secret client_key;

    /// Reads `path`; `context` empty means the file's current-context. Relative paths inside are
    /// relative to the file, as for kubectl. Exec plugins and auth providers are refused.
    static Result<Config> from_kubeconfig(const std::filesystem::path& path,
                                          std::string_view context = "");

    /// The service account mounted in `dir`, server from KUBERNETES_SERVICE_HOST and _PORT.
    static Result<Config> in_cluster(
        const std::filesystem::path& dir = "/var/run/secrets/kubernetes.io/serviceaccount");

    /// `path` if it is not empty, else in_cluster().
    static Result<Config> load(const std::filesystem::path& path);
};

/// Credentials as they are at this moment.
struct CredentialSet {
    std::string ca;  ///< PEM
    std::string token;
    std::string client_cert;  ///< PEM
    std::string client_key;   ///< PEM
};

/// Reads the files of a Config again: at most once a minute, or at once after token_rejected().
/// A file that has become unreadable or is no PEM keeps its former content; that is logged once.
///
/// Threads: one.
class Credentials {
  public:
    using Clock = std::chrono::steady_clock;
    static constexpr std::chrono::seconds kRefresh{60};

    /// Fails when a file cannot be read now: at start a typo must be heard.
    static Result<Credentials> open(const Config& config);

    const CredentialSet& current(Clock::time_point now);
    /// The server answered 401. Returns whether the token file now holds another token.
    bool token_rejected(Clock::time_point now);

  private:
    Credentials() = default;
    void refresh(Clock::time_point now);
    bool refresh_one(const Secret& from, std::string& value, bool pem);

    Secret ca_, token_, client_cert_, client_key_;
    CredentialSet set_;
    Clock::time_point read_at_{};
    bool complained_ = false;
};

}  // namespace knd::kube
