// SPDX-License-Identifier: Apache-2.0
#include "host/cel/library.hpp"

#include <algorithm>

#include "host/cel/net.hpp"
#include "host/cel/string_format.hpp"
#include "host/cel/url.hpp"

namespace knd::cel {
namespace {

constexpr std::string_view kOutOfMemory = "evaluation needs too much memory";

std::string_view trim(std::string_view text) {
    while (text.starts_with(' '))
        text.remove_prefix(1);
    while (text.ends_with(' '))
        text.remove_suffix(1);
    return text;
}

}  // namespace

/// In the order in which Kubernetes declares them: where several overloads fit, the first decides
/// about types that are not known yet.
std::span<const std::span<const Overload>> libraries() {
    static const std::span<const Overload> kLibraries[] = {
        operator_library(), standard_library(),     conversion_library(),  time_library(),
        list_library(),     string_library(),       list_search_library(), regex_library(),
        optional_library(), kubernetes_library(),   net_library(),         url_library(),
        format_library(),   string_format_library()};
    return kLibraries;
}

Signature read_signature(TypeTable& types, std::string_view text) {
    Signature out;
    const auto dot = text.find(".(");
    out.member = dot != text.npos;
    if (out.member) out.parameters.push_back(types.read(text.substr(0, dot)));
    const auto start = out.member ? dot + 2 : 1;
    int depth = 0;
    auto from = start;
    auto at = start;
    for (; at < text.size() && depth >= 0; ++at) {
        const char c = text[at];
        if (c == '(') ++depth;
        if (c == ')') --depth;
        const bool ends = depth < 0 || (c == ',' && depth == 0);
        if (!ends) continue;
        if (at > from) out.parameters.push_back(types.read(trim(text.substr(from, at - from))));
        from = at + 1;
    }
    out.result = types.read(trim(text.substr(at)));
    return out;
}

Value Call::string(std::string_view text) const {
    auto* memory = static_cast<char*>(arena.allocate(text.size()));
    if (memory == nullptr) return out_of_memory();
    std::copy(text.begin(), text.end(), memory);
    return Value::string({memory, text.size()});
}

Value Call::bytes(std::string_view data) const {
    const auto kept = string(data);
    return kept.is_error() ? kept : Value::bytes(kept.text());
}

Value Call::error(std::string_view message) const {
    const auto kept = string(message);
    return Value::error(kept.text());
}

Value Call::list(std::span<const Value> items) const {
    auto* memory = static_cast<Value*>(arena.allocate(items.size_bytes()));
    const auto* data = arena.make<ListData>(memory, items.size());
    if (memory == nullptr || data == nullptr) return out_of_memory();
    std::copy(items.begin(), items.end(), memory);
    return Value::list(data);
}

Value Call::out_of_memory() const {
    return Value::error(kOutOfMemory);
}

}  // namespace knd::cel
