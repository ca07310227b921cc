// SPDX-License-Identifier: Apache-2.0
#include "host/model/network_config.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <limits>
#include <string_view>

#include "host/model/nearest.hpp"

namespace knd {
namespace {

constexpr int kMinMtu = 68;  // RFC 791: what every IPv4 link must carry
constexpr int kScopeUniverse = 0;
constexpr int kScopeLink = 253;
constexpr int kMaxRulePriority = 32767;  // 32766 and 32767 are the kernel's own, last to be asked
constexpr std::size_t kMaxInterfaceName = 15;

struct Address {
    int family = 0;
    std::array<unsigned char, 16> bytes{};
    int bits() const { return family == AF_INET ? 32 : 128; }
    std::string text() const {
        char buffer[INET6_ADDRSTRLEN];
        return ::inet_ntop(family, bytes.data(), buffer, sizeof buffer);
    }
};

struct Prefix {
    Address address;
    int length = 0;
    std::string text() const { return address.text() + "/" + std::to_string(length); }
    /// The network it is in: the bits after the prefix set to zero.
    Prefix network() const {
        Prefix masked = *this;
        for (int bit = length; bit < address.bits(); ++bit)
            masked.address.bytes[static_cast<std::size_t>(bit / 8)] &=
                static_cast<unsigned char>(~(0x80u >> (bit % 8)));
        return masked;
    }
};

std::optional<Address> parse_address(const std::string& text) {
    // A NUL inside would make inet_pton see a shorter, valid text.
    if (text.find('\0') != std::string::npos) return std::nullopt;
    Address address;
    for (const int family : {AF_INET, AF_INET6}) {
        address.family = family;
        if (::inet_pton(family, text.c_str(), address.bytes.data()) == 1) return address;
    }
    return std::nullopt;
}

std::optional<Prefix> parse_prefix(const std::string& text) {
    const auto slash = text.find('/');
    if (slash == std::string::npos) return std::nullopt;
    const auto address = parse_address(text.substr(0, slash));
    const auto digits = std::string_view(text).substr(slash + 1);
    const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
    if (!address || digits.empty() || digits.size() > 3 ||
        !std::all_of(digits.begin(), digits.end(), is_digit) ||
        (digits.size() > 1 && digits[0] == '0'))
        return std::nullopt;
    int length = 0;
    for (const char c : digits)
        length = length * 10 + (c - '0');
    if (length > address->bits()) return std::nullopt;
    return Prefix{*address, length};
}

/// 6, 8 (EUI-64) or 20 (IPoIB) bytes: "02:..", "02-..", or "0200.5e10.0000". Lower case with
/// colons.
std::optional<std::string> parse_mac(const std::string& text) {
    const bool dotted = text.size() > 4 && text[4] == '.';
    const std::size_t group = dotted ? 4 : 2;
    const char separator = dotted ? '.' : (text.size() > 2 ? text[2] : ':');
    if (!dotted && separator != ':' && separator != '-') return std::nullopt;
    std::string digits;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (i % (group + 1) == group) {
            if (c != separator) return std::nullopt;
        } else if (std::string_view("0123456789abcdefABCDEF").find(c) != std::string_view::npos) {
            digits += static_cast<char>(c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c);
        } else {
            return std::nullopt;
        }
    }
    if (digits.size() != 12 && digits.size() != 16 && digits.size() != 40) return std::nullopt;
    if (text.size() != digits.size() + digits.size() / group - 1) return std::nullopt;
    std::string mac;
    for (std::size_t i = 0; i < digits.size(); i += 2)
        mac.append(i == 0 ? "" : ":").append(digits, i, 2);
    return mac;
}

/// What is wrong with an address that parses but that no Ethernet interface can have, or "".
std::string_view unusable_mac(const std::string& mac) {
    if (mac.size() != 17) return "";
    if (mac == "00:00:00:00:00:00") return "is all zeros";
    const char low = mac[1];  // the group bit is the lowest of the first byte
    const bool group = low == '1' || low == '3' || low == '5' || low == '7' || low == '9' ||
                       low == 'b' || low == 'd' || low == 'f';
    return group ? "is a multicast address" : "";
}

/// Reads one object and collects every complaint, so that a user repairs a claim in one go.
class Reader {
  public:
    using Object = const Json&;

    void complain(const std::string& field, const std::string& what) {
        errors_.push_back(field + ": " + what);
    }
    Result<void> verdict() const {
        if (errors_.empty()) return {};
        std::string text;
        for (const auto& error : errors_)
            text.append(text.empty() ? "" : "; ").append(error);
        return Error(Code::kInvalidArgument, std::move(text));
    }

