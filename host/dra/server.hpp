// SPDX-License-Identifier: Apache-2.0
//
// Server: what the kubelet sees of us. One gRPC server on two unix sockets: DRAPlugin (v1 and
// v1beta1) on the driver's socket, and the registration service on a socket in the directory that
// the kubelet watches. The registration socket appears last, because the kubelet calls back at
// once. Beside DRAPlugin it serves DRAResourceHealth (v1 and v1alpha1) on the driver's socket.
//
// Whether the kubelet knows us is told by its connection to the driver's socket. From 1.34 on it
// opens one when it registers us and holds it, without calls too, until it ends or forgets us;
// NotifyRegistrationStatus says nothing of either. Kubelets of 1.32 and 1.33 connect at their first
// call, and hang up when they have had none for half an hour: of their end nothing is known.
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

#include "host/model/device_health.hpp"
#include "host/model/services.hpp"

#include <knd/cpp/result.hpp>

namespace knd::dra {

/// What is known about our registration.
struct Registration {
    bool asked = false;       ///< a kubelet has read our PluginInfo
    bool registered = false;  ///< it has accepted us, and has not gone since
    bool connected = false;   ///< somebody, the kubelet, is connected to the driver's socket
    std::string error;        ///< why it is not registered, if it was or was refused
    bool operator==(const Registration&) const = default;
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
        /// after this time, doubled up to a minute. The same when it has hung up.
        std::chrono::milliseconds register_again{2'000};
        /// A connection without calls is closed after half an hour, and opened again at once.
        std::chrono::milliseconds hang_up_patience{1'000};
        /// The kubelet calls a device Unknown that it has not heard of for 30 s.
        std::chrono::milliseconds renew_health{10'000};
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

    /// Health of all devices that are offered or held and whose backends tell. Kubelets that watch
    /// are told at once. Before start(), too.
    void set_health(std::vector<DeviceHealth> devices);

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
