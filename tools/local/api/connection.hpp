// SPDX-License-Identifier: Apache-2.0
//
// One TLS connection of one client: requests in turn, or one watch until its end.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <map>
#include <memory>
#include <string>

#include "tools/local/api/rest.hpp"

namespace knd::api {

/// What all connections of a server use; they share it, as they may outlive the server by the one
/// turn of the loop in which they learn that they are closed.
struct ServerContext {
    explicit ServerContext(Store& s) : store(s), rest(s) {}
    Store& store;
    Rest rest;
    boost::asio::ssl::context tls{boost::asio::ssl::context::tls_server};
    std::map<std::string, std::string, std::less<>> users;  ///< by token
};

class Connection {
  public:
    virtual ~Connection() = default;
    /// Ends it at once; nothing of the context's store is used afterwards.
    virtual void close() = 0;
};

/// Starts serving `socket`. The connection keeps itself alive while it has something to do.
std::weak_ptr<Connection> serve_connection(std::shared_ptr<ServerContext> context,
                                           boost::asio::ip::tcp::socket socket);

}  // namespace knd::api
