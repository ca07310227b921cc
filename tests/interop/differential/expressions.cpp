// SPDX-License-Identifier: Apache-2.0
#include "tests/interop/differential/expressions.hpp"

#include <map>
#include <utility>
#include <vector>

#include "tests/interop/differential/attributes.hpp"

namespace knd::differential {
namespace {

// A production is text with holes, {T} or {T|VARIABLES}. T is the type wanted there:
//   b bool, i int, u uint, d double, s string, y bytes, l list(int), t list(string),
//   m map(string, int), v semver, q quantity, a any value of an attribute, D duration, T timestamp,
//   o optional(int), I ip, C cidr, U url, x anything
// and VARIABLES are the types of the variables that a macro binds there, named by {$0} and {$1}.
// Leaves end a branch; they are tried when the depth is used up.
struct Productions {
    std::vector<std::string_view> leaves;
    std::vector<std::string_view> inner;
};

const Productions kBool = {
    {"true", "false", "{bool attribute}", "'{domain}' in device.attributes",
     "has(device.attributes['{domain}'].{name})", "'{name}' in device.attributes['{domain}']",
     "device.driver == '{driver}'", "device.allowMultipleAllocations"},
    {"{b} && {b}",
     "{b} || {b}",
     "!({b})",
     "({b}) ? ({b}) : ({b})",
     "{i} == {i}",
     "{i} != {i}",
     "{i} < {i}",
     "{i} <= {i}",
     "{i} > {i}",
     "{i} >= {i}",
     "{u} < {u}",
     "{d} <= {d}",
     "{i} < {d}",
     "{d} > {u}",
     "{s} == {s}",
     "{s} < {s}",
     "{a} == {a}",
     "{a} == {x}",
     "{a} != {s}",
     "{a} < {i}",
     "{s}.startsWith({s})",
     "{s}.endsWith({s})",
     "{s}.contains({s})",
     "{s}.matches({regex})",
     "{i} in {l}",
     "{s} in {t}",
     "{s} in {m}",
     "{l} == {l}",
     "{t} == {t}",
     "{m} == {m}",
     "{l}.all({$0}, {b|i})",
     "{l}.exists({$0}, {b|i})",
     "{t}.exists_one({$0}, {b|s})",
     "{m}.all({$0}, {b|s})",
     "{m}.exists({$0}, {$1}, {b|si})",
     "{l}.all({$0}, {$1}, {b|ii})",
     "{t}.existsOne({$0}, {$1}, {b|is})",
     "{v}.isLessThan({v})",
     "{v}.isGreaterThan({v})",
     "{v} == {v}",
     "{q}.isLessThan({q})",
     "{q}.isGreaterThan({q})",
     "{q} == {q}",
     "isQuantity({s})",
     "isSemver({s})",
     "isURL({s})",
     "isIP({s})",
     "isCIDR({s})",
     "{q}.isInteger()",
     "{D} < {D}",
     "{T} < {T}",
     "{o}.hasValue()",
     "sets.contains({l}, {l})",
     "sets.intersects({t}, {t})",
     "sets.equivalent({l}, {l})",
     "{l}.isSorted()",
     "bool({s})",
     "type({x}) == type({x})",
     "type({x}) == int",
     "{y} == {y}",
     "{I}.isLoopback()",
     "ip.isCanonical({s})",
     "{I}.family() == {i}",
     "{C}.containsIP({I})",
     "{C}.containsCIDR({C})",
     "{C}.prefixLength() < {i}",
     "{U}.getHost() == {s}",
     "{U}.getPort() == {s}",
     "cel.bind({$0}, {i}, {b|i})",
     "cel.bind({$0}, {s}, {b|s})",
     "cel.bind({$0}, device.attributes['{domain}'], {$0}.{name} == {x})",
     "device.attributes.all({$0}, {$0} != {s})",
     "device.capacity['{domain}'].exists({$0}, {b|s})",
     "device.attributes['{domain}'].exists({$0}, {b|s})",
     "has({m}.{name})",
     "!format.named('dns1123Label').value().validate({s}).hasValue()",
     "device.attributes.?{name}.?{name}.hasValue()",
     "dyn({x}) == {x}",
     "device.attributes[?'{domain}'].?{name}.orValue({x}) == {x}",
     "url({s}) == {U}"}};

const Productions kInt = {{"0", "1", "2", "3", "-1", "100", "9223372036854775807",
                           "-9223372036854775808", "0x1F", "{int attribute}"},
                          {"{i} + {i}",
                           "{i} - {i}",
                           "{i} * {i}",
                           "{i} / {i}",
                           "{i} % {i}",
                           "-({i})",
                           "size({s})",
                           "{s}.size()",
                           "size({l})",
                           "{l}.size()",
                           "size({m})",
                           "int({d})",
                           "int({u})",
                           "int({s})",
                           "int({T})",
                           "({b}) ? {i} : {i}",
                           "{l}[{i}]",
                           "{m}[{s}]",
                           "{m}.{name}",
                           "{l}.sum()",
                           "{l}.min()",
                           "{l}.max()",
                           "{l}.indexOf({i})",
                           "{l}.lastIndexOf({i})",
                           "{s}.indexOf({s})",
                           "{s}.lastIndexOf({s})",
                           "{s}.indexOf({s}, {i})",
                           "{v}.major()",
                           "{v}.minor()",
                           "{v}.patch()",
                           "{v}.compareTo({v})",
                           "{q}.compareTo({q})",
                           "{q}.asInteger()",
                           "{q}.sign()",
                           "{o}.orValue({i})",
                           "{o}.value()",
                           "{D}.getSeconds()",
                           "{D}.getHours()",
                           "{D}.getMilliseconds()",
                           "{T}.getFullYear()",
                           "{T}.getMonth()",
                           "{T}.getDate()",
                           "{T}.getDayOfWeek()",
                           "{T}.getHours('Europe/Berlin')",
                           "{T}.getDayOfYear()",
                           "cel.bind({$0}, {i}, {i|i})",
                           "size({y})"}};

const Productions kUint = {{"0u", "1u", "42u", "18446744073709551615u"},
                           {"{u} + {u}", "{u} - {u}", "{u} * {u}", "{u} / {u}", "{u} % {u}",
                            "uint({i})", "uint({s})", "uint({d})"}};

const Productions kDouble = {
    {"0.0", "1.5", "-2.5e3", "1e308", "3.0"},
    {"{d} + {d}", "{d} - {d}", "{d} * {d}", "{d} / {d}", "-({d})", "double({i})", "double({s})",
     "double({u})", "{q}.asApproximateFloat()"}};

const Productions kString = {{"'a'",
                              "''",
                              "'pci0000:01'",
                              "\"h100\"",
                              "'1.2.3'",
                              "'1Gi'",
                              "'10.0.0.1'",
                              "'fe80::1'",
                              "'10.0.0.0/8'",
                              "'https://example.com:80/path?q=1'",
                              "'Ünï'",
                              "r'\\d'",
                              "'a\\tb\\u00e9'",
                              "'''x'y'''",
                              "'12'",
                              "'true'",
                              "'1h30m'",
                              "'2023-08-26T12:39:00-07:00'",
                              "device.driver",
                              "'{name}'",
                              "'{driver}'",
                              "{string attribute}"},
                             {"{s} + {s}",
                              "string({i})",
                              "string({d})",
                              "string({u})",
                              "string({b})",
                              "string({D})",
                              "string({T})",
                              "string({y})",
                              "({b}) ? {s} : {s}",
                              "{t}[{i}]",
                              "{s}.lowerAscii()",
                              "{s}.upperAscii()",
                              "{s}.trim()",
                              "{s}.charAt({i})",
                              "{s}.replace({s}, {s})",
                              "{s}.replace({s}, {s}, {i})",
                              "{s}.substring({i})",
                              "{s}.substring({i}, {i})",
                              "{t}.join()",
                              "{t}.join({s})",
                              "{s}.find({regex})",
                              "{U}.getHostname()",
                              "{U}.getEscapedPath()",
                              "{U}.getScheme()",
                              "'%d|%s'.format([{i}, {s}])",
                              "'%s'.format([{x}])",
                              "'%.2f'.format([{d}])",
                              "'%x'.format([{i}])",
                              "'%b'.format([{i}])",
                              "'%o'.format([{i}])",
                              "'%e'.format([{d}])",
                              "strings.quote({s})",
                              "device.attributes['{domain}'].?{name}.orValue({s})",
                              "string({I})",
                              "string({C})"}};

const Productions kBytes = {{"b'abc'", "b''", "b'\\xff'"}, {"bytes({s})", "{y} + {y}"}};

const Productions kInts = {
    {"[1, 2, 3]", "[]", "[3, 1, 2, 1]", "[{int attribute}]"},
    {"[{i}, {i}]", "[{i}, ?{o}]", "{l} + {l}", "{l}.filter({$0}, {b|i})", "{l}.map({$0}, {i|i})",
     "{t}.map({$0}, size({$0}))", "{l}.map({$0}, {b|i}, {i|i})", "({b}) ? {l} : {l}",
     "{l}.transformList({$0}, {$1}, {i|ii})", "{l}.slice({i}, {i})", "{l}.distinct()", "{l}.sort()",
     "{l}.reverse()", "[{l}, {l}].flatten()", "lists.range({small})", "{l}.sortBy({$0}, {i|i})"}};

const Productions kStrings = {
    {"['a', 'b']", "[]", "['h100', 'a100', 'a']", "[device.driver]"},
    {"[{s}, {s}]", "{t} + {t}", "{t}.filter({$0}, {b|s})", "{l}.map({$0}, string({$0}))",
     "{s}.split({s})", "{s}.split({s}, {i})", "{s}.findAll({regex})", "{m}.map({$0}, {$0})",
     "{t}.sort()", "{t}.reverse()", "{t}.distinct()",
     "device.attributes['{domain}'].map({$0}, {$0}).sort()"}};

const Productions kMap = {
    {"{'a': 1, 'b': 2}", "{}", "{'model': 3}"},
    {"{{s}: {i}, {s}: {i}}", "({b}) ? {m} : {m}", "{m}.transformMap({$0}, {$1}, {i|si})",
     "{m}.transformMapEntry({$0}, {$1}, {{$0}: {$1}})", "{?{s}: {o}}"}};

const Productions kSemver = {{"semver('1.2.3')", "semver('2.0.0-rc.1')", "{version attribute}"},
                             {"semver({s})", "semver('v' + {s}, true)"}};

const Productions kQuantity = {
    {"quantity('1Gi')", "quantity('1500m')", "quantity('10')",
     "device.capacity['{domain}'].{capacity}"},
    {"quantity({s})", "{q}.add({q})", "{q}.sub({q})", "{q}.add({i})", "{q}.sub({i})"}};

const Productions kAny = {
    {"device.attributes['{domain}'].{name}", "device.attributes['{domain}']['{name}']",
     "{int attribute}", "{string attribute}", "{bool attribute}", "{version attribute}"},
    {"device.attributes[{s}][{s}]", "dyn({x})"}};

const Productions kDuration = {{"duration('1h')", "duration('1.5s')", "duration('-3m')"},
                               {"duration({s})", "{D} + {D}", "{D} - {D}", "{T} - {T}"}};

const Productions kTimestamp = {
    {"timestamp('2023-08-26T12:39:00-07:00')", "timestamp('1969-12-31T23:59:59Z')"},
    {"timestamp({s})", "timestamp({i})", "{T} + {D}", "{T} - {D}"}};

const Productions kOptional = {
    {"optional.none()", "optional.of(1)", "optional.ofNonZeroValue(0)"},
    {"optional.of({i})", "{m}[?{s}]", "{m}.?{name}", "{l}[?{i}]", "{o}.optMap({$0}, {i|i})",
     "{o}.or({o})", "{o}.optFlatMap({$0}, optional.of({i|i}))", "{l}.first()", "{l}.last()"}};

const Productions kIp = {{"ip('10.0.0.1')", "ip('fe80::1')"}, {"ip({s})", "{C}.ip()"}};
const Productions kCidr = {{"cidr('10.0.0.0/8')", "cidr('fe80::/64')"},
                           {"cidr({s})", "{C}.masked()"}};
const Productions kUrl = {{"url('https://example.com:80/path?q=1')"}, {"url({s})"}};

const Productions kIncludes = {
    {"device.attributes['{domain}'].{list}.includes({x})"},
    {"{a}.includes({x})", "device.attributes['{domain}'].{list}.exists({$0}, {$0} == {x})",
     "device.attributes['{domain}'].{list}.all({$0}, {b|i})",
     "{x} in device.attributes['{domain}'].{list}",
     "size(device.attributes['{domain}'].{list}) < {i}"}};

const Productions kPlain = {
    {"device.driver == '{driver}'", "device.attributes['{domain}'].model == 'h100'",
     "device.attributes['{domain}'].numa == 1", "device.attributes['{domain}'].speed >= 1",
     "device.attributes['{domain}'].rdma", "'{name}' in device.attributes['{domain}']",
     "has(device.attributes['{domain}'].{name})", "true",
     "device.attributes['{domain}'].root == 'pci0000:01'",
     "device.attributes['{domain}'].fw.isGreaterThan(semver('1.0.0'))",
     "device.capacity['{domain}'].memory.compareTo(quantity('1Gi')) >= 0",
     "device.attributes['{domain}'].index in [0, 2]",
     "device.attributes['resource.kubernetes.io'].pcieRoot.startsWith('pci')",
     "device.attributes['{domain}'].?shared.orValue(false)", "device.allowMultipleAllocations",
     "cel.bind(d, device.attributes['{domain}'], d.rdma && d.numa < 3)"},
    {"{b} && {b}", "{b} || {b}", "!({b})", "device.driver == '{driver}' && {b}"}};

const Productions& productions(char type) {
    switch (type) {
        case 'i':
            return kInt;
        case 'u':
            return kUint;
        case 'd':
            return kDouble;
        case 's':
            return kString;
        case 'y':
            return kBytes;
        case 'l':
            return kInts;
        case 't':
            return kStrings;
        case 'm':
            return kMap;
        case 'v':
            return kSemver;
        case 'q':
            return kQuantity;
        case 'a':
            return kAny;
        case 'D':
            return kDuration;
        case 'T':
            return kTimestamp;
        case 'o':
            return kOptional;
        case 'I':
            return kIp;
        case 'C':
            return kCidr;
        case 'U':
            return kUrl;
        default:
            return kBool;
    }
}

class Grower {
  public:
    Grower(Random& random, const ExpressionOptions& options) : random_(random), options_(options) {}

