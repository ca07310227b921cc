// SPDX-License-Identifier: Apache-2.0
//
// NodeAddresses: what the API server says of our Node's addresses. Asked until it has some: a Node
// has none before the cloud's controller has seen it.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "host/kube/client.hpp"

namespace knd::kube {

/// Threads: the domain thread.
/// Failure: logged and tried again; addresses that were known stay so.
class NodeAddresses {
  public:
    struct Handlers {
        /// Empty: it has none yet.
        std::function<void(std::vector<std::string> ips)> known;
        /// We may not read it.
        std::function<void()> hidden;
    };
    struct Pauses {
        std::chrono::milliseconds unread{1'000};  ///< until it can be read
        std::chrono::milliseconds none{10'000};   ///< until it has addresses
    };

    NodeAddresses(Client& client, std::string node, Handlers handlers, Pauses pauses);
    NodeAddresses(Client& client, std::string node, Handlers handlers)
        : NodeAddresses(client, std::move(node), std::move(handlers), Pauses()) {}

    /// Now, and again until there are addresses. Who may not read it is not asked again by itself.
    void read();
    void stop();
    /// Whether a handler was called.
    bool answered() const { return state_ != State::kUnread; }

  private:
    enum class State { kUnread, kHidden, kNone, kSome };
    void take(std::vector<std::string> ips);
    void failed(const Error& error);
    void read_in(std::chrono::milliseconds pause);

    Client& client_;
    const std::string node_;
    const Handlers handlers_;
    const Pauses pauses_;
    boost::asio::steady_timer again_;
    State state_ = State::kUnread;
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);  ///< see Reflector
};

}  // namespace knd::kube
