// SPDX-License-Identifier: Apache-2.0
//
// Kubernetes' feature gates, as far as they decide about devices: which exist in a version, which
// are on, and what a user may switch.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>

#include <knd/cpp/result.hpp>

namespace knd {

constexpr int kOldestMinor = 32, kNewestMinor = 37;

class Gates {
  public:
    Gates() = default;  ///< of no version: to be assigned from make()

    /// `version` is "1.NN" ("v" in front and a patch level do no harm), `changes` a list as in
    /// "+DRAAdminAccess,-DRADeviceTaints"; "A=true,A=false" is understood too. INVALID_ARGUMENT
    /// names the nearest gate, or the versions that have it.
    static Result<Gates> make(std::string_view version = "1.36", std::string_view changes = "");
    /// Those that are on in 1.36 when nobody has switched any.
    static const Gates& standard();

    int kubernetes_minor() const { return minor_; }
    bool enabled(std::string_view gate) const;
    /// The user has said so; it is not just the version's default.
    bool chosen(std::string_view gate) const { return chosen_.contains(gate); }

  private:
    Result<void> change(std::string_view word);

    int minor_ = 0;
    std::map<std::string, bool, std::less<>> enabled_;
    std::set<std::string, std::less<>> chosen_;
};

}  // namespace knd
