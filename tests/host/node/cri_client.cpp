// SPDX-License-Identifier: Apache-2.0
#include "tests/host/node/cri_client.hpp"

#include <grpcpp/grpcpp.h>
#include <unistd.h>

#include <chrono>

#include "host/model/json.hpp"
#include "tests/host/node/cri.grpc.pb.h"

namespace knd::testing {
namespace {

namespace cri = runtime::v1;

constexpr auto kDeadline = std::chrono::seconds(60);
constexpr char kImage[] = "knd.test/busybox:1";

Error from_grpc(const char* call, const grpc::Status& status) {
    return {static_cast<Code>(status.error_code()),
            std::string(call) + ": " + status.error_message()};
}

cri::PodSandboxConfig config_of(const CriPod& pod) {
    cri::PodSandboxConfig config;
    auto* metadata = config.mutable_metadata();
    metadata->set_name(pod.name);
    metadata->set_uid(pod.uid);
    metadata->set_namespace_("default");
    metadata->set_attempt(pod.attempt);
    // A pod of the host's network has the host's name too.
    if (!pod.host_network) config.set_hostname(pod.name);
    (*config.mutable_labels())["io.kubernetes.pod.name"] = pod.name;
    (*config.mutable_labels())["io.kubernetes.pod.namespace"] = "default";
    (*config.mutable_labels())["io.kubernetes.pod.uid"] = pod.uid;
    config.mutable_linux()->set_cgroup_parent("/" + cgroup_parent());
    auto* namespaces =
        config.mutable_linux()->mutable_security_context()->mutable_namespace_options();
    namespaces->set_network(pod.host_network ? cri::NODE : cri::POD);
    namespaces->set_pid(cri::CONTAINER);
    return config;
}

}  // namespace

std::string cgroup_parent() {
    return "knd-test-" + std::to_string(::getpid());
}

class CriClient::Impl {
  public:
    explicit Impl(const std::string& socket)
        : channel(grpc::CreateChannel("unix:" + socket, grpc::InsecureChannelCredentials())),
          stub(cri::RuntimeService::NewStub(channel)) {}

    template <class Request, class Response>
    Result<Response> call(const char* name,
                          grpc::Status (cri::RuntimeService::Stub::*method)(grpc::ClientContext*,
                                                                            const Request&,
                                                                            Response*),
                          const Request& request) {
        grpc::ClientContext context;
        context.set_deadline(std::chrono::system_clock::now() + kDeadline);
        context.set_wait_for_ready(true);
        Response response;
        const auto status = ((*stub).*method)(&context, request, &response);
        if (!status.ok()) return from_grpc(name, status);
        return response;
    }

    std::shared_ptr<grpc::Channel> channel;
    std::unique_ptr<cri::RuntimeService::Stub> stub;
};

CriClient::CriClient(const std::string& socket) : impl_(std::make_unique<Impl>(socket)) {}
CriClient::~CriClient() = default;

using Stub = cri::RuntimeService::Stub;

Result<std::string> CriClient::version() {
    KND_TRY_ASSIGN(const auto answer,
                   impl_->call("Version", &Stub::Version, cri::VersionRequest()));
    return answer.runtime_name() + " " + answer.runtime_version();
}

Result<void> CriClient::pull_test_image() {
    cri::PullImageRequest request;
    request.mutable_image()->set_image(kImage);
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + kDeadline);
    cri::PullImageResponse response;
    const auto images = cri::ImageService::NewStub(impl_->channel);
    const auto status = images->PullImage(&context, request, &response);
    if (!status.ok()) return from_grpc("PullImage", status);
    return {};
}

Result<std::string> CriClient::run_pod(const CriPod& pod) {
    cri::RunPodSandboxRequest request;
    *request.mutable_config() = config_of(pod);
    KND_TRY_ASSIGN(const auto answer, impl_->call("RunPodSandbox", &Stub::RunPodSandbox, request));
    return answer.pod_sandbox_id();
}

Result<void> CriClient::stop_pod(const std::string& sandbox) {
    cri::PodSandboxRequest request;
    request.set_pod_sandbox_id(sandbox);
    KND_TRY(impl_->call("StopPodSandbox", &Stub::StopPodSandbox, request));
    return {};
}

