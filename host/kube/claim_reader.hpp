// SPDX-License-Identifier: Apache-2.0
//
// ClaimReader: the real ClaimSource. It reads claims for prepare, writes our part of their status,
// and tells users by events what went wrong with their claim or pod.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "host/kube/claim_status.hpp"
#include "host/kube/client.hpp"
#include "host/kube/events.hpp"
#include "host/kube/resource_api.hpp"
#include "host/model/services.hpp"

namespace knd::kube {

/// Our view of a ResourceClaim object. FAILED_PRECONDITION when its uid is not `ref.uid` or it is
/// not allocated, INVALID_ARGUMENT when the object makes no sense.
Result<Claim> parse_claim(const Json& object, const ClaimRef& ref, std::string_view driver);

/// Threads: the domain thread.
class ClaimReader final : public ClaimSource {
  public:
    struct Options {
        std::string driver;
        std::string node;
        /// A prepare has 45 s in all; a claim that cannot be read in this time fails it early
        /// enough for a clear message.
        std::chrono::milliseconds read_timeout{10'000};
    };
    ClaimReader(Client& client, ResourceApi& api, Options options);

    void get_claim(ClaimRef claim, Done<Claim> done) override;
    void publish_status(ClaimRef claim, std::vector<DeviceStatus> devices) override;
    void claim_event(const ClaimRef& claim, bool warning, std::string_view reason,
                     std::string_view message) override;
    void pod_event(const PodSandbox& pod, bool warning, std::string_view reason,
                   std::string_view message) override;

    const StatusWriter::Counters& status_counters() const { return status_.counters(); }
    const EventRecorder::Counters& event_counters() const { return events_.counters(); }

  private:
    void read(const ClaimRef& ref, const Done<Claim>& done);

    Client& client_;
    ResourceApi& api_;
    Options options_;
    StatusWriter status_;
    EventRecorder events_;
    std::shared_ptr<int> alive_;  ///< see Reflector
};

}  // namespace knd::kube