    std::string grow(char type, int depth) {
        if (type == 'x') type = random_.pick({"b", "i", "u", "d", "s", "l", "t", "v", "q", "a"})[0];
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
        if (options_.plain) return kPlain;
        return options_.lists && random_.chance(25) ? kIncludes : kBool;
    }

    /// A hole begins with "{" and a letter or "$"; other braces are CEL's own.
    std::string fill(std::string_view text, int depth) {
        const auto named = variables_.size();
        std::string out;
        for (std::size_t i = 0; i < text.size();) {
            const auto end = text[i] == '{' ? text.find('}', i) : std::string_view::npos;
            if (end == std::string_view::npos || end == i + 1 || text[i + 1] == '\'' ||
                text[i + 1] == '{' || text[i + 1] == '?') {
                out += text[i++];
                continue;
            }
            out += hole(text.substr(i + 1, end - i - 1), named, depth);
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
            return std::string(
                random_.pick({"'^a.*'", "'[0-9]+'", "r'\\w+'", "'(?i)H100'", "'a{2,3}'", "'('",
                              "'(a|b)*c'", "'^$'", "'\\\\pL'", "'.'"}));
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
std::string damage(Random& random, std::string text) {
    const auto at = random.below(text.size() + 1);
    switch (random.below(4)) {
        case 0:
            text.erase(at, 1 + random.below(4));
            break;
        case 1:
            text.insert(at, random.pick({"(",  ")",    "'",  "\"", "]",  "{",   "?",  ".",
                                         "&&", " in ", "\\", "@",  "\n", "// ", "0x", "ä",
                                         ";",  "null", "[?", "-",  "u",  "e"}));
            break;
        case 2:
            text.insert(at, text.substr(at, 1 + random.below(8)));
            break;
        default:
            text.resize(at);
    }
    return text;
}

}  // namespace

std::string random_expression(Random& random, const ExpressionOptions& options) {
    auto out =
        Grower(random, options)
            .grow('b', static_cast<int>(random.between(options.plain ? 0 : 1, options.depth)));
    return random.chance(options.garbage) ? damage(random, std::move(out)) : out;
}

}  // namespace knd::differential
