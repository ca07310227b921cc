// SPDX-License-Identifier: Apache-2.0
//
// PoolWriter: carries out one PoolPlan: deletes, then updates, then creates, several requests at a
// time within each kind. A plan that stops half-way leaves an incomplete pool, which consumers
// skip.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "host/dra/slice.hpp"
#include "host/kube/client.hpp"

namespace knd::dra {

/// Threads: the domain thread.
class PoolWriter : public std::enable_shared_from_this<PoolWriter> {
  public:
    struct Target {
        kube::Resource slices;
        std::string version;
        SliceOwner owner;
        std::string pool;
        std::size_t parallel = 8;
    };
    struct Handlers {
        std::function<void(const SliceWrite& sent, StoredSlice stored)> wrote;
        std::function<void(const StoredSlice& slice)> removing;
        std::function<void(const StoredSlice& slice, bool gone)> removed;
        /// The server holds something else under this name than we think.
        std::function<void(const std::string& name)> conflict;
        /// Called once, last. With the first failure, after which nothing new is sent.
        std::function<void(Result<>)> finished;
    };

    /// `alive`: no handler is called once it has expired.
    static void run(kube::Client& client, Target target, PoolPlan plan, std::weak_ptr<void> alive,
                    Handlers handlers);

  private:
    enum class Phase { kDelete, kUpdate, kCreate, kDone };

    PoolWriter(kube::Client& client, Target target, PoolPlan plan, std::weak_ptr<void> alive,
               Handlers handlers);
    void advance();
    std::size_t size_of_phase() const;
    void send_next();
    void send_delete(const StoredSlice& slice);
    void send_write(const SliceWrite& write);
    void take_object(const SliceWrite& write, const Result<Json>& object);
    void ended(const Result<>& result, const std::string& name);

    kube::Client& client_;
    const Target target_;
    const PoolPlan plan_;
    const std::weak_ptr<void> alive_;
    const Handlers handlers_;
    Phase phase_ = Phase::kDelete;
    std::size_t next_ = 0;
    std::size_t running_ = 0;
    Result<> result_;
};

}  // namespace knd::dra
