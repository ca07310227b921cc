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

Result<void> Search::prepare() {
    // Requests keep pointers to each other: no element may move later.
    prepared_.reserve(claims_.size());
    for (std::size_t i = 0; i < claims_.size(); ++i)
        prepared_.emplace_back(context_.scratch);
    for (std::size_t i = 0; i < claims_.size(); ++i)
        KND_TRY(prepare_claim(*claims_[i], prepared_[i]));
    return {};
}

Result<void> Search::prepare_claim(const api::ResourceClaim& claim, PreparedClaim& out) {
    out.claim = &claim;
    out.requests.reserve(claim.devices.requests.size());
    std::size_t least = 0;
    for (const auto& request : claim.devices.requests) {
        KND_TRY_ASSIGN(const auto count, prepare_request(request, out));
        if (!behaviour_.counts_claims_last && count > kMaxResults - least)
            return invalid("claim " + claim.meta.text() + ", request " + request.name +
                           ": adding " + std::to_string(count) +
                           " devices exceeds the claim limit of 32, with " + std::to_string(least) +
                           " already accounted for");
        least += count;
    }
    if (least > kMaxResults)
        return invalid("claim " + claim.meta.text() + ": number of requested devices " +
                       std::to_string(least) + " exceeds the claim limit of 32");
    out.chosen.assign(out.requests.size(), 0);
    KND_TRY(prepare_constraints(out));
    return {};
}

/// Appends the request's alternatives; answers how many devices it needs at least.
Result<std::size_t> Search::prepare_request(const api::DeviceRequest& request, PreparedClaim& out) {
    const auto& claim = *out.claim;
    KND_TRY(check_features(claim, request));
    if (request.first_available.empty() && !request.exactly)
        return invalid("claim " + claim.meta.text() + ", request " + request.name +
                       ": missing device class name (unsupported request type?)");
    auto& alternatives = out.requests.emplace_back();
    const auto count = std::max<std::size_t>(1, request.first_available.size());
    alternatives.reserve(count);
    std::size_t least = std::numeric_limits<std::size_t>::max();
    for (std::size_t i = 0; i < count; ++i) {
        auto& prepared = alternatives.emplace_back(context_.scratch);
        const bool is_sub = !request.first_available.empty();
        prepared.claim = &claim;
        prepared.request = is_sub ? &request.first_available[i] : &*request.exactly;
        prepared.base = request.name;
        if (is_sub) prepared.sub = prepared.request->name;
        if (context_.trace != nullptr) trace_request(prepared);
        if (i == 1 && behaviour_.second_all_selects_like_first && alternatives[0].all)
            prepared.fitness = alternatives[0].fitness;
        KND_TRY(prepare_one(prepared));
        least = std::min(least, prepared.count);
    }
    return least;
}

Result<void> Search::check_features(const api::ResourceClaim& claim,
                                    const api::DeviceRequest& request) const {
    const auto where = [&] {
        return "claim " + claim.meta.text() + ", request " + request.name + ": ";
    };
    if (!features_.prioritized_list && !request.first_available.empty())
        return invalid(where() + "has subrequests, but the DRAPrioritizedList feature is disabled");
    if (features_.consumable_capacity || behaviour_.knows_no_capacity) return {};
    constexpr std::string_view kCapacity =
        "has capacity requests, but the DRAConsumableCapacity feature is disabled";
    if (request.exactly && !request.exactly->capacity.empty())
        return invalid(where() + std::string(kCapacity));
    for (const auto& sub : request.first_available)
        if (!sub.capacity.empty())
            return invalid(
                (behaviour_.names_whole_request
                     ? where()
                     : "claim " + claim.meta.text() + ", subrequest " + sub.name + ": ") +
                std::string(kCapacity));
    return {};
}

