// SPDX-License-Identifier: Apache-2.0
//
// Publisher: keeps the ResourceSlices of this node equal to what the inventory says. It is told the
// whole desired state, watches what the API server holds, and writes the difference; nothing when
// there is none, as after an unchanged restart. Slices outlive the daemon on purpose: the kubelet
// removes them when nobody has come back within 30 s.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "host/dra/slice.hpp"
#include "host/kube/client.hpp"
#include "host/kube/resource_api.hpp"
#include "host/model/device.hpp"

namespace knd::dra {

/// Threads: the domain thread.
/// Failure: kept per pool (state().pools) and retried with backoff; the latest desired state wins.
class Publisher {
  public:
    struct Options {
        std::string driver;
        std::string node;
        /// From a change that we did not make (a human, the kubelet's wipe at its start) to its
        /// repair. Doubled up to 30 s while somebody keeps undoing ours.
        std::chrono::milliseconds repair_delay{1'000};
        /// Between two writes of one pool: a flapping link must not flood every scheduler.
        std::chrono::milliseconds write_interval{2'000};
        /// From the end of a watch by a failure to a list of all that is there, up to twice this
        /// time. What failed may have been an API server whose etcd is restored from a copy: the
        /// watch would wait, without a word, until the versions that it knows come round again.
        std::chrono::milliseconds relist_delay{30'000};
        std::size_t parallel_writes = 8;
    };
    struct PoolState {
        std::size_t devices = 0;
        std::size_t slices = 0;
        std::int64_t generation = 0;
        bool published = false;  ///< the server holds what is desired
        std::string error;       ///< why not, in words
        std::string dropped;     ///< what the server refuses to store
    };
    struct State {
        bool published = false;  ///< every pool is, and there was a first publish()
        std::string error;       ///< what keeps all of them waiting: API, node, list
        std::map<std::string, PoolState> pools;
        /// What the API server keeps. Found out when a device needs it; until then, everything.
        SliceFeatures features;
        std::string dropped;  ///< what it does not keep although devices need it, in words
        std::uint64_t creates = 0, updates = 0, deletes = 0, failures = 0, repairs = 0;
    };

    Publisher(kube::Client& client, kube::ResourceApi& api, Options options);
    ~Publisher();
    Publisher(const Publisher&) = delete;
    Publisher& operator=(const Publisher&) = delete;

    /// Starts to read node and slices; nothing is written before the first publish().
    void start();
    void stop();
    /// Pool name -> its devices in order of preference, and their counters. A pool that is missing
    /// is removed, one that is empty is published as empty.
    void publish(const std::map<std::string, DeviceListing>& pools);

    const State& state() const;
    /// Called after each change of state().
    void set_observer(std::function<void(const State&)> observer);

    /// Called when state().features is found out or changes, before anything is written that goes
    /// by it. Who is called publishes again, perhaps other devices.
    void set_features_observer(std::function<void(const SliceFeatures&)> observer);

  private:
    class Impl;
    /// Shared with requests in flight, which hold it weakly.
    std::shared_ptr<Impl> impl_;
};

}  // namespace knd::dra
