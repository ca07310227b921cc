// SPDX-License-Identifier: Apache-2.0
#include "tools/kndctl/simulate/diagnosis.hpp"

#include <algorithm>
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

std::string describe(const alloc::Shortage& shortage) {
    const auto name =
        (shortage.counter_set.empty() ? "" : shortage.counter_set + "/") + shortage.name;
    return name + ": " + shortage.available.text() + " left, " + shortage.wanted.text() + " wanted";
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
    Reader(const Cluster& cluster, const api::ResourceClaim& claim)
        : cluster_(cluster),
          claim_(claim),
          data_(cluster.inventory()->data()),
          environment_(alloc::selector_environment(features_of(cluster.settings().gates))) {}

    RequestVerdict read(const alloc::RequestTrace& trace) const {
        RequestVerdict verdict{trace.name,    trace.wanted,        devices_had(trace),
                               trace.reached, trace.limit_reached, {}};
        const auto* request = find_request(claim_, trace);
        for (const auto& device : trace.devices) {
            DeviceVerdict entry{device.id, device.picked, {}, {}};
            if (device.refusal != Refusal::kNone) {
                entry.reason = alloc::refusal_text(device.refusal);
                entry.details = details(device, request);
            }
            verdict.devices.push_back(std::move(entry));
        }
        return verdict;
    }

  private:
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
            case Refusal::kCapacity:
            case Refusal::kCounters:
                return device.shortage ? describe(*device.shortage) : "";
            case Refusal::kClassSelector:
                return request == nullptr ? "" : of_class(device, request->device_class);
            case Refusal::kRequestSelector:
                return request == nullptr ? "" : of_selector(device, request->selectors);
            case Refusal::kSelectorError: {
                // The class is asked first: only when its selectors hold did one of the request
                // fail.
                if (request == nullptr) return "";
                const auto text = of_class(device, request->device_class);
                return text.empty() ? of_selector(device, request->selectors) : text;
            }
            default:
                return "";
        }
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
        if (!program.ok()) return program.error().message();
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
    const api::ResourceClaim& claim_;
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
    if (claims.empty()) {
        verdict.allocation.emplace();  // device plugins of the node provide everything
        return verdict;
    }
    alloc::Trace trace;
    auto result = allocator.allocate(node, claims, &trace);
    if (!result.ok())
        verdict.error = result.error().message();
    else if (*result)
        verdict.allocation = std::move((**result).front());
    if (!verdict.fits()) verdict.reason = result.ok() ? why_not(trace, claims) : verdict.error;
    verdict.pools = std::move(trace.pools);
    for (const auto& request : trace.requests) {
        verdict.requests.push_back(reader.read(request));
        verdict.picked += verdict.requests.back().picked;
    }
    return verdict;
}

std::string conclude(const Diagnosis& diagnosis) {
    const auto& nodes = diagnosis.nodes;
    const auto title = "claim " + diagnosis.claim;
    const auto of_all =
        " of " + std::to_string(nodes.size()) + (nodes.size() == 1 ? " node" : " nodes");
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
    Json out = {{"name", request.name},
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

std::string_view state_text(alloc::PoolTrace::State state) {
    switch (state) {
        case alloc::PoolTrace::State::kIncomplete:
            return "incomplete";
        case alloc::PoolTrace::State::kInvalid:
            return "invalid";
        case alloc::PoolTrace::State::kUsable:
            break;
    }
    return "usable";
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

std::vector<Fate> fates(const RequestVerdict& request, bool fits) {
    std::vector<Fate> out;
    for (const auto& device : request.devices) {
        auto text = device.reason + (device.details.empty() ? "" : ": " + device.details);
        if (fits && device.picked)
            text = "picked";
        else if (device.reason.empty())
            text = fits ? "free, not needed" : "usable";
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

std::string to_text(const NodeVerdict& node) {
    std::string out = node.node + (node.fits() ? ": fits\n" : ": does not fit\n");
    if (!node.error.empty()) out += "  " + node.error + "\n";
    for (const auto& pool : node.pools)
        if (pool.state != alloc::PoolTrace::State::kUsable)
            out += "  pool " + pool.driver + "/" + pool.pool + " is " +
                   std::string(state_text(pool.state)) +
                   (pool.reason.empty() ? "" : ": " + pool.reason) + "\n";
    for (const auto& request : node.requests) {
        out += "  request " + request.name + ": ";
        if (!request.reached) {
            out += "not reached\n";
            continue;
        }
        out += std::to_string(request.picked) + " of " + devices_text(request.wanted) +
               (request.limit_reached ? ", the limit of 32 devices was reached" : "") + "; " +
               std::to_string(request.devices.size()) + " seen\n";
        for (const auto& fate : fates(request, node.fits()))
            out += line(fate);
    }
    return out;
}

}  // namespace

Diagnosis diagnose(const Cluster& cluster, const Workload& workload) {
    const auto& claim = *workload.open.front();
    Diagnosis diagnosis;
    diagnosis.claim = claim.meta.text();
    const Reader reader(cluster, claim);
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
        out += to_text(node);
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
