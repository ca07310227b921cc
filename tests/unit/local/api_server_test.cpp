// SPDX-License-Identifier: Apache-2.0
//
// The server over real TLS on loopback: the client here knows nothing but the CA and a token.
#include "tools/local/api/server.hpp"

#include <gmock/gmock.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>
#include <future>
#include <thread>

#include "tests/unit/local/api_fixture.hpp"

namespace knd::api {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using testing::HasSubstr;
using testing::StartsWith;

/// A blocking client, one connection.
class Client {
  public:
    Client(const std::string& ca, std::uint16_t port) : context_(asio::ssl::context::tls_client) {
        boost::system::error_code error;
        context_.add_certificate_authority(asio::buffer(ca), error);
        context_.set_verify_mode(asio::ssl::verify_peer, error);
        stream_.emplace(io_, context_);
        stream_->set_verify_callback(asio::ssl::host_name_verification("127.0.0.1"), error);
        stream_->next_layer().connect({asio::ip::address_v4::loopback(), port}, error_);
        if (!error_) stream_->handshake(asio::ssl::stream_base::client, error_);
    }

    const boost::system::error_code& error() const { return error_; }

    void send(const std::string& target, const std::string& token) {
        asio::write(
            *stream_,
            asio::buffer("GET " + target + " HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " +
                         token + "\r\n\r\n"),
            error_);
    }
    /// Reads until `text` has come, or the end.
    std::string read_until(const std::string& text) {
        while (received_.find(text) == std::string::npos && !error_) {
            char bytes[4096];
            received_.append(bytes, stream_->read_some(asio::buffer(bytes), error_));
        }
        return received_;
    }

  private:
    asio::io_context io_;
    asio::ssl::context context_;
    std::optional<asio::ssl::stream<tcp::socket>> stream_;
    boost::system::error_code error_;
    std::string received_;
};

class ApiServer : public ApiTest {
  protected:
    ApiServer() { start(); }
    ~ApiServer() override { stop(); }

    void start() {
        auto created = Server::create(io_, *store_, {directory_ / "server", {"10.1.2.3"}});
        ASSERT_TRUE(created.ok()) << created.error().message();
        server_ = *std::move(created);
        token_ = *server_->token_for("admin");
        port_ = *server_->listen("127.0.0.1", 0);
        io_.restart();
        loop_ = std::thread([this] { io_.run(); });
    }
    void stop() {
        if (!loop_.joinable()) return;
        asio::post(io_, [this] { server_.reset(); });
        asio::post(io_, [this] { io_.stop(); });
        loop_.join();
    }
    /// Runs on the loop's thread and waits for it.
    void on_loop(const std::function<void()>& work) {
        std::promise<void> done;
        asio::post(io_, [&] {
            work();
            done.set_value();
        });
        done.get_future().wait();
    }

    std::unique_ptr<Server> server_;
    std::string token_;
    std::uint16_t port_ = 0;
    std::thread loop_;
};

TEST_F(ApiServer, ServesAClientThatTrustsItsCa) {
    Client client(server_->ca_certificate(), port_);
    ASSERT_FALSE(client.error()) << client.error().message();
    client.send("/api/v1/namespaces/default", token_);
    EXPECT_THAT(client.read_until("Active"), StartsWith("HTTP/1.1 200 OK"));
}

TEST_F(ApiServer, AnswersUnauthorizedToAWrongToken) {
    Client client(server_->ca_certificate(), port_);
    client.send("/api/v1/pods", token_ + "x");
    EXPECT_THAT(client.read_until("\"Failure\""), StartsWith("HTTP/1.1 401"));
}

TEST_F(ApiServer, SaysItIsHealthyWithoutAToken) {
    Client client(server_->ca_certificate(), port_);
    client.send("/readyz", "");
    EXPECT_THAT(client.read_until("ok"), StartsWith("HTTP/1.1 200"));
}

TEST_F(ApiServer, StreamsChangesToAWatcher) {
    Client client(server_->ca_certificate(), port_);
    client.send("/api/v1/pods?watch=1", token_);
    EXPECT_THAT(client.read_until("\r\n\r\n"), HasSubstr("Transfer-Encoding: chunked"));
    on_loop([&] { create(Resource::kPods, pod_json("a")); });
    EXPECT_THAT(client.read_until("ADDED"), HasSubstr("\"name\":\"a\""));
}

TEST_F(ApiServer, EndsAWatchAtItsTimeout) {
    Client client(server_->ca_certificate(), port_);
    client.send("/api/v1/pods?watch=1&timeoutSeconds=1", token_);
    EXPECT_THAT(client.read_until("0\r\n\r\n"), testing::EndsWith("0\r\n\r\n"));
}

TEST_F(ApiServer, SaysGoneInTheStreamOfAWatchThatIsTooOld) {
    Client client(server_->ca_certificate(), port_);
    client.send("/api/v1/pods?watch=1&resourceVersion=99999", token_);
    const auto text = client.read_until("0\r\n\r\n");
    EXPECT_THAT(text, HasSubstr("\"type\":\"ERROR\""));
    EXPECT_THAT(text, HasSubstr("\"code\":410"));
}

TEST_F(ApiServer, EndsOpenWatchesWhenItStops) {
    Client client(server_->ca_certificate(), port_);
    client.send("/api/v1/pods?watch=1", token_);
    client.read_until("\r\n\r\n");
    stop();
    client.read_until("never");
    EXPECT_TRUE(client.error());
}

TEST_F(ApiServer, KeepsItsCaAndTokensOverARestart) {
    const auto ca = server_->ca_certificate();
    const auto token = token_;
    stop();
    start();
    EXPECT_EQ(server_->ca_certificate(), ca);
    EXPECT_EQ(token_, token);
}

TEST_F(ApiServer, ServesASocketThatIsHandedIn) {
    asio::io_context io;
    tcp::acceptor acceptor(io, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    const auto port = acceptor.local_endpoint().port();
    on_loop([&] { EXPECT_TRUE(server_->serve(Fd(acceptor.release())).ok()); });
    Client client(server_->ca_certificate(), port);
    client.send("/healthz", "");
    EXPECT_THAT(client.read_until("ok"), StartsWith("HTTP/1.1 200"));
}

}  // namespace
}  // namespace knd::api
