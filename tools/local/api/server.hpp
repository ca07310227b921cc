// SPDX-License-Identifier: Apache-2.0
//
// The HTTPS face of a Store: certificate authority and server certificate of its own, bearer
// tokens, kubeconfig, any number of listening sockets, and the Kubernetes REST paths on each of
// them. Speaks HTTP/1.1 with chunked watches.
//
// Threads: everything on the io_context's thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tools/local/api/store.hpp"

#include <knd/cpp/fd.hpp>
#include <knd/cpp/result.hpp>

namespace knd::api {

struct ServerOptions {
    /// Keeps ca.crt, ca.key and tokens over a restart; created with mode 0700.
    std::filesystem::path directory;
    /// Addresses beside 127.0.0.1, ::1 and localhost that the certificate shall be good for.
    std::vector<std::string> addresses;
};

class Server {
  public:
    /// Loads the CA and the tokens or makes them; always issues a fresh server certificate.
    static Result<std::unique_ptr<Server>> create(boost::asio::io_context& io, Store& store,
                                                  const ServerOptions& options);
    /// Closes all sockets; connections that are open end at once.
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    /// Serves connections of a bound and listening TCP socket. It may come from any network
    /// namespace, since a socket stays in the one it was made in.
    Result<> serve(Fd listening);
    /// Binds and serves; port 0 lets the kernel choose. Returns the port.
    Result<std::uint16_t> listen(const std::string& address, std::uint16_t port);

    /// The bearer token of `user`, made at the first call and kept in the directory.
    Result<std::string> token_for(const std::string& user);
    /// PEM of the CA that signed the server's certificate.
    const std::string& ca_certificate() const;
    /// Writes a kubeconfig (mode 0600) with the token of `user` for `url` ("https://...:6443").
    Result<> write_kubeconfig(const std::filesystem::path& path, const std::string& url,
                              const std::string& user = "admin");

  private:
    class Impl;
    explicit Server(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace knd::api
