// SPDX-License-Identifier: Apache-2.0
//
// What the claims are told at start: settings, and whom they work with.
#pragma once

#include <boost/asio/any_io_executor.hpp>

#include <chrono>
#include <string>

#include "host/claims/ports.hpp"
#include "host/config/config.hpp"
#include "host/journal/journal.hpp"
#include "host/model/services.hpp"
#include "host/sandbox/attacher.hpp"
#include "host/sandbox/kept_namespaces.hpp"
#include "host/sandbox/markers.hpp"

namespace knd {

struct ClaimsOptions {
    std::string driver;   ///< the CDI vendor: "knd.dev"
    std::string cdi_dir;  ///< "/var/run/cdi"
    std::string run_dir;  ///< markers that the gate looks for, and device metadata: "/run/knd"
    std::string boot_id;  ///< /proc/sys/kernel/random/boot_id: what the kernel held died with it
    AttachConfig attach;
    GateConfig gate;
    NriConfig nri;
    bool metadata = true;                               ///< of devices, as files in containers
    std::chrono::milliseconds hook_budget{1500};        ///< longest reply in attach mode `sync`
    std::chrono::milliseconds backend_timeout{30'000};  ///< for all of a backend but prepare
    std::chrono::milliseconds first_retry{500};         ///< doubles up to last_retry
    std::chrono::milliseconds last_retry{60'000};
};

/// Everything is borrowed and must outlive the Claims, and the workers must have been joined before
/// `attacher` goes.
struct ClaimsPorts {
    boost::asio::any_io_executor loop;     ///< the domain thread
    boost::asio::any_io_executor workers;  ///< where blocking kernel work may run
    ClaimSource& source;
    Journal& journal;
    const DeviceTable& devices;
    const Attacher& attacher;
    const Markers& markers;
    KeptNamespaces& namespaces;
    const WallClock& clock;
    StepObserver& observer;
};

}  // namespace knd
