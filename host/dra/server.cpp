// SPDX-License-Identifier: Apache-2.0
#include "host/dra/server.hpp"

#include <boost/asio/post.hpp>
#include <boost/system/error_code.hpp>

#include "host/dra/health_service.hpp"
#include "host/dra/listener.hpp"
#include "host/dra/plugin_service.hpp"
#include "host/model/log.hpp"

namespace knd::dra {
namespace {

using Clock = std::chrono::steady_clock;
using Ms = std::chrono::milliseconds;

constexpr int kMaxMessage = 4 << 20;  // the kubelet's own limit
constexpr Ms kMaxRegisterAgain{60'000};
constexpr Ms kStreamsEnd{50};  ///< for watches of health to be told that they are over

std::string_view method_name(Batch::Kind kind) {
    return kind == Batch::Kind::kPrepare ? "NodePrepareResources" : "NodeUnprepareResources";
}

}  // namespace

class Server::Impl : public std::enable_shared_from_this<Impl> {
  public:
    Impl(boost::asio::io_context& domain, ClaimService& claims, Options options)
        : domain_(domain),
          claims_(claims),
          options_(std::move(options)),
          again_timer_(domain),
          again_(options_.register_again),
          hang_up_timer_(domain),
          health_timer_(domain) {}

    Result<> start() {
        wanted_ = true;
        return open();
    }
    void stop() {
        wanted_ = false;
        close();
    }

    void set_health(std::vector<DeviceHealth> devices) {
        if (devices == health_) return;
        health_ = std::move(devices);
        health_hub_.publish(std::make_shared<const std::vector<DeviceHealth>>(health_));
    }

    const Options& options() const { return options_; }
    std::filesystem::path plugin_socket() const { return options_.plugin_dir / "dra.sock"; }
    std::filesystem::path registration_socket() const {
        return options_.registry_dir / (options_.driver + "-reg.sock");
    }

    Registration registration_;
    std::function<void(const Registration&)> registration_observer_;
    std::function<void(const RpcReport&)> rpc_observer_;

  private:
    Inbox make_inbox();
    Result<> open();
    Result<> serve();
    void close();
    void accept(const std::shared_ptr<Batch>& batch);
    void run(const std::shared_ptr<Batch>& batch);
    void take(const std::shared_ptr<Batch>& batch, const std::string& uid, Batch::Outcome outcome);
    void finish(const std::shared_ptr<Batch>& batch, const std::optional<Error>& refusal);
    void renew_health_later();
    void connections_changed(std::size_t count);
    void hung_up();
    void info_asked();
    void notified(bool registered, std::string error);
    void set_registration(Registration registration);
    void offer_again_later();
    Result<> offer_again();

