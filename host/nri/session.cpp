// SPDX-License-Identifier: Apache-2.0
#include "host/nri/session.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "host/model/log.hpp"
#include "host/proto/nri/nri.pb.h"

namespace knd::nri {
namespace {

constexpr std::string_view kPluginService = "nri.pkg.api.v1alpha1.Plugin";
constexpr std::string_view kRuntimeService = "nri.pkg.api.v1alpha1.Runtime";
/// What we say to speak: one RPC per event, which 0.12 brought.
constexpr std::string_view kNriVersion = "0.12.0";
/// Far above what a node can hold; a limit for memory, not for use.
constexpr std::size_t kMaxSynchronized = 200000;

constexpr std::int32_t mask_of(wire::Event event) {
    return 1 << (event - 1);
}
/// These four are known to every version of NRI; a bit that a runtime does not know would make it
/// refuse the plugin.
constexpr std::int32_t kEvents =
    mask_of(wire::EVENT_RUN_POD_SANDBOX) | mask_of(wire::EVENT_STOP_POD_SANDBOX) |
    mask_of(wire::EVENT_REMOVE_POD_SANDBOX) | mask_of(wire::EVENT_CREATE_CONTAINER);

constexpr std::string_view kRun = "RunPodSandbox";
constexpr std::string_view kStop = "StopPodSandbox";
constexpr std::string_view kRemove = "RemovePodSandbox";
constexpr std::string_view kCreate = "CreateContainer";
constexpr std::string_view kSynchronize = "Synchronize";

bool parse(std::string_view payload, google::protobuf::MessageLite& message) {
    return message.ParseFromArray(payload.data(), static_cast<int>(payload.size()));
}

Error unreadable(std::string_view method) {
    return {Code::kInvalidArgument, "the " + std::string(method) + " request is unreadable"};
}

Error not_synchronised(const std::string& subject) {
    return {Code::kUnavailable,
            "pod " + subject + ": the driver does not know the pods of this node yet"};
}

/// Nothing: an event that nobody has subscribed to.
std::optional<std::string_view> method_of(int event) {
    switch (event) {
        case wire::EVENT_RUN_POD_SANDBOX:
            return kRun;
        case wire::EVENT_STOP_POD_SANDBOX:
            return kStop;
        case wire::EVENT_REMOVE_POD_SANDBOX:
            return kRemove;
        default:
            return std::nullopt;
    }
}

}  // namespace

/// One request that the runtime waits for. Answered by the PodService or by the budget, whichever
/// comes first.
struct Session::Request {
    std::string_view method;
    std::string subject;  ///< for people: which pod or container
    Responder respond;
    std::chrono::steady_clock::time_point started;
    std::unique_ptr<boost::asio::steady_timer> budget;
    bool answered = false;
};

Session::Session(boost::asio::io_context& io, Plugin& plugin, Fd socket)
    : io_(io),
      plugin_(plugin),
      mux_(Mux::create(io, std::move(socket))),
      server_(mux_, StreamId::kPlugin, std::string(kPluginService)),
      client_(io, mux_, StreamId::kRuntime, std::string(kRuntimeService)),
      budget_(plugin.options_.budget) {
    add_methods();
}

Session::~Session() {
    close();
}

void Session::close() {
    open_ = false;
    mux_->close();
}

void Session::start() {
    mux_->start([this](const Error& error) { plugin_.session_lost(error); });
    register_plugin();
}

void Session::add_methods() {
    server_.add("Configure", [this](Payload p, const Responder& r) { configure(p, r); });
    server_.add(std::string(kSynchronize),
                [this](Payload p, const Responder& r) { synchronize(p, r); });
    server_.add("Shutdown", [](Payload, const Responder& r) { r.ok(wire::Empty()); });
    server_.add("StateChange", [this](Payload p, const Responder& r) { state_change(p, r); });
    server_.add(std::string(kCreate),
                [this](Payload p, const Responder& r) { create_container(p, r); });
    for (const auto event : {wire::EVENT_RUN_POD_SANDBOX, wire::EVENT_STOP_POD_SANDBOX,
                             wire::EVENT_REMOVE_POD_SANDBOX}) {
        const auto method = *method_of(event);
        server_.add(std::string(method), [this, event, method](Payload p, const Responder& r) {
            pod_request(event, method, p, r);
        });
    }
}

void Session::register_plugin() {
    wire::RegisterPluginRequest request;
    request.set_plugin_name(plugin_.options_.name);
    request.set_plugin_idx(plugin_.options_.index);
    request.set_nri_version(std::string(kNriVersion));
    client_.call("RegisterPlugin", request, plugin_.options_.registration_timeout,
                 [this](const Result<std::string_view>& reply) {
                     if (!reply && open_) plugin_.session_lost(reply.error().wrap("register"));
                 });
}

void Session::configure(Payload payload, const Responder& respond) {
    wire::ConfigureRequest request;
    if (!parse(payload, request)) return respond.error(unreadable("Configure"));
    if (request.request_timeout() > 0) {
        const std::chrono::milliseconds limit(
            std::min<std::int64_t>(request.request_timeout(), 3600000));
        budget_ = std::min(budget_, limit * 3 / 4);
    }
    plugin_.session_configured(
        {request.runtime_name(), request.runtime_version(), request.nri_version()});
    wire::ConfigureResponse reply;
    reply.set_events(kEvents);
    // A pod must not start without us. Runtimes older than NRI 0.12.5 do not know the field.
    reply.mutable_failure_policy()->set_fail_request(true);
    reply.mutable_failure_policy()->set_keep_connected(true);
    respond.ok(reply);
}

void Session::synchronize(Payload payload, const Responder& respond) {
    const auto more = collect_pods(payload);
    if (!more) return respond.error(more.error());
    wire::SynchronizeResponse reply;
    reply.set_more(*more);
    if (*more) return respond.ok(reply);

    auto request = begin(kSynchronize, respond);
    request->subject = "all pods";
    synchronized_ = true;
    plugin_.service_.synchronize(std::exchange(pods_, {}), std::exchange(containers_, {}),
                                 always_succeed(request));
    arm_budget(request, Late::kSucceed);
}

/// Adds one part of a Synchronize; is there more to come?
Result<bool> Session::collect_pods(Payload payload) {
    wire::SynchronizeRequest request;
    if (!parse(payload, request)) return unreadable(kSynchronize);
    const auto count = pods_.size() + containers_.size() +
                       static_cast<std::size_t>(request.pods_size() + request.containers_size());
    if (count > kMaxSynchronized)
        return Error(Code::kResourceExhausted, "more than " + std::to_string(kMaxSynchronized) +
                                                   " pods and containers on one node");
    for (const auto& pod : request.pods())
        pods_.push_back(from_wire(pod));
    for (const auto& container : request.containers())
        containers_.push_back(from_wire(container));
    return request.more();
}

void Session::state_change(Payload payload, const Responder& respond) {
    wire::StateChangeEvent event;
    if (!parse(payload, event)) return respond.error(unreadable("StateChange"));
    const auto method = method_of(event.event());
    if (!method) return respond.ok(wire::Empty());
    pod_event(event.event(), event.pod(), begin(*method, respond));
}

void Session::pod_request(int event, std::string_view method, Payload payload,
                          const Responder& respond) {
    wire::PodSandboxRequest request;
    if (!parse(payload, request)) return respond.error(unreadable(method));
    pod_event(event, request.pod(), begin(method, respond));
}

void Session::pod_event(int event, const wire::PodSandbox& message, const RequestPtr& request) {
    auto pod = from_wire(message);
    request->subject = pod.text();
    auto& service = plugin_.service_;
    if (event == wire::EVENT_RUN_POD_SANDBOX) {
        if (!synchronized_) return answer(request, not_synchronised(request->subject));
        service.run_pod_sandbox(std::move(pod),
                                [weak = weak_from_this(), request](const Result<>& result) {
                                    const auto self = weak.lock();
                                    if (!self) return;
                                    if (result)
                                        self->answer(request, wire::Empty());
                                    else
                                        self->answer(request, result.error());
                                });
        return arm_budget(request, Late::kFail);
    }
    if (!synchronized_) return answer(request, wire::Empty());
    if (event == wire::EVENT_STOP_POD_SANDBOX)
        service.stop_pod_sandbox(std::move(pod), always_succeed(request));
    else
        service.remove_pod_sandbox(std::move(pod), always_succeed(request));
    arm_budget(request, Late::kSucceed);
}

void Session::create_container(Payload payload, const Responder& respond) {
    wire::CreateContainerRequest message;
    if (!parse(payload, message)) return respond.error(unreadable(kCreate));
    auto request = begin(kCreate, respond);
    auto pod = from_wire(message.pod());
    auto container = from_wire(message.container());
    request->subject = pod.text() + ": container " + container.name;
    if (!synchronized_) return answer(request, not_synchronised(request->subject));
    plugin_.service_.create_container(
        std::move(pod), std::move(container),
        [weak = weak_from_this(), request](const Result<ContainerEdits>& edits) {
            const auto self = weak.lock();
            if (!self) return;
            if (!edits) return self->answer(request, edits.error());
            wire::CreateContainerResponse reply;
            if (!edits->empty()) to_wire(*edits, *reply.mutable_adjust());
            self->answer(request, reply);
        });
    arm_budget(request, Late::kFail);
}

Session::RequestPtr Session::begin(std::string_view method, const Responder& respond) {
    return std::make_shared<Request>(
        Request{method, {}, respond, std::chrono::steady_clock::now(), nullptr});
}

/// After the service was called: most requests are answered by now and need no timer.
void Session::arm_budget(const RequestPtr& request, Late late) {
    if (request->answered) return;
    request->budget = std::make_unique<boost::asio::steady_timer>(io_, request->started + budget_);
    request->budget->async_wait([weak = weak_from_this(), weak_request = std::weak_ptr(request),
                                 late](boost::system::error_code ec) {
        const auto self = weak.lock();
        const auto open = weak_request.lock();
        if (ec || !self || !open || open->answered) return;
        if (late == Late::kFail)
            return self->answer(
                open, Error(Code::kDeadlineExceeded,
                            "pod " + open->subject + ": " + std::string(open->method) +
                                " is not done after " + std::to_string(self->budget_.count()) +
                                " ms; it was refused and may be tried again"));
        log::warn("the container runtime was told success before the work was done",
                  {{"pod", open->subject}, {"ms", self->budget_.count()}});
        self->answer_success(open);
    });
}

void Session::answer(const RequestPtr& request, const google::protobuf::MessageLite& reply) {
    const bool first = close_request(request, Code::kOk);
    if (first) request->respond.ok(reply);
    if (first && request->method == kSynchronize) plugin_.session_ready();
}

void Session::answer(const RequestPtr& request, const Error& error) {
    if (close_request(request, error.code())) request->respond.error(error);
}

/// False if the request has its answer already.
bool Session::close_request(const RequestPtr& request, Code code) {
    if (!open_) return false;
    const auto took = std::chrono::steady_clock::now() - request->started;
    if (std::exchange(request->answered, true)) {
        log::warn("work for the container runtime ended after its time was up",
                  {{"pod", request->subject},
                   {"ms", std::chrono::duration_cast<std::chrono::milliseconds>(took).count()}});
        return false;
    }
    if (request->budget) request->budget.reset();
    plugin_.observer_.answered(request->method, code, took);
    return true;
}

/// For requests that must not fail: an error here would make the runtime keep a dead pod, or drop
/// the plugin and with it the guard on new pods. So the log is told instead.
Done<> Session::always_succeed(const RequestPtr& request) {
    return [weak = weak_from_this(), request](const Result<>& result) {
        if (!result)
            log::error("the container runtime was told success in spite of a failure",
                       {{"pod", request->subject}, {"error", result.error().message()}});
        if (const auto self = weak.lock()) self->answer_success(request);
    };
}

void Session::answer_success(const RequestPtr& request) {
    if (request->method == kSynchronize)
        answer(request, wire::SynchronizeResponse());
    else
        answer(request, wire::Empty());
}

}  // namespace knd::nri
