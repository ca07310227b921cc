// SPDX-License-Identifier: Apache-2.0
//
// Reflector: list, then watch, for ever. It hides what goes wrong with watches (they end, stall,
// expire, and miss deletes while they are down) and reports a consistent history: each object that
// appears is reported as changed, each that vanishes as deleted, also when the delete was only
// noticed by listing again. It remembers which objects exist, not their content; what is worth
// keeping of an object only its consumer knows.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "host/kube/backoff.hpp"
#include "host/kube/client.hpp"

namespace knd::kube {

/// Threads: the domain thread. Handlers may call stop() but not destroy the Reflector.
class Reflector {
  public:
    struct Handlers {
        std::function<void(const Json& object)> changed;
        /// `key` is "namespace/name", or "name" for cluster-scoped objects.
        std::function<void(const std::string& key, const std::string& uid)> deleted;
        /// After every complete list.
        std::function<void()> synced;
        /// May be empty. A list or watch has failed and will be tried again.
        std::function<void(const Error&)> failed;
    };
    struct Counters {
        std::uint64_t lists = 0;
        std::uint64_t watches = 0;
        std::uint64_t failures = 0;
    };

    Reflector(Client& client, Resource resource, Query query, Handlers handlers);
    ~Reflector();
    Reflector(const Reflector&) = delete;
    Reflector& operator=(const Reflector&) = delete;

    void start();
    void stop();
    /// Lists again at once. `from_store`: not from the server's cache, which may be behind.
    void relist(bool from_store);
    bool synced() const { return synced_; }
    const Counters& counters() const { return counters_; }

  private:
    struct Known {
        std::string uid;
        std::uint64_t round = 0;  ///< the list that saw it last
    };

    void list();
    void take_list(List list);
    void note_changed(const Json& object);
    void watch();
    void take_event(const WatchEvent& event);
    void watch_ended(const Result<>& result);
    void retry(bool from_list, const Error& error);
    void wait_then(std::function<void()> next);

    Client& client_;
    const Resource resource_;
    const Query query_;
    const Handlers handlers_;
    boost::asio::steady_timer timer_;
    Backoff backoff_;
    Watch watch_;
    std::chrono::steady_clock::time_point watch_started_{};
    std::map<std::string, Known> known_;
    std::string version_;
    std::uint64_t round_ = 0;
    bool synced_ = false;
    bool failing_ = false;
    bool from_cache_ = true;  ///< resourceVersion=0 is good enough for the next list
    Counters counters_;
    /// Set while it runs. Callbacks of the client hold it weakly and do nothing once it is gone.
    std::shared_ptr<int> alive_;
};

/// "namespace/name" or "name".
std::string object_key(const Json& object);

}  // namespace knd::kube
