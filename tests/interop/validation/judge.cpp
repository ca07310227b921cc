// SPDX-License-Identifier: Apache-2.0
#include "tests/interop/validation/judge.hpp"

#include <algorithm>
#include <regex>
#include <set>
#include <tuple>
#include <vector>

#include "host/validation/validation.hpp"
#include "tests/interop/validation/objects.hpp"
#include "tests/interop/validation/release.hpp"

namespace knd::differential {
namespace {

using Said = std::tuple<std::string, std::string, std::string>;  // holder of a map, field, text

Gates gates_of(const Json& write) {
    std::string changes;
    for (const auto& [name, on] : json_at(write, "gates").items())
        changes.append(changes.empty() ? "" : ",").append(on == true ? "+" : "-").append(name);
    auto gates = Gates::make(json_string(write, "release", "1.36"), changes);
    return gates.ok() ? *gates : Gates::standard();
}

/// Go visits maps in any order: the errors of one map are sorted.
std::string holder_of(const std::string& field) {
    constexpr std::string_view kMaps[] = {".attributes",
                                          ".capacity",
                                          ".counters",
                                          ".nodeAllocatableResourceMappings",
                                          ".nodeAllocatableResources",
                                          ".labels",
                                          ".annotations"};
    for (const auto map : kMaps) {
        const auto at = field.find(map);
        if (at == std::string::npos) continue;
        const auto end = at + map.size();
        if (end == field.size() || field[end] == '[') return field.substr(0, end);
    }
    return "";
}

/// Since 1.37 some errors name the fields of v1beta1, others those of v1, for which ours are.
std::string field_in_v1(std::string field) {
    static const std::regex kBasic(R"(^(spec\.devices\[\d+\])\.basic)");
    static const std::regex kFlat(
        R"(^((?:spec\.)?spec\.devices\.requests\[\d+\])\.(deviceClassName|selectors|)"
        R"(allocationMode|count|adminAccess|tolerations|capacity|derivedAttributes)\b)");
    field = std::regex_replace(field, kBasic, "$1");
    return std::regex_replace(field, kFlat, "$1.exactly.$2");
}

/// Each once, as in the message that people read.
std::vector<Said> said(const Json& answer) {
    std::vector<Said> out;
    std::set<Said> known;
    for (const auto& error : json_at(answer, "errors")) {
        const auto field = field_in_v1(json_string(error, "field"));
        Said one{holder_of(field), field,
                 json_string(error, "reason") + ": " + json_string(error, "text")};
        if (known.insert(one).second) out.push_back(std::move(one));
    }
    for (auto from = out.begin(); from != out.end();) {
        const auto end = std::find_if(from, out.end(), [&](const Said& one) {
            return std::get<0>(one) != std::get<0>(*from);
        });
        if (!std::get<0>(*from).empty()) std::sort(from, end);
        from = end;
    }
    return out;
}

/// Which field is wrong, and in what way.
std::set<std::string> fields(const std::vector<Said>& errors) {
    std::set<std::string> out;
    for (const auto& [holder, field, text] : errors)
        out.insert(field + " " + text.substr(0, text.find(':')));
    return out;
}

bool same_words_matter(const Said& one) {
    return !std::get<1>(one).ends_with(".cel.expression");
}

/// Until the text that only the compiler of CEL writes.
std::string without_words(const Said& one) {
    const auto& text = std::get<2>(one);
    return text.substr(0, text.find("compilation failed"));
}

/// What says nothing: the server's own fields, and what is as good as absent.
Json trimmed(Json value) {
    if (value.is_object()) {
        for (auto it = value.begin(); it != value.end();) {
            *it = trimmed(std::move(*it));
            // timeAdded is the time of asking where there is none.
            const bool nothing = it.key() == "timeAdded" || it->is_null() || *it == 0 ||
                                 *it == "" || (it->is_structured() && it->empty());
            it = nothing ? value.erase(it) : std::next(it);
        }
    } else if (value.is_array()) {
        for (auto& one : value)
            one = trimmed(std::move(one));
    }
    return value;
}

Json stored_part(const Json& object) {
    Json out;
    for (const auto* part : {"spec", "status"})
        out[part] = json_at(object, part);
    return trimmed(std::move(out));
}

std::string listed(const std::vector<Said>& errors) {
    std::string text;
    for (const auto& [holder, field, words] : errors)
        text += "\n    " + field + ": " + words;
    return text.empty() ? "\n    nothing" : text;
}

/// Whether equal amounts are repeated in other spellings, which upstream tells apart where amounts
/// have fractions: ours are compared as they are stored.
bool repeats_amount(const Json& write, const std::vector<Said>& own) {
    return gates_of(write).enabled("DRAFractionalCapacityRange") &&
           std::any_of(own.begin(), own.end(), [](const Said& one) {
               const auto& [holder, field, text] = one;
               return field.find(".validValues[") != std::string::npos &&
                      text.starts_with("FieldValueDuplicate");
           });
}

std::vector<std::string> strict(const Json& answer) {
    std::vector<std::string> out;
    for (const auto& one : json_at(answer, "strict"))
        out.push_back(one.get<std::string>());
    std::sort(out.begin(), out.end());
    return out;
}

}  // namespace

Json our_judgement(const Json& write) {
    const auto gates = gates_of(write);
    auto shaped = validation::shape_object(json_at(write, "after"), gates);
    if (!shaped.ok()) return {{"refused", shaped.error().message()}};
    Json answer = Json::object();
    if (!shaped->unknown.empty()) answer["strict"] = shaped->unknown;
    auto operation = validation::Operation::kCreate;
    if (json_at(write, "operation") == "update") operation = validation::Operation::kUpdate;
    if (json_at(write, "operation") == "status") operation = validation::Operation::kStatus;
    validation::Write ours{operation, {}, std::move(shaped->object), {}};
    if (operation != validation::Operation::kCreate) {
        auto before = validation::shape_object(json_at(write, "before"), gates);
        if (!before.ok()) return {{"refused", "before: " + before.error().message()}};
        ours.before = std::move(before->object);
    }
    if (!json_bool(write, "admin")) ours.object_namespace = Json::object();
    auto& metadata = ours.after["metadata"];
    if (metadata.is_null()) metadata = Json::object();
    // As the generic part of the server does for the strategies.
    const bool namespaced = json_string(write, "kind").starts_with("ResourceClaim");
    if (!namespaced) metadata.erase("namespace");
    if (namespaced && json_string(metadata, "namespace").empty()) metadata["namespace"] = "default";
    if (operation == validation::Operation::kCreate) {
        const auto prefix = json_string(metadata, "generateName");
        if (json_string(metadata, "name").empty() && !prefix.empty())
            metadata["name"] = prefix + "xxxxx";
    }
    for (const auto& error : validation::admit(ours, gates))
        answer["errors"].push_back(
            {{"reason", error.reason}, {"field", error.field}, {"text", error.message}});
    if (!answer.contains("errors")) answer["object"] = std::move(ours.after);
    return answer;
}

Likeness judge(const Json& write, const Json& oracle, const Json& ours, std::string& what) {
    if (oracle.contains("panic")) return Likeness::kSkipped;
    if (oracle.contains("refused") != ours.contains("refused")) {
        what = "refused by the oracle: " + json_string(oracle, "refused", "no") +
               "\n  by us: " + json_string(ours, "refused", "no");
        return Likeness::kDifferent;
    }
    if (oracle.contains("refused")) return Likeness::kSameButWords;
    if (strict(oracle) != strict(ours)) {
        what = "strict: " + to_text(json_at(oracle, "strict")) +
               "\n  ours: " + to_text(json_at(ours, "strict"));
        return Likeness::kDifferent;
    }
    const auto theirs = said(oracle);
    const auto own = said(ours);
    bool words = false;
    const bool same = std::equal(theirs.begin(), theirs.end(), own.begin(), own.end(),
                                 [&](const Said& a, const Said& b) {
                                     if (a == b) return true;
                                     if (std::get<1>(a) != std::get<1>(b) || same_words_matter(a))
                                         return false;
                                     words = true;
                                     return without_words(a) == without_words(b);
                                 });
    // The words and their order are those of 1.36 alone.
    if (!same && release_of_write(write) != kUsualRelease) words = fields(theirs) == fields(own);
    if (!same && !words && repeats_amount(write, own)) return Likeness::kSkipped;
    if (!same && !words) {
        what = "errors:" + listed(theirs) + "\n  ours:" + listed(own);
        return Likeness::kDifferent;
    }
    const auto& stored = json_at(oracle, "object");
    if (!theirs.empty() || stored.is_null())
        return words ? Likeness::kSameButWords : Likeness::kSame;
    auto own_object = json_at(ours, "object");
    if (json_string(stored, "apiVersion") == "resource.k8s.io/v1beta1")
        own_object = in_v1beta1(std::move(own_object));
    if (stored_part(stored) != stored_part(own_object)) {
        what = "stored: " + to_text(stored_part(stored)) +
               "\n  ours: " + to_text(stored_part(own_object));
        return Likeness::kDifferent;
    }
    return words ? Likeness::kSameButWords : Likeness::kSame;
}

}  // namespace knd::differential
