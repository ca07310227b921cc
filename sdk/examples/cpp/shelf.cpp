// SPDX-License-Identifier: Apache-2.0
//
// shelf - a backend in C++: every file in a directory is a device, and a claim that gets one finds
// it mounted at /shelf/<name>. The directory is watched: the host polls the descriptor, so that no
// thread is needed. Files whose names are no DNS labels are left out by the host, with a line in
// its log.
//
// TOML:  [[backend]]
//        name = "shelf"
//        library = "knd-shelf.so"
//        config = { directory = "/srv/shelf", read_only = true }
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include <knd/cpp/backend.hpp>
#include <knd/cpp/fd.hpp>

namespace {

namespace fs = std::filesystem;
using knd::Code;
using knd::Error;
using knd::Result;

constexpr knd_descriptor kDescriptor{.size = sizeof(knd_descriptor),
                                     .flags = 0,
                                     .id = "example.com/shelf",
                                     .vendor = "Example",
                                     .version = "0.1.0",
                                     .summary = "Files of a directory as devices"};

class Shelf {
  public:
    explicit Shelf(knd::Host host) : host_(host) {}

    Result<void> start(const knd::Params& config) {
        KND_TRY_ASSIGN(directory_, config.string("directory"));
        KND_TRY_ASSIGN(read_only_, config.boolean("read_only", true));
        if (!fs::path(directory_).is_absolute()) {
            return Error(Code::kInvalidArgument, "`directory` must be an absolute path");
        }
        return watch();
    }

    void stop() {
        host_.unwatch(changes_.get());
        changes_.reset();
    }

    Result<void> list(const knd::Call& call, knd::DeviceSink& sink) {
        std::error_code failure;
        for (const auto& file : fs::directory_iterator(directory_, failure)) {
            KND_TRY(call.check());
            const auto name = file.path().filename().string();
            std::error_code gone;
            const auto size = file.file_size(gone);
            if (gone) continue;
            sink.device({.name = name, .hardware_key = "file:" + file.path().string()})
                .attribute("readOnly", read_only_)
                .capacity("bytes", std::to_string(size));
        }
        if (failure) return Error::from_errno(directory_, failure.value());
        return {};
    }

    Result<void> prepare(const knd::Call&, const knd::PrepareRequest& request,
                         knd::EffectsSink& effects) {
        const std::string name(request.binding.device);
        const auto file = fs::path(directory_) / name;
        if (!fs::exists(file)) return Error(Code::kNotFound, "the file is gone");
        effects.mount({.source = file.string(),
                       .destination = "/shelf/" + name,
                       .read_only = read_only_,
                       .options = "nosuid,nodev"});
        return {};
    }

    Result<void> unprepare(const knd::Call&, const knd::Binding&) { return {}; }

    void on_ready(int fd) {
        // What exactly happened does not matter: the host asks for the list again.
        alignas(inotify_event) char events[4096];
        while (::read(fd, events, sizeof events) > 0) {
        }
        host_.devices_changed();
    }

  private:
    Result<void> watch() {
        changes_ = knd::Fd(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
        if (!changes_) return Error::from_errno("inotify", errno);
        constexpr auto kEvents = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO;
        if (::inotify_add_watch(changes_.get(), directory_.c_str(), kEvents) < 0) {
            return Error::from_errno(directory_, errno);
        }
        return host_.watch(changes_.get());
    }

    knd::Host host_;
    std::string directory_;
    bool read_only_ = true;
    knd::Fd changes_;
};

}  // namespace

KND_EXPORT_BACKEND(Shelf, kDescriptor)
