// SPDX-License-Identifier: Apache-2.0
//
// The HTTP transport: libcurl's multi interface, one server, HTTP/2 where the server speaks it. It
// knows nothing of Kubernetes beyond a bearer token. The only file with curl.
#pragma once

#include <boost/asio/io_context.hpp>
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
    /// Set for a stream: called for each line of a 2xx answer. It must not call Http.
    std::function<void(std::string_view line)> on_line;
};

struct HttpResponse {
    int status = 0;
    std::string body;  ///< empty for a stream with status 2xx
    std::optional<std::chrono::seconds> retry_after;
    std::string warning;  ///< the last `Warning:` header
};

/// Threads: the domain thread. curl watches its sockets by the domain's io_context: a thread of its
/// own would cost a claim that is read two changes of threads, which is more than the exchange
/// itself takes. A name is resolved on a thread that curl makes for it.
/// Failure: UNAVAILABLE or DEADLINE_EXCEEDED when there is no HTTP answer; an HTTP status is never
/// an Error here.
class Http {
  public:
    using Done = std::function<void(Result<HttpResponse>)>;
    using Id = std::uint64_t;

    static Result<std::unique_ptr<Http>> open(boost::asio::io_context& domain, const Config& config,
                                              std::string user_agent);
    /// Drops every exchange; no Done is called any more.
    ~Http();
    Http(const Http&) = delete;
    Http& operator=(const Http&) = delete;

    /// `done` is never called before this returns.
    Id send(HttpRequest request, Done done);
    /// The exchange is dropped, unless it has ended already; its Done is not called.
    void cancel(Id id);
    /// The server answered 401. Returns whether there is another token to try.
    bool token_rejected();

  private:
    class Impl;
    explicit Http(std::shared_ptr<Impl> impl);
    /// Shared with itself while it calls a Done, which may destroy this.
    std::shared_ptr<Impl> impl_;
};

}  // namespace knd::kube
