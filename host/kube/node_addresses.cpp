// SPDX-License-Identifier: Apache-2.0
#include "host/kube/node_addresses.hpp"

#include "host/model/log.hpp"

namespace knd::kube {
namespace {

std::vector<std::string> ips_of(const Json& node) {
    std::vector<std::string> ips;
    for (const auto& address : json_path(node, {"status", "addresses"})) {
        const auto type = json_string(address, "type");
        if (type == "InternalIP" || type == "ExternalIP")
            ips.push_back(json_string(address, "address"));
    }
    return ips;
}

}  // namespace

NodeAddresses::NodeAddresses(Client& client, std::string node, Handlers handlers, Pauses pauses)
    : client_(client),
      node_(std::move(node)),
      handlers_(std::move(handlers)),
      pauses_(pauses),
      again_(client.domain()) {}

void NodeAddresses::read() {
    client_.get({"v1", "nodes", ""}, node_,
                [this, weak = std::weak_ptr(alive_)](Result<Json> node) {
                    if (weak.expired()) return;
                    if (!node) return failed(node.error());
                    take(ips_of(*node));
                });
}

void NodeAddresses::stop() {
    alive_ = std::make_shared<int>(0);
    again_.cancel();
}

void NodeAddresses::take(std::vector<std::string> ips) {
    if (!ips.empty()) {
        state_ = State::kSome;
        return handlers_.known(std::move(ips));
    }
    read_in(pauses_.none);
    if (state_ == State::kSome || state_ == State::kNone) return;
    state_ = State::kNone;
    log::warn("the Node has no addresses yet; no interface with a global address is offered before",
              {{"node", node_}});
    handlers_.known({});
}

void NodeAddresses::failed(const Error& error) {
    const bool denied = error.code() == Code::kPermissionDenied;
    if (denied && state_ == State::kHidden) return;
    if (denied && state_ == State::kUnread) {
        state_ = State::kHidden;
        log::warn(
            "kndd may not read its Node: an interface with the node's address is kept back "
            "only where a default route or the way to the API server leads through it; "
            "allow `get` on `nodes`",
            {{"node", node_}, {"error", error.message()}});
        return handlers_.hidden();
    }
    log::warn(answered() ? "cannot read the node's addresses; keeping the last known ones"
                         : "cannot read the node's addresses",
              {{"node", node_}, {"error", error.message()}});
    // Later ones are read from time to time anyway.
    if (!answered()) read_in(pauses_.unread);
    if (state_ == State::kNone) read_in(pauses_.none);
}

void NodeAddresses::read_in(std::chrono::milliseconds pause) {
    again_.expires_after(pause);
    again_.async_wait([this, weak = std::weak_ptr(alive_)](const boost::system::error_code& ec) {
        if (!ec && !weak.expired()) read();
    });
}

}  // namespace knd::kube
