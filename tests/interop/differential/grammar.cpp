// SPDX-License-Identifier: Apache-2.0
#include "tests/interop/differential/grammar.hpp"

namespace knd::differential {
namespace {

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
     "{M}.all({$0}, {b|s})",
     "{M}.exists({$0}, {$1}, {b|si})",
     "{M}.exists_one({$0}, {$1}, {b|si})",
     "{m}.all({$0}, {$0} != 'nothing')",
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
     "device.attributes.all({$0}, {$0} != 'nothing')",
     "device.capacity['{domain}'].exists_one({$0}, {$0} == '{capacity}')",
     "device.attributes['{domain}'].exists_one({$0}, {$0} == '{name}')",
     "device.attributes['{domain}'].filter({$0}, {$0} == '{name}').size() == {i}",
     "has({m}.{name})",
     "!{F}.validate({s}).hasValue()",
     "{F}.validate({s}).orValue([]) == {t}",
     "{F} == {F}",
     "{k}.hasValue()",
     "{k} == {k}",
     "{o} == {o}",
     "{o}.or({o}).hasValue()",
     "{L}.isSorted()",
     "{L} == {L}",
     "size({L}) > {i}",
     "{L}.first().hasValue()",
     "{L}.distinct() == {L}",
     "{L}.reverse() == {L}",
     "{L}.exists({$0}, {$0} == {x})",
     "{x} in {L}",
     "{x} in [1, 2, 3]",
     "{x} in ['a', 'h100', '{name}']",
     "{x} in {m}",
     "{x} == null",
     "null == {x}",
     "{x} == {x}",
     "{x} != {x}",
     "dyn({x}) < dyn({x})",
     "dyn({x}) >= {x}",
     "{a} > {s}",
     "{a} in {t}",
     "{a} in {l}",
     "{y} < {y}",
     "{b} < {b}",
     "{D} == {D}",
     "{T} == {T}",
     "{I} == {I}",
     "{I} != {I}",
     "{C} == {C}",
     "{U} != {U}",
     "{U}.getQuery() == {'q': ['1']}",
     "{I}.isUnspecified()",
     "{I}.isGlobalUnicast()",
     "{I}.isLinkLocalUnicast()",
     "{I}.isLinkLocalMulticast()",
     "{C}.containsIP({s})",
     "{C}.containsCIDR({s})",
     "{C}.containsIP(dyn({s}))",
     "matches({s}, {regex})",
     "dyn({s}).matches({regex})",
     "{s}.matches({s})",
     "isSemver({s}, {b})",
     "sets.contains({t}, {t})",
     "sets.intersects({L}, {L})",
     "sets.equivalent({t}, {t})",
     "has({{s}: {m}}.a.b)",
     "has(({b} ? {m} : {m}).{name})",
     "has(cel.bind({$0}, {m}, {m|m}).{name})",
     "has(optional.of({m}).{name})",
     "has({o}.optMap({$0}, {m|i}).{name})",
     "has(device.capacity['{domain}'].{capacity})",
     "has(device.attributes.{name}.{name})",
     "{m}.?{name}.hasValue()",
     "{m}[?{s}].optMap({$0}, {$0} > 1).orValue({b})",
     "{o}.optMap({$0}, {b|i}).orValue({b})",
     "cel.bind({$0}, {l}, {b|l})",
     "cel.bind({$0}, {m}, {b|m})",
     "cel.bind({$0}, {a}, {b|a})",
     "cel.bind({$0}, {q}, {b|q})",
     "cel.bind({$0}, {o}, {b|o})",
     "{b} ? {b} : {b}",
     "({b} ? {a} : {x}) == {a}",
     "type({a}) == type({x})",
     "type({a}) in [int, string, bool]",
     "type({x}) == {type}",
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
                           "{T}.getHours({zone})",
                           "{T}.getMinutes({zone})",
                           "{T}.getFullYear({zone})",
                           "{T}.getDate({zone})",
                           "{T}.getDayOfMonth()",
                           "{T}.getMinutes()",
                           "{T}.getMilliseconds()",
                           "{D}.getMinutes()",
                           "{T}.getDayOfYear()",
                           "cel.bind({$0}, {i}, {i|i})",
                           "{s}.lastIndexOf({s}, {i})",
                           "{t}.indexOf({s})",
                           "{l}.first().orValue({i})",
                           "{l}.last().value()",
                           "{m}[?{s}].orValue({i})",
                           "{m}.transformList({$0}, {$1}, {$1}).sum()",
                           "{L}.size()",
                           "{q}.add({q}).asInteger()",
                           "int({D})",
                           "int(dyn({x}))",
                           "{a} + {i}",
                           "{a} - {a}",
                           "{C}.prefixLength()",
                           "size(device.attributes)",
                           "device.attributes['{domain}'].size()",
                           "({b} ? {l} : {l})[{i}]",
                           "({b} ? {m} : {m}).{name}",
                           "cel.bind({$0}, {m}, {m|m}).{name}",
                           "optional.of({m}).{name}.orValue({i})",
                           "optional.of({m})[?{s}].orValue({i})",
                           "optional.of({m}).optMap({$0}, {m|m}).{name}.orValue({i})",
                           "optional.of({l}).optFlatMap({$0}, optional.of({l|l}))[{i}].value()",
                           "({b} ? optional.of({m}) : optional.none()).?{name}.orValue({i})",
                           "({b} ? {o} : {o}).optMap({$0}, {l|i})[{i}].orValue({i})",
                           "{l}.map({$0}, {m|i})[{small}].{name}",
                           "[{x}, {x}].size()",
                           "[1, 2, 3][{a}]",
                           "{l}[dyn({x})]",
                           "{m}[dyn({x})]",
                           "size({y})"}};

