// SPDX-License-Identifier: Apache-2.0
#include "tests/interop/differential/compare.hpp"

#include <algorithm>

namespace knd::differential {
namespace {

Comparison different(std::string what) {
    return {Verdict::kDifferent, what, what};
}

bool has(const Json& object, std::string_view key) {
    return !json_at(object, key).is_null();
}

std::string quoted(const Json& object, std::string_view key) {
    return has(object, key) ? '"' + json_string(object, key) + '"' : "none";
}

/// The first sentence of an error, without places and values.
std::string gist(std::string text) {
    const std::string_view compile = "ERROR: <input>:";
    if (const auto at = text.find(compile); at != std::string::npos)
        text = text.substr(std::min(text.find(": ", at + compile.size()), text.size() - 1) + 1);
    text = text.substr(0, text.find('\n'));
    std::string out;
    for (const char c : text)
        if (c < '0' || c > '9') out += c;
    return out.substr(0, 60);
}

Comparison different_text(const std::string& key, const Json& oracle, const Json& ours) {
    auto category = key;
    if (!has(ours, key))
        category += " only in the oracle: " + gist(json_string(oracle, key));
    else if (!has(oracle, key))
        category += " only in ours: " + gist(json_string(ours, key));
    else
        category += " in other words: " + gist(json_string(oracle, key));
    return {Verdict::kDifferent,
            key + ": oracle " + quoted(oracle, key) + ", ours " + quoted(ours, key), category,
            has(oracle, key) && has(ours, key) ? Subject::kWords : Subject::kAnswer};
}

Comparison different_value(const std::string& key, const Json& oracle, const Json& ours,
                           Subject subject = Subject::kAnswer) {
    return {
        Verdict::kDifferent,
        key + ": oracle " + to_text(json_at(oracle, key)) + ", ours " + to_text(json_at(ours, key)),
        key, subject};
}

// --- expressions ---------------------------------------------------------------------------------

/// Go writes a message's fields with one or two spaces between them, which depends on the build of
/// the program, so that nobody relies on it.
std::string with_single_spaces(std::string text) {
    const std::string_view fields = "\"  value:\"";
    if (const auto at = text.find(fields); at != std::string::npos) text.erase(at + 1, 1);
    return text;
}

Comparison compare_cel(const Json& oracle, const Json& ours, const Strictness& strictness) {
    for (const std::string key : {"compileError", "error"}) {
        if (has(oracle, key) != has(ours, key)) return different_text(key, oracle, ours);
    }
    if (json_bool(oracle, "result") != json_bool(ours, "result"))
        return different(json_bool(ours, "result") ? "ours matches, the oracle does not"
                                                   : "the oracle matches, ours does not");
    // After a panic inside the oracle its count is no more than where it happened to be.
    const bool counted =
        has(oracle, "cost") && !json_string(oracle, "error").starts_with("internal error:");
    if (strictness.cost && counted && json_at(oracle, "cost") != json_at(ours, "cost"))
        return different_value("cost", oracle, ours, Subject::kPrice);
    if (strictness.cost && !has(oracle, "compileError") &&
        json_at(oracle, "estimate") != json_at(ours, "estimate"))
        return different_value("estimate", oracle, ours, Subject::kPrice);
    // Last, so that it hides none of the above.
    for (const std::string key : {"compileError", "error"})
        if (with_single_spaces(json_string(oracle, key)) != json_string(ours, key))
            return different_text(key, oracle, ours);
    return {};
}

// --- allocations ---------------------------------------------------------------------------------

/// Cuts what releases word differently: the text of CEL's errors and the device they happened on,
/// and the sentence about too many devices.
std::string error_class(const std::string& text) {
    for (const std::string_view kind : {": CEL compile error: ", ": CEL runtime error: "}) {
        const auto at = text.find(kind);
        if (at == std::string::npos) continue;
        const auto device = text.rfind(" on device ", at);
        const auto end = device == std::string::npos ? at : device;
        return text.substr(0, end) + std::string(kind);
    }
    for (const std::string_view kind :
         {"compile derived attribute ", "evaluate derived attribute "})
        if (text.starts_with(kind)) return text.substr(0, text.find(" failed: "));
    if (text.find(" exceeds the claim limit of 32") != std::string::npos)
        return text.substr(0, text.find_first_of(":,")) + ": exceeds the claim limit";
    return text;
}

Comparison compare_node(const Json& oracle, const Json& ours, const Strictness& strictness) {
    if (json_bool(oracle, "aborted")) return {Verdict::kSkipped, "the oracle took too long", {}};
    const auto text = [&](const Json& answer) {
        const auto error = json_string(answer, "error");
        return strictness.texts ? error : error_class(error);
    };
    if (has(oracle, "error") != has(ours, "error") || text(oracle) != text(ours))
        return different_text("error", oracle, ours);
    if (json_bool(oracle, "onNode") != json_bool(ours, "onNode"))
        return different("the error concerns one node for one, all nodes for the other");
    if (json_bool(oracle, "fits") != json_bool(ours, "fits"))
        return different(json_bool(ours, "fits") ? "ours fits, the oracle's does not"
                                                 : "the oracle's fits, ours does not");
    if (json_at(oracle, "allocations") != json_at(ours, "allocations"))
        return different_value("allocations", oracle, ours);
    return {};
}

Comparison compare_alloc(const Json& one, const Json& oracle, const Json& ours,
                         const Strictness& strictness) {
    const auto& theirs = json_at(oracle, "nodes");
    const auto& own = json_at(ours, "nodes");
    if (theirs.size() != own.size()) return different("number of nodes answered");
    if (json_at(oracle, "taints") != json_at(ours, "taints"))
        return different_value("taints", oracle, ours);
    Comparison out;
    for (std::size_t i = 0; i < theirs.size(); ++i) {
        auto node = compare_node(theirs[i], own[i], strictness);
        if (node.verdict == Verdict::kSame) continue;
        node.what.insert(0, json_string(json_path(one["nodes"][i], {"metadata"}), "name") + ": ");
        out = std::move(node);
        if (out.verdict == Verdict::kDifferent) break;
    }
    return out;
}

}  // namespace

Comparison compare(const Json& one, const Json& oracle, const Json& ours,
                   const Strictness& strictness) {
    if (has(oracle, "badCase"))
        return {
            Verdict::kSkipped, "the oracle cannot read it: " + json_string(oracle, "badCase"), {}};
    if (has(oracle, "panic"))
        return {Verdict::kSkipped, "the oracle panics: " + json_string(oracle, "panic"), {}};
    if (has(ours, "badCase"))
        return different("ours cannot read it: " + json_string(ours, "badCase"));
    if (json_string(one, "kind") == "cel") return compare_cel(oracle, ours, strictness);
    return compare_alloc(one, oracle, ours, strictness);
}

}  // namespace knd::differential
