// SPDX-License-Identifier: Apache-2.0
#include "tools/local/support/events.hpp"

#include <utility>

#include "host/model/log.hpp"
#include "host/model/time.hpp"
#include "tools/local/api/random.hpp"

namespace knd::local {
namespace {

/// Enough for one machine; older ones start a new Event when they come again.
constexpr std::size_t kRemembered = 4096;

api::Answer<Json> count_up(const Json& current) {
    Json event = current;
    event["count"] = json_int(event, "count", 1) + 1;
    event["lastTimestamp"] = rfc3339_now();
    return event;
}

}  // namespace

EventRecorder::EventRecorder(api::Store& store, std::string component, std::string host)
    : store_(store), component_(std::move(component)), host_(std::move(host)) {}

void EventRecorder::record(const Json& object, std::string_view type, std::string_view reason,
                           std::string_view message) {
    const Json& meta = json_at(object, "metadata");
    const auto uid = json_string(meta, "uid");
    const auto ns = json_string(meta, "namespace", "default");
    std::string key = uid;
    for (const auto part : {type, reason, message})
        key.append("\n").append(part);
    if (const auto known = names_.find(key); known != names_.end()) {
        if (store_.modify(api::Resource::kEvents, ns, known->second, count_up).ok()) return;
        names_.erase(known);
    }
    const auto now = rfc3339_now();
    const auto name = json_string(meta, "name") + "." + api::random_id(16);
    Json event = {
        {"metadata", {{"name", name}, {"namespace", ns}}},
        {"involvedObject",
         {{"apiVersion", json_string(object, "apiVersion", "v1")},
          {"kind", json_string(object, "kind", "Pod")},
          {"namespace", ns},
          {"name", json_string(meta, "name")},
          {"uid", uid},
          {"resourceVersion", json_string(meta, "resourceVersion")}}},
        {"type", type},
        {"reason", reason},
        {"message", message.substr(0, 1024)},
        {"count", 1},
        {"firstTimestamp", now},
        {"lastTimestamp", now},
        {"source", {{"component", component_}}},
        {"reportingComponent", component_},
        {"reportingInstance", host_},
    };
    if (!host_.empty()) event["source"]["host"] = host_;
    auto stored = store_.create(api::Resource::kEvents, ns, std::move(event));
    if (!stored.ok()) {
        log::warn("an event was not stored", {{"pod", ns + "/" + json_string(meta, "name")},
                                              {"error", stored.error().message}});
        return;
    }
    if (names_.size() >= kRemembered) names_.clear();
    names_.emplace(std::move(key), name);
}

}  // namespace knd::local
