// SPDX-License-Identifier: Apache-2.0
#include "tools/local/api/store.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>

#include "host/model/time.hpp"
#include "host/validation/validation.hpp"
#include "tools/local/api/clock.hpp"
#include "tools/local/api/database.hpp"
#include "tools/local/api/intake.hpp"
#include "tools/local/api/patch.hpp"
#include "tools/local/api/schema.hpp"

namespace knd::api {
namespace {

/// Changes that a watch can be resumed from; older ones are answered with 410.
constexpr std::size_t kHistory = 4096;
constexpr std::size_t kNameAttempts = 8;
constexpr std::int64_t kDefaultGraceSeconds = 30;
constexpr std::int64_t kMaxGraceSeconds = 366 * 24 * 3600;
constexpr const char* kSystemNamespaces[] = {"default", "kube-system", "kube-public",
                                             "kube-node-lease"};

std::uint64_t revision_of(const Json& object) {
    return std::strtoull(json_string(json_at(object, "metadata"), "resourceVersion").c_str(),
                         nullptr, 10);
}

/// A pod that a kubelet has to stop first; everything else can go at once.
std::int64_t grace_of(const Kind& kind, const Json& object, const DeleteOptions& options) {
    const auto phase = json_string(json_at(object, "status"), "phase");
    if (kind.id != Resource::kPods || json_string(json_at(object, "spec"), "nodeName").empty() ||
        phase == "Succeeded" || phase == "Failed")
        return 0;
    const auto seconds = options.grace_seconds.value_or(
        json_int(json_at(object, "spec"), "terminationGracePeriodSeconds", kDefaultGraceSeconds));
    // Kubernetes takes a negative period as "now, but let the kubelet have its say".
    return seconds < 0 ? 1 : std::min(seconds, kMaxGraceSeconds);
}

bool has_finalizers(const Kind& kind, const Json& object) {
    return !json_path(object, {"metadata", "finalizers"}).empty() ||
           (kind.id == Resource::kNamespaces && !json_path(object, {"spec", "finalizers"}).empty());
}

}  // namespace

Store::Store(boost::asio::io_context& io, std::unique_ptr<Database> database)
    : io_(io), database_(std::move(database)), expiry_(io) {
    for (const auto& kind : all_kinds())
        tables_[kind.id];
}

Store::~Store() = default;

Result<std::unique_ptr<Store>> Store::open(boost::asio::io_context& io,
                                           const std::filesystem::path& path) {
    KND_TRY_ASSIGN(auto database, Database::open(path));
    std::unique_ptr<Store> store(new Store(io, std::move(database)));
    KND_TRY(store->load().wrap("read the objects in " + path.string()));
    for (const auto* name : kSystemNamespaces) {
        if (store->get(Resource::kNamespaces, "", name).ok()) continue;
        KND_TRY(
            store->create(Resource::kNamespaces, "", {{"metadata", {{"name", name}}}}).result());
    }
    store->collect_leftovers();
    store->expire_events();
    return store;
}

Result<> Store::load() {
    const auto take = [this](const Database::Row& row) -> Result<> {
        for (const auto& kind : all_kinds()) {
            if (kind.qualified_resource() != row.resource) continue;
            KND_TRY_ASSIGN(auto object, parse_json(row.body));
            uids_.insert(json_string(json_at(object, "metadata"), "uid"));
            tables_[kind.id].emplace(Key(row.ns, row.name),
                                     std::make_shared<const Json>(std::move(object)));
        }
        return {};
    };
    KND_TRY_ASSIGN(revision_, database_->load(take));
    forgotten_ = collected_ = revision_;
    return {};
}

Answer<Object> Store::get(Resource resource, std::string_view ns, std::string_view name) const {
    const auto& table = tables_.at(resource);
    const auto& kind = kind_of(resource);
    const auto found = table.find(Key(kind.namespaced ? ns : "", name));
    if (found == table.end()) return not_found(kind.qualified_resource(), name);
    return found->second;
}

std::vector<Object> Store::list(Resource resource, std::string_view ns,
                                const ObjectSelector& selector) const {
    std::vector<Object> objects;
    for (const auto& [key, object] : tables_.at(resource)) {
        if ((ns.empty() || key.first == ns) && selector.matches(*object)) objects.push_back(object);
    }
    return objects;
}

/// What depends on the namespace: that it is there, stays, and allows administrative access.
Answer<bool> Store::admit(const Kind& kind, std::string_view ns, const Json& object) const {
    if (!kind.namespaced) return true;
    KND_TRY_ASSIGN(const auto found, get(Resource::kNamespaces, "", ns));
    if (is_leaving(*found))
        return forbidden(kind.qualified_resource(), object_name(object),
                         "unable to create new content in namespace " + std::string(ns) +
                             " because it is being terminated");
    FieldErrors errors;
    if (kind.id == Resource::kResourceClaims || kind.id == Resource::kResourceClaimTemplates)
        validation::validate_admin_access(Json(), object, *found, errors);
    if (errors.empty()) return true;
    return invalid(kind.qualified_kind(), object_name(object), errors);
}

Answer<Object> Store::create(Resource resource, std::string_view ns, Json object,
                             const WriteOptions& options) {
    const auto& kind = kind_of(resource);
    KND_TRY(admit(kind, ns, object));
    const bool generated = object_name(object).empty();
    for (std::size_t attempt = 1;; ++attempt) {
        KND_TRY_ASSIGN(auto taken, take_new(kind, ns, object, options));
        const auto name = object_name(taken);
        if (!get(resource, ns, name).ok())
            return commit(kind, EventType::kAdded, std::move(taken), nullptr, options.dry_run);
        if (!generated || attempt == kNameAttempts)
            return already_exists(kind.qualified_resource(), name);
    }
}

Answer<Object> Store::update(Resource resource, std::string_view ns, Json object,
                             const WriteOptions& options) {
    const auto name = object_name(object);
    KND_TRY_ASSIGN(const auto before, get(resource, ns, name));
    return replace(kind_of(resource), before, std::move(object), options);
}

Answer<Object> Store::modify(Resource resource, std::string_view ns, std::string_view name,
                             const Edit& edit, const WriteOptions& options) {
    KND_TRY_ASSIGN(const auto before, get(resource, ns, name));
    KND_TRY_ASSIGN(auto after, edit(*before));
    return replace(kind_of(resource), before, std::move(after), options);
}

Answer<std::pair<Object, bool>> Store::apply(Resource resource, std::string_view ns,
                                             std::string_view name, Json intent,
                                             const WriteOptions& options) {
    const auto& kind = kind_of(resource);
    const auto& type = *served_schema().find(kind.kind);
    if (options.field_manager.empty()) {
        return invalid("PatchOptions.meta.k8s.io", "",
                       {field_required("fieldManager", "is required for apply patch")});
    }
    const auto& metadata = json_at(intent, "metadata");
    if (!intent.is_object() || !(metadata.is_object() || metadata.is_null()))
        return bad_request("the configuration to apply is no object, or its metadata is none");
    if (const auto own = object_name(intent); !own.empty() && own != name)
        return bad_request("the name of the object (" + own +
                           ") does not match the name on the URL (" + std::string(name) + ")");
    intent["metadata"]["name"] = name;
    const auto current = get(resource, ns, name);
    if (!current.ok() && !options.subresource.empty()) return current.error();
    const Json none;
    const auto& live = current.ok() ? **current : none;
    KND_TRY_ASSIGN(auto merged, apply_patch(type, live, intent, options.field_manager,
                                            options.subresource, options.force));
    auto written = current.ok() ? replace(kind, *current, std::move(merged), options)
                                : create(resource, ns, std::move(merged), options);
    if (!written.ok()) return std::move(written).error();
    return std::pair(*std::move(written), !current.ok());
}

Answer<Object> Store::bind(std::string_view ns, std::string_view pod, const std::string& node,
                           bool dry_run) {
    if (node.empty()) return invalid("Binding", pod, {field_required("target.name")});
    const auto assign = [&](const Json& current) -> Answer<Json> {
        const auto assigned = json_string(json_at(current, "spec"), "nodeName");
        if (!assigned.empty() || is_leaving(current))
            return conflict(
                "pods/binding", pod,
                "pod " + std::string(pod) +
                    (assigned.empty() ? " is being deleted, cannot be assigned to a host"
                                      : " is already assigned to node \"" + assigned + "\""));
        auto bound = current;
        bound["spec"]["nodeName"] = node;
        const Json scheduled = {
            {"type", "PodScheduled"}, {"status", "True"}, {"lastTransitionTime", rfc3339_now()}};
        return strategic_merge_patch(*served_schema().find("Pod"), std::move(bound),
                                     {{"status", {{"conditions", Json::array({scheduled})}}}});
    };
    WriteOptions options;
    options.subresource = "binding";
    options.dry_run = dry_run;
    return modify(Resource::kPods, ns, pod, assign, options);
}

Answer<Object> Store::replace(const Kind& kind, const Object& before, Json after,
                              const WriteOptions& options) {
    KND_TRY_ASSIGN(auto taken, take_replacement(kind, *before, std::move(after), options));
    if (taken == *before) return before;
    const auto waiting = json_int(taken["metadata"], "deletionGracePeriodSeconds") > 0;
    const bool last_finalizer_gone =
        is_leaving(taken) && has_finalizers(kind, *before) && !has_finalizers(kind, taken);
    const auto type = last_finalizer_gone && !waiting ? EventType::kDeleted : EventType::kModified;
    return commit(kind, type, std::move(taken), before, options.dry_run);
}

Answer<Object> Store::remove(Resource resource, std::string_view ns, std::string_view name,
                             const DeleteOptions& options) {
    const auto& kind = kind_of(resource);
    KND_TRY_ASSIGN(const auto before, get(resource, ns, name));
    KND_TRY(check_preconditions(kind, *before, options.uid, options.resource_version));
    if (resource == Resource::kNamespaces && std::ranges::count(kSystemNamespaces, name) != 0)
        return forbidden(kind.qualified_resource(), name, "this namespace may not be deleted");
    if (options.propagation == "Orphan" && !options.dry_run)
        release_dependents(json_string(json_at(*before, "metadata"), "uid"));
    return retire(kind, before, grace_of(kind, *before, options), options.dry_run);
}

/// Removes, or marks as leaving what a kubelet or a finalizer still holds.
Answer<Object> Store::retire(const Kind& kind, const Object& before, std::int64_t grace_seconds,
                             bool dry_run) {
    Json after = *before;
    auto& metadata = after["metadata"];
    if (grace_seconds == 0 && !has_finalizers(kind, after))
        return commit(kind, EventType::kDeleted, std::move(after), before, dry_run);
    const auto granted = json_int(metadata, "deletionGracePeriodSeconds", grace_seconds + 1);
    if (is_leaving(*before) && granted <= grace_seconds) return before;
    metadata["deletionTimestamp"] = rfc3339(now_seconds() + grace_seconds);
    metadata["deletionGracePeriodSeconds"] = grace_seconds;
    if (kind.id == Resource::kNamespaces) after["status"]["phase"] = "Terminating";
    return commit(kind, EventType::kModified, std::move(after), before, dry_run);
}

Answer<Object> Store::commit(const Kind& kind, EventType type, Json object, const Object& previous,
                             bool dry_run) {
    auto& metadata = object["metadata"];
    if (!dry_run) metadata["resourceVersion"] = std::to_string(revision_ + 1);
    const Key key(object_namespace(object), object_name(object));
    const auto uid = json_string(metadata, "uid");
    const auto stored = std::make_shared<const Json>(std::move(object));
    if (dry_run) return stored;
    const auto body = type == EventType::kDeleted ? std::string() : to_text(*stored);
    const auto resource = kind.qualified_resource();
    const Database::Row row{resource, key.first, key.second, body};
    const auto written = type == EventType::kDeleted ? database_->remove(row, revision_ + 1)
                                                     : database_->put(row, revision_ + 1);
    if (!written.ok()) return internal_error(written.error().message());
    ++revision_;
    if (type == EventType::kDeleted) {
        tables_[kind.id].erase(key);
        uids_.erase(uid);
    } else {
        tables_[kind.id][key] = stored;
        uids_.insert(uid);
    }
    history_.push_back({type, kind.id, revision_, stored, previous});
    if (history_.size() > kHistory) {
        forgotten_ = history_.front().revision;
        history_.pop_front();
    }
    schedule_delivery();
    return stored;
}

// Watches.

struct Store::Watcher {
    Resource resource;
    std::uint64_t position;      ///< delivered up to here
    std::vector<Event> initial;  ///< what existed when the watch began
    Callback callback;
};

Answer<Watch> Store::watch(Resource resource, std::uint64_t since, Callback callback) {
    if (since != 0 && !can_resume(since))
        return expired("too old resource version: " + std::to_string(since) + " (" +
                       std::to_string(forgotten_) + ")");
    auto watcher = std::make_shared<Watcher>(Watcher{resource, since, {}, std::move(callback)});
    if (since == 0) {
        watcher->position = revision_;
        for (const auto& [key, object] : tables_[resource])
            watcher->initial.push_back(
                {EventType::kAdded, resource, revision_of(*object), object, nullptr});
    }
    watchers_.push_back(watcher);
    schedule_delivery();
    return Watch(std::move(watcher));
}

void Store::schedule_delivery() {
    if (std::exchange(delivery_scheduled_, true)) return;
    boost::asio::post(io_, [this, alive = std::weak_ptr(alive_)] {
        if (!alive.expired()) deliver();
    });
}

void Store::deliver() {
    delivery_scheduled_ = false;
    collect_garbage();
    std::erase_if(watchers_, [](const auto& one) { return one.expired(); });
    // Copies, because a callback may write, and begin or end watches.
    const auto watchers = watchers_;
    for (const auto& weak : watchers) {
        std::vector<Event> events;
        if (const auto watcher = weak.lock()) events = take_events(*watcher);
        for (const auto& event : events) {
            // Locked anew each time: the callback may have ended its own watch.
            if (const auto watcher = weak.lock()) watcher->callback(event);
        }
    }
}

std::vector<Event> Store::take_events(Watcher& watcher) const {
    auto events = std::exchange(watcher.initial, {});
    const auto newer = std::partition_point(
        history_.begin(), history_.end(),
        [&](const Event& event) { return event.revision <= watcher.position; });
    std::copy_if(newer, history_.end(), std::back_inserter(events),
                 [&](const Event& event) { return event.resource == watcher.resource; });
    watcher.position = revision_;
    return events;
}

}  // namespace knd::api
