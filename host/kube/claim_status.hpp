// SPDX-License-Identifier: Apache-2.0
//
// StatusWriter: our entries of a claim's status.devices, by server-side apply under our own field
// manager, so that the entries of other drivers survive.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "host/kube/backoff.hpp"
#include "host/kube/client.hpp"
#include "host/kube/resource_api.hpp"
#include "host/model/claim.hpp"

namespace knd::kube {

/// For each claim the latest wish wins: while one write is under way, newer ones replace each
/// other.
/// Threads: the domain thread.
/// Failure: a claim that is gone or replaced is forgotten; what the server calls invalid or
/// forbidden is logged and given up; anything else is retried with backoff.
class StatusWriter {
  public:
    struct Counters {
        std::uint64_t writes = 0;
        std::uint64_t skipped = 0;  ///< nothing had changed, or the server drops the field
        std::uint64_t failures = 0;
    };

    StatusWriter(Client& client, ResourceApi& api, std::string driver);
    ~StatusWriter();

    /// An empty list takes our entries away and forgets the claim.
    void publish(ClaimRef claim, std::vector<DeviceStatus> devices);
    const Counters& counters() const { return counters_; }
    /// Whether the server was seen to drop status.devices (feature gate off).
    bool field_dropped() const { return dropped_; }

  private:
    struct Slot;  // one claim: what is wanted, what was written, whether a write is under way
    void pump(Slot& slot);
    void write(Slot& slot, const std::string& version);
    void written(Slot& slot, const Json& object);
    void failed(Slot& slot, const Error& error);
    void again_later(Slot& slot);
    void forget(const Slot& slot);
    void forget_oldest();
    bool server_drops() const;
    Slot* find(const std::string& uid);

    Client& client_;
    ResourceApi& api_;
    const std::string driver_;
    std::map<std::string, std::unique_ptr<Slot>> slots_;  ///< by claim uid
    std::uint64_t sequence_ = 0;
    bool dropped_ = false;
    std::chrono::steady_clock::time_point dropped_at_{};
    Counters counters_;
    std::shared_ptr<int> alive_;  ///< see Reflector
};

/// When a condition of a device came to have this status.
using TransitionTime = std::function<std::string(const DeviceStatus& device, std::string_view type,
                                                 std::string_view status)>;

/// The apply body.
Json status_body(std::string_view version, const ClaimRef& claim, std::string_view driver,
                 const std::vector<DeviceStatus>& devices, const TransitionTime& since);

}  // namespace knd::kube
