// SPDX-License-Identifier: Apache-2.0
#include "host/dra/publisher.hpp"

#include <algorithm>
#include <optional>

#include "host/dra/feature_watch.hpp"
#include "host/dra/pool_writer.hpp"
#include "host/dra/slice_store.hpp"
#include "host/kube/backoff.hpp"
#include "host/kube/reflector.hpp"
#include "host/model/log.hpp"

namespace knd::dra {
namespace {

using Clock = std::chrono::steady_clock;
using Ms = std::chrono::milliseconds;

/// Writes that a pool may make before write_interval holds it back: at start the devices of several
/// backends arrive one after the other.
constexpr double kBurst = 3;
/// Somebody who undoes our work again within this time will be answered more slowly.
constexpr std::chrono::seconds kQuarrel{60};
constexpr Ms kMaxRepairDelay{30'000};
constexpr std::size_t kMaxAdopted = 4'096;

}  // namespace

class Publisher::Impl : public std::enable_shared_from_this<Impl> {
  public:
    Impl(kube::Client& client, kube::ResourceApi& api, Options options)
        : client_(client),
          api_(api),
          options_(std::move(options)),
          features_(client, {options_.driver, options_.node},
                    [this](const FeatureWatch::Answer& answer) { take_features(answer); }),
          start_timer_(client.domain()),
          doubt_timer_(client.domain()),
          relist_timer_(client.domain()) {}

    void start();
    void stop();
    void publish(const std::map<std::string, DeviceListing>& pools);
    void announce() {
        if (observer_) observer_(state_);
    }

    State state_;
    std::function<void(const State&)> observer_;
    std::function<void(const SliceFeatures&)> features_observer_;

