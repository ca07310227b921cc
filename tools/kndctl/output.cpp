// SPDX-License-Identifier: Apache-2.0
#include "tools/kndctl/output.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>

namespace knd::ctl {
namespace {

bool is_plain_letter(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '/' || c == '.' || c == '-' ||
           c == '_';
}

/// Text that no version of YAML takes for a number, a boolean, a date or syntax.
bool is_plain(const std::string& text) {
    if (text.empty() || std::isalpha(static_cast<unsigned char>(text[0])) == 0) return false;
    if (!std::all_of(text.begin(), text.end(), is_plain_letter)) return false;
    std::string lower;
    for (const char c : text)
        lower += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    constexpr std::string_view kWords[] = {"true", "false", "null", "yes", "no",
                                           "on",   "off",   "y",    "n"};
    return std::find(std::begin(kWords), std::end(kWords), lower) == std::end(kWords);
}

std::string scalar(const Json& value) {
    if (value.is_string() && is_plain(value.get_ref<const std::string&>()))
        return value.get<std::string>();
    return to_text(value);  // a JSON string is a double-quoted YAML string
}

bool is_nested(const Json& value) {
    return (value.is_object() || value.is_array()) && !value.empty();
}

void write_yaml(const Json& value, std::size_t indent, std::string& out);

/// What stands behind "key:" or "-".
void write_entry(const Json& value, std::size_t indent, std::string& out) {
    if (is_nested(value)) {
        out += '\n';
        write_yaml(value, indent, out);
    } else {
        out += ' ' + scalar(value) + '\n';
    }
}

void write_yaml(const Json& value, std::size_t indent, std::string& out) {
    const std::string margin(indent, ' ');
    if (value.is_object() && !value.empty()) {
        for (const auto& [key, member] : value.items()) {
            out += margin + scalar(key) + ":";
            // kubectl puts lists under their key without indentation.
            write_entry(member, member.is_array() ? indent : indent + 2, out);
        }
    } else if (value.is_array() && !value.empty()) {
        for (const auto& item : value) {
            const auto begin = out.size();
            write_yaml(item, indent + 2, out);
            out.replace(begin, indent + 2, margin + "- ");
        }
    } else {
        out += margin + scalar(value) + '\n';
    }
}

}  // namespace

void add_output_option(CLI::App& command, Shared& shared) {
    command.add_option("-o,--output", shared.output, "text, json or yaml")
        ->check(CLI::IsMember({"text", "table", "json", "yaml"}))
        ->capture_default_str();
}

bool is_structured(const std::string& output) {
    return output == "json" || output == "yaml";
}

std::string json_text(const Json& document) {
    return document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string yaml_text(const Json& document) {
    std::string out;
    write_yaml(document, 0, out);
    return out;
}

std::string structured_text(const std::string& output, const Json& document) {
    return output == "yaml" ? yaml_text(document) : json_text(document);
}

int complain(const Error& error) {
    std::fprintf(stderr, "kndctl: %s\n", error.message().c_str());
    return 2;
}

void remark(const std::string& text) {
    std::fprintf(stderr, "note: %s\n", text.c_str());
}

}  // namespace knd::ctl
