// SPDX-License-Identifier: Apache-2.0
//
// InstanceCore: the C side of one instance. The domain's values go in, ABI structs are made of
// them, the library is called, and what it answers is checked and comes back as values.
//
// Threads: calls come from workers, ordered by the CallQueue. Each holds a share of the core, which
//          therefore outlives every call that runs.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "host/plugin/backend.hpp"
#include "host/plugin/call.hpp"
#include "host/plugin/device_sink.hpp"
#include "host/plugin/effects_sink.hpp"
#include "host/plugin/host_services.hpp"
#include "host/plugin/library.hpp"
#include "host/plugin/params.hpp"
#include "host/plugin/tables.hpp"

namespace knd::plugin {

struct Listed {
    DeviceListing listing;
    std::vector<DeviceCollector::Refusal> refusals;
};

class InstanceCore {
  public:
    /// Calls create and reads the tables.
    static Result<std::shared_ptr<InstanceCore>> make(const Library& library, std::string name,
                                                      std::string domain,
                                                      std::shared_ptr<HostServices> services);
    InstanceCore(const InstanceCore&) = delete;
    InstanceCore& operator=(const InstanceCore&) = delete;
    /// Stops and destroys what was not stopped in order.
    ~InstanceCore();

    const Tables& tables() const { return tables_; }
    HostServices& services() const { return *services_; }

    Result<void> start(const Json& config);
    /// Stops and destroys the instance; nothing may be called afterwards.
    void stop();
    Result<Listed> list(const Call& call);
    /// Asks validate first. Also fails when an effect is impossible, when a key of the
    /// configuration was not read, and when nobody waits for the answer any more; undoes it then,
    /// unless an earlier prepare of the same binding is in force.
    Result<Effects> prepare(const Call& call, const Backend::PrepareRequest& request);
    /// Without a state in `binding`: with the one that its prepare left here, if any.
    Result<void> unprepare(const Call& call, const Backend::Binding& binding);
    Result<void> attach(const Call& call, const Backend::Attachment& attachment);
    Result<void> detach(const Call& call, const Backend::Attachment& attachment);
    /// Claims have these. From any thread.
    void hold(const std::vector<Backend::Binding>& live);
    /// Those of which nothing is left.
    Result<std::vector<Backend::Lost>> reconcile(const Call& call,
                                                 const std::vector<Backend::Binding>& live);
    /// Devices that are not healthy. Only those that the last list had, or that a claim has.
    Result<std::map<std::string, HealthReport>> check(const Call& call);
    void on_ready(int fd, std::uint64_t token);

  private:
    InstanceCore(knd_backend* backend, std::string name, std::string domain,
                 std::shared_ptr<HostServices> services);
    Result<void> validate(const Call& call, const Backend::PrepareRequest& request);
    Result<void> run_prepare(const Call& call, const Backend::PrepareRequest& request,
                             EffectsCollector& effects, bool& must_undo);
    Result<void> undo(const Call& call, const Backend::Binding& binding, const Effects& effects);
    std::set<std::string> known_devices() const;

    const std::string name_;
    const std::string domain_;
    /// Shared with the closures that services posts to the domain thread.
    const std::shared_ptr<HostServices> services_;
    knd_backend* backend_;  ///< the library's, from create until destroy
    Tables tables_{};
    std::optional<Params> config_;  ///< strings of it stay valid until stop
    bool running_ = false;
    mutable std::mutex mutex_;
    std::set<std::string> listed_;  ///< names of the last list; guarded by mutex_
    /// What claims have, with the state that prepare left; guarded by mutex_.
    std::map<BindingKey, std::string> held_;
};

}  // namespace knd::plugin
