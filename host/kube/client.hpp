// SPDX-License-Identifier: Apache-2.0
//
// Client: the Kubernetes API spoken over Http. There is no client-side rate limiter: the server has
// priority and fairness, and a pod that waits for its claim must not wait for us.
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "host/kube/config.hpp"
#include "host/model/json.hpp"
#include "host/model/services.hpp"

namespace knd::kube {

/// A collection of objects, "pods in namespace default" or "all nodes".
struct Resource {
    std::string group_version;  ///< "v1" or "resource.k8s.io/v1"
    std::string plural;         ///< "resourceclaims"
    std::string ns;             ///< empty: cluster-scoped, or all namespaces
    /// "/apis/resource.k8s.io/v1/namespaces/default/resourceclaims/NAME/SUB"
    std::string path(std::string_view name = "", std::string_view subresource = "") const;
};

/// Query parameters, not yet escaped.
using Query = std::vector<std::pair<std::string, std::string>>;

enum class PatchType { kMerge, kApply };

struct Patch {
    PatchType type = PatchType::kMerge;
    std::string_view subresource;
    std::string field_manager;  ///< for kApply, which takes conflicting fields over by force
};

struct List {
    std::vector<Json> items;  ///< kind and apiVersion are missing in items, as the API sends them
    std::string resource_version;
};

struct WatchEvent {
    enum class Type { kAdded, kModified, kDeleted, kBookmark };
    Type type = Type::kAdded;
    Json object;
};

/// What /readyz and `kndctl` may say about the API server.
struct Reachability {
    bool reachable = false;
    std::string error;  ///< the last failure; empty when reachable
    std::chrono::steady_clock::time_point since{};
};

/// One finished exchange, for metrics.
struct CallReport {
    std::string_view method;
    std::string_view plural;  ///< "" outside collections
    int status = 0;           ///< 0: no HTTP answer
    std::chrono::nanoseconds duration{0};
};

/// A running watch; destroying it ends the watch and silences its handlers.
class Watch {
  public:
    Watch() = default;
    explicit Watch(std::function<void()> stop) : stop_(std::move(stop)) {}
    Watch(Watch&& other) noexcept : stop_(std::exchange(other.stop_, nullptr)) {}
    Watch& operator=(Watch&& other) noexcept;
    ~Watch() { stop(); }
    void stop();

  private:
    std::function<void()> stop_;
};

/// Threads: the domain thread only; `Done`s run there too, never inside the call that was given
/// them, and not at all once the Client is gone.
/// Failure: the HTTP status becomes a code (see code_of_status) and the message is the server's own
/// Status message, led by the method and path. NOT_FOUND is an API server's word that an object is
/// not there, UNIMPLEMENTED a 404 for a path that is not served, UNAVAILABLE any other 404. 429 and
/// 503 with Retry-After, connection failures of GET, and one 401 with a newer token are retried
/// inside while the deadline allows.
class Client {
  public:
    struct Options {
        std::string user_agent = "kndd/" KND_VERSION;
        std::chrono::milliseconds timeout{15'000};  ///< for a call that names none
        std::chrono::seconds watch_idle{180};       ///< silence after which a watch is made anew
        std::size_t page_size = 500;
    };

    static Result<std::unique_ptr<Client>> open(boost::asio::io_context& domain,
                                                const Config& config, Options options);
    ~Client();
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    /// One object. `timeout` zero: Options::timeout.
    void get(const Resource& resource, std::string_view name, Done<Json> done,
             std::chrono::milliseconds timeout = {});
    /// Any JSON document of the server, as "/version"; `plural` is its name in metrics.
    void get(const std::string& path, const std::string& plural, Done<Json> done,
             std::chrono::milliseconds timeout = {});
    /// All pages. A continue token that expires half-way makes it start over without pages.
    void list(const Resource& resource, Query query, Done<List> done);
    /// `body` is JSON text, here and below.
    void create(const Resource& resource, std::string body, Done<Json> done,
                const Query& query = {});
    void update(const Resource& resource, std::string_view name, std::string body, Done<Json> done);
    void patch(const Resource& resource, std::string_view name, const Patch& patch,
               std::string body, Done<Json> done);
    /// With those preconditions that are not empty. NOT_FOUND is an error here like any other.
    void remove(const Resource& resource, std::string_view name, const std::string& uid,
                const std::string& resource_version, Done<> done);

    /// One stream from `resource_version` on. `ended` is called once: with no error when the server
    /// ended it as watches end, OUT_OF_RANGE when the version is too old (410), else the failure.
    Watch watch(const Resource& resource, Query query, const std::string& resource_version,
                std::function<void(WatchEvent)> event, std::function<void(Result<>)> ended);

    const Reachability& reachability() const;
    void set_observer(std::function<void(const CallReport&)> observer);
    boost::asio::io_context& domain();

  private:
    class Impl;
    explicit Client(std::shared_ptr<Impl> impl);
    /// Shared with what is posted and with timers, which hold it weakly.
    std::shared_ptr<Impl> impl_;
};

/// Of a watch's error or an answer's status: 404 NOT_FOUND, 409 ABORTED or ALREADY_EXISTS (by
/// reason), 410 OUT_OF_RANGE, 422 INVALID_ARGUMENT, 429 RESOURCE_EXHAUSTED, 5xx UNAVAILABLE, ...
Code code_of_status(int status, std::string_view reason);

}  // namespace knd::kube
