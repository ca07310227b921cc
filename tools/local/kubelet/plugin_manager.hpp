// SPDX-License-Identifier: Apache-2.0
//
// The kubelet's plugin manager: sockets that appear in the registry directory are asked who they
// are and, when they are DRA drivers, used from then on; sockets that vanish are dropped.
//
// Timing is the kubelet's (dial 10 s, GetInfo 1 s, back-off after errors), except that a new socket
// is looked at when it appears and not at the next tick of a one-second reconciler.
// Threads: the io_context's.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tools/local/kubelet/dra_plugin.hpp"

#include <knd/cpp/fd.hpp>

namespace knd::local {

class PluginManager {
  public:
    struct Options {
        std::filesystem::path registry;
        std::chrono::milliseconds dial_timeout{10'000};
        std::chrono::milliseconds retry_delay{500};
    };
    /// `changed` is told the name of a driver that came, went, or lost or regained its connection.
    using Changed = std::function<void(const std::string& driver)>;

    /// Creates the directory when it is not there.
    static Result<std::unique_ptr<PluginManager>> open(boost::asio::io_context& io, Options options,
                                                       Changed changed);
    ~PluginManager();
    PluginManager(const PluginManager&) = delete;
    PluginManager& operator=(const PluginManager&) = delete;

    /// The newest registered instance that is connected, else the newest; null when there is none.
    DraPlugin* plugin(const std::string& driver);
    /// Registered and connected: its slices are not to be wiped.
    bool usable(const std::string& driver);
    std::vector<std::string> drivers() const;

  private:
    struct Socket {
        std::uint64_t generation = 0;  ///< of the file: grows when it is made again
        std::uint64_t registered = 0;  ///< order of registration; 0: not registered
        std::chrono::milliseconds delay{0};
        std::unique_ptr<DraPlugin> plugin;
    };

    PluginManager(boost::asio::io_context& io, Options options, Changed changed, Fd inotify);
    void read_events();
    void handle(std::string_view buffer);
    void appeared(const std::string& name);
    void vanished(const std::string& name);
    void try_later(const std::string& name, std::uint64_t generation);
    void dial(const std::string& name, std::uint64_t generation,
              std::chrono::steady_clock::time_point give_up);
    void ask(const std::string& name, std::uint64_t generation);
    void consider(const std::string& name, std::uint64_t generation, const PluginInfo& info);
    void notify(const std::string& name, const std::string& error);
    void after(std::chrono::milliseconds delay, std::function<void()> action);
    Socket* current(const std::string& name, std::uint64_t generation);
    std::string path(const std::string& name) const { return (options_.registry / name).string(); }

    boost::asio::io_context& io_;
    Options options_;
    Changed changed_;
    boost::asio::posix::stream_descriptor inotify_;
    std::vector<char> buffer_;
    GrpcLoop loop_;
    std::map<std::string, Socket> sockets_;  ///< by file name
    std::uint64_t counter_ = 0;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // shared with callbacks
};

}  // namespace knd::local
