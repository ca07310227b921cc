// SPDX-License-Identifier: Apache-2.0
#include "host/ops/http_server.hpp"

#include <sys/stat.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <filesystem>

#include "host/model/log.hpp"
#include "host/model/socket_path.hpp"

namespace knd::ops {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using tcp = asio::ip::tcp;
using unix_stream = asio::local::stream_protocol;

constexpr auto kIdle = std::chrono::seconds(30);
constexpr std::size_t kMaxRequest = 16 * 1024;

/// One connection: reads a request, answers it, and again while the client keeps it open.
template <class Protocol>
class Connection : public std::enable_shared_from_this<Connection<Protocol>> {
  public:
    Connection(typename Protocol::socket socket, HttpHandler handler)
        : stream_(std::move(socket)), handler_(std::move(handler)) {}

    void read() {
        parser_.emplace();
        parser_->body_limit(kMaxRequest);
        stream_.expires_after(kIdle);
        http::async_read(stream_, buffer_, *parser_,
                         [self = this->shared_from_this()](beast::error_code error, std::size_t) {
                             if (!error) self->answer();
                         });
    }

  private:
    void answer() {
        const auto& request = parser_->get();
        const auto result = request.method() == http::verb::get
                                ? handler_({request.target().data(), request.target().size()})
                                : HttpResponse{405, "only GET is served here\n"};
        response_ = {};
        response_.result(static_cast<unsigned>(result.status));
        response_.version(request.version());
        response_.keep_alive(request.keep_alive());
        response_.set(http::field::content_type, result.content_type);
        response_.body() = result.body;
        response_.prepare_payload();
        http::async_write(stream_, response_,
                          [self = this->shared_from_this()](beast::error_code error, std::size_t) {
                              if (!error && self->response_.keep_alive()) self->read();
                          });
    }

    beast::basic_stream<Protocol> stream_;
    HttpHandler handler_;
    beast::flat_buffer buffer_{kMaxRequest};
    std::optional<http::request_parser<http::string_body>> parser_;
    http::response<http::string_body> response_;
};

Error from_asio(const std::string& what, const boost::system::error_code& error) {
    return Error::from_errno(what, error.value());
}

}  // namespace

class HttpServer::Impl {
  public:
    virtual ~Impl() = default;
    virtual int port() const = 0;
};

namespace {

template <class Protocol>
class Listener final : public HttpServer::Impl {
  public:
    Listener(asio::io_context& io, HttpHandler handler)
        : acceptor_(io), handler_(std::move(handler)) {}

    ~Listener() override {
        if (!path_.empty()) {
            std::error_code ignored;
            std::filesystem::remove(path_, ignored);
        }
    }

    Result<void> open(const typename Protocol::endpoint& endpoint, const std::string& name) {
        boost::system::error_code error;
        acceptor_.open(endpoint.protocol(), error);
        if (error) return from_asio("cannot open a socket for " + name, error);
        if constexpr (std::is_same_v<Protocol, tcp>) {
            acceptor_.set_option(typename Protocol::acceptor::reuse_address(true), error);
        }
        acceptor_.bind(endpoint, error);
        if (error) return from_asio("cannot listen on " + name, error);
        if constexpr (std::is_same_v<Protocol, unix_stream>) {
            path_ = endpoint.path();
            // Between bind and listen nobody can connect, so no one slips in before the chmod.
            if (::chmod(path_.c_str(), 0600) != 0) {
                return Error::from_errno("cannot restrict " + path_, errno);
            }
        }
        acceptor_.listen(asio::socket_base::max_listen_connections, error);
        if (error) return from_asio("cannot listen on " + name, error);
        accept();
        return {};
    }

    int port() const override {
        if constexpr (std::is_same_v<Protocol, tcp>) {
            boost::system::error_code ignored;
            return acceptor_.local_endpoint(ignored).port();
        }
        return 0;
    }

  private:
    void accept() {
        acceptor_.async_accept(
            [this](boost::system::error_code error, typename Protocol::socket socket) {
                if (error == asio::error::operation_aborted) return;
                if (!error) {
                    std::make_shared<Connection<Protocol>>(std::move(socket), handler_)->read();
                } else {
                    log::warn("cannot accept an HTTP connection", {{"error", error.message()}});
                }
                accept();
            });
    }

    typename Protocol::acceptor acceptor_;
    HttpHandler handler_;
    std::string path_;
};

}  // namespace

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpServer::~HttpServer() = default;
int HttpServer::port() const {
    return impl_->port();
}

Result<std::unique_ptr<HttpServer>> HttpServer::listen_tcp(asio::io_context& io,
                                                           const std::string& address,
                                                           HttpHandler handler) {
    const auto colon = address.rfind(':');
    auto host = address.substr(0, colon == std::string::npos ? 0 : colon);
    if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
        host = host.substr(1, host.size() - 2);
    }
    boost::system::error_code error;
    const auto ip = asio::ip::make_address(host, error);
    const auto port_text = colon == std::string::npos ? "" : address.substr(colon + 1);
    const bool digits = !port_text.empty() && port_text.size() <= 5 &&
                        port_text.find_first_not_of("0123456789") == std::string::npos;
    const int port = digits ? std::stoi(port_text) : -1;
    if (error || port < 0 || port > 65535) {
        return Error(Code::kInvalidArgument,
                     "\"" + address + "\" is not ADDRESS:PORT with a numeric address");
    }
    auto listener = std::make_unique<Listener<tcp>>(io, std::move(handler));
    KND_TRY(listener->open({ip, static_cast<unsigned short>(port)}, address));
    return std::unique_ptr<HttpServer>(new HttpServer(std::move(listener)));
}

Result<std::unique_ptr<HttpServer>> HttpServer::listen_unix(asio::io_context& io,
                                                            const std::string& path,
                                                            HttpHandler handler) {
    std::error_code ignored;  // listening says what is wrong
    std::filesystem::create_directories(std::filesystem::path(path).parent_path(), ignored);
    KND_TRY(remove_stale_socket(path));
    auto listener = std::make_unique<Listener<unix_stream>>(io, std::move(handler));
    KND_TRY(listener->open(unix_stream::endpoint(path), path));
    return std::unique_ptr<HttpServer>(new HttpServer(std::move(listener)));
}

}  // namespace knd::ops
