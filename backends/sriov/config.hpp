// SPDX-License-Identifier: Apache-2.0
//
// What an administrator says in TOML: which functions are offered, in which pools, and how many
// virtual functions a card has. README.md has the keys.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "sdk/support/sriov.hpp"

#include <knd/cpp/params.hpp>

namespace sriov {

/// A VF (or a whole PF) with all that a selector may look at.
struct Candidate {
    const knd::sriov::Function* function = nullptr;  ///< null: a VF that is yet to be made
    const knd::sriov::Function* physical = nullptr;  ///< its PF, or the PF itself
    std::string address;
    int vf_index = -1;  ///< -1: the PF as a whole
    std::string pf_name;
    std::string link_type;  ///< "ether", "infiniband"; empty: not known
    bool rdma = false;
};

/// A name with an optional choice of VFs: "ens1f0#0-3,7".
struct NamedRange {
    std::string name;
    std::set<int> indexes;  ///< empty: all
    bool contains(const std::string& other, int index) const;
    static knd::Result<NamedRange> parse(const std::string& text);
};

/// All that are given must hold; of one list, any.
struct Selector {
    std::vector<std::string> vendors;
    std::vector<std::string> devices;
    std::vector<std::string> drivers;
    std::vector<std::string> pci_addresses;
    std::vector<NamedRange> pf_names;
    std::vector<NamedRange> root_devices;
    std::vector<std::string> link_types;
    std::vector<std::int64_t> acpi_indexes;
    std::optional<bool> is_rdma;

    static knd::Result<Selector> read(const knd::Params& table);
    bool matches(const Candidate& candidate) const;
};

enum class Mode { kNetdev, kVfio };

struct Pool {
    std::string name;
    Selector selector;
    Mode mode = Mode::kNetdev;
    bool vhost_net = false;
    bool bandwidth = false;
    std::vector<std::pair<std::string, std::string>> attributes;

    static knd::Result<Pool> read(const knd::Params& table);
};

/// How many VFs some cards have.
struct CardRule {
    Selector selector;
    std::optional<int> count;  ///< fixed; absent: as they are found
    int on_demand = 0;         ///< as many at most, made when a claim wants one
    int idle_s = 0;
    bool whole = false;  ///< the card as a device, too

    static knd::Result<CardRule> read(const knd::Params& table);
};

struct Config {
    std::vector<Pool> pools;
    std::vector<CardRule> cards;
    std::string directory;  ///< of the records of what is in use
    std::string sysfs = "/sys";

    static knd::Result<Config> read(const knd::Params& config);
    /// The first that has it; null: none.
    const Pool* pool_of(const Candidate& candidate) const;
    const CardRule* rule_of(const Candidate& card) const;
};

}  // namespace sriov
