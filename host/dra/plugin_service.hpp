// SPDX-License-Identifier: Apache-2.0
//
// The gRPC services as thin shells: they turn messages into Batches and back. Templates over the
// API version, because v1 and v1beta1 are the same messages under two names.
#pragma once

#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <utility>

#include "host/dra/batch.hpp"
#include "host/proto/kubelet/dra_v1.grpc.pb.h"
#include "host/proto/kubelet/dra_v1beta1.grpc.pb.h"
#include "host/proto/kubelet/registration_v1.grpc.pb.h"

namespace knd::dra {

/// Where services deliver; called on gRPC threads.
struct Inbox {
    std::function<void(std::shared_ptr<Batch>)> call;
    std::function<void(std::shared_ptr<Batch>)> cancelled;
    std::function<void()> info_asked;
    std::function<void(bool registered, std::string error)> registration;
};

struct ApiV1 {
    using Service = k8s::io::kubelet::pkg::apis::dra::v1::DRAPlugin::CallbackService;
    using PrepareRequest = k8s::io::kubelet::pkg::apis::dra::v1::NodePrepareResourcesRequest;
    using PrepareResponse = k8s::io::kubelet::pkg::apis::dra::v1::NodePrepareResourcesResponse;
    using UnprepareRequest = k8s::io::kubelet::pkg::apis::dra::v1::NodeUnprepareResourcesRequest;
    using UnprepareResponse = k8s::io::kubelet::pkg::apis::dra::v1::NodeUnprepareResourcesResponse;
    static constexpr bool kIsV1 = true;
};

struct ApiV1beta1 {
    using Service = k8s::io::kubelet::pkg::apis::dra::v1beta1::DRAPlugin::CallbackService;
    using PrepareRequest = k8s::io::kubelet::pkg::apis::dra::v1beta1::NodePrepareResourcesRequest;
    using PrepareResponse = k8s::io::kubelet::pkg::apis::dra::v1beta1::NodePrepareResourcesResponse;
    using UnprepareRequest =
        k8s::io::kubelet::pkg::apis::dra::v1beta1::NodeUnprepareResourcesRequest;
    using UnprepareResponse =
        k8s::io::kubelet::pkg::apis::dra::v1beta1::NodeUnprepareResourcesResponse;
    static constexpr bool kIsV1 = false;
};

/// One call. gRPC owns it between the handler's return and OnDone.
class CallReactor final : public grpc::ServerUnaryReactor {
  public:
    CallReactor(std::shared_ptr<Batch> batch, const Inbox& inbox)
        : batch_(std::move(batch)), inbox_(inbox) {}
    void OnCancel() override { inbox_.cancelled(batch_); }
    void OnDone() override { delete this; }

  private:
    const std::shared_ptr<Batch> batch_;
    const Inbox& inbox_;
};

inline grpc::Status to_status(const Error& error) {
    return {static_cast<grpc::StatusCode>(error.code()), error.message()};
}

template <class Api>
void fill(const std::map<std::string, Batch::Outcome>& outcomes,
          typename Api::PrepareResponse& response) {
    for (const auto& [uid, outcome] : outcomes) {
        auto& answer = (*response.mutable_claims())[uid];
        if (!outcome) {
            answer.set_error(outcome.error().message());
            continue;
        }
        for (const auto& prepared : *outcome) {
            auto& device = *answer.add_devices();
            for (const auto& request : prepared.requests)
                device.add_request_names(request);
            device.set_pool_name(prepared.pool);
            device.set_device_name(prepared.device);
            for (const auto& id : prepared.cdi_ids)
                device.add_cdi_device_ids(id);
            if constexpr (Api::kIsV1)
                if (!prepared.share_id.empty()) device.set_share_id(prepared.share_id);
        }
    }
}

template <class Api>
void fill(const std::map<std::string, Batch::Outcome>& outcomes,
          typename Api::UnprepareResponse& response) {
    for (const auto& [uid, outcome] : outcomes) {
        auto& answer = (*response.mutable_claims())[uid];
        if (!outcome) answer.set_error(outcome.error().message());
    }
}

template <class Api>
class PluginService final : public Api::Service {
  public:
    PluginService(const Inbox& inbox, std::chrono::milliseconds default_deadline)
        : inbox_(inbox), default_deadline_(default_deadline) {}

