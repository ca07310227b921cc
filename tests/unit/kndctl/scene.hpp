// SPDX-License-Identifier: Apache-2.0
//
// A cluster written as YAML, and what is asked of it.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "host/manifest/manifest.hpp"
#include "tools/kndctl/simulate/cluster.hpp"
#include "tools/kndctl/simulate/workload.hpp"

namespace knd::simulate {

inline Result<Objects> read(const std::string& yaml) {
    Collector collector;
    KND_TRY(manifest::for_each_object(manifest::Source{"test.yaml", yaml},
                                      [&](const Json& object, const Origin& origin) {
                                          return collector.add(object, origin.text());
                                      }));
    return collector.take();
}

inline std::string node(const std::string& name, const std::string& spec = "{}") {
    return "---\n{apiVersion: v1, kind: Node, metadata: {name: " + name + ", labels: {zone: z-" +
           name + "}}, spec: " + spec + "}\n";
}

/// `devices` is a YAML flow list: "[{name: a}, {name: b}]".
inline std::string slice(const std::string& node, const std::string& devices) {
    return "---\n{apiVersion: resource.k8s.io/v1, kind: ResourceSlice, metadata: {name: s-" + node +
           "}, spec: {driver: d, nodeName: " + node + ", pool: {name: " + node +
           ", generation: 1, resourceSliceCount: 1}, devices: " + devices + "}}\n";
}

inline std::string device_class(const std::string& name, const std::string& selector = "true") {
    return "---\napiVersion: resource.k8s.io/v1\nkind: DeviceClass\nmetadata: {name: " + name +
           "}\nspec:\n  selectors:\n  - cel:\n      expression: '" + selector + "'\n";
}

/// `spec` is a YAML flow map: "{requests: [...]}"; `rest` stands after it.
inline std::string claim(const std::string& name, const std::string& spec,
                         const std::string& rest = "") {
    return "---\n{apiVersion: resource.k8s.io/v1, kind: ResourceClaim, metadata: {name: " + name +
           ", namespace: ns}, spec: {devices: " + spec + "}" + rest + "}\n";
}

/// A request for `count` devices of class "c"; `more` is ", key: value".
inline std::string request(int count, const std::string& more = "") {
    return "{requests: [{name: r, exactly: {deviceClassName: c, count: " + std::to_string(count) +
           more + "}}]}";
}

/// For claim(): it holds `device` of `node`.
inline std::string holding(const std::string& node, const std::string& device) {
    return ", status: {allocation: {devices: {results: [{request: r, driver: d, pool: " + node +
           ", device: " + device + "}]}}}";
}

/// Cluster and workload of a text that is known to be good.
struct Scene {
    explicit Scene(const std::string& yaml, Settings settings = {}) {
        if (settings.gates.kubernetes_minor() == 0) settings.gates = *Gates::make();
        auto objects = read(yaml);
        if (!objects.ok()) throw std::runtime_error(objects.error().message());
        cluster = *Cluster::make(*std::move(objects), std::move(settings));
        workload = *waiting(cluster->objects(), cluster->settings().gates);
    }
    std::unique_ptr<Cluster> cluster;
    Workload workload;
};

}  // namespace knd::simulate
