// SPDX-License-Identifier: Apache-2.0
#include "host/manifest/manifest.hpp"

#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "host/manifest/json_cutter.hpp"
#include "host/manifest/parse_ahead.hpp"
#include "host/model/text_file.hpp"
#include "host/model/yaml.hpp"

namespace knd::manifest {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kList = "List";

bool is_manifest(const fs::path& file) {
    const auto extension = file.extension();
    return extension == ".json" || extension == ".yaml" || extension == ".yml";
}

/// Gives the elements of a list their kind, when they have none and the list's name tells it.
class ListReader {
  public:
    ListReader(std::string file, const ObjectSink& sink) : file_(std::move(file)), sink_(sink) {}

    /// What is known of the list already; may come late.
    void list(const Json& shell) {
        const auto kind = json_string(shell, "kind");
        if (kind.size() <= kList.size() || !kind.ends_with(kList)) return;
        kind_ = kind.substr(0, kind.size() - kList.size());
        version_ = json_string(shell, "apiVersion");
    }

    Result<void> item(Json object, int line) {
        if (object.is_object() && !object.contains("kind") && kind_.empty()) {
            waiting_.emplace_back(std::move(object), line);
            return {};
        }
        return deliver(std::move(object), line);
    }

    /// After the last element.
    Result<void> end() {
        for (auto& [object, line] : std::exchange(waiting_, {}))
            KND_TRY(deliver(std::move(object), line));
        kind_.clear();
        return {};
    }

    Result<void> deliver(Json object, int line) {
        const Origin origin{file_, line};
        if (!object.is_object())
            return Error(
                Code::kInvalidArgument,
                origin.text() + ": an API object is expected here, not a " + object.type_name());
        if (!object.contains("kind") && !kind_.empty()) {
            object["kind"] = kind_;
            if (!version_.empty()) object["apiVersion"] = version_;
        }
        if (json_string(object, "kind").empty())
            return Error(Code::kInvalidArgument,
                         origin.text() + ": kind: required, to tell what the object is");
        return sink_(std::move(object), origin).wrap(origin.text());
    }

  private:
    std::string file_;
    const ObjectSink& sink_;
    std::string kind_;
    std::string version_;
    std::vector<std::pair<Json, int>> waiting_;
};

Result<void> read_json(const JsonDocument& document, const std::string& file, ListReader& reader) {
    const Origin whole{file, document.whole.line};
    if (!document.items) {
        KND_TRY_ASSIGN(auto object, parse_json(document.whole.text, whole));
        return reader.deliver(std::move(object), whole.line);
    }
    auto shell = parse_json(document.shell, whole);
    // In the shell the lines are not those of the file.
    if (!shell.ok()) KND_TRY(parse_json(document.whole.text, whole));
    KND_TRY(shell);
    reader.list(*shell);
    ParseAhead parsed(*document.items, file);
    for (const auto& item : *document.items) {
        KND_TRY_ASSIGN(auto object, parsed.next());
        KND_TRY(reader.item(std::move(object), item.line));
    }
    return reader.end();
}

Result<void> read_yaml(std::string_view text, const Origin& origin, ListReader& reader) {
    bool list = false;
    YamlSink sink;
    sink.item = [&](Json item, int line) {
        list = true;
        return reader.item(std::move(item), line);
    };
    sink.document = [&](Json document, int line) -> Result<void> {
        const bool had_items = std::exchange(list, false);
        const auto& items = json_at(document, "items");
        if (!had_items && !(items.is_array() && items.empty()))
            return reader.deliver(std::move(document), line);
        reader.list(document);
        return reader.end();
    };
    return parse_yaml_documents(text, origin, sink);
}

}  // namespace

Result<std::vector<std::string>> find_files(const std::string& path) {
    std::error_code error;
    if (path == "-" || !fs::is_directory(path, error)) return std::vector{path};
    std::vector<std::string> files;
    for (fs::directory_iterator entry(path, error), end; !error && entry != end;
         entry.increment(error)) {
        if (is_manifest(entry->path())) files.push_back(entry->path().string());
    }
    if (error) return Error::from_errno(path, error.value());
    if (files.empty())
        return Error(Code::kNotFound, path + ": the directory has no *.json, *.yaml or *.yml");
    std::sort(files.begin(), files.end());
    return files;
}

Result<Source> read_source(const std::string& file) {
    if (file == "-") {
        KND_TRY_ASSIGN(auto text, read_text(STDIN_FILENO, "stdin"));
        return Source{"stdin", std::move(text)};
    }
    KND_TRY_ASSIGN(auto text, read_text_file(file));
    return Source{file, std::move(text)};
}

Result<void> for_each_object(const Source& source, const ObjectSink& sink) {
    ListReader reader(source.name, sink);
    JsonCutter cutter(source.text, 1);
    while (const auto document = cutter.next())
        KND_TRY(read_json(*document, source.name, reader));
    const auto rest = cutter.rest();
    if (rest.text.empty()) return {};
    return read_yaml(rest.text, {source.name, rest.line}, reader);
}

Result<void> for_each_object(std::span<const std::string> paths, const ObjectSink& sink) {
    for (const auto& path : paths) {
        KND_TRY_ASSIGN(const auto files, find_files(path));
        for (const auto& file : files) {
            KND_TRY_ASSIGN(const auto source, read_source(file));
            KND_TRY(for_each_object(source, sink));
        }
    }
    return {};
}

}  // namespace knd::manifest
