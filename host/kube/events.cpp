// SPDX-License-Identifier: Apache-2.0
#include "host/kube/events.hpp"

#include <algorithm>
#include <cstdio>
#include <optional>

#include "host/model/log.hpp"
#include "host/model/time.hpp"

namespace knd::kube {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kMaxMessage = 1024;  // the API's own limit
constexpr std::size_t kMaxNamePrefix = 220;

/// Cut at a character, not inside one.
std::string cut(std::string_view text, std::size_t limit) {
    if (text.size() <= limit) return std::string(text);
    auto end = limit - 3;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80)
        --end;
    return std::string(text.substr(0, end)) + "...";
}

/// "NAME.17f3a2b9c1d0e4f1", as other recorders do it: unique without asking.
std::string event_name(std::string_view object, std::uint64_t sequence) {
    std::string prefix(object.substr(0, kMaxNamePrefix));
    while (!prefix.empty() && (prefix.back() == '.' || prefix.back() == '-'))
        prefix.pop_back();
    const auto now = std::chrono::system_clock::now().time_since_epoch().count();
    char suffix[40];
    std::snprintf(suffix, sizeof suffix, ".%llx", static_cast<unsigned long long>(now) + sequence);
    return prefix + suffix;
}

}  // namespace

struct EventRecorder::Open {
    std::string key;
    Resource resource;
    std::string name;
    std::string message;
    std::string last_time;
    int count = 1;
    bool exists = false;   ///< the server has answered our create
    bool waiting = false;  ///< an update is scheduled
    Clock::time_point first_seen;
    Clock::time_point written;
    std::optional<boost::asio::steady_timer> timer;
};

EventRecorder::EventRecorder(Client& client, Options options)
    : client_(client), options_(std::move(options)), alive_(std::make_shared<int>(0)) {}

EventRecorder::~EventRecorder() {
    for (const auto& [key, open] : open_)
        if (open->timer) open->timer->cancel();
}

void EventRecorder::record(const EventTarget& target, bool warning, std::string_view reason,
                           std::string_view message) {
    forget_old();
    auto key = target.kind + "/" + target.ns + "/" + target.name + "/" + target.uid + "/" +
               std::string(reason);
    const auto found = open_.find(key);
    if (found != open_.end()) {
        auto& open = found->second;
        ++open->count;
        open->message = cut(message, kMaxMessage);
        open->last_time = rfc3339_now();
        return schedule_update(open);
    }
    auto open = std::make_shared<Open>();
    open->key = std::move(key);
    open->resource = {"v1", "events", target.ns};
    open->name = event_name(target.name, ++sequence_);
    open->message = cut(message, kMaxMessage);
    open->last_time = rfc3339_now();
    open->first_seen = open->written = Clock::now();
    open_[open->key] = open;
    create(open, target, warning, reason);
}

void EventRecorder::create(const std::shared_ptr<Open>& open, const EventTarget& target,
                           bool warning, std::string_view reason) {
    const Json body = {{"apiVersion", "v1"},
                       {"kind", "Event"},
                       {"metadata", {{"name", open->name}, {"namespace", target.ns}}},
                       {"involvedObject",
                        {{"apiVersion", target.api_version},
                         {"kind", target.kind},
                         {"namespace", target.ns},
                         {"name", target.name},
                         {"uid", target.uid}}},
                       {"reason", reason},
                       {"message", open->message},
                       {"type", warning ? "Warning" : "Normal"},
                       {"source", {{"component", options_.component}, {"host", options_.node}}},
                       {"reportingComponent", options_.component},
                       {"reportingInstance", options_.node},
                       {"firstTimestamp", open->last_time},
                       {"lastTimestamp", open->last_time},
                       {"count", open->count}};
    client_.create(open->resource, to_text(body),
                   [this, weak = std::weak_ptr(alive_), open](const Result<Json>& answer) {
                       if (!weak.expired()) created(open, answer);
                   });
}

void EventRecorder::created(const std::shared_ptr<Open>& open, const Result<Json>& answer) {
    if (!answer) {
        ++counters_.lost;
        log::debug("event not recorded", {{"error", answer.error().message()}});
        open_.erase(open->key);
        return;
    }
    ++counters_.created;
    open->exists = true;
    if (open->count > 1) schedule_update(open);
}

void EventRecorder::schedule_update(const std::shared_ptr<Open>& open) {
    if (!open->exists || open->waiting) return;
    open->waiting = true;
    open->timer.emplace(client_.domain(), open->written + options_.update_every);
    open->timer->async_wait(
        [this, weak = std::weak_ptr(alive_), open](const boost::system::error_code& ec) {
            if (!ec && !weak.expired()) update(open);
        });
}

void EventRecorder::update(const std::shared_ptr<Open>& open) {
    open->waiting = false;
    open->written = Clock::now();
    const Json body = {
        {"count", open->count}, {"message", open->message}, {"lastTimestamp", open->last_time}};
    client_.patch(open->resource, open->name, {}, to_text(body),
                  [this, weak = std::weak_ptr(alive_), open](const Result<Json>& answer) {
                      if (weak.expired()) return;
                      if (answer) {
                          ++counters_.updated;
                          return;
                      }
                      // Events expire on the server; the next repeat makes a new one.
                      ++counters_.lost;
                      log::debug("event not counted up", {{"error", answer.error().message()}});
                      open_.erase(open->key);
                  });
}

void EventRecorder::forget_old() {
    const auto now = Clock::now();
    std::erase_if(open_, [&](const auto& entry) {
        return !entry.second->waiting && now - entry.second->first_seen >= options_.window;
    });
    if (open_.size() < options_.max_open) return;
    const auto oldest = std::min_element(
        open_.begin(), open_.end(),
        [](const auto& a, const auto& b) { return a.second->first_seen < b.second->first_seen; });
    open_.erase(oldest);
}

}  // namespace knd::kube
