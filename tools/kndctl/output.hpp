// SPDX-License-Identifier: Apache-2.0
//
// How kndctl prints: JSON, YAML, or what each command has for people.
#pragma once

#include <CLI/App.hpp>
#include <string>

#include "host/model/json.hpp"

namespace knd::ctl {

/// How --help groups the commands that look at a cluster.
constexpr char kClusterGroup[] = "Commands that look at manifests or at a cluster";

/// What all commands have in common.
struct Shared {
    std::string output = "text";
    int status = 0;  ///< exit code
};

/// -o; "table" is another name for "text".
void add_output_option(CLI::App& command, Shared& shared);
bool is_structured(const std::string& output);

/// Two spaces per level, and a line end.
std::string json_text(const Json& document);

/// The same document as YAML that every reader takes for what it is: strings that look like
/// something else are quoted.
std::string yaml_text(const Json& document);

/// json_text() or yaml_text(), by what was given to -o.
std::string structured_text(const std::string& output, const Json& document);

/// "kndctl: message" on stderr, and the exit code for bad input.
int complain(const Error& error);

/// A sentence on stderr that does not make the answer wrong.
void remark(const std::string& text);

}  // namespace knd::ctl
