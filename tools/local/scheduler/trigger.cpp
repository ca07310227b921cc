// SPDX-License-Identifier: Apache-2.0
#include "tools/local/scheduler/trigger.hpp"

#include <boost/asio/post.hpp>
#include <utility>

namespace knd::local {

Result<std::unique_ptr<Trigger>> Trigger::start(boost::asio::io_context& io, api::Store& store,
                                                const std::vector<api::Resource>& resources,
                                                std::function<void()> work) {
    std::unique_ptr<Trigger> trigger(new Trigger(io, std::move(work)));
    for (const auto resource : resources) {
        auto watch = store.watch(resource, store.revision(),
                                 [self = trigger.get()](const api::Event&) { self->fire(); });
        if (!watch.ok()) return watch.error().error();
        trigger->watches_.push_back(*std::move(watch));
    }
    trigger->fire();
    return trigger;
}

Trigger::~Trigger() {
    *alive_ = false;
}

void Trigger::fire() {
    if (std::exchange(pending_, true)) return;
    boost::asio::post(io_, [this, alive = alive_] {
        if (!*alive) return;
        pending_ = false;
        work_();
    });
}

}  // namespace knd::local
