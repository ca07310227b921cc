// SPDX-License-Identifier: Apache-2.0
#include "tools/kndctl/simulate/diagnosis.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "host/alloc/inventory.hpp"
#include "host/cel/explain.hpp"
#include "tools/kndctl/simulate/reasons.hpp"

namespace knd::simulate {
namespace {

using alloc::DeviceTrace;
using alloc::Refusal;

std::string joined(const std::vector<std::string>& parts, const char* separator = ", ") {
    std::string out;
    for (const auto& part : parts)
        out += (out.empty() ? "" : separator) + part;
    return out;
}

std::string describe(const api::Taint& taint) {
    return taint.key + (taint.value.empty() ? "" : "=" + taint.value) + ":" + taint.effect;
}

std::string describe(const alloc::Shortage& shortage, const api::ExactRequest* request) {
    const auto name =
        (shortage.counter_set.empty() ? "" : shortage.counter_set + "/") + shortage.name;
    auto wanted = shortage.wanted.text();
    // Rounding by a policy has changed the way in which the amount is written.
    if (request != nullptr && shortage.counter_set.empty())
        if (const auto asked = request->capacity.find(shortage.name);
            asked != request->capacity.end() && asked->second == shortage.wanted)
            wanted = asked->second.text();
    return name + ": " + shortage.available.text() + " left, " + wanted + " wanted";
}

/// What a policy lets a request ask for.
std::string describe(const api::CapacityRequestPolicy& policy) {
    std::vector<std::string> parts;
    for (const auto& value : policy.valid_values)
        parts.push_back(value.text());
    if (const auto& range = policy.valid_range) {
        if (range->min) parts.push_back("at least " + range->min->text());
        if (range->max) parts.push_back("at most " + range->max->text());
        if (range->step) parts.push_back("in steps of " + range->step->text());
    }
    return joined(parts);
}

std::string describe(const alloc::Conflict& conflict) {
    if (conflict.value.empty()) return "it has no attribute " + conflict.attribute;
    auto text = conflict.attribute + " is " + conflict.value;
    if (conflict.other) text += ", and " + conflict.other_value + " on " + conflict.other->text();
    return text;
}

/// The request, or the alternative, that a trace speaks of; null: the claim has none like it.
const api::ExactRequest* find_request(const api::ResourceClaim& claim,
                                      const alloc::RequestTrace& trace) {
    for (const auto& request : claim.devices.requests) {
        if (request.exactly && request.name == trace.name) return &*request.exactly;
        for (const auto& alternative : request.first_available)
            if (request.name + "/" + alternative.name == trace.name) return &alternative;
    }
    return nullptr;
}

/// Says what the allocator's notes mean for one claim.
class Reader {
  public:
    explicit Reader(const Cluster& cluster)
        : cluster_(cluster),
          data_(cluster.inventory()->data()),
          environment_(alloc::selector_environment(features_of(cluster.settings().gates))) {}

    /// `solution`: what the claim got; null: it got nothing.
    RequestVerdict read(const api::ResourceClaim& claim, const alloc::RequestTrace& trace,
                        const api::AllocationResult* solution) const {
        RequestVerdict verdict;
        verdict.claim = claim.meta.text();
        verdict.name = trace.name;
        verdict.all = trace.all;
        verdict.wanted = trace.wanted;
        verdict.picked = devices_had(trace);
        verdict.reached = trace.reached;
        verdict.limit_reached = trace.limit_reached;
        const auto* request = find_request(claim, trace);
        const auto mine = picks(trace, solution);
        verdict.met = !mine.empty();
        bool failed = false;  // an error ends the search: the devices behind it were not seen
        for (const auto& device : trace.devices) {
            DeviceVerdict entry{device.id, device.picked, false, {}, {}};
            if (solution != nullptr) {
                entry.picked = mine.contains(device.id);
                entry.tried = device.picked && !entry.picked;
            }
            if (failed && device.refusal == Refusal::kNone && !device.picked) {
                entry.reason = "not looked at";
            } else if (device.refusal != Refusal::kNone && !(verdict.met && entry.picked)) {
                entry.reason = alloc::refusal_text(device.refusal);
                entry.details = details(device, request);
            }
            failed = failed || device.refusal == Refusal::kSelectorError;
            verdict.devices.push_back(std::move(entry));
        }
        if (failed) verdict.picked = trace.most_picked;
        return verdict;
    }

