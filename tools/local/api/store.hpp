// SPDX-License-Identifier: Apache-2.0
//
// The objects of the cluster: SQLite on disk, everything in memory, and a history of changes that
// watches read from. HTTP requests and the scheduler and kubelets in this process use the same
// calls and so pass the same defaulting, validation and admission; there is no side door.
//
// Threads: all calls and all callbacks on the io_context's thread.
// Failure: a write that could not reach the disk is answered with an InternalError and has no
// effect.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "tools/local/api/kinds.hpp"
#include "tools/local/api/selector.hpp"
#include "tools/local/api/status.hpp"

namespace knd::api {

class Database;

/// A stored object never changes: a write makes a new one. The cache, the history and every watcher
/// share them.
using Object = std::shared_ptr<const Json>;

enum class EventType { kAdded, kModified, kDeleted };

struct Event {
    EventType type;
    Resource resource;
    std::uint64_t revision;
    Object object;    ///< for kDeleted: the last state, with the revision of the deletion
    Object previous;  ///< what it replaced or removed; null for kAdded
};

enum class FieldValidation { kIgnore, kWarn, kStrict };

struct WriteOptions {
    /// "", "status" or "binding": which part of the object the write may change.
    std::string subresource;
    std::string field_manager = "knd-local";
    FieldValidation field_validation = FieldValidation::kIgnore;
    bool dry_run = false;
    /// Server-side apply: take fields from other managers instead of answering 409.
    bool force = false;
    /// Where unknown fields are reported with kWarn; may be null.
    std::vector<std::string>* warnings = nullptr;
};

struct DeleteOptions {
    std::string uid;               ///< precondition, empty for none
    std::string resource_version;  ///< precondition, empty for none
    std::optional<std::int64_t> grace_seconds;
    std::string propagation;  ///< "Background" (or empty), "Foreground", "Orphan"
    bool dry_run = false;
};

/// Ends its watch when destroyed.
class Watch {
  public:
    Watch() = default;
    explicit Watch(std::shared_ptr<void> alive) : alive_(std::move(alive)) {}

  private:
    std::shared_ptr<void> alive_;  // the store holds a weak_ptr to it
};

class Store {
  public:
    using Callback = std::function<void(const Event&)>;
    /// Makes the object that is to be stored out of the current one.
    using Edit = std::function<Answer<Json>(const Json& current)>;

    /// Opens or creates the database and, when it is new, the namespaces every cluster has.
    static Result<std::unique_ptr<Store>> open(boost::asio::io_context& io,
                                               const std::filesystem::path& database);
    ~Store();
    Store(const Store&) = delete;
    Store& operator=(const Store&) = delete;

    Answer<Object> get(Resource resource, std::string_view ns, std::string_view name) const;
    /// In order of namespace and name; an empty `ns` means all of them.
    std::vector<Object> list(Resource resource, std::string_view ns = "",
                             const ObjectSelector& selector = {}) const;
    /// Newest revision given out: what a list taken now would carry as resourceVersion.
    std::uint64_t revision() const { return revision_; }

    /// `object` needs metadata.name or generateName; apiVersion and kind may be absent.
    Answer<Object> create(Resource resource, std::string_view ns, Json object,
                          const WriteOptions& options = {});
    /// Replaces. A resourceVersion in `object` must be the current one (409 otherwise).
    Answer<Object> update(Resource resource, std::string_view ns, Json object,
                          const WriteOptions& options = {});
    /// Reads, edits and writes in one step; every kind of patch ends here.
    Answer<Object> modify(Resource resource, std::string_view ns, std::string_view name,
                          const Edit& edit, const WriteOptions& options = {});
    /// Server-side apply of `intent` by options.field_manager; creates when there is nothing yet.
    /// The flag says whether it did.
    Answer<std::pair<Object, bool>> apply(Resource resource, std::string_view ns,
                                          std::string_view name, Json intent,
                                          const WriteOptions& options = {});
    /// The object as it was removed, or as it is now when finalizers, or a kubelet, keep it.
    Answer<Object> remove(Resource resource, std::string_view ns, std::string_view name,
                          const DeleteOptions& options = {});

    /// Puts a pod on a node; 409 when it is on one already.
    Answer<Object> bind(std::string_view ns, std::string_view pod, const std::string& node,
                        bool dry_run = false);

    /// Whether every change after `revision` is still known.
    bool can_resume(std::uint64_t revision) const {
        return revision >= forgotten_ && revision <= revision_;
    }
    /// Calls back for each change after revision `since`, in order, never from inside this or a
    /// writing call. `since` 0 first delivers what exists as kAdded. 410 when `since` is too old.
    Answer<Watch> watch(Resource resource, std::uint64_t since, Callback callback);

  private:
    struct Watcher;
    using Key = std::pair<std::string, std::string>;  // namespace, name
    using Table = std::map<Key, Object>;

    Store(boost::asio::io_context& io, std::unique_ptr<Database> database);
    Result<> load();
    Answer<bool> admit(const Kind& kind, std::string_view ns, const Json& object) const;
    Answer<Object> commit(const Kind& kind, EventType type, Json object, const Object& previous,
                          bool dry_run);
    Answer<Object> replace(const Kind& kind, const Object& before, Json after,
                           const WriteOptions& options);
    Answer<Object> retire(const Kind& kind, const Object& before, std::int64_t grace_seconds,
                          bool dry_run);
    void release_dependents(const std::string& uid);
    void schedule_delivery();
    void deliver();
    std::vector<Event> take_events(Watcher& watcher) const;
    void collect_leftovers();
    void collect_garbage();
    void collect(const Event& event);
    void collect_if_orphan(Resource resource, const Json& object);
    void finish_namespace(const std::string& name);
    void expire_events();

    boost::asio::io_context& io_;
    std::unique_ptr<Database> database_;
    boost::asio::steady_timer expiry_;
    std::uint64_t revision_ = 0;
    std::uint64_t forgotten_ = 0;  ///< the history begins after this revision
    std::uint64_t collected_ = 0;  ///< the garbage collector has seen the history up to here
    std::map<Resource, Table> tables_;
    std::set<std::string> uids_;
    std::deque<Event> history_;
    std::vector<std::weak_ptr<Watcher>> watchers_;
    bool delivery_scheduled_ = false;
    /// What is posted to the io_context holds a weak_ptr to it and does nothing once it is gone.
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace knd::api
