// SPDX-License-Identifier: Apache-2.0
#include "host/daemon/daemon.hpp"

#include <malloc.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <map>

#include "host/claims/claims.hpp"
#include "host/daemon/backend_keeper.hpp"
#include "host/daemon/backend_samples.hpp"
#include "host/daemon/control.hpp"
#include "host/daemon/device_table.hpp"
#include "host/daemon/holders.hpp"
#include "host/daemon/part_options.hpp"
#include "host/dra/publisher.hpp"
#include "host/dra/server.hpp"
#include "host/inventory/filter.hpp"
#include "host/inventory/health_news.hpp"
#include "host/inventory/inventory.hpp"
#include "host/inventory/uplink_watcher.hpp"
#include "host/journal/sqlite_journal.hpp"
#include "host/kube/claim_reader.hpp"
#include "host/kube/client.hpp"
#include "host/kube/node_addresses.hpp"
#include "host/model/log.hpp"
#include "host/nri/plugin.hpp"
#include "host/ops/health.hpp"
#include "host/ops/http_server.hpp"
#include "host/ops/metrics.hpp"
#include "host/plugin/registry.hpp"
#include "host/sandbox/attacher.hpp"
#include "host/sandbox/kept_namespaces.hpp"
#include "host/sandbox/markers.hpp"
#include "host/sandbox/system_kernel.hpp"

namespace knd {
namespace {

using std::chrono::milliseconds;

/// How long the kubelet is kept waiting for a runtime that does not answer. A claim may be prepared
/// without it: its containers are held by the gate.
constexpr auto kRuntimePatience = std::chrono::seconds(1);
constexpr auto kDrainPatience = std::chrono::seconds(10);
/// From the last news about slices to the time when memory is given back.
constexpr auto kQuiet = std::chrono::seconds(2);
/// Until the kubelet can be served: doubled each time.
constexpr milliseconds kFirstServing(1000);
constexpr milliseconds kLastServing(60'000);

class SystemClock final : public WallClock {
  public:
    std::int64_t now_ms() const override {
        const auto now = std::chrono::system_clock::now().time_since_epoch();
        return std::chrono::duration_cast<milliseconds>(now).count();
    }
};

/// "10.0.0.1" of "https://10.0.0.1:6443/path", "fd00::1" of "https://[fd00::1]:6443".
std::string host_of_url(const std::string& url) {
    const auto scheme = url.find("://");
    auto rest = scheme == std::string::npos ? url : url.substr(scheme + 3);
    if (rest.starts_with('[')) return rest.substr(1, rest.find(']') - 1);
    return rest.substr(0, rest.find_first_of(":/"));
}

}  // namespace

/// The parts, in the order in which they are made; they go in reverse.
class Daemon::Impl final : public nri::PluginObserver {
  public:
    Impl(boost::asio::io_context& io, Config config, std::unique_ptr<SqliteJournal> journal,
         std::unique_ptr<kube::Client> client, std::string api_server, DeviceFilter filter,
         SystemKernel kernel, const std::vector<plugin::LoadedLibrary>& libraries,
         StepObserver& observer);

    /// What runs on the workers uses the parts below.
    ~Impl() override { workers_.join(); }

    Result<void> open();
    void start();
    void stop(std::function<void()> done);

    void answered(std::string_view method, Code code, std::chrono::nanoseconds took) override {
        metrics_.nri_request(method, code_name(code), took);
    }
    void connection_changed(bool connected) override {
        if (connected) register_with_kubelet();
    }

  private:
    void wire();
    void serve();
    void devices_listed();
    void held_changed();
    void tell_bound();
    void tell_health();
    void report_crashes();
    void register_with_kubelet();
    void serve_kubelet(milliseconds pause);
    bool uplinks_known() const;
    void publish();
    void resync_later();
    void slim_later();
    void close_edges();

    std::vector<ops::HealthPart> health() const;
    ops::HttpResponse answer_http(std::string_view target);
    std::string scrape();

