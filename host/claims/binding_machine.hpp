// SPDX-License-Identifier: Apache-2.0
//
// BindingMachine: takes each binding from its state towards its target.
//
//   prepared ──target──▶ attaching ──configured──▶ attached
//      ▲                     │ failed                 │ no target, or another sandbox
//      │ returned            ▼                        ▼
//      └──────────────── detaching ◀──────────────────┘
//
//   failed is prepared with a reason: the last attach was undone. From these two, and after the
//   return, ending ──▶ releasing ──▶ forgotten.
//
// Each arrow is a journey: a list of steps, in binding_machine.cpp, that is read from top to
// bottom. Every state but `attached` and `releasing` is safe to read as "return it to the host",
// which is all that a restart needs to know.
//
// Threads: domain thread; steps in the kernel run on a worker.
// Failure: of an attach: undone, state `failed`. Of a return or a release: tried again after a
// pause
//          that doubles; the owner is told each time.
#pragma once

#include <functional>
#include <memory>
#include <span>
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
        virtual void on_attached(Binding& binding) = 0;
        /// record.reason says why; the device returns next, if it had left at all.
        virtual void on_attach_failed(Binding& binding) = 0;
        /// Forgotten, from the table and from the journal.
        virtual void on_released(const BindingRecord& record) = 0;
        /// It would not return, or would not be released; it is tried again later.
        virtual void on_stuck(Binding& binding, const Error& error) = 0;
    };

    /// All are borrowed.
    BindingMachine(const ClaimsOptions& options, const ClaimsPorts& ports, BindingTable& bindings,
                   const ClaimFiles& files, Listener& listener);

    /// Call it whenever a target has changed. Starts no journey while another one is under way.
    void advance(Binding& binding);
    /// Keeps the namespace that the device is in alive, if it still is, until the device returns.
    void pin(Binding& binding);
    /// Everything that a claim holds returns, is released and forgotten.
    void end_claim(const std::vector<Binding*>& bindings);
    /// Runs `done` when no journey is under way; pauses before another try do not count.
    void drain(std::function<void()> done);

  private:
    /// One step, and the marked point that follows it (empty: none). `next` takes an error that
    /// ends the journey.
    struct Step {
        void (BindingMachine::*run)(Binding& binding, Done<> next);
        std::string_view done;
    };
    struct Journey {
        std::string_view begun;  ///< the marked point before the first step
        std::span<const Step> steps;
        void (BindingMachine::*arrived)(Binding& binding);
        void (BindingMachine::*failed)(Binding& binding, const Error& error);
    };
    static const Step kAttachSteps[], kReturnSteps[], kReleaseSteps[];
    static const Journey kAttach, kReturn, kRelease;

    void begin(Binding& binding, const Journey& journey);
    void go_on(Binding& binding, const Journey& journey, std::size_t step);
    void end(Binding& binding);
    void finish_journey();

    // Into the pod.
    void check_may_leave(Binding& binding, Done<> next);
    void renew_lost(Binding& binding, Done<> next);
    void survey(Binding& binding, Done<> next);
    void keep_namespace(Binding& binding, Done<> next);
    void note_attaching(Binding& binding, Done<> next);
    void move_in(Binding& binding, Done<> next);
    void attach_backend(Binding& binding, Done<> next);
    void configure_made(Binding& binding, Done<> next);
    void write_metadata(Binding& binding, Done<> next);
    void note_attached(Binding& binding, Done<> next);
    void attached(Binding& binding);
    void attach_failed(Binding& binding, const Error& error);
    void renew(Binding& binding, const std::string& lost, Done<> next);

    // Back to the host.
    void drop_namespace(const Binding& binding);
    void note_detaching(Binding& binding, Done<> next);
    void detach_backend(Binding& binding, Done<> next);
    void move_out(Binding& binding, Done<> next);
    void note_returned(Binding& binding, Done<> next);
    void returned(Binding& binding);

    // The end.
    void note_releasing(Binding& binding, Done<> next);
    void unprepare(Binding& binding, Done<> next);
    void forget(Binding& binding, Done<> next);
    void released(Binding& binding);

    void try_again_later(Binding& binding, const Error& error);
    void commit(Binding& binding, BindingState state, Done<> done);
    void mark(std::string_view step, const Binding& binding) const;
    StepHook step_hook(const Binding& binding) const;
    Backend::Binding backend_binding(const Binding& binding) const;
    Backend::Attachment attachment(const Binding& binding) const;
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
