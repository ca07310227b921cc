// SPDX-License-Identifier: Apache-2.0
//
// FakeApiServer: a small Kubernetes API server over plain HTTP on loopback, with the behaviour that
// clients depend on (versions, conflicts, preconditions, generated names, pages, watches,
// bookmarks, server-side apply of status) and with faults on request. Threads: any; each connection
// has one.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "host/model/json.hpp"

namespace knd::fakes {

class FakeApiServer {
  public:
    struct Request {
        std::string method;
        std::string path;   ///< without the query
        std::string query;  ///< decoded
        std::string content_type;
        std::string authorization;
        std::string user_agent;
        Json body;
        /// What a watch that starts with this request has still to come.
        std::uint64_t watch_round = 0;
        std::uint64_t bookmark_round = 0;
    };
    /// What happens to requests whose method and path fit, `times` times.
    struct Fault {
        std::string method;  ///< empty: any
        std::string path_prefix;
        int status = 0;  ///< 0: none; the request goes on after `delay`
        std::string reason = "InternalError";
        std::string message = "injected";
        int retry_after_s = -1;
        std::chrono::milliseconds delay{0};
        bool hang_up = false;       ///< close the connection instead of answering
        bool after_effect = false;  ///< carry the request out, then fail
        int times = 1;
        /// Answered as it is instead of a Status object, as a proxy does.
        std::optional<std::string> text = {};
    };

    FakeApiServer();
    ~FakeApiServer();

    std::string url() const;

    /// Acts as another client. `path` is a collection; returns the stored object.
    Json put(const std::string& collection, Json object);
    /// Replaces an object as another client would, whatever its version is.
    void replace(const std::string& path, const std::function<void(Json&)>& change);
    void erase(const std::string& path);
    void erase_all(const std::string& collection);

    std::vector<Json> objects(const std::string& collection) const;
    std::vector<Request> requests() const;
    /// Requests of a method, "" for all, whose path starts so.
    std::size_t count(const std::string& method, const std::string& path_prefix = "") const;
    void forget_requests();

    void inject(Fault fault);
    /// Called on every object before it is stored: drops what a feature gate would.
    void set_admission(std::function<void(const std::string& collection, Json&)> admission);
    /// Called on every object that a client creates or replaces, with what it replaces (or null):
    /// changes it as a server would, or says why it is refused (422).
    using Judge =
        std::function<std::string(const std::string& collection, const Json& before, Json& object)>;
    void set_judge(Judge judge);
    void serve_versions(std::set<std::string> versions);
    /// "36" and "1"; what /version tells.
    void set_release(const std::string& minor, const std::string& patch);
    void accept_token(std::string token);  ///< empty: no token is needed
    void send_bookmarks();
    void end_watches();
    /// Watches get an ERROR 410, and older versions are not served any more.
    void expire_history();
    void expire_continue_tokens();
    /// Everything as it was at a copy. As etcd does it when it is restored without a bump of its
    /// revision: a watch that knows later versions waits until they come round again.
    struct Copy {
        std::map<std::string, Json> objects;
        std::int64_t version = 0;
    };
    Copy copy() const;
    void restore(const Copy& copy);
    /// Watches stay open and say nothing.
    void stall_watches(bool stalled);
    /// Connections are closed and new ones refused, until resume().
    void go_away();
    void resume();

  private:
    struct Event {
        std::int64_t version;
        std::string type;
        std::string collection;
        Json object;
    };
    struct Reply {
        int status = 200;
        Json body;
        int retry_after_s = -1;
        bool hang_up = false;
        std::optional<std::string> text = {};  ///< instead of `body`
    };
    struct Connection;

    void listen();
    void accept_loop();
    void serve(const std::shared_ptr<Connection>& connection);
    Reply handle(Request& request);
    Reply dispatch(const Request& request);
    bool take_fault(const Request& request, Fault& fault);
    bool serves(const std::string& path) const;
    Reply discovery(const std::string& path) const;
    Reply list(const Request& request, const std::string& collection);
    Reply create(const Request& request, const std::string& collection);
    Reply update(const Request& request, const std::string& path);
    Reply patch(const Request& request, const std::string& path, const std::string& subresource);
    Reply remove(const Request& request, const std::string& path);
    void watch(const Request& request, const std::shared_ptr<Connection>& connection);
    void store(const std::string& collection, Json& object, const std::string& type);
    Json bookmark() const;

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::map<std::string, Json> objects_;  ///< by path
    std::vector<Event> history_;
    std::vector<Request> requests_;
    std::list<Fault> faults_;
    std::function<void(const std::string&, Json&)> admission_;
    Judge judge_;
    std::set<std::string> versions_{"v1", "v1beta2", "v1beta1"};
    std::string minor_ = "36";
    std::string git_version_ = "v1.36.0";
    std::string token_;
    std::int64_t version_ = 100;
    std::int64_t oldest_ = 0;        ///< watches from before get a 410
    std::uint64_t watch_round_ = 0;  ///< watches of earlier rounds end
    std::uint64_t bookmark_round_ = 0;
    std::int64_t page_round_ = 0;
    bool stalled_ = false;
    bool stopping_ = false;

    boost::asio::io_context io_;
    boost::asio::ip::tcp::acceptor acceptor_;
    std::uint16_t port_ = 0;
    std::thread accept_thread_;
    std::list<std::shared_ptr<Connection>> connections_;
};

}  // namespace knd::fakes
