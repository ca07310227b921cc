// SPDX-License-Identifier: Apache-2.0
//
// Session: one connection of the Plugin to a runtime, from RegisterPlugin to its end. Internal to
// host/nri.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "host/model/services.hpp"
#include "host/nri/mux.hpp"
#include "host/nri/plugin.hpp"
#include "host/nri/translate.hpp"
#include "host/nri/ttrpc_client.hpp"
#include "host/nri/ttrpc_server.hpp"

namespace knd::nri {

/// Ownership: by the Plugin alone; shared so that a late answer of the PodService finds out that
/// the session is over.
class Session : public std::enable_shared_from_this<Session> {
  public:
    Session(boost::asio::io_context& io, Plugin& plugin, Fd socket);
    ~Session();

    void start();
    void close();

  private:
    using Payload = std::string_view;
    using Responder = TtrpcServer::Responder;
    struct Request;
    using RequestPtr = std::shared_ptr<Request>;
    /// What the runtime gets when the PodService has not answered in time.
    enum class Late { kFail, kSucceed };

    void add_methods();
    void register_plugin();
    void configure(Payload payload, const Responder& respond);
    void synchronize(Payload payload, const Responder& respond);
    Result<bool> collect_pods(Payload payload);
    void state_change(Payload payload, const Responder& respond);
    void pod_request(int event, std::string_view method, Payload payload, const Responder& respond);
    void pod_event(int event, const wire::PodSandbox& pod, const RequestPtr& request);
    void create_container(Payload payload, const Responder& respond);

    RequestPtr begin(std::string_view method, const Responder& respond);
    void arm_budget(const RequestPtr& request, Late late);
    void answer(const RequestPtr& request, const google::protobuf::MessageLite& reply);
    void answer(const RequestPtr& request, const Error& error);
    bool close_request(const RequestPtr& request, Code code);
    Done<> always_succeed(const RequestPtr& request);
    void answer_success(const RequestPtr& request);

    boost::asio::io_context& io_;
    Plugin& plugin_;
    std::shared_ptr<Mux> mux_;
    TtrpcServer server_;
    TtrpcClient client_;
    std::chrono::milliseconds budget_;
    bool open_ = true;
    bool synchronized_ = false;
    std::vector<PodSandbox> pods_;  ///< of a Synchronize that has more to come
    std::vector<Container> containers_;
};

}  // namespace knd::nri
