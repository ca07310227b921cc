// SPDX-License-Identifier: Apache-2.0
#include "tools/kndctl/node_commands.hpp"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <iostream>
#include <memory>

#include "host/ops/control_client.hpp"
#include "tools/kndctl/output.hpp"
#include "tools/kndctl/table.hpp"

namespace knd::ctl {
namespace {

constexpr char kNodeGroup[] = "Commands that ask kndd on this node";
using Print = std::string (*)(const Json&);

struct Options {
    std::string socket = "/run/knd/kndd.sock";
    std::string device;
};

std::string devices(const Json& answer) {
    return table({{"DEVICE", "name"},
                  {"BACKEND", "backend"},
                  {"POOL", "pool"},
                  {"STATE", "state"},
                  {"INTERFACE", "netdev"},
                  {"HARDWARE", "hardwareKey"},
                  {"CLAIM", "claim"},
                  {"REASON", "reason"}},
                 json_at(answer, "devices"));
}

std::string claims(const Json& answer) {
    return table({{"CLAIM", "claim"},
                  {"DEVICE", "device"},
                  {"STATE", "state"},
                  {"POD", "pod"},
                  {"INTERFACE", "interface"},
                  {"ADDRESSES", "addresses"},
                  {"REASON", "reason"}},
                 json_at(answer, "claims"));
}

std::string backends(const Json& answer) {
    return table({{"BACKEND", "name"},
                  {"STATE", "state"},
                  {"ID", "id"},
                  {"VERSION", "version"},
                  {"LIBRARY", "library"},
                  {"EXTENSIONS", "extensions"},
                  {"LAST CRASH", "lastCrash"},
                  {"REASON", "reason"}},
                 json_at(answer, "backends"));
}

std::string journal(const Json& answer) {
    const auto& info = json_at(answer, "journal");
    return "file " + json_string(info, "path") + ", schema " +
           std::to_string(json_int(info, "schema")) + ", flushes since start " +
           std::to_string(json_int(info, "flushes")) + "\n" +
           table({{"CLAIM", "claim"},
                  {"UID", "uid"},
                  {"DEVICE", "device"},
                  {"BACKEND", "backend"},
                  {"STATE", "state"},
                  {"SANDBOX", "sandbox"},
                  {"CHANGED", "changed"}},
                 json_at(answer, "claims"));
}

std::string lines(const Json& answer) {
    std::string text;
    for (const auto& line : json_at(answer, "lines")) {
        if (line.is_string()) text += line.get<std::string>() + "\n";
    }
    return text;
}

std::string version(const Json& answer) {
    return "kndctl " KND_VERSION "\nkndd   " + json_string(answer, "version") + "\n";
}

int show(const Options& options, const std::string& output, const std::string& target,
         Print print) {
    const auto answer = ops::control_get(options.socket, target);
    if (!answer) {
        std::fprintf(stderr, "kndctl: %s\n", answer.error().message().c_str());
        return 1;
    }
    std::cout << (is_structured(output) ? structured_text(output, *answer) : print(*answer));
    return 0;
}

/// What may stand in a URL path; a device name needs no more, and a wrong one must not break it.
std::string escaped(const std::string& text) {
    static constexpr char kHex[] = "0123456789ABCDEF";
    std::string out;
    for (const unsigned char c : text) {
        if (std::isalnum(c) || c == '-' || c == '.' || c == '_') {
            out += static_cast<char>(c);
        } else {
            out += '%';
            out += kHex[c >> 4];
            out += kHex[c & 15];
        }
    }
    return out;
}

void add_socket_option(CLI::App& command, Options& options) {
    command.add_option("--socket", options.socket, "control socket of kndd")->capture_default_str();
}

}  // namespace

void add_node_commands(CLI::App& app, CLI::App& explain, Shared& shared) {
    // Shared by the callbacks, which run after this function has returned.
    const auto options = std::make_shared<Options>();
    const auto ask = [&shared, options](CLI::App& command, const char* target, Print print) {
        add_output_option(command, shared);
        add_socket_option(command, *options);
        command.group(kNodeGroup)->callback([&shared, options, target, print] {
            shared.status = show(*options, shared.output, target, print);
        });
    };
    add_socket_option(app, *options);  // before the command's name it has always been welcome
    ask(*app.add_subcommand("devices", "devices of this node, offered or not"), "/devices",
        devices);
    ask(*app.add_subcommand("claims", "devices in the hands of claims, and where they are"),
        "/claims", claims);
    ask(*app.add_subcommand("backends", "loaded backends and their state"), "/backends", backends);
    ask(*app.add_subcommand("journal", "what would survive a crash right now"), "/journal",
        journal);
    ask(*app.add_subcommand("version", "versions of kndctl and kndd"), "/version", version);
    auto* device = explain.add_subcommand("device", "why a device is or is not offered; asks kndd");
    add_output_option(*device, shared);
    add_socket_option(*device, *options);
    device->add_option("NAME", options->device, "name of the device")->required();
    device->callback([&shared, options] {
        const auto target = "/explain/device/" + escaped(options->device);
        shared.status = show(*options, shared.output, target, lines);
    });
}

}  // namespace knd::ctl
