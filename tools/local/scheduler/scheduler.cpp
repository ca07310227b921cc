// SPDX-License-Identifier: Apache-2.0
#include "tools/local/scheduler/scheduler.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "host/model/log.hpp"
#include "host/model/time.hpp"
#include "tools/local/api/intake.hpp"
#include "tools/local/scheduler/claim_controller.hpp"
#include "tools/local/scheduler/device_planner.hpp"
#include "tools/local/scheduler/node_filter.hpp"
#include "tools/local/support/pod_claims.hpp"

namespace knd::local {
namespace {

using api::Resource;

constexpr std::size_t kReservedForLimit = 256;

const Json& meta(const Json& object) {
    return json_at(object, "metadata");
}

bool waits_for_node(const Json& pod) {
    const auto& spec = json_at(pod, "spec");
    const auto scheduler = json_string(spec, "schedulerName", "default-scheduler");
    return json_string(spec, "nodeName").empty() && scheduler == "default-scheduler" &&
           !api::is_leaving(pod) && json_at(spec, "schedulingGates").empty();
}

Json consumer_of(const Json& pod) {
    return {{"resource", "pods"},
            {"name", api::object_name(pod)},
            {"uid", json_string(meta(pod), "uid")}};
}

}  // namespace

/// What one pass works with: the cluster as it is, read once.
struct Scheduler::Pass {
    std::vector<api::Object> nodes;
    std::map<std::string, int> pods_on;                             ///< by node
    std::optional<Result<std::unique_ptr<DevicePlanner>>> planner;  ///< made when first needed

    std::shared_ptr<alloc::ProgramCache> programs;  // those of all passes

