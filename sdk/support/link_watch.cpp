// SPDX-License-Identifier: Apache-2.0
#include "sdk/support/link_watch.hpp"

namespace knd {

Result<void> LinkWatch::start() {
    KND_TRY_ASSIGN(auto monitor, LinkMonitor::open(LinkMonitor::kLinks | LinkMonitor::kAddresses));
    KND_TRY(host_.watch(monitor.fd()));
    monitor_ = std::move(monitor);
    return {};
}

void LinkWatch::stop() {
    if (!monitor_) return;
    host_.unwatch(monitor_->fd());
    monitor_.reset();
}

void LinkWatch::ensure() {
    if (monitor_) return;
    if (const auto started = start(); !started) {
        host_.error("changes of interfaces are seen only when the host lists them: " +
                    started.error().message());
    }
}

void LinkWatch::on_ready(int fd) {
    if (!monitor_ || monitor_->fd() != fd) return;  // of a socket that is closed
    const auto changes = monitor_->drain();
    if (!changes) {
        host_.error("lost events about interfaces, looking at all of them: " +
                    changes.error().message());
        stop();
    } else if (changes->empty()) {
        return;
    }
    host_.devices_changed();
}

}  // namespace knd
