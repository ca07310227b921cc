// SPDX-License-Identifier: Apache-2.0
//
// tapnic - a backend with everything: it has the host make macvlan interfaces on a parent, shares
// one device among claims by bandwidth, divides another into parts, keeps a file per binding in
// place of hardware that would be set up, and tells health, events and a metric. For tests from
// outside; sdk/examples is the place to begin.
//
// TOML:  config = { parent = "eth1", directory = "/run/tapnic", parts = 2, bandwidth = 10,
//                   health = "/run/tapnic-health" }
//   parent     required: the interface below
//   directory  required: one file per binding, in a directory of the instance's name
//   parts      of the divided device, 1 to 32; default 2
//   bandwidth  of the shared device in G, 1 to 400; default 10
//   health     a file with lines "DEVICE unhealthy because ...", or unknown; default: none
//
// Devices, for an instance "tap-a":
//   tap-a-shared           shareable; capacity bandwidth, from 1G in steps of 1G
//   tap-a-whole            all of counter parts in set "tap-a"
//   tap-a-part-0, -1, ...  1 of it each; parts of tap-a-whole
// It makes an event SlotTaken on each claim, and knd_backend_bindings and _prepared_total in
// /metrics. Attributes: kind (shared, whole, part), parent, modes (a list); of a part: index.
//
// Parameters of a claim or a class:
//   mode     bridge, private, vepa; default bridge
//   mac      of the interface; default: the kernel's choice
//   extras   true: containers get /dev/tapnic, /run/tapnic/slot and RLIMIT_MEMLOCK, too
//   trusted  true or false, of the DeviceClass alone
#include <net/if.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <set>
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
                                     .id = "example.com/tapnic",
                                     .vendor = "Example",
                                     .version = "1.0.0",
                                     .summary = "macvlan interfaces that are shared and divided"};

/// The settings of a claim for one device.
struct Settings {
    std::string mode;
    std::string mac;
    bool extras = false;
    bool trusted = false;
};

class Tapnic {
  public:
    explicit Tapnic(knd::Host host) : host_(host) {}

    Result<void> start(const knd::Params& config) {
        KND_TRY_ASSIGN(parent_, config.string("parent"));
        KND_TRY_ASSIGN(const auto directory, config.string("directory"));
        KND_TRY_ASSIGN(parts_, config.integer_in("parts", 2, 1, 32));
        KND_TRY_ASSIGN(bandwidth_, config.integer_in("bandwidth", 10, 1, 400));
        KND_TRY_ASSIGN(const auto health, config.string("health"));
        if (parent_.empty()) return Error(Code::kInvalidArgument, "`parent` is required");
        health_ = health;
        if (!fs::path(directory).is_absolute() || (!health.empty() && !health_.is_absolute())) {
            return Error(Code::kInvalidArgument, "`directory` and `health` must be absolute paths");
        }
        slots_ = fs::path(directory) / host_.instance();
        devices_ = {name("shared"), name("whole")};
        for (int i = 0; i < parts_; ++i)
            devices_.insert(name("part-" + std::to_string(i)));
        std::error_code failure;
        fs::create_directories(slots_, failure);
        if (failure) return Error::from_errno(slots_.string(), failure.value());
        return watch_health();
    }

    void stop() {
        if (changes_) host_.unwatch(changes_.get());
        changes_.reset();
    }

