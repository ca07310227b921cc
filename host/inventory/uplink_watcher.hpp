// SPDX-License-Identifier: Apache-2.0
//
// UplinkWatcher: keeps the set of uplinks current. Routes, addresses and links of the host's
// network namespace are read again after each event about them; there is no polling.
//
// Threads: domain thread. The first read is made on it, in start(), before anybody can be given an
//          interface; later ones on a worker: a read waits for the kernel's rtnl lock, which the
//          move of an interface holds for some 16 ms, and there may be a router's whole table.
// Failure: a namespace that cannot be read or watched leaves the last known set in force, is logged
//          and told by error(), and is tried again.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "host/inventory/uplink.hpp"
#include "sdk/support/link_monitor.hpp"
#include "sdk/support/netlink.hpp"

namespace knd {

class UplinkWatcher {
  public:
    using Changed = std::function<void(std::map<std::string, std::string>)>;

    /// `changed` gets the complete set, at start() and whenever it differs.
    /// `workers` must have been joined before the watcher goes.
    UplinkWatcher(boost::asio::io_context& io, boost::asio::any_io_executor workers,
                  Changed changed);
    ~UplinkWatcher();
    UplinkWatcher(const UplinkWatcher&) = delete;
    UplinkWatcher& operator=(const UplinkWatcher&) = delete;

    void start();
    void stop();
    /// Whether the set was ever told, since set_node_ips() with regard to those.
    bool known() const { return known_; }
    /// Why the set may be out of date; empty: it is not.
    const std::string& error() const { return watch_error_.empty() ? read_error_ : watch_error_; }
    /// None: the Node has no addresses yet, and interfaces with one that it may get are uplinks.
    void set_node_ips(std::vector<std::string> ips);
    /// Nobody will ever say: what routes tell has to do.
    void do_without_node_ips();
    /// A numeric address; anything else is no uplink by itself.
    void set_api_server(const std::string& address);

  private:
    struct NodeIps {
        std::vector<std::string> ips;
        bool awaited = false;
        bool operator==(const NodeIps&) const = default;
    };
    Result<void> watch();
    void start_again(const Error& error);
    void wait();
    void evaluate_soon(std::chrono::milliseconds pause);
    void evaluate();
    void know_node(NodeIps ips);
    void judge(Result<Topology> topology);

    boost::asio::io_context& io_;
    boost::asio::any_io_executor workers_;
    Changed changed_;
    std::optional<LinkMonitor> monitor_;
    boost::asio::posix::stream_descriptor events_;
    boost::asio::steady_timer pause_;    ///< before the next read
    boost::asio::steady_timer restart_;  ///< before the next try to watch
    bool pending_ = false;
    NodeIps node_ips_;
    std::string api_server_;
    std::map<std::string, std::string> uplinks_;
    std::string watch_error_;
    std::string read_error_;
    bool first_ = true;
    bool known_ = false;
    bool node_known_ = false;
    bool reading_ = false;
    bool stale_ = false;  ///< something changed while a read was under way
};

}  // namespace knd
