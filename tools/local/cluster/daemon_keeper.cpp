// SPDX-License-Identifier: Apache-2.0
#include "tools/local/cluster/daemon_keeper.hpp"

#include <fcntl.h>
#include <signal.h>

#include <algorithm>
#include <utility>

#include "host/model/log.hpp"
#include "host/model/text_file.hpp"

namespace knd::local {
namespace {

constexpr auto kGrace = std::chrono::milliseconds(10'000);

}  // namespace

DaemonKeeper::DaemonKeeper(boost::asio::io_context& io, DaemonOptions options)
    : io_(io), options_(std::move(options)), timer_(io) {}

void DaemonKeeper::start() {
    if (const auto record = read_text_file(options_.record); record.ok()) {
        if (const auto json = parse_json(*record); json.ok())
            end_process(ProcessId::from_json(*json), kGrace);
    }
    launch();
}

Result<Child> DaemonKeeper::spawn_daemon() const {
    SpawnOptions spawned;
    spawned.argv = options_.argv;
    spawned.env = options_.env;
    spawned.netns = options_.netns;
    spawned.own_sysfs = true;
    spawned.dies_with_parent = true;
    const auto open_log = [&] {
        return Fd(open(options_.log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
    };
    spawned.output = open_log();
    spawned.errors = open_log();
    if (!spawned.errors) return Error::from_errno("open " + options_.log.string(), errno);
    return spawn(spawned);
}

void DaemonKeeper::launch() {
    started_ = std::chrono::steady_clock::now();
    auto child = spawn_daemon();
    if (!child.ok()) return ended(child.error().message());
    process_ = child->id;
    watch_ = std::make_unique<ExitWatch>(io_, std::move(child->pidfd),
                                         [this](Exit exit) { ended(exit.text()); });
    if (auto written = replace_text_file(options_.record, to_text(process_.json())); !written.ok())
        log::warn("the process of a daemon was not noted",
                  {{"node", options_.node}, {"error", written.error().message()}});
}

void DaemonKeeper::ended(const std::string& how) {
    process_ = {};
    if (stopping_) return;
    last_end_ = how;
    if (std::chrono::steady_clock::now() - started_ > options_.settled) delay_ = {};
    delay_ = std::clamp(delay_ * 2, options_.first_delay, options_.longest_delay);
    log::warn("kndd has ended and will be started again",
              {{"node", options_.node}, {"error", how}, {"ms", delay_.count()}});
    timer_.expires_after(delay_);
    timer_.async_wait([this](const boost::system::error_code& error) {
        if (error || stopping_) return;
        ++restarts_;
        launch();
    });
}

void DaemonKeeper::stop() {
    stopping_ = true;
    timer_.cancel();
    process_.signal(SIGTERM);
}

void DaemonKeeper::wait() {
    watch_.reset();
    end_process(process_, kGrace);
}

Json DaemonKeeper::status() const {
    return {{"pid", process_.pid}, {"restarts", restarts_}, {"lastEnd", last_end_}};
}

}  // namespace knd::local
