// SPDX-License-Identifier: Apache-2.0
//
// Kubernetes' url() and its parts.
#include <algorithm>

#include "host/cel/url.hpp"

namespace knd::cel {
namespace {

const Url& url_of(const Call& call) {
    return call[0].as_object<Url>();
}

Value url(const Call& call) {
    Url out;
    std::string why;
    if (!Url::parse_request(call[0].text(), why) || !Url::parse(call[0].text(), out, why))
        return call.error("URL parse error during conversion from string: parse " +
                          in_double_quotes(call[0].text()) + ": " + why);
    return call.object(Kind::kUrl, std::move(out));
}
Value is_url(const Call& call) {
    std::string ignored;
    return Value::boolean(Url::parse_request(call[0].text(), ignored));
}

Value scheme(const Call& call) {
    return Value::string(url_of(call).scheme);
}
Value host(const Call& call) {
    return Value::string(url_of(call).host);
}
Value hostname(const Call& call) {
    return call.string(url_of(call).hostname());
}
Value port(const Call& call) {
    return call.string(url_of(call).port());
}
Value escaped_path(const Call& call) {
    return Value::string(url_of(call).escaped_path);
}

/// A map from names to lists of values.
Value query(const Call& call) {
    const auto pairs = url_of(call).query_pairs();
    std::vector<MapEntry> entries;
    for (std::size_t i = 0; i < pairs.size(); ++i) {
        const auto& name = pairs[i].first;
        const auto same = [&](const auto& pair) { return pair.first == name; };
        const auto end = pairs.begin() + static_cast<std::ptrdiff_t>(i);
        if (std::any_of(pairs.begin(), end, same)) continue;
        std::vector<Value> values;
        for (std::size_t n = i; n < pairs.size(); ++n)
            if (same(pairs[n])) values.push_back(call.string(pairs[n].second));
        entries.push_back({call.string(name), call.list(values)});
    }
    auto* kept = static_cast<MapEntry*>(call.arena.allocate(entries.size() * sizeof(MapEntry)));
    if (kept == nullptr) return call.out_of_memory();
    std::copy(entries.begin(), entries.end(), kept);
    return make_map({kept, entries.size()}, call.arena);
}

#define KND_URL "kubernetes.URL"
constexpr Overload kUrls[] = {
    {"url", "(string) " KND_URL, url, cost_of_first},
    {"isURL", "(string) bool", is_url},
    {"getScheme", KND_URL ".() string", scheme},
    {"getHost", KND_URL ".() string", host},
    {"getHostname", KND_URL ".() string", hostname},
    {"getPort", KND_URL ".() string", port},
    {"getEscapedPath", KND_URL ".() string", escaped_path},
    {"getQuery", KND_URL ".() map(string, list(string))", query},
};
#undef KND_URL

}  // namespace

std::span<const Overload> url_library() {
    return kUrls;
}

}  // namespace knd::cel
