// SPDX-License-Identifier: Apache-2.0
#include "tools/kndctl/simulate/changes.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "host/alloc/inventory.hpp"
#include "host/model/nearest.hpp"
#include "tools/kndctl/simulate/clauses.hpp"

namespace knd::simulate {
namespace {

/// How much is given up, compared with each other. A part of a count or of a capacity weighs by how
/// large a part it is: one device of eight is less than a constraint, one of two is not.
constexpr double kRename = 0.5, kTolerate = 1, kPart = 1, kWhole = 4, kConstraint = 2.9, kNode = 3,
                 kClause = 3.5, kFree = 4, kOneOfAll = 4.5, kClass = 5;
constexpr std::int64_t kMostDevices = 32;
constexpr std::size_t kMostValues = 16;

/// One request, or one alternative of a request, by numbers that hold in every copy of the claim.
struct Place {
    std::size_t request = 0;
    std::size_t alternative = 0;
    std::string name;  ///< "req" or "req/sub"

    api::ExactRequest& in(api::ResourceClaim& claim) const {
        auto& request_of = claim.devices.requests[request];
        return request_of.first_available.empty() ? *request_of.exactly
                                                  : request_of.first_available[alternative];
    }
};

std::vector<Place> places(const api::ResourceClaim& claim) {
    std::vector<Place> out;
    for (std::size_t r = 0; r < claim.devices.requests.size(); ++r) {
        const auto& request = claim.devices.requests[r];
        if (request.first_available.empty() && request.exactly) out.push_back({r, 0, request.name});
        for (std::size_t a = 0; a < request.first_available.size(); ++a)
            out.push_back({r, a, request.name + "/" + request.first_available[a].name});
    }
    return out;
}

std::string text_of(const api::Taint& taint) {
    return taint.key + (taint.value.empty() ? "" : "=" + taint.value) + ":" + taint.effect;
}

api::Toleration toleration_of(const api::Taint& taint) {
    return {taint.key, taint.value.empty() ? "Exists" : "Equal", taint.value, taint.effect,
            std::nullopt};
}

class Finder {
  public:
    Finder(const Cluster& cluster, const Workload& workload)
        : cluster_(cluster),
          workload_(workload),
          claim_(*workload.asked),
          data_(cluster.inventory()->data()) {}

    std::vector<Change> run() {
        note_devices();
        for (const auto& place : places(claim_)) {
            auto copy = claim_;
            const auto& request = place.in(copy);
            rename_class(place, request);
            // There is no place for tolerations where a pod asks for extended resources.
            if (!workload_.is_extended(claim_)) tolerate(place, request);
            lower_count(place, request);
            lower_capacity(place, request);
            drop_clauses(place, request);
        }
        drop_constraints();
        free_claims();
        drop_class_clauses();
        for (const auto* pod : workload_.pods)
            let_elsewhere(*pod);
        std::stable_sort(out_.begin(), out_.end(),
                         [](const Change& a, const Change& b) { return a.weight < b.weight; });
        return std::move(out_);
    }

  private:
    using Apply = std::function<void(Variation&)>;
    /// Of several changes with one `topic` the smallest is enough; empty: it is one of its own.
    void add(std::string_view kind, double weight, std::string text, Apply apply,
             std::string topic = {}) {
        if (topic.empty()) topic = text;
        out_.push_back({kind, std::move(text), std::move(topic), weight, std::move(apply)});
    }

    /// The taints that stop allocations, each once, and the room that devices have.
    void note_devices() {
        for (const auto& device : data_.devices) {
            const auto* extra = data_.extra(device);
            if (extra == nullptr) continue;
            for (const auto& taint : extra->taints) {
                const bool stops = taint.effect == "NoSchedule" || taint.effect == "NoExecute";
                if (stops && known_taints_.insert(text_of(taint)).second) taints_.push_back(taint);
            }
        }
    }

    void rename_class(const Place& place, const api::ExactRequest& request) {
        if (cluster_.find_class(request.device_class) != nullptr) return;
        std::vector<std::string> names;
        for (const auto& known : cluster_.objects().classes)
            names.push_back(known.first);
        const auto name = nearest_name(request.device_class, names);
        if (name.empty()) return;
        add("class", kRename,
            "name class " + name + " instead of " + request.device_class + " in request " +
                place.name,
            [place, name](Variation& v) { place.in(v.claim).device_class = name; });
    }

    void tolerate(const Place& place, const api::ExactRequest& request) {
        for (const auto& taint : taints_) {
            const bool done =
                std::any_of(request.tolerations.begin(), request.tolerations.end(),
                            [&](const auto& toleration) { return tolerates(toleration, taint); });
            if (done) continue;
            add("tolerate", kTolerate,
                "tolerate taint " + text_of(taint) + " in request " + place.name,
                [place, taint](Variation& v) {
                    place.in(v.claim).tolerations.push_back(toleration_of(taint));
                });
        }
    }

    void lower_count(const Place& place, const api::ExactRequest& request) {
        if (request.allocation_mode == "All") {
            add("count", kOneOfAll, "ask for one device instead of all in request " + place.name,
                [place](Variation& v) { set_count(place.in(v.claim), 1); });
            return;
        }
        for (auto count = std::min(request.count - 1, kMostDevices); count > 0; --count) {
            const auto less =
                static_cast<double>(request.count - count) / static_cast<double>(request.count);
            add(
                "count", kPart + kWhole * less,
                "ask for " + std::to_string(count) + " instead of " +
                    std::to_string(request.count) + " devices in request " + place.name,
                [place, count](Variation& v) { set_count(place.in(v.claim), count); },
                "count of " + place.name);
        }
    }

    static void set_count(api::ExactRequest& request, std::int64_t count) {
        request.allocation_mode = "ExactCount";
        request.count = count;
    }

