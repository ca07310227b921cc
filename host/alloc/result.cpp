// SPDX-License-Identifier: Apache-2.0
//
// From picks to what goes into status.allocation.
#include <algorithm>
#include <set>

#include "host/alloc/search.hpp"

namespace knd::alloc {
namespace {

using Requirements = std::vector<api::NodeSelectorRequirement>;

/// Each once, whatever the order of its values.
void merge(const Requirements& from, Requirements& to) {
    for (const auto& requirement : from) {
        const std::set<std::string> values(requirement.values.begin(), requirement.values.end());
        const bool known = std::any_of(to.begin(), to.end(), [&](const auto& other) {
            return other.key == requirement.key && other.op == requirement.op &&
                   std::set<std::string>(other.values.begin(), other.values.end()) == values;
        });
        if (!known) to.push_back(requirement);
    }
}

}  // namespace

Result<Allocations> Search::assemble() const {
    Allocations out(prepared_.size());
    for (const auto& pick : picks_)
        out[pick.claim].results.push_back(device_result(pick));
    for (std::uint32_t i = 0; i < prepared_.size(); ++i) {
        add_class_configs(prepared_[i], out[i]);
        add_claim_configs(prepared_[i], out[i]);
        if (behaviour_.clears_full_config) clear_full_configs(prepared_[i], out[i]);
        auto selector = node_selector(i);
        if (!selector.ok())
            return std::move(selector).error().wrap("create NodeSelector for claim " +
                                                    prepared_[i].claim->meta.name);
        out[i].node_selector = *std::move(selector);
    }
    return out;
}

api::DeviceAllocation Search::device_result(const Pick& pick) const {
    const auto& device = device_of(pick.candidate);
    const auto& slice = data_.slices[device.slice];
    api::DeviceAllocation out;
    out.request = pick.prepared->result_name();
    out.driver = *slice.driver;
    out.pool = *slice.pool;
    out.device = *device.name;
    out.admin_access = pick.prepared->request->admin_access;
    if (!behaviour_.drops_tolerations) out.tolerations = pick.prepared->request->tolerations;
    if (features_.optional_node_operations)
        out.skip_node_operations = data_.slices[device.slice].skip_node_operations;
    if (const auto* extra = data_.extra(device); extra != nullptr && features_.device_binding) {
        out.binding_conditions = extra->binding_conditions;
        out.binding_failure_conditions = extra->binding_failure_conditions;
    }
    if (pick.shared) {
        out.share_id = context_.share_ids();
        const auto view = data_.view(device);
        for (std::size_t i = 0; i < pick.consumed.size(); ++i)
            out.consumed_capacity.emplace(capacity_name(view, i), pick.amount(i));
    }
    return out;
}

/// A class's entries come once, and name every request that uses the class.
void Search::add_class_configs(const PreparedClaim& claim, api::AllocationResult& out) const {
    struct Entries {
        const std::string* of = nullptr;
        std::size_t first = 0;
        std::size_t last = 0;
    };
    std::pmr::vector<Entries> known(context_.scratch);
    for (std::size_t i = 0; i < claim.requests.size(); ++i) {
        const auto& chosen = claim.requests[i][claim.chosen[i]];
        const auto& name = chosen.device_class->meta.name;
        if (chosen.device_class->config.empty()) continue;
        auto entries = std::find_if(known.begin(), known.end(),
                                    [&](const Entries& each) { return *each.of == name; });
        if (entries == known.end()) {
            entries = known.insert(known.end(), {&name, out.config.size(), 0});
            for (const auto& config : chosen.device_class->config)
                out.config.push_back({api::AllocatedConfig::Source::kClass, {{}, config.opaque}});
            entries->last = out.config.size();
        }
        for (auto n = entries->first; n < entries->last; ++n)
            out.config[n].config.requests.push_back(chosen.result_name());
    }
}

void Search::add_claim_configs(const PreparedClaim& claim, api::AllocationResult& out) const {
    for (const auto& config : claim.claim->devices.config) {
        const auto names = [&](const std::string& name) {
            return std::find(config.requests.begin(), config.requests.end(), name) !=
                   config.requests.end();
        };
        std::size_t times = config.requests.empty() ? 1 : 0;
        for (std::size_t i = 0; i < claim.requests.size() && !config.requests.empty(); ++i) {
            const auto& chosen = claim.requests[i][claim.chosen[i]];
            if (names(std::string(chosen.base)) || names(chosen.result_name())) ++times;
        }
        if (!behaviour_.repeats_claim_config) times = std::min<std::size_t>(times, 1);
        for (; times > 0; --times)
            out.config.push_back({api::AllocatedConfig::Source::kClaim, config});
    }
}

/// To name every request is to name none.
void Search::clear_full_configs(const PreparedClaim& claim, api::AllocationResult& out) {
    for (auto& [source, config] : out.config) {
        const auto& names = config.requests;
        const auto named = [&](const std::string& name) {
            return std::find(names.begin(), names.end(), name) != names.end();
        };
        bool all = true;
        for (std::size_t i = 0; i < claim.requests.size() && all; ++i) {
            const auto& chosen = claim.requests[i][claim.chosen[i]];
            all = named(std::string(chosen.base)) || named(chosen.result_name());
        }
        if (all) config.requests.clear();
    }
}

Result<std::optional<api::NodeSelector>> Search::node_selector(std::uint32_t claim) const {
    api::NodeSelectorTerm term;
    for (const auto& pick : picks_) {
        if (pick.claim != claim) continue;
        const auto& device = device_of(pick.candidate);
        const auto& slice = data_.slices[device.slice];
        const auto* extra = data_.extra(device);
        const auto& reach = slice.per_device && extra != nullptr ? extra->reach : slice.reach;
        const bool binds = device.binds_to_node && !behaviour_.ignores_binds_to_node;
        if (reach.kind == Reach::Kind::kNode || binds) {
            // Moved into place: lists in braces are copied.
            std::optional<api::NodeSelector> here(std::in_place);
            auto& field = here->terms.emplace_back().match_fields.emplace_back();
            field.key = "metadata.name";
            field.op = "In";
            field.values.push_back(pools_.node().name);
            return here;
        }
        if (reach.kind != Reach::Kind::kSelector || reach.selector->terms.empty()) continue;
        if (reach.selector->terms.size() > 1)
            return Error(Code::kInvalidArgument, "unsupported ResourceSlice.NodeSelector with " +
                                                     std::to_string(reach.selector->terms.size()) +
                                                     " terms");
        merge(reach.selector->terms[0].match_fields, term.match_fields);
        merge(reach.selector->terms[0].match_expressions, term.match_expressions);
    }
    if (term.empty()) return std::optional<api::NodeSelector>();
    return std::optional(api::NodeSelector{{std::move(term)}});
}

}  // namespace knd::alloc
