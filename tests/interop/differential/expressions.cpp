// SPDX-License-Identifier: Apache-2.0
#include "tests/interop/differential/expressions.hpp"

#include <cctype>
#include <utility>
#include <vector>

#include "host/cel/library.hpp"
#include "tests/interop/differential/attributes.hpp"
#include "tests/interop/differential/grammar.hpp"

namespace knd::differential {
namespace {

class Grower {
  public:
    Grower(Random& random, const ExpressionOptions& options) : random_(random), options_(options) {}

    std::string grow(char type, int depth) {
        if (type == 'x')
            type = random_.pick({"b", "i", "u", "d", "s", "y", "l", "t", "m", "v",
                                 "q", "a", "a", "D", "T", "o", "L", "I", "C", "U"})[0];
        // A value of the wrong type now and then: both sides must refuse it alike.
        if (random_.chance(1)) type = random_.pick({"b", "i", "d", "s", "l", "m", "a", "o"})[0];
        if (random_.chance(35))
            for (auto i = variables_.size(); i-- > 0;)
                if (variables_[i].second == type && random_.chance(60)) return variables_[i].first;
        const auto& from = choose(type);
        const bool leaf = depth <= 0 || from.inner.empty() || random_.chance(20);
        return fill(random_.pick(leaf ? from.leaves : from.inner), depth - 1);
    }

  private:
    const Productions& choose(char type) {
        if (type != 'b') return productions(type);
        if (options_.plain) return plain_productions();
        if (random_.chance(options_.mistakes)) return mistaken_productions();
        if (random_.chance(options_.messages)) return message_productions();
        if (random_.chance(options_.pairs)) return pair_productions();
        return options_.lists && random_.chance(25) ? list_productions() : productions('b');
    }

    /// A hole begins with "{" and a letter or "$"; other braces are CEL's own.
    std::string fill(std::string_view text, int depth) {
        const auto bound = variables_.size();
        std::string out;
        for (std::size_t i = 0; i < text.size();) {
            const auto end = text[i] == '{' ? text.find('}', i) : std::string_view::npos;
            const auto inside = text.substr(i + 1, end == text.npos ? 0 : end - i - 1);
            const bool named = !inside.empty() && (inside[0] == '$' || std::isalpha(inside[0]));
            if (!named || inside.find(':') != inside.npos) {
                out += text[i++];
                continue;
            }
            out += hole(inside, bound, depth);
            i = end + 1;
        }
        return out;
    }

    std::string hole(std::string_view what, std::size_t named, int depth) {
        if (what[0] == '$')
            return "v" + std::to_string(named + static_cast<std::size_t>(what[1] - '0'));
        if (what.size() == 1) return grow(what[0], depth);
        if (what[1] == '|') {
            for (const char type : what.substr(2))
                variables_.emplace_back("v" + std::to_string(variables_.size()), type);
            auto out = grow(what[0], depth);
            variables_.resize(named);
            return out;
        }
        return named_hole(what);
    }

    std::string named_hole(std::string_view what) {
        if (what == "driver") return random_.chance(70) ? options_.driver : "other.example.com";
        if (what == "domain") return domain();
        if (what == "name") return random_.pick(attribute_names()).id;
        if (what == "list") return random_.pick(list_attribute_names()).id;
        if (what == "capacity") return random_.pick(capacity_names());
        if (what == "small") return std::to_string(random_.between(-1, 6));
        if (what == "regex")
            return std::string(random_.pick(
                {"'^a.*'",    "'[0-9]+'", "r'\\w+'",       "'(?i)H100'", "'a{2,3}'",  "'('",
                 "'(a|b)*c'", "'^$'",     "'\\\\pL'",      "'.'",        "''",        "'a*'",
                 "r'\\b'",    "'(?s).+'", "'[[:alpha:]]'", "r'[^\\d]'",  "'a{1001}'", "'(?P<n>a)'",
                 "'*'",       "'a**'",    "r'\\1'",        "'(?=a)'"}));
        if (what == "zone")
            return std::string(random_.pick({"'Europe/Berlin'", "'America/New_York'", "'UTC'", "''",
                                             "'+01:00'", "'-02:30'", "'5:30'", "'Asia/Kolkata'",
                                             "'no/where'", "'+1:x'", "'99:99'"}));
        if (what == "type")
            return std::string(random_.pick({"int", "uint", "double", "bool", "string", "bytes",
                                             "list", "map", "null_type", "type"}));
        if (what == "format")
            return std::string(
                random_.pick({"dns1123Label", "dns1123Subdomain", "dns1035Label", "qualifiedName",
                              "dns1123LabelPrefix", "dns1123SubdomainPrefix", "dns1035LabelPrefix",
                              "labelValue", "uri", "uuid", "byte", "date", "datetime"}));
        if (what == "operator" || what == "unary" || what == "binary")
            return std::string(random_.pick(pair_names(what)));
        const auto type = what.substr(0, what.find(' '));
        for (;;) {
            const auto& name = random_.pick(attribute_names());
            if (name.type != type) continue;
            return "device.attributes['" + domain() + "']." + name.id;
        }
    }

    std::string domain() {
        if (random_.chance(90)) return options_.driver;
        return std::string(random_.chance(50) ? standard_domain() : "unknown.example.com");
    }

    Random& random_;
    const ExpressionOptions& options_;
    std::vector<std::pair<std::string, char>> variables_;
};

/// One small damage: a character or a word left out, doubled, replaced.
std::string damage(Random& random, const std::string& whole) {
    auto text = whole;
    const auto at = random.below(text.size() + 1);
    switch (random.below(4)) {
        case 0:
            text.erase(at, 1 + random.below(4));
            break;
        case 1:
            text.insert(
                at, random.pick({"(",    ")",   "'",   "\"",    "]",      "{",   "?",  ".",  "&&",
                                 " in ", "\\",  "@",   "\n",    "// ",    "0x",  "ä",  ";",  "null",
                                 "[?",   "-",   "u",   "e",     ",",      "=",   "&",  ":",  "||",
                                 "!",    "\t",  "as",  "`a`",   "\'\'\'", " x ", "()", "[]", "{}",
                                 "r'",   "b\"", "-5[", ".true", "?:",     "<= ", "1 ", "%"}));
            break;
        case 2:
            text.insert(at, text.substr(at, 1 + random.below(8)));
            break;
        default:
            text.resize(at);
    }
    // Half a character does not survive the way to the oracle.
    return cel::is_utf8(text) ? text : whole;
}

}  // namespace

std::string random_expression(Random& random, const ExpressionOptions& options) {
    auto out =
        Grower(random, options)
            .grow('b', static_cast<int>(random.between(options.plain ? 0 : 1, options.depth)));
    return random.chance(options.garbage) ? damage(random, out) : out;
}

}  // namespace knd::differential