    boost::asio::io_context& io_;
    Config config_;
    SystemClock clock_;
    ops::Metrics metrics_;
    boost::asio::thread_pool workers_;
    std::unique_ptr<SqliteJournal> journal_;
    std::unique_ptr<kube::Client> client_;
    std::string api_server_;
    kube::ResourceApi api_;
    kube::ClaimReader source_;
    SystemKernel kernel_;
    Attacher attacher_;
    Markers markers_;
    MountedNamespaces namespaces_;
    plugin::Registry registry_;
    const std::vector<Backend*>& backends_;
    Inventory inventory_;
    InventoryTable devices_;
    Claims claims_;
    BackendKeeper keeper_;
    HealthNews health_news_;
    UplinkWatcher uplinks_;
    kube::NodeAddresses node_;
    dra::Publisher publisher_;
    nri::Plugin runtime_;
    dra::Server kubelet_;
    std::unique_ptr<ops::HttpServer> http_;
    std::unique_ptr<ops::HttpServer> control_;
    boost::asio::steady_timer resync_;
    boost::asio::steady_timer patience_;
    boost::asio::steady_timer quiet_;
    bool registering_ = false;
    std::string kubelet_error_;  ///< why it cannot be served
    bool ready_for_kubelet_ = false;
    bool devices_listed_ = false;
    bool stopping_ = false;
};

Daemon::Impl::Impl(boost::asio::io_context& io, Config config,
                   std::unique_ptr<SqliteJournal> journal, std::unique_ptr<kube::Client> client,
                   std::string api_server, DeviceFilter filter, SystemKernel kernel,
                   const std::vector<plugin::LoadedLibrary>& libraries, StepObserver& observer)
    : io_(io),
      config_(std::move(config)),
      workers_(static_cast<std::size_t>(config_.attach.workers)),
      journal_(std::move(journal)),
      client_(std::move(client)),
      api_server_(std::move(api_server)),
      api_(*client_),
      source_(*client_, api_, {config_.driver.name, config_.driver.node}),
      kernel_(std::move(kernel)),
      attacher_(kernel_),
      markers_(config_.paths.run),
      namespaces_(config_.paths.run),
      registry_(io, plugin_options(config_), libraries),
      backends_(registry_.backends()),
      inventory_(inventory_options(config_, std::move(filter))),
      devices_(inventory_, backends_),
      claims_(claims_options(config_),
              {io.get_executor(), workers_.get_executor(), source_, *journal_, devices_, attacher_,
               markers_, namespaces_, clock_, observer}),
      keeper_(io, {}, backends_, inventory_, claims_),
      health_news_(source_),
      uplinks_(io, workers_.get_executor(),
               [this](auto uplinks) {
                   inventory_.set_protected(std::move(uplinks));
                   publish();
               }),
      node_(*client_, config_.driver.node,
            {.known =
                 [this](auto ips) {
                     uplinks_.set_node_ips(std::move(ips));
                     publish();
                 },
             .hidden =
                 [this] {
                     uplinks_.do_without_node_ips();
                     publish();
                 }}),
      publisher_(*client_, api_, publisher_options(config_)),
      runtime_(io, nri_options(config_), claims_, *this),
      kubelet_(io, claims_, server_options(config_)),
      resync_(io),
      patience_(io),
      quiet_(io) {}

Result<void> Daemon::Impl::open() {
    KND_TRY(claims_.load());
    const ControlView view{inventory_, claims_, *journal_, backends_};
    KND_TRY_ASSIGN(control_, ops::HttpServer::listen_unix(
                                 io_, config_.paths.control,
                                 [view](std::string_view t) { return answer_control(view, t); }));
    if (!config_.http.listen.empty()) {
        auto http = ops::HttpServer::listen_tcp(
            io_, config_.http.listen, [this](std::string_view t) { return answer_http(t); });
        if (!http) return std::move(http).error().wrap("`http.listen`");
        http_ = *std::move(http);
    }
    wire();
    return {};
}

/// Who tells whom. Everything here runs on the domain thread.
void Daemon::Impl::wire() {
    inventory_.on_changed = [this] { publish(); };
    inventory_.on_health_changed = [this] { tell_health(); };
    claims_.on_held_changed = [this] { held_changed(); };
    inventory_.add_held(claims_.held_devices());
    tell_bound();
    for (auto* backend : backends_) {
        backend->on_health_changed = [this, backend] {
            if (const auto& reports = backend->health())
                inventory_.set_health(backend->name(), *reports);
            claims_.health_changed(*backend);
        };
        backend->on_event = [this, backend](const BackendEvent& event) {
            claims_.backend_event(*backend, event);
        };
    }
    keeper_.on_ready = [this] { serve(); };
    keeper_.on_listed = [this] { devices_listed(); };
    publisher_.set_observer([this](const dra::Publisher::State&) { slim_later(); });
    publisher_.set_features_observer([this](const SliceFeatures& features) {
        inventory_.set_features(features);
        publish();
    });
    client_->set_observer([this](const kube::CallReport& call) {
        metrics_.api_request(call.method, call.plural, call.status, call.duration);
    });
    kubelet_.set_rpc_observer([this](const dra::RpcReport& call) {
        const auto* status = call.cancelled ? "cancelled" : call.failed > 0 ? "failed" : "success";
        metrics_.dra_request(call.method, status, call.duration);
    });
}

void Daemon::Impl::start() {
    log::info(
        "starting",
        {{"version", KND_VERSION}, {"node", config_.driver.node}, {"driver", config_.driver.name}});
    if (config_.inventory.protect_uplink) {
        uplinks_.set_api_server(host_of_url(api_server_));
        uplinks_.start();
        node_.read();
    }
    publisher_.start();
    report_crashes();
    keeper_.start();
}

/// Whoever made the claim during which the last daemon died is to know of it.
void Daemon::Impl::report_crashes() {
    for (const auto& crash : registry_.crashes()) {
        const auto slash = crash.claim.find('/');
        if (crash.claim_uid.empty() || slash == std::string::npos) continue;
        source_.claim_event(
            {crash.claim.substr(0, slash), crash.claim.substr(slash + 1), crash.claim_uid}, true,
            "BackendCrashed", "backend " + crash.instance + " ended kndd: " + crash.text());
    }
}

/// What a claim has got is held before it is bound, or it would be withheld from the claim that has
/// it, for a moment that the API server sees. What is on its way home is known as such before the
/// list comes that the keeper asks for.
void Daemon::Impl::held_changed() {
    keeper_.held_changed();
    tell_bound();
    tell_health();
}

void Daemon::Impl::tell_bound() {
    auto bound = bound_names(claims_.snapshot());
    inventory_.set_bound(std::move(bound.netdevs), std::move(bound.hardware));
}

void Daemon::Impl::tell_health() {
    const auto healths = device_healths(inventory_.entries());
    kubelet_.set_health(healths);
    health_news_.tell(healths, device_holders(claims_.snapshot()));
}

void Daemon::Impl::serve() {
    ready_for_kubelet_ = true;
    if (auto started = runtime_.start(); !started) {
        log::error("cannot reach the container runtime", {{"error", started.error().message()}});
    }
    patience_.expires_after(kRuntimePatience);
    patience_.async_wait([this](boost::system::error_code error) {
        if (!error) register_with_kubelet();
    });
    resync_later();
}

void Daemon::Impl::devices_listed() {
    devices_listed_ = true;
    publish();
}

void Daemon::Impl::register_with_kubelet() {
    if (registering_ || !ready_for_kubelet_ || stopping_) return;
    registering_ = true;
    patience_.cancel();
    serve_kubelet(kFirstServing);
}

/// A directory may not be there yet, or another program still hold the socket.
void Daemon::Impl::serve_kubelet(milliseconds pause) {
    const auto started = kubelet_.start();
    kubelet_error_ = started ? "" : started.error().message();
    if (started) return;
    log::error("cannot serve the kubelet", {{"error", kubelet_error_}, {"ms", pause.count()}});
    patience_.expires_after(pause);
    patience_.async_wait(
        [this, next = std::min(pause * 2, kLastServing)](boost::system::error_code cancelled) {
            if (!cancelled && !stopping_) serve_kubelet(next);
        });
}

/// An interface with the node's address is no device, even if no route says so.
bool Daemon::Impl::uplinks_known() const {
    return !config_.inventory.protect_uplink || (uplinks_.known() && node_.answered());
}

void Daemon::Impl::publish() {
    if (devices_listed_ && uplinks_known()) publisher_.publish(inventory_.pools());
}

void Daemon::Impl::resync_later() {
    resync_.expires_after(std::chrono::seconds(config_.inventory.resync_s));
    resync_.async_wait([this](boost::system::error_code error) {
        if (error) return;
        keeper_.list_all();
        if (config_.inventory.protect_uplink) node_.read();
        claims_.collect_garbage();
        resync_later();
    });
}

/// Lists, JSON and requests of a thousand devices are several times what is kept of them, and the C
/// library holds on to freed memory that has any block in use above it.
void Daemon::Impl::slim_later() {
    quiet_.expires_after(kQuiet);
    quiet_.async_wait([](boost::system::error_code cancelled) {
        if (!cancelled) ::malloc_trim(0);
    });
}

void Daemon::Impl::close_edges() {
    kubelet_.stop();
    runtime_.stop();
    publisher_.stop();
    uplinks_.stop();
    resync_.cancel();
    keeper_.stop();
    patience_.cancel();
    quiet_.cancel();
    node_.stop();
    http_.reset();
    control_.reset();
}

void Daemon::Impl::stop(std::function<void()> done) {
    stopping_ = true;
    close_edges();
    // Shared by the two ways to the end: all steps are over, or the time is.
    auto finish = std::make_shared<std::function<void()>>([this, done = std::move(done)] {
        registry_.stop([this, done](Result<void>) {
            if (!registry_.busy()) return done();
            // It would be waited for until the end of time.
            log::error("a backend does not come back: leaving without it");
            std::_Exit(1);
        });
    });
    patience_.expires_after(kDrainPatience);
    patience_.async_wait([finish](boost::system::error_code error) {
        if (!error && *finish) std::exchange(*finish, nullptr)();
    });
    claims_.drain([this, finish] {
        patience_.cancel();
        if (*finish) std::exchange(*finish, nullptr)();
    });
}

std::vector<ops::HealthPart> Daemon::Impl::health() const {
    const auto& registration = kubelet_.registration();
    const auto& api = client_->reachability();
    const auto& slices = publisher_.state();
    const auto journal = journal_->info();
    std::vector<ops::HealthPart> parts = {
        {"kubelet", registration.registered,
         registration.registered
             ? registration.connected ? "" : "without a connection; before 1.34 it needs none"
         : !kubelet_error_.empty()     ? kubelet_error_
         : !registration.error.empty() ? registration.error
                                       : "it has not registered this driver",
         false},
        {"runtime", runtime_.connected(),
         runtime_.connected() ? runtime_.runtime().name + " " + runtime_.runtime().version
                              : "no connection on " + config_.nri.socket,
         false},
        // Everything works but what is for the containers that list a claim.
        {"cdi", true, claims_.blind_spot(), false},
        {"api", api.reachable, api.error, false},
        {"slices", slices.published, slices.error, false},
        {"journal", journal.last_error.empty(), journal.last_error, false}};
    if (config_.inventory.protect_uplink) {
        const auto& error = uplinks_.error();
        const bool ok = error.empty() && uplinks_known();
        parts.push_back({"uplinks", ok,
                         ok               ? ""
                         : !error.empty() ? error
                                          : "the node's addresses have not been read yet",
                         false});
    }
    for (const auto* backend : backends_) {
        const auto info = backend->info();
        const bool ok = info.state == BackendState::kRunning;
        parts.push_back({"backend " + info.name, ok,
                         ok ? "" : std::string(state_name(info.state)) + ": " + info.reason,
                         info.state == BackendState::kStuck});
    }
    return parts;
}

ops::HttpResponse Daemon::Impl::answer_http(std::string_view target) {
    target = target.substr(0, target.find('?'));
    if (target == "/healthz" || target == "/livez") return ops::liveness(health());
    if (target == "/readyz") return ops::readiness(health());
    if (target == "/metrics") return {200, scrape(), "text/plain; version=0.0.4; charset=utf-8"};
    return {404, "here are /metrics, /healthz and /readyz\n"};
}

std::string Daemon::Impl::scrape() {
    std::map<std::string_view, double> devices = {{"offered", 0}, {"withheld", 0}, {"held", 0}};
    for (const auto& entry : inventory_.entries()) {
        ++devices[entry.held ? "held" : entry.offered ? "offered" : "withheld"];
    }
    for (const auto& [state, count] : devices)
        metrics_.set_devices(state, count);
    std::map<Health, double> healths = {
        {Health::kHealthy, 0}, {Health::kUnhealthy, 0}, {Health::kUnknown, 0}};
    for (const auto& device : device_healths(inventory_.entries()))
        ++healths[device.health];
    for (const auto& [health, count] : healths)
        metrics_.set_device_health(health_name(health), count);
    std::map<std::string_view, double> claims;
    for (const auto state :
         {BindingState::kPrepared, BindingState::kAttaching, BindingState::kAttached,
          BindingState::kDetaching, BindingState::kFailed, BindingState::kReleasing}) {
        claims[state_name(state)] = 0;
    }
    for (const auto& record : claims_.snapshot())
        ++claims[state_name(record.state)];
    for (const auto& [state, count] : claims)
        metrics_.set_claims(state, count);
    for (const auto& part : health())
        metrics_.set_ready(part.name, part.ok);
    for (const auto* backend : backends_) {
        const auto info = backend->info();
        metrics_.set_backend_up(info.name, info.state == BackendState::kRunning);
    }
    const auto& slices = publisher_.state();
    metrics_.set_slice_writes("create", static_cast<double>(slices.creates));
    metrics_.set_slice_writes("update", static_cast<double>(slices.updates));
    metrics_.set_slice_writes("delete", static_cast<double>(slices.deletes));
    metrics_.set_slice_writes("repair", static_cast<double>(slices.repairs));
    return metrics_.text(backend_samples(registry_.counters()));
}

Daemon::Daemon(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Daemon::~Daemon() = default;
void Daemon::start() {
    impl_->start();
}
void Daemon::stop(std::function<void()> done) {
    impl_->stop(std::move(done));
}

Result<std::unique_ptr<Daemon>> Daemon::open(boost::asio::io_context& io, Config config,
                                             StepObserver& observer) {
    // Before the first thread: this forks.
    const auto libraries = plugin::load_libraries(config.backends, plugin_options(config));
    KND_TRY_ASSIGN(auto filter, make_device_filter(config.inventory.filter, config.driver.name));
    KND_TRY_ASSIGN(auto kernel, SystemKernel::open());
    auto cluster = kube::Config::load(config.kubernetes.kubeconfig);
    if (!cluster) return std::move(cluster).error().wrap("`kubernetes.kubeconfig`");
    KND_TRY_ASSIGN(auto client, kube::Client::open(io, *cluster, client_options(config)));
    KND_TRY_ASSIGN(auto journal, SqliteJournal::open(config.paths.journal, io.get_executor()));
    auto impl = std::make_unique<Impl>(io, std::move(config), std::move(journal), std::move(client),
                                       cluster->server, std::move(filter), std::move(kernel),
                                       libraries, observer);
    KND_TRY(impl->open());
    return std::unique_ptr<Daemon>(new Daemon(std::move(impl)));
}

}  // namespace knd
