// SPDX-License-Identifier: Apache-2.0
#include "tools/kndctl/simulate/workload.hpp"

#include <algorithm>
#include <utility>

#include "host/model/nearest.hpp"
#include "host/model/placement.hpp"

namespace knd::simulate {
namespace {

Error invalid(const std::string& origin, std::string message) {
    return {Code::kInvalidArgument, origin + ": " + std::move(message)};
}

Error missing(const std::string& origin, std::string message) {
    return {Code::kNotFound, origin + ": " + std::move(message)};
}

/// Gathers claims and pods in their common order.
class Gatherer {
  public:
    Gatherer(const Objects& objects, const Gates& gates) : objects_(objects) {
        if (gates.enabled("DRAExtendedResource")) backing_ = backing_classes(objects.classes);
    }

    Result<Workload> run() {
        auto pod = objects_.pods.items().begin();
        const auto last = objects_.pods.items().end();
        for (const auto& claim : objects_.claims.items()) {
            for (; pod != last && pod->position < claim.position; ++pod)
                KND_TRY(add(*pod));
            const bool asked = claim.role == Role::kAsked;
            if (asked && !claim.object.allocation) out_.open.push_back(&claim.object);
        }
        for (; pod != last; ++pod)
            KND_TRY(add(*pod));
        return std::move(out_);
    }

  private:
    Result<void> add(const Placed<api::Pod>& pod) {
        if (pod.role != Role::kAsked) return {};
        const auto open = out_.open.size();
        const auto made = out_.made.size();
        auto added = add_claims(pod);
        if (added.ok() || added.code() != Code::kNotFound) return added;
        out_.open.resize(open);
        out_.made.resize(made);
        out_.stuck.emplace_back(&pod.object, added.error());
        return {};
    }

    Result<void> add_claims(const Placed<api::Pod>& pod) {
        bool waits = false;
        std::vector<const api::ResourceClaim*> has;
        for (const auto& entry : pod.object.claims) {
            KND_TRY_ASSIGN(const auto* claim, claim_of(pod, entry));
            if (claim == nullptr) continue;
            waits = waits || !claim->allocation;
            if (claim->allocation) has.push_back(claim);
        }
        if (auto extended = ExtendedClaim::make(pod.object, backing_, objects_.nodes)) {
            out_.extended.push_back(*std::move(extended));
            out_.open.push_back(&out_.extended.back().whole());
            waits = true;
        }
        if (!waits) return {};
        out_.pods.push_back(&pod.object);
        out_.allocated.insert(out_.allocated.end(), has.begin(), has.end());
        return {};
    }

    /// Null: the pod's template turned out to need no claim.
    Result<const api::ResourceClaim*> claim_of(const Placed<api::Pod>& pod,
                                               const api::PodClaim& entry) {
        const auto& meta = pod.object.meta;
        const auto where = "pod " + meta.text() + ", claim " + entry.name + ": ";
        if (entry.claim_name) {
            const auto* claim = objects_.claims.find(meta.ns, *entry.claim_name);
            if (claim != nullptr) return &claim->object;
            return missing(pod.origin,
                           where + "there is no ResourceClaim " + *entry.claim_name +
                               " in the input; add it, or a ResourceClaimTemplate in its place");
        }
        std::string name = meta.name + "-" + entry.name;
        if (const auto known = pod.object.made_claims.find(entry.name);
            known != pod.object.made_claims.end()) {
            if (known->second.empty()) return static_cast<const api::ResourceClaim*>(nullptr);
            name = known->second;
            if (const auto* claim = objects_.claims.find(meta.ns, name)) return &claim->object;
        }
        if (!entry.template_name)
            return invalid(pod.origin, where + "names no ResourceClaim and no template");
        const auto* from = objects_.templates.find(meta.ns, *entry.template_name);
        if (from == nullptr)
            return missing(pod.origin, where + "there is no ResourceClaimTemplate " +
                                           *entry.template_name + " in the input");
        auto& claim = out_.made.emplace_back();
        claim.meta = from->object.claim_meta;
        claim.meta.ns = meta.ns;
        claim.meta.name = std::move(name);
        claim.devices = from->object.devices;
        out_.open.push_back(&claim);
        return &claim;
    }

