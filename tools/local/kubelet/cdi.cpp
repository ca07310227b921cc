// SPDX-License-Identifier: Apache-2.0
#include "tools/local/kubelet/cdi.hpp"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <system_error>

#include "host/model/json.hpp"
#include "host/model/log.hpp"
#include "host/model/text_file.hpp"
#include "tools/local/kubelet/runtime.hpp"

namespace knd::local {
namespace {

struct Definition {
    std::shared_ptr<const Json> spec;  // shared by all devices of one file
    const Json* device = nullptr;
    std::string file;
    bool ambiguous = false;
};

using Definitions = std::map<std::string, Definition>;

void read_spec(const std::filesystem::path& path, Definitions& found) {
    const auto text = read_text_file(path);
    if (!text.ok()) return;  // gone since the directory was listed
    auto parsed = parse_json(*text);
    if (!parsed.ok() || json_string(*parsed, "kind").find('/') == std::string::npos) {
        log::warn("a CDI file is left out",
                  {{"file", path.string()},
                   {"error", parsed.ok() ? "kind is not VENDOR/CLASS" : parsed.error().message()}});
        return;
    }
    const auto spec = std::make_shared<const Json>(*std::move(parsed));
    for (const auto& device : json_at(*spec, "devices")) {
        const auto id = json_string(*spec, "kind") + "=" + json_string(device, "name");
        auto& definition = found[id];
        if (definition.spec) {
            definition.ambiguous = true;
            continue;
        }
        definition = {spec, &device, path.string(), false};
    }
}

Definitions read_directory(const std::filesystem::path& directory) {
    Definitions found;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
        if (entry.path().extension() == ".json") read_spec(entry.path(), found);
    }
    return found;
}

DeviceNode read_device_node(const Json& json) {
    DeviceNode node;
    node.path = json_string(json, "path");
    node.type = json_string(json, "type", "c").front();
    node.major = json_int(json, "major");
    node.minor = json_int(json, "minor");
    node.mode = static_cast<std::uint32_t>(json_int(json, "fileMode", 0660));
    node.access = json_string(json, "permissions", "rwm");
    if (json.contains("uid")) node.uid = static_cast<std::uint32_t>(json_int(json, "uid"));
    if (json.contains("gid")) node.gid = static_cast<std::uint32_t>(json_int(json, "gid"));
    struct stat status {};
    if (node.major == 0 && stat(node.path.c_str(), &status) == 0) {
        node.major = major(status.st_rdev);
        node.minor = minor(status.st_rdev);
    }
    return node;
}

void add_edits(const Json& edits, ContainerEdits& result) {
    for (const auto& entry : json_strings(json_at(edits, "env"))) {
        const auto equals = entry.find('=');
        if (equals != std::string::npos)
            result.env[entry.substr(0, equals)] = entry.substr(equals + 1);
    }
    for (const auto& node : json_at(edits, "deviceNodes"))
        result.devices.push_back(read_device_node(node));
    for (const auto& mount : json_at(edits, "mounts")) {
        Mount added{.source = json_string(mount, "hostPath"),
                    .destination = json_string(mount, "containerPath")};
        for (auto& option : json_strings(json_at(mount, "options"))) {
            if (option == "ro") added.read_only = true;
            const bool usual =
                option == "ro" || option == "rw" || option == "rbind" || option == "rprivate";
            if (!usual) added.options.push_back(std::move(option));
        }
        result.mounts.push_back(std::move(added));
    }
    for (const auto& hook : json_at(edits, "hooks")) {
        if (json_string(hook, "hookName") != "createRuntime") continue;
        result.create_runtime_hooks.push_back(
            {json_string(hook, "path"), json_strings(json_at(hook, "args")),
             json_strings(json_at(hook, "env")), static_cast<int>(json_int(hook, "timeout"))});
    }
}

}  // namespace

Result<ContainerEdits> resolve_cdi(const std::vector<std::filesystem::path>& directories,
                                   const std::vector<std::string>& ids) {
    ContainerEdits edits;
    if (ids.empty()) return edits;
    Definitions definitions;
    for (const auto& directory : directories) {
        for (auto& [id, definition] : read_directory(directory))
            definitions[id] = definition;
    }
    std::string missing;
    std::set<std::string> seen;
    std::set<std::string> files;
    for (const auto& id : ids) {
        if (!seen.insert(id).second) continue;
        const auto found = definitions.find(id);
        if (found == definitions.end() || found->second.ambiguous) {
            missing.append(missing.empty() ? "" : ", ").append(id);
            continue;
        }
        // Edits of the whole file apply once, however many of its devices are asked for.
        if (files.insert(found->second.file).second)
            add_edits(json_at(*found->second.spec, "containerEdits"), edits);
        add_edits(json_at(*found->second.device, "containerEdits"), edits);
    }
    if (!missing.empty()) return Error(Code::kNotFound, "unresolvable CDI devices " + missing);
    return edits;
}

}  // namespace knd::local