Result<void> Search::prepare_one(Prepared& prepared) {
    const auto& request = *prepared.request;
    const auto where = [&] {
        return "claim " + prepared.claim->meta.text() + ", request " +
               std::string(prepared.own_name());
    };
    // Releases that have never heard of the field do not look at it.
    if (!request.derived_attributes.empty() && !features_.derived_attributes &&
        features_.kubernetes_minor >= 37)
        return invalid(where() +
                       ": cannot handle request with derived attributes, the feature is "
                       "disabled");
    for (std::size_t i = 0; i < request.selectors.size(); ++i)
        if (!request.selectors[i])
            return invalid(where() + ", selector #" + std::to_string(i) +
                           ": CEL expression empty (unsupported selector type?)");
    if (!features_.admin_access && request.admin_access)
        return invalid(where() + ": admin access is requested, but the feature is disabled");
    if (request.device_class.empty())
        return invalid(where() + ": missing device class name (unsupported request type?)");
    prepared.device_class = context_.classes ? context_.classes(request.device_class) : nullptr;
    if (prepared.device_class == nullptr)
        return Error(Code::kNotFound, where() + ": could not retrieve device class " +
                                          request.device_class +
                                          ": deviceclass.resource.k8s.io \"" +
                                          request.device_class + "\" not found");
    find_selectors(prepared);
    if (behaviour_.requests_grow) may_grow(prepared);
    if (request.allocation_mode == "All") {
        prepared.all = true;
        prepared.fitness.resize(candidates_.size(), Fitness::kUnknown);
        return collect_all(prepared);
    }
    prepared.fitness.assign(candidates_.size(), Fitness::kUnknown);
    if (request.allocation_mode != "ExactCount")
        return invalid(where() + ": unsupported count mode " + request.allocation_mode);
    prepared.count = request.count < 0 ? 0 : static_cast<std::size_t>(request.count);
    return {};
}

void Search::find_selectors(Prepared& prepared) const {
    const auto& of_class = prepared.device_class->selectors;
    const auto& of_request = prepared.request->selectors;
    prepared.selectors.reserve(of_class.size() + of_request.size());
    for (const auto* selectors : {&of_class, &of_request})
        for (const auto& expression : *selectors)
            prepared.selectors.push_back(expression ? &context_.selectors.get(*expression)
                                                    : nullptr);
}

/// "All" must see every device, so no pool of the node may be in doubt.
Result<void> Search::collect_all(Prepared& prepared) {
    const auto where = [&](const Pool& pool) {
        return "claim " + prepared.claim->meta.text() + ", request " +
               std::string(prepared.own_name()) + ": asks for all devices, but resource pool " +
               pool.text();
    };
    CandidateIndex candidate = 0;
    for (PoolIndex index = 0; index < pools_.pools().size(); ++index) {
        const auto& pool = pools_.pools()[index];
        if (pool.incomplete) return invalid(where(pool) + " is currently being updated");
        if (pool.invalid) return invalid(where(pool) + " is currently invalid");
        for (; candidate < candidates_.size() && candidates_[candidate].pool == index;
             ++candidate) {
            const auto known = prepared.fitness[candidate];
            const auto selected = known == Fitness::kUnknown ? select(prepared, candidate) : known;
            if (selected == Fitness::kError) return *std::move(error_);
            if (selected != Fitness::kSelected) continue;
            if (!check_amounts(prepared, candidate, *device_of(candidate).name))
                return *std::move(error_);
            Amounts consumed;
            if (behaviour_.all_wants_full_devices ? fits_alone(prepared, candidate)
                                                  : has_room(prepared, candidate, consumed))
                prepared.all_candidates.push_back(candidate);
        }
    }
    prepared.count = prepared.all_candidates.size();
    return {};
}

const api::DerivedAttribute* Prepared::derived(const api::DeviceConstraint& constraint) const {
    const auto& name =
        constraint.match_attribute ? constraint.match_attribute : constraint.distinct_attribute;
    const auto& known = request->derived_attributes;
    const auto found = std::find_if(known.rbegin(), known.rend(),
                                    [&](const auto& one) { return one.name == name; });
    return found == known.rend() ? nullptr : &*found;
}

Result<void> Search::prepare_constraints(PreparedClaim& out) {
    const auto& constraints = out.claim->devices.constraints;
    const Constraint::Rules rules{features_.list_attributes, behaviour_.distinct_per_request,
                                  behaviour_.distinct_by_device, behaviour_.keeps_intersection};
    for (std::size_t i = 0; i < constraints.size(); ++i) {
        const auto& constraint = constraints[i];
        const bool match = constraint.match_attribute.has_value();
        const auto& attribute = match ? constraint.match_attribute : constraint.distinct_attribute;
        if (!attribute || (!match && behaviour_.knows_no_distinct))
            return invalid("claim " + out.claim->meta.text() + ", constraint #" +
                           std::to_string(i) + ": empty constraint (unsupported constraint type?)");
        out.constraints.emplace_back(match ? Constraint::Kind::kMatch : Constraint::Kind::kDistinct,
                                     *attribute, data_.vocabulary, pools_, rules);
        out.by_value.push_back(false);
        for (auto& alternatives : out.requests) {
            for (auto& prepared : alternatives) {
                if (!concerns(constraint.requests, prepared.base, prepared.sub)) continue;
                prepared.constraints.push_back(static_cast<std::uint32_t>(i));
                if (features_.derived_attributes && prepared.derived(constraint) != nullptr)
                    out.by_value.back() = true;
            }
        }
    }
    return {};
}

}  // namespace knd::alloc
