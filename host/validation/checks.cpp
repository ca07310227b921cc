// SPDX-License-Identifier: Apache-2.0
#include "host/validation/checks.hpp"

#include <algorithm>

#include "host/cel/derivation.hpp"
#include "host/validation/validation.hpp"

namespace knd::validation {
namespace {

constexpr std::string_view kNoRequest =
    "must be the name of a request in the claim or the name of a request and a subrequest "
    "separated by '/'";

void check_identifier(const std::string& path, std::string_view id, Report& report) {
    if (id.size() > kMaxAttributeId) report.add(api::field_too_long(path, kMaxAttributeId));
    const auto known = report.size();
    add_problems(path, id, c_identifier_problems(id), report);
    // Until 1.33 with a reason of its own, in the same words.
    if (report.minor() < 34 && report.size() > known) report.blame_type();
}

cel::Environment environment_of(bool stored, const Report& report) {
    cel::Environment environment;
    environment.kubernetes_minor = report.minor();
    environment.stored = stored;
    environment.list_attributes = report.gates().enabled("DRAListTypeAttributes");
    environment.consumable_capacity = report.gates().enabled("DRAConsumableCapacity");
    return environment;
}

/// The cost of what has been compiled, 0 for what has not. `derives`: an attribute, not a bool.
std::uint64_t check_expression(const JsonField& field, bool stored, bool derives, Report& report) {
    // What was stored was valid then.
    if (stored && report.minor() >= 37) return 0;
    const auto expression = field.text_or_empty();
    if (expression.size() > kMaxExpression) {
        report.add(api::field_too_long(field.path(), kMaxExpression));
        return 0;
    }
    const auto environment = environment_of(stored, report);
    const auto compiled = derives ? cel::compile_derivation(expression, environment)
                                  : cel::compile_selector(expression, environment);
    if (!compiled.ok()) {
        report.add(api::field_invalid(field.path(), expression, compiled.error().message()));
        return 0;
    }
    if (compiled->estimated_cost() > cel::kDefaultCostLimit)
        report.add(api::field_forbidden(field.path(), "too complex, exceeds cost limit"));
    return compiled->estimated_cost();
}

/// None exists since 1.35.
void check_effect(const JsonField& effect, Report& report) {
    if (report.minor() >= 35)
        check_one_of(effect, {"NoExecute", "NoSchedule", "None"}, report);
    else
        check_one_of(effect, {"NoExecute", "NoSchedule"}, report);
}

}  // namespace

void add_problems(const std::string& path, const Json& value, const Problems& problems,
                  Report& report) {
    for (const auto& problem : problems)
        report.add(api::field_invalid(path, value, problem));
}

void check_label(const JsonField& field, Report& report) {
    const auto text = field.text_or_empty();
    if (const auto problems = label_problems(text); !problems.empty())
        add_problems(field.path(), text, problems, report);
}

void check_label_key(const JsonField& field, Report& report) {
    const auto text = field.text_or_empty();
    if (const auto problems = label_key_problems(text); !problems.empty())
        add_problems(field.path(), text, problems, report);
}

void check_label_value(const JsonField& field, Report& report) {
    const auto text = field.text_or_empty();
    if (const auto problems = label_value_problems(text); !problems.empty())
        add_problems(field.path(), text, problems, report);
}

void check_driver(const std::string& path, std::string_view name, Report& report) {
    if (name.empty()) {
        report.add(api::field_required(path));
        // Until 1.34 it was wrong as well.
        if (report.minor() >= 35) return;
    }
    if (name.size() > kMaxDriverName) report.add(api::field_too_long(path, kMaxDriverName));
    // Capitals are allowed, for reasons of history.
    add_problems(path, name, subdomain_problems(lower_case(name)), report);
}

void check_pool(const JsonField& field, Report& report) {
    auto name = field.text_or_empty();
    if (name.empty()) return report.add(api::field_required(field.path()));
    if (name.size() > kMaxPoolName) report.add(api::field_too_long(field.path(), kMaxPoolName));
    for (;;) {
        const auto slash = name.find('/');
        const auto part = name.substr(0, slash);
        add_problems(field.path(), part, subdomain_problems(part), report);
        if (slash == std::string_view::npos) return;
        name.remove_prefix(slash + 1);
    }
}

void check_node_name(const JsonField& field, Report& report) {
    add_problems(field.path(), field.json(), subdomain_problems(field.text_or_empty()), report);
}

void check_class_name(const JsonField& field, Report& report) {
    if (field.text_or_empty().empty())
        report.add(api::field_required(field.path()));
    else
        check_node_name(field, report);
}

void check_qualified_name(const std::string& path, std::string_view name, Report& report) {
    // Until 1.34 what is empty was missing, not invalid.
    const auto empty = [&](std::string_view what) {
        report.add(report.minor() >= 35 ? api::field_invalid(path, "", what)
                                        : api::field_required(path, what));
    };
    if (name.empty() && report.minor() < 35)
        return report.add(api::field_required(path, "name required"));
    const auto slash = name.find('/');
    if (slash == std::string_view::npos) return check_identifier(path, name, report);
    const auto domain = name.substr(0, slash);
    const auto id = name.substr(slash + 1);
    // Kubernetes looks at no name with a second slash, by mistake; nothing can match it.
    if (id.find('/') != std::string_view::npos) return;
    if (domain.empty())
        empty("the domain must not be empty");
    else
        check_driver(path, domain, report);
    if (id.empty())
        empty("the name must not be empty");
    else
        check_identifier(path, id, report);
}

void check_full_name(const JsonField& field, Report& report) {
    const auto name = field.text_or_empty();
    check_qualified_name(field.path(), name, report);
    if (name.find('/') != std::string_view::npos) return;
    if (report.minor() >= 35)
        report.add(
            api::field_invalid_as(field.path(), api::go_json(name),
                                  "a fully qualified name must be a domain and a name separated by "
                                  "a slash"));
    else if (!name.empty())
        report.add(api::field_invalid(field.path(), name, "must include a domain"));
}

void check_one_of(const JsonField& field, std::initializer_list<const char*> supported,
                  Report& report) {
    const auto text = field.text_or_empty();
    if (std::find(supported.begin(), supported.end(), text) != supported.end()) return;
    report.add(api::field_unsupported(field.path(), text, {supported.begin(), supported.end()}));
}

void check_length(const JsonField& field, std::size_t limit, Report& report) {
    if (field.text_or_empty().size() > limit) report.add(api::field_too_long(field.path(), limit));
}

void check_immutable_text(const JsonField& field, const Json& before, Report& report) {
    const auto text = field.text_or_empty();
    if (text != (before.is_string() ? before.get_ref<const std::string&>() : ""))
        report.add(api::field_invalid(field.path(), text, "field is immutable"));
}

void check_immutable(const JsonField& field, const Json& before, Report& report) {
    if (field.json() != before)
        report.add(
            api::field_invalid_as(field.path(), api::go_json(field.json()), "field is immutable"));
}

void check_list(const JsonField& list, std::size_t limit, Report& report,
                const std::function<void(const JsonField&)>& visit) {
    const bool too_many = list.size() > limit;
    // Until 1.34 also what is too much was looked at.
    if (!too_many || report.minor() < 35) list.each(visit);
    if (too_many) report.add(api::field_too_many(list.path(), list.size(), limit));
}

void check_repetition(const JsonField& list, std::string_view key, Report& report) {
    std::set<std::string_view> seen;
    list.each([&](const JsonField& element) {
        const auto field = key.empty() ? element : element[key];
        if (seen.insert(field.text_or_empty()).second) return;
        // Until 1.34 the key was blamed, not the element.
        const auto& at = report.minor() >= 35 ? element : field;
        report.add(api::field_duplicate(at.path(), field.text_or_empty()));
    });
}

void check_set(const JsonField& list, std::size_t limit, Report& report,
               const std::function<void(const JsonField&)>& visit, std::string_view key) {
    check_list(list, limit, report, visit);
    if (list.size() <= limit || report.minor() < 35) check_repetition(list, key, report);
}

void check_taint(const JsonField& taint, const Json& before, Report& report) {
    check_label_key(taint["key"], report);
    check_label_value(taint["value"], report);
    const auto effect = taint["effect"];
    if (report.minor() >= 35 && !before.is_null() &&
        json_string(before, "effect") == effect.text_or_empty())
        return;
    if (effect.text_or_empty().empty())
        report.add(api::field_required(effect.path()));
    else
        check_effect(effect, report);
}

void check_toleration(const JsonField& toleration, Report& report) {
    if (!toleration["key"].text_or_empty().empty()) check_label_key(toleration["key"], report);
    const auto op = toleration["operator"].text_or_empty();
    const auto value = toleration["value"];
    if (op == "Exists" && !value.text_or_empty().empty())
        report.add(
            api::field_invalid(value.path(), value.json(), "must be empty for operator `Exists`"));
    else if (op.empty() || op == "Equal")
        check_label_value(value, report);
    else
        check_one_of(toleration["operator"], {"Equal", "Exists"}, report);
    if (!toleration["effect"].text_or_empty().empty()) check_effect(toleration["effect"], report);
}

void check_binding_conditions(const JsonField& holder, Report& report) {
    const auto need = holder["bindingConditions"];
    const auto fail = holder["bindingFailureConditions"];
    const auto key = [&](const JsonField& one) { check_label_key(one, report); };
    check_list(need, kMaxBindingConditions, report, key);
    check_list(fail, kMaxBindingConditions, report, key);
    std::set<Json> needed;
    need.each([&](const JsonField& one) {
        if (!needed.insert(one.json()).second)
            report.add(api::field_duplicate(one.path(), one.json()));
    });
    std::set<Json> failing;
    fail.each([&](const JsonField& one) {
        if (!failing.insert(one.json()).second)
            report.add(api::field_duplicate(one.path(), one.json()));
        if (needed.contains(one.json()))
            report.add(api::field_invalid(
                one.path(), one.json(),
                "bindingFailureConditions must not overlap with bindingConditions"));
    });
    if (need.size() == 0 && fail.size() > 0)
        report.add(
            api::field_invalid(need.path(), need.json(),
                               "bindingConditions are required to use bindingFailureConditions"));
    if (fail.size() == 0 && need.size() > 0)
        report.add(
            api::field_invalid(fail.path(), fail.json(),
                               "bindingFailureConditions are required to use bindingConditions"));
}

void check_skipped_operations(const JsonField& operations, Report& report) {
    bool prepare = false;
    bool unprepare = false;
    operations.each([&](const JsonField& one) {
        const auto text = one.text_or_empty();
        prepare = prepare || text == "NodePrepareResources";
        unprepare = unprepare || text == "NodeUnprepareResources" || text == "*";
    });
    if (prepare && !unprepare)
        report.add(api::field_invalid(operations.path(), operations.json(),
                                      "NodePrepareResources cannot be skipped unless "
                                      "NodeUnprepareResources is also skipped"));
    check_set(operations, operations.size(), report, [&](const JsonField& one) {
        check_one_of(one, {"*", "NodePrepareResources", "NodeUnprepareResources"}, report);
    });
}

void check_selectors(const JsonField& selectors, bool stored, Report& report) {
    check_list(selectors, kMaxSelectors, report, [&](const JsonField& selector) {
        const auto cel = selector["cel"];
        if (cel.present())
            check_expression(cel["expression"], stored, false, report);
        else
            report.add(api::field_required(cel.path()));
    });
}

std::uint64_t check_derivation(const JsonField& expression, bool stored, Report& report) {
    return check_expression(expression, stored, true, report);
}

void check_raw_object(const JsonField& field, bool stored, Report& report) {
    if (!field.present())
        report.add(api::field_required(field.path()));
    else if (!stored && to_text(field.json()).size() > kMaxRawObject)
        report.add(api::field_too_long(field.path(), kMaxRawObject));
    else if (!field.json().is_object())
        report.add(api::field_invalid(field.path(), "<value omitted>",
                                      report.minor() >= 34
                                          ? "must be a valid JSON object"
                                          : "parameters must be a valid JSON object"));
}

void check_opaque(const JsonField& config, bool stored, Report& report) {
    const auto opaque = config["opaque"];
    if (!opaque.present()) return report.add(api::field_required(opaque.path()));
    check_driver(opaque["driver"], report);
    check_raw_object(opaque["parameters"], stored, report);
}

RequestNames::RequestNames(const Json& requests) {
    JsonField(requests, "").each([&](const JsonField& request) {
        Names names;
        request["firstAvailable"].each([&](const JsonField& alternative) {
            names.emplace(alternative["name"].text_or_empty());
        });
        // Of two requests with one name the last counts.
        alternatives_.insert_or_assign(std::string(request["name"].text_or_empty()),
                                       std::move(names));
    });
}

/// A name with a slash in it, which is wrong itself, is not found.
bool RequestNames::contains(std::string_view reference) const {
    const auto slash = reference.find('/');
    const auto request = alternatives_.find(reference.substr(0, slash));
    if (request == alternatives_.end()) return false;
    if (slash == std::string_view::npos) return true;
    const auto alternative = reference.substr(slash + 1);
    return alternative.find('/') == std::string_view::npos && request->second.contains(alternative);
}

void RequestNames::check(const JsonField& reference, Report& report) const {
    const auto name = reference.text_or_empty();
    // In 1.32 there were no alternatives to name.
    const auto slash = report.minor() < 33 ? std::string_view::npos : name.find('/');
    const auto second = slash == std::string_view::npos ? slash : name.find('/', slash + 1);
    if (second == std::string_view::npos) {
        const auto request = name.substr(0, slash);
        add_problems(reference.path(), request, label_problems(request), report);
        if (slash != std::string_view::npos) {
            const auto alternative = name.substr(slash + 1);
            add_problems(reference.path(), alternative, label_problems(alternative), report);
        }
    }
    if (!contains(name))
        report.add(api::field_invalid(
            reference.path(), name, report.minor() >= 33 ? kNoRequest : kNoRequest.substr(0, 42)));
}

void RequestNames::check_all(const JsonField& references, Report& report) const {
    check_set(references, kMaxRequests, report, [&](const JsonField& one) { check(one, report); });
}

}  // namespace knd::validation