    const Objects& objects_;
    BackingClasses backing_;
    Workload out_;
};

bool same_namespace(const std::string& a, const std::string& b) {
    return (a.empty() ? "default" : a) == (b.empty() ? "default" : b);
}

/// Null: it does not stand for extended resources.
const ExtendedClaim* extended_of(const Workload& workload, const api::ResourceClaim& claim) {
    const auto found = std::find_if(workload.extended.begin(), workload.extended.end(),
                                    [&](const auto& entry) { return entry.has(claim); });
    return found == workload.extended.end() ? nullptr : &*found;
}

bool uses(const Workload& workload, const api::Pod& pod, const api::ResourceClaim& claim) {
    if (const auto* own = extended_of(workload, claim)) return &own->pod() == &pod;
    if (!same_namespace(pod.meta.ns, claim.meta.ns)) return false;
    return std::any_of(pod.claims.begin(), pod.claims.end(), [&](const api::PodClaim& entry) {
        if (entry.claim_name) return *entry.claim_name == claim.meta.name;
        const auto made = pod.made_claims.find(entry.name);
        return claim.meta.name ==
               (made == pod.made_claims.end() ? pod.meta.name + "-" + entry.name : made->second);
    });
}

/// The claim that waits, else the one that is there.
Result<const api::ResourceClaim*> find_claim(const Workload& all, const Objects& objects,
                                             const std::string& ns, const std::string& name) {
    const auto is_it = [&](const api::ResourceClaim& claim) {
        return claim.meta.name == name && same_namespace(claim.meta.ns, ns);
    };
    for (const auto* claim : all.open)
        if (is_it(*claim)) return claim;
    std::vector<std::string> names;
    for (const auto* claim : all.open)
        if (same_namespace(claim->meta.ns, ns)) names.push_back(claim->meta.name);
    for (const auto& claim : objects.claims.items()) {
        if (is_it(claim.object)) return &claim.object;
        if (same_namespace(claim.object.meta.ns, ns)) names.push_back(claim.object.meta.name);
    }
    return Error(Code::kNotFound, "there is no ResourceClaim " + name + " in namespace " +
                                      (ns.empty() ? "default" : ns) + did_you_mean(name, names));
}

}  // namespace

std::vector<const api::ResourceClaim*> Workload::on(
    const api::Node& node, std::span<const api::ResourceClaim* const> claims) const {
    std::vector<const api::ResourceClaim*> out;
    for (const auto* claim : claims) {
        const auto* own = extended_of(*this, *claim);
        const auto* seen = own == nullptr ? claim : own->on(node);
        if (seen != nullptr) out.push_back(seen);
    }
    return out;
}

bool Workload::is_made(const api::ResourceClaim& claim) const {
    return extended_of(*this, claim) != nullptr ||
           std::any_of(made.begin(), made.end(),
                       [&](const api::ResourceClaim& other) { return &other == &claim; });
}

bool Workload::is_extended(const api::ResourceClaim& claim) const {
    return extended_of(*this, claim) != nullptr;
}

bool Workload::is_used(const api::ResourceClaim& claim) const {
    return std::any_of(pods.begin(), pods.end(),
                       [&](const api::Pod* pod) { return uses(*this, *pod, claim); });
}

Result<Workload> gather(const Objects& objects, const Gates& gates) {
    return Gatherer(objects, gates).run();
}

Result<Workload> waiting(const Objects& objects, const Gates& gates) {
    KND_TRY_ASSIGN(auto all, gather(objects, gates));
    if (!all.stuck.empty()) return std::move(all.stuck.front().second);
    return all;
}

Result<Workload> only(const Objects& objects, const Gates& gates, const std::string& ns,
                      const std::string& name) {
    KND_TRY_ASSIGN(auto all, gather(objects, gates));
    KND_TRY_ASSIGN(all.asked, find_claim(all, objects, ns, name));
    for (const auto& [pod, error] : all.stuck)
        if (uses(all, *pod, *all.asked)) return error;
    std::erase_if(all.pods, [&](const api::Pod* pod) { return !uses(all, *pod, *all.asked); });
    // Of other pods only this one's node matters: they are scheduled one by one.
    std::erase_if(all.open, [&](const api::ResourceClaim* claim) {
        if (claim == all.asked) return false;
        return all.pods.empty() || !uses(all, *all.pods.front(), *claim);
    });
    std::erase_if(all.allocated,
                  [&](const api::ResourceClaim* claim) { return !all.is_used(*claim); });
    if (all.open.empty()) all.open.push_back(all.asked);
    return all;
}

std::string reject(const Workload& workload, const api::Node& node) {
    for (const auto* pod : workload.pods) {
        auto reason = api::reject(*pod, node);
        if (!reason.empty()) return "pod " + pod->meta.text() + ": " + reason;
    }
    for (const auto* claim : workload.allocated) {
        auto reason = api::reject(*claim, node);
        if (!reason.empty()) return "claim " + claim->meta.text() + ": " + reason;
    }
    return {};
}

}  // namespace knd::simulate
