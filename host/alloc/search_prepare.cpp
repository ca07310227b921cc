// SPDX-License-Identifier: Apache-2.0
//
// Before the search: what each request wants, and whether it can be understood at all. The errors
// here concern every node; their texts are Kubernetes' own.
#include <algorithm>
#include <limits>

#include "host/alloc/search.hpp"

namespace knd::alloc {
namespace {

constexpr std::size_t kMaxResults = 32;

Error invalid(std::string message) {
    return {Code::kInvalidArgument, std::move(message)};
}

}  // namespace

Search::Search(const Context& context, const api::Node& node,
               std::span<const api::ResourceClaim* const> claims)
    : context_(context),
      data_(context.data),
      features_(context.options.features),
      behaviour_(context.options),
      may_prune_(may_prune(behaviour_, features_, claims)),
      node_(node),
      claims_(claims) {
    pools_ = gather_pools(data_, node, features_, behaviour_);
    for (std::uint32_t pool = 0; pool < pools_.size(); ++pool)
        for (const auto index : pools_[pool].slices) {
            const auto& slice = data_.slices[index];
            for (DeviceIndex i = 0; i < slice.device_count; ++i)
                candidates_.push_back({slice.first_device + i, pool});
        }
}

/// Not where upstream's constraints remember what failed attempts have done to them.
bool Search::may_prune(const Behaviour& behaviour, const Features& features,
                       std::span<const api::ResourceClaim* const> claims) {
    const auto is_safe = [&](const api::DeviceConstraint& constraint) {
        return constraint.match_attribute
                   ? !behaviour.keeps_intersection || !features.list_attributes
                   : !behaviour.distinct_per_request;
    };
    return std::all_of(claims.begin(), claims.end(), [&](const api::ResourceClaim* claim) {
        const auto& constraints = claim->devices.constraints;
        return std::all_of(constraints.begin(), constraints.end(), is_safe);
    });
}

Result<void> Search::prepare() {
    for (const auto* claim : claims_) {
        KND_TRY_ASSIGN(auto prepared, prepare_claim(*claim));
        prepared_.push_back(std::move(prepared));
    }
    picks_of_claim_.assign(claims_.size(), 0);
    return {};
}

Result<PreparedClaim> Search::prepare_claim(const api::ResourceClaim& claim) {
    PreparedClaim out;
    out.claim = &claim;
    std::size_t least = 0;
    for (const auto& request : claim.devices.requests) {
        KND_TRY_ASSIGN(const auto count, prepare_request(claim, request, out));
        if (count > kMaxResults - least)
            return invalid("claim " + claim.meta.text() + ", request " + request.name +
                           ": adding " + std::to_string(count) +
                           " devices exceeds the claim limit of 32, with " + std::to_string(least) +
                           " already accounted for");
        least += count;
    }
    out.chosen.assign(out.requests.size(), 0);
    KND_TRY(prepare_constraints(claim, out));
    return out;
}

/// Appends the request's alternatives; answers how many devices it needs at least.
Result<std::size_t> Search::prepare_request(const api::ResourceClaim& claim,
                                            const api::DeviceRequest& request, PreparedClaim& out) {
    const auto where = "claim " + claim.meta.text() + ", request " + request.name + ": ";
    KND_TRY(check_features(where, "claim " + claim.meta.text() + ", subrequest ", request));
    std::vector<Prepared> alternatives;
    std::size_t least = std::numeric_limits<std::size_t>::max();
    for (const auto& sub : request.first_available) {
        KND_TRY_ASSIGN(auto prepared, prepare_one(claim, request, sub, true));
        least = std::min(least, prepared.count);
        alternatives.push_back(std::move(prepared));
    }
    if (request.first_available.empty()) {
        if (!request.exactly)
            return invalid(where + "missing device class name (unsupported request type?)");
        KND_TRY_ASSIGN(auto prepared, prepare_one(claim, request, *request.exactly, false));
        least = prepared.count;
        alternatives.push_back(std::move(prepared));
    }
    out.requests.push_back(std::move(alternatives));
    return least;
}

Result<void> Search::check_features(const std::string& where, const std::string& sub_where,
                                    const api::DeviceRequest& request) const {
    if (!features_.prioritized_list && !request.first_available.empty())
        return invalid(where + "has subrequests, but the DRAPrioritizedList feature is disabled");
    if (features_.consumable_capacity || behaviour_.knows_no_capacity) return {};
    constexpr std::string_view kCapacity =
        "has capacity requests, but the DRAConsumableCapacity feature is disabled";
    if (request.exactly && !request.exactly->capacity.empty())
        return invalid(where + std::string(kCapacity));
    for (const auto& sub : request.first_available)
        if (!sub.capacity.empty())
            return invalid(sub_where + sub.name + ": " + std::string(kCapacity));
    return {};
}

Result<Prepared> Search::prepare_one(const api::ResourceClaim& claim,
                                     const api::DeviceRequest& parent,
                                     const api::ExactRequest& request, bool is_sub) {
    Prepared out;
    out.request = &request;
    out.base = parent.name;
    if (is_sub) out.sub = request.name;
    const auto where = "claim " + claim.meta.text() + ", request " + std::string(out.own_name());
    for (std::size_t i = 0; i < request.selectors.size(); ++i)
        if (!request.selectors[i])
            return invalid(where + ", selector #" + std::to_string(i) +
                           ": CEL expression empty (unsupported selector type?)");
    if (!features_.admin_access && request.admin_access)
        return invalid(where + ": admin access is requested, but the feature is disabled");
    if (request.device_class.empty())
        return invalid(where + ": missing device class name (unsupported request type?)");
    out.device_class = context_.classes ? context_.classes(request.device_class) : nullptr;
    if (out.device_class == nullptr)
        return Error(Code::kNotFound, where + ": could not retrieve device class " +
                                          request.device_class +
                                          ": deviceclass.resource.k8s.io \"" +
                                          request.device_class + "\" not found");
    out.selectable.assign(candidates_.size(), kSelectableUnknown);
    if (request.allocation_mode == "All") {
        out.all = true;
        KND_TRY(collect_all(claim, out));
        out.count = out.all_candidates.size();
        return out;
    }
    if (request.allocation_mode != "ExactCount")
        return invalid(where + ": unsupported count mode " + request.allocation_mode);
    out.count = request.count < 0 ? 0 : static_cast<std::size_t>(request.count);
    return out;
}

/// "All" must see every device, so no pool of the node may be in doubt.
Result<void> Search::collect_all(const api::ResourceClaim& claim, Prepared& prepared) {
    const auto where = "claim " + claim.meta.text() + ", request " +
                       std::string(prepared.own_name()) +
                       ": asks for all devices, but resource pool ";
    std::uint32_t candidate = 0;
    for (std::uint32_t pool = 0; pool < pools_.size(); ++pool) {
        const auto name = where + pools_[pool].text();
        if (pools_[pool].incomplete) return invalid(name + " is currently being updated");
        if (pools_[pool].invalid) return invalid(name + " is currently invalid");
        for (; candidate < candidates_.size() && candidates_[candidate].pool == pool; ++candidate) {
            KND_TRY_ASSIGN(const bool usable, selectable(claim, prepared, candidate));
            if (!usable) continue;
            Capacity consumed;
            if (features_.consumable_capacity &&
                !capacity_fits(device_of(candidate), candidates_[candidate].device,
                               *prepared.request, consumed))
                continue;
            prepared.all_candidates.push_back(candidate);
        }
    }
    return {};
}

Result<void> Search::prepare_constraints(const api::ResourceClaim& claim,
                                         PreparedClaim& out) const {
    const auto& constraints = claim.devices.constraints;
    for (std::size_t i = 0; i < constraints.size(); ++i) {
        const auto& constraint = constraints[i];
        const auto& attribute =
            constraint.match_attribute ? constraint.match_attribute : constraint.distinct_attribute;
        const bool known = constraint.match_attribute || !behaviour_.knows_no_distinct;
        if (!attribute || !known)
            return invalid("claim " + claim.meta.text() + ", constraint #" + std::to_string(i) +
                           ": empty constraint (unsupported constraint type?)");
        out.constraints.emplace_back(
            constraint.match_attribute ? Constraint::Kind::kMatch : Constraint::Kind::kDistinct,
            *attribute, constraint.requests, data_.vocabulary,
            Constraint::Rules{features_.list_attributes, behaviour_.distinct_per_request,
                              behaviour_.keeps_intersection});
    }
    return {};
}

/// Independent of what is taken, hence asked once per device and request.
Result<bool> Search::selectable(const api::ResourceClaim& claim, Prepared& prepared,
                                std::uint32_t candidate) {
    auto& known = prepared.selectable[candidate];
    if (known != kSelectableUnknown) return known == kSelectable;
    KND_TRY_ASSIGN(const bool yes, evaluate_selectable(claim, prepared, device_of(candidate)));
    known = yes ? kSelectable : kNotSelectable;
    return yes;
}

Result<bool> Search::evaluate_selectable(const api::ResourceClaim& claim, const Prepared& prepared,
                                         const DeviceEntry& device) {
    const auto* extra = data_.extra(device);
    if (!features_.device_binding && extra != nullptr && !extra->binding_conditions.empty())
        return false;
    const auto& device_class = *prepared.device_class;
    KND_TRY_ASSIGN(const bool in_class, selectors_match("class " + device_class.meta.name,
                                                        device_class.selectors, device));
    if (!in_class) return false;
    KND_TRY_ASSIGN(const bool wanted, selectors_match("claim " + claim.meta.text(),
                                                      prepared.request->selectors, device));
    if (!wanted) return false;
    if (!data_.slices[device.slice].per_device) return true;
    return extra != nullptr && extra->reach.covers(node_);
}

Result<bool> Search::selectors_match(const std::string& owner,
                                     const std::vector<api::Selector>& selectors,
                                     const DeviceEntry& device) {
    for (std::size_t i = 0; i < selectors.size(); ++i) {
        const auto where = [&] { return owner + ": selector #" + std::to_string(i); };
        if (!selectors[i])
            return invalid(where() + ": CEL expression empty (unsupported selector type?)");
        auto compiled = program(*selectors[i]);
        if (!compiled.ok()) return compiled.error().wrap(where() + ": CEL compile error");
        const auto failed = [&](const std::string& why) {
            if (behaviour_.terse_errors) return invalid(where() + ": CEL runtime error: " + why);
            auto text =
                where() + " on device " + data_.id(device).text() + ": CEL runtime error: " + why;
            if (why.find("no such key:") != std::string::npos)
                text += " (use has(), or .? with orValue(), for what a device may lack)";
            return invalid(std::move(text));
        };
        const auto* extra = data_.extra(device);
        if (extra != nullptr && !extra->broken.empty()) return failed(extra->broken);
        const auto matches = (*compiled)->matches(data_.view(device));
        if (!matches.ok()) return failed(matches.error().message());
        if (!*matches) return false;
    }
    return true;
}

Result<const cel::Program*> Search::program(const std::string& expression) {
    const auto found = context_.programs.find(expression);
    if (found != context_.programs.end()) return &found->second;
    cel::Environment environment;
    environment.kubernetes_minor = features_.kubernetes_minor;
    environment.list_attributes = features_.list_attributes;
    environment.consumable_capacity = features_.consumable_capacity;
    KND_TRY_ASSIGN(auto compiled, cel::compile_selector(expression, environment));
    return &context_.programs.emplace(expression, std::move(compiled)).first->second;
}

}  // namespace knd::alloc
