// SPDX-License-Identifier: Apache-2.0
#include "host/claims/synchronizer.hpp"

#include <algorithm>
#include <chrono>
#include <set>
#include <utility>

#include "host/model/log.hpp"

namespace knd {
namespace {

/// From a question that nobody answered to the next one.
constexpr auto kAskAgain = std::chrono::seconds(5);

}  // namespace

void Synchronizer::synchronize(const std::vector<PodSandbox>& pods,
                               const std::vector<Container>& containers) {
    const auto live = live_ones(pods);
    sandboxes_.begin_synchronize();
    leave_dead_sandboxes(live);
    Running running;
    for (const auto& container : containers)
        if (container.running) running[container.sandbox_id].push_back(container);
    auto newest = newest_of_each(pods, live);
    for (const auto& pod : newest)
        sandboxes_.take_up(pod, running[pod.id]);
    std::set<std::string> ids;
    for (const auto& [id, pod] : live)
        ids.insert(id);
    sandboxes_.sweep_markers(ids);
    look_up_others(std::move(newest), std::move(running));
}

void Synchronizer::forget(const std::string& sandbox_id) {
    std::erase_if(unseen_, [&](const PodSandbox& unseen) { return unseen.id == sandbox_id; });
}

/// A runtime lists sandboxes that have ended too, until the kubelet removes them (seen with
/// containerd 2.1), in any order.
Synchronizer::Live Synchronizer::live_ones(const std::vector<PodSandbox>& pods) const {
    Live live;
    for (const auto& pod : pods)
        if (!sandboxes_.admission().has_ended(pod)) live[pod.id] = &pod;
    return live;
}

/// A sandbox that has the device keeps it; otherwise the newest of the pod, which is the last.
std::vector<PodSandbox> Synchronizer::newest_of_each(const std::vector<PodSandbox>& pods,
                                                     const Live& live) {
    std::map<std::string, const PodSandbox*> by_uid;
    const auto has_device = [this](const PodSandbox& pod) {
        const auto bindings = sandboxes_.bindings_of(pod);
        return std::any_of(bindings.begin(), bindings.end(),
                           [&](const Binding* b) { return b->is_target(pod.id); });
    };
    for (const auto& pod : pods) {
        if (!live.contains(pod.id)) continue;
        auto& chosen = by_uid[pod.uid];
        if (chosen == nullptr || !has_device(*chosen)) chosen = &pod;
    }
    std::vector<PodSandbox> newest;
    for (const auto& [uid, pod] : by_uid)
        newest.push_back(*pod);
    return newest;
}

void Synchronizer::leave_dead_sandboxes(const Live& live) {
    for (auto* binding : bindings_.all()) {
        if (!binding->target) continue;
        const auto& target = *binding->target;
        if (live.contains(target.id) &&
            !(binding->has_place() && sandboxes_.admission().has_ended(target)))
            continue;
        log::info("sandbox is gone; its device returns", {{"pod", target.text()},
                                                          {"claim", binding->record.claim.text()},
                                                          {"device", binding->record.device.name}});
        sandboxes_.leave(std::string(target.id));
    }
}

/// A pod that shares a claim may have come while nobody listened.
void Synchronizer::look_up_others(std::vector<PodSandbox> pods, Running running) {
    std::erase_if(pods, [&](const PodSandbox& pod) { return !consumers_.must_ask(pod); });
    unseen_ = std::move(pods);
    unseen_again_.cancel();
    const auto round = ++unseen_round_;
    if (unseen_.empty()) return;
    consumers_.look_up(unseen_, [this, round, asked = unseen_, running](const Result<void>& known) {
        if (round != unseen_round_) return;  // another list has come
        for (const auto& pod : asked) {
            if (!is_unseen(pod.id)) continue;  // stopped
            const auto containers = running.find(pod.id);
            sandboxes_.take_up(
                pod, containers == running.end() ? std::vector<Container>() : containers->second);
        }
        if (known) return unseen_.clear();
        log::warn("pods may have come unseen; will ask again",
                  {{"error", known.error().message()}});
        unseen_again_.expires_after(kAskAgain);
        unseen_again_.async_wait([this, alive = std::weak_ptr(alive_),
                                  running](const boost::system::error_code& cancelled) {
            if (!cancelled && !alive.expired()) look_up_others(unseen_, running);
        });
    });
}

bool Synchronizer::is_unseen(const std::string& sandbox_id) const {
    return std::any_of(unseen_.begin(), unseen_.end(),
                       [&](const PodSandbox& pod) { return pod.id == sandbox_id; });
}

}  // namespace knd
