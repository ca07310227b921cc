// SPDX-License-Identifier: Apache-2.0
//
// The readers of the classic chain's objects. Each puts what it finds into a Migration.
#pragma once

#include <string>

#include "host/model/json.hpp"
#include "tools/kndctl/migrate/migration.hpp"

#include <knd/cpp/result.hpp>

namespace knd::migrate {

/// sriov-network-device-plugin: a ConfigMap with `config.json`.
class DevicePlugin {
  public:
    DevicePlugin(Migration& out, std::string name) : out_(out), name_(std::move(name)) {}
    Result<void> read(const Json& config);

  private:
    Result<void> resource(const Json& resource);
    Result<void> selector(const std::string& resource, const Json& selector);

    Migration& out_;
    std::string name_;
};

/// sriov-network-operator: how many VFs which cards get, and what the resource is called.
class Policy {
  public:
    Policy(Migration& out, std::string name) : out_(out), name_(std::move(name)) {}
    Result<void> read(const Json& spec);

  private:
    Migration& out_;
    std::string name_;
};

/// A network: what sriov-cni sets, as a claim template.
class Network {
  public:
    Network(Migration& out, std::string name) : out_(out), name_(std::move(name)) {}
    /// NetworkAttachmentDefinition. `resource`: of its annotation; may be empty.
    Result<void> read_attachment(const Json& spec, const std::string& resource);
    /// SriovNetwork and SriovIBNetwork.
    Result<void> read_network(const Json& spec, bool infiniband);

  private:
    void vf_settings(const Json& plugin);
    void tuning(const Json& plugin);
    Result<void> ipam(const Json& ipam);
    void chained(const Json& plugin);
    void finish(const std::string& resource);
    void note(const std::string& text);

    Migration& out_;
    std::string name_;
    Json parameters_ = Json::object();
};

/// Copies `from[key]` to `to[as]` where it is there.
void take(const Json& from, const char* key, Json& to, const char* as);

}  // namespace knd::migrate