const Productions kUint = {
    {"0u", "1u", "42u", "18446744073709551615u"},
    {"{u} + {u}", "{u} - {u}", "{u} * {u}", "{u} / {u}", "{u} % {u}", "uint({i})", "uint({s})",
     "uint({d})", "uint(dyn({x}))", "[{u}, {u}].max()", "[{u}].sum()"}};

const Productions kDouble = {
    {"0.0", "1.5", "-2.5e3", "1e308", "3.0"},
    {"{d} + {d}", "{d} - {d}", "{d} * {d}", "{d} / {d}", "-({d})", "double({i})", "double({s})",
     "double({u})", "{q}.asApproximateFloat()", "[{d}, {d}].sum()", "[{d}, {d}].min()",
     "double(dyn({x}))"}};

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
                              "'my-name-'",
                              "'aGVsbG8='",
                              "'2021-02-28'",
                              "'123e4567-e89b-12d3-a456-426614174000'",
                              "'%s'",
                              "'%d%% %x'",
                              "'\\U0001F431\\x41\\101'",
                              "'A,b,,C'",
                              "'  x '",
                              "'1.5Gi'",
                              "'v1.02'",
                              "'1.2.3-rc.1+b'",
                              "'/a/b?c=d'",
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
                              "'%s and %s'.format([{x}, {x}])",
                              "'%d%%'.format([{a}])",
                              "'%.3f|%e'.format([{d}, {d}])",
                              "'%X'.format([{y}])",
                              "'%s'.format([{m}])",
                              "'%s'.format([{L}])",
                              "'%.1e'.format([dyn({d})])",
                              "'%f'.format([{x}])",
                              "{s}.format([{x}])",
                              "{s}.format({L})",
                              "{k}.orValue({t}).join(',')",
                              "{s}.split({s}).join({s})",
                              "{s}.replace('', {s})",
                              "{s}.findAll({regex}, {small}).join()",
                              "{s}.find({s})",
                              "{U}.getPort()",
                              "{U}.getHost()",
                              "string({U}.getQuery().size())",
                              "{t}.min()",
                              "{t}.max()",
                              "string(dyn({x}))",
                              "{a} + {s}",
                              "{s} + {a}",
                              "strings.quote({s})",
                              "device.attributes['{domain}'].?{name}.orValue({s})",
                              "string({I})",
                              "string({C})"}};

const Productions kBytes = {{"b'abc'", "b''", "b'\\xff'"}, {"bytes({s})", "{y} + {y}"}};