    /// What some device still has is worth asking for.
    void lower_capacity(const Place& place, const api::ExactRequest& request) {
        for (const auto& [name, wanted] : request.capacity) {
            auto values = cluster_.room(name);
            std::erase_if(values, [&, &most = wanted](const Quantity& value) {
                return value >= most || value.sign() <= 0;
            });
            if (values.size() > kMostValues) values.resize(kMostValues);
            for (const auto& value : values) {
                const auto part = value.as_double() / wanted.as_double();
                add(
                    "capacity", kPart + kWhole * (1 - part),
                    "ask for " + value.text() + " instead of " + wanted.text() + " of " + name +
                        " in request " + place.name,
                    [place, key = name, value](Variation& v) {
                        place.in(v.claim).capacity[key] = value;
                    },
                    name + " of " + place.name);
            }
            add(
                "capacity", kPart + kWhole, "do not ask for " + name + " in request " + place.name,
                [place, key = name](Variation& v) { place.in(v.claim).capacity.erase(key); },
                name + " of " + place.name);
        }
    }

    void drop_clauses(const Place& place, const api::ExactRequest& request) {
        for (std::size_t s = 0; s < request.selectors.size(); ++s) {
            if (!request.selectors[s]) continue;
            const auto parts = clauses(*request.selectors[s]);
            for (std::size_t c = 0; c < parts.size(); ++c)
                add("selector", kClause,
                    "drop `" + parts[c] + "` from the selectors of request " + place.name,
                    [place, s, rest = without_clause(parts, c)](Variation& v) {
                        place.in(v.claim).selectors[s] = rest.empty() ? "true" : rest;
                    });
        }
    }

    void drop_constraints() {
        const auto& constraints = claim_.devices.constraints;
        for (std::size_t i = 0; i < constraints.size(); ++i) {
            const auto& constraint = constraints[i];
            const auto what =
                constraint.match_attribute
                    ? "matchAttribute " + *constraint.match_attribute
                    : "distinctAttribute " + constraint.distinct_attribute.value_or("");
            add("constraint", kConstraint, "drop the constraint " + what, [i](Variation& v) {
                // Kept in place, so that the numbers of the others stay: it concerns nothing now.
                v.claim.devices.constraints[i].requests = {"no request"};
            });
        }
    }

    /// Only claims that hold something; the order is that of the input.
    void free_claims() {
        for (const auto& other : cluster_.objects().claims.items()) {
            const auto& allocation = other.object.allocation;
            if (!allocation || is_needed(other.object)) continue;
            const bool holds = std::any_of(allocation->results.begin(), allocation->results.end(),
                                           [](const auto& result) { return !result.admin_access; });
            if (!holds) continue;
            add("free", kFree, "free the devices of claim " + other.object.meta.text(),
                [claim = &other.object](Variation& v) { v.freed.push_back(claim); });
        }
    }

    /// By the pod that waits for the claim.
    bool is_needed(const api::ResourceClaim& other) const {
        const auto& held = workload_.allocated;
        return std::find(held.begin(), held.end(), &other) != held.end();
    }

    /// What keeps the pod from nodes.
    void let_elsewhere(const api::Pod& pod) {
        const auto change = [&](std::string text, std::function<void(api::Pod&)> apply) {
            add("node", kNode, std::move(text) + " pod " + pod.meta.text(),
                [&pod, apply = std::move(apply)](Variation& v) {
                    apply(v.pods.try_emplace(&pod, pod).first->second);
                });
        };
        for (const auto& [key, value] : pod.node_selector)
            change("drop " + key + "=" + value + " from the node selector of",
                   [key = key](api::Pod& copy) { copy.node_selector.erase(key); });
        if (pod.node_affinity)
            change("drop the required node affinity of",
                   [](api::Pod& copy) { copy.node_affinity.reset(); });
        std::set<std::string> known;
        for (const auto& node : cluster_.nodes()) {
            for (const auto& taint : node.taints) {
                if (taint.effect == "PreferNoSchedule" || !known.insert(text_of(taint)).second)
                    continue;
                change("tolerate node taint " + text_of(taint) + " in", [taint](api::Pod& copy) {
                    copy.tolerations.push_back(toleration_of(taint));
                });
            }
        }
    }

    void drop_class_clauses() {
        std::set<std::string> names;
        for (const auto& place : places(claim_)) {
            auto copy = claim_;
            names.insert(place.in(copy).device_class);
        }
        for (const auto& name : names) {
            const auto* device_class = cluster_.find_class(name);
            if (device_class == nullptr) continue;
            for (std::size_t s = 0; s < device_class->selectors.size(); ++s)
                if (device_class->selectors[s]) drop_class_clauses(*device_class, s);
        }
    }

    void drop_class_clauses(const api::DeviceClass& device_class, std::size_t selector) {
        const auto parts = clauses(*device_class.selectors[selector]);
        for (std::size_t c = 0; c < parts.size(); ++c)
            add("class", kClass, "drop `" + parts[c] + "` from class " + device_class.meta.name,
                [&device_class, selector, rest = without_clause(parts, c)](Variation& v) {
                    const auto& name = device_class.meta.name;
                    auto& changed = v.classes.try_emplace(name, device_class).first->second;
                    changed.selectors[selector] = rest.empty() ? "true" : rest;
                });
    }

    const Cluster& cluster_;
    const Workload& workload_;
    const api::ResourceClaim& claim_;
    const alloc::Inventory::Data& data_;
    std::set<std::string> known_taints_;
    std::vector<api::Taint> taints_;
    std::vector<Change> out_;
};

}  // namespace

std::vector<Change> changes_for(const Cluster& cluster, const Workload& workload) {
    return Finder(cluster, workload).run();
}

}  // namespace knd::simulate
