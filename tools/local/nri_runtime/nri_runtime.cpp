// SPDX-License-Identifier: Apache-2.0
#include "tools/local/nri_runtime/nri_runtime.hpp"

#include <unistd.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <cassert>
#include <utility>

#include "host/model/log.hpp"
#include "host/nri/unix_socket.hpp"
#include "host/proto/nri/nri.pb.h"
#include "tools/local/nri_runtime/edits_merge.hpp"
#include "tools/local/nri_runtime/nri_peer.hpp"

namespace knd::local {
namespace {

namespace asio = boost::asio;
namespace wire = nri::wire;

}  // namespace

/// One request on its way from plugin to plugin.
struct NriRuntime::Walk {
    int event;
    PodSandbox pod;
    Container container;  ///< for CreateContainer
    EditsMerge merge;
    Done<ContainerEdits> done;
    std::vector<std::shared_ptr<NriPeer>> peers;
    std::size_t next = 0;
};

Result<std::unique_ptr<NriRuntime>> NriRuntime::open(asio::io_context& io,
                                                     NriRuntimeOptions options, Snapshot snapshot) {
    auto listener = nri::listen_unix(options.socket_path);
    if (!listener) return std::move(listener).error().wrap("NRI socket");
    std::unique_ptr<NriRuntime> runtime(
        new NriRuntime(io, std::move(options), std::move(snapshot), *std::move(listener)));
    runtime->accept();
    return runtime;
}

NriRuntime::NriRuntime(asio::io_context& io, NriRuntimeOptions options, Snapshot snapshot,
                       Fd listener)
    : io_(io),
      options_(std::move(options)),
      snapshot_(std::move(snapshot)),
      listener_(io),
      accept_pause_(io) {
    boost::system::error_code ec;
    listener_.assign(listener.get(), ec);
    assert(!ec);
    if (!ec) (void)listener.release();
}

NriRuntime::~NriRuntime() {
    alive_.reset();
    if (joining_) joining_->close();
    for (const auto& peer : plugins_)
        peer->close();
    ::unlink(options_.socket_path.c_str());
}

// One plugin at a time, from accept to the end of its synchronisation, as the real ones do it.
void NriRuntime::accept() {
    listener_.async_wait(asio::posix::stream_descriptor::wait_read,
                         [this, alive = std::weak_ptr(alive_)](boost::system::error_code ec) {
                             if (ec || alive.expired()) return;
                             auto socket = nri::accept_unix(listener_.native_handle());
                             if (!socket) return accept_later();
                             joining_ =
                                 std::make_shared<NriPeer>(io_, options_, *std::move(socket));
                             join(joining_);
                         });
}

// Out of descriptors, most likely: the listener stays readable, so not at once.
void NriRuntime::accept_later() {
    accept_pause_.expires_after(std::chrono::milliseconds(100));
    accept_pause_.async_wait([this, alive = std::weak_ptr(alive_)](boost::system::error_code ec) {
        if (!ec && !alive.expired()) accept();
    });
}

void NriRuntime::join(const std::shared_ptr<NriPeer>& peer) {
    const auto lost = [this, raw = peer.get()](const Error& error) { drop(*raw, error); };
    peer->start(
        [this, peer](const Result<>& registered) {
            if (!registered) return drop(*peer, registered.error());
            peer->configure([this, peer](const Result<>& configured) {
                if (!configured) return drop(*peer, configured.error());
                enqueue([this, peer] { synchronize(peer); });
            });
        },
        lost);
}

void NriRuntime::synchronize(const std::shared_ptr<NriPeer>& peer) {
    if (joining_ != peer) return job_done();  // lost while it waited for the lock
    peer->synchronize(snapshot_(), [this, peer](const Result<>& synchronized) {
        if (!synchronized)
            drop(*peer, synchronized.error());
        else if (joining_ == peer)
            insert(peer);
        job_done();
    });
}

void NriRuntime::insert(const std::shared_ptr<NriPeer>& peer) {
    const auto later = [](const std::string& label, const std::shared_ptr<NriPeer>& other) {
        return label.substr(0, 2) < other->label().substr(0, 2);
    };
    const auto place = std::upper_bound(plugins_.begin(), plugins_.end(), peer->label(), later);
    plugins_.insert(place, peer);
    joining_ = nullptr;
    log::info("NRI plugin registered", {{"backend", peer->label()}});
    accept();
}

void NriRuntime::drop(NriPeer& peer, const Error& error) {
    const auto is_peer = [&](const auto& other) { return other.get() == &peer; };
    const auto place = std::find_if(plugins_.begin(), plugins_.end(), is_peer);
    const bool joining = is_peer(joining_);
    if (place == plugins_.end() && !joining) return;
    log::warn("NRI plugin dropped", {{"backend", peer.label()}, {"error", error.message()}});
    // This may be a call out of the peer: it goes away later.
    auto keep = joining ? std::exchange(joining_, nullptr) : *place;
    if (!joining) plugins_.erase(place);
    keep->close();
    asio::post(io_, [keep = std::move(keep)] {});
    if (joining) accept();
}

void NriRuntime::enqueue(Job job) {
    jobs_.push_back(std::move(job));
    if (jobs_.size() == 1) run_front();
}

void NriRuntime::job_done() {
    jobs_.pop_front();
    if (!jobs_.empty()) run_front();
}

void NriRuntime::run_front() {
    asio::post(io_, [this, alive = std::weak_ptr(alive_)] {
        if (alive.expired()) return;
        // Moved out, not called in place: a job ends itself by job_done().
        const auto job = std::move(jobs_.front());
        job();
    });
}

void NriRuntime::start_walk(Walk walk) {
    enqueue([this, state = std::make_shared<Walk>(std::move(walk))] {
        state->peers = plugins_;
        step(state);
    });
}

void NriRuntime::step(const std::shared_ptr<Walk>& walk) {
    while (walk->next < walk->peers.size() && !walk->peers[walk->next]->subscribed(walk->event))
        ++walk->next;
    if (walk->next == walk->peers.size()) return finish(walk, std::move(walk->merge).take());
    const auto peer = walk->peers[walk->next++];
    if (walk->event != wire::EVENT_CREATE_CONTAINER)
        return peer->pod_event(walk->event, walk->pod, [this, walk, peer](const Result<>& result) {
            stepped(walk, *peer, result);
        });
    peer->create_container(
        walk->pod, walk->container, [this, walk, peer](Result<ContainerEdits> edits) {
            if (!edits) return stepped(walk, *peer, std::move(edits).error());
            auto& seen = walk->container.create_runtime_hooks;
            seen.insert(seen.end(), edits->create_runtime_hooks.begin(),
                        edits->create_runtime_hooks.end());
            stepped(walk, *peer, walk->merge.add(peer->label(), *std::move(edits)));
        });
}

void NriRuntime::stepped(const std::shared_ptr<Walk>& walk, NriPeer& peer, const Result<>& result) {
    if (result) return step(walk);
    if (!nri::is_transport_error(result.error())) return finish(walk, result.error());
    if (!peer.stays(result.error())) drop(peer, result.error());
    if (peer.fails_request()) return finish(walk, result.error());
    step(walk);
}

void NriRuntime::finish(const std::shared_ptr<Walk>& walk, Result<ContainerEdits> result) {
    const auto done = std::move(walk->done);
    job_done();
    done(std::move(result));
}

void NriRuntime::pod_event(int event, PodSandbox pod, Done<> done) {
    start_walk({.event = event,
                .pod = std::move(pod),
                .container = {},
                .merge = {},
                .done =
                    [done = std::move(done)](const Result<ContainerEdits>& result) {
                        if (result) return done({});
                        done(result.error());
                    },
                .peers = {}});
}

void NriRuntime::run_pod_sandbox(PodSandbox pod, Done<> done) {
    pod_event(wire::EVENT_RUN_POD_SANDBOX, std::move(pod), std::move(done));
}

void NriRuntime::stop_pod_sandbox(PodSandbox pod, Done<> done) {
    pod_event(wire::EVENT_STOP_POD_SANDBOX, std::move(pod), std::move(done));
}

void NriRuntime::remove_pod_sandbox(PodSandbox pod, Done<> done) {
    pod_event(wire::EVENT_REMOVE_POD_SANDBOX, std::move(pod), std::move(done));
}

void NriRuntime::create_container(PodSandbox pod, Container container, Done<ContainerEdits> done) {
    start_walk({.event = wire::EVENT_CREATE_CONTAINER,
                .pod = std::move(pod),
                .container = std::move(container),
                .merge = {},
                .done = std::move(done),
                .peers = {}});
}

std::vector<std::string> NriRuntime::plugins() const {
    std::vector<std::string> labels;
    for (const auto& peer : plugins_)
        labels.push_back(peer->label());
    return labels;
}

}  // namespace knd::local
