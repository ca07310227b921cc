// SPDX-License-Identifier: Apache-2.0
//
// The backends of a node, as TOML names them.
//
//   auto libraries = plugin::load_libraries(config.backends, options);  // before any thread
//   plugin::Registry registry(io, options, std::move(libraries));
//   for (auto* backend : registry.backends()) backend->start(...);
//
// A backend that can not be loaded is in the list all the same, in state kFailed with the reason,
// and does not stop the others.
#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>
#include <string>
#include <vector>

#include "host/config/config.hpp"
#include "host/plugin/backend.hpp"
#include "host/plugin/crash_notes.hpp"
#include "host/plugin/options.hpp"

namespace knd::plugin {

class Instance;
struct Library;

/// A line of TOML and what became of it.
struct LoadedLibrary {
    BackendConfig config;
    /// Shared by the instances that are made of it; never null.
    std::shared_ptr<const Result<Library>> library;
};

/// Checks, tries in a child process and loads each library. Call while the process has one thread:
/// it forks. Libraries stay in the process until it ends. Logs nothing: the reason of a failure is
/// in the backend's info() and in what its start() answers.
std::vector<LoadedLibrary> load_libraries(const std::vector<BackendConfig>& configs,
                                          const PluginOptions& options);

/// Threads: the domain thread. `io` outlives the registry. Each backend has threads of its own; the
///          destructor waits for the calls that run.
class Registry {
  public:
    Registry(boost::asio::io_context& io, const PluginOptions& options,
             const std::vector<LoadedLibrary>& libraries);
    ~Registry();

    /// In the order of TOML, which is also who owns a device that two of them report.
    const std::vector<Backend*>& backends() const { return backends_; }
    /// Null: no backend of that name.
    Backend* find(std::string_view name) const;
    /// Stops all of them, side by side. Backends that do not stop in time are left as they are.
    void stop(Done<> done);
    /// A thread is inside of a library. After stop() has answered that means that it does not come
    /// back: the destructor would hang, so end the process without it.
    bool busy() const;
    /// In which calls the last daemon died, for an event on the claims. It is logged already.
    const std::vector<CrashNote>& crashes() const { return crashes_; }

    struct Counters {
        std::string backend;
        BackendCounters counters;
    };
    std::vector<Counters> counters() const;

  private:
    std::vector<CrashNote> crashes_;
    std::vector<std::shared_ptr<Instance>> instances_;  ///< shared with callbacks under way
    std::vector<Backend*> backends_;
};

}  // namespace knd::plugin
