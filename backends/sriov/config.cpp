// SPDX-License-Identifier: Apache-2.0
#include "backends/sriov/config.hpp"

#include <algorithm>
#include <charconv>

namespace sriov {
namespace {

using knd::Code;
using knd::Error;
using knd::Params;
using knd::Result;

constexpr int kMaxFunctions = 4096;

std::optional<int> number(std::string_view text) {
    int value = 0;
    const auto* const end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, value);
    if (text.empty() || read.ec != std::errc() || read.ptr != end || value < 0) return std::nullopt;
    return value;
}

/// "8086", "0x8086" and "0X8086" are one number.
std::string id_text(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return text.starts_with("0x") ? text.substr(2) : text;
}

std::string hex(std::uint16_t value) {
    char text[8];
    std::snprintf(text, sizeof text, "%04x", value);
    return text;
}

Result<std::vector<std::string>> ids(const Params& table, const char* key) {
    KND_TRY_ASSIGN(auto values, table.strings(key));
    for (auto& value : values) {
        value = id_text(value);
        const bool good =
            value.size() == 4 && value.find_first_not_of("0123456789abcdef") == std::string::npos;
        if (good) continue;
        return Error(Code::kInvalidArgument, "`" + table.path_of(key) + "` has \"" + value +
                                                 "\", must be four hex digits such as \"8086\"");
    }
    return values;
}

Result<std::vector<NamedRange>> ranges(const Params& table, const char* key) {
    KND_TRY_ASSIGN(const auto texts, table.strings(key));
    std::vector<NamedRange> all;
    for (const auto& text : texts) {
        auto range = NamedRange::parse(text);
        if (!range.ok()) return std::move(range).error().wrap("`" + table.path_of(key) + "`");
        all.push_back(*std::move(range));
    }
    return all;
}

/// A boolean that may be absent.
Result<std::optional<bool>> maybe(const Params& table, const char* key) {
    KND_TRY_ASSIGN(const bool with_false, table.boolean(key, false));
    KND_TRY_ASSIGN(const bool with_true, table.boolean(key, true));
    if (with_false != with_true) return std::optional<bool>();
    return std::optional<bool>(with_true);
}

template <class T>
bool among(const std::vector<T>& allowed, const T& value) {
    return allowed.empty() || std::find(allowed.begin(), allowed.end(), value) != allowed.end();
}

bool in_ranges(const std::vector<NamedRange>& ranges, const std::string& name, int index) {
    return ranges.empty() || std::any_of(ranges.begin(), ranges.end(), [&](const auto& range) {
               return range.contains(name, index);
           });
}

Result<std::vector<std::pair<std::string, std::string>>> read_attributes(const Params& table) {
    KND_TRY_ASSIGN(const auto items, table.tables("attributes"));
    std::vector<std::pair<std::string, std::string>> attributes;
    for (const auto& item : items) {
        KND_TRY_ASSIGN(const auto name, item.string("name"));
        KND_TRY_ASSIGN(const auto value, item.string("value"));
        if (name.empty() || value.empty() || value.size() > 64) {
            return Error(Code::kInvalidArgument,
                         "`" + table.path_of("attributes") +
                             "` wants a `name` and a `value` of 1 to 64 bytes for each");
        }
        if (name.starts_with("resource.kubernetes.io/") || name.starts_with("kubernetes.io/")) {
            return Error(Code::kInvalidArgument, "`" + table.path_of("attributes") + "` has `" +
                                                     name + "`, whose domain is Kubernetes' own");
        }
        attributes.emplace_back(name, value);
    }
    return attributes;
}

}  // namespace

