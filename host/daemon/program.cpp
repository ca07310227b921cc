// SPDX-License-Identifier: Apache-2.0
//
// kndd's command line and its life between the first line of main and the last.
#include <malloc.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <cstdio>

#include "host/daemon/daemon.hpp"
#include "host/inventory/filter.hpp"
#include "host/model/log.hpp"
#include "host/plugin/crash_notes.hpp"

/// libcurl brings GnuTLS along, for a protocol that is never spoken here. It makes itself ready as
/// soon as it is loaded, which takes 1 MiB, unless the program has this function (gnutls.h:
/// GNUTLS_SKIP_GLOBAL_INIT). A backend that uses it calls gnutls_global_init().
extern "C" int _gnutls_global_init_skip() {  // NOLINT: GnuTLS calls it by this name
    return 1;
}

/// A library that ends the process without exit() runs no hook of ours, and would look as if
/// somebody had killed the daemon from outside. It finds these before the C library's, because kndd
/// exports them (CMakeLists.txt).
extern "C" [[noreturn]] void _exit(int status) {  // NOLINT: the C library's names
    knd::plugin::note_exit();
    ::syscall(SYS_exit_group, status);
    __builtin_unreachable();
}
extern "C" [[noreturn]] void _Exit(int status) noexcept {  // NOLINT
    _exit(status);
}

namespace knd {
namespace {

std::string environment(const char* name) {
    const char* value = std::getenv(name);
    return value != nullptr ? value : "";
}

std::string host_name() {
    char name[256] = {};
    return ::gethostname(name, sizeof name - 1) == 0 ? name : "";
}

/// Everything about the file that can be judged without touching the machine.
Result<Config> read_config(const std::string& path) {
    KND_TRY_ASSIGN(auto config, load_config(path));
    KND_TRY(resolve_config(config, environment("NODE_NAME"), host_name()));
    KND_TRY(make_device_filter(config.inventory.filter, config.driver.name));
    return config;
}

int check_config(const std::string& path) {
    const auto config = read_config(path);
    if (!config) {
        std::fprintf(stderr, "%s\n", config.error().message().c_str());
        return 1;
    }
    std::printf("%s is valid: driver %s, node %s, %zu backends\n", path.c_str(),
                config->driver.name.c_str(), config->driver.node.c_str(), config->backends.size());
    return 0;
}

int serve(const std::string& path, StepObserver& observer) {
    auto config = read_config(path);
    if (!config) {
        log::error("cannot start", {{"error", config.error().message()}});
        return 1;
    }
    log::set_level(config->log.level);
    boost::asio::io_context io(1);
    auto opened = Daemon::open(io, *std::move(config), observer);
    if (!opened) {
        log::error("cannot start", {{"error", opened.error().message()}});
        return 1;
    }
    auto daemon = *std::move(opened);
    boost::asio::signal_set signals(io, SIGTERM, SIGINT);
    signals.async_wait([&](boost::system::error_code error, int number) {
        if (error) return;
        log::info("stopping", {{"signal", number}});
        daemon->stop([&] { io.stop(); });
        // A second signal means now.
        signals.async_wait([&](boost::system::error_code again, int) {
            if (!again) io.stop();
        });
    });
    daemon->start();
    io.run();
    daemon.reset();
    log::info("stopped");
    return 0;
}

}  // namespace

int run_kndd(int argc, char** argv, StepObserver& observer) {
    std::string path = "/etc/knd/kndd.toml";
    std::string check;
    CLI::App app{"kndd: the Kubernetes Network Driver of this node"};
    app.add_option("--config", path, "configuration file")->capture_default_str();
    app.add_option("--check-config", check, "read this file, say what is wrong with it, and exit");
    app.set_version_flag("--version", std::string("kndd " KND_VERSION));
    CLI11_PARSE(app, argc, argv);
    // A peer that closes its socket is an error code, not the end.
    ::signal(SIGPIPE, SIG_IGN);
    plugin::install_crash_handlers();
    // Lists of devices are made on one thread and kept by another. With an arena for each of the 17
    // threads, a thousand devices leave 9 MiB of holes; nothing here is in a hurry to allocate.
    ::mallopt(M_ARENA_MAX, 2);
    return check.empty() ? serve(path, observer) : check_config(check);
}

}  // namespace knd
