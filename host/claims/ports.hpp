// SPDX-License-Identifier: Apache-2.0
//
// What the claims ask of the rest of the host, beside the ClaimSource of host/model, the Journal
// and the Attacher. The daemon implements these over the inventory and the plugin host.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "host/model/device.hpp"
#include "host/plugin/backend.hpp"

#include <knd/cpp/result.hpp>

namespace knd {

/// The devices of this node, and who serves them. Threads: domain thread.
class DeviceTable {
  public:
    struct Found {
        Device device;
        Backend* backend;  ///< borrowed, never null; lives as long as the table
    };
    virtual ~DeviceTable() = default;
    /// NOT_FOUND: no such device, or it is withheld; the message says which and why.
    virtual Result<Found> find(std::string_view pool, std::string_view device) const = 0;
    /// FAILED_PRECONDITION: since it was prepared the host has come to need it itself.
    virtual Result<void> may_leave(const Device& device) const = 0;
    /// FAILED_PRECONDITION: `interface` of the host is an uplink, or another backend's device, so
    /// that a prepare of `device` must not move it.
    virtual Result<void> may_take(const Device& device, std::string_view interface) const = 0;
    /// Hardware keys of what `device` is a part of, the nearest first: a VF, its PF, its card.
    virtual std::vector<std::string> wholes_of(const Device& device) const = 0;
    /// The instance of that name, or null when it is not configured (any more).
    virtual Backend* backend(std::string_view instance) const = 0;
    virtual std::vector<Backend*> backends() const = 0;
};

/// Told after each step that a crash could follow: the marked points of the crash tests. The
/// default does nothing. Called on the domain thread and, for steps in the kernel, on a worker.
///   prepare.effects  prepare.journalled  prepare.cdi
///   attach.begin  attach.surveyed  attach.journalled  (host/sandbox)
///     attach.configured  attach.backend  attach.metadata  attach.done
///   detach.begin  detach.journalled  (host/sandbox)  detach.home  detach.done
///   release.begin  release.journalled  release.unprepared  release.done
class StepObserver {
  public:
    virtual ~StepObserver() = default;
    virtual void on_step(std::string_view step, std::string_view claim, std::string_view device) {
        static_cast<void>(step), static_cast<void>(claim), static_cast<void>(device);
    }
};

/// Whether the API server, asked for a claim, knows it no more as the one that was prepared: it was
/// deleted, replaced, or its devices were taken back.
inline bool is_gone(const Result<Claim>& claim) {
    return claim.code() == Code::kNotFound || claim.code() == Code::kFailedPrecondition;
}

/// Wall-clock time in milliseconds since the epoch.
class WallClock {
  public:
    virtual ~WallClock() = default;
    virtual std::int64_t now_ms() const = 0;
};

}  // namespace knd
