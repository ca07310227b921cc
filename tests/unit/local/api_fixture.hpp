// SPDX-License-Identifier: Apache-2.0
//
// A store in a directory of its own, and the objects that most tests need.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "tools/local/api/store.hpp"

namespace knd::api {

/// "field: message" of each cause, for comparison.
inline std::vector<std::string> causes_of(const Status& status) {
    std::vector<std::string> texts;
    for (const auto& cause : json_at(status.details, "causes"))
        texts.push_back(json_string(cause, "field") + ": " + json_string(cause, "message"));
    return texts;
}

inline Json pod_json(const std::string& name) {
    return {{"metadata", {{"name", name}}},
            {"spec", {{"containers", Json::array({{{"name", "c"}, {"image", "busybox"}}})}}}};
}

inline Json claim_json(const std::string& name) {
    const Json request = {{"name", "nic"}, {"exactly", {{"deviceClassName", "net"}}}};
    return {{"metadata", {{"name", name}}},
            {"spec", {{"devices", {{"requests", Json::array({request})}}}}}};
}

inline Json slice_json(const std::string& name) {
    return {{"metadata", {{"name", name}}},
            {"spec",
             {{"driver", "dra.net"},
              {"nodeName", "n1"},
              {"pool", {{"name", "n1"}, {"generation", 1}, {"resourceSliceCount", 1}}},
              {"devices", Json::array({{{"name", "dra0"}}})}}}};
}

/// An allocation of the devices named, all for the request of claim_json().
inline Json allocation_json(const std::vector<std::string>& devices) {
    Json results = Json::array();
    for (const auto& device : devices)
        results.push_back(
            {{"request", "nic"}, {"driver", "dra.net"}, {"pool", "n1"}, {"device", device}});
    return {{"devices", {{"results", std::move(results)}}}};
}

class ApiTest : public testing::Test {
  protected:
    ApiTest() {
        std::string pattern = (std::filesystem::temp_directory_path() / "knd-api-XXXXXX").string();
        directory_ = ::mkdtemp(pattern.data());
        open();
    }
    ~ApiTest() override {
        store_.reset();
        std::filesystem::remove_all(directory_);
    }

    /// Also used to open once more what is on disk.
    void open() {
        store_.reset();
        auto opened = Store::open(io_, directory_ / "objects.db");
        ASSERT_TRUE(opened.ok()) << opened.error().message();
        store_ = *std::move(opened);
    }

    /// Lets deliveries and garbage collection happen.
    void settle() {
        io_.restart();
        io_.poll();
    }

    Object create(Resource resource, Json object, const std::string& ns = "default") {
        auto created = store_->create(resource, ns, std::move(object));
        EXPECT_TRUE(created.ok()) << created.error().message;
        return created.ok() ? *created : std::make_shared<const Json>();
    }

    bool exists(Resource resource, const std::string& name, const std::string& ns = "default") {
        return store_->get(resource, ns, name).ok();
    }

    /// Writes the status of a claim.
    Answer<Object> set_status(const std::string& claim, const Json& status) {
        WriteOptions options;
        options.subresource = "status";
        return store_->modify(
            Resource::kResourceClaims, "default", claim,
            [&](const Json& current) -> Answer<Json> {
                auto after = current;
                after["status"] = status;
                return after;
            },
            options);
    }

    boost::asio::io_context io_;
    std::filesystem::path directory_;
    std::unique_ptr<Store> store_;
};

}  // namespace knd::api
