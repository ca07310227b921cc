// SPDX-License-Identifier: Apache-2.0
//
// Server: what the kubelet sees of us. One gRPC server on two unix sockets: DRAPlugin (v1 and
// v1beta1) on the driver's socket, and the registration service on a socket in the directory that
// the kubelet watches. The registration socket appears last, because the kubelet calls back at
// once.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "host/model/services.hpp"

#include <knd/cpp/result.hpp>

namespace knd::dra {

/// What the kubelet last told us about our registration.
struct Registration {
    bool asked = false;       ///< a kubelet has read our PluginInfo
    bool registered = false;  ///< and it has accepted us
    std::string error;        ///< its words when it has not
};

/// One answered call, for metrics.
struct RpcReport {
    std::string_view method;  ///< "NodePrepareResources", "NodeUnprepareResources"
    std::size_t claims = 0;
    std::size_t failed = 0;  ///< claims that were answered with an error
    bool cancelled = false;  ///< the kubelet had gone before the answer
    std::chrono::nanoseconds duration{0};
};

/// Threads: start, stop, registration and the callbacks on the domain thread; gRPC has its own
/// threads, which only post. Failure: start says which socket and why.
/// Claims of one call run at the same time; each uid of a request is answered, with devices or with
/// an error of its own.
class Server {
  public:
    struct Options {
        std::string driver;
        std::filesystem::path plugin_dir;    ///< ".../plugins/DRIVER", made if it is missing
        std::filesystem::path registry_dir;  ///< ".../plugins_registry"
        /// Used when the kubelet sent no deadline of its own.
        std::chrono::milliseconds default_deadline{45'000};
        /// The kubelet does not retry a refused registration by itself; we offer the socket anew
        /// after this time, doubled up to a minute.
        std::chrono::milliseconds register_again{2'000};
    };

    Server(boost::asio::io_context& domain, ClaimService& claims, Options options);
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    /// Once.
    Result<> start();
    /// Takes the sockets away and answers running calls with UNAVAILABLE; the kubelet repeats them.
    /// What the domain does for them goes on.
    void stop();

    const Registration& registration() const;
    /// Called after each change of registration().
    void set_registration_observer(std::function<void(const Registration&)> observer);
    void set_rpc_observer(std::function<void(const RpcReport&)> observer);

    std::filesystem::path plugin_socket() const;
    std::filesystem::path registration_socket() const;

  private:
    class Impl;
    /// Shared with what gRPC threads have posted to the domain thread, which holds it weakly.
    std::shared_ptr<Impl> impl_;
};

}  // namespace knd::dra
