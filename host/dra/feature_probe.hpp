// SPDX-License-Identifier: Apache-2.0
//
// FeatureProbe: which optional parts of a ResourceSlice the API server keeps. It drops what belongs
// to a feature gate that is off without a word, and no API tells the gates; so a slice with all of
// them is created as a dry run, which stores nothing, and what comes back is looked at.
#pragma once

#include <memory>
#include <string>

#include "host/kube/client.hpp"
#include "host/model/device.hpp"
#include "host/model/slice_features.hpp"

namespace knd::dra {

struct ProbeAnswer {
    SliceFeatures features;
    int minor = 0;  ///< of Kubernetes 1.minor; 0: the server does not say
    /// It wants counters in the slice of their devices, as until 1.34. What it takes counts, not
    /// the release that it says.
    bool together = false;
    std::string git_version;  ///< "v1.36.2"
    std::string refused;      ///< why it could not be tried, so that nothing is taken for kept
    bool lists_tried = false;
};

/// What `listing` has that a server might drop.
struct FeatureNeeds {
    bool any = false;
    bool lists = false;
};
FeatureNeeds feature_needs(const DeviceListing& listing);

/// Threads: the domain thread. One question at a time.
class FeatureProbe {
  public:
    struct Options {
        std::string driver;
        std::string node;
    };
    FeatureProbe(kube::Client& client, Options options)
        : client_(client), options_(std::move(options)) {}

    /// UNAVAILABLE and the like: nobody answered, ask again later. A server that refuses the dry
    /// run is an answer. `version` is that of the API.
    void ask(const std::string& version, bool lists, Done<ProbeAnswer> done);
    /// Only "v1.36.2".
    void ask_version(Done<std::string> done);

  private:
    enum class Form { kApart, kTogether, kLists };
    struct Question;
    void try_slice(const std::shared_ptr<Question>& question, Form form);
    void take(const std::shared_ptr<Question>& question, Form form, const Result<Json>& stored);
    Json slice(const Question& question, Form form) const;

    kube::Client& client_;
    const Options options_;
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);  ///< see Reflector
};

}  // namespace knd::dra
