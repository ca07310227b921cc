// SPDX-License-Identifier: Apache-2.0
#include "host/claims/binding_machine.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <cassert>
#include <utility>

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

bool is_at_target(const Binding& held) {
    return !held.record.ending && held.target && held.target->id == held.record.sandbox_id;
}

}  // namespace

BindingMachine::BindingMachine(const ClaimsOptions& options, const ClaimsPorts& ports, BindingTable& bindings,
                     const ClaimFiles& files, Listener& listener)
    : options_(options), ports_(ports), bindings_(bindings), files_(files), listener_(listener) {}

// A Binding that is busy is never erased, so the steps may refer to it; but the whole machine may be
// destroyed while an answer is on its way.
template <class Function>
auto BindingMachine::while_alive(Function function) const {
    return [alive = std::weak_ptr(alive_), function = std::move(function)](auto&&... args) mutable {
        if (!alive.expired()) function(std::forward<decltype(args)>(args)...);
    };
}

template <class Work, class Then>
void BindingMachine::on_worker(Work work, Then then) {
    boost::asio::post(ports_.workers, [home = ports_.home, work = std::move(work),
                                       then = while_alive(std::move(then))]() mutable {
        boost::asio::post(
            home, [result = work(), then = std::move(then)]() mutable { then(std::move(result)); });
    });
}

void BindingMachine::advance(Binding& held) {
    if (held.busy) return;
    switch (held.record.state) {
        case BindingState::kPrepared:
        case BindingState::kFailed:
            return from_rest(held);
        case BindingState::kAttached:
            return from_attached(held);
        case BindingState::kAttaching:  // a predecessor was killed in the middle of it
        case BindingState::kDetaching:
            return bring_home(held);
        case BindingState::kReleasing:
            return release(held);
    }
}