const Productions kInts = {{"[1, 2, 3]", "[]", "[3, 1, 2, 1]", "[{int attribute}]"},
                           {"[{i}, {i}]",
                            "[{i}, ?{o}]",
                            "{l} + {l}",
                            "{l}.filter({$0}, {b|i})",
                            "{l}.map({$0}, {i|i})",
                            "{t}.map({$0}, size({$0}))",
                            "{l}.map({$0}, {b|i}, {i|i})",
                            "({b}) ? {l} : {l}",
                            "{l}.transformList({$0}, {$1}, {i|ii})",
                            "{l}.slice({i}, {i})",
                            "{l}.distinct()",
                            "{l}.sort()",
                            "{l}.reverse()",
                            "[{l}, {l}].flatten()",
                            "lists.range({small})",
                            "{l}.sortBy({$0}, {i|i})",
                            "{t}.sortBy({$0}, {s|s}).map({$0}, size({$0}))",
                            "[[{l}], [{l}]].flatten({small})",
                            "[{o}, {o}].unwrapOpt()",
                            "optional.unwrap([{o}, {o}])",
                            "{m}.map({$0}, 1)",
                            "{l}.transformList({$0}, {$1}, {b|ii}, {i|ii})",
                            "{M}.transformList({$0}, {$1}, {i|si})",
                            "[?{o}, {i}]"}};

const Productions kStrings = {
    {"['a', 'b']", "[]", "['h100', 'a100', 'a']", "[device.driver]"},
    {"[{s}, {s}]", "{t} + {t}", "{t}.filter({$0}, {b|s})", "{l}.map({$0}, string({$0}))",
     "{s}.split({s})", "{s}.split({s}, {i})", "{s}.findAll({regex})", "{M}.map({$0}, {$0})",
     "{m}.map({$0}, {$0}).sort()", "{k}.value()", "{t}.slice({i}, {i})", "{t}.sortBy({$0}, {i|s})",
     "{s}.findAll({regex}, {small})", "{t}.sort()", "{t}.reverse()", "{t}.distinct()",
     "device.attributes['{domain}'].map({$0}, {$0}).sort()"}};

const Productions kMap = {
    {"{'a': 1, 'b': 2}", "{}", "{'model': 3}"},
    {"{{s}: {i}, {s}: {i}}", "({b}) ? {m} : {m}", "{M}.transformMap({$0}, {$1}, {i|si})",
     "{m}.transformMap({$0}, {$1}, {$1} + 1)", "{m}.transformMapEntry({$0}, {$1}, {{$0}: {$1}})",
     "{?{s}: {o}}", "{M}.transformMap({$0}, {$1}, {b|si}, {i|si})",
     "{l}.transformMapEntry({$0}, {$1}, {'' + string({$1}): {$0}})",
     "{M}.transformMapEntry({$0}, {$1}, {{s|si}: {i|si}})", "{M}", "{?{s}: {o}, ?{s}: {o}}"}};

const Productions kOneEntry = {{"{'a': 1}", "{}"}, {"{{s}: {i}}", "{?{s}: {o}}"}};

const Productions kLists = {
    {"[true, false]", "[1u, 2u]", "[1.5, 0.5]", "[b'a']", "[[1], [2, 3]]", "[{'a': 1}]", "[null]"},
    {"[{x}]",
     "[{b}, {b}]",
     "[{d}, {d}]",
     "[{u}, {u}]",
     "[{y}, {y}]",
     "[{D}, {D}]",
     "[{T}, {T}]",
     "[{v}, {v}]",
     "[{q}, {q}]",
     "[{m}, {m}]",
     "[{l}, {l}]",
     "[{a}, {a}]",
     "[{o}, {o}]",
     "[dyn({x}), dyn({x})]",
     "dyn({l})",
     "dyn({t})",
     "{L} + {L}",
     "[{I}]",
     "[type({x})]",
     "{L}.filter({$0}, {b})",
     "{L}.map({$0}, {x})",
     "{L}.sort()",
     "{L}.slice(0, {small})"}};

