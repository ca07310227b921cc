// SPDX-License-Identifier: Apache-2.0
//
// EditsMerge: what several plugins want changed in one container, as one set of changes. Two
// plugins that set the same variable, mount or device are in conflict, unless the later one says
// that it replaces: by the same key with a leading '-'.
#pragma once

#include <map>
#include <string>

#include "host/model/pod.hpp"

#include <knd/cpp/result.hpp>

namespace knd::local {

class EditsMerge {
  public:
    /// FAILED_PRECONDITION names both plugins and what they quarrel about; the merge is then void.
    Result<> add(const std::string& plugin, ContainerEdits edits);
    ContainerEdits take() && { return std::move(edits_); }

  private:
    Result<> own(const std::string& plugin, const std::string& kind, const std::string& key);

    ContainerEdits edits_;
    std::map<std::string, std::string> owners_;  ///< "mount /dev/x" to plugin
};

}  // namespace knd::local
