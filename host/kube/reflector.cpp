// SPDX-License-Identifier: Apache-2.0
#include "host/kube/reflector.hpp"

#include "host/model/log.hpp"

namespace knd::kube {
namespace {

using Ms = std::chrono::milliseconds;

/// A watch that lived so long was a good one: the next failure starts with short waits again.
constexpr std::chrono::seconds kHealthyWatch{10};

}  // namespace

std::string object_key(const Json& object) {
    const auto& metadata = json_at(object, "metadata");
    const auto ns = json_string(metadata, "namespace");
    auto name = json_string(metadata, "name");
    return ns.empty() ? name : ns + "/" + name;
}

Reflector::Reflector(Client& client, Resource resource, Query query, Handlers handlers)
    : client_(client),
      resource_(std::move(resource)),
      query_(std::move(query)),
      handlers_(std::move(handlers)),
      timer_(client.domain()),
      backoff_(Ms(200), Ms(30'000)) {}

Reflector::~Reflector() {
    stop();
}

void Reflector::start() {
    if (alive_) return;
    alive_ = std::make_shared<int>(0);
    list();
}

void Reflector::stop() {
    alive_.reset();
    watch_.stop();
    timer_.cancel();
    failing_ = false;
}

void Reflector::relist(bool from_store) {
    stop();
    if (from_store) from_cache_ = false;
    start();
}

void Reflector::list() {
    ++counters_.lists;
    auto query = query_;
    if (from_cache_) query.emplace_back("resourceVersion", "0");
    client_.list(resource_, std::move(query),
                 [this, weak = std::weak_ptr(alive_)](Result<List> list) {
                     if (weak.expired()) return;
                     if (!list) return retry(true, list.error());
                     take_list(*std::move(list));
                 });
}

void Reflector::take_list(List list) {
    const std::weak_ptr alive = alive_;
    ++round_;
    version_ = std::move(list.resource_version);
    for (const auto& object : list.items) {
        note_changed(object);
        if (alive.expired()) return;
    }
    for (auto at = known_.begin(); at != known_.end();) {
        if (at->second.round == round_) {
            ++at;
            continue;
        }
        const auto gone = known_.extract(at++);
        handlers_.deleted(gone.key(), gone.mapped().uid);
        if (alive.expired()) return;
    }
    synced_ = true;
    handlers_.synced();
    if (!alive.expired()) watch();
}

void Reflector::note_changed(const Json& object) {
    const auto key = object_key(object);
    auto uid = json_string(json_at(object, "metadata"), "uid");
    auto& known = known_[key];
    const auto before = std::exchange(known, Known{std::move(uid), round_});
    const std::weak_ptr alive = alive_;
    if (!before.uid.empty() && before.uid != known.uid) handlers_.deleted(key, before.uid);
    if (!alive.expired()) handlers_.changed(object);
}

void Reflector::watch() {
    ++counters_.watches;
    watch_started_ = std::chrono::steady_clock::now();
    watch_ = client_.watch(
        resource_, query_, version_,
        [this, weak = std::weak_ptr(alive_)](WatchEvent event) {
            if (!weak.expired()) take_event(event);
        },
        [this, weak = std::weak_ptr(alive_)](const Result<>& result) {
            if (!weak.expired()) watch_ended(result);
        });
}

void Reflector::take_event(const WatchEvent& event) {
    if (std::exchange(failing_, false))
        log::info("watch works again", {{"path", resource_.path()}});
    backoff_.reset();
    auto version = json_string(json_at(event.object, "metadata"), "resourceVersion");
    if (!version.empty()) version_ = std::move(version);
    switch (event.type) {
        case WatchEvent::Type::kBookmark:
            return;
        case WatchEvent::Type::kAdded:
        case WatchEvent::Type::kModified:
            return note_changed(event.object);
        case WatchEvent::Type::kDeleted:
            break;
    }
    const auto gone = known_.extract(object_key(event.object));
    if (!gone.empty()) handlers_.deleted(gone.key(), gone.mapped().uid);
}

void Reflector::watch_ended(const Result<>& result) {
    const bool healthy = std::chrono::steady_clock::now() - watch_started_ >= kHealthyWatch;
    if (healthy) backoff_.reset();
    if (!result) {
        const bool expired = result.code() == Code::kOutOfRange;
        // A list from the server's cache might be as old as what has just expired.
        if (expired) from_cache_ = false;
        return retry(expired, result.error());
    }
    if (healthy) return watch();
    wait_then([this] { watch(); });
}

void Reflector::retry(bool from_list, const Error& error) {
    ++counters_.failures;
    const bool expired = error.code() == Code::kOutOfRange;
    if (!expired && !std::exchange(failing_, true)) {
        log::warn("watch is interrupted and will be retried",
                  {{"path", resource_.path()}, {"error", error.message()}});
    } else {
        log::debug("watch starts again", {{"path", resource_.path()}, {"error", error.message()}});
    }
    const std::weak_ptr alive = alive_;
    if (handlers_.failed && !expired) handlers_.failed(error);
    if (!alive.expired()) wait_then([this, from_list] { from_list ? list() : watch(); });
}

void Reflector::wait_then(std::function<void()> next) {
    timer_.expires_after(backoff_.next());
    timer_.async_wait([weak = std::weak_ptr(alive_),
                       next = std::move(next)](const boost::system::error_code& ec) {
        if (!ec && !weak.expired()) next();
    });
}

}  // namespace knd::kube
