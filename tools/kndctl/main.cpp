// SPDX-License-Identifier: Apache-2.0
//
// kndctl: what an operator types on a node. It asks the daemon on its control socket and prints a
// table, or with `-o json` the daemon's answer as it is.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <functional>
#include <iostream>

#include "host/ops/control_client.hpp"
#include "tools/kndctl/table.hpp"

namespace {

using knd::Json;
using knd::ctl::Column;

struct Options {
    std::string socket = "/run/knd/kndd.sock";
    std::string output = "table";
    std::string device;
};

std::string devices(const Json& answer) {
    return knd::ctl::table({{"DEVICE", "name"},
                            {"BACKEND", "backend"},
                            {"POOL", "pool"},
                            {"STATE", "state"},
                            {"INTERFACE", "netdev"},
                            {"HARDWARE", "hardwareKey"},
                            {"CLAIM", "claim"},
                            {"REASON", "reason"}},
                           knd::json_at(answer, "devices"));
}

std::string claims(const Json& answer) {
    return knd::ctl::table({{"CLAIM", "claim"},
                            {"DEVICE", "device"},
                            {"STATE", "state"},
                            {"POD", "pod"},
                            {"INTERFACE", "interface"},
                            {"ADDRESSES", "addresses"},
                            {"REASON", "reason"}},
                           knd::json_at(answer, "claims"));
}

std::string backends(const Json& answer) {
    return knd::ctl::table({{"BACKEND", "name"},
                            {"STATE", "state"},
                            {"ID", "id"},
                            {"VERSION", "version"},
                            {"LIBRARY", "library"},
                            {"EXTENSIONS", "extensions"},
                            {"REASON", "reason"}},
                           knd::json_at(answer, "backends"));
}

std::string journal(const Json& answer) {
    const auto& info = knd::json_at(answer, "journal");
    return "file " + knd::json_string(info, "path") + ", schema " +
           std::to_string(knd::json_int(info, "schema")) + ", flushes since start " +
           std::to_string(knd::json_int(info, "flushes")) + "\n" +
           knd::ctl::table({{"CLAIM", "claim"},
                            {"UID", "uid"},
                            {"DEVICE", "device"},
                            {"BACKEND", "backend"},
                            {"STATE", "state"},
                            {"SANDBOX", "sandbox"},
                            {"CHANGED", "changed"}},
                           knd::json_at(answer, "claims"));
}

std::string lines(const Json& answer) {
    std::string text;
    for (const auto& line : knd::json_at(answer, "lines")) {
        if (line.is_string()) text += line.get<std::string>() + "\n";
    }
    return text;
}

std::string version(const Json& answer) {
    return "kndctl " KND_VERSION "\nkndd   " + knd::json_string(answer, "version") + "\n";
}

int show(const Options& options, const std::string& target,
         const std::function<std::string(const Json&)>& print) {
    const auto answer = knd::ops::control_get(options.socket, target);
    if (!answer) {
        std::fprintf(stderr, "kndctl: %s\n", answer.error().message().c_str());
        return 1;
    }
    std::cout << (options.output == "json" ? answer->dump(2) + "\n" : print(*answer));
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

}  // namespace

int main(int argc, char** argv) {
    Options options;
    int status = 0;
    CLI::App app{"kndctl: what KND Host does on this node, and why"};
    app.require_subcommand(1);
    app.fallthrough();
    app.add_option("--socket", options.socket, "control socket of kndd")->capture_default_str();
    app.add_option("-o,--output", options.output, "table or json")
        ->check(CLI::IsMember({"table", "json"}))
        ->capture_default_str();
    const auto command = [&](CLI::App& parent, const char* name, const char* help,
                             const char* target, std::string (*print)(const Json&)) {
        parent.add_subcommand(name, help)->callback([&, target, print] {
            status = show(options, target, print);
        });
    };
    command(app, "devices", "devices of this node, offered or not", "/devices", devices);
    command(app, "claims", "devices in the hands of claims, and where they are", "/claims", claims);
    command(app, "backends", "loaded backends and their state", "/backends", backends);
    command(app, "journal", "what would survive a crash right now", "/journal", journal);
    command(app, "version", "versions of kndctl and kndd", "/version", version);
    auto* explain = app.add_subcommand("explain", "why something is as it is");
    explain->require_subcommand(1);
    auto* device = explain->add_subcommand("device", "why a device is or is not offered");
    device->add_option("NAME", options.device, "name of the device")->required();
    device->callback(
        [&] { status = show(options, "/explain/device/" + escaped(options.device), lines); });
    CLI11_PARSE(app, argc, argv);
    return status;
}
