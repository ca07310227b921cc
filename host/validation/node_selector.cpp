// SPDX-License-Identifier: Apache-2.0
#include "host/validation/checks.hpp"

namespace knd::validation {
namespace {

void check_expression(const JsonField& requirement, Report& report) {
    const auto op = requirement["operator"].text_or_empty();
    const auto values = requirement["values"];
    if (op == "In" || op == "NotIn") {
        if (values.size() == 0)
            report.add(api::field_required(values.path(),
                                           "must be specified when `operator` is 'In' or 'NotIn'"));
    } else if (op == "Exists" || op == "DoesNotExist") {
        if (values.size() > 0)
            report.add(api::field_forbidden(values.path(),
                                            "may not be specified when `operator` is 'Exists' or "
                                            "'DoesNotExist'"));
    } else if (op == "Gt" || op == "Lt") {
        if (values.size() != 1)
            report.add(api::field_required(
                values.path(), "must be specified single value when `operator` is 'Lt' or 'Gt'"));
    } else {
        report.add(api::field_invalid_as(requirement["operator"].path(), api::go_json(op),
                                         "not a valid selector operator"));
    }
    check_label_key(requirement["key"], report);
    values.each([&](const JsonField& value) { check_label_value(value, report); });
}

/// The node's name is the only field there is.
void check_field(const JsonField& requirement, Report& report) {
    const auto op = requirement["operator"].text_or_empty();
    const auto values = requirement["values"];
    if (op != "In" && op != "NotIn")
        report.add(api::field_invalid_as(requirement["operator"].path(), api::go_json(op),
                                         "not a valid selector operator"));
    else if (values.size() != 1)
        report.add(api::field_required(values.path(),
                                       "must be only one value when `operator` is 'In' or "
                                       "'NotIn' for node field selector"));
    const auto key = requirement["key"];
    if (key.text_or_empty() == "metadata.name")
        values.each([&](const JsonField& value) { check_node_name(value, report); });
    else
        report.add(
            api::field_invalid(key.path(), key.text_or_empty(), "not a valid field selector key"));
}

}  // namespace

void check_node_selector(const JsonField& selector, Report& report) {
    const auto terms = selector["nodeSelectorTerms"];
    if (terms.size() == 0)
        return report.add(
            api::field_required(terms.path(), "must have at least one node selector term"));
    terms.each([&](const JsonField& term) {
        term["matchExpressions"].each([&](const JsonField& one) { check_expression(one, report); });
        term["matchFields"].each([&](const JsonField& one) { check_field(one, report); });
    });
}

}  // namespace knd::validation
