// SPDX-License-Identifier: Apache-2.0
//
// Lifecycle: takes each binding from its state one step towards its goal, journals it, looks again.
//
//   prepared ──wanted──▶ attaching ──configured──▶ attached
//      ▲                     │ failed                 │ not wanted, or by another sandbox
//      │ home                ▼                        ▼
//      └──────────────── detaching ◀──────────────────┘
//
//   failed is prepared with a reason: the last attach was undone. From these two and from the way
//   home, ending ──▶ releasing ──▶ forgotten.
//
// Every state but `attached` and `releasing` is safe to read as "bring it home", which is all that
// a restart needs to know.
//
// Threads: domain thread.
// Failure: of an attach: undone, state `failed`. Of the way home or a release: tried again after a
//          pause that doubles; the owner is told each time.
#pragma once

#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "host/claims/bindings.hpp"
#include "host/claims/claim_files.hpp"
#include "host/claims/options.hpp"

namespace knd {

class Lifecycle {
  public:
    class Listener {
      public:
        virtual ~Listener() = default;
        virtual void on_attached(Held& held) = 0;
        /// record.reason says why; the device goes home next, if it had left at all.
        virtual void on_attach_failed(Held& held) = 0;
        /// Forgotten, from the table and from the journal.
        virtual void on_released(const BindingRecord& record) = 0;
        /// It would not go home, or would not be released; it is tried again later.
        virtual void on_stuck(Held& held, const Error& error) = 0;
    };

    /// All are borrowed.
    Lifecycle(const ClaimsOptions& options, const ClaimsPorts& ports, Bindings& bindings,
              const ClaimFiles& files, Listener& listener);

    /// Call it whenever a goal has changed. Takes no step while another one is under way.
    void advance(Held& held);
    /// Keeps the namespace that the device is in alive, if it still is, until the device is home.
    void pin(Held& held);
    /// Everything that a claim holds goes home, is released and forgotten.
    void end_claim(const std::vector<Held*>& held);
    /// Runs `done` when no step is under way; pauses before another try do not count.
    void drain(std::function<void()> done);

  private:
    void from_rest(Held& held);
    void from_attached(Held& held);

    void attach(Held& held);
    enum class Renewal { kPossible, kDone };
    void survey(Held& held, Renewal renewal);
    void renew(Held& held, const Error& lost);
    void renewed(Held& held, Result<Effects> effects);
    void surveyed(Held& held, Result<DeviceMover::Survey> survey);
    void move_in(Held& held);
    void moved_in(Held& held, Result<AttachedFacts> facts);
    void backend_attached(Held& held, Result<void> result);
    void refuse(Held& held, const Error& error);
    void fail(Held& held, const Error& error);

    void bring_home(Held& held);
    void backend_detach(Held& held);
    void move_out(Held& held);
    void moved_out(Held& held, Result<Detached> result);
    void came_home(Held& held);

    void release(Held& held);
    void unprepare(Held& held);
    void forget(Held& held);

    void begin(Held& held);
    void end(Held& held);
    void finish_step();
    void stuck(Held& held, const Error& error);
    void commit(Held& held, BindingState state, std::function<void(Held&, Result<void>)> then);
    void step(std::string_view name, const Held& held) const;
    StepHook step_hook(const Held& held) const;
    Backend::Binding backend_binding(const Held& held) const;
    Backend::Deadline backend_deadline() const;

    template <class Function>
    auto while_alive(Function function) const;
    template <class Work, class Then>
    void on_worker(Work work, Then then);

    const ClaimsOptions& options_;
    const ClaimsPorts& ports_;
    Bindings& bindings_;
    const ClaimFiles& files_;
    Listener& listener_;
    int running_ = 0;
    std::vector<std::function<void()>> drained_;
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);  ///< answers that come later look at it
};

}  // namespace knd