    boost::asio::io_context& domain_;
    ClaimService& claims_;
    const Options options_;
    boost::asio::steady_timer again_timer_;
    Ms again_;
    boost::asio::steady_timer hang_up_timer_;
    bool holds_connection_ = true;  ///< the kubelet does, as far as we know it
    bool wanted_ = false;           ///< between start and stop
    bool lost_ = false;             ///< it has accepted us, and hung up
    Batches batches_;
    boost::asio::steady_timer health_timer_;
    std::vector<DeviceHealth> health_;
    HealthHub health_hub_;
    std::unique_ptr<HealthService<HealthV1>> health_v1_;
    std::unique_ptr<HealthService<HealthV1alpha1>> health_v1alpha1_;
    Inbox inbox_;
    std::unique_ptr<PluginService<ApiV1>> v1_;
    std::unique_ptr<PluginService<ApiV1beta1>> v1beta1_;
    std::unique_ptr<RegistrationService> registration_service_;
    std::unique_ptr<Listener> plugin_listener_;
    std::unique_ptr<Listener> registration_listener_;
    std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor> connections_;
    std::unique_ptr<grpc::Server> grpc_;
};

Result<> Server::Impl::open() {
    batches_.open();
    health_hub_.open();
    inbox_ = make_inbox();
    v1_ = std::make_unique<PluginService<ApiV1>>(inbox_, options_.default_deadline);
    v1beta1_ = std::make_unique<PluginService<ApiV1beta1>>(inbox_, options_.default_deadline);
    health_v1_ = std::make_unique<HealthService<HealthV1>>(health_hub_);
    health_v1alpha1_ = std::make_unique<HealthService<HealthV1alpha1>>(health_hub_);
    registration_service_ =
        std::make_unique<RegistrationService>(inbox_, options_.driver, plugin_socket().string());
    auto serving = serve();
    if (serving)
        renew_health_later();
    else
        close();
    return serving;
}

Result<> Server::Impl::serve() {
    const auto deliver = [this](Fd connection) {
        grpc::experimental::ExternalConnectionAcceptor::NewConnectionParameters parameters;
        parameters.fd = connection.release();
        connections_->HandleNewConnection(&parameters);
    };
    const auto count = [this](std::size_t connections) { connections_changed(connections); };
    KND_TRY_ASSIGN(plugin_listener_, Listener::open(domain_, plugin_socket(), {deliver, count}));
    KND_TRY_ASSIGN(registration_listener_,
                   Listener::open(domain_, registration_socket(), {deliver, [](std::size_t) {}}));
    grpc::ServerBuilder builder;
    builder.SetMaxReceiveMessageSize(kMaxMessage);
    connections_ = builder.experimental().AddExternalConnectionAcceptor(
        grpc::ServerBuilder::experimental_type::ExternalConnectionType::FROM_FD,
        grpc::InsecureServerCredentials());
    builder.RegisterService(v1_.get());
    builder.RegisterService(v1beta1_.get());
    builder.RegisterService(health_v1_.get());
    builder.RegisterService(health_v1alpha1_.get());
    builder.RegisterService(registration_service_.get());
    grpc_ = builder.BuildAndStart();
    if (!grpc_)
        return Error(Code::kUnavailable, "gRPC cannot be started; its own log lines say why");
    KND_TRY(plugin_listener_->file().show());
    // The kubelet connects to both as soon as it sees this one.
    return registration_listener_->file().show();
}

void Server::Impl::close() {
    again_timer_.cancel();
    hang_up_timer_.cancel();
    health_timer_.cancel();
    // Registration first: the kubelet should not call what is about to close.
    registration_listener_.reset();
    plugin_listener_.reset();
    const Error stopping(Code::kUnavailable, "the driver is stopping; the kubelet will try again");
    for (const auto& batch : batches_.close())
        batch->finish(stopping);
    // A watch that is cut off before it has ended is an error in the kubelet's log.
    const auto grace = health_hub_.close() ? kStreamsEnd : Ms(0);
    if (grpc_) grpc_->Shutdown(std::chrono::system_clock::now() + grace);
    grpc_.reset();
    connections_.reset();
    registration_ = {};
    holds_connection_ = true;
    lost_ = false;
}

/// What gRPC threads do: post. The domain thread finds out whether we are still there.
Inbox Server::Impl::make_inbox() {
    const auto weak = weak_from_this();
    const auto post = [weak, &domain = domain_](auto action) {
        boost::asio::post(domain, [weak, action = std::move(action)]() mutable {
            if (const auto self = weak.lock()) action(*self);
        });
    };
    return {
        .call = [this](const std::shared_ptr<Batch>& batch) { accept(batch); },
        .cancelled =
            [post](const std::shared_ptr<Batch>& batch) {
                post([batch](Impl& self) {
                    self.finish(batch, Error(Code::kCancelled, "the kubelet has hung up"));
                });
            },
        .info_asked = [post] { post([](Impl& self) { self.info_asked(); }); },
        .registration =
            [post](bool registered, std::string error) {
                post([registered, error = std::move(error)](Impl& self) mutable {
                    self.notified(registered, std::move(error));
                });
            },
    };
}

/// On a gRPC thread. `this` is there: gRPC's shutdown waits for its handlers.
void Server::Impl::accept(const std::shared_ptr<Batch>& batch) {
    if (!batches_.add(batch)) {
        batch->finish(Error(Code::kUnavailable, "the driver is stopping"));
        return;
    }
    boost::asio::post(domain_, [weak = weak_from_this(), batch] {
        if (const auto self = weak.lock()) self->run(batch);
    });
}

void Server::Impl::run(const std::shared_ptr<Batch>& batch) {
    holds_connection_ = batch->v1;
    if (batch->finished()) return;
    std::map<std::string, ClaimRef> by_uid;
    for (auto& claim : batch->claims)
        by_uid.emplace(claim.uid, claim);
    batch->left = by_uid.size();
    if (by_uid.empty()) return finish(batch, std::nullopt);
    for (const auto& [uid, claim] : by_uid) {
        const auto weak = weak_from_this();
        const auto take_outcome = [weak, batch, id = uid](Batch::Outcome outcome) {
            if (const auto self = weak.lock()) self->take(batch, id, std::move(outcome));
        };
        if (claim.uid.empty() || claim.name.empty() || claim.ns.empty()) {
            take_outcome(Error(Code::kInvalidArgument,
                               "the kubelet names a claim without uid, name or namespace"));
        } else if (batch->kind == Batch::Kind::kPrepare) {
            claims_.prepare(claim, batch->deadline, take_outcome);
        } else {
            claims_.unprepare(claim, batch->deadline, [take_outcome](const Result<>& result) {
                if (result.ok()) return take_outcome(std::vector<PreparedDevice>());
                take_outcome(result.error());
            });
        }
    }
}

void Server::Impl::take(const std::shared_ptr<Batch>& batch, const std::string& uid,
                        Batch::Outcome outcome) {
    if (!batch->outcomes.emplace(uid, std::move(outcome)).second) return;
    if (--batch->left == 0) finish(batch, std::nullopt);
}

void Server::Impl::finish(const std::shared_ptr<Batch>& batch,
                          const std::optional<Error>& refusal) {
    batches_.remove(batch);
    if (!batch->finish(refusal) || !rpc_observer_) return;
    std::size_t failed = 0;
    for (const auto& [uid, outcome] : batch->outcomes)
        failed += outcome.ok() ? 0 : 1;
    rpc_observer_({method_name(batch->kind), batch->claims.size(), failed, refusal.has_value(),
                   Clock::now() - batch->started});
}

/// Whoever hears nothing takes a driver that hangs for one whose devices are fine.
void Server::Impl::renew_health_later() {
    health_timer_.expires_after(options_.renew_health);
    health_timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& ec) {
        const auto self = weak.lock();
        if (ec || !self || !self->grpc_) return;
        if (!self->health_.empty()) self->health_hub_.renew();
        self->renew_health_later();
    });
}