  private:
    static std::set<alloc::DeviceId> picks(const alloc::RequestTrace& trace,
                                           const api::AllocationResult* solution) {
        std::set<alloc::DeviceId> out;
        if (solution == nullptr) return out;
        for (const auto& result : solution->results)
            if (result.request == trace.name)
                out.insert({result.driver, result.pool, result.device});
        return out;
    }

    std::string details(const DeviceTrace& device, const api::ExactRequest* request) const {
        switch (device.refusal) {
            case Refusal::kInUse: {
                const auto& holders = cluster_.holders(device.id);
                return holders.empty() ? "" : "by claim " + joined(holders);
            }
            case Refusal::kTaint:
                return device.taint ? describe(*device.taint) : "";
            case Refusal::kConstraint:
                return device.conflict ? describe(*device.conflict) : "";
            case Refusal::kCapacityMissing:
                return device.shortage ? device.shortage->name : "";
            case Refusal::kCapacityPolicy:
                return device.shortage ? of_policy(device) : "";
            case Refusal::kCapacity:
            case Refusal::kCounters:
                return device.shortage ? describe(*device.shortage, request) : "";
            case Refusal::kClassSelector:
                return request == nullptr ? "" : of_class(device, request->device_class);
            case Refusal::kRequestSelector:
                return request == nullptr ? "" : of_selector(device, request->selectors);
            case Refusal::kSelectorError: {
                // The class is asked first: only when its selectors hold did one of the request
                // fail.
                if (request == nullptr) return "";
                if (auto broken = of_device(device); !broken.empty()) return broken;
                const auto text = of_class(device, request->device_class);
                return text.empty() ? of_selector(device, request->selectors) : text;
            }
            default:
                return "";
        }
    }

    /// Why no expression can be evaluated on it; empty: nothing wrong.
    std::string of_device(const DeviceTrace& device) const {
        const auto found = data_.find(device.id);
        const auto* extra = found.empty() ? nullptr : data_.extra(data_.devices[found.front()]);
        return extra == nullptr ? "" : extra->broken;
    }

    std::string of_policy(const DeviceTrace& device) const {
        const auto& shortage = *device.shortage;
        auto text = shortage.name + ": " + shortage.wanted.text() + " wanted";
        const auto* policy = cluster_.policy_of(device.id, shortage.name);
        return policy == nullptr ? text : text + ", the device allows " + describe(*policy);
    }

    std::string of_class(const DeviceTrace& device, const std::string& name) const {
        const auto* device_class = cluster_.find_class(name);
        return device_class == nullptr ? "" : of_selector(device, device_class->selectors);
    }

    template <class Selectors>
    std::string of_selector(const DeviceTrace& device, const Selectors& selectors) const {
        if (device.selector >= selectors.size() || !selectors[device.selector]) return "";
        // Made already, by the allocator.
        const auto program = cluster_.programs().get(*selectors[device.selector], environment_);
        if (!program.ok()) return "it does not compile";
        const auto found = data_.find(device.id);
        if (found.empty()) return "";
        const auto explanation = cel::explain(**program, data_.view(data_.devices[found.front()]));
        if (explanation.matches) return "";
        std::vector<std::string> parts;
        for (const auto& decision : explanation.decisions)
            parts.push_back(decision.text());
        return joined(parts, "; ");
    }