    /// True when `object` is one. Names the keys that are not known, or known and not done yet.
    bool check_object(Object object, const std::string& path, const std::vector<std::string>& known,
                      const std::vector<std::string>& unsupported = {}) {
        if (!object.is_object()) {
            complain(path, "must be an object, found " + shown(object));
            return false;
        }
        for (const auto& [key, value] : object.items()) {
            const auto field = path + "." + key;
            if (std::find(known.begin(), known.end(), key) != known.end()) continue;
            if (std::find(unsupported.begin(), unsupported.end(), key) == unsupported.end())
                complain(field, "unknown field" + did_you_mean(key, known));
            else if (!asks_nothing(key, value))
                complain(field, "not supported by this version; remove it from the claim or class");
        }
        return true;
    }

    /// The key must be there and not empty.
    void demand(Object object, const std::string& path, const char* key,
                const char* what = "is required") {
        const auto& value = json_at(object, key);
        if (value.is_null() || (value.is_string() && value.get_ref<const std::string&>().empty()))
            complain(path + "." + key, what);
    }

    /// The elements of a list of objects, with their paths. Nothing when it is absent.
    std::vector<std::pair<std::string, const Json*>> list(Object object, const std::string& path,
                                                          const char* key) {
        std::vector<std::pair<std::string, const Json*>> found;
        const auto& value = json_at(object, key);
        const auto field = path.empty() ? std::string(key) : path + "." + key;
        if (value.is_null()) return found;
        if (!value.is_array()) {
            complain(field, "must be a list, found " + shown(value));
            return found;
        }
        for (std::size_t i = 0; i < value.size(); ++i)
            found.emplace_back(field + "[" + std::to_string(i) + "]", &value[i]);
        return found;
    }

    std::optional<std::string> string(const Json& value, const std::string& field) {
        if (value.is_null()) return std::nullopt;
        if (value.is_string()) return value.get<std::string>();
        complain(field, "must be a string, found " + shown(value));
        return std::nullopt;
    }

    std::optional<int> integer(Object object, const std::string& path, const char* key, int low,
                               int high) {
        const auto& value = json_at(object, key);
        const auto field = path + "." + key;
        if (value.is_null()) return std::nullopt;
        // An unsigned above int64 would wrap in get<int64>; it is out of range here in any case.
        const bool fits = value.is_number_integer() &&
                          (!value.is_number_unsigned() || value.get<std::uint64_t>() <= INT64_MAX);
        if (fits && value.get<std::int64_t>() >= low && value.get<std::int64_t>() <= high)
            return value.get<int>();
        complain(field, "must be a whole number from " + std::to_string(low) + " to " +
                            std::to_string(high) + ", found " + shown(value));
        return std::nullopt;
    }

    std::optional<Prefix> prefix(const Json& value, const std::string& field) {
        const auto text = string(value, field);
        if (!text || text->empty()) return std::nullopt;
        const auto parsed = parse_prefix(*text);
        if (parsed) return parsed;
        std::string what = "must be an address with its prefix length, such as \"192.0.2.10/24\"";
        complain(field, what + ", found " + shown(value));
        return std::nullopt;
    }

    std::optional<Address> address(Object object, const std::string& path, const char* key) {
        const auto& value = json_at(object, key);
        const auto field = path + "." + key;
        const auto text = string(value, field);
        if (!text || text->empty()) return std::nullopt;
        const auto parsed = parse_address(*text);
        if (!parsed)
            complain(field, "must be an IP address without a prefix length, found " + shown(value));
        return parsed;
    }

    std::string mac(Object object, const std::string& path, const char* key) {
        const auto& value = json_at(object, key);
        const auto field = path + "." + key;
        const auto text = string(value, field);
        if (!text || text->empty()) return "";
        const auto parsed = parse_mac(*text);
        if (!parsed) {
            complain(field, "must be a hardware address, such as \"02:00:00:00:00:01\", found " +
                                shown(value));
            return "";
        }
        if (const auto why = unusable_mac(*parsed); !why.empty()) {
            complain(field,
                     shown(value) + " " + std::string(why) + ", which no interface may have");
            return "";
        }
        return *parsed;
    }

    static std::string shown(const Json& value) {
        constexpr std::size_t kLongest = 80;
        auto text = to_text(value);
        if (text.size() > kLongest) text = text.substr(0, kLongest) + "...";
        return text;
    }

