// SPDX-License-Identifier: Apache-2.0
#include "tools/local/kubelet/pod_worker.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <utility>

#include "host/model/log.hpp"
#include "host/model/time.hpp"

namespace knd::local {
namespace {

bool being_deleted(const Json& pod) {
    return json_at(pod, "metadata").contains("deletionTimestamp");
}

std::chrono::milliseconds grace(const Json& pod) {
    return std::chrono::seconds(
        json_int(json_at(pod, "metadata"), "deletionGracePeriodSeconds",
                 json_int(json_at(pod, "spec"), "terminationGracePeriodSeconds", 30)));
}

std::string full_name(const Json& pod) {
    const auto& meta = json_at(pod, "metadata");
    return json_string(meta, "name") + "_" + json_string(meta, "namespace") + "(" +
           json_string(meta, "uid") + ")";
}

}  // namespace

PodWorker::PodWorker(PodContext& context, Json pod, bool exists, std::function<void()> done)
    : context_(context),
      pod_(std::move(pod)),
      exists_(exists),
      done_(std::move(done)),
      timer_(context.io) {
    for (const auto& status : json_path(pod_, {"status", "containerStatuses"})) {
        const bool has_run = status.contains("containerID");
        attempts_[json_string(status, "name")] =
            static_cast<int>(json_int(status, "restartCount")) + (has_run ? 1 : 0);
    }
    poke();
}

void PodWorker::update(const Json& pod) {
    pod_ = pod;
    poke();
}

void PodWorker::object_deleted() {
    exists_ = false;
    poke();
}

void PodWorker::poke() {
    boost::asio::post(context_.io, [this, alive = alive_] {
        if (*alive) sync();
    });
}

std::optional<SandboxRecord> PodWorker::sandbox() const {
    // The newest: an older one is only there while it is taken down.
    for (auto& candidate : context_.runtime.sandboxes()) {
        if (candidate.pod_uid == uid()) return std::move(candidate);
    }
    return std::nullopt;
}

bool PodWorker::finished(const SandboxRecord* sandbox) const {
    const auto phase = json_string(json_at(pod_, "status"), "phase");
    if (phase == "Succeeded" || phase == "Failed") return true;
    if (sandbox == nullptr) return false;
    const auto& specs = json_path(pod_, {"spec", "containers"});
    return !specs.empty() && std::all_of(specs.begin(), specs.end(), [&](const Json& spec) {
        const auto* record = sandbox->newest(json_string(spec, "name"));
        return record != nullptr && stays_down(pod_, *record);
    });
}

void PodWorker::sync() {
    if (busy_) return;
    timer_.cancel();
    wake_at_ = std::chrono::steady_clock::time_point::max();
    const auto current = sandbox();
    const SandboxRecord* now = current ? &*current : nullptr;
    if (!exists_ || being_deleted(pod_) || finished(now)) return sync_down(now);
    sync_up(now);
}

void PodWorker::sync_up(const SandboxRecord* sandbox) {
    if (sandbox != nullptr && !sandbox->ready) return retire_sandbox(*sandbox);
    if (sandbox == nullptr) {
        publish();
        return start_sandbox();
    }
    if (start_next_container(*sandbox)) return;
    publish();
    // What nobody tells of: the sandbox's network may vanish.
    wake_after(context_.resync);
}

/// In the order of a pod that ends: plugins have to hear that the sandbox stops.
void PodWorker::retire_sandbox(const SandboxRecord& sandbox) {
    if (std::exchange(retired_, sandbox.id) != sandbox.id) {
        for (const auto& container : sandbox.containers)
            attempts_[container.name] = container.attempt + 1;
        context_.events.normal(pod_, "SandboxChanged",
                               "Pod sandbox changed, it will be killed and re-created.");
    }
    if (stop_next_container(sandbox)) return;
    busy_ = true;
    if (stopped_ != sandbox.id) {
        return context_.runtime.stop_sandbox(
            sandbox.id, [this, alive = alive_, id = sandbox.id](Result<> stopped) {
                if (!*alive) return;
                if (stopped.ok()) stopped_ = id;
                step_done(stopped, "FailedKillPod", "error killing pod");
            });
    }
    context_.runtime.remove_sandbox(sandbox.id, next_step("FailedKillPod", "error killing pod"));
}

void PodWorker::start_sandbox() {
    busy_ = true;
    context_.claims.prepare(pod_, [this, alive = alive_](Result<> prepared) {
        if (!*alive) return;
        if (!prepared.ok() || being_deleted(pod_) || !exists_)
            return step_done(prepared, "FailedPrepareDynamicResources",
                             "Failed to prepare dynamic resources");
        const auto& meta = json_at(pod_, "metadata");
        const PodRequest request{uid(), json_string(meta, "namespace"), json_string(meta, "name"),
                                 json_bool(json_at(pod_, "spec"), "hostNetwork")};
        context_.runtime.run_sandbox(request, [this, alive](Result<std::string> id) {
            if (!*alive) return;
            // As the kubelet shows an error of its container runtime.
            const auto error = [&] {
                return Error(Code::kUnknown,
                             "rpc error: code = Unknown desc = " + id.error().message());
            };
            step_done(id.ok() ? Result<>() : Result<>(error()), "FailedCreatePodSandBox",
                      "Failed to create pod sandbox");
        });
    });
}

/// A container has ended: how long until the next one, and what users read meanwhile.
void PodWorker::back_off(const ContainerRecord& ended, Backoff& backoff) {
    backoff.seen = ended.id;
    backoff.delay = std::clamp(backoff.delay * 2, context_.crash_delay, context_.crash_limit);
    backoff.until = std::chrono::steady_clock::now() + backoff.delay;
    if (ended.reason == "StartError") {
        waiting_[ended.name] = {"RunContainerError", ended.message};
        return;
    }
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(backoff.delay).count();
    waiting_[ended.name] = {"CrashLoopBackOff", "back-off " + std::to_string(seconds) +
                                                    "s restarting failed container=" + ended.name +
                                                    " pod=" + full_name(pod_)};
    context_.events.warning(
        pod_, "BackOff",
        "Back-off restarting failed container " + ended.name + " in pod " + full_name(pod_));
}

/// False when there is nothing to start now.
bool PodWorker::start_next_container(const SandboxRecord& sandbox) {
    const auto now = std::chrono::steady_clock::now();
    for (const auto& spec : json_path(pod_, {"spec", "containers"})) {
        const auto name = json_string(spec, "name");
        const auto* record = sandbox.newest(name);
        if (record != nullptr && record->state == ContainerState::kRunning) continue;
        if (record != nullptr && stays_down(pod_, *record)) continue;
        auto& backoff = backoffs_[name];
        if (record != nullptr && record->id != backoff.seen) back_off(*record, backoff);
        if (now < backoff.until) {
            wake_after(std::chrono::duration_cast<std::chrono::milliseconds>(backoff.until - now) +
                       std::chrono::milliseconds(1));
            continue;
        }
        auto& attempt = attempts_[name];
        if (record != nullptr) attempt = std::max(attempt, record->attempt + 1);
        start_container(sandbox, spec, attempt);
        return true;
    }
    return false;
}

void PodWorker::start_container(const SandboxRecord& sandbox, const Json& spec, int attempt) {
    busy_ = true;
    const auto name = json_string(spec, "name");
    const ContainerRequest request{name, json_string(spec, "image"), attempt,
                                   context_.claims.cdi_ids(pod_, spec)};
    context_.runtime.create_container(
        sandbox.id, request, [this, alive = alive_, name](Result<std::string> id) {
            if (!*alive) return;
            if (id.ok()) {
                context_.events.normal(pod_, "Created", "Created container: " + name);
                return run_container(*id, name);
            }
            waiting_[name] = {"CreateContainerError", id.error().message()};
            backoffs_[name].until = std::chrono::steady_clock::now() + context_.retry;
            context_.events.warning(pod_, "Failed", "Error: " + id.error().message());
            busy_ = false;
            publish();
            wake_after(context_.retry);
        });
}

void PodWorker::run_container(const std::string& id, const std::string& name) {
    context_.runtime.start_container(id, [this, alive = alive_, name](Result<> started) {
        if (!*alive) return;
        busy_ = false;
        if (started.ok()) {
            waiting_.erase(name);
            context_.events.normal(pod_, "Started", "Started container " + name);
        } else {
            context_.events.warning(pod_, "Failed", "Error: " + started.error().message());
        }
        sync();
    });
}

/// False when none is left.
bool PodWorker::stop_next_container(const SandboxRecord& sandbox) {
    for (const auto& container : sandbox.containers) {
        if (container.state == ContainerState::kExited) continue;
        busy_ = true;
        if (!std::exchange(killing_told_, true) && exists_)
            context_.events.normal(pod_, "Killing", "Stopping container " + container.name);
        context_.runtime.stop_container(container.id, grace(pod_),
                                        next_step("FailedKillPod", "error killing pod"));
        return true;
    }
    return false;
}

void PodWorker::sync_down(const SandboxRecord* sandbox) {
    if (sandbox != nullptr) {
        if (stop_next_container(*sandbox)) return;
        if (sandbox->ready) {
            busy_ = true;
            return context_.runtime.stop_sandbox(sandbox->id,
                                                 next_step("FailedKillPod", "error killing pod"));
        }
    }
    if (!unprepared_) {
        busy_ = true;
        return context_.claims.unprepare(uid(), [this, alive = alive_](Result<> result) {
            if (!*alive) return;
            unprepared_ = result.ok();
            step_done(result, "FailedSync", "Error syncing pod");
        });
    }
    if (exists_ && !being_deleted(pod_)) return publish();  // Succeeded or Failed: nothing more
    if (sandbox != nullptr) {
        if (exists_) publish();  // while it is known how the containers ended
        busy_ = true;
        return context_.runtime.remove_sandbox(sandbox->id,
                                               next_step("FailedKillPod", "error killing pod"));
    }
    delete_object();
}

void PodWorker::delete_object() {
    busy_ = true;  // for good: nothing is left to do
    if (exists_) {
        const auto& meta = json_at(pod_, "metadata");
        api::DeleteOptions options;
        options.uid = uid();
        options.grace_seconds = 0;
        const auto removed =
            context_.store.remove(api::Resource::kPods, json_string(meta, "namespace"),
                                  json_string(meta, "name"), options);
        if (!removed.ok() && removed.error().code != 404) {
            busy_ = false;
            log::warn("a pod that has ended was not deleted",
                      {{"pod", full_name(pod_)}, {"error", removed.error().message}});
            return wake_after(context_.retry);
        }
    }
    boost::asio::post(context_.io, done_);
}

void PodWorker::publish() {
    if (!exists_) return;
    const auto current = sandbox();
    const auto status_of = [&, now = rfc3339_now()](const Json& pod) {
        return make_pod_status(
            {pod, current ? &*current : nullptr, waiting_, context_.host_ip, now});
    };
    if (status_of(pod_) == json_at(pod_, "status")) return;
    const auto& meta = json_at(pod_, "metadata");
    api::WriteOptions options;
    options.subresource = "status";
    options.field_manager = "kubelet";
    const auto written = context_.store.modify(
        api::Resource::kPods, json_string(meta, "namespace"), json_string(meta, "name"),
        [&](const Json& stored) -> api::Answer<Json> {
            Json changed = stored;
            // A pod of the same name that came after this one is not ours to describe.
            if (json_string(json_at(stored, "metadata"), "uid") == uid())
                changed["status"] = status_of(stored);
            return changed;
        },
        options);
    if (written.ok()) {
        pod_ = **written;
    } else if (written.error().code != 404) {
        log::warn("the status of a pod was not written",
                  {{"pod", full_name(pod_)}, {"error", written.error().message}});
    }
}

void PodWorker::step_done(const Result<>& result, std::string_view event, const std::string& text) {
    busy_ = false;
    if (result.ok()) return sync();
    const auto message = text + ": " + result.error().message();
    if (exists_) {
        context_.events.warning(pod_, event, message);
    } else {
        // Nobody can read events of a pod that is gone.
        log::warn("a pod that is gone could not be taken down yet",
                  {{"pod", full_name(pod_)}, {"error", message}});
    }
    wake_after(context_.retry);
}

Done<> PodWorker::next_step(std::string event, std::string text) {
    return
        [this, alive = alive_, event = std::move(event), text = std::move(text)](Result<> result) {
            if (*alive) step_done(result, event, text);
        };
}

void PodWorker::wake_after(std::chrono::milliseconds delay) {
    const auto when = std::chrono::steady_clock::now() + delay;
    if (wake_at_ <= when) return;
    wake_at_ = when;
    timer_.expires_at(when);
    timer_.async_wait([this, alive = alive_](const boost::system::error_code& error) {
        if (!error && *alive) sync();
    });
}

}  // namespace knd::local
