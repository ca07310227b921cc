// SPDX-License-Identifier: Apache-2.0
//
// ClaimsWorld: a node for the claims to work on. What survives a kill -9 (kernel, hardware, disk,
// /run, the API server) is in the world; what dies is in its Process. Everything runs on one
// thread, the workers too, so a test decides which step comes next and where the daemon dies.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "host/claims/claims.hpp"
#include "host/model/log.hpp"
#include "tests/fakes/fake_backend.hpp"
#include "tests/fakes/fake_claim_source.hpp"
#include "tests/fakes/fake_journal.hpp"
#include "tests/fakes/fake_kept_namespaces.hpp"
#include "tests/fakes/fake_node.hpp"

namespace knd::fake {

/// Thrown by the observer: the process is gone at this very step.
struct Killed {};

class KillingObserver final : public StepObserver {
  public:
    std::function<bool(std::string_view step)> should_die = [](std::string_view) { return false; };
    std::vector<std::string> steps;
    void on_step(std::string_view step, std::string_view, std::string_view) override {
        steps.emplace_back(step);
        if (should_die(step)) throw Killed{};
    }
};

class FakeClock final : public WallClock {
  public:
    std::int64_t now_ms() const override { return 1'700'000'000'000; }
};

class ClaimsWorld {
  public:
    ClaimsWorld() {
        log::set_level("off");  // failures are what these tests are about
        char name[] = "/tmp/knd-claims-XXXXXX";
        directory = ::mkdtemp(name);
        std::filesystem::create_directory(directory + "/run");
        options.driver = "knd.dev";
        options.cdi_dir = directory + "/cdi";
        options.run_dir = directory + "/run";
        options.boot_id = "boot-1";
        options.gate.path = "/usr/lib/knd/knd-gate";
        options.first_retry = std::chrono::milliseconds(5);
        options.last_retry = std::chrono::milliseconds(5);
        hardware.ifindex_of = [this](const std::string& device) { return node.ifindex_of(device); };
        for (const auto* device : {"dra0", "dra1", "dra2"})
            node.add_link(device);
    }
    ~ClaimsWorld() {
        process.reset();
        std::filesystem::remove_all(directory);
    }
    ClaimsWorld(const ClaimsWorld&) = delete;
    ClaimsWorld& operator=(const ClaimsWorld&) = delete;

    struct Process {
        explicit Process(ClaimsWorld& world)
            : journal(world.disk, home.get_executor()),
              source(home.get_executor()),
              backend("netdev", world.hardware, home.get_executor()),
              other("sriov", world.hardware, home.get_executor()),
              markers(world.options.run_dir),
              claims(world.options,
                     ClaimsPorts{home.get_executor(), home.get_executor(), source, journal, devices,
                                 world.node.attacher, markers, world.namespaces, clock, observer}) {
            source.claims = world.api;
            devices.instances = {{"netdev", &backend}, {"sriov", &other}};
            devices.add("dra0", "netdev");
            devices.add("dra1", "netdev");
            devices.add("dra2", "sriov");
        }
        boost::asio::io_context home;  // first: outlives everybody who posts to it
        FakeJournal journal;
        FakeClaimSource source;
        FakeBackend backend;
        FakeBackend other;
        FakeDevices devices;
        Markers markers;
        FakeClock clock;
        KillingObserver observer;
        Claims claims;
    };

    // --- the daemon ---
    void boot() { process = std::make_unique<Process>(*this); }
    /// As the daemon starts: load, recover, and whatever follows from it.
    void start() {
        boot();
        const auto loaded = process->claims.load();
        ASSERT_TRUE(loaded.ok()) << loaded.error().message();
        process->claims.recover([] {});
        settle();
    }
    void kill() { process.reset(); }
    /// Runs all that is ready; does not wait for timers.
    void settle() {
        process->home.restart();
        process->home.poll();
    }
    void settle_for(std::chrono::milliseconds time) {
        process->home.restart();
        process->home.run_for(time);
        settle();  // on a busy machine the time may pass before anything has run
    }
    /// Runs timers too, until `condition` holds or five seconds are over.
    template <class Condition>
    bool settle_until(Condition condition) {
        for (int i = 0; i < 500 && !condition(); ++i)
            settle_for(std::chrono::milliseconds(10));
        return condition();
    }
    /// Nothing is under way, nor waiting for another try.
    bool is_at_rest() const {
        for (const auto& [key, json] : disk.records) {
            const auto now = json_string(json, "state");
            if (now == "attaching" || now == "detaching" || now == "releasing") return false;
            if (json_bool(json, "ending")) return false;
        }
        return true;
    }
    Claims& claims() { return process->claims; }

