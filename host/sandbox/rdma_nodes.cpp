// SPDX-License-Identifier: Apache-2.0
#include "host/sandbox/rdma_nodes.hpp"

#include <filesystem>
#include <fstream>
#include <string_view>
#include <vector>

namespace knd {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kDirectory = "/dev/infiniband/";

/// The class of sysfs that its kind of node is in.
std::string class_of(std::string_view kind) {
    if (kind == "uverbs") return "infiniband_verbs";
    if (kind == "umad" || kind == "issm") return "infiniband_mad";
    return "";
}

/// "uverbs12" -> "uverbs"
std::string kind_of(const std::string& name) {
    return name.substr(0, name.find_first_of("0123456789"));
}

std::string hardware_of(const fs::path& node) {
    std::error_code none;
    const auto device = fs::canonical(node / "device", none);
    return none ? "" : device.string();
}

int port_of(const fs::path& node) {
    std::ifstream file(node / "port");
    int port = 0;
    return file >> port ? port : 0;
}

}  // namespace

void note_rdma_node(NodeEffect& node, const std::string& root) {
    if (!node.path.starts_with(kDirectory)) return;
    const auto name = node.path.substr(kDirectory.size());
    const auto kind = kind_of(name);
    if (class_of(kind).empty()) return;
    const auto directory = fs::path(root) / "class" / class_of(kind) / name;
    node.rdma_hardware = hardware_of(directory);
    if (!node.rdma_hardware.empty()) node.rdma_port = port_of(directory);
}

Result<std::string> rdma_node_path(const NodeEffect& node, const std::string& root) {
    if (node.rdma_hardware.empty()) return node.path;
    const auto kind = kind_of(node.path.substr(kDirectory.size()));
    std::vector<std::string> found;
    std::error_code failed;
    for (fs::directory_iterator it(fs::path(root) / "class" / class_of(kind), failed), end;
         !failed && it != end; it.increment(failed)) {
        const auto name = it->path().filename().string();
        if (kind_of(name) == kind && hardware_of(it->path()) == node.rdma_hardware &&
            port_of(it->path()) == node.rdma_port)
            found.push_back(name);
    }
    const auto hardware = fs::path(node.rdma_hardware).filename().string();
    if (found.empty())
        return Error(Code::kNotFound, hardware + " has no device node " + kind +
                                          "N any more: was its driver unbound?");
    if (found.size() > 1)
        return Error(Code::kFailedPrecondition, hardware + " has the device nodes " + found[0] +
                                                    " and " + found[1] +
                                                    ": cannot tell which of them is meant");
    return std::string(kDirectory) + found.front();
}

}  // namespace knd
