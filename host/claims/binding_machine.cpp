// SPDX-License-Identifier: Apache-2.0
#include "host/claims/binding_machine.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <cassert>
#include <utility>

#include "host/claims/effects_check.hpp"
#include "host/claims/prepare_request.hpp"
#include "host/claims/sandbox_calls.hpp"
#include "host/model/log.hpp"

namespace knd {
namespace {

void set_place(BindingRecord& record, const PodSandbox& pod) {
    record.sandbox_id = pod.id;
    record.pod_uid = pod.uid;
    record.pod = pod.id.empty() ? "" : pod.text();
    record.netns_path = pod.netns;
    record.netns_id.clear();
    record.host_state = Json();
    record.attached = {};
}

bool made_by_backend(const Binding& binding) {
    const auto& netdevs = binding.record.effects.netdevs;
    return std::any_of(netdevs.begin(), netdevs.end(), [](const NetdevEffect& netdev) {
        return netdev.made && netdev.made->by_backend;
    });
}

}  // namespace

// --- the journeys
// ---------------------------------------------------------------------------------

const BindingMachine::Step BindingMachine::kAttachSteps[] = {
    {&BindingMachine::check_may_leave, ""},
    {&BindingMachine::renew_lost, ""},
    {&BindingMachine::survey, "attach.surveyed"},
    {&BindingMachine::keep_namespace, ""},
    {&BindingMachine::note_attaching, "attach.journalled"},
    {&BindingMachine::move_in, "attach.configured"},
    {&BindingMachine::attach_backend, "attach.backend"},
    {&BindingMachine::configure_made, ""},
    // Before any gate lets a container go that may read it.
    {&BindingMachine::write_metadata, "attach.metadata"},
    {&BindingMachine::note_attached, "attach.done"},
};
const BindingMachine::Step BindingMachine::kReturnSteps[] = {
    {&BindingMachine::note_detaching, "detach.journalled"},
    {&BindingMachine::detach_backend, ""},
    {&BindingMachine::move_out, "detach.home"},
    {&BindingMachine::note_returned, "detach.done"},
};
const BindingMachine::Step BindingMachine::kReleaseSteps[] = {
    {&BindingMachine::note_releasing, "release.journalled"},
    {&BindingMachine::unprepare, "release.unprepared"},
    {&BindingMachine::forget, "release.done"},
};
const BindingMachine::Journey BindingMachine::kAttach = {
    "attach.begin", kAttachSteps, &BindingMachine::attached, &BindingMachine::attach_failed};
const BindingMachine::Journey BindingMachine::kReturn = {
    "detach.begin", kReturnSteps, &BindingMachine::returned, &BindingMachine::try_again_later};
const BindingMachine::Journey BindingMachine::kRelease = {
    "release.begin", kReleaseSteps, &BindingMachine::released, &BindingMachine::try_again_later};

BindingMachine::BindingMachine(const ClaimsOptions& options, const ClaimsPorts& ports,
                               BindingTable& bindings, const ClaimFiles& files, Listener& listener)
    : options_(options), ports_(ports), bindings_(bindings), files_(files), listener_(listener) {}

// A binding that is busy is never erased, so the steps may refer to it; but the whole machine may
// be destroyed while an answer is on its way.
template <class Function>
auto BindingMachine::while_alive(Function function) const {
    return [alive = std::weak_ptr(alive_), function = std::move(function)](auto&&... args) mutable {
        if (!alive.expired()) function(std::forward<decltype(args)>(args)...);
    };
}

template <class Work, class Then>
void BindingMachine::on_worker(Work work, Then then) {
    boost::asio::post(ports_.workers, [loop = ports_.loop, work = std::move(work),
                                       then = while_alive(std::move(then))]() mutable {
        boost::asio::post(
            loop, [result = work(), then = std::move(then)]() mutable { then(std::move(result)); });
    });
}

void BindingMachine::advance(Binding& binding) {
    if (binding.busy) return;
    switch (binding.record.state) {
        case BindingState::kPrepared:
        case BindingState::kFailed:
            if (binding.record.ending) return begin(binding, kRelease);
            if (binding.target) begin(binding, kAttach);
            return;
        case BindingState::kAttached:
            if (!binding.is_at_target()) begin(binding, kReturn);
            return;
        case BindingState::kAttaching:  // a predecessor was killed in the middle of it
        case BindingState::kDetaching:
            return begin(binding, kReturn);
        case BindingState::kReleasing:
            return begin(binding, kRelease);
    }
}

void BindingMachine::begin(Binding& binding, const Journey& journey) {
    assert(!binding.busy);
    binding.busy = true;
    ++binding.try_number;
    ++running_;
    if (&journey == &kAttach) {
        set_place(binding.record, *binding.target);
        binding.record.reason.clear();
    } else if (&journey == &kReturn) {
        pin(binding);
    }
    mark(journey.begun, binding);
    go_on(binding, journey, 0);
}

void BindingMachine::go_on(Binding& binding, const Journey& journey, std::size_t step) {
    if (step == journey.steps.size()) return (this->*journey.arrived)(binding);
    const auto run = journey.steps[step].run;
    (this->*run)(binding, while_alive([this, &binding, &journey, step](const Result<void>& result) {
                     if (!result) return (this->*journey.failed)(binding, result.error());
                     if (const auto point = journey.steps[step].done; !point.empty())
                         mark(point, binding);
                     go_on(binding, journey, step + 1);
                 }));
}

/// Looks again: the target may have changed meanwhile.
void BindingMachine::end(Binding& binding) {
    binding.busy = false;
    advance(binding);
    finish_journey();
}

void BindingMachine::finish_journey() {
    if (--running_ > 0) return;
    for (auto& done : std::exchange(drained_, {}))
        done();
}

// --- into the pod
// ---------------------------------------------------------------------------------

void BindingMachine::check_may_leave(Binding& binding, Done<> next) {
    if (!binding.record.effects.exclusive()) return next({});
    next(ports_.devices.may_leave(binding.record.device));
}

void BindingMachine::renew_lost(Binding& binding, Done<> next) {
    if (binding.lost.empty()) return next({});
    renew(binding, binding.lost, std::move(next));
}

/// The claim may outlive its device: a virtual one dies with its namespace, and the kubelet starts
/// another sandbox without a word about the claim. What the backend has made once, it can make
/// again.
void BindingMachine::renew(Binding& binding, const std::string& lost, Done<> next) {
    auto* backend = ports_.devices.backend(binding.record.device.backend);
    if (backend == nullptr) return next(Error(Code::kNotFound, lost));
    log::warn("device is gone; its backend is asked for it again",
              {{"claim", binding.record.claim.text()},
               {"device", binding.record.device.name},
               {"backend", binding.record.device.backend},
               {"error", lost}});
    constexpr const char* kContext = "it is gone, and was not made again";
    auto take = [this, &binding, next](Result<Effects> effects) {
        if (!effects) return next(effects.error().wrap(kContext));
        const auto checked = check_effects(binding.record, *effects, bindings_, ports_.devices);
        if (!checked) return next(checked.error().wrap(kContext));
        binding.record.effects = *std::move(effects);  // written down with the attach
        binding.lost.clear();
        next({});
    };
    auto ask = [this, &binding, backend, next, take](const Result<void>& undone) {
        if (!undone) return next(undone.error().wrap(kContext));
        backend->prepare(prepare_request(binding.record), backend_deadline(), while_alive(take));
    };
    backend->unprepare(backend_binding(binding), backend_deadline(), while_alive(ask));
}

/// Reads only: what the device is like on the host, and which namespace the pod has.
void BindingMachine::survey(Binding& binding, Done<> next) {
    const auto read = [this, &binding](Done<Survey> then) {
        on_worker([&attacher = ports_.attacher,
                   record = binding.record] { return knd::survey(attacher, record); },
                  std::move(then));
    };
    const auto take = [&binding, next](Result<Survey> survey) {
        if (!survey) return next(survey.error());
        binding.record.host_state = std::move(survey->host_state);
        binding.record.netns_id = std::move(survey->netns.id);
        binding.netns = std::move(survey->netns.fd);
        next({});
    };
    read([this, &binding, next, read, take](Result<Survey> survey) {
        const bool lost =
            survey.code() == Code::kNotFound && ports_.attacher.pin(binding.record.netns_path).ok();
        if (!lost) return take(std::move(survey));
        renew(binding, survey.error().message(), [next, read, take](const Result<void>& renewed) {
            if (!renewed) return next(renewed.error());
            read(take);
        });
    });
}

/// So that it does not die under the device when this process does.
void BindingMachine::keep_namespace(Binding& binding, Done<> next) {
    if (!binding.has_place()) return next({});
    const auto kept = ports_.namespaces.keep(binding.record.sandbox_id, binding.netns.get());
    // Everything works without; only a virtual device may be lost, and then is made anew.
    if (!kept)
        log::warn("a pod's namespace does not outlive a death of this daemon",
                  {{"pod", binding.record.pod}, {"error", kept.error().message()}});
    next({});
}

void BindingMachine::drop_namespace(const Binding& binding) {
    const auto& id = binding.record.sandbox_id;
    if (id.empty()) return;
    for (const auto* other : bindings_.of_sandbox(id)) {
        const auto state = other->record.state;
        const bool away = state == BindingState::kAttaching || state == BindingState::kAttached ||
                          state == BindingState::kDetaching;
        if (other != &binding && other->record.sandbox_id == id && away) return;
    }
    if (const auto dropped = ports_.namespaces.drop(id); !dropped)
        log::warn("a pod's namespace is kept for nothing until the next start",
                  {{"pod", binding.record.pod}, {"error", dropped.error().message()}});
}

void BindingMachine::note_attaching(Binding& binding, Done<> next) {
    const auto before = binding.record.state;
    commit(binding, BindingState::kAttaching, [&binding, before, next](Result<void> result) {
        // Not written: nothing is touched either.
        if (!result) binding.record.state = before;
        next(std::move(result).wrap("note the attach before it begins"));
    });
}

void BindingMachine::move_in(Binding& binding, Done<> next) {
    // The pod may have gone while the journal was written.
    if (!binding.is_at_target())
        return next(Error(Code::kCancelled, "the pod was stopped meanwhile"));
    if (!binding.has_place()) return next({});
    on_worker([&attacher = ports_.attacher, record = binding.record, fd = binding.netns.get(),
               hook = step_hook(binding)] { return knd::attach(attacher, record, fd, hook); },
              [&binding, next](Result<std::vector<AttachedFacts>> facts) {
                  if (!facts) return next(facts.error());
                  binding.record.attached = *std::move(facts);
                  next({});
              });
}

void BindingMachine::attach_backend(Binding& binding, Done<> next) {
    auto* backend = ports_.devices.backend(binding.record.device.backend);
    if (backend == nullptr) return next({});
    backend->attach(attachment(binding), backend_deadline(), while_alive(std::move(next)));
}

void BindingMachine::configure_made(Binding& binding, Done<> next) {
    if (!made_by_backend(binding)) return next({});
    on_worker(
        [&attacher = ports_.attacher, record = binding.record, fd = binding.netns.get(),
         hook = step_hook(binding)] { return knd::configure_made(attacher, record, fd, hook); },
        [&binding, next](Result<std::vector<AttachedFacts>> facts) {
            if (!facts) return next(facts.error());
            binding.record.attached = *std::move(facts);
            next({});
        });
}

void BindingMachine::write_metadata(Binding& binding, Done<> next) {
    const auto& record = binding.record;
    next(files_.write_metadata(bindings_.records_of_claim(record.claim.uid),
                               base_request(record.request)));
}

void BindingMachine::note_attached(Binding& binding, Done<> next) {
    commit(binding, BindingState::kAttached, [&binding, next](Result<void> result) {
        if (!result) binding.record.state = BindingState::kAttaching;
        next(std::move(result).wrap("note that it is attached"));
    });
}

/// The namespace stays pinned until the device has returned: a runtime that was restarted tells
/// nobody of the end of its older pods (containerd issue 8426), and a virtual device would die with
/// the namespace.
void BindingMachine::attached(Binding& binding) {
    log::info("device attached", {{"claim", binding.record.claim.text()},
                                  {"device", binding.record.device.name},
                                  {"pod", binding.record.pod}});
    if (binding.is_at_target()) listener_.on_attached(binding);
    end(binding);
}

/// Before the journal says `attaching` nothing was touched: the device stays where it is. After
/// that whatever left is returned.
void BindingMachine::attach_failed(Binding& binding, const Error& error) {
    auto& record = binding.record;
    const bool touched = record.state == BindingState::kAttaching;
    const bool aimed = binding.is_at_target();
    // Nobody waits for a pod that was stopped.
    if (error.code() == Code::kCancelled && touched && !aimed) return end(binding);
    record.reason = error.wrap("device " + record.device.name).message();
    if (aimed) binding.target.reset();
    if (touched) {
        listener_.on_attach_failed(binding);
        return end(binding);
    }
    record.host_state = Json();
    binding.netns.reset();
    drop_namespace(binding);
    record.state = BindingState::kFailed;
    listener_.on_attach_failed(binding);
    // Not written: the journal then says `prepared`, which is as safe.
    commit(binding, BindingState::kFailed, [this, &binding](const Result<void>&) { end(binding); });
}

// --- back to the host
// -----------------------------------------------------------------------------

void BindingMachine::pin(Binding& binding) {
    if (binding.netns || binding.record.netns_path.empty()) return;
    auto netns = ports_.attacher.pin(binding.record.netns_path);
    // Another namespace under the same path is not the one the device went to.
    if (netns && (binding.record.netns_id.empty() || netns->id == binding.record.netns_id)) {
        binding.netns = std::move(netns->fd);
        return;
    }
    if (auto kept = ports_.namespaces.open(binding.record.sandbox_id))
        binding.netns = *std::move(kept);
}

void BindingMachine::note_detaching(Binding& binding, Done<> next) {
    if (binding.record.state == BindingState::kDetaching) return next({});
    commit(binding, BindingState::kDetaching, [&binding, next](const Result<void>& result) {
        // It returns, written or not: the journal still says that it is away.
        if (!result)
            log::warn("detach goes on without its note in the journal",
                      {{"claim", binding.record.claim.text()},
                       {"device", binding.record.device.name},
                       {"error", result.error().message()}});
        next({});
    });
}

void BindingMachine::detach_backend(Binding& binding, Done<> next) {
    auto* backend = ports_.devices.backend(binding.record.device.backend);
    if (backend == nullptr) return next({});
    backend->detach(attachment(binding), backend_deadline(),
                    while_alive([&binding, next](const Result<void>& result) {
                        if (!result)
                            log::warn("backend could not detach; the device is returned anyway",
                                      {{"backend", binding.record.device.backend},
                                       {"device", binding.record.device.name},
                                       {"error", result.error().message()}});
                        next({});
                    }));
}

void BindingMachine::move_out(Binding& binding, Done<> next) {
    if (!binding.has_place()) return next({});
    on_worker(
        [&attacher = ports_.attacher, record = binding.record, fd = binding.netns.get(),
         hook = step_hook(binding)] { return knd::detach(attacher, record, fd, hook); },
        [&binding, next](Result<Detached> result) {
            const auto& record = binding.record;
            if (!result)
                return next(
                    result.error().wrap("return device " + record.device.name + " to the host"));
            for (const auto& warning : result->warnings)
                log::warn("device has returned, but not as it was", {{"device", record.device.name},
                                                                     {"claim", record.claim.text()},
                                                                     {"error", warning}});
            for (const auto& name : result->lost) {
                binding.lost = name + " went with its pod's network namespace";
                log::warn("virtual device went with its pod; its backend may make it anew",
                          {{"device", name}, {"backend", record.device.backend}});
            }
            next({});
        });
}

void BindingMachine::note_returned(Binding& binding, Done<> next) {
    binding.netns.reset();
    drop_namespace(binding);
    binding.pause = {};
    binding.last_error.clear();
    auto& record = binding.record;
    record.host_state = Json();
    record.attached = {};
    auto state = record.reason.empty() ? BindingState::kPrepared : BindingState::kFailed;
    if (record.ending) state = BindingState::kReleasing;
    log::info(
        "device has returned",
        {{"claim", record.claim.text()}, {"device", record.device.name}, {"pod", record.pod}});
    if (state != BindingState::kFailed) set_place(record, PodSandbox{});
    commit(binding, state, [&binding, next](const Result<void>& result) {
        if (!result)
            log::warn(
                "the journal does not know yet that the device has returned",
                {{"device", binding.record.device.name}, {"error", result.error().message()}});
        next({});
    });
}

void BindingMachine::returned(Binding& binding) {
    end(binding);
}

// --- the end
// --------------------------------------------------------------------------------------

void BindingMachine::end_claim(const std::vector<Binding*>& bindings) {
    std::vector<JournalChange> changes;
    for (auto* binding : bindings) {
        if (std::exchange(binding->record.ending, true)) continue;
        changes.push_back(JournalChange::put(binding->record));
    }
    // Nobody waits for it, as commits keep their order; and after a power cut the kubelet, which
    // has no answer yet, asks again.
    if (!changes.empty())
        ports_.journal.commit(std::move(changes), Durability::kThisBoot,
                              [](const Result<void>& result) {
                                  if (!result)
                                      log::warn("the journal does not know that a claim ends",
                                                {{"error", result.error().message()}});
                              });
    for (auto* binding : bindings) {
        binding->target.reset();
        advance(*binding);
    }
}

void BindingMachine::note_releasing(Binding& binding, Done<> next) {
    if (binding.record.state == BindingState::kReleasing) return next({});
    commit(binding, BindingState::kReleasing, [&binding, next](Result<void> result) {
        if (!result) binding.record.state = BindingState::kPrepared;
        next(std::move(result).wrap("note the release before it begins"));
    });
}

void BindingMachine::unprepare(Binding& binding, Done<> next) {
    auto* backend = ports_.devices.backend(binding.record.device.backend);
    if (backend == nullptr) {
        log::warn(
            "backend is not configured any more; its own clean-up is left out",
            {{"backend", binding.record.device.backend}, {"device", binding.record.device.name}});
        return next({});
    }
    backend->unprepare(backend_binding(binding), backend_deadline(), while_alive(std::move(next)));
}

void BindingMachine::forget(Binding& binding, Done<> next) {
    ports_.journal.commit({JournalChange::erase(binding.record.key())}, Durability::kDisk,
                          while_alive(std::move(next)));
}

void BindingMachine::released(Binding& binding) {
    const auto record = binding.record;
    binding.busy = false;
    bindings_.erase(record.key());
    listener_.on_released(record);
    finish_journey();
}

// --- what they share
// ------------------------------------------------------------------------------

void BindingMachine::try_again_later(Binding& binding, const Error& error) {
    binding.last_error = error.message();
    const auto doubled = std::max(options_.first_retry, binding.pause * 2);
    binding.pause = std::min(doubled, options_.last_retry);
    log::warn("binding is stuck", {{"claim", binding.record.claim.text()},
                                   {"device", binding.record.device.name},
                                   {"error", binding.last_error},
                                   {"ms", binding.pause.count()}});
    auto timer = std::make_shared<boost::asio::steady_timer>(ports_.loop, binding.pause);
    timer->async_wait(while_alive([this, timer, key = binding.record.key(),
                                   number = binding.try_number](const auto& cancelled) {
        auto* bound = bindings_.find(key);
        if (!cancelled && bound != nullptr && bound->try_number == number) advance(*bound);
    }));
    binding.busy = false;
    listener_.on_stuck(binding, error);
    finish_journey();
}

void BindingMachine::drain(std::function<void()> done) {
    if (running_ == 0) return done();
    drained_.push_back(std::move(done));
}

/// Where a device is on its way ends with the boot: after a power cut all are on the host, and the
/// record of another boot is read as such.
void BindingMachine::commit(Binding& binding, BindingState state, Done<> done) {
    binding.record.state = state;
    binding.record.changed_ms = ports_.clock.now_ms();
    ports_.journal.commit({JournalChange::put(binding.record)}, Durability::kThisBoot,
                          while_alive(std::move(done)));
}

void BindingMachine::mark(std::string_view step, const Binding& binding) const {
    ports_.observer.on_step(step, binding.record.claim.text(), binding.record.device.name);
}

StepHook BindingMachine::step_hook(const Binding& binding) const {
    return [&observer = ports_.observer, claim = binding.record.claim.text(),
            device = binding.record.device.name](std::string_view name) {
        observer.on_step(name, claim, device);
    };
}

Backend::Binding BindingMachine::backend_binding(const Binding& binding) const {
    return {binding.record.binding_key(), binding.record.claim.text(),
            binding.record.effects.state};
}

Backend::Attachment BindingMachine::attachment(const Binding& binding) const {
    const auto& attached = binding.record.attached;
    return {backend_binding(binding), binding.netns.get(),
            attached.empty() ? 0 : attached.front().ifindex};
}

Backend::Deadline BindingMachine::backend_deadline() const {
    return std::chrono::steady_clock::now() + options_.backend_timeout;
}

}  // namespace knd
