// SPDX-License-Identifier: Apache-2.0
#include "host/dra/feature_watch.hpp"

namespace knd::dra {
namespace {

constexpr int kMaxAttempts = 4;

std::string missing_features(const ProbeAnswer& answer, const FeatureNeeds& needs) {
    if (!answer.refused.empty())
        return "the API server cannot be asked by a dry run whether it keeps counters, consumable "
               "capacity, taints and lists, so all of them are left out: " +
               answer.refused;
    std::string missing;
    const auto add = [&](bool kept, const char* what) {
        if (!kept) missing += (missing.empty() ? "" : ", ") + std::string(what);
    };
    add(answer.features.counters, "counters (DRAPartitionableDevices)");
    add(answer.features.consumable, "consumable capacity (DRAConsumableCapacity)");
    add(answer.features.taints, "taints (DRADeviceTaints)");
    add(answer.features.lists || !needs.lists, "list attributes (DRAListTypeAttributes)");
    if (missing.empty()) return "";
    return "the API server does not keep " + missing +
           "; devices are published without, or withheld";
}

}  // namespace

void FeatureWatch::need(const std::map<std::string, DeviceListing>& pools) {
    needs_ = {};
    for (const auto& [name, listing] : pools) {
        const auto needs = feature_needs(listing);
        needs_.any = needs_.any || needs.any;
        needs_.lists = needs_.lists || needs.lists;
    }
    if (!known()) ask();
}

void FeatureWatch::set_api_version(std::string version) {
    if (version == api_version_) return;
    api_version_ = std::move(version);
    asked_ = lists_asked_ = false;
    if (!known()) ask();
}

void FeatureWatch::stop() {
    alive_ = std::make_shared<int>(0);
    timer_.cancel();
    asking_ = asked_ = lists_asked_ = false;
    api_version_.clear();
}

void FeatureWatch::check_release() {
    if (!needs_.any || !asked_) return;
    probe_.ask_version([this, weak = std::weak_ptr(alive_)](const Result<std::string>& version) {
        if (!weak.expired() && version && *version != git_version_) ask();
    });
}

void FeatureWatch::ask_again() {
    if (needs_.any && asked_) ask();
}

void FeatureWatch::ask() {
    if (api_version_.empty() || std::exchange(asking_, true)) return;
    probe_.ask(api_version_, needs_.lists,
               [this, weak = std::weak_ptr(alive_)](Result<ProbeAnswer> answer) {
                   if (weak.expired()) return;
                   if (!answer) return failed(answer.error());
                   take(*std::move(answer));
               });
}

void FeatureWatch::failed(const Error& error) {
    if (++attempts_ == kMaxAttempts) {
        ProbeAnswer none;
        none.features = {false, false, false, false};
        none.refused = error.message();
        return take(std::move(none));
    }
    timer_.expires_after(backoff_.next());
    timer_.async_wait([this, weak = std::weak_ptr(alive_)](const boost::system::error_code& ec) {
        if (ec || weak.expired()) return;
        asking_ = false;
        ask();
    });
}

void FeatureWatch::take(ProbeAnswer answer) {
    asking_ = false;
    attempts_ = 0;
    backoff_.reset();
    const bool lists_asked = answer.lists_tried || !answer.refused.empty();
    if (!lists_asked) answer.features.lists = true;  // nobody has any
    const bool changed =
        !asked_ || lists_asked != lists_asked_ || rules_.features != answer.features;
    asked_ = true;
    lists_asked_ = lists_asked;
    rules_ = {answer.features, answer.together};
    git_version_ = answer.git_version;
    answered_({changed, missing_features(answer, needs_)});
    if (!known()) ask();
}

}  // namespace knd::dra