void Server::Impl::connections_changed(std::size_t count) {
    auto now = registration_;
    now.connected = count > 0;
    if (now.connected) {
        hang_up_timer_.cancel();
        if (std::exchange(lost_, false)) {
            log::info("the kubelet is back", {{"path", plugin_socket().string()}});
            again_timer_.cancel();
            now.registered = true;
            now.error.clear();
        }
    } else if (now.registered && holds_connection_) {
        hang_up_timer_.expires_after(options_.hang_up_patience);
        hang_up_timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& ec) {
            const auto self = weak.lock();
            if (!ec && self) self->hung_up();
        });
    }
    set_registration(std::move(now));
}

void Server::Impl::hung_up() {
    if (!registration_.registered || registration_.connected) return;
    lost_ = true;
    set_registration({true, false, false,
                      "it has closed its connection: it has ended, or forgotten this driver"});
    log::warn("the kubelet is gone", {{"error", registration_.error}});
    offer_again_later();
}

void Server::Impl::info_asked() {
    auto now = registration_;
    now.asked = true;
    set_registration(std::move(now));
}

void Server::Impl::notified(bool registered, std::string error) {
    lost_ = false;
    holds_connection_ = true;
    hang_up_timer_.cancel();  // it was another kubelet's end
    if (registered) {
        if (!registration_.registered)
            log::info("registered with the kubelet", {{"path", plugin_socket().string()}});
        again_ = options_.register_again;
        again_timer_.cancel();
    } else {
        log::error("kubelet refuses the driver", {{"error", error}});
        offer_again_later();
    }
    set_registration({true, registered, registration_.connected, std::move(error)});
}

void Server::Impl::set_registration(Registration registration) {
    if (registration == registration_) return;
    registration_ = std::move(registration);
    if (registration_observer_) registration_observer_(registration_);
}

void Server::Impl::offer_again_later() {
    again_timer_.expires_after(again_);
    again_ = std::min(kMaxRegisterAgain, again_ * 2);
    again_timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& ec) {
        const auto self = weak.lock();
        if (ec || !self || !self->wanted_) return;  // it may have been queued before a stop
        const auto offered = self->offer_again();
        if (!offered.ok())
            log::error("cannot be offered to the kubelet again",
                       {{"error", offered.error().message()}});
        if (!offered.ok() || self->lost_) self->offer_again_later();
    });
}

/// The kubelet remembers a socket that it refused, or has unregistered, by its creation, so it has
/// to be created again. Both files are gone when somebody has emptied the kubelet's directories.
Result<> Server::Impl::offer_again() {
    const bool in_place = plugin_listener_ && plugin_listener_->file().in_place() &&
                          registration_listener_ && registration_listener_->file().in_place();
    if (in_place) return registration_listener_->file().show_again();
    const auto was = registration_;
    const bool lost = lost_;
    close();
    auto started = open();
    lost_ = lost;
    set_registration({was.asked, false, false, started ? was.error : started.error().message()});
    return started;
}

Server::Server(boost::asio::io_context& domain, ClaimService& claims, Options options)
    : impl_(std::make_shared<Impl>(domain, claims, std::move(options))) {}

Server::~Server() {
    impl_->stop();
}

Result<> Server::start() {
    return impl_->start().wrap("serve the kubelet");
}
void Server::stop() {
    impl_->stop();
}

void Server::set_health(std::vector<DeviceHealth> devices) {
    impl_->set_health(std::move(devices));
}

const Registration& Server::registration() const {
    return impl_->registration_;
}

void Server::set_registration_observer(std::function<void(const Registration&)> observer) {
    impl_->registration_observer_ = std::move(observer);
}

void Server::set_rpc_observer(std::function<void(const RpcReport&)> observer) {
    impl_->rpc_observer_ = std::move(observer);
}

std::filesystem::path Server::plugin_socket() const {
    return impl_->plugin_socket();
}
std::filesystem::path Server::registration_socket() const {
    return impl_->registration_socket();
}

}  // namespace knd::dra
