// SPDX-License-Identifier: Apache-2.0
#include "backends/sriov/node.hpp"

#include <algorithm>
#include <charconv>

#include "sdk/support/sysfs.hpp"

namespace sriov {
namespace {

using knd::LinkInfo;
using knd::Result;
using knd::sriov::Function;

constexpr std::uint32_t kInfiniBandClass = 0x020700;

/// Of the interfaces of a function its own one, not the switch's ends of others.
const LinkInfo* link_of(const std::vector<LinkInfo>& links, const std::string& address) {
    for (const auto& link : links)
        if (link.device == address && link.bus == "pci" &&
            !knd::sysfs::is_representor(link.phys_port_name))
            return &link;
    return nullptr;
}

/// "pf0vf3" -> 3.
std::optional<int> represented(const std::string& port) {
    const auto at = port.rfind("vf");
    if (!knd::sysfs::is_representor(port) || at == std::string::npos) return std::nullopt;
    int index = 0;
    const auto* const end = port.data() + port.size();
    if (std::from_chars(port.data() + at + 2, end, index).ptr != end) return std::nullopt;
    return index;
}

std::string link_type(const Card& card) {
    if (card.link && card.link->encapsulation == "infiniband") return "infiniband";
    if (card.function.device_class == kInfiniBandClass) return "infiniband";
    return card.link || !card.name.empty() ? "ether" : "";
}

Candidate candidate(const Card& card, const Function* function, const std::string& address,
                    int index) {
    return {.function = function,
            .physical = &card.function,
            .address = address,
            .vf_index = index,
            .pf_name = card.name,
            .link_type = link_type(card),
            .rdma = function != nullptr ? !function->rdma_devices.empty()
                                        : !card.function.rdma_devices.empty()};
}

}  // namespace

int Card::offered() const {
    return on_demand() ? std::min(rule->on_demand, function.total_vfs) : function.num_vfs;
}

Result<std::unique_ptr<Node>> Node::read(const Config& config, const std::vector<LinkInfo>& links,
                                         KnownNames& known) {
    std::unique_ptr<Node> node(new Node(config));
    KND_TRY_ASSIGN(node->functions_, knd::sriov::read_functions(config.sysfs));
    node->add_cards(links, known);
    for (const auto& card : node->cards_) {
        node->add_functions(card, links);
        node->add_whole(card);
    }
    return node;
}

void Node::add_cards(const std::vector<LinkInfo>& links, KnownNames& known) {
    for (const auto& function : functions_) {
        if (!function.is_physical()) continue;
        Card card{.function = function};
        if (const auto* const link = link_of(links, function.address)) {
            card.link = *link;
            known[function.address] = link->name;
        }
        if (const auto name = known.find(function.address); name != known.end())
            card.name = name->second;
        for (const auto& link : links) {
            if (link.device != function.address) continue;
            if (const auto index = represented(link.phys_port_name))
                card.representors[*index] = link.name;
        }
        if (card.link) {
            const auto file = config_.sysfs + "/class/net/" + card.link->name + "/speed";
            const auto speed = std::atoll(knd::sriov::read_attribute(file).c_str());
            if (speed > 0) card.speed_mbps = speed;
        }
        card.rule = config_.rule_of(candidate(card, &function, function.address, -1));
        cards_.push_back(std::move(card));
    }
}

void Node::add_functions(const Card& card, const std::vector<LinkInfo>& links) {
    std::map<int, const Function*> made;
    for (const auto& function : functions_)
        if (function.physical == card.function.address && function.vf_index >= 0)
            made[function.vf_index] = &function;
    for (int index = 0; index < card.offered(); ++index) {
        Device device{
            .name = device_name(card.function.address, index), .card = &card, .index = index};
        if (const auto found = made.find(index); found != made.end()) {
            device.function = found->second;
            device.address = found->second->address;
            if (const auto* const link = link_of(links, device.address)) device.link = *link;
        } else {
            device.address = knd::sriov::vf_address(card.function, index);
            if (!card.on_demand()) continue;  // between two passes
            if (card.function.num_vfs > 0) {
                device.withheld = "its card has " + std::to_string(card.function.num_vfs) +
                                  " virtual functions at present, made by somebody else";
            }
        }
        device.pool =
            config_.pool_of(candidate(card, device.function, device.address, device.index));
        if (device.pool != nullptr) devices_.push_back(std::move(device));
    }
}

void Node::add_whole(const Card& card) {
    const auto& address = card.function.address;
    Device device{.name = device_name(address, -1),
                  .address = address,
                  .card = &card,
                  .function = &card.function,
                  .link = card.link};
    device.pool = config_.pool_of(candidate(card, &card.function, address, -1));
    const bool parts = std::any_of(devices_.begin(), devices_.end(),
                                   [&](const Device& other) { return other.card == &card; });
    if (card.rule != nullptr && card.rule->whole && device.pool != nullptr) {
        devices_.push_back(std::move(device));
    } else if (parts) {
        // Listed all the same: otherwise another backend would give the card away under its VFs.
        device.withheld =
            "its virtual functions are offered; `whole` in `cards` would offer it, too";
        devices_.push_back(std::move(device));
    }
}

const Device* Node::device(const std::string& name) const {
    for (const auto& device : devices_)
        if (device.name == name) return &device;
    return nullptr;
}

const Card* Node::card(const std::string& address) const {
    for (const auto& card : cards_)
        if (card.function.address == address) return &card;
    return nullptr;
}

const Function* Node::function(const std::string& address) const {
    for (const auto& function : functions_)
        if (function.address == address) return &function;
    return nullptr;
}

std::string device_name(const std::string& card, int index) {
    auto name = "pci-" + card;
    std::replace_if(
        name.begin(), name.end(), [](char c) { return c == ':' || c == '.'; }, '-');
    return index < 0 ? name : name + "-vf" + std::to_string(index);
}

std::optional<std::pair<std::string, int>> parse_device_name(const std::string& name) {
    auto rest = name;
    int index = -1;
    if (const auto at = rest.rfind("-vf"); at != std::string::npos) {
        const auto* const end = rest.data() + rest.size();
        if (std::from_chars(rest.data() + at + 3, end, index).ptr != end || index < 0)
            return std::nullopt;
        rest.resize(at);
    }
    if (!rest.starts_with("pci-") || rest.size() < 16) return std::nullopt;
    rest.erase(0, 4);
    rest[rest.size() - 2] = '.';
    std::replace(rest.begin(), rest.end(), '-', ':');
    if (!knd::sriov::is_address(rest)) return std::nullopt;
    return std::pair(rest, index);
}

}  // namespace sriov
