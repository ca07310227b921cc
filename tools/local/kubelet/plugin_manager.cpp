// SPDX-License-Identifier: Apache-2.0
#include "tools/local/kubelet/plugin_manager.hpp"

#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <cstring>
#include <system_error>
#include <utility>

#include "host/model/log.hpp"

namespace knd::local {
namespace {

constexpr auto kLongestDelay = std::chrono::milliseconds(122'000);
constexpr auto kDialInterval = std::chrono::milliseconds(50);

bool is_socket(const std::string& path) {
    struct stat status {};
    return stat(path.c_str(), &status) == 0 && S_ISSOCK(status.st_mode);
}

/// 0, or the errno of connect().
int try_connect(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) return ENAMETOOLONG;
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    const Fd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd) return errno;
    if (connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) return 0;
    return errno;
}

std::string join(const std::vector<std::string>& texts) {
    std::string result;
    for (const auto& text : texts)
        result.append(result.empty() ? "" : " ").append(text);
    return result;
}

/// The API version that the plugin prefers among those known here; empty: none.
std::string choose_api(const std::vector<std::string>& versions) {
    for (const auto& version : versions) {
        if (version == "v1.DRAPlugin") return "v1";
        if (version == "v1beta1.DRAPlugin") return "v1beta1";
    }
    return {};
}

}  // namespace