    grpc::ServerUnaryReactor* NodePrepareResources(
        grpc::CallbackServerContext* context, const typename Api::PrepareRequest* request,
        typename Api::PrepareResponse* response) override {
        return begin(*context, Batch::Kind::kPrepare, *request, *response);
    }

    grpc::ServerUnaryReactor* NodeUnprepareResources(
        grpc::CallbackServerContext* context, const typename Api::UnprepareRequest* request,
        typename Api::UnprepareResponse* response) override {
        return begin(*context, Batch::Kind::kUnprepare, *request, *response);
    }

  private:
    template <class Request, class Response>
    grpc::ServerUnaryReactor* begin(const grpc::CallbackServerContext& context, Batch::Kind kind,
                                    const Request& request, Response& response) {
        auto batch = std::make_shared<Batch>();
        batch->kind = kind;
        batch->v1 = Api::kIsV1;
        batch->started = Batch::Clock::now();
        batch->deadline = batch->started + time_left(context);
        for (const auto& claim : request.claims())
            batch->claims.push_back({claim.namespace_(), claim.name(), claim.uid()});
        auto* reactor = new CallReactor(batch, inbox_);
        // The batch holds no reference to itself: reply is told what to send by its caller.
        batch->reply = [reactor, &response,
                        raw = batch.get()](const std::optional<Error>& refusal) {
            if (refusal) return reactor->Finish(to_status(*refusal));
            fill<Api>(raw->outcomes, response);
            reactor->Finish(grpc::Status::OK);
        };
        inbox_.call(std::move(batch));
        return reactor;
    }

    std::chrono::nanoseconds time_left(const grpc::CallbackServerContext& context) const {
        const auto now = std::chrono::system_clock::now();
        const auto deadline = context.deadline();
        if (deadline > now + default_deadline_) return default_deadline_;
        return std::max<std::chrono::nanoseconds>(deadline - now, std::chrono::nanoseconds(0));
    }

    const Inbox& inbox_;
    const std::chrono::milliseconds default_deadline_;
};

class RegistrationService final : public pluginregistration::Registration::CallbackService {
  public:
    RegistrationService(const Inbox& inbox, std::string driver, std::string endpoint)
        : inbox_(inbox), driver_(std::move(driver)), endpoint_(std::move(endpoint)) {}

    /// Answered here and now: the kubelet waits for one second only.
    grpc::ServerUnaryReactor* GetInfo(grpc::CallbackServerContext* context,
                                      const pluginregistration::InfoRequest*,
                                      pluginregistration::PluginInfo* info) override {
        info->set_type("DRAPlugin");
        info->set_name(driver_);
        info->set_endpoint(endpoint_);
        // Kubelets from 1.34 on take the first that they know, so the newest leads.
        info->add_supported_versions("v1.DRAPlugin");
        info->add_supported_versions("v1beta1.DRAPlugin");
        info->add_supported_versions("v1.DRAResourceHealth");
        info->add_supported_versions("v1alpha1.DRAResourceHealth");
        inbox_.info_asked();
        auto* reactor = context->DefaultReactor();
        reactor->Finish(grpc::Status::OK);
        return reactor;
    }

    grpc::ServerUnaryReactor* NotifyRegistrationStatus(
        grpc::CallbackServerContext* context, const pluginregistration::RegistrationStatus* status,
        pluginregistration::RegistrationStatusResponse*) override {
        inbox_.registration(status->plugin_registered(), status->error());
        auto* reactor = context->DefaultReactor();
        reactor->Finish(grpc::Status::OK);
        return reactor;
    }

  private:
    const Inbox& inbox_;
    const std::string driver_;
    const std::string endpoint_;
};

}  // namespace knd::dra
