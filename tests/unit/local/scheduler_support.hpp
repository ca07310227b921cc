// SPDX-License-Identifier: Apache-2.0
//
// A store with short ways to put nodes, pods, claims and devices into it.
#pragma once

#include "io_support.hpp"
#include "tools/local/api/store.hpp"

namespace knd::local {

class SchedulingTest : public testing::Test {
  protected:
    void SetUp() override {
        auto opened = api::Store::open(io_, directory_ / "store.db");
        ASSERT_TRUE(opened.ok()) << opened.error().message();
        store_ = *std::move(opened);
    }
    void create(api::Resource resource, Json object) {
        const bool global = resource == api::Resource::kNodes ||
                            resource == api::Resource::kDeviceClasses ||
                            resource == api::Resource::kResourceSlices;
        const auto created = store_->create(resource, global ? "" : "default", std::move(object));
        ASSERT_TRUE(created.ok()) << created.error().message;
    }
    void add_node(const std::string& name, Json spec = Json::object()) {
        create(api::Resource::kNodes,
               {{"metadata", {{"name", name}, {"labels", {{"kubernetes.io/hostname", name}}}}},
                {"spec", spec}});
        set_status(api::Resource::kNodes, "", name,
                   {{"conditions", Json::array({{{"type", "Ready"}, {"status", "True"}}})}});
    }
    void set_status(api::Resource resource, const std::string& ns, const std::string& name,
                    const Json& status) {
        api::WriteOptions options;
        options.subresource = "status";
        const auto written = store_->modify(
            resource, ns, name,
            [&](const Json& current) -> api::Answer<Json> {
                Json changed = current;
                changed["status"] = status;
                return changed;
            },
            options);
        ASSERT_TRUE(written.ok()) << written.error().message;
    }
    void add_class() {
        const Json selector = {{"cel", {{"expression", "device.driver == \"dra.net\""}}}};
        create(api::Resource::kDeviceClasses, {{"metadata", {{"name", "nic"}}},
                                               {"spec", {{"selectors", Json::array({selector})}}}});
    }
    void add_device(const std::string& node) {
        create(api::Resource::kResourceSlices,
               {{"metadata", {{"name", "slice-" + node}}},
                {"spec",
                 {{"driver", "dra.net"},
                  {"nodeName", node},
                  {"pool", {{"name", node}, {"generation", 1}, {"resourceSliceCount", 1}}},
                  {"devices", Json::array({{{"name", "dra0"}}})}}}});
    }
    static Json claim_spec() {
        const Json request = {{"name", "req"}, {"exactly", {{"deviceClassName", "nic"}}}};
        return {{"devices", {{"requests", Json::array({request})}}}};
    }
    /// With `owner` as if made from that pod's template.
    void add_claim(const std::string& name, const std::string& owner = "") {
        Json metadata = {{"name", name}};
        if (!owner.empty())
            metadata["ownerReferences"] = Json::array({{{"apiVersion", "v1"},
                                                        {"kind", "Pod"},
                                                        {"name", owner},
                                                        {"uid", pod(owner)["metadata"]["uid"]},
                                                        {"controller", true}}});
        create(api::Resource::kResourceClaims, {{"metadata", metadata}, {"spec", claim_spec()}});
    }
    /// Its claims "net", ... come from template "t".
    void add_pod_of_template(const std::string& name, const std::vector<std::string>& claims) {
        Json entries = Json::array();
        for (const auto& claim : claims)
            entries.push_back({{"name", claim}, {"resourceClaimTemplateName", "t"}});
        add_pod(name, "", {{"resourceClaims", entries}});
    }
    /// What its status says of them.
    void set_claims(const std::string& name,
                    const std::vector<std::pair<std::string, std::string>>& claims) {
        Json entries = Json::array();
        for (const auto& [entry, claim] : claims)
            entries.push_back({{"name", entry}, {"resourceClaimName", claim}});
        set_status(api::Resource::kPods, "default", name, {{"resourceClaimStatuses", entries}});
    }
    void add_pod(const std::string& name, const std::string& claim = "",
                 Json extra = Json::object()) {
        Json spec = {{"containers", Json::array({{{"name", "c"}, {"image", "i"}}})}};
        if (!claim.empty())
            spec["resourceClaims"] = Json::array({{{"name", "net"}, {"resourceClaimName", claim}}});
        spec.update(extra);
        create(api::Resource::kPods, {{"metadata", {{"name", name}}}, {"spec", spec}});
    }
    Json get(api::Resource resource, const std::string& name) {
        const auto found = store_->get(resource, "default", name);
        return found.ok() ? **found : Json();
    }
    Json pod(const std::string& name) { return get(api::Resource::kPods, name); }
    Json claim(const std::string& name) { return get(api::Resource::kResourceClaims, name); }
    std::string node_of(const std::string& name) {
        return json_string(json_at(pod(name), "spec"), "nodeName");
    }
    void remove_pod(const std::string& name) {
        api::DeleteOptions options;
        options.grace_seconds = 0;
        ASSERT_TRUE(store_->remove(api::Resource::kPods, "default", name, options).ok());
    }

    Directory directory_;
    boost::asio::io_context io_;
    std::unique_ptr<api::Store> store_;
};

}  // namespace knd::local
