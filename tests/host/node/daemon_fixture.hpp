// SPDX-License-Identifier: Apache-2.0
//
// DaemonTest: a node with a kndd and an interface nic0, whose peer is in a namespace of its own.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>

#include "host/model/text_file.hpp"
#include "sdk/support/netns.hpp"
#include "tests/host/node/test_node.hpp"

namespace knd::testing {

class DaemonTest : public ::testing::Test {
  protected:
    void make_node(NodeOptions options = {}) {
        node_ = std::make_unique<TestNode>(std::move(options));
        peer_ = *netns::create();
        const auto nic = make_nic(TestNic(), peer_.get(), "192.0.2.1/24");
        ASSERT_TRUE(nic.ok()) << nic.error().message();
        before_ = describe_interface("nic0").value_or("?");
    }
    void start() {
        const auto started = node_->start_daemon();
        ASSERT_TRUE(started.ok()) << started.error().message();
        const auto ready = node_->wait_ready();
        ASSERT_TRUE(ready.ok()) << ready.error().message();
    }
    void SetUp() override {
        make_node();
        start();
    }
    void TearDown() override {
        if (HasFailure() && node_) std::puts(node_->daemon_log().c_str());
        // Gone for good, so that the next test can make a nic0 of its own.
        node_.reset();
        peer_.reset();
        if (auto netlink = Netlink::open()) {
            if (const auto link = netlink->link("nic0")) (void)netlink->delete_link(link->ifindex);
        }
    }

    ClaimRef claim(const std::string& name, const std::string& pod_uid,
                   const Json& parameters = {}) {
        auto made = node_->make_claim(name, {"nic0"}, pod_uid, parameters);
        EXPECT_TRUE(made.ok()) << made.error().message();
        return made ? *made : ClaimRef();
    }
    std::string prepare_error(const ClaimRef& ref) {
        const auto prepared = node_->prepare(ref);
        return prepared ? "" : prepared.error().message();
    }
    static bool has(const std::string& text, const std::string& part) {
        return text.find(part) != std::string::npos;
    }
    bool in_pod(const TestPod& pod, const std::string& name = "nic0") {
        const auto links = pod.links();
        return links.ok() && std::any_of(links->begin(), links->end(), [&](const LinkInfo& l) {
                   return l.name == name && l.up();
               });
    }
    bool home() { return describe_interface("nic0").value_or("") == before_; }
    bool event_says(const std::string& object, const std::string& part) {
        return eventually([&] {
            const auto events = node_->events(object);
            return std::any_of(events.begin(), events.end(),
                               [&](const std::string& e) { return has(e, part); });
        });
    }
    /// The gate of a container of this pod, as NRI CreateContainer or CDI put it there.
    GateResult gate(const TestPod& pod, const ClaimRef& ref) {
        const auto spec = node_->directory() / "cdi";
        for (const auto& file : std::filesystem::directory_iterator(spec)) {
            const auto text = read_text_file(file.path()).value_or("");
            const auto json = parse_json(text);
            if (!json || !has(text, ref.uid)) continue;
            const auto& hook = (*json)["devices"][0]["containerEdits"]["hooks"][0];
            return run_gate({hook["path"], hook["args"], hook["env"], 10}, pod.sandbox());
        }
        return {-1, "no CDI file for claim " + ref.text(), {}};
    }

    std::unique_ptr<TestNode> node_;
    Fd peer_;
    std::string before_;
};

}  // namespace knd::testing
