// SPDX-License-Identifier: Apache-2.0
//
// A publisher, and the API server that it writes to.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "host/dra/publisher.hpp"
#include "tests/fakes/kube_fixture.hpp"

namespace knd::dra {

using Ms = std::chrono::milliseconds;
inline const std::string kSlices = "/apis/resource.k8s.io/v1/resourceslices";

class PublisherTest : public fakes::KubeFixture {
  protected:
    PublisherTest() {
        server.put("/api/v1/nodes", {{"metadata", {{"name", "n1"}, {"uid", "node-uid"}}}});
        options.driver = "knd.dev";
        options.node = "n1";
        options.repair_delay = Ms(20);
        options.write_interval = Ms(0);
    }

    void start() {
        publisher.reset();
        publisher = std::make_unique<Publisher>(*client, *api, options);
        publisher->start();
    }

    static std::vector<Device> devices(std::size_t count, std::int64_t mtu = 1500) {
        std::vector<Device> made(count);
        for (std::size_t i = 0; i < count; ++i) {
            made[i].name = "d" + std::to_string(i);
            made[i].attributes["knd.dev/mtu"] = mtu;
        }
        return made;
    }

    bool publish(const std::map<std::string, std::vector<Device>>& pools) {
        std::map<std::string, DeviceListing> listings;
        for (const auto& [name, all] : pools)
            listings[name].devices = all;
        return publish_listings(listings);
    }
    bool publish_listings(const std::map<std::string, DeviceListing>& pools) {
        publisher->publish(pools);
        return until([&] { return publisher->state().published; });
    }
    /// Lets everything that is under way end.
    void settle() { fakes::run_for(io, Ms(100)); }

    std::size_t writes() {
        return server.count("POST", kSlices) + server.count("PUT", kSlices) +
               server.count("DELETE", kSlices);
    }
    std::set<std::string> device_names() {
        std::set<std::string> names;
        for (const auto& slice : server.objects(kSlices))
            for (const auto& device : json_path(slice, {"spec", "devices"}))
                names.insert(json_string(device, "name"));
        return names;
    }
    std::string slice_path() {
        return kSlices + "/" + json_string(server.objects(kSlices).at(0)["metadata"], "name");
    }

    Publisher::Options options;
    std::unique_ptr<Publisher> publisher;
};

}  // namespace knd::dra
