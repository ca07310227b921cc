// SPDX-License-Identifier: Apache-2.0
//
// The two doors of the domain, and the three things it asks of the world. The edges (dra, nri,
// kube) call or implement these; the daemon joins them. Everything is called and answers on the
// domain thread; a `Done` is called exactly once, perhaps before the call returns.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "host/model/claim.hpp"
#include "host/model/device.hpp"
#include "host/model/pod.hpp"

#include <knd/cpp/result.hpp>

namespace knd {

template <class T = void>
using Done = std::function<void(Result<T>)>;

/// Door 1, for the kubelet. Both calls are idempotent, as kubelet repeats them.
class ClaimService {
  public:
    virtual ~ClaimService() = default;
    /// An error concerns this claim alone and is shown to the user as it is.
    virtual void prepare(ClaimRef claim, std::chrono::steady_clock::time_point deadline,
                         Done<std::vector<PreparedDevice>> done) = 0;
    virtual void unprepare(ClaimRef claim, std::chrono::steady_clock::time_point deadline,
                           Done<> done) = 0;
};

/// What the container runtime told about itself.
struct RuntimeInfo {
    std::string name;
    std::string version;
    std::string nri_version;  ///< empty before NRI 0.12
};

/// Door 2, for the container runtime. The caller holds one lock for the whole node, so every call
/// answers in well under a millisecond except where `synchronous attach` is configured.
class PodService {
  public:
    virtual ~PodService() = default;
    /// A runtime has connected; before synchronize.
    virtual void runtime_connected(const RuntimeInfo& runtime) = 0;
    /// All pods that exist, once after each (re)connect, before any other call.
    virtual void synchronize(std::vector<PodSandbox> pods, std::vector<Container> containers,
                             Done<> done) = 0;
    virtual void run_pod_sandbox(PodSandbox pod, Done<> done) = 0;
    virtual void create_container(PodSandbox pod, Container container,
                                  Done<ContainerEdits> done) = 0;
    /// Never fails: an error here would only make CRI-O unable to stop the pod.
    virtual void stop_pod_sandbox(PodSandbox pod, Done<> done) = 0;
    virtual void remove_pod_sandbox(PodSandbox pod, Done<> done) = 0;
};

/// The API server as the claims need it.
class ClaimSource {
  public:
    virtual ~ClaimSource() = default;
    /// NOT_FOUND: no such claim. FAILED_PRECONDITION: another uid, or not allocated.
    virtual void get_claim(ClaimRef claim, Done<Claim> done) = 0;
    /// Writes our entries of status.devices. Retried inside; a final failure is logged there.
    virtual void publish_status(ClaimRef claim, std::vector<DeviceStatus> devices) = 0;
    /// A Warning event (or Normal) on the claim, so that `kubectl describe` says why.
    virtual void claim_event(const ClaimRef& claim, bool warning, std::string_view reason,
                             std::string_view message) = 0;
    virtual void pod_event(const PodSandbox& pod, bool warning, std::string_view reason,
                           std::string_view message) = 0;
};

}  // namespace knd
