// SPDX-License-Identifier: Apache-2.0
//
// The HTTP transport: libcurl's multi interface on a thread of its own, one server, HTTP/2 where
// the server speaks it. It knows nothing of Kubernetes beyond a bearer token. The only file with
// curl.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "host/kube/config.hpp"

#include <knd/cpp/result.hpp>

namespace knd::kube {

struct HttpRequest {
    std::string method = "GET";
    std::string target;  ///< path and query, escaped
    std::string body;
    std::string content_type = "application/json";
    std::chrono::milliseconds timeout{0};  ///< for the whole exchange; 0: none
    std::chrono::seconds idle_timeout{0};  ///< longest silence within a stream; 0: none
    /// Set for a stream: called for each line of a 2xx answer, on the transport's thread.
    std::function<void(std::string_view line)> on_line;
};

struct HttpResponse {
    int status = 0;
    std::string body;  ///< empty for a stream with status 2xx
    std::optional<std::chrono::seconds> retry_after;
    std::string warning;  ///< the last `Warning:` header
};

/// Threads: send, cancel and token_rejected from any; callbacks run on the transport's thread and
/// must be short. Failure: UNAVAILABLE, DEADLINE_EXCEEDED or CANCELLED when there is no HTTP
/// answer; an HTTP status is never an Error here.
class Http {
  public:
    using Done = std::function<void(Result<HttpResponse>)>;
    using Id = std::uint64_t;

    static Result<std::unique_ptr<Http>> open(const Config& config, std::string user_agent);
    /// Ends every exchange with CANCELLED and joins the thread.
    ~Http();
    Http(const Http&) = delete;
    Http& operator=(const Http&) = delete;

    Id send(HttpRequest request, Done done);
    /// The exchange ends soon with CANCELLED, unless it has ended already.
    void cancel(Id id);
    /// The server answered 401; `changed` hears, on the transport's thread, whether there is
    /// another token to try.
    void token_rejected(std::function<void(bool changed)> changed);

  private:
    class Impl;
    explicit Http(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace knd::kube
