// SPDX-License-Identifier: Apache-2.0
#include "tools/local/api/present.hpp"

#include <algorithm>
#include <cstdlib>
#include <map>

#include "tools/local/api/protobuf.hpp"

namespace knd::api {
namespace {

/// One part of an Accept header.
struct Clause {
    std::string_view type;
    std::map<std::string_view, std::string_view> parameters;

    std::string_view parameter(std::string_view name) const {
        const auto found = parameters.find(name);
        return found == parameters.end() ? std::string_view() : found->second;
    }
    double quality() const {
        const auto q = parameter("q");
        return q.empty() ? 1 : std::strtod(std::string(q).c_str(), nullptr);
    }
};

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && text.front() == ' ')
        text.remove_prefix(1);
    while (!text.empty() && text.back() == ' ')
        text.remove_suffix(1);
    return text;
}

/// Takes what is in front of `separator` off, without blanks.
std::string_view take_part(std::string_view& text, char separator) {
    const auto part = text.substr(0, text.find(separator));
    text.remove_prefix(std::min(part.size() + 1, text.size()));
    return trimmed(part);
}

Clause read_clause(std::string_view text) {
    Clause clause;
    clause.type = take_part(text, ';');
    while (!text.empty()) {
        auto parameter = take_part(text, ';');
        const auto name = take_part(parameter, '=');
        clause.parameters[name] = parameter;
    }
    return clause;
}

std::optional<Representation> representation_of(const Clause& clause) {
    Representation wanted;
    const auto type = clause.type;
    if (type == "application/vnd.kubernetes.protobuf")
        wanted.media = MediaType::kProtobuf;
    else if (type == "application/yaml")
        wanted.media = MediaType::kYaml;
    else if (type != "application/json" && type != "*/*" && type != "application/*")
        return std::nullopt;
    const auto as = clause.parameter("as");
    if (as.empty()) return wanted;
    if (clause.parameter("v") != "v1") return std::nullopt;
    wanted.form = as == "Table" ? Form::kTable : Form::kMetadata;
    if (as == "Table" && wanted.media != MediaType::kProtobuf) return wanted;
    if (as == "PartialObjectMetadata" || as == "PartialObjectMetadataList") return wanted;
    return std::nullopt;
}

}  // namespace

std::optional<Representation> negotiate(std::string_view accept) {
    if (trimmed(accept).empty()) return Representation{};
    std::vector<Clause> clauses;
    while (!accept.empty())
        clauses.push_back(read_clause(take_part(accept, ',')));
    std::stable_sort(clauses.begin(), clauses.end(),
                     [](const Clause& a, const Clause& b) { return a.quality() > b.quality(); });
    for (const auto& clause : clauses) {
        if (auto wanted = representation_of(clause)) return wanted;
    }
    return std::nullopt;
}

std::string_view content_type(MediaType media) {
    switch (media) {
        case MediaType::kProtobuf:
            return "application/vnd.kubernetes.protobuf";
        case MediaType::kYaml:
            return "application/yaml";
        case MediaType::kJson:
            break;
    }
    return "application/json";
}

std::string_view watch_content_type(MediaType media) {
    return media == MediaType::kProtobuf ? "application/vnd.kubernetes.protobuf;stream=watch"
                                         : "application/json";
}

std::string body_text(MediaType& media, const Json& document) {
    if (media == MediaType::kProtobuf) {
        if (auto encoded = encode_protobuf(document)) return *std::move(encoded);
        media = MediaType::kJson;
    }
    return to_text(document);
}

std::string event_text(MediaType media, std::string_view type, const Json& object) {
    if (media == MediaType::kProtobuf) return encode_watch_event(type, object).value_or("");
    return to_text({{"type", type}, {"object", object}}) + "\n";
}

Json partial_metadata(const Json& object) {
    return {{"apiVersion", "meta.k8s.io/v1"},
            {"kind", "PartialObjectMetadata"},
            {"metadata", json_at(object, "metadata")}};
}

Presenter::Presenter(const Kind& kind, Form form, std::string_view include)
    : kind_(kind), form_(form), include_(include.empty() ? "Metadata" : include) {}

Json Presenter::object(const Json& object) const {
    switch (form_) {
        case Form::kTable:
            return table({std::make_shared<const Json>(object)},
                         {{"resourceVersion", json_path(object, {"metadata", "resourceVersion"})}});
        case Form::kMetadata:
            return partial_metadata(object);
        case Form::kObject:
            break;
    }
    return whole(object);
}

Json Presenter::whole(const Json& object) const {
    return kind_.from_stored == nullptr ? object : kind_.from_stored(object);
}

Json Presenter::list(const std::vector<Object>& objects, Json metadata) const {
    if (form_ == Form::kTable) return table(objects, std::move(metadata));
    const bool complete = form_ == Form::kObject;
    Json items = Json::array();
    for (const auto& object : objects)
        items.push_back(complete ? whole(*object) : partial_metadata(*object));
    return {{"apiVersion", complete ? kind_.api_version() : "meta.k8s.io/v1"},
            {"kind", complete ? std::string(kind_.kind) + "List" : "PartialObjectMetadataList"},
            {"metadata", std::move(metadata)},
            {"items", std::move(items)}};
}

Json Presenter::row(const Json& object) const {
    Json cells = Json::array();
    for (const auto& column : kind_.columns)
        cells.push_back(column.cell(object));
    Json row = {{"cells", std::move(cells)}};
    if (include_ == "Object")
        row["object"] = whole(object);
    else if (include_ == "Metadata")
        row["object"] = partial_metadata(object);
    return row;
}

Json Presenter::table(const std::vector<Object>& objects, Json metadata) const {
    Json columns = Json::array();
    for (const auto& column : kind_.columns) {
        columns.push_back({{"name", column.name},
                           {"type", column.type},
                           {"format", column.name == "Name" ? "name" : ""},
                           {"description", column.name},
                           {"priority", column.priority}});
    }
    Json rows = Json::array();
    for (const auto& object : objects)
        rows.push_back(row(*object));
    return {{"apiVersion", "meta.k8s.io/v1"},
            {"kind", "Table"},
            {"metadata", std::move(metadata)},
            {"columnDefinitions", std::move(columns)},
            {"rows", std::move(rows)}};
}

}  // namespace knd::api