void BindingMachine::end_claim(const std::vector<Binding*>& held) {
    std::vector<JournalChange> changes;
    for (auto* binding : held) {
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
    for (auto* binding : held) {
        binding->target.reset();
        advance(*binding);
    }
}

void BindingMachine::from_rest(Binding& held) {
    if (held.record.ending) return release(held);
    if (held.target) attach(held);
}

void BindingMachine::from_attached(Binding& held) {
    if (!is_at_target(held)) bring_home(held);
}

// --- into the pod --------------------------------------------------------------------------------

void BindingMachine::attach(Binding& held) {
    begin(held);
    set_place(held.record, *held.target);
    held.record.reason.clear();
    step("attach.begin", held);
    if (!held.moves()) return surveyed(held, DeviceMover::Survey{});
    if (auto free = ports_.devices.may_leave(held.record.device); !free)
        return refuse(held, free.error());
    survey(held, Renewal::kPossible);
}

void BindingMachine::survey(Binding& held, Renewal renewal) {
    on_worker([&mover = ports_.mover, record = held.record] { return mover.survey(record); },
              [this, &held, renewal](Result<DeviceMover::Survey> survey) {
                  const bool lost = survey.code() == Code::kNotFound &&
                                    ports_.mover.pin(held.record.netns_path).ok();
                  if (lost && renewal == Renewal::kPossible) return renew(held, survey.error());
                  surveyed(held, std::move(survey));
              });
}

/// The claim may outlive its device: when a sandbox ends while we are away, a virtual device dies
/// with its namespace, and the kubelet starts another sandbox without a word about the claim. What
/// the backend has made once, it can make again.
void BindingMachine::renew(Binding& held, const Error& lost) {
    auto* backend = ports_.devices.backend(held.record.device.backend);
    if (backend == nullptr) return surveyed(held, lost);
    log::warn("device is gone; its backend is asked for it again",
              {{"claim", held.record.claim.text()},
               {"device", held.record.device.name},
               {"backend", held.record.device.backend},
               {"error", lost.message()}});
    const auto ask = [this, &held, backend](const Result<void>& undone) {
        if (!undone && undone.code() != Code::kNotFound) return renewed(held, undone.error());
        backend->prepare(
            backend_binding(held), held.record.config, backend_deadline(),
            while_alive([this, &held](Result<Effects> made) { renewed(held, std::move(made)); }));
    };
    backend->unprepare(backend_binding(held), backend_deadline(), while_alive(ask));
}

void BindingMachine::renewed(Binding& held, Result<Effects> effects) {
    if (!effects) return refuse(held, effects.error().wrap("it is gone, and was not made again"));
    held.record.effects = *std::move(effects);  // written down with the attach
    survey(held, Renewal::kDone);
}

void BindingMachine::surveyed(Binding& held, Result<DeviceMover::Survey> survey) {
    if (!survey) return refuse(held, survey.error());
    step("attach.surveyed", held);
    held.record.host_state = std::move(survey->host_state);
    held.record.netns_id = std::move(survey->netns.id);
    held.netns = std::move(survey->netns.fd);
    commit(held, BindingState::kAttaching, [this](Binding& bound, Result<void> result) {
        if (!result) return refuse(bound, result.error().wrap("note the attach before it begins"));
        step("attach.journalled", bound);
        move_in(bound);
    });
}

void BindingMachine::move_in(Binding& held) {
    if (!is_at_target(held)) return end(held);  // the pod has gone meanwhile
    if (!held.moves()) return moved_in(held, AttachedFacts{});
    on_worker([&mover = ports_.mover, record = held.record, fd = held.netns.get(),
               hook = step_hook(held)] { return mover.attach(record, fd, hook); },
              [this, &held](Result<AttachedFacts> facts) { moved_in(held, std::move(facts)); });
}

void BindingMachine::moved_in(Binding& held, Result<AttachedFacts> facts) {
    if (!facts) return fail(held, facts.error());
    step("attach.configured", held);
    held.record.attached = *std::move(facts);
    auto* backend = ports_.devices.backend(held.record.device.backend);
    if (backend == nullptr) return backend_attached(held, {});
    Backend::Attachment attachment{backend_binding(held), held.netns.get(),
                                   held.record.attached.ifindex};
    backend->attach(std::move(attachment), backend_deadline(),
                    while_alive([this, &held](Result<void> result) {
                        backend_attached(held, std::move(result));
                    }));
}

void BindingMachine::backend_attached(Binding& held, Result<void> result) {
    if (!result) return fail(held, result.error());
    // Here, as no gate has let a container go yet that may read it.
    const auto& record = held.record;
    if (auto written = files_.write_metadata(bindings_.records_of_claim(record.claim.uid),
                                             base_request(record.request));
        !written)
        return fail(held, written.error());
    step("attach.metadata", held);
    commit(held, BindingState::kAttached, [this](Binding& bound, Result<void> written) {
        if (!written) return fail(bound, written.error().wrap("note that it is attached"));
        step("attach.done", bound);
        // The namespace stays pinned until the device is home again: a runtime that was restarted
        // tells nobody of the end of its older pods (containerd issue 8426), and a virtual device
        // would die with the namespace.
        log::info("device attached", {{"claim", bound.record.claim.text()},
                                      {"device", bound.record.device.name},
                                      {"pod", bound.record.pod}});
        if (is_at_target(bound)) listener_.on_attached(bound);
        end(bound);
    });
}

/// Nothing was touched yet: it stays where it is.
void BindingMachine::refuse(Binding& held, const Error& error) {
    held.record.reason = error.wrap("device " + held.record.device.name).message();
    held.record.host_state = Json();
    held.netns.reset();
    if (is_at_target(held)) held.target.reset();
    held.record.state = BindingState::kFailed;
    listener_.on_attach_failed(held);
    commit(held, BindingState::kFailed, [this](Binding& bound, Result<void>) {
        // Not written: the journal then says `prepared` or `attaching`, and both are safe.
        end(bound);
    });
}

/// It may have left: whatever did is brought home.
void BindingMachine::fail(Binding& held, const Error& error) {
    held.record.reason = error.wrap("device " + held.record.device.name).message();
    if (is_at_target(held)) held.target.reset();
    listener_.on_attach_failed(held);
    end(held);
}

// --- home ----------------------------------------------------------------------------------------

void BindingMachine::pin(Binding& held) {
    if (held.netns || held.record.netns_path.empty()) return;
    auto netns = ports_.mover.pin(held.record.netns_path);
    // Another namespace under the same path is not the one the device went to.
    if (netns && (held.record.netns_id.empty() || netns->id == held.record.netns_id)) {
        held.netns = std::move(netns->fd);
    }
}

void BindingMachine::bring_home(Binding& held) {
    begin(held);
    step("detach.begin", held);
    pin(held);
    if (held.record.state == BindingState::kDetaching) return backend_detach(held);
    commit(held, BindingState::kDetaching, [this](Binding& bound, Result<void> result) {
        // Home it must go, written or not: the journal still says that it is away.
        if (!result)
            log::warn("detach goes on without its note in the journal",
                      {{"claim", bound.record.claim.text()},
                       {"device", bound.record.device.name},
                       {"error", result.error().message()}});
        step("detach.journalled", bound);
        backend_detach(bound);
    });
}

void BindingMachine::backend_detach(Binding& held) {
    auto* backend = ports_.devices.backend(held.record.device.backend);
    if (backend == nullptr) return move_out(held);
    Backend::Attachment attachment{backend_binding(held), held.netns.get(),
                                   held.record.attached.ifindex};
    backend->detach(std::move(attachment), backend_deadline(),
                    while_alive([this, &held](Result<void> result) {
                        if (!result && result.code() != Code::kNotFound)
                            log::warn("backend could not detach; the device is brought home anyway",
                                      {{"backend", held.record.device.backend},
                                       {"device", held.record.device.name},
                                       {"error", result.error().message()}});
                        move_out(held);
                    }));
}

void BindingMachine::move_out(Binding& held) {
    if (!held.moves()) return moved_out(held, Detached{});
    on_worker([&mover = ports_.mover, record = held.record, fd = held.netns.get(),
               hook = step_hook(held)] { return mover.detach(record, fd, hook); },
              [this, &held](Result<Detached> result) { moved_out(held, std::move(result)); });
}

void BindingMachine::moved_out(Binding& held, Result<Detached> result) {
    if (!result && result.code() != Code::kNotFound)
        return stuck(held,
                     result.error().wrap("bring device " + held.record.device.name + " home"));
    step("detach.home", held);
    if (!result)
        log::warn("device is gone", {{"device", held.record.device.name},
                                     {"claim", held.record.claim.text()},
                                     {"error", result.error().message()}});
    else
        for (const auto& warning : result->warnings)
            log::warn("device is home, but not as it was", {{"device", held.record.device.name},
                                                            {"claim", held.record.claim.text()},
                                                            {"error", warning}});
    if (result)
        for (const auto& name : result->lost)
            log::warn("virtual device went with its pod; its backend may make it anew",
                      {{"device", name}, {"backend", held.record.device.backend}});
    came_home(held);
}

void BindingMachine::came_home(Binding& held) {
    held.netns.reset();
    held.pause = {};
    held.last_error.clear();
    auto& record = held.record;
    const auto pod = record.pod;
    record.host_state = Json();
    record.attached = {};
    auto next = record.reason.empty() ? BindingState::kPrepared : BindingState::kFailed;
    if (held.record.ending) next = BindingState::kReleasing;
    if (next != BindingState::kFailed) set_place(record, PodSandbox{});
    commit(held, next, [this, pod](Binding& bound, Result<void> result) {
        if (!result)
            log::warn("the journal does not know yet that the device is home",
                      {{"device", bound.record.device.name}, {"error", result.error().message()}});
        step("detach.done", bound);
        log::info("device is home", {{"claim", bound.record.claim.text()},
                                     {"device", bound.record.device.name},
                                     {"pod", pod}});
        end(bound);
    });
}

// --- the end -------------------------------------------------------------------------------------

void BindingMachine::release(Binding& held) {
    begin(held);
    step("release.begin", held);
    if (held.record.state == BindingState::kReleasing) return unprepare(held);
    commit(held, BindingState::kReleasing, [this](Binding& bound, Result<void> result) {
        if (!result) {
            bound.record.state = BindingState::kPrepared;
            return stuck(bound, result.error().wrap("note the release before it begins"));
        }
        step("release.journalled", bound);
        unprepare(bound);
    });
}

void BindingMachine::unprepare(Binding& held) {
    auto* backend = ports_.devices.backend(held.record.device.backend);
    if (backend == nullptr) {
        log::warn("backend is not configured any more; its own clean-up is left out",
                  {{"backend", held.record.device.backend}, {"device", held.record.device.name}});
        return forget(held);
    }
    backend->unprepare(
        backend_binding(held), backend_deadline(), while_alive([this, &held](Result<void> result) {
            if (!result && result.code() != Code::kNotFound)
                return stuck(held, result.error().wrap("backend " + held.record.device.backend));
            forget(held);
        }));
}

void BindingMachine::forget(Binding& held) {
    step("release.unprepared", held);
    ports_.journal.commit({JournalChange::erase(held.record.key())}, Durability::kDisk,
                          while_alive([this, &held](Result<void> result) {
                              if (!result) return stuck(held, result.error());
                              step("release.done", held);
                              const auto record = held.record;
                              held.busy = false;
                              bindings_.erase(record.key());
                              listener_.on_released(record);
                              finish_step();
                          }));
}

// --- steps ---------------------------------------------------------------------------------------

void BindingMachine::begin(Binding& held) {
    assert(!held.busy);
    held.busy = true;
    ++held.try_number;
    ++running_;
}

void BindingMachine::end(Binding& held) {
    held.busy = false;
    advance(held);
    finish_step();
}

void BindingMachine::finish_step() {
    if (--running_ > 0) return;
    for (auto& done : std::exchange(drained_, {}))
        done();
}

void BindingMachine::stuck(Binding& held, const Error& error) {
    held.last_error = error.message();
    const auto doubled = std::max(options_.first_retry, held.pause * 2);
    held.pause = std::min(doubled, options_.last_retry);
    log::warn("binding is stuck", {{"claim", held.record.claim.text()},
                                   {"device", held.record.device.name},
                                   {"error", held.last_error},
                                   {"ms", held.pause.count()}});
    auto timer = std::make_shared<boost::asio::steady_timer>(ports_.home, held.pause);
    timer->async_wait(while_alive(
        [this, timer, key = held.record.key(), number = held.try_number](const auto& cancelled) {
            auto* bound = bindings_.find(key);
            if (!cancelled && bound != nullptr && bound->try_number == number) advance(*bound);
        }));
    held.busy = false;
    listener_.on_stuck(held, error);
    finish_step();
}

void BindingMachine::drain(std::function<void()> done) {
    if (running_ == 0) return done();
    drained_.push_back(std::move(done));
}

void BindingMachine::commit(Binding& held, BindingState state,
                       std::function<void(Binding&, Result<void>)> then) {
    held.record.state = state;
    held.record.changed_ms = ports_.clock.now_ms();
    // Where a device is on its way ends with the boot: after a power cut all are at home, and the
    // record of another boot is read as such.
    ports_.journal.commit({JournalChange::put(held.record)}, Durability::kThisBoot,
                          while_alive([&held, then = std::move(then)](Result<void> result) {
                              then(held, std::move(result));
                          }));
}

void BindingMachine::step(std::string_view name, const Binding& held) const {
    ports_.observer.on_step(name, held.record.claim.text(), held.record.device.name);
}

StepHook BindingMachine::step_hook(const Binding& held) const {
    return [&observer = ports_.observer, claim = held.record.claim.text(),
            device = held.record.device.name](std::string_view name) {
        observer.on_step(name, claim, device);
    };
}

Backend::Binding BindingMachine::backend_binding(const Binding& held) const {
    return {{held.record.claim.uid, held.record.device.name},
            held.record.claim.text(),
            held.record.effects.state};
}

Backend::Deadline BindingMachine::backend_deadline() const {
    return std::chrono::steady_clock::now() + options_.backend_timeout;
}

}  // namespace knd
