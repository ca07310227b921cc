// SPDX-License-Identifier: Apache-2.0
#include "tools/local/nri_runtime/nri_peer.hpp"

#include <algorithm>
#include <cctype>
#include <utility>

#include "host/proto/nri/nri.pb.h"

namespace knd::local {
namespace {

namespace wire = nri::wire;

constexpr std::string_view kPluginService = "nri.pkg.api.v1alpha1.Plugin";
constexpr std::string_view kRuntimeService = "nri.pkg.api.v1alpha1.Runtime";
/// Left free in a part of Synchronize for the envelope around it.
constexpr std::size_t kEnvelope = 512;

std::int32_t known_events(NriVersion version) {
    const int last = version == NriVersion::k0_8 ? wire::EVENT_REMOVE_CONTAINER
                                                 : wire::EVENT_VALIDATE_CONTAINER_ADJUSTMENT;
    return (1 << last) - 1;
}

std::string_view pod_method(int event) {
    switch (event) {
        case wire::EVENT_RUN_POD_SANDBOX:
            return "RunPodSandbox";
        case wire::EVENT_STOP_POD_SANDBOX:
            return "StopPodSandbox";
        default:
            return "RemovePodSandbox";
    }
}

bool parse(std::string_view payload, google::protobuf::MessageLite& message) {
    return message.ParseFromArray(payload.data(), static_cast<int>(payload.size()));
}

Error unreadable(std::string_view what) {
    return {Code::kInternal, std::string(what) + " is unreadable", EPROTO};
}

Result<> check_identity(const wire::RegisterPluginRequest& request) {
    const auto& name = request.plugin_name();
    const bool good_name = !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
        return std::isalnum(static_cast<unsigned char>(c)) ||
               std::string_view("_.+-").find(c) != std::string_view::npos;
    });
    if (!good_name) return Error(Code::kInvalidArgument, "invalid plugin name '" + name + "'");
    const auto& index = request.plugin_idx();
    const auto digit = [](char c) { return c >= '0' && c <= '9'; };
    if (index.size() != 2 || !digit(index[0]) || !digit(index[1]))
        return Error(Code::kInvalidArgument, "invalid plugin index '" + index + "'");
    return {};
}

}  // namespace

/// A Synchronize on its way, cut into messages that the peer can take.
struct NriPeer::Parts {
    std::vector<wire::SynchronizeRequest> messages;
    std::size_t next = 0;
    std::chrono::steady_clock::time_point deadline;
    Done<> done;
};

NriPeer::NriPeer(boost::asio::io_context& io, const NriRuntimeOptions& options, Fd socket)
    : options_(options),
      mux_(nri::Mux::create(io, std::move(socket))),
      server_(mux_, nri::StreamId::kRuntime, std::string(kRuntimeService)),
      client_(io, mux_, nri::StreamId::kPlugin, std::string(kPluginService)),
      registration_(io) {
    server_.add("RegisterPlugin", [this](std::string_view payload, const auto& respond) {
        register_plugin(payload, respond);
    });
}

NriPeer::~NriPeer() {
    mux_->close();
}

void NriPeer::start(Done<> registered, std::function<void(const Error&)> lost) {
    registered_ = std::move(registered);
    registration_.expires_after(options_.registration_timeout);
    registration_.async_wait([weak = weak_from_this()](boost::system::error_code ec) {
        const auto self = weak.lock();
        if (ec || !self) return;
        self->registration_ended(
            Error(Code::kDeadlineExceeded, "the plugin did not register in time", ETIMEDOUT));
    });
    mux_->start([this, lost = std::move(lost)](const Error& error) {
        const auto self = shared_from_this();
        client_.fail_all(error);
        if (registered_)
            registration_ended(error);
        else
            lost(error);
    });
}

void NriPeer::close() {
    registered_ = nullptr;
    registration_.cancel();
    mux_->close();
    client_.forget_all();
}

void NriPeer::register_plugin(std::string_view payload,
                              const nri::TtrpcServer::Responder& respond) {
    wire::RegisterPluginRequest request;
    if (!parse(payload, request)) return respond.error(unreadable("RegisterPlugin"));
    if (!registered_)
        return respond.error({Code::kFailedPrecondition, "the plugin is registered already"});
    if (const auto good = check_identity(request); !good) {
        respond.error(good.error());
        return registration_ended(Error(Code::kInvalidArgument, good.error().message(), EINVAL));
    }
    label_ = request.plugin_idx() + "-" + request.plugin_name();
    respond.ok(wire::Empty());
    registration_ended({});
}

void NriPeer::registration_ended(const Result<>& result) {
    registration_.cancel();
    if (auto registered = std::exchange(registered_, nullptr)) registered(result);
}

void NriPeer::configure(Done<> done) {
    wire::ConfigureRequest request;
    request.set_runtime_name(options_.name);
    request.set_runtime_version(options_.version);
    request.set_registration_timeout(options_.registration_timeout.count());
    request.set_request_timeout(options_.request_timeout.count());
    if (options_.nri_version == NriVersion::k0_12) request.set_nri_version("0.12.0");
    call("Configure", request,
         [this, done = std::move(done)](const Result<std::string_view>& payload) {
             wire::ConfigureResponse reply;
             if (!payload) return done(blame(payload.error(), "Configure"));
             if (!parse(*payload, reply)) return done(unreadable("the answer to Configure"));
             if (options_.nri_version == NriVersion::k0_12) {
                 fails_request_ = reply.failure_policy().fail_request();
                 keeps_connected_ = reply.failure_policy().keep_connected();
             }
             done(accept_events(reply.events()));
         });
}

