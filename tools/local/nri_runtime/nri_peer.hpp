// SPDX-License-Identifier: Apache-2.0
//
// NriPeer: one plugin, seen from the runtime: the calls of the NRI Plugin service and what the
// runtime remembers about the plugin. Internal to NriRuntime.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "host/nri/mux.hpp"
#include "host/nri/translate.hpp"
#include "host/nri/ttrpc_client.hpp"
#include "host/nri/ttrpc_server.hpp"
#include "tools/local/nri_runtime/nri_runtime.hpp"

namespace knd::local {

/// An error with an errno (nri::is_transport_error) means that the plugin must be dropped; one
/// without is the plugin's own answer.
class NriPeer : public std::enable_shared_from_this<NriPeer> {
  public:
    NriPeer(boost::asio::io_context& io, const NriRuntimeOptions& options, Fd socket);
    ~NriPeer();

    /// `registered` is told once whether the plugin registered in time; `lost` at most once, later,
    /// that the connection has ended. Neither is called after `close`.
    void start(Done<> registered, std::function<void(const Error&)> lost);
    /// Silently: no callback of an open call runs any more.
    void close();

    void configure(Done<> done);
    void synchronize(const NriRuntime::Inventory& inventory, Done<> done);
    /// What a plugin has asked for, in case that it does not answer; nothing, of an older one.
    bool fails_request() const { return fails_request_; }
    bool stays(const Error& error) const {
        return keeps_connected_ && error.os_error() == ETIMEDOUT;
    }
    bool subscribed(int event) const { return (events_ >> (event - 1) & 1) != 0; }
    void pod_event(int event, const PodSandbox& pod, Done<> done);
    void create_container(const PodSandbox& pod, const Container& container,
                          Done<ContainerEdits> done);

    /// "10-knd"; "(unregistered)" before.
    const std::string& label() const { return label_; }

  private:
    struct Parts;
    using Reply = nri::TtrpcClient::Reply;

    void register_plugin(std::string_view payload, const nri::TtrpcServer::Responder& respond);
    void registration_ended(const Result<>& result);
    Result<> accept_events(std::int32_t events);
    void send_part(const std::shared_ptr<Parts>& parts);
    Result<> check_part_reply(std::string_view payload, bool more) const;
    void state_change(int event, const PodSandbox& pod, Done<> done);
    void call(std::string_view method, const google::protobuf::MessageLite& request, Reply reply);
    Error blame(const Error& error, std::string_view method) const;

    const NriRuntimeOptions& options_;
    std::shared_ptr<nri::Mux> mux_;
    nri::TtrpcServer server_;
    nri::TtrpcClient client_;
    boost::asio::steady_timer registration_;
    Done<> registered_;
    std::string label_ = "(unregistered)";
    std::int32_t events_ = 0;
    bool fails_request_ = false;
    bool keeps_connected_ = false;
    bool no_pod_rpcs_ = false;  ///< answered UNIMPLEMENTED once; StateChange from then on
};

}  // namespace knd::local
