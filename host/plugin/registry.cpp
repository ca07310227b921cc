// SPDX-License-Identifier: Apache-2.0
#include "host/plugin/registry.hpp"

#include <algorithm>
#include <chrono>
#include <map>
#include <set>
#include <utility>

#include "host/model/log.hpp"
#include "host/plugin/file_rules.hpp"
#include "host/plugin/instance.hpp"
#include "host/plugin/library.hpp"
#include "host/plugin/private_copy.hpp"
#include "host/plugin/probe.hpp"

namespace knd::plugin {
namespace {

using Loaded = std::shared_ptr<const Result<Library>>;

Result<Library> load(const std::string& path, const std::string& pinned,
                     const PluginOptions& options) {
    KND_TRY_ASSIGN(auto copy, copy_library(path));
    if (!pinned.empty()) KND_TRY(check_sha256(path, copy.sha256, pinned));
    KND_TRY(check_elf(copy.copy->get(), path));
    if (options.probe) KND_TRY(probe_library(path, copy.loaded_from, options.probe_timeout));
    keep_open(copy);
    KND_TRY_ASSIGN(auto library, open_library(path, copy.loaded_from));
    library.file = std::make_shared<PrivateCopy>(std::move(copy));
    return library;
}

/// Instances of one file share the library: it may have made one thing of itself for all of them.
Result<Loaded> load_once(const BackendConfig& config, const PluginOptions& options,
                         std::map<std::string, Loaded>& known) {
    KND_TRY_ASSIGN(const auto path, checked_path(options.directory, config.library));
    if (const auto found = known.find(path); found != known.end()) {
        const auto& library = **found->second;
        if (!config.sha256.empty())
            KND_TRY(check_sha256(path, library.file->sha256, config.sha256));
        return found->second;
    }
    KND_TRY_ASSIGN(auto library, load(path, config.sha256, options));
    auto loaded = std::make_shared<const Result<Library>>(std::move(library));
    known.emplace(path, loaded);
    return loaded;
}

std::int64_t now_ms() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

/// What the last process left, into the book. Without a place for it, backends serve all the same.
CrashMemory open_memory(const PluginOptions& options, const std::vector<LoadedLibrary>& libraries) {
    if (options.run_directory.empty()) return {};
    auto notes = CrashNotes::open(options.run_directory);
    if (!notes) {
        log::warn("a crash in a backend will not be noticed", {{"error", notes.error().message()}});
        return {};
    }
    auto deaths =
        std::make_shared<DeathBook>(options.run_directory + "/backend-deaths.json", options.deaths);
    std::map<std::string, std::string> sums;
    for (const auto& loaded : libraries) {
        if (!loaded.library->ok() || !(*loaded.library)->file) continue;
        const auto& sum = (*loaded.library)->file->sha256;
        sums.emplace(loaded.config.name, sum);
        deaths->use_library(loaded.config.name, sum);
    }
    for (const auto& crash : (*notes)->crashes()) {
        log::error("kndd died in a call to a backend",
                   {{"backend", crash.instance}, {"error", crash.text()}});
        deaths->add(crash, sums[crash.instance], now_ms());
    }
    return {*std::move(notes), std::move(deaths)};
}

}  // namespace

std::vector<LoadedLibrary> load_libraries(const std::vector<BackendConfig>& configs,
                                          const PluginOptions& options) {
    std::vector<LoadedLibrary> loaded;
    std::set<std::string> names;
    std::map<std::string, Loaded> known;
    for (const auto& config : configs) {
        auto library = names.insert(config.name).second
                           ? load_once(config, options, known)
                           : Result<Loaded>(Error(Code::kInvalidArgument,
                                                  "backend `" + config.name +
                                                      "` is listed twice; the first one stands"));
        loaded.push_back({config, library ? *std::move(library)
                                          : std::make_shared<const Result<Library>>(
                                                std::move(library).error())});
    }
    return loaded;
}

Registry::Registry(boost::asio::io_context& io, const PluginOptions& options,
                   const std::vector<LoadedLibrary>& libraries) {
    const auto memory = open_memory(options, libraries);
    if (memory.notes) crashes_ = memory.notes->crashes();
    for (const auto& loaded : libraries) {
        instances_.push_back(Instance::make(io, options, loaded.config, *loaded.library, memory));
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
