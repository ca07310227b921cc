// SPDX-License-Identifier: Apache-2.0
//
// FeatureWatch: keeps up to date which optional parts of ResourceSlices the API server keeps. It
// asks only when a device needs one of them, so that a start without such devices costs nothing,
// and again when the server is another release or was seen to drop something.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "host/dra/feature_probe.hpp"
#include "host/dra/slice_device.hpp"
#include "host/kube/backoff.hpp"

namespace knd::dra {

/// Threads: the domain thread.
/// Failure: a server that cannot be asked is asked again a few times, and then taken for one that
/// keeps nothing: devices do not wait for ever.
class FeatureWatch {
  public:
    struct Answer {
        bool changed = false;  ///< or known for the first time
        std::string dropped;   ///< what is not kept, in words; empty: all is
    };

    FeatureWatch(kube::Client& client, FeatureProbe::Options options,
                 std::function<void(const Answer&)> answered)
        : probe_(client, std::move(options)),
          timer_(client.domain()),
          answered_(std::move(answered)) {}

    /// What is to be published next. Asks, if that is not known and the API's version is.
    void need(const std::map<std::string, DeviceListing>& pools);
    /// Whether it is known what the server keeps of what is needed.
    bool known() const { return !needs_.any || (asked_ && (lists_asked_ || !needs_.lists)); }
    const SliceRules& rules() const { return rules_; }

    void set_api_version(std::string version);
    /// The API server may have been upgraded.
    void check_release();
    /// The server dropped something.
    void ask_again();
    void stop();

  private:
    void ask();
    void failed(const Error& error);
    void take(ProbeAnswer answer);

    FeatureProbe probe_;
    boost::asio::steady_timer timer_;
    const std::function<void(const Answer&)> answered_;
    std::string api_version_;
    FeatureNeeds needs_;
    SliceRules rules_;
    std::string git_version_;
    kube::Backoff backoff_{std::chrono::milliseconds(100), std::chrono::milliseconds(2'000)};
    int attempts_ = 0;
    bool asking_ = false;  ///< a question is under way, or timer_ runs
    bool asked_ = false;
    bool lists_asked_ = false;
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);  ///< see Reflector
};

}  // namespace knd::dra
