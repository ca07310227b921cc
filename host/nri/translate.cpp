// SPDX-License-Identifier: Apache-2.0
#include "host/nri/translate.hpp"

#include <algorithm>

#include "host/proto/nri/nri.pb.h"

namespace knd::nri {
namespace {

constexpr std::string_view kNetworkNamespace = "network";
/// The kubelet writes it over whatever the pod has there (pkg/kubelet/config/config.go).
constexpr const char* kConfigSource = "kubernetes.io/config.source";

Hook from_wire(const wire::Hook& message) {
    return {.path = message.path(),
            .args = {message.args().begin(), message.args().end()},
            .env = {message.env().begin(), message.env().end()},
            .timeout_s = static_cast<int>(message.timeout().value())};
}

void to_wire(const Hook& hook, wire::Hook& message) {
    message.set_path(hook.path);
    message.mutable_args()->Assign(hook.args.begin(), hook.args.end());
    message.mutable_env()->Assign(hook.env.begin(), hook.env.end());
    if (hook.timeout_s > 0) message.mutable_timeout()->set_value(hook.timeout_s);
}

Result<DeviceNode> from_wire(const wire::LinuxDevice& message) {
    if (message.type() != "c" && message.type() != "b")
        return Error(Code::kInvalidArgument,
                     "device " + message.path() + ": unknown type '" + message.type() + "'");
    DeviceNode device{.path = message.path(),
                      .type = message.type().front(),
                      .major = message.major(),
                      .minor = message.minor()};
    if (message.has_file_mode()) device.mode = message.file_mode().value();
    return device;
}

Mount from_wire(const wire::Mount& message) {
    const auto& options = message.options();
    return {.source = message.source(),
            .destination = message.destination(),
            .read_only = std::find(options.begin(), options.end(), "ro") != options.end()};
}

}  // namespace

PodSandbox from_wire(const wire::PodSandbox& message) {
    PodSandbox pod{.id = message.id(),
                   .uid = message.uid(),
                   .ns = message.namespace_(),
                   .name = message.name(),
                   .netns = {}};
    for (const auto& entry : message.linux().namespaces())
        if (entry.type() == kNetworkNamespace) pod.netns = entry.path();
    const auto source = message.annotations().find(kConfigSource);
    pod.is_static = source != message.annotations().end() && source->second != "api";
    return pod;
}

Container from_wire(const wire::Container& message) {
    Container container{.id = message.id(),
                        .sandbox_id = message.pod_sandbox_id(),
                        .name = message.name(),
                        .create_runtime_hooks = {},
                        .running = message.state() == wire::CONTAINER_STATE_RUNNING,
                        .pid = static_cast<int>(message.pid())};
    for (const auto& hook : message.hooks().create_runtime())
        container.create_runtime_hooks.push_back(from_wire(hook));
    return container;
}

Result<ContainerEdits> from_wire(const wire::ContainerAdjustment& message) {
    ContainerEdits edits;
    for (const auto& device : message.linux().devices()) {
        KND_TRY_ASSIGN(auto node, from_wire(device));
        edits.devices.push_back(std::move(node));
    }
    for (const auto& mount : message.mounts())
        edits.mounts.push_back(from_wire(mount));
    for (const auto& entry : message.env())
        edits.env[entry.key()] = entry.value();
    for (const auto& hook : message.hooks().create_runtime())
        edits.create_runtime_hooks.push_back(from_wire(hook));
    return edits;
}

void to_wire(const PodSandbox& pod, wire::PodSandbox& message) {
    message.set_id(pod.id);
    message.set_uid(pod.uid);
    message.set_namespace_(pod.ns);
    message.set_name(pod.name);
    message.mutable_annotations()->insert({kConfigSource, pod.is_static ? "file" : "api"});
    if (pod.netns.empty()) return;
    auto* entry = message.mutable_linux()->add_namespaces();
    entry->set_type(std::string(kNetworkNamespace));
    entry->set_path(pod.netns);
}

void to_wire(const Container& container, wire::Container& message) {
    message.set_id(container.id);
    message.set_pod_sandbox_id(container.sandbox_id);
    message.set_name(container.name);
    message.set_state(container.running ? wire::CONTAINER_STATE_RUNNING
                                        : wire::CONTAINER_STATE_CREATED);
    message.set_pid(static_cast<std::uint32_t>(container.pid));
    for (const auto& hook : container.create_runtime_hooks)
        to_wire(hook, *message.mutable_hooks()->add_create_runtime());
}

void to_wire(const ContainerEdits& edits, wire::ContainerAdjustment& message) {
    for (const auto& device : edits.devices) {
        auto* entry = message.mutable_linux()->add_devices();
        entry->set_path(device.path);
        entry->set_type(std::string(1, device.type));
        entry->set_major(device.major);
        entry->set_minor(device.minor);
        entry->mutable_file_mode()->set_value(device.mode);
    }
    for (const auto& mount : edits.mounts) {
        auto* entry = message.add_mounts();
        entry->set_destination(mount.destination);
        entry->set_source(mount.source);
        entry->set_type("bind");
        for (const char* option : {"rbind", "rprivate", mount.read_only ? "ro" : "rw"})
            entry->add_options(option);
    }
    for (const auto& [key, value] : edits.env) {
        auto* entry = message.add_env();
        entry->set_key(key);
        entry->set_value(value);
    }
    for (const auto& hook : edits.create_runtime_hooks)
        to_wire(hook, *message.mutable_hooks()->add_create_runtime());
}

}  // namespace knd::nri
