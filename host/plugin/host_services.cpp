// SPDX-License-Identifier: Apache-2.0
#include "host/plugin/host_services.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <boost/asio/post.hpp>
#include <utility>

#include "host/model/log.hpp"
#include "host/plugin/call.hpp"
#include "host/plugin/names.hpp"

#include <knd/cpp/abi.hpp>

namespace knd::plugin {
namespace {

HostServices& self_of(const knd_host* host) {
    return *static_cast<HostServices*>(host->host_data);
}

log::Level to_level(std::int32_t level) {
    switch (level) {
        case KND_LOG_DEBUG:
            return log::Level::kDebug;
        case KND_LOG_INFO:
            return log::Level::kInfo;
        case KND_LOG_WARN:
            return log::Level::kWarn;
        default:
            return log::Level::kError;
    }
}

}  // namespace

HostServices::HostServices(boost::asio::io_context& io, Names names,
                           std::chrono::milliseconds coalesce)
    : io_(io), names_(std::move(names)), coalesce_(coalesce), devices_(io), health_(io) {
    face_.size = sizeof face_;
    face_.log = [](const knd_host* host, std::int32_t level, const char* message) noexcept {
        self_of(host).log(level, message);
    };
    face_.extension = [](const knd_host* host, const char* id) noexcept {
        return self_of(host).extension(id);
    };
    face_.host_data = this;
    face_.instance = names_.instance.c_str();
    face_.driver = names_.driver.c_str();
    face_.node = names_.node.c_str();
    fill_events_and_poll();
    fill_report();
}

void HostServices::fill_events_and_poll() {
    events_table_.size = sizeof events_table_;
    events_table_.devices_changed = [](const knd_host* host) noexcept {
        self_of(host).note(self_of(host).devices_);
    };
    events_table_.health_changed = [](const knd_host* host) noexcept {
        self_of(host).note(self_of(host).health_);
    };
    poll_table_.size = sizeof poll_table_;
    poll_table_.watch = [](const knd_host* host, std::int32_t fd, knd_error* err) noexcept {
        const auto result = self_of(host).watch(fd);
        if (result.ok()) return static_cast<knd_status>(KND_OK);
        fill_error(err, result.error().message(), result.error().os_error());
        return to_status(result.code());
    };
    poll_table_.unwatch = [](const knd_host* host, std::int32_t fd) noexcept {
        self_of(host).unwatch(fd);
    };
}

void HostServices::fill_report() {
    report_table_.size = sizeof report_table_;
    report_table_.event = [](const knd_host* host, const char* claim_uid, std::int32_t warning,
                             const char* reason, const char* message) noexcept {
        return to_status(self_of(host).report_event(claim_uid, warning, reason, message).code());
    };
    report_table_.metric = [](const knd_host* host, std::int32_t kind, const char* name,
                              const char* device, double value) noexcept {
        return to_status(
            self_of(host).reports_.metric(kind, view(name), view(device), value).code());
    };
}

void HostServices::connect(Callbacks callbacks) {
    callbacks_ = std::move(callbacks);
}

void HostServices::disconnect() {
    callbacks_ = {};
    devices_.gathered.cancel();
    health_.gathered.cancel();
    descriptors_.clear();
    const std::lock_guard lock(mutex_);
    tokens_.clear();
}

void HostServices::log(std::int32_t level, const char* message) const {
    const auto text = printable(message != nullptr ? message : "");
    const auto* call = current_call();
    if (call == nullptr) {
        log::write(to_level(level), text, {{"backend", names_.instance}});
    } else if (call->device().empty()) {
        log::write(to_level(level), text, {{"backend", names_.instance}, {"call", call->id()}});
    } else {
        log::write(
            to_level(level), text,
            {{"backend", names_.instance}, {"call", call->id()}, {"device", call->device()}});
    }
}

const void* HostServices::extension(const char* id) const {
    const std::string_view wanted(id != nullptr ? id : "");
    if (wanted == KND_HOST_EVENTS) return &events_table_;
    if (wanted == KND_HOST_POLL) return &poll_table_;
    if (wanted == KND_HOST_REPORT) return &report_table_;
    return nullptr;
}

void HostServices::note(Trigger& trigger) {
    ++trigger.count;
    // One post in flight is enough, however often a backend calls.
    if (trigger.posted.exchange(true)) return;
    boost::asio::post(io_, [self = shared_from_this(), &trigger] {
        trigger.posted = false;
        self->fire_soon(trigger);
    });
}

void HostServices::fire_soon(Trigger& trigger) {
    if (std::exchange(trigger.gathering, true)) return;
    trigger.gathered.expires_after(coalesce_);
    trigger.gathered.async_wait([weak = weak_from_this(), &trigger](const auto& ec) {
        const auto self = weak.lock();
        if (!self) return;
        trigger.gathering = false;
        const auto& callbacks = self->callbacks_;
        const auto& fire =
            &trigger == &self->devices_ ? callbacks.devices_changed : callbacks.health_changed;
        if (!ec && fire) fire();
    });
}

Result<void> HostServices::report_event(const char* claim_uid, std::int32_t warning,
                                        const char* reason, const char* message) {
    KND_TRY_ASSIGN(auto event,
                   reports_.event(view(claim_uid), warning, view(reason), view(message)));
    boost::asio::post(io_, [self = shared_from_this(), event = std::move(event)] {
        if (self->callbacks_.event) self->callbacks_.event(event);
    });
    return {};
}

Result<void> HostServices::watch(int fd) {
    struct stat info {};
    if (::fstat(fd, &info) != 0) return Error::from_errno("watch", errno);
    if (S_ISREG(info.st_mode) || S_ISDIR(info.st_mode)) {
        return Error(Code::kInvalidArgument, "watch: a file is always readable");
    }
    // Its own number, so that a backend that closes without unwatch() can not make this host watch
    // whatever is opened next under the old one.
    Fd copy(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
    if (!copy) return Error::from_errno("watch", errno);
    std::uint64_t token = 0;
    {
        const std::lock_guard lock(mutex_);
        if (tokens_.contains(fd)) {
            return Error(Code::kAlreadyExists, "watch: watched already");
        }
        token = next_token_++;
        tokens_[fd] = token;
    }
    boost::asio::post(io_, [self = shared_from_this(), fd, token, raw = copy.release()] {
        self->adopt(fd, token, Fd(raw));
    });
    return {};
}

void HostServices::unwatch(int fd) {
    std::uint64_t token = 0;
    {
        const std::lock_guard lock(mutex_);
        const auto found = tokens_.find(fd);
        if (found == tokens_.end()) return;
        token = found->second;
        tokens_.erase(found);
    }
    boost::asio::post(io_, [self = shared_from_this(), token] { self->descriptors_.erase(token); });
}

bool HostServices::watched(int fd, std::uint64_t token) const {
    const std::lock_guard lock(mutex_);
    const auto found = tokens_.find(fd);
    return found != tokens_.end() && found->second == token;
}

void HostServices::adopt(int fd, std::uint64_t token, Fd copy) {
    if (!watched(fd, token)) return;
    Descriptor descriptor(io_);
    boost::system::error_code ec;
    descriptor.assign(copy.get(), ec);
    if (ec) {
        log::warn("descriptor cannot be watched",
                  {{"backend", names_.instance}, {"error", ec.message()}});
        return;
    }
    [[maybe_unused]] const int owned_by_descriptor = copy.release();
    descriptors_.emplace(token, std::move(descriptor));
    wait(fd, token);
}

void HostServices::rearm(int fd, std::uint64_t token) {
    wait(fd, token);
}

void HostServices::wait(int fd, std::uint64_t token) {
    const auto found = descriptors_.find(token);
    if (found == descriptors_.end()) return;
    found->second.async_wait(
        Descriptor::wait_read, [weak = weak_from_this(), fd, token](const auto& ec) {
            const auto self = weak.lock();
            if (ec || !self || !self->callbacks_.ready || !self->watched(fd, token)) return;
            self->callbacks_.ready(fd, token);
        });
}

}  // namespace knd::plugin
