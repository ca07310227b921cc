// SPDX-License-Identifier: Apache-2.0
#include "tests/interop/differential/record.hpp"

#include <array>
#include <fstream>

namespace knd::differential {
namespace {

constexpr std::size_t kMaxText = 5000;
constexpr std::size_t kMaxTried = 1'000'000;

/// 0 fits, 1 does not, 2 is an error; of the first node.
std::size_t fate(const Json& answer) {
    const auto& node = answer["nodes"][0];
    if (node.contains("error")) return 2;
    return json_bool(node, "fits") ? 0 : 1;
}

bool is_small(const Json& one, const std::string& sign) {
    const auto text = to_text(one);
    return text.size() <= kMaxText && text.find(sign) != std::string::npos;
}

}  // namespace

Result<void> record(Oracle& oracle, const Scope& scope, std::uint64_t seed, std::size_t count,
                    const std::string& sign, const std::string& path) {
    Random random(seed);
    std::array<std::size_t, 3> kept{};
    std::string out;
    for (std::size_t tried = 0, written = 0; written < count; ++tried) {
        if (tried == kMaxTried)
            return Error(Code::kNotFound, "no more small cases with " + sign + " were found");
        auto one = random_cluster(random, scope);
        if (!is_small(one, sign)) continue;
        KND_TRY_ASSIGN(auto answer, oracle.ask(one));
        if (!answer.contains("nodes") || json_bool(answer["nodes"][0], "aborted")) continue;
        // Not more of one fate than its third, and one for the remainder.
        auto& number = kept[fate(answer)];
        if (number > count / 3) continue;
        ++number;
        one["expected"] = std::move(answer);
        out += (written++ == 0 ? "[\n" : ",\n") + to_text(one);
    }
    std::ofstream file(path);
    file << out << "\n]\n";
    if (!file.flush()) return Error(Code::kInternal, "cannot write " + path);
    return {};
}

}  // namespace knd::differential
