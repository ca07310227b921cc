// SPDX-License-Identifier: Apache-2.0
#include "host/ops/control_client.hpp"

#include <sys/un.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <chrono>

namespace knd::ops {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using unix_stream = asio::local::stream_protocol;

constexpr auto kTimeout = std::chrono::seconds(10);
constexpr std::size_t kMaxAnswer = 256 * 1024 * 1024;

/// One exchange, driven by callbacks so that the stream's timeout applies to every step.
struct Exchange {
    explicit Exchange(asio::io_context& io) : stream(io) {}

    void run(const std::string& path, const std::string& target) {
        request.method(http::verb::get);
        request.target(target);
        request.version(11);
        request.set(http::field::host, "kndd");
        response.body_limit(kMaxAnswer);
        stream.expires_after(kTimeout);
        stream.async_connect(unix_stream::endpoint(path), [this](beast::error_code e) {
            if (fail(e)) return;
            http::async_write(stream, request, [this](beast::error_code sent, std::size_t) {
                if (fail(sent)) return;
                http::async_read(stream, buffer, response,
                                 [this](beast::error_code read, std::size_t) { fail(read); });
            });
        });
    }

    bool fail(beast::error_code e) {
        error = e;
        return static_cast<bool>(e);
    }

    beast::basic_stream<unix_stream> stream;
    http::request<http::empty_body> request;
    http::response_parser<http::string_body> response;
    beast::flat_buffer buffer;
    beast::error_code error;
};

}  // namespace

Result<Json> control_get(const std::string& socket_path, const std::string& target) {
    if (socket_path.size() >= sizeof(sockaddr_un::sun_path)) {
        return Error(Code::kInvalidArgument, "socket path " + socket_path + " is too long");
    }
    asio::io_context io;
    Exchange exchange(io);
    exchange.run(socket_path, target);
    io.run();
    if (exchange.error) {
        return Error(Code::kUnavailable, "no answer from kndd on " + socket_path + ": " +
                                             exchange.error.message() +
                                             "; is it running, and are you root?");
    }
    auto json = parse_json(exchange.response.get().body());
    if (exchange.response.get().result_int() != 200) {
        const auto message = json ? json_string(*json, "error") : exchange.response.get().body();
        return Error(exchange.response.get().result_int() == 404 ? Code::kNotFound : Code::kUnknown,
                     message);
    }
    return std::move(json).wrap("kndd's answer on " + socket_path);
}

}  // namespace knd::ops
