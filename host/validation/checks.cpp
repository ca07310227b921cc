// SPDX-License-Identifier: Apache-2.0
#include "host/validation/checks.hpp"

#include <algorithm>

#include "host/cel/cel.hpp"
#include "host/validation/validation.hpp"

namespace knd::validation {
namespace {

constexpr std::string_view kNoRequest =
    "must be the name of a request in the claim or the name of a request and a subrequest "
    "separated by '/'";

void check_identifier(const std::string& path, std::string_view id, FieldErrors& errors) {
    if (id.size() > kMaxAttributeId) errors.push_back(api::field_too_long(path, kMaxAttributeId));
    add_problems(path, id, c_identifier_problems(id), errors);
}

void check_expression(const JsonField& field, FieldErrors& errors) {
    const auto expression = field.text_or_empty();
    if (expression.size() > kMaxExpression) {
        errors.push_back(api::field_too_long(field.path(), kMaxExpression));
        return;
    }
    const auto compiled = cel::compile_selector(expression, {.stored = false});
    if (!compiled.ok())
        errors.push_back(api::field_invalid(field.path(), expression, compiled.error().message()));
    else if (compiled->estimated_cost() > cel::kDefaultCostLimit)
        errors.push_back(api::field_forbidden(field.path(), "too complex, exceeds cost limit"));
}

}  // namespace

void add_problems(const std::string& path, const Json& value, const Problems& problems,
                  FieldErrors& errors) {
    for (const auto& problem : problems)
        errors.push_back(api::field_invalid(path, value, problem));
}

void check_label(const JsonField& field, FieldErrors& errors) {
    const auto text = field.text_or_empty();
    if (const auto problems = label_problems(text); !problems.empty())
        add_problems(field.path(), text, problems, errors);
}

void check_label_key(const JsonField& field, FieldErrors& errors) {
    const auto text = field.text_or_empty();
    if (const auto problems = label_key_problems(text); !problems.empty())
        add_problems(field.path(), text, problems, errors);
}

void check_label_value(const JsonField& field, FieldErrors& errors) {
    const auto text = field.text_or_empty();
    if (const auto problems = label_value_problems(text); !problems.empty())
        add_problems(field.path(), text, problems, errors);
}

void check_driver(const std::string& path, std::string_view name, FieldErrors& errors) {
    if (name.empty()) return errors.push_back(api::field_required(path));
    if (name.size() > kMaxDriverName) errors.push_back(api::field_too_long(path, kMaxDriverName));
    // Capitals are allowed, for reasons of history.
    std::string lower(name);
    for (auto& c : lower)
        c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    add_problems(path, name, subdomain_problems(lower), errors);
}

void check_pool(const JsonField& field, FieldErrors& errors) {
    auto name = field.text_or_empty();
    if (name.empty()) return errors.push_back(api::field_required(field.path()));
    if (name.size() > kMaxPoolName)
        errors.push_back(api::field_too_long(field.path(), kMaxPoolName));
    for (;;) {
        const auto slash = name.find('/');
        const auto part = name.substr(0, slash);
        add_problems(field.path(), part, subdomain_problems(part), errors);
        if (slash == std::string_view::npos) return;
        name.remove_prefix(slash + 1);
    }
}

void check_node_name(const JsonField& field, FieldErrors& errors) {
    add_problems(field.path(), field.json(), subdomain_problems(field.text_or_empty()), errors);
}

void check_class_name(const JsonField& field, FieldErrors& errors) {
    if (field.text_or_empty().empty())
        errors.push_back(api::field_required(field.path()));
    else
        check_node_name(field, errors);
}

void check_qualified_name(const std::string& path, std::string_view name, FieldErrors& errors) {
    const auto slash = name.find('/');
    if (slash == std::string_view::npos) return check_identifier(path, name, errors);
    const auto domain = name.substr(0, slash);
    const auto id = name.substr(slash + 1);
    // Kubernetes 1.36 takes a second slash by mistake; nothing could ever match such a name.
    if (domain.empty())
        errors.push_back(api::field_invalid(path, "", "the domain must not be empty"));
    else
        check_driver(path, domain, errors);
    if (id.empty())
        errors.push_back(api::field_invalid(path, "", "the name must not be empty"));
    else
        check_identifier(path, id, errors);
}

void check_full_name(const JsonField& field, FieldErrors& errors) {
    const auto name = field.text_or_empty();
    check_qualified_name(field.path(), name, errors);
    if (name.find('/') == std::string_view::npos)
        errors.push_back(api::field_invalid(
            field.path(), name,
            "a fully qualified name must be a domain and a name separated by a slash"));
}

void check_one_of(const JsonField& field, std::initializer_list<const char*> supported,
                  FieldErrors& errors) {
    const auto text = field.text_or_empty();
    if (std::find(supported.begin(), supported.end(), text) != supported.end()) return;
    errors.push_back(
        api::field_unsupported(field.path(), text, {supported.begin(), supported.end()}));
}

void check_length(const JsonField& field, std::size_t limit, FieldErrors& errors) {
    if (field.text_or_empty().size() > limit)
        errors.push_back(api::field_too_long(field.path(), limit));
}

void check_immutable(const JsonField& field, const Json& before, FieldErrors& errors) {
    if (field.json() != before)
        errors.push_back(api::field_invalid(field.path(), field.json(), "field is immutable"));
}

void check_list(const JsonField& list, std::size_t limit, FieldErrors& errors,
                const std::function<void(const JsonField&)>& visit) {
    if (list.size() > limit)
        errors.push_back(api::field_too_many(list.path(), list.size(), limit));
    else
        list.each(visit);
}

void check_set(const JsonField& list, std::size_t limit, FieldErrors& errors,
               const std::function<void(const JsonField&)>& visit,
               const std::function<Json(const JsonField&)>& key) {
    if (list.size() > limit)
        return errors.push_back(api::field_too_many(list.path(), list.size(), limit));
    list.each(visit);
    std::set<Json> seen;
    list.each([&](const JsonField& element) {
        auto one = key(element);
        const auto [known, is_new] = seen.insert(std::move(one));
        if (!is_new) errors.push_back(api::field_duplicate(element.path(), *known));
    });
}

void check_taint(const JsonField& taint, FieldErrors& errors) {
    check_label_key(taint["key"], errors);
    check_label_value(taint["value"], errors);
    if (taint["effect"].text_or_empty().empty())
        errors.push_back(api::field_required(taint["effect"].path()));
    else
        check_one_of(taint["effect"], {"NoExecute", "NoSchedule", "None"}, errors);
}

void check_toleration(const JsonField& toleration, FieldErrors& errors) {
    if (!toleration["key"].text_or_empty().empty()) check_label_key(toleration["key"], errors);
    const auto op = toleration["operator"].text_or_empty();
    const auto value = toleration["value"];
    if (op == "Exists" && !value.text_or_empty().empty())
        errors.push_back(
            api::field_invalid(value.path(), value.json(), "must be empty for operator `Exists`"));
    else if (op.empty() || op == "Equal")
        check_label_value(value, errors);
    else
        check_one_of(toleration["operator"], {"Equal", "Exists"}, errors);
    if (!toleration["effect"].text_or_empty().empty())
        check_one_of(toleration["effect"], {"NoExecute", "NoSchedule", "None"}, errors);
}

void check_binding_conditions(const JsonField& holder, FieldErrors& errors) {
    const auto need = holder["bindingConditions"];
    const auto fail = holder["bindingFailureConditions"];
    const auto key = [&](const JsonField& one) { check_label_key(one, errors); };
    check_list(need, kMaxBindingConditions, errors, key);
    check_list(fail, kMaxBindingConditions, errors, key);
    std::set<Json> needed;
    need.each([&](const JsonField& one) {
        if (!needed.insert(one.json()).second)
            errors.push_back(api::field_duplicate(one.path(), one.json()));
    });
    std::set<Json> failing;
    fail.each([&](const JsonField& one) {
        if (!failing.insert(one.json()).second)
            errors.push_back(api::field_duplicate(one.path(), one.json()));
        if (needed.contains(one.json()))
            errors.push_back(api::field_invalid(
                one.path(), one.json(),
                "bindingFailureConditions must not overlap with bindingConditions"));
    });
    if (need.size() == 0 && fail.size() > 0)
        errors.push_back(
            api::field_invalid(need.path(), need.json(),
                               "bindingConditions are required to use bindingFailureConditions"));
    if (fail.size() == 0 && need.size() > 0)
        errors.push_back(
            api::field_invalid(fail.path(), fail.json(),
                               "bindingFailureConditions are required to use bindingConditions"));
}

void check_selectors(const JsonField& selectors, FieldErrors& errors) {
    check_list(selectors, kMaxSelectors, errors, [&](const JsonField& selector) {
        const auto cel = selector["cel"];
        if (cel.present())
            check_expression(cel["expression"], errors);
        else
            errors.push_back(api::field_required(cel.path()));
    });
}

void check_raw_object(const JsonField& field, FieldErrors& errors) {
    if (!field.present())
        errors.push_back(api::field_required(field.path()));
    else if (to_text(field.json()).size() > kMaxRawObject)
        errors.push_back(api::field_too_long(field.path(), kMaxRawObject));
    else if (!field.json().is_object())
        errors.push_back(
            api::field_invalid(field.path(), "<value omitted>", "must be a valid JSON object"));
}

void check_opaque(const JsonField& config, FieldErrors& errors) {
    const auto opaque = config["opaque"];
    if (!opaque.present()) return errors.push_back(api::field_required(opaque.path()));
    check_driver(opaque["driver"], errors);
    check_raw_object(opaque["parameters"], errors);
}

RequestNames::RequestNames(const Json& requests) {
    JsonField(requests, "").each([&](const JsonField& request) {
        const std::string name(request["name"].text_or_empty());
        names_.insert(name);
        request["firstAvailable"].each([&](const JsonField& alternative) {
            names_.insert(name + "/" + std::string(alternative["name"].text_or_empty()));
        });
    });
}

void RequestNames::check(const JsonField& reference, FieldErrors& errors) const {
    const auto name = reference.text_or_empty();
    const auto slash = name.find('/');
    const auto second = slash == std::string_view::npos ? slash : name.find('/', slash + 1);
    if (second == std::string_view::npos) {
        const auto request = name.substr(0, slash);
        add_problems(reference.path(), request, label_problems(request), errors);
        if (slash != std::string_view::npos) {
            const auto alternative = name.substr(slash + 1);
            add_problems(reference.path(), alternative, label_problems(alternative), errors);
        }
    }
    if (!names_.contains(name))
        errors.push_back(api::field_invalid(reference.path(), name, kNoRequest));
}

void RequestNames::check_all(const JsonField& references, FieldErrors& errors) const {
    check_set(
        references, kMaxRequests, errors, [&](const JsonField& one) { check(one, errors); },
        [](const JsonField& one) { return one.json(); });
}

}  // namespace knd::validation