    Result<DevicePlanner*> devices(const api::Store& store) {
        if (!planner)
            planner.emplace(DevicePlanner::make(
                {store.list(Resource::kResourceSlices), store.list(Resource::kDeviceClasses),
                 store.list(Resource::kResourceClaims)},
                programs));
        if (!planner->ok()) return planner->error();
        return (**planner).get();
    }
};

namespace {

/// The error says why no node can do for now.
Result<PodClaims> claims_of(const api::Store& store, const Json& pod) {
    std::vector<JsonObject> claims;
    for (const auto& entry : json_path(pod, {"spec", "resourceClaims"})) {
        const auto name = claim_name(pod, entry);
        if (name.empty())
            return Error(Code::kNotFound,
                         "waiting for dynamic resource controller to create the resourceclaim \"" +
                             json_string(entry, "name") + "\"");
        const auto stored = store.get(Resource::kResourceClaims, api::object_namespace(pod), name);
        if (!stored.ok()) return Error(Code::kNotFound, stored.error().message);
        if (api::is_leaving(**stored))
            return Error(Code::kFailedPrecondition,
                         "resourceclaim \"" + name + "\" is being deleted");
        KND_TRY(check_owner(pod, entry, **stored));
        if (json_path(**stored, {"status", "reservedFor"}).size() >= kReservedForLimit)
            return Error(Code::kResourceExhausted, "resourceclaim in use");
        claims.push_back(*stored);
    }
    return PodClaims::read(std::move(claims));
}

/// Fewest pods first, so that pods spread; equal ones by name.
std::vector<api::Object> in_order(std::vector<api::Object> nodes,
                                  const std::map<std::string, int>& pods_on) {
    std::stable_sort(nodes.begin(), nodes.end(), [&](const auto& a, const auto& b) {
        const auto count = [&](const api::Object& node) {
            const auto found = pods_on.find(api::object_name(*node));
            return found == pods_on.end() ? 0 : found->second;
        };
        return count(a) < count(b);
    });
    return nodes;
}

}  // namespace

Result<std::unique_ptr<Scheduler>> Scheduler::start(boost::asio::io_context& io,
                                                    api::Store& store) {
    std::unique_ptr<Scheduler> scheduler(new Scheduler(store));
    KND_TRY_ASSIGN(scheduler->trigger_,
                   Trigger::start(io, store,
                                  {Resource::kPods, Resource::kNodes, Resource::kResourceClaims,
                                   Resource::kDeviceClasses, Resource::kResourceSlices},
                                  [self = scheduler.get()] { self->run(); }));
    return scheduler;
}

void Scheduler::run() {
    std::vector<api::Object> waiting;
    Pass pass;
    pass.programs = programs_;
    for (const auto& pod : store_.list(Resource::kPods)) {
        if (waits_for_node(*pod)) waiting.push_back(pod);
        ++pass.pods_on[json_string(json_at(*pod, "spec"), "nodeName")];
    }
    if (waiting.empty()) return;
    pass.nodes = store_.list(Resource::kNodes);
    std::stable_sort(waiting.begin(), waiting.end(), [](const auto& a, const auto& b) {
        return json_string(meta(*a), "creationTimestamp") <
               json_string(meta(*b), "creationTimestamp");
    });
    for (const auto& pod : waiting)
        schedule(pass, *pod);
}

void Scheduler::schedule(Pass& pass, const Json& pod) {
    const auto count = std::to_string(pass.nodes.size());
    const auto prefix = "0/" + count + " nodes are available: ";
    const auto claims = claims_of(store_, pod);
    if (!claims.ok()) return unschedulable(pod, prefix + claims.error().message() + ".");
    const auto planner = pass.devices(store_);
    if (!planner.ok()) return unschedulable(pod, planner.error().message());
    if (auto checked = (*planner)->check_classes(*claims); !checked.ok())
        return unschedulable(pod, prefix + checked.error().message() + ".");
    std::map<std::string, int> reasons;
    for (const auto& node : in_order(pass.nodes, pass.pods_on)) {
        const auto rejected = reject_node(pod, *node);
        auto reason = rejected.ok() ? *rejected : rejected.error().message();
        if (reason.empty()) reason = claims->reject(*node);
        if (reason.empty()) {
            const auto plan = (*planner)->plan(*claims, *node);
            if (!plan.ok())
                return unschedulable(
                    pod, "running \"DynamicResources\" filter plugin: " + plan.error().message());
            if (plan->reason.empty()) {
                ++pass.pods_on[api::object_name(*node)];
                return place(pod, *claims, plan->allocations, api::object_name(*node));
            }
            reason = plan->reason;
        }
        ++reasons[reason];
    }
    if (pass.nodes.empty()) return unschedulable(pod, "no nodes available to schedule pods");
    unschedulable(pod, fit_error(pass.nodes.size(), reasons) + " preemption: " + prefix + count +
                           " Preemption is not helpful for scheduling.");
}

Result<> Scheduler::reserve(const Json& pod, const Json& claim, const Json& allocation) {
    const auto ns = api::object_namespace(claim);
    const auto name = api::object_name(claim);
    api::WriteOptions options;
    options.field_manager = "kube-scheduler";
    if (!allocation.is_null()) {
        // The finalizer first: an allocated claim is never without it.
        auto held = store_.modify(
            Resource::kResourceClaims, ns, name,
            [&](const Json& stored) -> api::Answer<Json> {
                Json changed = stored;
                auto& finalizers = changed["metadata"]["finalizers"];
                if (std::find(finalizers.begin(), finalizers.end(), kClaimFinalizer) ==
                    finalizers.end())
                    finalizers.push_back(kClaimFinalizer);
                return changed;
            },
            options);
        if (!held.ok()) return held.error().error();
    }
    options.subresource = "status";
    auto written = store_.modify(
        Resource::kResourceClaims, ns, name,
        [&](const Json& stored) -> api::Answer<Json> {
            Json changed = stored;
            auto& status = changed["status"];
            if (!allocation.is_null()) status["allocation"] = allocation;
            auto& reserved = status["reservedFor"];
            const auto consumer = consumer_of(pod);
            if (std::find(reserved.begin(), reserved.end(), consumer) == reserved.end())
                reserved.push_back(consumer);
            return changed;
        },
        options);
    if (!written.ok()) return written.error().error();
    return {};
}

Result<> Scheduler::bind(const Json& pod, const std::string& node) {
    const auto ns = api::object_namespace(pod);
    api::WriteOptions options;
    options.subresource = "binding";
    options.field_manager = "kube-scheduler";
    auto bound = store_.modify(
        Resource::kPods, ns, api::object_name(pod),
        [&](const Json& stored) -> api::Answer<Json> {
            Json changed = stored;
            changed["spec"]["nodeName"] = node;
            return changed;
        },
        options);
    if (!bound.ok()) return bound.error().error();
    return {};
}

void Scheduler::place(const Json& pod, const PodClaims& claims,
                      const std::vector<Json>& allocations, const std::string& node) {
    std::size_t next = 0;
    for (std::size_t i = 0; i < claims.objects().size(); ++i) {
        Json allocation;
        if (!claims.allocated(i)) {
            allocation = allocations[next++];
            allocation["allocationTimestamp"] = rfc3339_now();
        }
        if (auto reserved = reserve(pod, *claims.objects()[i], allocation); !reserved.ok())
            return unschedulable(
                pod, "running Reserve plugin \"DynamicResources\": " + reserved.error().message());
    }
    if (auto bound = bind(pod, node); !bound.ok())
        return unschedulable(pod, "binding rejected: " + bound.error().message());
    events_.normal(pod, "Scheduled",
                   "Successfully assigned " + api::object_namespace(pod) + "/" +
                       api::object_name(pod) + " to " + node);
}

void Scheduler::unschedulable(const Json& pod, const std::string& message) {
    Json condition = {{"type", "PodScheduled"},
                      {"status", "False"},
                      {"reason", "Unschedulable"},
                      {"message", message},
                      {"lastProbeTime", nullptr}};
    auto conditions = json_path(pod, {"status", "conditions"});
    if (!conditions.is_array()) conditions = Json::array();
    for (auto it = conditions.begin(); it != conditions.end(); ++it) {
        if (json_string(*it, "type") != "PodScheduled") continue;
        if (json_string(*it, "message") == message) return;  // said already
        conditions.erase(it);
        break;
    }
    condition["lastTransitionTime"] = rfc3339_now();
    conditions.push_back(std::move(condition));
    events_.warning(pod, "FailedScheduling", message);
    api::WriteOptions options;
    options.subresource = "status";
    options.field_manager = "kube-scheduler";
    const auto written = store_.modify(
        Resource::kPods, api::object_namespace(pod), api::object_name(pod),
        [&](const Json& stored) -> api::Answer<Json> {
            Json changed = stored;
            changed["status"]["conditions"] = conditions;
            return changed;
        },
        options);
    if (!written.ok() && written.error().code != 404)
        log::warn("the status of a waiting pod was not written",
                  {{"pod", api::object_name(pod)}, {"error", written.error().message}});
}

}  // namespace knd::local