const Productions kOptionalTexts = {
    {"optional.of(['a'])", "optional.none()"},
    {"{F}.validate({s})", "optional.of({t})", "optional.ofNonZeroValue({t})", "{k}.or({k})",
     "{m}.?{name}.optMap({$0}, [string({$0})])", "{k}.optFlatMap({$0}, optional.of({t|t}))"}};

const Productions kFormat = {{"format.dns1123Label()", "format.{format}()"},
                             {"format.named({s}).value()", "format.named('{format}').value()"}};

const Productions kSemver = {{"semver('1.2.3')", "semver('2.0.0-rc.1')", "{version attribute}"},
                             {"semver({s})", "semver('v' + {s}, true)"}};

const Productions kQuantity = {
    {"quantity('1Gi')", "quantity('1500m')", "quantity('10')",
     "device.capacity['{domain}'].{capacity}"},
    {"quantity({s})", "{q}.add({q})", "{q}.sub({q})", "{q}.add({i})", "{q}.sub({i})"}};

const Productions kAny = {
    {"device.attributes['{domain}'].{name}", "device.attributes['{domain}']['{name}']",
     "{int attribute}", "{string attribute}", "{bool attribute}", "{version attribute}"},
    {"device.attributes[{s}][{s}]", "dyn({x})", "device.attributes[?'{domain}'].?{name}.value()",
     "device.attributes.?{name}.?{name}.orValue({a})",
     "device.attributes['{domain}'].?{name}.orValue({a})", "{o}.orValue({a})", "({b} ? {a} : {a})",
     "device.attributes[{s}].{name}"}};

const Productions kDuration = {{"duration('1h')", "duration('1.5s')", "duration('-3m')"},
                               {"duration({s})", "{D} + {D}", "{D} - {D}", "{T} - {T}",
                                "[{D}, {D}].sum()", "duration(dyn({x}))"}};

const Productions kTimestamp = {
    {"timestamp('2023-08-26T12:39:00-07:00')", "timestamp('1969-12-31T23:59:59Z')"},
    {"timestamp({s})", "timestamp({i})", "{T} + {D}", "{T} - {D}", "{D} + {T}",
     "timestamp('2024-02-29T00:00:00.123456789+05:30')", "[{T}, {T}].max()"}};

const Productions kOptional = {
    {"optional.none()", "optional.of(1)", "optional.ofNonZeroValue(0)"},
    {"optional.of({i})", "{m}[?{s}]", "{m}.?{name}", "{l}[?{i}]", "{o}.optMap({$0}, {i|i})",
     "{o}.or({o})", "{o}.optFlatMap({$0}, optional.of({i|i}))", "{l}.first()", "{l}.last()"}};

const Productions kIp = {
    {"ip('10.0.0.1')", "ip('fe80::1')", "ip('127.0.0.1')", "ip('::')", "ip('224.0.0.1')"},
    {"ip({s})", "{C}.ip()"}};
const Productions kCidr = {{"cidr('10.0.0.0/8')", "cidr('fe80::/64')", "cidr('10.1.2.3/28')"},
                           {"cidr({s})", "{C}.masked()"}};
const Productions kUrl = {
    {"url('https://example.com:80/path?q=1')", "url('/a%20b?x=1&x=2&y')",
     "url('http://u:p@[fe80::1%25eth0]:8080/%41/ä#frag')", "url('mailto:a@b')", "url('x://h')"},
    {"url({s})", "url('https://' + {s})", "url('/' + {s})"}};

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

}  // namespace

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
        case 'E':
            return message_values();
        case 'o':
            return kOptional;
        case 'I':
            return kIp;
        case 'C':
            return kCidr;
        case 'U':
            return kUrl;
        case 'M':
            return kOneEntry;
        case 'L':
            return kLists;
        case 'k':
            return kOptionalTexts;
        case 'F':
            return kFormat;
        case 'V':
            return any_values();
        case 'P':
            return pair_productions();
        default:
            return kBool;
    }
}

const Productions& list_productions() {
    return kIncludes;
}

const Productions& plain_productions() {
    return kPlain;
}

}  // namespace knd::differential
