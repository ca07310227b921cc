// SPDX-License-Identifier: Apache-2.0
//
// Node: the cards of this node, their virtual functions, and which of them are devices. Read anew
// for each list and each prepare: it is a pass over sysfs and one request to rtnetlink.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "backends/sriov/config.hpp"
#include "sdk/support/link.hpp"
#include "sdk/support/sriov.hpp"

#include <knd/cpp/result.hpp>

namespace sriov {

/// A physical function.
struct Card {
    knd::sriov::Function function;
    std::optional<knd::LinkInfo> link;        ///< none: its interface is not in this namespace
    std::string name;                         ///< of its interface, also while that is away
    std::map<int, std::string> representors;  ///< by VF
    std::optional<std::int64_t> speed_mbps;
    const CardRule* rule = nullptr;
    bool on_demand() const { return rule != nullptr && rule->on_demand > 0; }
    /// The number of VFs that are devices, there or not.
    int offered() const;
};

struct Device {
    std::string name;
    std::string address;
    const Card* card = nullptr;
    int index = -1;                                  ///< of the VF; -1: the card as a whole
    const knd::sriov::Function* function = nullptr;  ///< null: yet to be made
    std::optional<knd::LinkInfo> link;               ///< its interface in this namespace
    const Pool* pool = nullptr;
    std::string withheld = {};
    bool whole() const { return index < 0; }
};

/// What is known of the cards from before: names of those whose interface is away.
using KnownNames = std::map<std::string, std::string>;

class Node {
  public:
    /// `config` outlives it. `links`: all of the namespace. `known` is kept up to date.
    static knd::Result<std::unique_ptr<Node>> read(const Config& config,
                                                   const std::vector<knd::LinkInfo>& links,
                                                   KnownNames& known);

    const std::vector<Card>& cards() const { return cards_; }
    const std::vector<Device>& devices() const { return devices_; }
    /// Null: there is none.
    const Device* device(const std::string& name) const;
    const Card* card(const std::string& address) const;
    const knd::sriov::Function* function(const std::string& address) const;

  private:
    explicit Node(const Config& config) : config_(config) {}
    void add_cards(const std::vector<knd::LinkInfo>& links, KnownNames& known);
    void add_functions(const Card& card, const std::vector<knd::LinkInfo>& links);
    void add_whole(const Card& card);

    const Config& config_;
    std::vector<knd::sriov::Function> functions_;
    std::vector<Card> cards_;
    std::vector<Device> devices_;
};

/// "pci-0000-3b-00-0", "pci-0000-3b-00-0-vf3": by the card and the number, which stay when VFs come
/// and go.
std::string device_name(const std::string& card, int index);
/// The card and the number of such a name; nothing when it is none.
std::optional<std::pair<std::string, int>> parse_device_name(const std::string& name);

}  // namespace sriov
