// SPDX-License-Identifier: Apache-2.0
#include "tools/local/kubelet/dra_plugin.hpp"

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/impl/codegen/proto_utils.h>

#include <boost/asio/post.hpp>
#include <utility>

#include "host/proto/kubelet/dra_v1.pb.h"
#include "host/proto/kubelet/registration_v1.pb.h"

namespace knd::local {
namespace {

namespace dra = ::k8s::io::kubelet::pkg::apis::dra::v1;

constexpr auto kInfoTimeout = std::chrono::seconds(1);
constexpr auto kNotifyTimeout = std::chrono::seconds(5);
constexpr auto kWatchInterval = std::chrono::milliseconds(250);
constexpr auto kCallTimeout = std::chrono::seconds(45);

std::shared_ptr<grpc::Channel> open_channel(const std::string& socket) {
    grpc::ChannelArguments arguments;
    // A channel of its own: gRPC would otherwise hand out one that still backs off because of a
    // plugin that was at this path before.
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
    arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1000);
    arguments.SetString(GRPC_ARG_DEFAULT_AUTHORITY, "localhost");
    return grpc::CreateCustomChannel("unix:" + socket, grpc::InsecureChannelCredentials(),
                                     arguments);
}

/// The name Go's gRPC gives a code in its error texts.
std::string_view go_code(grpc::StatusCode code) {
    constexpr std::string_view kNames[] = {
        "OK",       "Canceled",       "Unknown",          "InvalidArgument",   "DeadlineExceeded",
        "NotFound", "AlreadyExists",  "PermissionDenied", "ResourceExhausted", "FailedPrecondition",
        "Aborted",  "OutOfRange",     "Unimplemented",    "Internal",          "Unavailable",
        "DataLoss", "Unauthenticated"};
    const auto index = static_cast<std::size_t>(code);
    return index < std::size(kNames) ? kNames[index] : "Unknown";
}

Error call_error(const grpc::Status& status) {
    return {static_cast<Code>(status.error_code()),
            "rpc error: code = " + std::string(go_code(status.error_code())) +
                " desc = " + status.error_message()};
}

/// One unary call under way; lives until its answer has been handed out.
template <class Request, class Response>
struct Call {
    Call(std::shared_ptr<grpc::Channel> to, std::chrono::seconds timeout)
        : channel(std::move(to)), stub(channel) {
        context.set_deadline(std::chrono::system_clock::now() + timeout);
    }
    std::shared_ptr<grpc::Channel> channel;  // the stub and the caller use it, too
    grpc::TemplatedGenericStub<Request, Response> stub;
    grpc::ClientContext context;
    Request request;
    Response response;
    grpc::Status status;
    std::unique_ptr<grpc::ClientAsyncResponseReader<Response>> reader;
};

/// By method name and not by generated stub: v1 and v1beta1 have the same messages on the wire, so
/// one set of types speaks both.
template <class Request, class Response>
void start(GrpcLoop& loop, std::shared_ptr<Call<Request, Response>> call, const std::string& method,
           std::function<void(const grpc::Status&, Response&)> done) {
    auto& running = *call;
    loop.started(&running.context);
    running.reader =
        running.stub.PrepareUnaryCall(&running.context, method, running.request, loop.queue());
    running.reader->StartCall();
    void* tag = loop.tag([&loop, call = std::move(call), done = std::move(done)] {
        loop.ended(&call->context);
        done(call->status, call->response);
    });
    running.reader->Finish(&running.response, &running.status, tag);
}

template <class Request>
void add_claims(const std::vector<ClaimRef>& claims, Request& request) {
    for (const auto& claim : claims) {
        auto& added = *request.add_claims();
        added.set_namespace_(claim.ns);
        added.set_uid(claim.uid);
        added.set_name(claim.name);
    }
}

PreparedDevice read_device(const dra::Device& device) {
    return {{device.request_names().begin(), device.request_names().end()},
            device.pool_name(),
            device.device_name(),
            device.has_share_id() ? device.share_id() : "",
            {device.cdi_device_ids().begin(), device.cdi_device_ids().end()}};
}

}  // namespace

GrpcLoop::GrpcLoop(boost::asio::io_context& io)
    : io_(io), thread_([this] {
          void* tag = nullptr;
          bool ok = false;
          while (queue_.Next(&tag, &ok)) {
              const std::unique_ptr<std::function<void()>> done(
                  static_cast<std::function<void()>*>(tag));
              boost::asio::post(io_, std::move(*done));
          }
      }) {}

GrpcLoop::~GrpcLoop() {
    *alive_ = false;
    for (auto* call : calls_)
        call->TryCancel();
    queue_.Shutdown();
    thread_.join();
}

