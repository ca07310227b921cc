// SPDX-License-Identifier: Apache-2.0
//
// Which of the node's interfaces may be given away. Hardware, and software interfaces of the kinds
// that people make to give them away; what the node's own network is made of (tunnels, the ends of
// pods' interfaces, the dummies of kube-proxy) only if the configuration asks for it by name.
#pragma once

#include <string>
#include <vector>

#include "sdk/support/netdev.hpp"

#include <knd/cpp/params.hpp>

namespace netdev {

class Offer {
  public:
    static knd::Result<Offer> read(const knd::Params& config);

    /// Why it is not offered, and what would change that; empty: it is.
    std::string withheld(const knd::Netdev& netdev) const;

  private:
    std::string unwanted_kind(const knd::Netdev& netdev) const;

    std::vector<std::string> include_;
    std::vector<std::string> exclude_;
    std::vector<std::string> kinds_;  ///< of software
    std::vector<std::string> exclude_kinds_;
    bool software_ = true;
};

/// Whether the link that is there now is the one that was listed, not one that has come since with
/// the same ifindex or name.
bool is_same(const knd::LinkInfo& listed, const knd::LinkInfo& now);

/// The node's end of a pod's own interface. There are as many as pods: not worth a word.
bool is_end_of_a_pod(const knd::Netdev& netdev);

}  // namespace netdev
