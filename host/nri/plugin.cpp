// SPDX-License-Identifier: Apache-2.0
#include "host/nri/plugin.hpp"

#include <sys/random.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <cctype>
#include <utility>

#include "host/model/log.hpp"
#include "host/nri/session.hpp"
#include "host/nri/unix_socket.hpp"

namespace knd::nri {
namespace {

/// Drivers of a whole cluster restart together with their runtimes; they must not retry in step.
std::uint32_t random_seed() {
    std::uint32_t seed = 0;
    if (::getrandom(&seed, sizeof seed, GRND_NONBLOCK) != sizeof seed)
        seed =
            static_cast<std::uint32_t>(std::chrono::steady_clock::now().time_since_epoch().count());
    return seed;
}

Result<> check(const PluginOptions& options) {
    const auto allowed = [](char c) {
        return std::isalnum(static_cast<unsigned char>(c)) ||
               std::string_view("_.+-").find(c) != std::string_view::npos;
    };
    if (options.name.empty() || !std::all_of(options.name.begin(), options.name.end(), allowed))
        return Error(Code::kInvalidArgument, "NRI plugin name '" + options.name +
                                                 "': use letters, digits and _ . + - only");
    const auto digit = [](char c) { return c >= '0' && c <= '9'; };
    if (options.index.size() != 2 || !digit(options.index[0]) || !digit(options.index[1]))
        return Error(Code::kInvalidArgument,
                     "NRI plugin index '" + options.index + "': must be two digits, such as 10");
    return {};
}

}  // namespace

Plugin::Plugin(boost::asio::io_context& io, PluginOptions options, PodService& service,
               PluginObserver& observer)
    : io_(io),
      options_(std::move(options)),
      service_(service),
      observer_(observer),
      retry_(io),
      retry_delay_(options_.retry_min),
      jitter_(random_seed()) {}

Plugin::~Plugin() {
    stop();
}

Result<> Plugin::start() {
    KND_TRY(check(options_));
    running_ = std::make_shared<int>(0);
    connect();
    return {};
}

void Plugin::stop() {
    running_.reset();
    retry_.cancel();
    disconnect();
}

void Plugin::disconnect() {
    if (!session_) return;
    session_->close();
    // Let go of later: this may be a call out of that very session.
    boost::asio::post(io_, [session = std::exchange(session_, nullptr)] {});
    if (std::exchange(connected_, false)) observer_.connection_changed(false);
}

void Plugin::connect() {
    auto socket = connect_unix(options_.socket_path);
    if (!socket) {
        report_down(socket.error());
        return retry_later();
    }
    session_ = std::make_shared<Session>(io_, *this, *std::move(socket));
    session_->start();
}

void Plugin::retry_later() {
    std::uniform_int_distribution<std::int64_t> spread(0, retry_delay_.count() / 2);
    retry_.expires_after(retry_delay_ + std::chrono::milliseconds(spread(jitter_)));
    retry_delay_ = std::min(retry_delay_ * 2, options_.retry_max);
    retry_.async_wait([this, running = std::weak_ptr(running_)](boost::system::error_code ec) {
        if (!ec && !running.expired()) connect();
    });
}

/// Once for each new reason, not once for each attempt.
void Plugin::report_down(const Error& error) {
    if (std::exchange(last_error_, error.message()) == error.message()) return;
    log::warn(
        "no connection to the container runtime (NRI): pods start without their devices "
        "unless the runtime requires this plugin",
        {{"path", options_.socket_path}, {"error", error.message()}});
}

void Plugin::session_ready() {
    retry_delay_ = options_.retry_min;
    last_error_.clear();
    log::info(
        "connected to the container runtime (NRI)",
        {{"path", options_.socket_path}, {"version", runtime_.name + " " + runtime_.version}});
    if (!std::exchange(connected_, true)) observer_.connection_changed(true);
}

void Plugin::session_lost(const Error& error) {
    disconnect();
    report_down(error);
    retry_later();
}

}  // namespace knd::nri
