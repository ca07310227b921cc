// SPDX-License-Identifier: Apache-2.0
//
// Which version of resource.k8s.io the server speaks, and the one place that knows how the versions
// differ. Everything else in the host sees v1. For the node side the difference is small: v1beta1
// nests the members of a slice's device in `basic`; claims have one shape in status throughout.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "host/kube/client.hpp"

namespace knd::kube {

/// Threads: the domain thread.
class ResourceApi {
  public:
    explicit ResourceApi(Client& client) : client_(client) {}

    /// The newest of v1, v1beta2, v1beta1 that the server serves with claims and slices. Probed
    /// once; callers that come meanwhile share the probe. UNIMPLEMENTED: it serves none.
    void version(Done<std::string> done);
    /// To be called when a collection answered UNIMPLEMENTED: the server was up- or downgraded.
    void forget() { version_.clear(); }

    static Resource claims(std::string_view version, std::string ns);
    static Resource slices(std::string_view version);
    static std::string group_version(std::string_view version);

    /// v1 device to `version` and back.
    static Json device_to(std::string_view version, Json device);
    static Json device_from(std::string_view version, Json device);

  private:
    void probe(std::size_t candidate);
    void answer(const Result<std::string>& result);

    Client& client_;
    std::string version_;
    std::vector<Done<std::string>> waiting_;
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);  ///< see Reflector
};

}  // namespace knd::kube
