// SPDX-License-Identifier: Apache-2.0
//
// Migration: from the objects of the classic SR-IOV chain (sriov-network-operator,
// sriov-network-device-plugin, sriov-cni through Multus) to the TOML of the sriov backend,
// DeviceClasses and ResourceClaimTemplates; and, in sentences, what has no counterpart.
//
// Sources: the documented fields of the device plugin's `config.json`, of
// sriovnetwork.openshift.io/v1 and of the sriov, ib-sriov, static and tuning CNI plugins.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "host/model/json.hpp"

#include <knd/cpp/result.hpp>

namespace knd::migrate {

struct Options {
    std::string driver = "knd.dev";
    /// What the operator puts before the resource names of its policies.
    std::string operator_prefix = "openshift.io";
};

/// The TOML tables as JSON objects, with the keys of backends/sriov/README.md.
class Migration {
  public:
    explicit Migration(Options options) : options_(std::move(options)) {}

    /// A ConfigMap of the device plugin, a SriovNetworkNodePolicy, a SriovNetwork or
    /// SriovIBNetwork, or a NetworkAttachmentDefinition. Of other kinds nothing is taken. An error
    /// names the field that cannot be read.
    Result<void> add(const Json& object);

    /// "[[backend]]" and its pools and cards.
    std::string toml() const;
    /// DeviceClasses and ResourceClaimTemplates.
    const std::vector<Json>& objects() const { return objects_; }
    /// What has no counterpart, and what is left to do by hand.
    const std::vector<std::string>& notes() const { return notes_; }
    /// Nothing was taken from anything.
    bool empty() const { return pools_.empty() && cards_.empty() && objects_.empty(); }

  private:
    friend class DevicePlugin;
    friend class Policy;
    friend class Network;

    void note(const std::string& text);
    /// A pool of the resource, and the class by which claims and pods ask for it.
    void add_pool(const std::string& resource, Json pool);
    void add_card(Json card);
    void add_object(Json object);
    std::string class_of(const std::string& resource) const;

    Options options_;
    std::vector<Json> pools_;
    std::vector<Json> cards_;
    std::vector<Json> objects_;
    std::vector<std::string> notes_;
    std::set<std::string> classes_;
};

}  // namespace knd::migrate