void* GrpcLoop::tag(std::function<void()> done) {
    return new std::function<void()>([alive = alive_, done = std::move(done)] {
        if (*alive) done();
    });
}

void get_plugin_info(GrpcLoop& loop, const std::string& socket, Done<PluginInfo> done) {
    using Request = ::pluginregistration::InfoRequest;
    using Response = ::pluginregistration::PluginInfo;
    auto call = std::make_shared<Call<Request, Response>>(open_channel(socket), kInfoTimeout);
    call->context.set_wait_for_ready(true);
    start<Request, Response>(
        loop, std::move(call), "/pluginregistration.Registration/GetInfo",
        [done = std::move(done)](const grpc::Status& status, Response& info) {
            if (!status.ok()) return done(call_error(status));
            const auto& versions = info.supported_versions();
            done(PluginInfo{
                info.type(), info.name(), info.endpoint(), {versions.begin(), versions.end()}});
        });
}

void notify_registration(GrpcLoop& loop, const std::string& socket, const std::string& error,
                         Done<> done) {
    using Request = ::pluginregistration::RegistrationStatus;
    using Response = ::pluginregistration::RegistrationStatusResponse;
    auto call = std::make_shared<Call<Request, Response>>(open_channel(socket), kNotifyTimeout);
    call->context.set_wait_for_ready(true);
    call->request.set_plugin_registered(error.empty());
    call->request.set_error(error);
    start<Request, Response>(loop, std::move(call),
                             "/pluginregistration.Registration/NotifyRegistrationStatus",
                             [done = std::move(done)](const grpc::Status& status, Response&) {
                                 if (!status.ok()) return done(call_error(status));
                                 done({});
                             });
}

DraPlugin::DraPlugin(GrpcLoop& loop, PluginInfo info, std::string api,
                     std::function<void()> connection_changed)
    : loop_(loop),
      info_(std::move(info)),
      api_(std::move(api)),
      connection_changed_(std::move(connection_changed)),
      channel_(open_channel(info_.endpoint)) {
    watch();
}

DraPlugin::~DraPlugin() {
    *alive_ = false;
}

void DraPlugin::watch() {
    const auto state = channel_->GetState(true);
    // Idle and connecting say nothing new: a plugin counts as connected until a failure shows.
    const bool before = connected_;
    if (state == GRPC_CHANNEL_READY) connected_ = true;
    if (state == GRPC_CHANNEL_TRANSIENT_FAILURE || state == GRPC_CHANNEL_SHUTDOWN)
        connected_ = false;
    // The deadline bounds how long GrpcLoop waits at its end, as a watch cannot be cancelled.
    channel_->NotifyOnStateChange(state, std::chrono::system_clock::now() + kWatchInterval,
                                  loop_.queue(), loop_.tag([this, alive = alive_] {
                                      if (*alive) watch();
                                  }));
    if (before != connected_) connection_changed_();
}

void DraPlugin::prepare(const std::vector<ClaimRef>& claims, Done<ClaimAnswers> done) {
    using Request = dra::NodePrepareResourcesRequest;
    using Response = dra::NodePrepareResourcesResponse;
    auto call = std::make_shared<Call<Request, Response>>(channel_, kCallTimeout);
    add_claims(claims, call->request);
    start<Request, Response>(
        loop_, std::move(call),
        "/k8s.io.kubelet.pkg.apis.dra." + api_ + ".DRAPlugin/NodePrepareResources",
        [done = std::move(done)](const grpc::Status& status, Response& response) {
            if (!status.ok()) return done(call_error(status));
            ClaimAnswers answers;
            for (const auto& [uid, answer] : response.claims()) {
                answers[uid].error = answer.error();
                for (const auto& device : answer.devices())
                    answers[uid].devices.push_back(read_device(device));
            }
            done(std::move(answers));
        });
}

void DraPlugin::unprepare(const std::vector<ClaimRef>& claims, Done<ClaimAnswers> done) {
    using Request = dra::NodeUnprepareResourcesRequest;
    using Response = dra::NodeUnprepareResourcesResponse;
    auto call = std::make_shared<Call<Request, Response>>(channel_, kCallTimeout);
    add_claims(claims, call->request);
    start<Request, Response>(
        loop_, std::move(call),
        "/k8s.io.kubelet.pkg.apis.dra." + api_ + ".DRAPlugin/NodeUnprepareResources",
        [done = std::move(done)](const grpc::Status& status, Response& response) {
            if (!status.ok()) return done(call_error(status));
            ClaimAnswers answers;
            for (const auto& [uid, answer] : response.claims())
                answers[uid].error = answer.error();
            done(std::move(answers));
        });
}

}  // namespace knd::local
