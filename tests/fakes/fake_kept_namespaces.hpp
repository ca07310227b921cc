// SPDX-License-Identifier: Apache-2.0
//
// FakeKeptNamespaces: the mounts of one node, which outlive the daemon.
#pragma once

#include <fcntl.h>

#include <map>
#include <set>
#include <string>

#include "host/sandbox/kept_namespaces.hpp"

namespace knd::fake {

class FakeKeptNamespaces final : public KeptNamespaces {
  public:
    std::set<std::string> kept;  ///< sandbox ids
    bool forbidden = false;      ///< as without CAP_SYS_ADMIN

    Result<void> keep(const std::string& sandbox_id, int netns_fd) override {
        if (forbidden) return Error(Code::kPermissionDenied, "mount: Operation not permitted");
        if (netns_fd < 0) return Error(Code::kInternal, "no namespace to keep");
        kept.insert(sandbox_id);
        held_[sandbox_id] = Fd(::fcntl(netns_fd, F_DUPFD_CLOEXEC, 0));
        return {};
    }
    Result<Fd> open(const std::string& sandbox_id) override {
        if (!kept.contains(sandbox_id)) return Error(Code::kNotFound, "not kept");
        return Fd(::fcntl(held_.at(sandbox_id).get(), F_DUPFD_CLOEXEC, 0));
    }
    Result<void> drop(const std::string& sandbox_id) override {
        kept.erase(sandbox_id);
        return {};
    }
    Result<void> sweep(const std::set<std::string>& used) override {
        std::erase_if(kept, [&](const std::string& id) { return !used.contains(id); });
        return {};
    }

  private:
    std::map<std::string, Fd> held_;
};

}  // namespace knd::fake