    // --- the API server ---
    static Claim claim(const std::string& name, const std::vector<std::string>& devices,
                       const std::string& pod_uid = "pod-1") {
        Claim c;
        c.ref = {"default", name, "uid-" + name};
        c.reserved_for = {{pod_uid, pod_uid}};
        for (const auto& device : devices) {
            AllocatedDevice allocated;
            allocated.request = "nic";
            allocated.pool = "node";
            allocated.device = device;
            c.devices.push_back(std::move(allocated));
        }
        return c;
    }
    ClaimRef add(const Claim& c) {
        api[c.ref.text()] = c;
        if (process) process->source.claims = api;
        return c.ref;
    }

    // --- the kubelet and the runtime ---
    static std::chrono::steady_clock::time_point soon() {
        return std::chrono::steady_clock::now() + std::chrono::seconds(45);
    }
    Result<std::vector<PreparedDevice>> prepare(const ClaimRef& ref) {
        std::optional<Result<std::vector<PreparedDevice>>> answer;
        claims().prepare(ref, soon(), [&](auto result) { answer = std::move(result); });
        settle();
        if (!answer) return Error(Code::kInternal, "prepare has not answered");
        return *std::move(answer);
    }
    /// Why a claim is not prepared.
    std::string refusal(const Claim& claim) {
        const auto result = prepare(add(claim));
        EXPECT_FALSE(result.ok());
        return result ? "" : result.error().message();
    }
    Result<void> unprepare(const ClaimRef& ref) {
        return wait_for([&](Done<> done) { claims().unprepare(ref, soon(), std::move(done)); });
    }
    Result<void> run(const PodSandbox& pod) {
        return wait_for([&](Done<> done) { claims().run_pod_sandbox(pod, std::move(done)); });
    }
    Result<void> stop(const PodSandbox& pod) {
        return wait_for([&](Done<> done) { claims().stop_pod_sandbox(pod, std::move(done)); });
    }
    Result<void> remove(const PodSandbox& pod) {
        return wait_for([&](Done<> done) { claims().remove_pod_sandbox(pod, std::move(done)); });
    }
    Result<void> synchronize(const std::vector<PodSandbox>& pods,
                             const std::vector<Container>& containers = {}) {
        return wait_for(
            [&](Done<> done) { claims().synchronize(pods, containers, std::move(done)); });
    }
    Result<ContainerEdits> create(const PodSandbox& pod, const Container& container) {
        std::optional<Result<ContainerEdits>> answer;
        claims().create_container(pod, container, [&](auto result) { answer = std::move(result); });
        settle();
        if (!answer) return Error(Code::kInternal, "create_container has not answered");
        return *std::move(answer);
    }
    /// A pod with a network namespace of its own.
    PodSandbox sandbox(const std::string& id, const std::string& pod_uid = "pod-1") {
        node.add_netns("/run/netns/" + id);
        return {id, pod_uid, "default", pod_uid, "/run/netns/" + id};
    }

    // --- what can be seen ---
    std::string state(const std::string& claim_name, const std::string& device) {
        const auto found = disk.records.find({"uid-" + claim_name, "node", device});
        return found == disk.records.end() ? "" : json_string(found->second, "state");
    }
    std::string marker(const std::string& sandbox_id, const std::string& claim_name) const {
        return read(options.run_dir + "/gate/" + sandbox_id + "/uid-" + claim_name);
    }
    std::string cdi_path(const std::string& claim_name) const {
        return options.cdi_dir + "/knd.dev-claim-uid-" + claim_name + ".json";
    }
    std::string metadata_path(const std::string& claim_name,
                              const std::string& request = "nic") const {
        return options.run_dir + "/metadata/knd.dev/uid-" + claim_name + "/" + request + ".json";
    }
    /// The objects that a container reads, in their order; empty when one is no JSON.
    std::vector<Json> metadata(const std::string& claim_name,
                               const std::string& request = "nic") const {
        std::vector<Json> objects;
        std::istringstream lines(read(metadata_path(claim_name, request)));
        for (std::string line; std::getline(lines, line);) {
            auto object = parse_json(line);
            if (!object) return {};
            objects.push_back(*std::move(object));
        }
        return objects;
    }
    /// What it reads of one device.
    Json device_metadata(const std::string& claim_name, const std::string& device) const {
        for (const auto& object : metadata(claim_name))
            for (const auto& entry : json_at(json_at(object, "requests").at(0), "devices"))
                if (json_string(entry, "name") == device) return entry;
        return {};
    }
    static std::string read(const std::string& path) {
        std::ifstream file(path);
        return {std::istreambuf_iterator<char>(file), {}};
    }

    ClaimsOptions options;
    FakeNode node;
    FakeKeptNamespaces namespaces;
    FakeHardware hardware;
    FakeJournal::Disk disk;
    std::map<std::string, Claim> api;
    std::string directory;
    std::unique_ptr<Process> process;

  private:
    template <class Call>
    Result<void> wait_for(Call call) {
        std::optional<Result<void>> answer;
        call([&](Result<void> result) { answer = std::move(result); });
        settle();
        if (!answer) return Error(Code::kInternal, "the call has not answered");
        return *std::move(answer);
    }
};

}  // namespace knd::fake
