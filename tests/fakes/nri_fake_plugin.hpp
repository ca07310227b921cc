// SPDX-License-Identifier: Apache-2.0
//
// NriFakePlugin: a plugin whose manners can be set, for tests of a runtime.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "host/nri/mux.hpp"
#include "host/nri/ttrpc_client.hpp"
#include "host/nri/ttrpc_server.hpp"
#include "host/nri/unix_socket.hpp"
#include "host/proto/nri/nri.pb.h"

namespace knd::fakes {

namespace api = ::nri::pkg::api::v1alpha1;

class NriFakePlugin {
  public:
    using Responder = nri::TtrpcServer::Responder;
    using CreateResponse = api::CreateContainerResponse;

    struct Manners {
        std::string index = "10";
        std::string name = "fake";
        std::int32_t events = 0xf;
        bool pod_rpcs = true;    ///< offers RunPodSandbox and so on, not StateChange alone
        bool split_sync = true;  ///< returns the `more` of Synchronize
        bool registers = true;
        std::function<void(CreateResponse&)> adjust;
        std::optional<Error> fail;  ///< answers pod and container requests with this
        bool mute = false;          ///< does not answer them at all
        bool fail_request = false;  ///< its failure policy
        bool keep_connected = false;
        bool holds_sync = false;  ///< answers Synchronize at release_sync() only
        bool nonsense = false;    ///< answers CreateContainer with something else
    };

    NriFakePlugin(boost::asio::io_context& io, const std::string& path, Manners manners)
        : manners_(std::move(manners)),
          mux_(nri::Mux::create(io, nri::connect_unix(path).value())),
          server_(mux_, nri::StreamId::kPlugin, "nri.pkg.api.v1alpha1.Plugin"),
          client_(io, mux_, nri::StreamId::kRuntime, "nri.pkg.api.v1alpha1.Runtime") {
        add_methods();
        mux_->start([this](const Error& error) {
            client_.fail_all(error);
            closed = true;
        });
        if (manners_.registers) register_plugin();
    }
    ~NriFakePlugin() { mux_->close(); }
    NriFakePlugin(const NriFakePlugin&) = delete;
    NriFakePlugin& operator=(const NriFakePlugin&) = delete;

    std::vector<std::string> calls;        ///< "Configure", "StateChange 1", "CreateContainer", ...
    std::size_t pods = 0, containers = 0;  ///< told by Synchronize
    std::string nri_version;               ///< told by Configure
    std::size_t hooks_seen = 0;            ///< in the container of the last CreateContainer
    std::optional<Error> refused;          ///< the answer to RegisterPlugin
    bool closed = false;

    void disconnect() { mux_->close(); }
    void release_sync() {
        if (const auto release = std::exchange(held_sync_, nullptr)) release();
    }
    /// Of pod and container requests from now on.
    void answer_with(std::optional<Error> fail, bool mute = false) {
        manners_.fail = std::move(fail);
        manners_.mute = mute;
    }
    void register_plugin() {
        api::RegisterPluginRequest request;
        request.set_plugin_idx(manners_.index);
        request.set_plugin_name(manners_.name);
        client_.call("RegisterPlugin", request, std::chrono::seconds(5),
                     [this](const Result<std::string_view>& reply) {
                         if (!reply) refused = reply.error();
                     });
    }

  private:
    template <class Message>
    static Message parse(std::string_view payload) {
        Message message;
        message.ParseFromArray(payload.data(), static_cast<int>(payload.size()));
        return message;
    }

    void add_methods() {
        server_.add("Configure", [this](std::string_view payload, const Responder& respond) {
            calls.push_back("Configure");
            nri_version = parse<api::ConfigureRequest>(payload).nri_version();
            api::ConfigureResponse reply;
            reply.set_events(manners_.events);
            reply.mutable_failure_policy()->set_fail_request(manners_.fail_request);
            reply.mutable_failure_policy()->set_keep_connected(manners_.keep_connected);
            respond.ok(reply);
        });
        server_.add("Synchronize", [this](std::string_view payload, const Responder& respond) {
            calls.push_back("Synchronize");
            const auto request = parse<api::SynchronizeRequest>(payload);
            pods += static_cast<std::size_t>(request.pods_size());
            containers += static_cast<std::size_t>(request.containers_size());
            api::SynchronizeResponse reply;
            reply.set_more(manners_.split_sync && request.more());
            if (!manners_.holds_sync) return respond.ok(reply);
            held_sync_ = [respond, reply] { respond.ok(reply); };
        });
        server_.add("CreateContainer", [this](std::string_view payload, const Responder& respond) {
            calls.push_back("CreateContainer");
            const auto request = parse<api::CreateContainerRequest>(payload);
            hooks_seen =
                static_cast<std::size_t>(request.container().hooks().create_runtime_size());
            CreateResponse reply;
            if (manners_.adjust) manners_.adjust(reply);
            if (!manners_.nonsense) return answer(respond, reply);
            api::KeyValue other;
            other.set_key("\x7f");
            respond.ok(other);
        });
        server_.add("StateChange", [this](std::string_view payload, const Responder& respond) {
            const auto event = parse<api::StateChangeEvent>(payload).event();
            calls.push_back("StateChange " + std::to_string(event));
            answer(respond, api::Empty());
        });
        if (!manners_.pod_rpcs) return;
        for (const char* method : {"RunPodSandbox", "StopPodSandbox", "RemovePodSandbox"})
            server_.add(method, [this, method](std::string_view, const Responder& respond) {
                calls.push_back(method);
                answer(respond, api::Empty());
            });
    }

    void answer(const Responder& respond, const google::protobuf::MessageLite& reply) const {
        if (manners_.mute) return;
        if (manners_.fail)
            respond.error(*manners_.fail);
        else
            respond.ok(reply);
    }

    Manners manners_;
    std::function<void()> held_sync_;
    std::shared_ptr<nri::Mux> mux_;
    nri::TtrpcServer server_;
    nri::TtrpcClient client_;
};

}  // namespace knd::fakes