Result<NamedRange> NamedRange::parse(const std::string& text) {
    NamedRange range;
    const auto hash = text.find('#');
    range.name = text.substr(0, hash);
    const auto wrong = [&] {
        return Error(Code::kInvalidArgument, "\"" + text +
                                                 "\" is no name with virtual functions; write "
                                                 "\"ens1f0\" or \"ens1f0#0-3,7\"");
    };
    if (range.name.empty()) return wrong();
    if (hash == std::string::npos) return range;
    auto rest = std::string_view(text).substr(hash + 1);
    while (true) {
        const auto part = rest.substr(0, rest.find(','));
        const auto dash = part.find('-');
        const auto low = number(part.substr(0, dash));
        const auto high = dash == std::string_view::npos ? low : number(part.substr(dash + 1));
        if (!low || !high || *low > *high || *high >= kMaxFunctions) return wrong();
        for (int index = *low; index <= *high; ++index)
            range.indexes.insert(index);
        if (part.size() == rest.size()) return range;
        rest.remove_prefix(part.size() + 1);
    }
}

bool NamedRange::contains(const std::string& other, int index) const {
    if (name != other) return false;
    // A card as a whole is not one of its functions.
    return indexes.empty() || indexes.contains(index);
}

Result<Selector> Selector::read(const Params& table) {
    Selector s;
    KND_TRY_ASSIGN(s.vendors, ids(table, "vendors"));
    KND_TRY_ASSIGN(s.devices, ids(table, "devices"));
    KND_TRY_ASSIGN(s.drivers, table.strings("drivers"));
    KND_TRY_ASSIGN(s.pci_addresses, table.strings("pciAddresses"));
    KND_TRY_ASSIGN(s.pf_names, ranges(table, "pfNames"));
    KND_TRY_ASSIGN(s.root_devices, ranges(table, "rootDevices"));
    KND_TRY_ASSIGN(s.link_types, table.strings("linkTypes"));
    KND_TRY_ASSIGN(const auto count, table.length("acpiIndexes"));
    for (std::size_t i = 0; i < count; ++i) {
        const auto key = "acpiIndexes[" + std::to_string(i) + "]";
        KND_TRY_ASSIGN(const auto index, table.integer(key));
        s.acpi_indexes.push_back(index);
    }
    KND_TRY_ASSIGN(s.is_rdma, maybe(table, "isRdma"));
    for (const auto& address : s.pci_addresses) {
        if (!knd::sriov::is_address(address)) {
            return Error(Code::kInvalidArgument, "`" + table.path_of("pciAddresses") + "` has \"" +
                                                     address +
                                                     "\", must be as in \"0000:3b:00.1\"");
        }
    }
    for (const auto& range : s.root_devices) {
        if (!knd::sriov::is_address(range.name)) {
            return Error(Code::kInvalidArgument, "`" + table.path_of("rootDevices") + "` has \"" +
                                                     range.name +
                                                     "\", must be as in \"0000:3b:00.0#0-3\"");
        }
    }
    for (const auto& type : s.link_types) {
        if (type == "ether" || type == "infiniband") continue;
        return Error(Code::kInvalidArgument, "`" + table.path_of("linkTypes") + "` has \"" + type +
                                                 "\", must be ether or infiniband");
    }
    return s;
}

bool Selector::matches(const Candidate& c) const {
    // A VF that is not there yet has the vendor of its PF, and no driver or id that anybody knows.
    const auto* const own = c.function != nullptr ? c.function : c.physical;
    if (own == nullptr) return false;
    if (!among(vendors, hex(own->vendor_id))) return false;
    if (!devices.empty() && (c.function == nullptr || !among(devices, hex(own->device_id))))
        return false;
    if (!drivers.empty() && (c.function == nullptr || !among(drivers, own->driver))) return false;
    if (!among(pci_addresses, c.address)) return false;
    if (!in_ranges(pf_names, c.pf_name, c.vf_index)) return false;
    const auto root = c.physical != nullptr ? c.physical->address : "";
    if (!in_ranges(root_devices, root, c.vf_index)) return false;
    if (!among(link_types, c.link_type)) return false;
    if (!acpi_indexes.empty()) {
        const auto index = c.physical != nullptr ? c.physical->acpi_index : std::nullopt;
        if (!index || !among(acpi_indexes, *index)) return false;
    }
    return !is_rdma || *is_rdma == c.rdma;
}

