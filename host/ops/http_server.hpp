// SPDX-License-Identifier: Apache-2.0
//
// HttpServer: a small HTTP/1.1 server for GET requests, on TCP for probes and metrics or on a unix
// socket for kndctl.
//
// Threads: the thread of the io_context, also for the handler, which answers at once.
// Failure: a bad request, a slow or vanished client ends its own connection only.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include <knd/cpp/result.hpp>

namespace knd::ops {

struct HttpResponse {
    int status = 200;
    std::string body;
    std::string content_type = "text/plain; charset=utf-8";
};

/// `target` is the request path with its query, "/explain/device/dra0".
using HttpHandler = std::function<HttpResponse(std::string_view target)>;

class HttpServer {
  public:
    /// `address` is "HOST:PORT" with a numeric host, "[::1]:80" for IPv6.
    static Result<std::unique_ptr<HttpServer>> listen_tcp(boost::asio::io_context& io,
                                                          const std::string& address,
                                                          HttpHandler handler);
    /// A socket that only its owner may use. Replaces a stale one; refuses one that is in use.
    static Result<std::unique_ptr<HttpServer>> listen_unix(boost::asio::io_context& io,
                                                           const std::string& path,
                                                           HttpHandler handler);
    /// Stops accepting; open requests end when their connections do.
    ~HttpServer();
    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;

    /// The port in use, for address "HOST:0".
    int port() const;

    class Impl;

  private:
    explicit HttpServer(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace knd::ops
