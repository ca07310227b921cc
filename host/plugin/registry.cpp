// SPDX-License-Identifier: Apache-2.0
#include "host/plugin/registry.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "host/model/log.hpp"
#include "host/plugin/file_rules.hpp"
#include "host/plugin/instance.hpp"
#include "host/plugin/library.hpp"
#include "host/plugin/probe.hpp"

namespace knd::plugin {
namespace {

Result<Library> load(const BackendConfig& config, const PluginOptions& options) {
    KND_TRY_ASSIGN(const auto path, checked_path(options.directory, config.library));
    if (!config.sha256.empty()) KND_TRY(check_sha256(path, config.sha256));
    KND_TRY(check_elf(path));
    if (options.probe) KND_TRY(probe_library(path, options.probe_timeout));
    return open_library(path);
}

}  // namespace

std::vector<LoadedLibrary> load_libraries(const std::vector<BackendConfig>& configs,
                                          const PluginOptions& options) {
    std::vector<LoadedLibrary> loaded;
    std::set<std::string> names;
    for (const auto& config : configs) {
        auto library = names.insert(config.name).second
                           ? load(config, options)
                           : Result<Library>(Error(Code::kInvalidArgument,
                                                   "backend `" + config.name +
                                                       "` is listed twice; the first one stands"));
        loaded.push_back({config, std::make_shared<const Result<Library>>(std::move(library))});
    }
    return loaded;
}

Registry::Registry(boost::asio::io_context& io, boost::asio::thread_pool& workers,
                   const PluginOptions& options, const std::vector<LoadedLibrary>& libraries) {
    for (const auto& loaded : libraries) {
        instances_.push_back(Instance::make(io, workers, options, loaded.config, *loaded.library));
        backends_.push_back(instances_.back().get());
    }
}

Registry::~Registry() = default;

Backend* Registry::find(std::string_view name) const {
    // Of two with one name the first works.
    const auto found = std::find_if(backends_.begin(), backends_.end(),
                                    [&](const Backend* b) { return b->name() == name; });
    return found == backends_.end() ? nullptr : *found;
}

void Registry::stop(Done<> done) {
    struct Progress {
        std::size_t left;
        Done<> done;
    };
    if (instances_.empty()) return done({});
    auto progress = std::make_shared<Progress>(Progress{instances_.size(), std::move(done)});
    for (const auto& instance : instances_) {
        instance->stop([progress, instance](const Result<>& result) {
            if (!result.ok()) {
                log::warn("backend did not stop",
                          {{"backend", instance->name()}, {"error", result.error().message()}});
            }
            if (--progress->left == 0) progress->done({});
        });
    }
}

bool Registry::busy() const {
    return std::any_of(instances_.begin(), instances_.end(),
                       [](const auto& instance) { return instance->busy(); });
}

std::vector<Registry::Counters> Registry::counters() const {
    std::vector<Counters> all;
    for (const auto& instance : instances_) {
        all.push_back({instance->name(), instance->counters()});
    }
    return all;
}

}  // namespace knd::plugin