Result<> NriPeer::accept_events(std::int32_t events) {
    const auto known = known_events(options_.nri_version);
    if ((events & ~known) != 0)
        return Error(Code::kInvalidArgument,
                     "invalid plugin events: mask " + std::to_string(events) +
                         " has bits that this version of NRI does not know",
                     EINVAL);
    events_ = events == 0 ? known : events;
    return {};
}

void NriPeer::synchronize(const NriRuntime::Inventory& inventory, Done<> done) {
    auto parts = std::make_shared<Parts>();
    parts->deadline = std::chrono::steady_clock::now() + options_.request_timeout;
    parts->done = std::move(done);
    parts->messages.emplace_back();
    std::size_t size = kEnvelope;
    const auto room_for = [&](std::size_t bytes) -> wire::SynchronizeRequest& {
        bytes += 8;  // tag and length
        if (size > kEnvelope && size + bytes > options_.max_message) {
            parts->messages.back().set_more(true);
            parts->messages.emplace_back();
            size = kEnvelope;
        }
        size += bytes;
        return parts->messages.back();
    };
    for (const auto& pod : inventory.pods) {
        wire::PodSandbox message;
        nri::to_wire(pod, message);
        *room_for(message.ByteSizeLong()).add_pods() = std::move(message);
    }
    for (const auto& container : inventory.containers) {
        wire::Container message;
        nri::to_wire(container, message);
        *room_for(message.ByteSizeLong()).add_containers() = std::move(message);
    }
    send_part(parts);
}

void NriPeer::send_part(const std::shared_ptr<Parts>& parts) {
    // One limit for all parts together.
    const auto left = std::max(std::chrono::milliseconds(1),
                               std::chrono::ceil<std::chrono::milliseconds>(
                                   parts->deadline - std::chrono::steady_clock::now()));
    const auto& request = parts->messages[parts->next];
    client_.call("Synchronize", request, left,
                 [this, parts](const Result<std::string_view>& payload) {
                     if (!payload) return parts->done(blame(payload.error(), "Synchronize"));
                     const bool more = parts->messages[parts->next].more();
                     const auto good = check_part_reply(*payload, more);
                     if (!good || !more) return parts->done(good);
                     ++parts->next;
                     send_part(parts);
                 });
}

Result<> NriPeer::check_part_reply(std::string_view payload, bool more) const {
    wire::SynchronizeResponse reply;
    if (!parse(payload, reply)) return unreadable("the answer to Synchronize");
    if (reply.more() != more || (more && reply.update_size() > 0))
        return Error(Code::kInternal, "the plugin does not handle split sync requests", EPROTO);
    return {};
}

void NriPeer::pod_event(int event, const PodSandbox& pod, Done<> done) {
    if (options_.nri_version != NriVersion::k0_12 || no_pod_rpcs_)
        return state_change(event, pod, std::move(done));
    wire::PodSandboxRequest request;
    nri::to_wire(pod, *request.mutable_pod());
    const auto method = pod_method(event);
    call(method, request,
         [this, event, method, pod, done = std::move(done)](const Result<std::string_view>& reply) {
             if (reply) return done({});
             if (reply.code() != Code::kUnimplemented || nri::is_transport_error(reply.error()))
                 return done(blame(reply.error(), method));
             no_pod_rpcs_ = true;
             state_change(event, pod, done);
         });
}

void NriPeer::state_change(int event, const PodSandbox& pod, Done<> done) {
    wire::StateChangeEvent request;
    request.set_event(static_cast<wire::Event>(event));
    nri::to_wire(pod, *request.mutable_pod());
    call("StateChange", request,
         [this, event, done = std::move(done)](const Result<std::string_view>& reply) {
             if (reply) return done({});
             done(blame(reply.error(), pod_method(event)));
         });
}

void NriPeer::create_container(const PodSandbox& pod, const Container& container,
                               Done<ContainerEdits> done) {
    wire::CreateContainerRequest request;
    nri::to_wire(pod, *request.mutable_pod());
    nri::to_wire(container, *request.mutable_container());
    call("CreateContainer", request,
         [this, done = std::move(done)](const Result<std::string_view>& payload) {
             wire::CreateContainerResponse reply;
             if (!payload) return done(blame(payload.error(), "CreateContainer"));
             if (!parse(*payload, reply)) return done(unreadable("the answer to CreateContainer"));
             done(nri::from_wire(reply.adjust()));
         });
}

void NriPeer::call(std::string_view method, const google::protobuf::MessageLite& request,
                   Reply reply) {
    client_.call(method, request, options_.request_timeout,
                 [self = weak_from_this(), reply = std::move(reply)](auto&& payload) {
                     // The reply may make the runtime drop this peer, in the middle of which it
                     // must not vanish.
                     if (const auto peer = self.lock())
                         reply(std::forward<decltype(payload)>(payload));
                 });
}

Error NriPeer::blame(const Error& error, std::string_view method) const {
    return error.wrap("NRI plugin " + label_ + ": " + std::string(method));
}

}  // namespace knd::local
