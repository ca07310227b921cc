// SPDX-License-Identifier: Apache-2.0
//
// Metrics in the text format of Prometheus. Names and labels are here; those about backends are
// in host/daemon/backend_samples.cpp.
//
// Metrics: knd_dra_requests_total{method,status}, knd_dra_request_seconds{method},
//          knd_nri_requests_total{method,status}, knd_nri_request_seconds{method},
//          knd_api_requests_total{method,resource,status}, knd_api_request_seconds{method},
//          knd_devices{state}, knd_device_health{health}, knd_claims{state},
//          knd_backend_up{backend}, knd_ready{part}, knd_slice_writes_total{operation},
//          knd_build_info{version}
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace knd::ops {

/// Threads: any; the domain thread in practice.
/// A number that somebody else keeps, as it is at the moment of a scrape.
struct Sample {
    std::string name;
    std::string help;
    bool is_counter = false;  ///< else a gauge
    std::map<std::string, std::string> labels;
    double value = 0;
};

class Metrics {
  public:
    Metrics();
    ~Metrics();
    Metrics(const Metrics&) = delete;
    Metrics& operator=(const Metrics&) = delete;

    using Seconds = std::chrono::duration<double>;
    void dra_request(std::string_view method, std::string_view status, Seconds took);
    void nri_request(std::string_view method, std::string_view status, Seconds took);
    void api_request(std::string_view method, std::string_view resource, int status, Seconds took);

    /// Levels, set when they are scraped.
    void set_devices(std::string_view state, double count);
    void set_device_health(std::string_view health, double count);
    void set_claims(std::string_view state, double count);
    void set_backend_up(std::string_view backend, bool up);
    void set_ready(std::string_view part, bool ready);
    /// A counter that somebody else keeps.
    void set_slice_writes(std::string_view operation, double total);

    /// With `samples` of families that this one does not have: a sample of one of its own names, or
    /// of another kind than the first of its name, is left out.
    std::string text(const std::vector<Sample>& samples = {}) const;

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace knd::ops
