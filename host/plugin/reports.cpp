// SPDX-License-Identifier: Apache-2.0
#include "host/plugin/reports.hpp"

#include <algorithm>
#include <cmath>

#include "host/plugin/names.hpp"

#include <knd/cpp/abi.hpp>

#include <knd/host/report.h>

namespace knd::plugin {
namespace {

Error invalid(std::string text) {
    return {Code::kInvalidArgument, std::move(text)};
}

bool is_alnum(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_reason(std::string_view text) {
    constexpr std::size_t kMaxEventReason = 64;
    return !text.empty() && text.size() <= kMaxEventReason && text[0] >= 'A' && text[0] <= 'Z' &&
           std::all_of(text.begin(), text.end(), is_alnum);
}

bool is_metric_name(std::string_view text) {
    constexpr std::size_t kMaxName = 64;
    return is_c_identifier(text) && text.size() <= kMaxName &&
           std::none_of(text.begin(), text.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

/// What comes after "knd_backend_" in the names of the host's own.
bool is_host_metric(std::string_view name) {
    constexpr std::string_view kOwn[] = {"up",
                                         "calls_total",
                                         "failures_total",
                                         "retries_total",
                                         "seconds_total",
                                         "timeouts_total",
                                         "refused_devices",
                                         "unhealthy_devices",
                                         "events_total",
                                         "bugs_total",
                                         "dropped_reports_total"};
    return std::find(std::begin(kOwn), std::end(kOwn), name) != std::end(kOwn);
}

bool is_counter(std::string_view name) {
    return name.ends_with("_total");
}

}  // namespace

Result<BackendEvent> Reports::event(std::string_view claim_uid, std::int32_t warning,
                                    std::string_view reason, std::string_view message,
                                    Clock::time_point now) {
    constexpr std::size_t kMaxMessage = 1024, kMaxUid = 256;
    if (claim_uid.empty() || claim_uid.size() > kMaxUid || !is_utf8(claim_uid)) {
        return invalid("an event needs the uid of a claim");
    }
    if (warning != 0 && warning != 1) return invalid("warning must be 0 or 1");
    if (!is_reason(reason)) return invalid("reason must be CamelCase of at most 64 characters");
    if (message.empty()) return invalid("an event needs a message");
    const std::lock_guard lock(mutex_);
    while (!events_.empty() && now - events_.front() >= kEventWindow)
        events_.pop_front();
    if (events_.size() >= kMaxEvents) {
        ++dropped_;
        return Error(Code::kResourceExhausted, "ten events came in the last minute");
    }
    events_.push_back(now);
    return BackendEvent{std::string(claim_uid), warning == 1, std::string(reason),
                        std::string(cut_utf8(printable(message), kMaxMessage))};
}

Result<void> Reports::metric(std::int32_t kind, std::string_view name, std::string_view device,
                             double value) {
    if (!is_metric_name(name) || is_host_metric(name)) return invalid("no name of a metric");
    if (kind != KND_METRIC_GAUGE && kind != KND_METRIC_COUNTER) return invalid("no kind");
    if (is_counter(name) != (kind == KND_METRIC_COUNTER)) {
        return invalid("a counter's name, and no other, ends in _total");
    }
    if (!device.empty() && !is_dns_label(device)) return invalid("no name of a device");
    if (std::isinf(value) || (kind == KND_METRIC_COUNTER && value < 0)) {
        return invalid("no value of that kind");
    }
    const std::pair key{std::string(name), std::string(device)};
    const std::lock_guard lock(mutex_);
    if (std::isnan(value)) {
        metrics_.erase(key);
        return {};
    }
    if (!metrics_.contains(key) && metrics_.size() >= kMaxMetrics) {
        ++dropped_;
        return Error(Code::kResourceExhausted, "there are 1024 metrics");
    }
    metrics_[key] = value;
    return {};
}

std::vector<BackendMetric> Reports::metrics() const {
    const std::lock_guard lock(mutex_);
    std::vector<BackendMetric> all;
    for (const auto& [key, value] : metrics_) {
        all.push_back({key.first, key.second, is_counter(key.first), value});
    }
    return all;
}

}  // namespace knd::plugin
