// SPDX-License-Identifier: Apache-2.0
//
// core/v1 Events: what `kubectl describe` and `kubectl get events` show. The same event again only
// counts up, as client-go's recorder does.
//
// Threads: the io_context's. Failure: an event that cannot be stored is logged and dropped.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "tools/local/api/store.hpp"

namespace knd::local {

class EventRecorder {
  public:
    /// `component` is "kubelet" or "default-scheduler"; `host` the node, or empty.
    EventRecorder(api::Store& store, std::string component, std::string host);

    void normal(const Json& object, std::string_view reason, std::string_view message) {
        record(object, "Normal", reason, message);
    }
    void warning(const Json& object, std::string_view reason, std::string_view message) {
        record(object, "Warning", reason, message);
    }

  private:
    void record(const Json& object, std::string_view type, std::string_view reason,
                std::string_view message);

    api::Store& store_;
    std::string component_;
    std::string host_;
    std::map<std::string, std::string> names_;  ///< what happened to whom -> Event's name
};

}  // namespace knd::local
