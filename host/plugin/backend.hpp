// SPDX-License-Identifier: Apache-2.0
//
// Backend: one configured instance of a loaded library, as the domain uses it.
//
// Threads: every method is called on the domain thread and every Done runs there. The library's
//          code runs on worker threads, one call at a time per instance (its strand).
// Failure: a call that passes its deadline answers DEADLINE_EXCEEDED at once; the library's thread
//          may still be inside. After a grace time the instance is Stuck, and everything answers
//          UNAVAILABLE.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "host/model/binding.hpp"
#include "host/model/claim.hpp"
#include "host/model/device.hpp"
#include "host/model/services.hpp"

namespace knd {

enum class BackendState { kLoaded, kRunning, kDegraded, kStuck, kFailed, kStopped };

/// For kndctl, /readyz and /metrics.
struct BackendInfo {
    std::string name;     ///< instance name from TOML
    std::string library;  ///< absolute path
    std::string id;       ///< from the descriptor, empty when the library never loaded
    std::string version;
    std::string vendor;
    std::vector<std::string> extensions;
    BackendState state = BackendState::kLoaded;
    std::string reason;         ///< why it is not running, for people
    std::uint64_t crashes = 0;  ///< how often the daemon died in its calls
    std::string last_crash;     ///< "SIGSEGV in list at 2006-01-02T15:04:05Z"
};

/// By knd.host.report/1.
struct BackendEvent {
    std::string claim_uid;
    bool warning = false;
    std::string reason;
    std::string message;
};

class Backend {
  public:
    using Deadline = std::chrono::steady_clock::time_point;

    struct Binding {
        BindingKey key;
        std::string claim;  ///< "namespace/name", for messages
        std::string state;  ///< Effects::state of its prepare
    };

    struct PrepareRequest {
        Binding binding;
        Json config;        ///< the claim's over the class's, without the host's own keys
        Json class_config;  ///< what the DeviceClass alone says
        std::string request = {};
        bool admin_access = false;
        std::map<std::string, std::string> consumed = {};  ///< qualified capacity -> quantity
        std::vector<PodRef> pods = {};
    };

    /// A binding of which reconcile says that nothing is left.
    struct Lost {
        BindingKey key;
        std::string why;
    };

    struct Attachment {
        Binding binding;
        int netns_fd = -1;  ///< borrowed by the callee until Done; -1: the namespace is gone
        int ifindex = 0;    ///< in the pod; 0: no netdev
    };

    virtual ~Backend() = default;
    virtual const std::string& name() const = 0;
    virtual BackendInfo info() const = 0;

    virtual void start(Done<> done) = 0;
    /// Waits for the running call (up to its deadline), then stops and destroys the instance.
    virtual void stop(Done<> done) = 0;
    virtual void list(Done<DeviceListing> done) = 0;
    /// Asks knd.validate/1 first, where there is one. Keys of `config` that the backend did not
    /// read are an INVALID_ARGUMENT that names them and the nearest known key.
    virtual void prepare(PrepareRequest request, Deadline deadline, Done<Effects> done) = 0;
    virtual void unprepare(Binding binding, Deadline deadline, Done<> done) = 0;
    /// OK without a call when the backend does not offer knd.attach/1.
    virtual void attach(Attachment attachment, Deadline deadline, Done<> done) = 0;
    virtual void detach(Attachment attachment, Deadline deadline, Done<> done) = 0;
    virtual void reconcile(std::vector<Binding> live, Deadline deadline,
                           Done<std::vector<Lost>> done) = 0;
    /// Devices that are not healthy, by name, as of the last check; nothing: it does not tell, or
    /// has not been asked yet.
    virtual const std::optional<std::map<std::string, HealthReport>>& health() const = 0;
    std::optional<HealthReport> health_of(const std::string& device) const {
        const auto& reports = health();
        if (!reports) return std::nullopt;
        const auto found = reports->find(device);
        return found == reports->end() ? HealthReport() : found->second;
    }

    /// Runs on the domain thread when the backend says that its devices changed (coalesced).
    std::function<void()> on_devices_changed;
    std::function<void()> on_state_changed;
    std::function<void()> on_health_changed;
    /// The backend has something to say about a claim that it has prepared.
    std::function<void(const BackendEvent&)> on_event;
};

inline bool is_serving(const Backend& backend) {
    const auto state = backend.info().state;
    return state == BackendState::kRunning || state == BackendState::kDegraded;
}

}  // namespace knd
