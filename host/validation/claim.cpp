// SPDX-License-Identifier: Apache-2.0
//
// Rules of ResourceClaim, ResourceClaimTemplate and DeviceClass.
#include "host/validation/checks.hpp"
#include "host/validation/schema.hpp"
#include "host/validation/validation.hpp"

namespace knd::validation {
namespace {

constexpr std::string_view kOneOfRequest =
    "exactly one of `exactly` or `firstAvailable` is required";
void check_count(const JsonField& request, Report& report) {
    const auto mode = request["allocationMode"];
    const auto count = request["count"];
    const auto number = count.integer(0);
    if (mode.text_or_empty() == "All") {
        if (number.ok() && *number != 0)
            report.add(api::field_invalid(count.path(), *number,
                                          "must not be specified when allocationMode is 'All'"));
    } else if (mode.text_or_empty() == "ExactCount") {
        if (number.ok() && *number <= 0)
            report.add(api::field_invalid(count.path(), *number, "must be greater than zero"));
    } else {
        check_one_of(mode, {"All", "ExactCount"}, report);
    }
}

/// What the requests of a claim are checked against.
struct Frame {
    bool stored = false;
    /// "req", "req/sub" or "" for all -> the attributes that constraints on it name.
    std::set<std::pair<std::string, std::string>> constrained;
    std::uint64_t cost = 0;  ///< of all derived attributes
};

void collect_constrained(const JsonField& constraints, Frame& frame) {
    constraints.each([&](const JsonField& constraint) {
        const auto match = constraint["matchAttribute"];
        const auto name = match.present() ? match : constraint["distinctAttribute"];
        if (!name.present()) return;
        const std::string attribute(name.text_or_empty());
        if (constraint["requests"].size() == 0) frame.constrained.emplace("", attribute);
        constraint["requests"].each([&](const JsonField& request) {
            frame.constrained.emplace(request.text_or_empty(), attribute);
        });
    });
}

/// What upstream's schema says of attributes that a request computes, since 1.37.
void check_derived_schema(const JsonField& derived, Report& report) {
    check_list(derived, kMaxDerivedAttributes, report, [&](const JsonField& one) {
        for (const auto* key : {"name", "expression"})
            if (one[key].text_or_empty().empty()) report.add(api::field_required(one[key].path()));
        if (!one["name"].text_or_empty().empty()) check_full_name(one["name"], report);
    });
}

/// The rest of the rules for them. `request` is "req" or "req/sub".
void check_derived(const JsonField& derived, const std::string& request, Frame& frame,
                   Report& report) {
    const auto used = [&](const std::string& name) {
        return frame.constrained.contains({"", name}) ||
               frame.constrained.contains({request, name}) ||
               frame.constrained.contains({request.substr(0, request.find('/')), name});
    };
    derived.each([&](const JsonField& one) {
        const auto name = one["name"];
        const std::string text(name.text_or_empty());
        if (!text.empty() && !used(text))
            report.add(api::field_invalid_as(
                name.path(), api::go_json(text),
                "must be referenced by at least one matchAttribute or distinctAttribute "
                "constraint targeting this request"));
        const auto expression = one["expression"];
        if (!expression.text_or_empty().empty())
            frame.cost += check_derivation(expression, frame.stored, report);
    });
    check_repetition(derived, "name", report);
    check_derived_schema(derived, report);
}

void check_exact_request(const JsonField& request, const std::string& name, Frame& frame,
                         Report& report) {
    check_class_name(request["deviceClassName"], report);
    check_selectors(request["selectors"], frame.stored, report);
    check_derived(request["derivedAttributes"], name, frame, report);
    check_count(request, report);
    const auto tolerations = request["tolerations"];
    // There may be any number of them: no release enforces the limit that 1.37 speaks of.
    check_list(tolerations, tolerations.size(), report,
               [&](const JsonField& one) { check_toleration(one, report); });
}

/// Since 1.37 a request of two forms has at least to follow the schema in both.
void check_schema(const JsonField& request, Report& report) {
    check_list(request["selectors"], kMaxSelectors, report, [](const JsonField&) {});
    if (const auto mode = request["allocationMode"]; !mode.text_or_empty().empty())
        check_one_of(mode, {"All", "ExactCount"}, report);
    request["tolerations"].each([&](const JsonField& one) {
        if (!one["key"].text_or_empty().empty()) check_label_key(one["key"], report);
        check_one_of(one["operator"], {"Equal", "Exists"}, report);
        if (!one["effect"].text_or_empty().empty())
            check_one_of(one["effect"], {"NoExecute", "NoSchedule", "None"}, report);
    });
    check_derived_schema(request["derivedAttributes"], report);
}

void check_schemas(const JsonField& request, Report& report) {
    check_schema(request["exactly"], report);
    check_set(
        request["firstAvailable"], kMaxAlternatives, report,
        [&](const JsonField& alternative) {
            check_class_name(alternative["deviceClassName"], report);
            check_schema(alternative, report);
        },
        "name");
}

void check_request(const JsonField& request, Frame& frame, Report& report) {
    check_label(request["name"], report);
    const std::string name(request["name"].text_or_empty());
    const auto alternatives = request["firstAvailable"];
    const auto exactly = request["exactly"];
    const bool both = exactly.present() && alternatives.size() > 0;
    if (!exactly.present() && alternatives.size() == 0)
        return report.add(api::field_required(request.path(), kOneOfRequest));
    // Until 1.34 both were looked at before that was found wrong.
    if (both && report.minor() >= 35) {
        report.add(api::field_invalid(
            request.path(), nullptr, std::string(kOneOfRequest) + ", but multiple fields are set"));
        if (report.minor() >= 37) check_schemas(request, report);
        return;
    }
    if (alternatives.size() > 0)
        check_set(
            alternatives, kMaxAlternatives, report,
            [&](const JsonField& alternative) {
                check_label(alternative["name"], report);
                check_exact_request(alternative,
                                    name + "/" + std::string(alternative["name"].text_or_empty()),
                                    frame, report);
            },
            "name");
    if (exactly.present()) check_exact_request(exactly, name, frame, report);
    if (both)
        report.add(api::field_invalid(
            request.path(), nullptr, std::string(kOneOfRequest) + ", but multiple fields are set"));
}

void check_constraint(const JsonField& constraint, const RequestNames& names, Report& report) {
    names.check_all(constraint["requests"], report);
    const auto match = constraint["matchAttribute"];
    const auto distinct = constraint["distinctAttribute"];
    if (match.present()) check_full_name(match, report);
    // If there are both, the second one is not looked at until 1.36.
    if (distinct.present() && (!match.present() || report.minor() >= 37))
        check_full_name(distinct, report);
    if (match.present() || distinct.present()) return;
    if (report.gates().enabled("DRAConsumableCapacity"))
        report.add(api::field_required(constraint.path(),
                                       "exactly one of \"matchAttribute\" or "
                                       "\"distinctAttribute\" is required, but multiple "
                                       "fields are set"));
    else
        report.add(api::field_required(match.path()));
}

void check_claim_spec(const JsonField& spec, bool stored, Report& report) {
    const auto devices = spec["devices"];
    const auto requests = devices["requests"];
    Frame frame;
    frame.stored = stored;
    collect_constrained(devices["constraints"], frame);
    check_set(
        requests, kMaxRequests, report,
        [&](const JsonField& request) { check_request(request, frame, report); }, "name");
    const RequestNames names(requests.json());
    check_list(devices["constraints"], kMaxConstraints, report,
               [&](const JsonField& one) { check_constraint(one, names, report); });
    check_list(devices["config"], kMaxConfigs, report, [&](const JsonField& config) {
        names.check_all(config["requests"], report);
        check_opaque(config, stored, report);
    });
    if (frame.cost > kMaxDerivationCost)
        report.add(api::field_forbidden(devices.path(),
                                        "too complex, total cost of derived attribute CEL "
                                        "expressions in the claim exceeds cost limit"));
}

void check_same_spec(const JsonField& spec, const Json& before, const char* type, Report& report) {
    const auto& known = *Schema::instance().find(type);
    if (same(known, false, spec.json(), before)) return;
    report.add(api::field_invalid_as(spec.path(), go_text(known, spec.json(), report.minor()),
                                     "field is immutable"));
}

bool is_native(std::string_view resource) {
    return resource.find('/') == std::string_view::npos ||
           resource.find("kubernetes.io/") != std::string_view::npos;
}

/// A quota for it must be nameable: "requests." and the name.
bool is_extended_resource(std::string_view name) {
    return !is_native(name) && !name.starts_with("requests.") &&
           label_key_problems("requests." + std::string(name)).empty();
}

}  // namespace

void validate_class(const Json& before, const Json& after, FieldErrors& errors,
                    const Gates& gates) {
    Report report(errors, gates);
    const JsonField root(after, "");
    const auto spec = root["spec"];
    const auto is_stored = [&](const char* key, const char* type) {
        return !before.is_null() && same(*Schema::instance().find(type), false, spec[key].json(),
                                         json_path(before, {"spec", key}));
    };
    check_selectors(spec["selectors"], is_stored("selectors", "[]DeviceSelector"), report);
    // Until 1.34 the limit of size went by the selectors, by mistake.
    const bool stored = gates.kubernetes_minor() >= 35
                            ? is_stored("config", "[]DeviceClassConfiguration")
                            : is_stored("selectors", "[]DeviceSelector") ||
                                  is_stored("config", "[]DeviceClassConfiguration");
    check_list(spec["config"], kMaxConfigs, report,
               [&](const JsonField& config) { check_opaque(config, stored, report); });
    const auto extended = spec["extendedResourceName"];
    if (extended.present() && !is_extended_resource(extended.text_or_empty()))
        report.add(api::field_invalid(extended.path(), extended.json(),
                                      "must be a valid extended resource name"));
}

void validate_claim(const Json& before, const Json& after, FieldErrors& errors,
                    const Gates& gates) {
    Report report(errors, gates);
    const JsonField root(after, "");
    const auto spec = root["spec"];
    if (before.is_null()) return check_claim_spec(spec, false, report);
    check_same_spec(spec, json_at(before, "spec"), "ResourceClaimSpec", report);
    // Since then, what nobody can change is not looked at again.
    if (report.minor() < 35) check_claim_spec(spec, true, report);
}

void validate_template(const Json& before, const Json& after, FieldErrors& errors,
                       const Gates& gates) {
    Report report(errors, gates);
    const JsonField root(after, "");
    const auto spec = root["spec"];
    check_template_metadata(spec["metadata"], report);
    check_claim_spec(spec["spec"], false, report);
    if (!before.is_null())
        check_same_spec(spec, json_at(before, "spec"), "ResourceClaimTemplateSpec", report);
}

}  // namespace knd::validation
