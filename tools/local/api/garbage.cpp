// SPDX-License-Identifier: Apache-2.0
//
// What the store removes by itself: dependents of what is gone, the contents of namespaces that are
// leaving, and events that are an hour old.
#include <algorithm>

#include "host/model/log.hpp"
#include "tools/local/api/clock.hpp"
#include "tools/local/api/intake.hpp"
#include "tools/local/api/store.hpp"

namespace knd::api {
namespace {

/// Nobody waits for the answer to a garbage collector's write; only a failing disk is worth a word.
void discard(const Answer<Object>& answer, const Json& object) {
    if (!answer.ok() && answer.error().code == 500)
        log::error("cannot collect garbage",
                   {{"key", object_name(object)}, {"error", answer.error().message}});
}

}  // namespace

void Store::collect_leftovers() {
    for (const auto& kind : all_kinds()) {
        for (const auto& object : list(kind.id)) {
            collect_if_orphan(kind.id, *object);
            if (kind.id == Resource::kNamespaces && is_leaving(*object))
                finish_namespace(object_name(*object));
        }
    }
}

void Store::collect_garbage() {
    while (collected_ < revision_) {
        const Event event =
            *std::partition_point(history_.begin(), history_.end(),
                                  [this](const Event& one) { return one.revision <= collected_; });
        collected_ = event.revision;
        collect(event);
    }
}

void Store::collect(const Event& event) {
    const auto& object = *event.object;
    if (event.type == EventType::kAdded) collect_if_orphan(event.resource, object);
    if (event.resource == Resource::kNamespaces && event.type == EventType::kModified &&
        is_leaving(object))
        finish_namespace(object_name(object));
    if (event.type != EventType::kDeleted) return;
    const auto uid = json_string(json_at(object, "metadata"), "uid");
    for (const auto& kind : all_kinds()) {
        for (const auto& dependent : list(kind.id)) {
            const auto& owners = json_path(*dependent, {"metadata", "ownerReferences"});
            const bool owned = std::any_of(owners.begin(), owners.end(), [&](const Json& owner) {
                return json_string(owner, "uid") == uid;
            });
            if (owned) collect_if_orphan(kind.id, *dependent);
        }
    }
    if (const auto ns = get(Resource::kNamespaces, "", object_namespace(object));
        ns.ok() && is_leaving(**ns))
        finish_namespace(object_namespace(object));
}

void Store::collect_if_orphan(Resource resource, const Json& seen) {
    // Judged as it is now, since it may have been adopted, replaced or removed after it was seen.
    const auto object = get(resource, object_namespace(seen), object_name(seen));
    if (!object.ok() || is_leaving(**object)) return;
    const auto& owners = json_path(**object, {"metadata", "ownerReferences"});
    const bool owned = std::any_of(owners.begin(), owners.end(), [&](const Json& owner) {
        return uids_.contains(json_string(owner, "uid"));
    });
    if (!owned && !owners.empty())
        discard(remove(resource, object_namespace(seen), object_name(seen)), seen);
}

void Store::release_dependents(const std::string& uid) {
    for (const auto& kind : all_kinds()) {
        for (const auto& dependent : list(kind.id)) {
            auto after = *dependent;
            auto& metadata = after["metadata"];
            if (!metadata.contains("ownerReferences")) continue;
            std::erase_if(metadata["ownerReferences"].get_ref<Json::array_t&>(),
                          [&](const Json& owner) { return json_string(owner, "uid") == uid; });
            if (metadata["ownerReferences"].empty()) metadata.erase("ownerReferences");
            if (after != *dependent)
                discard(commit(kind, EventType::kModified, std::move(after), dependent, false),
                        *dependent);
        }
    }
}

void Store::finish_namespace(const std::string& name) {
    bool empty = true;
    for (const auto& kind : all_kinds()) {
        if (!kind.namespaced) continue;
        for (const auto& object : list(kind.id, name)) {
            if (!is_leaving(*object)) discard(remove(kind.id, name, object_name(*object)), *object);
            empty = empty && !get(kind.id, name, object_name(*object)).ok();
        }
    }
    const auto ns = get(Resource::kNamespaces, "", name);
    if (empty && ns.ok())
        discard(commit(kind_of(Resource::kNamespaces), EventType::kDeleted, **ns, *ns, false),
                **ns);
}

void Store::expire_events() {
    constexpr std::int64_t kEventLifeSeconds = 3600;
    for (const auto& event : list(Resource::kEvents)) {
        auto seen = json_string(*event, "lastTimestamp");
        if (seen.empty()) seen = json_string(json_at(*event, "metadata"), "creationTimestamp");
        if (parse_time(seen) + kEventLifeSeconds < now_seconds())
            discard(remove(Resource::kEvents, object_namespace(*event), object_name(*event)),
                    *event);
    }
    expiry_.expires_after(std::chrono::minutes(5));
    expiry_.async_wait([this, alive = std::weak_ptr(alive_)](boost::system::error_code error) {
        if (!error && !alive.expired()) expire_events();
    });
}

}  // namespace knd::api