  private:
    /// `dhcp: false` asks for what happens anyway.
    static bool asks_nothing(std::string_view key, const Json& value) {
        if (value.is_null()) return true;
        return (key == "dhcp" || key == "disableEbpfPrograms") && value.is_boolean() &&
               !value.get<bool>();
    }

    std::vector<std::string> errors_;
};

void read_name(Reader& reader, const Json& object, NetworkConfig& config) {
    const std::string field = "interface.name";
    const auto& value = json_at(object, "name");
    const auto name = reader.string(value, field);
    if (!name || name->empty()) return;
    const auto allowed = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '-' || c == '_' || c == '.';
    };
    if (name->size() > kMaxInterfaceName || *name == "." || *name == ".." ||
        !std::all_of(name->begin(), name->end(), allowed))
        reader.complain(field, "must be 1 to 15 letters, digits or any of \"-_.\", found " +
                                   Reader::shown(value));
    else if (*name == "lo" || *name == "all" || *name == "default")
        // "all" and "default" are directories of their own below /proc/sys/net/*/conf.
        reader.complain(field, "\"" + *name + "\" is taken in every network namespace");
    else
        config.interface_name = *name;
}

void read_interface(Reader& reader, const Json& object, NetworkConfig& config) {
    if (object.is_null()) return;
    static const std::vector<std::string> kKnown = {"name", "addresses", "mtu", "hardwareAddr"};
    static const std::vector<std::string> kUnsupported = {
        "dhcp",       "gsoMaxSize",          "groMaxSize", "gsoIPv4MaxSize", "groIPv4MaxSize",
        "forwarding", "disableEbpfPrograms", "arpIgnore",  "arpAnnounce",    "vrf"};
    if (!reader.check_object(object, "interface", kKnown, kUnsupported)) return;
    read_name(reader, object, config);
    if (json_at(object, "addresses").is_array()) config.addresses.emplace();
    for (const auto& [field, value] : reader.list(object, "interface", "addresses")) {
        if (value->is_null() || *value == "") reader.complain(field, "must not be empty");
        const auto prefix = reader.prefix(*value, field);
        if (!prefix) continue;
        const auto text = prefix->text();
        auto& list = *config.addresses;
        if (std::find(list.begin(), list.end(), text) == list.end()) list.push_back(text);
    }
    config.mtu =
        reader.integer(object, "interface", "mtu", kMinMtu, std::numeric_limits<int>::max());
    config.hardware_addr = reader.mac(object, "interface", "hardwareAddr");
}

void check_family(Reader& reader, const std::string& field, const Address& is,
                  const Prefix& destination) {
    if (is.family != destination.address.family)
        reader.complain(field, is.text() + " and " + destination.text() +
                                   " are not of the same address family");
}

void read_route(Reader& reader, const Json& object, const std::string& path,
                NetworkConfig& config) {
    static const std::vector<std::string> kKnown = {"destination", "gateway", "source", "scope",
                                                    "table"};
    if (!reader.check_object(object, path, kKnown)) return;
    RouteConfig route;
    reader.demand(object, path, "destination");
    const auto destination = reader.prefix(json_at(object, "destination"), path + ".destination");
    const auto gateway = reader.address(object, path, "gateway");
    const auto source = reader.address(object, path, "source");
    route.scope = reader.integer(object, path, "scope", 0, 255).value_or(kScopeUniverse);
    route.table =
        reader.integer(object, path, "table", 0, std::numeric_limits<int>::max()).value_or(0);
    if (route.scope != kScopeUniverse && route.scope != kScopeLink)
        reader.complain(path + ".scope",
                        "must be 0 (universe) or 253 (link), found " + std::to_string(route.scope));
    if (route.scope == kScopeUniverse)
        reader.demand(object, path, "gateway", "is required unless scope is 253 (link)");
    if (destination && gateway) check_family(reader, path + ".gateway", *gateway, *destination);
    if (destination && source) check_family(reader, path + ".source", *source, *destination);
    if (!destination) return;
    route.destination = destination->network().text();
    if (gateway) route.gateway = gateway->text();
    if (source) route.source = source->text();
    config.routes.push_back(std::move(route));
}

