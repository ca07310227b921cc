// SPDX-License-Identifier: Apache-2.0
#include "tools/local/api/connection.hpp"

#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <chrono>
#include <optional>

#include "host/model/log.hpp"
#include "tools/local/api/discovery.hpp"

namespace knd::api {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using boost::system::error_code;

constexpr std::uint64_t kMaxBody = 8 * 1024 * 1024;
/// A watcher that is this far behind is cut off and has to list again.
constexpr std::size_t kMaxBacklog = 32 * 1024 * 1024;
constexpr auto kHandshakeTime = std::chrono::seconds(10);
constexpr auto kIdleTime = std::chrono::minutes(5);
constexpr auto kBookmarkInterval = std::chrono::seconds(60);

class Session : public Connection, public std::enable_shared_from_this<Session> {
  public:
    Session(std::shared_ptr<ServerContext> context, asio::ip::tcp::socket socket)
        : context_(std::move(context)),
          stream_(beast::tcp_stream(std::move(socket)), context_->tls),
          timer_(stream_.get_executor()),
          bookmark_timer_(stream_.get_executor()) {}

    void start() {
        beast::get_lowest_layer(stream_).expires_after(kHandshakeTime);
        stream_.async_handshake(asio::ssl::stream_base::server,
                                [self = shared_from_this()](error_code error) {
                                    if (!error) self->read();
                                });
    }

    void close() override {
        closed_ = true;
        watch_ = {};
        timer_.cancel();
        bookmark_timer_.cancel();
        beast::get_lowest_layer(stream_).close();
    }

  private:
    void read() {
        parser_.emplace();
        parser_->body_limit(kMaxBody);
        beast::get_lowest_layer(stream_).expires_after(kIdleTime);
        http::async_read(stream_, buffer_, *parser_,
                         [self = shared_from_this()](error_code error, std::size_t) {
                             if (self->closed_) return;
                             if (error)
                                 self->read_failed(error);
                             else
                                 self->handle(self->parser_->release());
                         });
    }

    void read_failed(error_code error) {
        if (error != http::error::body_limit) {
            close();
            return;
        }
        keep_alive_ = false;
        write(respond(
            Status{413, "RequestEntityTooLarge", "the request body is too large", Json::object()}));
    }

    void handle(http::request<http::string_body> message) {
        keep_alive_ = message.keep_alive();
        Request request;
        request.method = std::string(message.method_string());
        request.set_target({message.target().data(), message.target().size()});
        request.accept = std::string(message[http::field::accept]);
        request.content_type = std::string(message[http::field::content_type]);
        request.user_agent = std::string(message[http::field::user_agent]);
        request.body = std::move(message.body());
        const auto user = user_of(std::string(message[http::field::authorization]));
        if (user.empty() && !is_public(request.path)) {
            write(respond(Status{401, "Unauthorized", "Unauthorized", {}}));
            return;
        }
        auto reply = context_->rest.handle(request);
        log::debug("api request", {{"key", request.method},
                                   {"path", request.path},
                                   {"code", std::holds_alternative<Response>(reply)
                                                ? std::get<Response>(reply).status
                                                : 200}});
        if (auto* watch = std::get_if<WatchRequest>(&reply))
            begin_watch(std::move(*watch));
        else
            write(std::get<Response>(std::move(reply)));
    }

    /// The user whose bearer token it is; empty for none.
    std::string user_of(const std::string& authorization) const {
        constexpr std::string_view kBearer = "Bearer ";
        if (authorization.rfind(kBearer, 0) != 0) return "";
        const auto found = context_->users.find(authorization.substr(kBearer.size()));
        return found == context_->users.end() ? "" : found->second;
    }

    void write(Response reply) {
        auto message = std::make_shared<http::response<http::string_body>>(
            static_cast<http::status>(reply.status), 11);
        message->set(http::field::content_type, reply.content_type);
        message->set(http::field::cache_control, "no-cache, private");
        for (const auto& warning : reply.warnings)
            message->insert(http::field::warning, "299 - " + to_text(Json(warning)));
        message->body() = std::move(reply.body);
        message->keep_alive(keep_alive_);
        message->prepare_payload();
        auto& sent = *message;
        http::async_write(stream_, sent,
                          [self = shared_from_this(), message](error_code error, std::size_t) {
                              if (self->closed_) return;
                              if (error || !self->keep_alive_)
                                  self->shut_down();
                              else
                                  self->read();
                          });
    }

