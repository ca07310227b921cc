// SPDX-License-Identifier: Apache-2.0
//
// BackendKeeper: backends from their first start on. One that fails is started again, one that is
// late or comes back is told which claims live, and what each has is in the inventory.
//
// A backend may take long, or hang: nobody else waits for it. Pods that use other devices, and the
// ends of all pods, are served meanwhile.
//
// Threads: domain thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <vector>

#include "host/plugin/backend.hpp"

namespace knd {

class Claims;
class Inventory;

class BackendKeeper {
  public:
    struct Options {
        /// How long all wait for the slowest backend.
        std::chrono::milliseconds patience{1000};
        /// Between two starts of a backend that has failed: doubled each time.
        std::chrono::milliseconds first_restart{1000};
        std::chrono::milliseconds last_restart{60'000};
    };

    /// All arguments are borrowed. Takes over the callbacks of `backends`.
    BackendKeeper(boost::asio::io_context& io, Options options,
                  const std::vector<Backend*>& backends, Inventory& inventory, Claims& claims);
    ~BackendKeeper();

    /// Starts all backends and recovers the claims.
    void start();
    /// Nothing is started, listed or reported any more.
    void stop();

    /// Lists all of them.
    void list_all();
    /// The claims hold other devices than before.
    void held_changed();

    /// Once: on_listed has run, or the patience is over. The kubelet and pods may come.
    std::function<void()> on_ready;
    /// Once: the claims are recovered, and each backend has been listed or will not be soon. Slices
    /// that are written before would withdraw the devices of a backend that is just late.
    std::function<void()> on_listed;

  private:
    struct Kept;

    void started(Kept& kept, const Result<void>& result);
    void start_failed(Kept& kept, const Error& error);
    void start_again(Kept& kept);
    void state_changed(Kept& kept);
    void withdraw(Kept& kept);
    void recover();
    void ready();
    void list(Kept& kept);
    void settle(Kept& kept);
    void look_around();

    Options options_;
    Inventory& inventory_;
    Claims& claims_;
    std::vector<std::unique_ptr<Kept>> kept_;
    boost::asio::steady_timer patience_;
    bool recovering_ = false;
    bool recovered_ = false;
    bool ready_ = false;
    bool listed_ = false;
    bool stopping_ = false;
};

}  // namespace knd