Result<void> CriClient::remove_pod(const std::string& sandbox) {
    cri::PodSandboxRequest request;
    request.set_pod_sandbox_id(sandbox);
    KND_TRY(impl_->call("RemovePodSandbox", &Stub::RemovePodSandbox, request));
    return {};
}

Result<std::string> CriClient::netns(const std::string& sandbox) {
    cri::PodSandboxStatusRequest request;
    request.set_pod_sandbox_id(sandbox);
    request.set_verbose(true);
    KND_TRY_ASSIGN(const auto answer,
                   impl_->call("PodSandboxStatus", &Stub::PodSandboxStatus, request));
    const auto info = answer.info().find("info");
    if (info == answer.info().end()) return Error(Code::kNotFound, "no verbose pod information");
    KND_TRY_ASSIGN(const auto json, parse_json(info->second));
    for (const auto& ns : json_path(json, {"runtimeSpec", "linux", "namespaces"})) {
        if (json_string(ns, "type") == "network") return json_string(ns, "path");
    }
    return Error(Code::kNotFound, "the pod has no network namespace of its own");
}

Result<std::string> CriClient::create(const std::string& sandbox, const CriPod& pod,
                                      const CriContainer& container) {
    cri::CreateContainerRequest request;
    request.set_pod_sandbox_id(sandbox);
    *request.mutable_sandbox_config() = config_of(pod);
    auto* config = request.mutable_config();
    config->mutable_metadata()->set_name(container.name);
    config->mutable_metadata()->set_attempt(container.attempt);
    config->mutable_image()->set_image(kImage);
    config->mutable_image()->set_user_specified_image(kImage);
    for (const auto& word : container.command)
        config->add_command(word);
    (*config->mutable_labels())["io.kubernetes.container.name"] = container.name;
    auto* namespaces =
        config->mutable_linux()->mutable_security_context()->mutable_namespace_options();
    namespaces->set_pid(cri::CONTAINER);
    for (const auto& id : container.cdi_ids)
        config->add_cdi_devices()->set_name(id);
    KND_TRY_ASSIGN(const auto answer,
                   impl_->call("CreateContainer", &Stub::CreateContainer, request));
    return answer.container_id();
}

Result<void> CriClient::start(const std::string& container) {
    cri::ContainerRequest request;
    request.set_container_id(container);
    KND_TRY(impl_->call("StartContainer", &Stub::StartContainer, request));
    return {};
}

Result<void> CriClient::stop(const std::string& container) {
    cri::StopContainerRequest request;
    request.set_container_id(container);
    request.set_timeout(0);
    KND_TRY(impl_->call("StopContainer", &Stub::StopContainer, request));
    return {};
}

Result<void> CriClient::remove(const std::string& container) {
    cri::ContainerRequest request;
    request.set_container_id(container);
    KND_TRY(impl_->call("RemoveContainer", &Stub::RemoveContainer, request));
    return {};
}

Result<CriContainerStatus> CriClient::status(const std::string& container) {
    cri::ContainerRequest request;
    request.set_container_id(container);
    KND_TRY_ASSIGN(const auto answer,
                   impl_->call("ContainerStatus", &Stub::ContainerStatus, request));
    const auto& status = answer.status();
    return CriContainerStatus{status.state() == cri::CONTAINER_RUNNING, status.exit_code(),
                              status.reason(), status.message()};
}

Result<std::string> CriClient::exec(const std::string& container,
                                    const std::vector<std::string>& command) {
    cri::ExecSyncRequest request;
    request.set_container_id(container);
    request.set_timeout(20);
    for (const auto& word : command)
        request.add_cmd(word);
    KND_TRY_ASSIGN(const auto answer, impl_->call("ExecSync", &Stub::ExecSync, request));
    if (answer.exit_code() != 0) {
        return Error(Code::kUnknown, command.front() + " exits with " +
                                         std::to_string(answer.exit_code()) + ": " +
                                         answer.stdout() + answer.stderr());
    }
    return answer.stdout();
}

}  // namespace knd::testing
