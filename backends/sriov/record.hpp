// SPDX-License-Identifier: Apache-2.0
//
// Record: what was changed of a function for a claim, and how it was before. It is written before
// the first change, and is the binding's state afterwards: the host may die between the change and
// its own note of it, and what no claim has must be put back all the same.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "backends/sriov/config.hpp"
#include "sdk/support/vf_settings.hpp"

#include <knd/cpp/result.hpp>

namespace sriov {

struct Record {
    std::string claim_uid;
    std::string claim;  ///< for people
    std::string device;
    std::string card;  ///< address
    int index = -1;
    std::string address;
    Mode mode = Mode::kNetdev;
    std::string driver;  ///< before
    std::string name;    ///< of its interface, before
    std::string mac;     ///< the same
    int mtu = 0;         ///< the same; 0: there was none
    bool mtu_set = false;
    /// What the claim got, when all was done: an interface by these three, or a node of vfio. Until
    /// then `ready` is false.
    bool ready = false;
    int given_ifindex = 0;
    std::string given_name;
    std::string given_mac;
    std::string given_node;
    knd::VfValues before;  ///< those that were changed
    knd::VfValues after;

    std::string text() const;
    static knd::Result<Record> parse(std::string_view text);
};

/// One file per device in a directory of the instance's own, on a tmpfs: after a reboot the
/// functions are as their driver makes them.
class Records {
  public:
    explicit Records(std::string directory) : directory_(std::move(directory)) {}

    knd::Result<void> open() const;
    knd::Result<void> save(const Record& record) const;
    /// Nothing: there is none. One that cannot be read is an error.
    knd::Result<std::optional<Record>> load(const std::string& device) const;
    knd::Result<void> remove(const std::string& device) const;
    knd::Result<std::vector<Record>> all() const;

  private:
    std::string path_of(const std::string& device) const;
    std::string directory_;
};

}  // namespace sriov
