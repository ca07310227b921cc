// SPDX-License-Identifier: Apache-2.0
#include "host/daemon/backend_samples.hpp"

#include <chrono>
#include <map>
#include <string>
#include <utility>

namespace knd {
namespace {

using Labels = std::map<std::string, std::string>;
using Samples = std::vector<ops::Sample>;

std::string full_name(const std::string& name) {
    return "knd_backend_" + name;
}

void add_operations(const Labels& backend, const plugin::BackendCounters& counters,
                    Samples& samples) {
    for (const auto& [operation, counted] : counters.operations) {
        auto labels = backend;
        labels["operation"] = operation;
        const auto add = [&](const char* name, const char* help, double value) {
            samples.push_back({full_name(name), help, true, labels, value});
        };
        add("calls_total", "Calls into a library that returned",
            static_cast<double>(counted.calls));
        add("failures_total", "Calls that returned an error",
            static_cast<double>(counted.failures));
        add("retries_total", "Calls made again", static_cast<double>(counted.retries));
        add("timeouts_total", "Calls that missed their deadline",
            static_cast<double>(counted.timeouts));
        add("seconds_total", "Time spent inside of a library",
            std::chrono::duration<double>(counted.time).count());
    }
}

void add_own(const Labels& backend, const plugin::BackendCounters& counters, Samples& samples) {
    for (const auto& metric : counters.metrics) {
        auto labels = backend;
        if (!metric.device.empty()) labels["device"] = metric.device;
        samples.push_back({full_name(metric.name), "Reported by a backend", metric.is_counter,
                           std::move(labels), metric.value});
    }
}

}  // namespace

Samples backend_samples(const std::vector<plugin::Registry::Counters>& all) {
    Samples samples;
    // The host's come first: a backend's of the same name and another kind is left out.
    for (const auto& [name, counters] : all) {
        const Labels backend = {{"backend", name}};
        const auto add = [&](const char* metric, const char* help, bool is_counter,
                             std::uint64_t value) {
            samples.push_back(
                {full_name(metric), help, is_counter, backend, static_cast<double>(value)});
        };
        add("refused_devices", "Devices left out of the last list", false,
            counters.refused_devices);
        add("unhealthy_devices", "Devices that are not healthy", false, counters.unhealthy_devices);
        add("events_total", "Changes reported, before coalescing", true, counters.events);
        add("dropped_reports_total", "Events and metrics above the limits", true,
            counters.dropped_reports);
        add("bugs_total", "Calls that ended in INTERNAL or UNKNOWN", true, counters.bugs);
        add("breaches_total", "Calls that left the thread or the process changed", true,
            counters.breaches);
        add_operations(backend, counters, samples);
    }
    for (const auto& [name, counters] : all)
        add_own({{"backend", name}}, counters, samples);
    return samples;
}

}  // namespace knd
