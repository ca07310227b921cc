// SPDX-License-Identifier: Apache-2.0
//
// Publisher and ClaimReader against knd-local's API server: TLS with an authority of its own, a
// bearer token, validation and managed fields as Kubernetes has them.
#include <boost/asio/executor_work_guard.hpp>

#include "host/dra/publisher.hpp"
#include "host/kube/claim_reader.hpp"
#include "tests/fakes/nri_loop.hpp"
#include "tests/unit/local/api_fixture.hpp"
#include "tools/local/api/server.hpp"

namespace knd::dra {
namespace {

class LocalApiTest : public knd::api::ApiTest {
  protected:
    LocalApiTest() {
        serve();
        const auto file = directory_ / "kubeconfig";
        EXPECT_TRUE(
            server_->write_kubeconfig(file, "https://127.0.0.1:" + std::to_string(port_)).ok());
        const auto config = kube::Config::from_kubeconfig(file);
        EXPECT_TRUE(config.ok()) << config.error().message();
        auto opened = kube::Client::open(io_, *config, {});
        EXPECT_TRUE(opened.ok()) << opened.error().message();
        client_ = *std::move(opened);
        resource_api_ = std::make_unique<kube::ResourceApi>(*client_);
        create(knd::api::Resource::kNodes, {{"metadata", {{"name", "n1"}}}}, "");
    }

    void serve() {
        auto made = knd::api::Server::create(io_, *store_, {directory_ / "server", {}});
        ASSERT_TRUE(made.ok()) << made.error().message();
        server_ = *std::move(made);
        const auto port = server_->listen("127.0.0.1", port_);
        ASSERT_TRUE(port.ok()) << port.error().message();
        port_ = *port;
    }
    /// While nobody serves: the file is whole only then.
    void restart(const std::function<void()>& meanwhile) {
        server_.reset();
        store_.reset();
        meanwhile();
        open();
        serve();
    }

    template <class Predicate>
    bool until(Predicate happened) {
        return fakes::run_until(io_, std::move(happened));
    }

