// SPDX-License-Identifier: Apache-2.0
//
// FakeClaimSource: an API server with nothing but claims, and a memory for events and status.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/post.hpp>

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "host/model/services.hpp"

namespace knd::fake {

class FakeClaimSource final : public ClaimSource {
  public:
    explicit FakeClaimSource(boost::asio::any_io_executor home) : home_(std::move(home)) {}

    std::map<std::string, Claim> claims;  ///< by "namespace/name"
    std::optional<Error> fault;
    int gets = 0;
    std::vector<std::string> events;  ///< "Warning PrepareFailed default/c: text"
    std::map<std::string, std::vector<DeviceStatus>> statuses;  ///< by "namespace/name"

    void get_claim(ClaimRef claim, Done<Claim> done) override {
        ++gets;
        boost::asio::post(home_, [this, claim = std::move(claim), done = std::move(done)] {
            if (fault) return done(*fault);
            const auto found = claims.find(claim.text());
            if (found == claims.end())
                return done(Error(Code::kNotFound, "there is no such claim"));
            if (found->second.ref.uid != claim.uid)
                return done(Error(Code::kFailedPrecondition, "it was replaced"));
            done(found->second);
        });
    }
    void publish_status(ClaimRef claim, std::vector<DeviceStatus> devices) override {
        statuses[claim.text()] = std::move(devices);
    }
    void claim_event(const ClaimRef& claim, bool warning, std::string_view reason,
                     std::string_view message) override {
        note(warning, reason, claim.text(), message);
    }
    void pod_event(const PodSandbox& pod, bool warning, std::string_view reason,
                   std::string_view message) override {
        note(warning, reason, "pod " + pod.text(), message);
    }

  private:
    void note(bool warning, std::string_view reason, const std::string& object,
              std::string_view message) {
        events.push_back(std::string(warning ? "Warning " : "Normal ") + std::string(reason) + " " +
                         object + ": " + std::string(message));
    }

    boost::asio::any_io_executor home_;
};

}  // namespace knd::fake
