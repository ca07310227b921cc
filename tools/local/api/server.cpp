// SPDX-License-Identifier: Apache-2.0
#include "tools/local/api/server.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <list>
#include <sstream>

#include "host/model/log.hpp"
#include "host/model/text_file.hpp"
#include "tools/local/api/certificates.hpp"
#include "tools/local/api/connection.hpp"
#include "tools/local/api/random.hpp"

namespace knd::api {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

constexpr auto kAcceptRetry = std::chrono::milliseconds(100);

Result<> write_private(const std::filesystem::path& path, const std::string& text) {
    return replace_text_file(path.string(), text, 0600);
}

/// Empty when the file is not there.
std::string read_file(const std::filesystem::path& path) {
    return read_text_file(path.string()).value_or("");
}

Result<Credential> load_authority(const std::filesystem::path& directory) {
    const auto certificate = directory / "ca.crt";
    const auto key = directory / "ca.key";
    Credential authority{read_file(certificate), read_file(key)};
    if (!authority.certificate.empty() && !authority.key.empty()) return authority;
    KND_TRY_ASSIGN(authority, make_authority());
    KND_TRY(write_private(key, authority.key));
    KND_TRY(write_private(certificate, authority.certificate));
    return authority;
}

}  // namespace

class Server::Impl {
  public:
    Impl(asio::io_context& io, Store& store, std::filesystem::path directory)
        : io_(io),
          context_(std::make_shared<ServerContext>(store)),
          directory_(std::move(directory)) {}

    ~Impl() {
        for (auto& listener : listeners_)
            listener.close();
        for (const auto& weak : connections_) {
            if (const auto connection = weak.lock()) connection->close();
        }
    }

    Result<> prepare(const ServerOptions& options) {
        std::error_code error;
        std::filesystem::create_directories(directory_, error);
        std::filesystem::permissions(directory_, std::filesystem::perms::owner_all, error);
        if (error) return Error::from_errno("prepare " + directory_.string(), error.value());
        KND_TRY_ASSIGN(const auto authority, load_authority(directory_));
        KND_TRY_ASSIGN(const auto credential, issue_certificate(authority, options.addresses));
        ca_ = authority.certificate;
        error_code failed;
        auto& tls = context_->tls;
        tls.use_certificate_chain(asio::buffer(credential.certificate), failed);
        if (!failed)
            tls.use_private_key(asio::buffer(credential.key), asio::ssl::context::pem, failed);
        if (failed)
            return Error(Code::kInternal, "use the server certificate: " + failed.message());
        std::istringstream tokens(read_file(directory_ / "tokens"));
        for (std::string token, user;
             std::getline(tokens, token, ',') && std::getline(tokens, user);)
            context_->users[token] = user;
        return {};
    }

    Result<std::string> token_for(const std::string& user) {
        for (const auto& [token, owner] : context_->users) {
            if (owner == user) return token;
        }
        const auto token = random_id(48);
        context_->users[token] = user;
        std::string text;
        for (const auto& [each, owner] : context_->users)
            text.append(each).append(",").append(owner).append("\n");
        KND_TRY(write_private(directory_ / "tokens", text));
        return token;
    }

    Result<> serve(Fd listening) {
        sockaddr_storage address{};
        socklen_t size = sizeof address;
        if (::getsockname(listening.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0)
            return Error::from_errno("serve a listening socket", errno);
        error_code error;
        tcp::acceptor listener(io_);
        const auto protocol = address.ss_family == AF_INET6 ? tcp::v6() : tcp::v4();
        listener.assign(protocol, listening.get(), error);
        if (error) return Error(Code::kInternal, "serve a listening socket: " + error.message());
        (void)listening.release();
        listeners_.push_back(std::move(listener));
        accept(listeners_.back());
        return {};
    }

    Result<std::uint16_t> listen(const std::string& address, std::uint16_t port) {
        error_code error;
        const auto ip = asio::ip::make_address(address, error);
        if (error) return Error(Code::kInvalidArgument, "listen on " + address + ": no IP address");
        const tcp::endpoint endpoint(ip, port);
        const auto what = "listen on " + address + ":" + std::to_string(port);
        Fd socket(::socket(endpoint.protocol().family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
        const int on = 1;
        ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        if (::bind(socket.get(), endpoint.data(), static_cast<socklen_t>(endpoint.size())) != 0 ||
            ::listen(socket.get(), SOMAXCONN) != 0)
            return Error::from_errno(what, errno);
        KND_TRY(serve(std::move(socket)).wrap(what));
        return listeners_.back().local_endpoint(error).port();
    }

    Result<> write_kubeconfig(const std::filesystem::path& path, const std::string& url,
                              const std::string& user) {
        KND_TRY_ASSIGN(const auto token, token_for(user));
        const auto text =
            "apiVersion: v1\nkind: Config\ncurrent-context: knd-local\n"
            "clusters:\n- name: knd-local\n  cluster:\n    server: " +
            url + "\n    certificate-authority-data: " + base64(ca_) + "\nusers:\n- name: " + user +
            "\n  user:\n    token: " + token +
            "\ncontexts:\n- name: knd-local\n  context:\n    cluster: knd-local\n"
            "    user: " +
            user + "\n";
        return write_private(path, text);
    }

    const std::string& ca() const { return ca_; }

  private:
    void accept(tcp::acceptor& listener) {
        const auto alive = std::weak_ptr(alive_);
        listener.async_accept([this, alive, &listener](error_code error, tcp::socket socket) {
            if (alive.expired()) return;
            if (error) {
                retry_accept(listener, error);
                return;
            }
            error_code ignored;
            socket.set_option(tcp::no_delay(true), ignored);
            connections_.remove_if([](const auto& one) { return one.expired(); });
            connections_.push_back(serve_connection(context_, std::move(socket)));
            accept(listener);
        });
    }

    /// Out of file descriptors, most likely: that passes when clients leave.
    void retry_accept(tcp::acceptor& listener, error_code error) {
        log::warn("cannot accept a connection", {{"error", error.message()}});
        pause_.expires_after(kAcceptRetry);
        pause_.async_wait([this, alive = std::weak_ptr(alive_), &listener](error_code stopped) {
            if (!stopped && !alive.expired()) accept(listener);
        });
    }

    asio::io_context& io_;
    std::shared_ptr<ServerContext> context_;  // shared with the connections
    std::filesystem::path directory_;
    std::string ca_;
    std::list<tcp::acceptor> listeners_;
    std::list<std::weak_ptr<Connection>> connections_;
    asio::steady_timer pause_{io_};
    /// Handlers that are still queued when the server goes hold a weak_ptr to it.
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::~Server() = default;

Result<std::unique_ptr<Server>> Server::create(asio::io_context& io, Store& store,
                                               const ServerOptions& options) {
    auto impl = std::make_unique<Impl>(io, store, options.directory);
    KND_TRY(impl->prepare(options));
    return std::unique_ptr<Server>(new Server(std::move(impl)));
}

Result<> Server::serve(Fd listening) {
    return impl_->serve(std::move(listening));
}

Result<std::uint16_t> Server::listen(const std::string& address, std::uint16_t port) {
    return impl_->listen(address, port);
}

Result<std::string> Server::token_for(const std::string& user) {
    return impl_->token_for(user);
}

const std::string& Server::ca_certificate() const {
    return impl_->ca();
}

Result<> Server::write_kubeconfig(const std::filesystem::path& path, const std::string& url,
                                  const std::string& user) {
    return impl_->write_kubeconfig(path, url, user);
}

}  // namespace knd::api
