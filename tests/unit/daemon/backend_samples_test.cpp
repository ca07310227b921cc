// SPDX-License-Identifier: Apache-2.0
#include "host/daemon/backend_samples.hpp"

#include <gtest/gtest.h>

namespace knd {
namespace {

plugin::Registry::Counters tap() {
    plugin::BackendCounters counters;
    counters.operations["prepare"] = {.calls = 7, .failures = 2, .retries = 1, .timeouts = 0};
    counters.events = 4;
    counters.dropped_reports = 3;
    counters.metrics = {{"link_flaps_total", "port-0", true, 5},
                        {"temperature", "", false, 41.5},
                        {"up", "", false, 9},
                        {"events_total", "", false, 8}};
    return {"tap", counters};
}

bool has(const std::string& text, const std::string& line) {
    return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

TEST(BackendSamples, ShowsWhatTheHostCountsAndWhatABackendReports) {
    ops::Metrics metrics;
    const auto text = metrics.text(backend_samples({tap()}));
    EXPECT_TRUE(has(text, R"(knd_backend_calls_total{backend="tap",operation="prepare"} 7)"));
    EXPECT_TRUE(has(text, R"(knd_backend_failures_total{backend="tap",operation="prepare"} 2)"));
    EXPECT_TRUE(has(text, R"(knd_backend_dropped_reports_total{backend="tap"} 3)"));
    EXPECT_TRUE(has(text, "# TYPE knd_backend_link_flaps_total counter"));
    EXPECT_TRUE(has(text, R"(knd_backend_link_flaps_total{backend="tap",device="port-0"} 5)"));
    EXPECT_TRUE(has(text, R"(knd_backend_temperature{backend="tap"} 41.5)")) << text;
}

TEST(BackendSamples, LetsNoBackendSpeakForTheHost) {
    ops::Metrics metrics;
    metrics.set_backend_up("tap", true);
    const auto text = metrics.text(backend_samples({tap()}));
    EXPECT_TRUE(has(text, R"(knd_backend_up{backend="tap"} 1)"));
    EXPECT_FALSE(has(text, R"(knd_backend_up{backend="tap"} 9)"));
    EXPECT_TRUE(has(text, R"(knd_backend_events_total{backend="tap"} 4)"));
    EXPECT_FALSE(has(text, R"(knd_backend_events_total{backend="tap"} 8)"));
}

TEST(BackendSamples, ForgetsADeviceThatIsReportedNoMore) {
    ops::Metrics metrics;
    auto counters = tap();
    EXPECT_NE(metrics.text(backend_samples({counters})).find("port-0"), std::string::npos);
    counters.counters.metrics.clear();
    EXPECT_EQ(metrics.text(backend_samples({counters})).find("port-0"), std::string::npos);
}

}  // namespace
}  // namespace knd
