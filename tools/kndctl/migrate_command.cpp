// SPDX-License-Identifier: Apache-2.0
#include "tools/kndctl/migrate_command.hpp"

#include <CLI/CLI.hpp>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "host/manifest/manifest.hpp"
#include "tools/kndctl/migrate/migration.hpp"

namespace knd::ctl {
namespace {

struct Options {
    std::vector<std::string> files;
    std::string directory;
    migrate::Options migration;
};

std::string objects_text(const migrate::Migration& migration) {
    std::string text;
    for (const auto& object : migration.objects())
        text += (text.empty() ? "" : "---\n") + yaml_text(object);
    return text;
}

Result<void> write_file(const std::filesystem::path& path, const std::string& text) {
    std::ofstream file(path);
    if (file << text && file.flush()) return {};
    return Error(Code::kUnavailable, "cannot write " + path.string());
}

Result<int> run(const Options& options, const std::string& output) {
    migrate::Migration migration(options.migration);
    KND_TRY(manifest::for_each_object(
        options.files, [&](const Json& object, const Origin&) { return migration.add(object); }));
    for (const auto& note : migration.notes())
        remark(note);
    if (migration.empty()) {
        remark("none of these objects is one of the SR-IOV chain");
        return 1;
    }
    if (!options.directory.empty()) {
        const std::filesystem::path directory(options.directory);
        std::error_code failure;
        std::filesystem::create_directories(directory, failure);
        KND_TRY(write_file(directory / "kndd-sriov.toml", migration.toml()));
        KND_TRY(write_file(directory / "classes.yaml", objects_text(migration)));
        return 0;
    }
    if (is_structured(output)) {
        std::cout << structured_text(output, {{"toml", migration.toml()},
                                              {"objects", migration.objects()},
                                              {"notes", migration.notes()}});
        return 0;
    }
    std::cout << "# kndd's TOML\n"
              << migration.toml() << "\n# --- the cluster's objects\n"
              << objects_text(migration);
    return 0;
}

}  // namespace

void add_migrate_command(CLI::App& app, Shared& shared) {
    auto& group = *app.add_subcommand("migrate", "turns the objects of other drivers into ours");
    group.group(kClusterGroup);
    group.require_subcommand(1);
    auto& command = *group.add_subcommand(
        "sriov", "sriov-network-operator, sriov-network-device-plugin, sriov-cni");
    const auto options = std::make_shared<Options>();
    command
        .add_option("-f,--file", options->files,
                    "ConfigMap of the device plugin, SriovNetworkNodePolicy, SriovNetwork, "
                    "SriovIBNetwork, NetworkAttachmentDefinition; - for stdin")
        ->type_name("FILE")
        ->required();
    command
        .add_option("--write", options->directory,
                    "writes kndd-sriov.toml and classes.yaml there instead of printing them")
        ->type_name("DIRECTORY");
    command.add_option("--driver", options->migration.driver, "the DRA driver's name")
        ->type_name("NAME")
        ->capture_default_str();
    command
        .add_option("--operator-prefix", options->migration.operator_prefix,
                    "what the operator puts before the resource names of its policies")
        ->type_name("DOMAIN")
        ->capture_default_str();
    add_output_option(command, shared);
    command.footer(
        "What has no counterpart is said on stderr. Exit code: 0 something was taken over, 1 "
        "nothing was, 2 bad input.");
    command.callback([&shared, options] {
        const auto status = run(*options, shared.output);
        shared.status = status.ok() ? *status : complain(status.error());
    });
}

}  // namespace knd::ctl