    Result<void> list(const knd::Call& call, knd::DeviceSink& sink) {
        KND_TRY(call.check());
        const auto gone = parent_index() == 0 ? "its parent " + parent_ + " is not there" : "";
        const auto describe = [&](const std::string& kind) {
            sink.attribute("kind", kind).attribute("parent", parent_);
            sink.attribute("modes", std::vector<std::string>{"bridge", "private", "vepa"});
        };
        std::error_code unread;
        const auto bindings = std::distance(fs::directory_iterator(slots_, unread), {});
        host_.metric("bindings", static_cast<double>(bindings));
        sink.counter(set(), "parts", std::to_string(parts_));
        sink.device({.name = name("shared"),
                     .hardware_key = key("shared"),
                     .withheld = gone,
                     .shareable = true})
            .capacity("bandwidth", std::to_string(bandwidth_) + "G")
            .policy("bandwidth", {.default_value = "1G", .min = "1G", .step = "1G"});
        describe("shared");
        sink.device({.name = name("whole"), .hardware_key = key("whole"), .withheld = gone})
            .consumes(set(), "parts", std::to_string(parts_));
        describe("whole");
        for (int i = 0; i < parts_; ++i) {
            const auto part = "part-" + std::to_string(i);
            sink.device({.name = name(part),
                         .hardware_key = key(part),
                         .withheld = gone,
                         .parent_key = key("whole")})
                .consumes(set(), "parts", "1")
                .attribute("index", i);
            describe("part");
        }
        return sink.status();
    }

    Result<void> validate(const knd::Call&, const knd::PrepareRequest& request) {
        if (request.admin_access) {
            return Error(Code::kFailedPrecondition, "there is nothing to look at in a macvlan");
        }
        KND_TRY(read(request));
        return {};
    }

    Result<void> prepare(const knd::Call&, const knd::PrepareRequest& request,
                         knd::EffectsSink& effects) {
        KND_TRY_ASSIGN(const auto settings, read(request));
        if (!devices_.contains(request.binding.device)) {
            return Error(Code::kNotFound, "there is no such device");
        }
        const auto index = parent_index();
        if (index == 0) return Error(Code::kNotFound, "its parent " + parent_ + " is not there");
        const auto slot = slot_of(request.binding);
        const bool is_new = !fs::exists(slot);
        std::ofstream file(slot);
        file << request.binding.claim << ' ' << request.request << '\n';
        for (const auto& pod : request.pods)
            file << "pod " << pod.name << '\n';
        if (!file.flush()) return Error(Code::kUnavailable, "cannot write " + slot.string());
        const auto bandwidth = request.amount("bandwidth");
        effects
            .link({.kind = "macvlan",
                   .parent_ifindex = index,
                   .parent = parent_,
                   .name_in_pod = "tap" + tag(request.binding),
                   .mode = settings.mode,
                   .mac = settings.mac})
            .env("TAPNIC_DEVICE", std::string(request.binding.device))
            .attribute("trusted", settings.trusted ? "true" : "false")
            .attribute("bandwidth", bandwidth ? std::to_string(*bandwidth) : "all")
            .state(slot.filename().string());
        if (settings.extras) add_extras(slot, effects);
        if (is_new) {
            host_.event(request.binding.claim_uid, false, "SlotTaken", "mode " + settings.mode);
            host_.metric("prepared_total", static_cast<double>(++prepared_));
        }
        return effects.status();
    }

    Result<void> unprepare(const knd::Call&, const knd::Binding& binding) {
        // What prepare left; without it the name of the file says the same.
        const auto slot =
            binding.state.empty() ? slot_of(binding) : slots_ / fs::path(binding.state).filename();
        std::error_code failure;
        fs::remove(slot, failure);
        if (failure) return Error::from_errno("remove " + slot.string(), failure.value());
        return {};
    }

    Result<void> check(const knd::Call&, knd::HealthSink& sink) {
        std::ifstream file(health_);
        for (std::string line; std::getline(file, line);) {
            const auto blank = line.find(' ');
            const auto why = line.find(" because ");
            if (blank == std::string::npos || why == std::string::npos) continue;
            const auto state = line.substr(blank + 1, why - blank - 1);
            const auto text = line.substr(why + 9);
            if (state == "unhealthy") sink.unhealthy(line.substr(0, blank), text);
            if (state == "unknown") sink.unknown(line.substr(0, blank), text);
        }
        return sink.status();
    }

    Result<void> reconcile(const knd::Call&, std::span<const knd::Binding> live,
                           knd::LostSink& sink) {
        std::set<std::string> known;
        for (const auto& binding : live) {
            const auto slot = slot_of(binding);
            known.insert(slot.filename().string());
            if (!fs::exists(slot)) sink.lost(binding, "its slot " + slot.string() + " is gone");
        }
        std::error_code failure;
        for (const auto& entry : fs::directory_iterator(slots_, failure)) {
            if (known.contains(entry.path().filename().string())) continue;
            host_.info("freeing " + entry.path().string() + ", which no claim has");
            fs::remove(entry.path(), failure);
        }
        if (failure) return Error::from_errno(slots_.string(), failure.value());
        return sink.status();
    }

