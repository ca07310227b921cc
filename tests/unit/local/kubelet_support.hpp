// SPDX-License-Identifier: Apache-2.0
//
// What the tests of knd-local's node half share: a container runtime in memory, and a DRA driver on
// real sockets.
#pragma once

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "host/proto/kubelet/dra_v1.grpc.pb.h"
#include "host/proto/kubelet/dra_v1beta1.grpc.pb.h"
#include "host/proto/kubelet/registration_v1.grpc.pb.h"
#include "io_support.hpp"
#include "tools/local/api/store.hpp"
#include "tools/local/kubelet/runtime.hpp"

namespace knd::local {

/// Sandboxes and containers in memory; fails where a test says so.
class FakeRuntime final : public ContainerRuntime {
  public:
    std::map<std::string, SandboxRecord> pods;
    std::vector<std::string> calls;
    std::vector<std::string> cdi_ids;  ///< of the last container
    std::string sandbox_error, create_error, start_error;

    void run_sandbox(const PodRequest& pod, Done<std::string> done) override {
        calls.push_back("run");
        if (!sandbox_error.empty()) return done(Error(Code::kUnknown, sandbox_error));
        SandboxRecord sandbox;
        sandbox.id = "sandbox-" + std::to_string(++counter_);
        sandbox.pod_uid = pod.uid;
        sandbox.ns = pod.ns;
        sandbox.name = pod.name;
        sandbox.ip = "10.244.1.2";
        sandbox.ready = true;
        pods[sandbox.id] = sandbox;
        done(sandbox.id);
    }
    void create_container(const std::string& sandbox, const ContainerRequest& request,
                          Done<std::string> done) override {
        calls.push_back("create");
        cdi_ids = request.cdi_ids;
        if (!create_error.empty()) return done(Error(Code::kUnknown, create_error));
        ContainerRecord container;
        container.id = "container-" + std::to_string(++counter_);
        container.name = request.name;
        container.attempt = request.attempt;
        container.created = "2026-01-01T00:00:00Z";
        pods[sandbox].containers.push_back(container);
        done(container.id);
    }
    void start_container(const std::string& id, Done<> done) override {
        calls.push_back("start");
        auto& container = find(id);
        if (start_error.empty()) {
            container.state = ContainerState::kRunning;
            container.started = "2026-01-01T00:00:01Z";
            return done({});
        }
        end(container, 128, "StartError", start_error);
        done(Error(Code::kUnknown, start_error));
    }
    void stop_container(const std::string& id, std::chrono::milliseconds, Done<> done) override {
        calls.push_back("stop");
        end(find(id), 143, "Error", "");
        done({});
    }
    void stop_sandbox(const std::string& sandbox, Done<> done) override {
        calls.push_back("stop-sandbox");
        pods[sandbox].ready = false;
        done({});
    }
    void remove_sandbox(const std::string& sandbox, Done<> done) override {
        calls.push_back("remove-sandbox");
        pods.erase(sandbox);
        done({});
    }
    std::vector<SandboxRecord> sandboxes() const override {
        std::vector<SandboxRecord> all;
        for (const auto& [id, sandbox] : pods)
            all.push_back(sandbox);
        return all;
    }
    void on_container_exit(std::function<void(const std::string&)> callback) override {
        exit_callback_ = std::move(callback);
    }

    /// The first container of the only pod ends by itself.
    void container_exits(int code) {
        auto& sandbox = pods.begin()->second;
        end(sandbox.containers.back(), code, code == 0 ? "Completed" : "Error", "");
        exit_callback_(sandbox.pod_uid);
    }

  private:
    ContainerRecord& find(const std::string& id) {
        for (auto& [name, sandbox] : pods) {
            for (auto& container : sandbox.containers) {
                if (container.id == id) return container;
            }
        }
        static ContainerRecord none;
        return none;
    }
    static void end(ContainerRecord& container, int code, const char* reason,
                    const std::string& message) {
        container.state = ContainerState::kExited;
        container.exit_code = code;
        container.reason = reason;
        container.message = message;
        container.finished = "2026-01-01T00:00:02Z";
    }
    int counter_ = 0;
    std::function<void(const std::string&)> exit_callback_;
};

/// A DRA driver that prepares whatever it is asked to, on the sockets a real one would have.
class FakeDriver {
  public:
    explicit FakeDriver(const std::filesystem::path& directory, const std::string& name = "dra.net")
        : dra_socket_(directory / (name + ".sock")),
          reg_socket_(directory / "reg" / (name + "-reg.sock")) {
        registration_.info.set_type("DRAPlugin");
        registration_.info.set_name(name);
        registration_.info.set_endpoint(dra_socket_);
        registration_.info.add_supported_versions("v1.DRAPlugin");
    }
    ~FakeDriver() { stop(); }

