// SPDX-License-Identifier: Apache-2.0
//
// Manifests: the API objects in files that a user names, as `kubectl -f` takes them and as
// `kubectl get -o json` and `-o yaml` write them. YAML or JSON, several documents in one file,
// lists in place of their elements, directories in place of their files.
//
// Each error begins with file and line.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "host/model/json.hpp"
#include "host/model/origin.hpp"

#include <knd/cpp/result.hpp>

namespace knd::manifest {

/// A file in memory.
struct Source {
    std::string name;
    std::string text;
};

/// Takes one object, which has a kind. Its failure ends the reading, with the object's place
/// before it.
using ObjectSink = std::function<Result<void>(Json object, const Origin& origin)>;

/// The files behind a path: itself, or those of a directory (not of those below it) that are
/// *.json, *.yaml or *.yml, by name. "-" is standard input.
Result<std::vector<std::string>> find_files(const std::string& path);

/// At most 1 GiB. "-" is standard input.
Result<Source> read_source(const std::string& file);

/// Every object of one text, in its order, given to `sink` by this thread. Few of them are in
/// memory at a time; those of a JSON list are parsed by other threads meanwhile. An element of a
/// typed list without a kind of its own gets that of the list.
Result<void> for_each_object(const Source& source, const ObjectSink& sink);

/// The same for paths as a user gives them.
Result<void> for_each_object(std::span<const std::string> paths, const ObjectSink& sink);

}  // namespace knd::manifest
