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
    std::map<std::string, Error> faults;  ///< of single claims
    bool silent = false;                  ///< get_claim does not answer before `speak`
    int gets = 0;
    std::vector<std::string> events;  ///< "Warning PrepareFailed default/c: text"
    std::map<std::string, std::vector<DeviceStatus>> statuses;  ///< by "namespace/name"

    void get_claim(ClaimRef claim, Done<Claim> done) override {
        ++gets;
        if (silent) return held_back_.push_back({std::move(claim), std::move(done)});
        boost::asio::post(home_, [this, claim = std::move(claim), done = std::move(done)] {
            if (fault) return done(*fault);
            if (const auto own = faults.find(claim.text()); own != faults.end())
                return done(own->second);
            const auto found = claims.find(claim.text());
            if (found == claims.end())
                return done(Error(Code::kNotFound, "there is no such claim"));
            if (found->second.ref.uid != claim.uid)
                return done(Error(Code::kFailedPrecondition, "it was replaced"));
            done(found->second);
        });
    }
    void speak() {
        silent = false;
        for (auto& [claim, done] : std::exchange(held_back_, {})) {
            --gets;
            get_claim(std::move(claim), std::move(done));
        }
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
    std::vector<std::pair<ClaimRef, Done<Claim>>> held_back_;
};

}  // namespace knd::fake