    pluginregistration::PluginInfo& info() { return registration_.info; }
    void start() {
        std::filesystem::create_directories(reg_socket_.parent_path());
        dra_server_ = serve(dra_socket_, {&v1_, &v1beta1_});
        // Under a hidden name first, so that the socket accepts when it becomes visible.
        const auto hidden = reg_socket_.parent_path() / ".new";
        reg_server_ = serve(hidden, {&registration_});
        std::filesystem::rename(hidden, reg_socket_);
    }
    void stop() {
        std::filesystem::remove(reg_socket_);
        for (auto* server : {&reg_server_, &dra_server_}) {
            if (*server) (*server)->Shutdown(std::chrono::system_clock::now());
            server->reset();
        }
    }
    /// As kill -9: connections end, socket files stay.
    void die() {
        dra_server_->Shutdown(std::chrono::system_clock::now());
        dra_server_.reset();
    }
    bool registered() const { return registration_.told && registration_.error.empty(); }
    bool refused() const { return registration_.told && !registration_.error.empty(); }
    std::string refusal() const { return registration_.error; }

    std::vector<std::string> calls() const {
        const std::lock_guard lock(state_.mutex);
        return state_.calls;
    }
    /// How long an unprepare takes.
    void be_slow(std::chrono::milliseconds delay) {
        const std::lock_guard lock(state_.mutex);
        state_.delay = delay;
    }
    void fail_with(const std::string& error) {
        const std::lock_guard lock(state_.mutex);
        state_.error = error;
    }

  private:
    struct State {
        mutable std::mutex mutex;
        std::vector<std::string> calls;
        std::string error;
        std::chrono::milliseconds delay{0};
    };
    struct Registration final : pluginregistration::Registration::Service {
        pluginregistration::PluginInfo info;
        std::atomic<bool> told = false;
        std::string error;
        grpc::Status GetInfo(grpc::ServerContext*, const pluginregistration::InfoRequest*,
                             pluginregistration::PluginInfo* answer) override {
            *answer = info;
            return grpc::Status::OK;
        }
        grpc::Status NotifyRegistrationStatus(
            grpc::ServerContext*, const pluginregistration::RegistrationStatus* status,
            pluginregistration::RegistrationStatusResponse*) override {
            error = status->error();
            told = true;
            return grpc::Status::OK;
        }
    };
    template <class Service, class PrepareRequest, class PrepareResponse, class UnprepareRequest,
              class UnprepareResponse>
    struct Plugin final : Service {
        Plugin(State& shared, std::string api) : state(shared), version(std::move(api)) {}
        State& state;
        std::string version;
        grpc::Status NodePrepareResources(grpc::ServerContext*, const PrepareRequest* request,
                                          PrepareResponse* response) override {
            const std::lock_guard lock(state.mutex);
            for (const auto& claim : request->claims()) {
                state.calls.push_back(version + " prepare " + claim.name());
                auto& answer = (*response->mutable_claims())[claim.uid()];
                answer.set_error(state.error);
                if (!state.error.empty()) continue;
                auto& device = *answer.add_devices();
                device.add_request_names("req");
                device.set_pool_name("node-1");
                device.set_device_name("dra0");
                device.add_cdi_device_ids("dra.net/claim=" + claim.uid());
            }
            return grpc::Status::OK;
        }
        grpc::Status NodeUnprepareResources(grpc::ServerContext*, const UnprepareRequest* request,
                                            UnprepareResponse* response) override {
            std::unique_lock lock(state.mutex);
            for (const auto& claim : request->claims()) {
                state.calls.push_back(version + " unprepare " + claim.name());
                (*response->mutable_claims())[claim.uid()].set_error(state.error);
            }
            const auto delay = state.delay;
            lock.unlock();
            std::this_thread::sleep_for(delay);
            return grpc::Status::OK;
        }
    };
    static std::unique_ptr<grpc::Server> serve(const std::string& socket,
                                               const std::vector<grpc::Service*>& services) {
        grpc::ServerBuilder builder;
        builder.AddListeningPort("unix:" + socket, grpc::InsecureServerCredentials());
        for (auto* service : services)
            builder.RegisterService(service);
        return builder.BuildAndStart();
    }

    std::filesystem::path dra_socket_, reg_socket_;
    State state_;
    Registration registration_;
    Plugin<k8s::io::kubelet::pkg::apis::dra::v1::DRAPlugin::Service,
           k8s::io::kubelet::pkg::apis::dra::v1::NodePrepareResourcesRequest,
           k8s::io::kubelet::pkg::apis::dra::v1::NodePrepareResourcesResponse,
           k8s::io::kubelet::pkg::apis::dra::v1::NodeUnprepareResourcesRequest,
           k8s::io::kubelet::pkg::apis::dra::v1::NodeUnprepareResourcesResponse>
        v1_{state_, "v1"};
    Plugin<k8s::io::kubelet::pkg::apis::dra::v1beta1::DRAPlugin::Service,
           k8s::io::kubelet::pkg::apis::dra::v1beta1::NodePrepareResourcesRequest,
           k8s::io::kubelet::pkg::apis::dra::v1beta1::NodePrepareResourcesResponse,
           k8s::io::kubelet::pkg::apis::dra::v1beta1::NodeUnprepareResourcesRequest,
           k8s::io::kubelet::pkg::apis::dra::v1beta1::NodeUnprepareResourcesResponse>
        v1beta1_{state_, "v1beta1"};
    std::unique_ptr<grpc::Server> dra_server_, reg_server_;
};

}  // namespace knd::local