Result<Pool> Pool::read(const Params& table) {
    Pool pool;
    KND_TRY_ASSIGN(pool.name, table.string("name"));
    if (pool.name.empty() || pool.name.size() > 64) {
        return Error(Code::kInvalidArgument,
                     "`" + table.path_of("name") + "` must have 1 to 64 bytes");
    }
    KND_TRY_ASSIGN(pool.selector, Selector::read(table));
    KND_TRY_ASSIGN(const auto mode, table.string("mode", "netdev"));
    if (mode != "netdev" && mode != "vfio-pci") {
        return Error(Code::kInvalidArgument, "`" + table.path_of("mode") + "` is \"" + mode +
                                                 "\", must be netdev or vfio-pci");
    }
    pool.mode = mode == "netdev" ? Mode::kNetdev : Mode::kVfio;
    KND_TRY_ASSIGN(pool.vhost_net, table.boolean("needVhostNet"));
    KND_TRY_ASSIGN(pool.bandwidth, table.boolean("bandwidth"));
    KND_TRY_ASSIGN(pool.attributes, read_attributes(table));
    return pool;
}

Result<CardRule> CardRule::read(const Params& table) {
    CardRule rule;
    KND_TRY_ASSIGN(rule.selector, Selector::read(table));
    KND_TRY_ASSIGN(const auto count, table.integer_in("vfs", -1, 0, kMaxFunctions));
    if (count >= 0) rule.count = static_cast<int>(count);
    KND_TRY_ASSIGN(const auto demand, table.integer_in("onDemand", 0, 0, kMaxFunctions));
    rule.on_demand = static_cast<int>(demand);
    KND_TRY_ASSIGN(const auto idle, table.integer_in("idleSeconds", 60, 0, 86400));
    rule.idle_s = static_cast<int>(idle);
    KND_TRY_ASSIGN(rule.whole, table.boolean("whole"));
    if (rule.count && rule.on_demand > 0) {
        return Error(Code::kInvalidArgument, "`" + table.path_of("vfs") + "` and `" +
                                                 table.path_of("onDemand") +
                                                 "` exclude each other: a card has a fixed number "
                                                 "of virtual functions, or makes them on demand");
    }
    if (rule.whole && rule.count.value_or(0) > 0) {
        return Error(Code::kInvalidArgument, "`" + table.path_of("whole") +
                                                 "` needs `onDemand` or `vfs = 0`: a card with a "
                                                 "fixed number of functions is never whole");
    }
    return rule;
}

Result<Config> Config::read(const Params& config) {
    Config read;
    KND_TRY_ASSIGN(const auto pools, config.tables("pools"));
    for (const auto& table : pools) {
        KND_TRY_ASSIGN(auto pool, Pool::read(table));
        read.pools.push_back(std::move(pool));
    }
    KND_TRY_ASSIGN(const auto cards, config.tables("cards"));
    for (const auto& table : cards) {
        KND_TRY_ASSIGN(auto rule, CardRule::read(table));
        read.cards.push_back(std::move(rule));
    }
    KND_TRY_ASSIGN(read.directory, config.string("directory", "/run/knd-sriov"));
    if (!read.directory.starts_with("/")) {
        return Error(Code::kInvalidArgument,
                     "`" + config.path_of("directory") + "` must be an absolute path");
    }
    return read;
}

const Pool* Config::pool_of(const Candidate& candidate) const {
    for (const auto& pool : pools)
        if (pool.selector.matches(candidate)) return &pool;
    return nullptr;
}

const CardRule* Config::rule_of(const Candidate& card) const {
    for (const auto& rule : cards)
        if (rule.selector.matches(card)) return &rule;
    return nullptr;
}

}  // namespace sriov
