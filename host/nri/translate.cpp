// SPDX-License-Identifier: Apache-2.0
#include "host/nri/translate.hpp"

#include <algorithm>

#include "host/proto/nri/nri.pb.h"

namespace knd::nri {
namespace {

constexpr std::string_view kNetworkNamespace = "network";
/// What every mount is unless it says otherwise.
constexpr std::string_view kPropagations[] = {"private", "rprivate", "shared",     "rshared",
                                              "slave",   "rslave",   "unbindable", "runbindable"};

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

/// What a runtime lets a container do with each device that it is given (pkg/runtime-tools of NRI).
const char* usual_access(char type) {
    return type == 'b' ? "rwm" : "rw";
}

Result<DeviceNode> from_wire(const wire::LinuxDevice& message) {
    if (message.type() != "c" && message.type() != "b")
        return Error(Code::kInvalidArgument,
                     "device " + message.path() + ": unknown type '" + message.type() + "'");
    DeviceNode device{.path = message.path(),
                      .type = message.type().front(),
                      .major = message.major(),
                      .minor = message.minor(),
                      .access = usual_access(message.type().front())};
    if (message.has_file_mode()) device.mode = message.file_mode().value();
    if (message.has_uid()) device.uid = message.uid().value();
    if (message.has_gid()) device.gid = message.gid().value();
    return device;
}

Mount from_wire(const wire::Mount& message) {
    Mount mount{.source = message.source(), .destination = message.destination()};
    for (const auto& option : message.options()) {
        if (option == "ro") mount.read_only = true;
        const bool usual =
            option == "ro" || option == "rw" || option == "rbind" || option == "rprivate";
        if (!usual) mount.options.push_back(option);
    }
    return mount;
}

void to_wire(const Mount& mount, wire::Mount& message) {
    const auto said = [&](const auto& names) {
        return std::find_first_of(mount.options.begin(), mount.options.end(), std::begin(names),
                                  std::end(names)) != mount.options.end();
    };
    message.set_destination(mount.destination);
    message.set_source(mount.source);
    message.set_type("bind");
    constexpr std::string_view kBinds[] = {"bind", "rbind"};
    constexpr std::string_view kWays[] = {"ro", "rw"};
    if (!said(kBinds)) message.add_options("rbind");
    if (!said(kPropagations)) message.add_options("rprivate");
    if (!said(kWays)) message.add_options(mount.read_only ? "ro" : "rw");
    for (const auto& option : mount.options)
        message.add_options(option);
}

/// The runtime's own rules come first, so that these change what it has let the container do.
void limit_access(const DeviceNode& device, wire::LinuxResources& message) {
    std::string denied;
    for (const char right : std::string_view("rwm")) {
        if (device.access.find(right) == std::string::npos) denied += right;
    }
    const auto add_rule = [&](bool allow, const std::string& access) {
        if (access.empty()) return;
        auto* rule = message.add_devices();
        rule->set_allow(allow);
        rule->set_type(std::string(1, device.type));
        rule->mutable_major()->set_value(device.major);
        rule->mutable_minor()->set_value(device.minor);
        rule->set_access(access);
    };
    add_rule(false, denied);
    add_rule(true, device.access);
}

void access_from_wire(const wire::LinuxResources& message, std::vector<DeviceNode>& devices) {
    for (const auto& rule : message.devices()) {
        for (auto& device : devices) {
            if (rule.allow() && rule.type() == std::string(1, device.type) &&
                rule.major().value() == device.major && rule.minor().value() == device.minor)
                device.access = rule.access();
        }
    }
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
    for (const auto& device : message.cdi_devices())
        container.cdi_devices.push_back(device.name());
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
    for (const auto& limit : message.rlimits())
        edits.rlimits.push_back({.type = limit.type(), .soft = limit.soft(), .hard = limit.hard()});
    access_from_wire(message.linux().resources(), edits.devices);
    const auto& unified = message.linux().resources().unified();
    edits.unified.insert(unified.begin(), unified.end());
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
    for (const auto& name : container.cdi_devices)
        message.add_cdi_devices()->set_name(name);
}

void to_wire(const ContainerEdits& edits, wire::ContainerAdjustment& message) {
    for (const auto& device : edits.devices) {
        auto* entry = message.mutable_linux()->add_devices();
        entry->set_path(device.path);
        entry->set_type(std::string(1, device.type));
        entry->set_major(device.major);
        entry->set_minor(device.minor);
        entry->mutable_file_mode()->set_value(device.mode);
        if (device.uid) entry->mutable_uid()->set_value(*device.uid);
        if (device.gid) entry->mutable_gid()->set_value(*device.gid);
        if (device.access != usual_access(device.type))
            limit_access(device, *message.mutable_linux()->mutable_resources());
    }
    for (const auto& mount : edits.mounts)
        to_wire(mount, *message.add_mounts());
    for (const auto& [key, value] : edits.env) {
        auto* entry = message.add_env();
        entry->set_key(key);
        entry->set_value(value);
    }
    for (const auto& hook : edits.create_runtime_hooks)
        to_wire(hook, *message.mutable_hooks()->add_create_runtime());
    for (const auto& limit : edits.rlimits) {
        auto* entry = message.add_rlimits();
        entry->set_type(limit.type);
        entry->set_hard(limit.hard);
        entry->set_soft(limit.soft);
    }
    if (!edits.unified.empty())
        message.mutable_linux()->mutable_resources()->mutable_unified()->insert(
            edits.unified.begin(), edits.unified.end());
}

}  // namespace knd::nri