  private:
    struct Pool {
        explicit Pool(boost::asio::io_context& domain) : timer(domain) {}
        SlicePool content;
        std::string refused;  ///< why the desired devices cannot be published; nothing is written
        bool wanted = false;
        bool syncing = false;  ///< a plan is being carried out; its end looks at the pool again
        boost::asio::steady_timer timer;
        std::optional<Clock::time_point> due;
        kube::Backoff backoff{Ms(100), Ms(60'000)};
        Clock::time_point last_repair{};
        Ms repair_delay{0};
        double tokens = kBurst;
        Clock::time_point refilled{};
        Adopted adopted;
    };

    // Start: version, node and slices, each retried until it is there.
    void find_version();
    void find_node();
    void take_node(const Result<Json>& node);
    void watch_slices();
    void startup_failed(const Error& error);
    void watch_failed(const Error& error);
    void relist_later();
    bool ready() const;

    // What the watch says.
    void saw(const Json& object);
    void listed();
    void vanished(const std::string& name, const std::string& uid);
    void repair(const std::string& pool);

    // Pools.
    void take_features(const FeatureWatch::Answer& answer);
    void want(const std::map<std::string, DeviceListing>& pools);
    Pool& pool(const std::string& name);
    void sync_all();
    void schedule(const std::string& name, Ms delay);
    void sync(const std::string& name);
    void execute(const std::string& name, Pool& pool, PoolPlan plan);
    void wrote(const std::string& name, const SliceWrite& sent, StoredSlice stored);
    void adopt(const std::string& name, const SliceWrite& sent, const StoredSlice& stored);
    void finished(const std::string& name, const Result<>& result);
    void settled(const std::string& name, Pool& pool, const PoolPlan& plan);
    void refresh(const std::string& slice);
    void was_read(const Json& object);
    void expect_watch();
    void check_doubtful();
    void update_published();
    Ms wait_for_token(Pool& pool) const;
    std::weak_ptr<void> alive() { return alive_; }

    kube::Client& client_;
    kube::ResourceApi& api_;
    const Options options_;
    FeatureWatch features_;
    /// What is to be published once it is known what the server keeps.
    std::optional<std::map<std::string, DeviceListing>> pending_;
    boost::asio::steady_timer start_timer_;
    bool start_again_ = false;  ///< start_timer_ runs
    boost::asio::steady_timer doubt_timer_;
    bool doubting_ = false;  ///< doubt_timer_ runs
    boost::asio::steady_timer relist_timer_;
    bool relisting_ = false;  ///< relist_timer_ runs
    kube::Backoff start_backoff_{Ms(100), Ms(10'000)};
    std::string version_;
    std::string node_uid_;
    std::unique_ptr<kube::Reflector> reflector_;
    SliceStore store_;
    std::map<std::string, std::unique_ptr<Pool>> pools_;
    bool wished_ = false;
    /// Set between start and stop; callbacks hold it weakly.
    std::shared_ptr<int> alive_;
};

void Publisher::Impl::start() {
    if (alive_) return;
    alive_ = std::make_shared<int>(0);
    state_.error = "waiting for the API server";
    find_version();
    find_node();
}

void Publisher::Impl::stop() {
    alive_.reset();
    features_.stop();
    pending_.reset();
    start_timer_.cancel();
    start_again_ = false;
    doubt_timer_.cancel();
    doubting_ = false;
    relist_timer_.cancel();
    relisting_ = false;
    reflector_.reset();
    pools_.clear();
}

void Publisher::Impl::find_version() {
    api_.version([this, weak = alive()](const Result<std::string>& version) {
        if (weak.expired()) return;
        if (!version) return startup_failed(version.error());
        version_ = *version;
        features_.set_api_version(version_);
        watch_slices();
    });
}

void Publisher::Impl::find_node() {
    client_.get({"v1", "nodes", ""}, options_.node, [this, weak = alive()](Result<Json> node) {
        if (!weak.expired()) take_node(node);
    });
}

void Publisher::Impl::take_node(const Result<Json>& node) {
    if (!node) {
        if (node_uid_.empty()) startup_failed(node.error().wrap("read our Node"));
        return;
    }
    auto uid = json_string(json_at(*node, "metadata"), "uid");
    if (uid == node_uid_) return;
    node_uid_ = std::move(uid);
    sync_all();
}

void Publisher::Impl::startup_failed(const Error& error) {
    // Node and version are asked for at once, and may both fail.
    if (std::exchange(start_again_, true)) return;
    if (state_.error != error.message()) {
        state_.error = error.message();
        log::warn("slices cannot be published yet", {{"error", error.message()}});
        announce();
    }
    start_timer_.expires_after(start_backoff_.next());
    start_timer_.async_wait([this, weak = alive()](const boost::system::error_code& ec) {
        if (ec || weak.expired()) return;
        start_again_ = false;
        if (version_.empty()) find_version();
        if (node_uid_.empty()) find_node();
    });
}

void Publisher::Impl::watch_slices() {
    const kube::Query query = {
        {"fieldSelector", "spec.driver=" + options_.driver + ",spec.nodeName=" + options_.node}};
    reflector_ = std::make_unique<kube::Reflector>(
        client_, kube::ResourceApi::slices(version_), query,
        kube::Reflector::Handlers{.changed = [this](const Json& object) { saw(object); },
                                  .deleted = [this](const std::string& key,
                                                    const std::string& uid) { vanished(key, uid); },
                                  .synced = [this] { listed(); },
                                  .failed = [this](const Error& error) { watch_failed(error); }});
    reflector_->start();
}

void Publisher::Impl::watch_failed(const Error& error) {
    if (!reflector_->synced() && state_.error != error.message()) {
        state_.error = error.message();
        announce();
    }
    if (error.code() != Code::kUnimplemented && error.code() != Code::kNotFound)
        return relist_later();
    // The server no longer has this version of the API: up- or downgraded. From a handler the
    // reflector must not be destroyed, so that waits for a turn of the loop.
    reflector_->stop();
    api_.forget();
    version_.clear();
    features_.set_api_version("");
    store_.clear();
    startup_failed(error);
}

void Publisher::Impl::relist_later() {
    if (std::exchange(relisting_, true)) return;
    // Not all nodes at once.
    kube::Backoff spread(options_.relist_delay * 2, options_.relist_delay * 2);
    relist_timer_.expires_after(spread.next());
    relist_timer_.async_wait([this, weak = alive()](const boost::system::error_code& ec) {
        if (ec || weak.expired()) return;
        relisting_ = false;
        if (!version_.empty()) reflector_->relist(false);
    });
}

bool Publisher::Impl::ready() const {
    return wished_ && features_.known() && !node_uid_.empty() && reflector_ &&
           reflector_->synced() && !version_.empty();
}

void Publisher::Impl::saw(const Json& object) {
    auto slice = parse_slice(object, version_);
    if (!slice) {
        log::warn("object in the watch of slices ignored", {{"error", slice.error().message()}});
        return;
    }
    const auto pool_name = slice->pool;
    if (store_.saw(*std::move(slice), Clock::now()) && ready()) repair(pool_name);
}

void Publisher::Impl::listed() {
    relist_timer_.cancel();
    relisting_ = false;
    features_.check_release();  // a watch ends when its server does
    sync_all();
}

void Publisher::Impl::vanished(const std::string& name, const std::string& uid) {
    StoredSlice lost;
    if (!store_.vanished(name, uid, lost) || !ready()) return;
    // Slices also vanish when their Node is made anew: then its uid is another.
    find_node();
    repair(lost.pool);
}

void Publisher::Impl::repair(const std::string& name) {
    auto& chosen = pool(name);
    if (chosen.syncing || chosen.due) return;
    const auto now = Clock::now();
    const bool quarrel = chosen.repair_delay.count() > 0 && now - chosen.last_repair < kQuarrel;
    chosen.repair_delay =
        quarrel ? std::min(kMaxRepairDelay, chosen.repair_delay * 2) : options_.repair_delay;
    chosen.last_repair = now;
    ++state_.repairs;
    log::info("slices were changed by somebody else and will be repaired",
              {{"pool", name}, {"ms", chosen.repair_delay.count()}});
    schedule(name, chosen.repair_delay);
}

Publisher::Impl::Pool& Publisher::Impl::pool(const std::string& name) {
    auto& found = pools_[name];
    if (!found) found = std::make_unique<Pool>(client_.domain());
    return *found;
}

void Publisher::Impl::take_features(const FeatureWatch::Answer& answer) {
    if (answer.dropped != state_.dropped && !answer.dropped.empty())
        log::warn("ResourceSlices are published without some members", {{"error", answer.dropped}});
    state_.dropped = answer.dropped;
    state_.features = features_.rules().features;
    // May publish other devices than those that wait.
    if (answer.changed && features_observer_) features_observer_(state_.features);
    if (!features_.known()) return;
    if (const auto pools = std::exchange(pending_, std::nullopt)) want(*pools);
    sync_all();
}

void Publisher::Impl::publish(const std::map<std::string, DeviceListing>& pools) {
    wished_ = true;
    features_.need(pools);
    pending_.reset();
    if (!features_.known()) {
        pending_ = pools;
        return;
    }
    want(pools);
    sync_all();
}

void Publisher::Impl::want(const std::map<std::string, DeviceListing>& pools) {
    for (auto& [name, known] : pools_) {
        if (pools.contains(name)) continue;
        known->wanted = false;
        known->refused.clear();
        state_.pools[name].published = false;  // until it is gone
    }
    for (const auto& [name, listing] : pools) {
        auto& chosen = pool(name);
        chosen.wanted = true;
        auto& shown = state_.pools[name];
        auto made = slice_pool(listing, features_.rules());
        chosen.refused = made ? "" : made.error().message();
        if (!made) {
            shown.published = false;
            shown.error = chosen.refused;
            log::error("pool not published", {{"pool", name}, {"error", shown.error}});
            continue;
        }
        if (chosen.content == *made && shown.published) continue;
        chosen.content = *std::move(made);
        shown.published = false;
        shown.devices = listing.devices.size();
        shown.error.clear();
    }
}

void Publisher::Impl::sync_all() {
    if (!ready()) return;
    start_backoff_.reset();
    state_.error.clear();
    for (const auto& name : store_.pools())
        pool(name);  // those that nobody wants any more too
    std::vector<std::string> names;
    for (const auto& [name, known] : pools_)
        names.push_back(name);
    for (const auto& name : names)
        sync(name);
    update_published();
}

void Publisher::Impl::update_published() {
    state_.published =
        ready() && std::all_of(state_.pools.begin(), state_.pools.end(),
                               [](const auto& entry) { return entry.second.published; });
    announce();
}

void Publisher::Impl::schedule(const std::string& name, Ms delay) {
    auto& chosen = pool(name);
    const auto due = Clock::now() + delay;
    if (chosen.due && *chosen.due <= due) return;
    chosen.due = due;
    chosen.timer.expires_at(due);
    chosen.timer.async_wait([this, weak = alive(), name](const boost::system::error_code& ec) {
        if (ec || weak.expired()) return;
        const auto found = pools_.find(name);
        if (found == pools_.end()) return;
        found->second->due.reset();
        sync(name);
    });
}

void Publisher::Impl::sync(const std::string& name) {
    if (!ready()) return;
    auto& chosen = pool(name);
    if (chosen.syncing || !chosen.refused.empty()) return;
    const auto stored = store_.of_pool(name);
    PoolPlan plan;
    if (chosen.wanted)
        plan = plan_pool(chosen.content, stored, {options_.driver, options_.node, node_uid_},
                         chosen.adopted);
    else
        plan.deletes = stored;
    if (plan.empty()) return settled(name, chosen, plan);
    if (const auto wait = wait_for_token(chosen); wait.count() > 0) return schedule(name, wait);
    chosen.tokens -= 1;
    execute(name, chosen, std::move(plan));
}

/// A bucket of kBurst writes that fills by one in each write_interval.
Ms Publisher::Impl::wait_for_token(Pool& chosen) const {
    const auto now = Clock::now();
    if (options_.write_interval.count() == 0) return Ms(0);
    const std::chrono::duration<double> interval = options_.write_interval;
    const std::chrono::duration<double> passed = now - chosen.refilled;
    chosen.tokens = std::min(kBurst, chosen.tokens + passed / interval);
    chosen.refilled = now;
    if (chosen.tokens >= 1) return Ms(0);
    return std::chrono::ceil<Ms>(interval * (1 - chosen.tokens));
}

void Publisher::Impl::execute(const std::string& name, Pool& chosen, PoolPlan plan) {
    chosen.syncing = true;
    auto& shown = state_.pools[name];
    shown.generation = plan.generation;
    shown.slices = plan.slice_count;
    PoolWriter::run(
        client_,
        {kube::ResourceApi::slices(version_),
         version_,
         {options_.driver, options_.node, node_uid_},
         name,
         options_.parallel_writes},
        std::move(plan), alive(),
        {.wrote = [this, name](const SliceWrite& sent,
                               StoredSlice stored) { wrote(name, sent, std::move(stored)); },
         .removing =
             [this](const StoredSlice& slice) {
                 store_.removing(slice, Clock::now());
                 expect_watch();
             },
         .removed =
             [this](const StoredSlice& slice, bool gone) {
                 if (!gone) return store_.not_removed(slice.uid);
                 ++state_.deletes;
                 store_.removed(slice.name, slice.uid);
             },
         .conflict = [this](const std::string& slice) { refresh(slice); },
         .finished = [this, name](const Result<>& result) { finished(name, result); }});
}

void Publisher::Impl::wrote(const std::string& name, const SliceWrite& sent, StoredSlice stored) {
    ++(sent.name.empty() ? state_.creates : state_.updates);
    adopt(name, sent, stored);
    store_.wrote(std::move(stored), Clock::now());
    expect_watch();
}

/// What the server made of our devices is what we want from now on, or we would write for ever.
void Publisher::Impl::adopt(const std::string& name, const SliceWrite& sent,
                            const StoredSlice& stored) {
    const auto sent_counters = counters_text(sent.counters);
    const auto stored_counters = counters_text(stored.counters);
    const bool same = sent.devices == stored.devices && sent_counters == stored_counters;
    if (same || sent.devices.size() != stored.devices.size()) return;
    auto& chosen = pool(name);
    if (chosen.adopted.size() > kMaxAdopted) chosen.adopted.clear();
    for (std::size_t i = 0; i < sent.devices.size(); ++i)
        if (sent.devices[i].text != stored.devices[i].text)
            chosen.adopted[sent.devices[i].text] = stored.devices[i].text;
    auto dropped = describe_dropped(sent.devices, stored.devices);
    if (sent_counters != stored_counters) {
        chosen.adopted[sent_counters] = stored_counters;
        dropped += (dropped.empty() ? "" : "; ") + std::string("sharedCounters");
    }
    auto& shown = state_.pools[name];
    if (shown.dropped == dropped) return;
    log::warn("API server does not store all of what was published; is a feature gate off?",
              {{"pool", name}, {"error", dropped}});
    shown.dropped = std::move(dropped);
    // A gate may have been switched off since it was asked.
    features_.ask_again();
}

void Publisher::Impl::finished(const std::string& name, const Result<>& result) {
    auto& chosen = pool(name);
    chosen.syncing = false;
    if (result.ok()) {
        chosen.backoff.reset();
        return sync(name);
    }
    ++state_.failures;
    chosen.tokens += 1;  // the backoff spaces failures
    auto& shown = state_.pools[name];
    const bool news = shown.error != result.error().message();
    shown.error = result.error().message();
    shown.published = false;
    // A conflict is the watch being late; it resolves itself.
    if (news && result.code() != Code::kAborted && result.code() != Code::kFailedPrecondition)
        log::warn("pool not published, will be tried again",
                  {{"pool", name}, {"error", shown.error}});
    schedule(name, chosen.backoff.next());
    update_published();
}

/// The server holds what is desired.
void Publisher::Impl::settled(const std::string& name, Pool& chosen, const PoolPlan& plan) {
    if (!chosen.wanted) {
        pools_.erase(name);
        state_.pools.erase(name);
    } else {
        auto& shown = state_.pools[name];
        const bool news = !std::exchange(shown.published, true);
        shown.devices = chosen.content.devices.size();
        shown.slices = plan.slice_count;
        shown.generation = plan.generation;
        shown.error.clear();
        if (news)
            log::info("pool published",
                      {{"pool", name}, {"count", shown.devices}, {"version", shown.generation}});
    }
    update_published();
}

/// Asks the server itself, where the watch may be late or blind.
void Publisher::Impl::refresh(const std::string& slice) {
    client_.get(kube::ResourceApi::slices(version_), slice,
                [this, weak = alive(), slice, version = version_](const Result<Json>& object) {
                    // The server may be another by now, and all that was known forgotten.
                    if (weak.expired() || version != version_) return;
                    if (object) return was_read(*object);
                    if (object.code() != Code::kNotFound) return;
                    if (const auto pool = store_.forget(slice)) repair(*pool);
                });
}

void Publisher::Impl::was_read(const Json& object) {
    auto slice = parse_slice(object, version_);
    if (!slice) return;
    const auto pool_name = slice->pool;
    const auto reading = store_.read(*std::move(slice), Clock::now());
    expect_watch();
    if (reading.differs && ready()) repair(pool_name);
    if (!reading.ran_back) return;
    log::warn("API server has an older version of a slice than it had: restored from a copy?",
              {{"pool", pool_name}});
    reflector_->relist(true);
}

/// Looks later whether the watch has shown what we did.
void Publisher::Impl::expect_watch() {
    if (std::exchange(doubting_, true)) return;
    doubt_timer_.expires_after(SliceStore::kTrust);
    doubt_timer_.async_wait([this, weak = alive()](const boost::system::error_code& ec) {
        if (ec || weak.expired()) return;
        doubting_ = false;
        check_doubtful();
    });
}

void Publisher::Impl::check_doubtful() {
    if (!ready()) return expect_watch();
    const auto names = store_.doubtful(Clock::now());
    for (const auto& name : names)
        refresh(name);
    if (!names.empty()) reflector_->relist(true);
    if (store_.waits_for_watch()) expect_watch();
}

Publisher::Publisher(kube::Client& client, kube::ResourceApi& api, Options options)
    : impl_(std::make_shared<Impl>(client, api, std::move(options))) {}

Publisher::~Publisher() {
    impl_->stop();
}

void Publisher::start() {
    impl_->start();
}
void Publisher::stop() {
    impl_->stop();
}

void Publisher::publish(const std::map<std::string, DeviceListing>& pools) {
    impl_->publish(pools);
}

const Publisher::State& Publisher::state() const {
    return impl_->state_;
}

void Publisher::set_features_observer(std::function<void(const SliceFeatures&)> observer) {
    impl_->features_observer_ = std::move(observer);
}

void Publisher::set_observer(std::function<void(const State&)> observer) {
    impl_->observer_ = std::move(observer);
}

}  // namespace knd::dra