void read_rule(Reader& reader, const Json& object, const std::string& path, NetworkConfig& config) {
    static const std::vector<std::string> kKnown = {"priority", "source", "destination", "table"};
    if (!reader.check_object(object, path, kKnown)) return;
    RuleConfig rule;
    const auto source = reader.prefix(json_at(object, "source"), path + ".source");
    const auto destination = reader.prefix(json_at(object, "destination"), path + ".destination");
    rule.priority = reader.integer(object, path, "priority", 0, kMaxRulePriority).value_or(0);
    rule.table =
        reader.integer(object, path, "table", 0, std::numeric_limits<int>::max()).value_or(0);
    if (source && destination)
        check_family(reader, path + ".source", source->address, *destination);
    if (source) rule.source = source->network().text();
    if (destination) rule.destination = destination->network().text();
    config.rules.push_back(std::move(rule));
}

void read_neighbor(Reader& reader, const Json& object, const std::string& path,
                   NetworkConfig& config) {
    static const std::vector<std::string> kKnown = {"destination", "hardwareAddr"};
    if (!reader.check_object(object, path, kKnown)) return;
    NeighborConfig neighbor;
    reader.demand(object, path, "destination");
    reader.demand(object, path, "hardwareAddr");
    const auto destination = reader.address(object, path, "destination");
    neighbor.hardware_addr = reader.mac(object, path, "hardwareAddr");
    if (!destination) return;
    neighbor.destination = destination->text();
    config.neighbors.push_back(std::move(neighbor));
}

const std::vector<std::string>& host_keys() {
    static const std::vector<std::string> kKeys = {"interface", "routes", "rules", "neighbors"};
    return kKeys;
}

NetworkConfig read_host_part(Reader& reader, const Json& object) {
    NetworkConfig config;
    read_interface(reader, json_at(object, "interface"), config);
    for (const auto& [path, value] : reader.list(object, "", "routes"))
        read_route(reader, *value, path, config);
    for (const auto& [path, value] : reader.list(object, "", "rules"))
        read_rule(reader, *value, path, config);
    for (const auto& [path, value] : reader.list(object, "", "neighbors"))
        read_neighbor(reader, *value, path, config);
    for (const auto* key : {"ethtool", "profile"})
        if (!json_at(object, key).is_null())
            reader.complain(key,
                            "not supported by this version; remove it from the claim or class");
    return config;
}

Json route_json(const RouteConfig& route) {
    Json json = {{"destination", route.destination}};
    if (!route.gateway.empty()) json["gateway"] = route.gateway;
    if (!route.source.empty()) json["source"] = route.source;
    if (route.scope != 0) json["scope"] = route.scope;
    if (route.table != 0) json["table"] = route.table;
    return json;
}

Json rule_json(const RuleConfig& rule) {
    Json json = {{"priority", rule.priority}, {"table", rule.table}};
    if (!rule.source.empty()) json["source"] = rule.source;
    if (!rule.destination.empty()) json["destination"] = rule.destination;
    return json;
}

}  // namespace

Result<SplitConfig> read_network_config(const ClassAndClaimConfig& config) {
    Reader reader;
    SplitConfig split{{}, config.merged, config.of_class};
    split.network = read_host_part(reader, config.merged);
    KND_TRY(reader.verdict());
    for (const auto& key : host_keys()) {
        split.backend.erase(key);
        split.backend_class.erase(key);
    }
    return split;
}

Json to_json(const NetworkConfig& config) {
    Json interface = Json::object();
    if (!config.interface_name.empty()) interface["name"] = config.interface_name;
    if (config.addresses) interface["addresses"] = *config.addresses;
    if (config.mtu) interface["mtu"] = *config.mtu;
    if (!config.hardware_addr.empty()) interface["hardwareAddr"] = config.hardware_addr;
    Json json = Json::object();
    if (!interface.empty()) json["interface"] = std::move(interface);
    for (const auto& route : config.routes)
        json["routes"].push_back(route_json(route));
    for (const auto& rule : config.rules)
        json["rules"].push_back(rule_json(rule));
    for (const auto& neighbor : config.neighbors)
        json["neighbors"].push_back(
            {{"destination", neighbor.destination}, {"hardwareAddr", neighbor.hardware_addr}});
    return json;
}

Result<NetworkConfig> network_config_from_json(const Json& json) {
    KND_TRY_ASSIGN(const auto config, merge_configs({}, {json}, ""));
    KND_TRY_ASSIGN(auto split, read_network_config(config));
    if (!split.backend.empty())
        return Error(Code::kInvalidArgument,
                     split.backend.begin().key() + ": unknown field" +
                         did_you_mean(split.backend.begin().key(), host_keys()));
    return split.network;
}

}  // namespace knd
