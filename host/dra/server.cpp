// SPDX-License-Identifier: Apache-2.0
#include "host/dra/server.hpp"

#include <boost/asio/post.hpp>
#include <boost/system/error_code.hpp>

#include "host/dra/plugin_service.hpp"
#include "host/dra/socket_file.hpp"
#include "host/model/log.hpp"

namespace knd::dra {
namespace {

using Clock = std::chrono::steady_clock;
using Ms = std::chrono::milliseconds;

constexpr int kMaxMessage = 4 << 20;  // the kubelet's own limit
constexpr Ms kMaxRegisterAgain{60'000};

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
          again_(options_.register_again) {}

    Result<> start();
    void stop();

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
    Result<> listen();
    void accept(const std::shared_ptr<Batch>& batch);
    void run(const std::shared_ptr<Batch>& batch);
    void take(const std::shared_ptr<Batch>& batch, const std::string& uid, Batch::Outcome outcome);
    void finish(const std::shared_ptr<Batch>& batch, const std::optional<Error>& refusal);
    void info_asked();
    void notified(bool registered, std::string error);
    void offer_again();

    boost::asio::io_context& domain_;
    ClaimService& claims_;
    const Options options_;
    boost::asio::steady_timer again_timer_;
    Ms again_;
    Batches batches_;
    Inbox inbox_;
    std::unique_ptr<PluginService<ApiV1>> v1_;
    std::unique_ptr<PluginService<ApiV1beta1>> v1beta1_;
    std::unique_ptr<RegistrationService> registration_service_;
    std::optional<SocketFile> plugin_file_;
    std::optional<SocketFile> registration_file_;
    std::unique_ptr<grpc::Server> grpc_;
};

Result<> Server::Impl::start() {
    KND_TRY_ASSIGN(auto plugin, SocketFile::claim(plugin_socket()));
    KND_TRY_ASSIGN(auto registration, SocketFile::claim(registration_socket()));
    plugin_file_.emplace(std::move(plugin));
    registration_file_.emplace(std::move(registration));
    batches_.open();
    inbox_ = make_inbox();
    v1_ = std::make_unique<PluginService<ApiV1>>(inbox_, options_.default_deadline);
    v1beta1_ = std::make_unique<PluginService<ApiV1beta1>>(inbox_, options_.default_deadline);
    registration_service_ =
        std::make_unique<RegistrationService>(inbox_, options_.driver, plugin_socket().string());
    auto listening = listen();
    if (listening) listening = plugin_file_->show();
    // The kubelet connects to both as soon as it sees this one.
    if (listening) listening = registration_file_->show();
    if (!listening) stop();
    return listening;
}

Result<> Server::Impl::listen() {
    grpc::ServerBuilder builder;
    builder.SetMaxReceiveMessageSize(kMaxMessage);
    int plugin_port = 0, registration_port = 0;
    const auto credentials = grpc::InsecureServerCredentials();
    builder.AddListeningPort("unix:" + plugin_file_->hidden(), credentials, &plugin_port);
    builder.AddListeningPort("unix:" + registration_file_->hidden(), credentials,
                             &registration_port);
    builder.RegisterService(v1_.get());
    builder.RegisterService(v1beta1_.get());
    builder.RegisterService(registration_service_.get());
    grpc_ = builder.BuildAndStart();
    if (grpc_ && plugin_port != 0 && registration_port != 0) return {};
    const auto& failed = plugin_port == 0 ? plugin_file_->path() : registration_file_->path();
    return Error(Code::kUnavailable, "cannot listen on " + failed + "; gRPC's log lines say why");
}

void Server::Impl::stop() {
    again_timer_.cancel();
    // Registration first: the kubelet should not call what is about to close.
    if (registration_file_) registration_file_->remove();
    if (plugin_file_) plugin_file_->remove();
    const Error stopping(Code::kUnavailable, "the driver is stopping; the kubelet will try again");
    for (const auto& batch : batches_.close())
        batch->finish(stopping);
    if (grpc_) grpc_->Shutdown(std::chrono::system_clock::now());
    grpc_.reset();
    registration_file_.reset();
    plugin_file_.reset();
    registration_ = {};
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

void Server::Impl::info_asked() {
    if (std::exchange(registration_.asked, true)) return;
    if (registration_observer_) registration_observer_(registration_);
}

void Server::Impl::notified(bool registered, std::string error) {
    const bool news = registered != registration_.registered || error != registration_.error;
    registration_ = {true, registered, std::move(error)};
    if (registered) {
        if (news) log::info("registered with the kubelet", {{"path", plugin_socket().string()}});
        again_ = options_.register_again;
        again_timer_.cancel();
    } else {
        log::error("kubelet refuses the driver", {{"error", registration_.error}});
        offer_again();
    }
    if (registration_observer_) registration_observer_(registration_);
}

/// The kubelet remembers a refused socket by its creation, so it has to be created again.
void Server::Impl::offer_again() {
    again_timer_.expires_after(again_);
    again_ = std::min(kMaxRegisterAgain, again_ * 2);
    again_timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& ec) {
        const auto self = weak.lock();
        if (ec || !self || !self->registration_file_) return;
        const auto shown = self->registration_file_->show_again();
        if (!shown.ok())
            log::error("registration socket not renewed", {{"error", shown.error().message()}});
    });
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
