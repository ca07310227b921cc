// SPDX-License-Identifier: Apache-2.0
//
// InstanceCore: the C side of one instance. The domain's values go in, ABI structs are made of
// them, the library is called, and what it answers is checked and comes back as values.
//
// Threads: calls come from workers, ordered by the CallQueue. The core outlives every call that
// runs,
//          because each holds a share of it.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "host/plugin/backend.hpp"
#include "host/plugin/call.hpp"
#include "host/plugin/device_sink.hpp"
#include "host/plugin/host_services.hpp"
#include "host/plugin/library.hpp"
#include "host/plugin/params.hpp"
#include "host/plugin/tables.hpp"

namespace knd::plugin {

struct DeviceListing {
    std::vector<Device> devices;
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
    Result<DeviceListing> list(const Call& call);
    /// Also fails, and undoes, when an effect is impossible or a key of `config` was not read.
    Result<Effects> prepare(const Call& call, const Backend::Binding& binding, const Json& config);
    Result<void> unprepare(const Call& call, const Backend::Binding& binding);
    Result<void> attach(const Call& call, const Backend::Attachment& attachment);
    Result<void> detach(const Call& call, const Backend::Attachment& attachment);
    Result<void> reconcile(const Call& call, const std::vector<Backend::Binding>& live);
    /// Devices that are not healthy, with what the backend says about them.
    Result<std::map<std::string, std::string>> check(const Call& call);
    void on_ready(int fd, std::uint64_t token);

  private:
    InstanceCore(knd_backend* backend, std::string name, std::string domain,
                 std::shared_ptr<HostServices> services);

    const std::string name_;
    const std::string domain_;
    /// Shared with the closures that services posts to the domain thread.
    const std::shared_ptr<HostServices> services_;
    knd_backend* backend_;  ///< the library's, from create until destroy
    Tables tables_{};
    std::optional<Params> config_;  ///< strings of it stay valid until stop
    bool running_ = false;
};

}  // namespace knd::plugin
