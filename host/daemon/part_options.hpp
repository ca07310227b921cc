// SPDX-License-Identifier: Apache-2.0
//
// What each part of the daemon is told of the configuration.
#pragma once

#include <string>
#include <vector>

#include "host/claims/options.hpp"
#include "host/config/config.hpp"
#include "host/dra/publisher.hpp"
#include "host/dra/server.hpp"
#include "host/inventory/inventory.hpp"
#include "host/kube/client.hpp"
#include "host/nri/plugin.hpp"
#include "host/plugin/registry.hpp"

namespace knd {

plugin::PluginOptions plugin_options(const Config& config);
Inventory::Options inventory_options(const Config& config, DeviceFilter filter);
ClaimsOptions claims_options(const Config& config);
nri::PluginOptions nri_options(const Config& config);
dra::Server::Options server_options(const Config& config);
dra::Publisher::Options publisher_options(const Config& config);
kube::Client::Options client_options(const Config& config);

}  // namespace knd