Result<std::unique_ptr<PluginManager>> PluginManager::open(boost::asio::io_context& io,
                                                           Options options, Changed changed) {
    std::error_code error;
    std::filesystem::create_directories(options.registry, error);
    if (error) return Error::from_errno("create " + options.registry.string(), error.value());
    Fd inotify(inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    // Only unlink counts as removal: a socket that is renamed away is not noticed, as in kubelet.
    if (!inotify || inotify_add_watch(inotify.get(), options.registry.c_str(),
                                      IN_CREATE | IN_MOVED_TO | IN_DELETE) < 0)
        return Error::from_errno("watch " + options.registry.string(), errno);
    std::unique_ptr<PluginManager> manager(
        new PluginManager(io, std::move(options), std::move(changed), std::move(inotify)));
    manager->read_events();
    for (const auto& entry : std::filesystem::directory_iterator(manager->options_.registry, error))
        manager->appeared(entry.path().filename());
    return manager;
}

PluginManager::PluginManager(boost::asio::io_context& io, Options options, Changed changed,
                             Fd inotify)
    : io_(io),
      options_(std::move(options)),
      changed_(std::move(changed)),
      inotify_(io, inotify.release()),
      buffer_(16 * 1024),
      loop_(io) {}

PluginManager::~PluginManager() {
    *alive_ = false;
}

void PluginManager::read_events() {
    inotify_.async_read_some(
        boost::asio::buffer(buffer_),
        [this, alive = alive_](const boost::system::error_code& error, std::size_t count) {
            if (error || !*alive) return;
            handle({buffer_.data(), count});
            read_events();
        });
}

void PluginManager::handle(std::string_view buffer) {
    while (buffer.size() >= sizeof(inotify_event)) {
        inotify_event event;
        std::memcpy(&event, buffer.data(), sizeof event);
        // The name is padded with zeros to `len`.
        const std::string name(buffer.data() + sizeof event);
        buffer.remove_prefix(sizeof event + event.len);
        if ((event.mask & IN_DELETE) != 0) {
            vanished(name);
        } else {
            appeared(name);
        }
    }
}

PluginManager::Socket* PluginManager::current(const std::string& name, std::uint64_t generation) {
    const auto found = sockets_.find(name);
    if (found == sockets_.end() || found->second.generation != generation) return nullptr;
    return &found->second;
}

void PluginManager::after(std::chrono::milliseconds delay, std::function<void()> action) {
    auto timer = std::make_shared<boost::asio::steady_timer>(io_, delay);
    timer->async_wait([timer, alive = alive_,
                       action = std::move(action)](const boost::system::error_code& error) {
        if (!error && *alive) action();
    });
}

void PluginManager::appeared(const std::string& name) {
    if (name.empty() || name.front() == '.' || !is_socket(path(name))) return;
    vanished(name);  // made again: the old registration ends before the new one starts
    auto& socket = sockets_[name];
    socket.generation = ++counter_;
    dial(name, socket.generation, std::chrono::steady_clock::now() + options_.dial_timeout);
}

void PluginManager::vanished(const std::string& name) {
    auto node = sockets_.extract(name);
    if (node.empty() || node.mapped().registered == 0) return;
    const auto driver = node.mapped().plugin->info().name;
    log::info("a DRA plugin is gone", {{"path", path(name)}, {"backend", driver}});
    node.mapped().plugin.reset();
    changed_(driver);
}

void PluginManager::try_later(const std::string& name, std::uint64_t generation) {
    auto* socket = current(name, generation);
    if (socket == nullptr) return;
    socket->delay = std::clamp(socket->delay * 2, options_.retry_delay, kLongestDelay);
    after(socket->delay, [this, name, generation] {
        if (current(name, generation) == nullptr) return;
        dial(name, generation, std::chrono::steady_clock::now() + options_.dial_timeout);
    });
}

void PluginManager::dial(const std::string& name, std::uint64_t generation,
                         std::chrono::steady_clock::time_point give_up) {
    if (current(name, generation) == nullptr) return;
    // A bound socket is visible before listen(): a refused connection gets more time.
    const int error = try_connect(path(name));
    if (error == 0) return ask(name, generation);
    if (std::chrono::steady_clock::now() < give_up && error != ENOENT)
        return after(kDialInterval,
                     [this, name, generation, give_up] { dial(name, generation, give_up); });
    log::warn("a plugin socket cannot be reached",
              {{"path", path(name)}, {"error", std::strerror(error)}});
    try_later(name, generation);
}

void PluginManager::ask(const std::string& name, std::uint64_t generation) {
    get_plugin_info(loop_, path(name),
                    [this, alive = alive_, name, generation](Result<PluginInfo> info) {
                        if (!*alive || current(name, generation) == nullptr) return;
                        if (info.ok()) return consider(name, generation, *info);
                        log::warn("a plugin does not say who it is",
                                  {{"path", path(name)}, {"error", info.error().message()}});
                        try_later(name, generation);
                    });
}

void PluginManager::consider(const std::string& name, std::uint64_t generation,
                             const PluginInfo& info) {
    const auto api = choose_api(info.versions);
    std::string refusal;
    if (info.type != "DRAPlugin") {
        refusal =
            "no handler registered for plugin type: " + info.type + " at socket " + path(name);
    } else if (info.name.empty()) {
        refusal = "failed to validate plugin: name is empty";
    } else if (api.empty()) {
        refusal = "none of the DRA gRPC interfaces are supported: the plugin offers [" +
                  join(info.versions) + "], the kubelet [v1.DRAPlugin v1beta1.DRAPlugin]";
    }
    if (!refusal.empty()) {
        log::warn("a plugin is refused", {{"path", path(name)}, {"error", refusal}});
        notify(name, refusal);
        return try_later(name, generation);
    }
    auto& socket = *current(name, generation);
    auto used = info;
    if (used.endpoint.empty()) used.endpoint = path(name);
    socket.delay = {};
    socket.registered = ++counter_;
    socket.plugin = std::make_unique<DraPlugin>(loop_, std::move(used), api,
                                                [this, driver = info.name] { changed_(driver); });
    log::info("a DRA plugin is registered",
              {{"path", path(name)}, {"backend", info.name}, {"version", api}});
    notify(name, "");
    changed_(info.name);
}

void PluginManager::notify(const std::string& name, const std::string& error) {
    notify_registration(loop_, path(name), error, [where = path(name)](Result<> told) {
        if (!told.ok())
            log::warn("a plugin does not take the news of its registration",
                      {{"path", where}, {"error", told.error().message()}});
    });
}

DraPlugin* PluginManager::plugin(const std::string& driver) {
    const Socket* best = nullptr;
    for (const auto& [name, socket] : sockets_) {
        if (socket.registered == 0 || socket.plugin->info().name != driver) continue;
        const auto rank = [](const Socket& s) {
            return std::pair(s.plugin->connected(), s.registered);
        };
        if (best == nullptr || rank(*best) < rank(socket)) best = &socket;
    }
    return best == nullptr ? nullptr : best->plugin.get();
}

bool PluginManager::usable(const std::string& driver) {
    const auto* found = plugin(driver);
    return found != nullptr && found->connected();
}

std::vector<std::string> PluginManager::drivers() const {
    std::set<std::string> names;
    for (const auto& [name, socket] : sockets_) {
        if (socket.registered != 0) names.insert(socket.plugin->info().name);
    }
    return {names.begin(), names.end()};
}

}  // namespace knd::local