    /// Says goodbye in TLS, so that the client can tell the end from a cut.
    void shut_down() {
        beast::get_lowest_layer(stream_).expires_after(kHandshakeTime);
        stream_.async_shutdown([self = shared_from_this()](error_code) { self->close(); });
    }

    // A watch: events are appended to `backlog_` and written as chunks, one at a time.

    void begin_watch(WatchRequest request) {
        watching_.emplace(std::move(request));
        beast::get_lowest_layer(stream_).expires_never();
        backlog_ = "HTTP/1.1 200 OK\r\nContent-Type: ";
        backlog_ += std::string(watch_content_type(watching_->media)) +
                    "\r\nCache-Control: no-cache, private\r\nTransfer-Encoding: chunked\r\n\r\n";
        auto& store = context_->store;
        const auto newest = store.revision();
        auto watch = store.watch(watching_->kind.id, watching_->since,
                                 [this](const Event& event) { send(watching_->text(event)); });
        if (!watch.ok()) {
            send(error_event(watching_->media, watch.error()));
            end_watch();
            return;
        }
        watch_ = *std::move(watch);
        flush();
        notice_hang_up();
        if (watching_->mark_initial_end) {
            // Behind the delivery of what exists, which the store has posted just now.
            asio::post(stream_.get_executor(), [self = shared_from_this(), newest] {
                self->send(self->watching_->bookmark(newest, true));
            });
        }
        timer_.expires_after(std::chrono::seconds(watching_->timeout_seconds));
        timer_.async_wait([self = shared_from_this()](error_code error) {
            if (!error) self->end_watch();
        });
        if (watching_->bookmarks) bookmark_later();
    }

    void bookmark_later() {
        bookmark_timer_.expires_after(kBookmarkInterval);
        bookmark_timer_.async_wait([self = shared_from_this()](error_code error) {
            if (error || self->closed_) return;
            self->send(self->watching_->bookmark(self->context_->store.revision(), false));
            self->bookmark_later();
        });
    }

    void send(const std::string& text) {
        if (closed_ || ended_ || text.empty()) return;
        char size[24];
        std::snprintf(size, sizeof size, "%zx\r\n", text.size());
        backlog_.append(size).append(text).append("\r\n");
        if (backlog_.size() > kMaxBacklog)
            close();
        else
            flush();
    }

    void end_watch() {
        if (closed_ || ended_) return;
        ended_ = true;
        watch_ = {};
        bookmark_timer_.cancel();
        backlog_.append("0\r\n\r\n");
        flush();
    }

    void flush() {
        if (closed_ || !writing_.empty()) return;
        if (backlog_.empty()) {
            if (ended_) shut_down();
            return;
        }
        writing_ = std::exchange(backlog_, {});
        asio::async_write(stream_, asio::buffer(writing_),
                          [self = shared_from_this()](error_code error, std::size_t) {
                              self->writing_.clear();
                              if (self->closed_) return;
                              if (error)
                                  self->close();
                              else
                                  self->flush();
                          });
    }

    /// Nothing more is expected of a watching client, so any end of reading is the end of it.
    void notice_hang_up() {
        stream_.async_read_some(buffer_.prepare(1024),
                                [self = shared_from_this()](error_code error, std::size_t) {
                                    if (self->closed_ || self->ended_) return;
                                    if (error)
                                        self->close();
                                    else
                                        self->notice_hang_up();
                                });
    }

    std::shared_ptr<ServerContext> context_;
    beast::ssl_stream<beast::tcp_stream> stream_;
    asio::steady_timer timer_;
    asio::steady_timer bookmark_timer_;
    beast::flat_buffer buffer_;
    std::optional<http::request_parser<http::string_body>> parser_;
    bool keep_alive_ = false;
    bool closed_ = false;

    std::optional<WatchRequest> watching_;
    Watch watch_;
    std::string backlog_;
    std::string writing_;
    bool ended_ = false;
};

}  // namespace

std::weak_ptr<Connection> serve_connection(std::shared_ptr<ServerContext> context,
                                           asio::ip::tcp::socket socket) {
    auto session = std::make_shared<Session>(std::move(context), std::move(socket));
    session->start();
    return session;
}

}  // namespace knd::api
