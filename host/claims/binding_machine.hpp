// SPDX-License-Identifier: Apache-2.0
//
// BindingMachine: takes each binding from its state one step towards its goal, journals it, looks again.
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

#include "host/claims/binding_table.hpp"
#include "host/claims/claim_files.hpp"
#include "host/claims/options.hpp"

namespace knd {

class BindingMachine {
  public:
    class Listener {
      public:
        virtual ~Listener() = default;
        virtual void on_attached(Binding& held) = 0;
        /// record.reason says why; the device goes home next, if it had left at all.
        virtual void on_attach_failed(Binding& held) = 0;
        /// Forgotten, from the table and from the journal.
        virtual void on_released(const BindingRecord& record) = 0;
        /// It would not go home, or would not be released; it is tried again later.
        virtual void on_stuck(Binding& held, const Error& error) = 0;
    };

    /// All are borrowed.
    BindingMachine(const ClaimsOptions& options, const ClaimsPorts& ports, BindingTable& bindings,
              const ClaimFiles& files, Listener& listener);

    /// Call it whenever a goal has changed. Takes no step while another one is under way.
    void advance(Binding& held);
    /// Keeps the namespace that the device is in alive, if it still is, until the device is home.
    void pin(Binding& held);
    /// Everything that a claim holds goes home, is released and forgotten.
    void end_claim(const std::vector<Binding*>& held);
    /// Runs `done` when no step is under way; pauses before another try do not count.
    void drain(std::function<void()> done);

  private:
    void from_rest(Binding& held);
    void from_attached(Binding& held);

    void attach(Binding& held);
    enum class Renewal { kPossible, kDone };
    void survey(Binding& held, Renewal renewal);
    void renew(Binding& held, const Error& lost);
    void renewed(Binding& held, Result<Effects> effects);
    void surveyed(Binding& held, Result<DeviceMover::Survey> survey);
    void move_in(Binding& held);
    void moved_in(Binding& held, Result<AttachedFacts> facts);
    void backend_attached(Binding& held, Result<void> result);
    void refuse(Binding& held, const Error& error);
    void fail(Binding& held, const Error& error);

    void bring_home(Binding& held);
    void backend_detach(Binding& held);
    void move_out(Binding& held);
    void moved_out(Binding& held, Result<Detached> result);
    void came_home(Binding& held);

    void release(Binding& held);
    void unprepare(Binding& held);
    void forget(Binding& held);

    void begin(Binding& held);
    void end(Binding& held);
    void finish_step();
    void stuck(Binding& held, const Error& error);
    void commit(Binding& held, BindingState state, std::function<void(Binding&, Result<void>)> then);
    void step(std::string_view name, const Binding& held) const;
    StepHook step_hook(const Binding& held) const;
    Backend::Binding backend_binding(const Binding& held) const;
    Backend::Deadline backend_deadline() const;

    template <class Function>
    auto while_alive(Function function) const;
    template <class Work, class Then>
    void on_worker(Work work, Then then);

    const ClaimsOptions& options_;
    const ClaimsPorts& ports_;
    BindingTable& bindings_;
    const ClaimFiles& files_;
    Listener& listener_;
    int running_ = 0;
    std::vector<std::function<void()>> drained_;
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);  ///< answers that come later look at it
};

}  // namespace knd