    const Cluster& cluster_;
    const alloc::Inventory::Data& data_;
    const cel::Environment environment_;
};

NodeVerdict look_at(const api::Node& node, const Workload& workload, alloc::Allocator& allocator,
                    const Reader& reader) {
    NodeVerdict verdict;
    verdict.node = node.name;
    verdict.error = reject(workload, node);
    verdict.reason = verdict.error;
    if (!verdict.error.empty()) return verdict;
    const auto claims = workload.on(node, workload.open);
    const auto asked = workload.on(node, {&workload.asked, 1});
    if (asked.empty()) {
        verdict.allocation.emplace();  // device plugins of the node provide everything
        return verdict;
    }
    alloc::Trace trace;
    auto result = allocator.allocate(node, claims, &trace);
    if (!result.ok())
        verdict.error = result.error().message();
    else if (*result)
        verdict.allocation = (**result)[static_cast<std::size_t>(
            std::find(claims.begin(), claims.end(), asked.front()) - claims.begin())];
    if (!verdict.fits())
        verdict.reason = result.ok() ? why_not(trace, claims) : why_not(trace, verdict.error);
    verdict.pools = std::move(trace.pools);
    for (const auto& request : trace.requests) {
        const auto* solution = verdict.fits() ? &(**result)[request.claim] : nullptr;
        verdict.requests.push_back(reader.read(*claims[request.claim], request, solution));
        verdict.picked += verdict.requests.back().picked;
    }
    return verdict;
}

std::string conclude(const Diagnosis& diagnosis) {
    const auto& nodes = diagnosis.nodes;
    const auto title = "claim " + diagnosis.claim;
    const auto of_all =
        " of " + std::to_string(nodes.size()) + (nodes.size() == 1 ? " node" : " nodes") +
        (diagnosis.together.empty() ? "" : " together with " + joined(diagnosis.together));
    const auto fitting = std::count_if(nodes.begin(), nodes.end(),
                                       [](const NodeVerdict& node) { return node.fits(); });
    if (fitting > 0) {
        const auto first = std::find_if(nodes.begin(), nodes.end(),
                                        [](const NodeVerdict& node) { return node.fits(); });
        std::vector<std::string> devices;
        for (const auto& result : first->allocation->results)
            devices.push_back(result.device);
        return title + " fits on " + std::to_string(fitting) + of_all + "; on " + first->node +
               " it gets " + (devices.empty() ? "no device" : joined(devices)) + ".";
    }
    if (nodes.empty()) return title + " fits nowhere: there is no node to look at.";
    const auto closest = std::max_element(
        nodes.begin(), nodes.end(), [](const NodeVerdict& a, const NodeVerdict& b) {
            return std::pair(a.error.empty(), a.picked) < std::pair(b.error.empty(), b.picked);
        });
    return title + " fits on none" + of_all + "; closest is " + closest->node + ": " +
           closest->reason + ".";
}

Json to_json(const RequestVerdict& request) {
    Json out = {{"claim", request.claim},
                {"name", request.name},
                {"all", request.all},
                {"wanted", request.wanted},
                {"picked", request.picked},
                {"reached", request.reached},
                {"limitReached", request.limit_reached},
                {"devices", Json::array()}};
    for (const auto& device : request.devices)
        out["devices"].push_back({{"driver", device.id.driver},
                                  {"pool", device.id.pool},
                                  {"device", device.id.device},
                                  {"picked", device.picked},
                                  {"reason", device.reason.empty() ? Json() : Json(device.reason)},
                                  {"details", device.details}});
    return out;
}

Json to_json(const NodeVerdict& node) {
    Json out = {{"node", node.node},
                {"fits", node.fits()},
                {"error", node.error.empty() ? Json() : Json(node.error)},
                {"allocation", node.allocation ? api::to_json(*node.allocation) : Json()},
                {"pools", Json::array()},
                {"requests", Json::array()}};
    for (const auto& pool : node.pools)
        out["pools"].push_back({{"driver", pool.driver},
                                {"pool", pool.pool},
                                {"state", state_text(pool.state)},
                                {"reason", pool.reason},
                                {"devices", pool.devices}});
    for (const auto& request : node.requests)
        out["requests"].push_back(to_json(request));
    return out;
}

/// Devices with one fate share a line; more names than that would hide it.
constexpr std::size_t kMostNames = 4;
/// Beyond the first few, changes are for programs.
constexpr std::size_t kMostRemedies = 4;

struct Fate {
    std::string text;
    std::vector<std::string> devices;
};

std::vector<Fate> fates(const RequestVerdict& request) {
    std::vector<Fate> out;
    for (const auto& device : request.devices) {
        auto text = device.reason + (device.details.empty() ? "" : ": " + device.details);
        if (!request.met && device.reason.empty())
            text = "usable";
        else if (device.picked && request.met)
            text = "picked";
        else if (device.reason.empty())
            text = device.tried ? "tried, but the rest is not to be had beside it"
                                : "free, not needed";
        const auto known = std::find_if(out.begin(), out.end(),
                                        [&](const Fate& fate) { return fate.text == text; });
        auto& fate = known == out.end() ? out.emplace_back(Fate{text, {}}) : *known;
        fate.devices.push_back(device.id.device);
    }
    return out;
}

std::string line(const Fate& fate) {
    auto names = fate.devices;
    std::string more;
    if (names.size() > kMostNames) {
        more = " and " + std::to_string(names.size() - kMostNames) + " more";
        names.resize(kMostNames);
    }
    return "    " + joined(names) + more + ": " + fate.text + "\n";
}

std::string count_text(const RequestVerdict& request) {
    if (request.all && request.wanted == 0) return "all devices, and none will do";
    return std::to_string(request.picked) + " of " + devices_text(request.wanted);
}

std::string to_text(const NodeVerdict& node, const std::string& claim) {
    std::string out = node.node + (node.fits() ? ": fits\n" : ": does not fit\n");
    if (!node.error.empty()) out += "  " + node.error + "\n";
    for (const auto& pool : node.pools)
        if (const auto text = unusable_text(pool); !text.empty()) out += "  " + text + "\n";
    for (const auto& request : node.requests) {
        out += request.claim == claim ? "  " : "  claim " + request.claim + ", ";
        out += "request " + request.name + ": ";
        if (!request.reached) {
            out += "not reached\n";
            continue;
        }
        out += count_text(request) +
               (request.limit_reached ? ", the limit of 32 devices was reached" : "") + "; " +
               std::to_string(request.devices.size()) + " seen\n";
        for (const auto& fate : fates(request))
            out += line(fate);
    }
    return out;
}

}  // namespace

Diagnosis diagnose(const Cluster& cluster, const Workload& workload) {
    Diagnosis diagnosis;
    diagnosis.claim = workload.asked->meta.text();
    for (const auto* claim : workload.open)
        if (claim != workload.asked) diagnosis.together.push_back("claim " + claim->meta.text());
    const Reader reader(cluster);
    auto allocator = cluster.allocator();
    bool fits = false;
    for (const auto& node : cluster.nodes()) {
        diagnosis.nodes.push_back(look_at(node, workload, allocator, reader));
        fits = fits || diagnosis.nodes.back().fits();
    }
    diagnosis.conclusion = conclude(diagnosis);
    if (fits) return diagnosis;
    auto remedies = find_remedies(cluster, workload);
    diagnosis.tried_all = remedies.complete;
    diagnosis.remedies = std::move(remedies.remedies);
    return diagnosis;
}

Json to_json(const Diagnosis& diagnosis) {
    Json out = {{"claim", diagnosis.claim},           {"fits", false},
                {"conclusion", diagnosis.conclusion}, {"change", Json()},
                {"otherChanges", Json::array()},      {"nodes", Json::array()}};
    for (const auto& node : diagnosis.nodes) {
        if (node.fits()) out["fits"] = true;
        out["nodes"].push_back(to_json(node));
    }
    for (const auto& remedy : diagnosis.remedies) {
        Json entry = {{"text", remedy.text()}, {"node", remedy.node}};
        if (out["change"].is_null())
            out["change"] = std::move(entry);
        else
            out["otherChanges"].push_back(std::move(entry));
    }
    return out;
}

std::string to_text(const Diagnosis& diagnosis) {
    std::string out;
    bool fits = false;
    for (const auto& node : diagnosis.nodes) {
        out += to_text(node, diagnosis.claim);
        fits = fits || node.fits();
    }
    out += (out.empty() ? "" : "\n") + diagnosis.conclusion + "\n";
    if (fits) return out;
    for (std::size_t i = 0; i < diagnosis.remedies.size() && i < kMostRemedies; ++i) {
        const auto& remedy = diagnosis.remedies[i];
        out += (i == 0 ? "Smallest change that makes it fit: " : "Another: ") + remedy.text() +
               " (on " + remedy.node + ").\n";
    }
    if (!diagnosis.remedies.empty()) return out;
    return out + "No change of one or two things makes it fit" +
           (diagnosis.tried_all ? "" : ", as far as was tried") + ".\n";
}

}  // namespace knd::simulate