    static std::vector<Device> devices(std::size_t count) {
        std::vector<Device> made(count);
        for (std::size_t i = 0; i < count; ++i) {
            made[i].name = "dra" + std::to_string(i);
            made[i].attributes = {{"dra.net/ifName", made[i].name},
                                  {"dra.net/alias", std::string()},
                                  {"dra.net/mtu", std::int64_t{1500}},
                                  {"dra.net/rdma", false},
                                  {"dra.net/firmware", Version{"1.2.3"}}};
            made[i].capacity = {{"dra.net/bandwidth", "0.5Gi"}};
        }
        return made;
    }
    std::unique_ptr<Publisher> start_publisher() {
        auto publisher = std::make_unique<Publisher>(
            *client_, *resource_api_, Publisher::Options{.driver = "dra.net", .node = "n1"});
        publisher->start();
        return publisher;
    }
    std::vector<knd::api::Object> slices() {
        return store_->list(knd::api::Resource::kResourceSlices);
    }

    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{
        io_.get_executor()};
    std::unique_ptr<knd::api::Server> server_;
    std::uint16_t port_ = 0;
    std::unique_ptr<kube::Client> client_;
    std::unique_ptr<kube::ResourceApi> resource_api_;
};

TEST_F(LocalApiTest, AcceptsPublishedSlices) {
    const auto publisher = start_publisher();
    publisher->publish({{"n1", {devices(130), {}}}});
    ASSERT_TRUE(until([&] { return publisher->state().published; }))
        << publisher->state().error << publisher->state().pools.at("n1").error;
    ASSERT_EQ(slices().size(), 2u);
    const auto& slice = *slices()[0];
    EXPECT_EQ(json_string(json_at(slice, "metadata"), "generateName"), "00000-dra.net-n1-");
    EXPECT_EQ(json_path(slice, {"spec", "devices"})[0]["attributes"]["dra.net/ifName"],
              Json({{"string", "dra0"}}));
    EXPECT_EQ(publisher->state().pools.at("n1").dropped, "");
}

TEST_F(LocalApiTest, SeesNoWritesAfterAnUnchangedRestart) {
    auto publisher = start_publisher();
    publisher->publish({{"n1", {devices(130), {}}}});
    ASSERT_TRUE(until([&] { return publisher->state().published; }));
    const auto revision = store_->revision();
    publisher = start_publisher();
    publisher->publish({{"n1", {devices(130), {}}}});
    ASSERT_TRUE(until([&] { return publisher->state().published; }));
    EXPECT_EQ(store_->revision(), revision);
}

TEST_F(LocalApiTest, AcceptsUpdatesAndDeletes) {
    const auto publisher = start_publisher();
    publisher->publish({{"n1", {devices(130), {}}}});
    ASSERT_TRUE(until([&] { return publisher->state().published; }));
    publisher->publish({{"n1", {devices(3), {}}}});
    ASSERT_TRUE(until([&] { return publisher->state().published; }));
    ASSERT_EQ(slices().size(), 1u);
    EXPECT_EQ(json_path(*slices()[0], {"spec", "devices"}).size(), 3u);
}

TEST_F(LocalApiTest, GoesOnAfterItWasRestoredFromACopy) {
    const auto file = directory_ / "objects.db";
    const auto copy = directory_ / "copy.db";
    const auto publisher = start_publisher();
    const auto publish = [&](std::size_t count) {
        publisher->publish({{"n1", {devices(count), {}}}});
        return until([&] { return publisher->state().published; });
    };
    ASSERT_TRUE(publish(1));
    restart([&] { std::filesystem::copy_file(file, copy); });
    for (const std::size_t count : {2, 3, 4})
        ASSERT_TRUE(publish(count));
    restart([&] { std::filesystem::rename(copy, file); });
    ASSERT_EQ(json_path(*slices().at(0), {"spec", "devices"}).size(), 1u);
    EXPECT_TRUE(publish(5));
    EXPECT_EQ(json_path(*slices().at(0), {"spec", "devices"}).size(), 5u);
}

TEST_F(LocalApiTest, ServesClaimsAndTakesTheirStatus) {
    const auto claim = create(knd::api::Resource::kResourceClaims, knd::api::claim_json("c"));
    const auto allocated = set_status("c", {{"allocation", knd::api::allocation_json({"dra0"})}});
    ASSERT_TRUE(allocated.ok()) << allocated.error().message;
    kube::ClaimReader reader(*client_, *resource_api_, {.driver = "dra.net", .node = "n1"});
    const ClaimRef ref{"default", "c", json_string(json_at(*claim, "metadata"), "uid")};
    std::optional<Result<Claim>> read;
    reader.get_claim(ref, [&](Result<Claim> result) { read.emplace(std::move(result)); });
    ASSERT_TRUE(until([&] { return read.has_value(); }));
    ASSERT_TRUE(read->ok()) << read->error().message();
    EXPECT_EQ((*read)->devices.at(0).device, "dra0");

    reader.publish_status(ref, {{.pool = "n1",
                                 .device = "dra0",
                                 .ready = true,
                                 .reason = "Attached",
                                 .message = "",
                                 .interface_name = "eth1",
                                 .ips = {"10.0.0.2/24"},
                                 .hardware_address = "02:00:00:00:00:01"}});
    reader.claim_event(ref, false, "Attached", "dra0 is eth1");
    ASSERT_TRUE(until([&] {
        return reader.status_counters().writes + reader.status_counters().failures > 0 &&
               reader.event_counters().created + reader.event_counters().lost > 0;
    }));
    EXPECT_EQ(reader.status_counters().writes, 1u);
    EXPECT_EQ(reader.event_counters().created, 1u);
    const auto stored = store_->get(knd::api::Resource::kResourceClaims, "default", "c");
    EXPECT_EQ(json_path(**stored, {"status", "devices"})[0]["networkData"]["interfaceName"],
              "eth1");
}

TEST_F(LocalApiTest, KeepsCountersSharesAndTaints) {
    const auto publisher = start_publisher();
    DeviceListing card{devices(3), {{"pf0", {{"vfs", "2"}}}}};
    card.devices[0].consumes = {{"pf0", {{"vfs", "2"}}}};
    card.devices[1].consumes = {{"pf0", {{"vfs", "1"}}}};
    card.devices[1].taints = {{"dra.net/health", "Unhealthy", "NoSchedule"}};
    card.devices[2].shareable = true;
    card.devices[2].policies["dra.net/bandwidth"] = {.default_value = "1Mi", .min = "1Mi"};
    publisher->publish({{"n1", card}});
    ASSERT_TRUE(until([&] { return publisher->state().published; })) << publisher->state().error;
    EXPECT_EQ(publisher->state().dropped, "");
    ASSERT_EQ(slices().size(), 2u) << "the probe left nothing behind";
    EXPECT_EQ(json_path(*slices()[1], {"spec", "sharedCounters"}).size(), 1u);
    const auto revision = store_->revision();
    const auto again = start_publisher();
    again->publish({{"n1", card}});
    ASSERT_TRUE(until([&] { return again->state().published; }));
    EXPECT_EQ(store_->revision(), revision) << "the time of the taint is the server's";
}

}  // namespace
}  // namespace knd::dra
