// SPDX-License-Identifier: Apache-2.0
#include "host/ops/metrics.hpp"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/metric_family.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace knd::ops {
namespace {

using Labels = std::map<std::string, std::string>;

/// From 50 us, a hook without work, to 45 s, the kubelet's deadline.
const prometheus::Histogram::BucketBoundaries& buckets() {
    static const prometheus::Histogram::BucketBoundaries kBuckets = {
        0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
        0.1,     0.25,   0.5,     1,      1.5,   2,      5,     15,   45};
    return kBuckets;
}

prometheus::ClientMetric metric_of(const Sample& sample) {
    prometheus::ClientMetric metric;
    for (const auto& [name, value] : sample.labels)
        metric.label.push_back({name, value});
    if (sample.is_counter) {
        metric.counter.value = sample.value;
    } else {
        metric.gauge.value = sample.value;
    }
    return metric;
}

std::vector<prometheus::MetricFamily> families_of(const std::vector<Sample>& samples) {
    std::map<std::string, prometheus::MetricFamily> families;
    for (const auto& sample : samples) {
        const auto type =
            sample.is_counter ? prometheus::MetricType::Counter : prometheus::MetricType::Gauge;
        const auto [family, is_new] = families.try_emplace(sample.name);
        if (is_new) {
            family->second.name = sample.name;
            family->second.help = sample.help;
            family->second.type = type;
        }
        if (family->second.type == type) family->second.metric.push_back(metric_of(sample));
    }
    std::vector<prometheus::MetricFamily> result;
    for (auto& [name, family] : families)
        result.push_back(std::move(family));
    return result;
}

}  // namespace

class Metrics::Impl {
  public:
    prometheus::Family<prometheus::Counter>& counter(const char* name, const char* help) {
        return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
    }
    prometheus::Family<prometheus::Gauge>& gauge(const char* name, const char* help) {
        return prometheus::BuildGauge().Name(name).Help(help).Register(registry);
    }
    prometheus::Family<prometheus::Histogram>& histogram(const char* name, const char* help) {
        return prometheus::BuildHistogram().Name(name).Help(help).Register(registry);
    }

    prometheus::Registry registry;
    prometheus::Family<prometheus::Counter>& dra =
        counter("knd_dra_requests_total", "Claims that the kubelet asked to prepare or unprepare");
    prometheus::Family<prometheus::Histogram>& dra_seconds =
        histogram("knd_dra_request_seconds", "Time to answer the kubelet");
    prometheus::Family<prometheus::Counter>& nri =
        counter("knd_nri_requests_total", "Hooks of the container runtime");
    prometheus::Family<prometheus::Histogram>& nri_seconds =
        histogram("knd_nri_request_seconds", "Time to answer a hook; the runtime waits");
    prometheus::Family<prometheus::Counter>& api =
        counter("knd_api_requests_total", "Requests to the API server");
    prometheus::Family<prometheus::Histogram>& api_seconds =
        histogram("knd_api_request_seconds", "Time until the API server answered");
    prometheus::Family<prometheus::Gauge>& devices =
        gauge("knd_devices", "Devices by state: offered, withheld, held");
    prometheus::Family<prometheus::Gauge>& device_health =
        gauge("knd_device_health", "Devices whose backends tell their health, by what they tell");
    prometheus::Family<prometheus::Gauge>& claims =
        gauge("knd_claims", "Devices in the hands of claims, by state");
    prometheus::Family<prometheus::Gauge>& backends =
        gauge("knd_backend_up", "1 when the backend serves");
    prometheus::Family<prometheus::Gauge>& ready =
        gauge("knd_ready", "1 when this part is ready: kubelet, runtime, api, published");
    prometheus::Family<prometheus::Counter>& slices =
        counter("knd_slice_writes_total", "ResourceSlices written: create, update, delete, repair");
};

Metrics::Metrics() : impl_(std::make_unique<Impl>()) {
    impl_->gauge("knd_build_info", "Always 1").Add({{"version", KND_VERSION}}).Set(1);
}
Metrics::~Metrics() = default;

void Metrics::dra_request(std::string_view method, std::string_view status, Seconds took) {
    const std::string name(method);
    impl_->dra.Add({{"method", name}, {"status", std::string(status)}}).Increment();
    impl_->dra_seconds.Add({{"method", name}}, buckets()).Observe(took.count());
}

void Metrics::nri_request(std::string_view method, std::string_view status, Seconds took) {
    const std::string name(method);
    impl_->nri.Add({{"method", name}, {"status", std::string(status)}}).Increment();
    impl_->nri_seconds.Add({{"method", name}}, buckets()).Observe(took.count());
}

void Metrics::api_request(std::string_view method, std::string_view resource, int status,
                          Seconds took) {
    const std::string name(method);
    impl_->api
        .Add({{"method", name},
              {"resource", std::string(resource)},
              {"status", status == 0 ? "none" : std::to_string(status)}})
        .Increment();
    impl_->api_seconds.Add({{"method", name}}, buckets()).Observe(took.count());
}

void Metrics::set_devices(std::string_view state, double count) {
    impl_->devices.Add({{"state", std::string(state)}}).Set(count);
}

void Metrics::set_device_health(std::string_view health, double count) {
    impl_->device_health.Add({{"health", std::string(health)}}).Set(count);
}

void Metrics::set_claims(std::string_view state, double count) {
    impl_->claims.Add({{"state", std::string(state)}}).Set(count);
}

void Metrics::set_backend_up(std::string_view backend, bool up) {
    impl_->backends.Add({{"backend", std::string(backend)}}).Set(up ? 1 : 0);
}

void Metrics::set_ready(std::string_view part, bool ready) {
    impl_->ready.Add({{"part", std::string(part)}}).Set(ready ? 1 : 0);
}

void Metrics::set_slice_writes(std::string_view operation, double total) {
    auto& counter = impl_->slices.Add({{"operation", std::string(operation)}});
    counter.Increment(std::max(0.0, total - counter.Value()));
}

std::string Metrics::text(const std::vector<Sample>& samples) const {
    auto families = impl_->registry.Collect();
    std::set<std::string> own;
    for (const auto& family : families)
        own.insert(family.name);
    for (const auto& family : families_of(samples)) {
        if (!own.contains(family.name)) families.push_back(family);
    }
    return prometheus::TextSerializer().Serialize(families);
}

}  // namespace knd::ops
