// SPDX-License-Identifier: Apache-2.0
//
// Runs a controller's work once after any number of changes, which is all that a level-triggered
// controller on one machine needs.
//
// Threads: the io_context's.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <vector>

#include "tools/local/api/store.hpp"

namespace knd::local {

class Trigger {
  public:
    /// `work` is first run for what exists already. FAILED when a watch cannot be started.
    static Result<std::unique_ptr<Trigger>> start(boost::asio::io_context& io, api::Store& store,
                                                  const std::vector<api::Resource>& resources,
                                                  std::function<void()> work);
    ~Trigger();
    Trigger(const Trigger&) = delete;
    Trigger& operator=(const Trigger&) = delete;

    /// Run soon.
    void fire();

  private:
    Trigger(boost::asio::io_context& io, std::function<void()> work)
        : io_(io), work_(std::move(work)) {}

    boost::asio::io_context& io_;
    std::function<void()> work_;
    std::vector<api::Watch> watches_;
    bool pending_ = false;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // shared with what is posted
};

}  // namespace knd::local
