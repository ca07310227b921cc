// SPDX-License-Identifier: Apache-2.0
#include "tools/local/api/present.hpp"

namespace knd::api {

Json partial_metadata(const Json& object) {
    return {{"apiVersion", "meta.k8s.io/v1"},
            {"kind", "PartialObjectMetadata"},
            {"metadata", json_at(object, "metadata")}};
}

Presenter::Presenter(const Kind& kind, std::string_view accept, std::string_view include)
    : kind_(kind), include_(include.empty() ? "Metadata" : include) {
    // Clients list what they can read in order of preference; all of them put Table first.
    if (accept.find("as=Table") != accept.npos && accept.find("v=v1") != accept.npos)
        form_ = Form::kTable;
    else if (accept.find("as=PartialObjectMetadata") != accept.npos)
        form_ = Form::kMetadata;
}

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
    return object;
}

Json Presenter::list(const std::vector<Object>& objects, Json metadata) const {
    if (form_ == Form::kTable) return table(objects, std::move(metadata));
    const bool whole = form_ == Form::kObject;
    Json items = Json::array();
    for (const auto& object : objects)
        items.push_back(whole ? *object : partial_metadata(*object));
    return {{"apiVersion", whole ? kind_.api_version() : "meta.k8s.io/v1"},
            {"kind", whole ? std::string(kind_.kind) + "List" : "PartialObjectMetadataList"},
            {"metadata", std::move(metadata)},
            {"items", std::move(items)}};
}

Json Presenter::row(const Json& object) const {
    Json cells = Json::array();
    for (const auto& column : kind_.columns)
        cells.push_back(column.cell(object));
    Json row = {{"cells", std::move(cells)}};
    if (include_ == "Object")
        row["object"] = object;
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