    void on_ready(int fd) {
        alignas(inotify_event) char events[4096];
        while (::read(fd, events, sizeof events) > 0) {
        }
        host_.health_changed();
    }

  private:
    std::string set() const { return std::string(host_.instance()); }
    std::string name(const std::string& what) const { return set() + "-" + what; }
    std::string key(const std::string& what) const { return "example.com/" + name(what); }
    int parent_index() const { return static_cast<int>(::if_nametoindex(parent_.c_str())); }

    static Result<Settings> read(const knd::PrepareRequest& request) {
        Settings settings;
        KND_TRY_ASSIGN(settings.mode, request.config.string("mode", "bridge"));
        KND_TRY_ASSIGN(settings.mac, request.config.string("mac"));
        KND_TRY_ASSIGN(settings.extras, request.config.boolean("extras"));
        KND_TRY_ASSIGN(settings.trusted, request.class_config.boolean("trusted"));
        KND_TRY_ASSIGN(const bool wished, request.config.boolean("trusted"));
        if (wished != settings.trusted) {
            return Error(Code::kInvalidArgument, "`trusted` is for the DeviceClass to say");
        }
        const auto& mode = settings.mode;
        if (mode != "bridge" && mode != "private" && mode != "vepa") {
            return Error(Code::kInvalidArgument,
                         "`mode` is \"" + mode + "\", must be bridge, private or vepa");
        }
        return settings;
    }

    /// Eight hex digits that are the same for a binding each time (FNV-1a).
    static std::string tag(const knd::Binding& binding) {
        std::uint32_t hash = 2166136261u;
        for (const auto part : {binding.claim_uid, binding.device, binding.share_id}) {
            for (const char c : part)
                hash = (hash ^ static_cast<unsigned char>(c)) * 16777619u;
            hash *= 16777619u;
        }
        char text[9];
        std::snprintf(text, sizeof text, "%08x", hash);
        return text;
    }
    /// "tap-a-part-0.1f2e3d4c": without the uid, which may be of any length.
    fs::path slot_of(const knd::Binding& binding) const {
        const bool known = devices_.contains(binding.device);
        return slots_ / ((known ? std::string(binding.device) : "unknown") + "." + tag(binding));
    }

    static void add_extras(const fs::path& slot, knd::EffectsSink& effects) {
        effects
            .device_node({.path = "/dev/zero",
                          .mode = 0640,
                          .container_path = "/dev/tapnic",
                          .access = "r",
                          .gid = 4242})
            .mount({.source = slot.string(),
                    .destination = "/run/tapnic/slot",
                    .read_only = true,
                    .options = "nosuid,nodev,noexec"})
            // Not above the limit of the machine: only CAP_SYS_RESOURCE raises that.
            .rlimit("RLIMIT_MEMLOCK", 65536, 1048576);
    }

    Result<void> watch_health() {
        if (health_.empty()) return {};
        changes_ = knd::Fd(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
        const auto directory =
            health_.parent_path();  // editors put a new file in an old one's place
        constexpr auto kEvents = IN_CLOSE_WRITE | IN_MOVED_TO | IN_DELETE;
        if (::inotify_add_watch(changes_.get(), directory.c_str(), kEvents) < 0) {
            return Error::from_errno(directory.string(), errno);
        }
        return host_.watch(changes_.get());
    }

    knd::Host host_;
    std::string parent_;
    std::int64_t parts_ = 2;
    std::int64_t bandwidth_ = 10;
    fs::path health_;
    fs::path slots_;
    std::set<std::string, std::less<>> devices_;
    knd::Fd changes_;
    std::int64_t prepared_ = 0;
};

}  // namespace

KND_EXPORT_BACKEND(Tapnic, kDescriptor)
