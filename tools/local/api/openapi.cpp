// SPDX-License-Identifier: Apache-2.0
#include "tools/local/api/openapi.hpp"

#include "tools/local/api/kinds.hpp"
#include "tools/local/api/schema.hpp"

namespace knd::api {
namespace {

constexpr std::string_view kGvk = "x-kubernetes-group-version-kind";
constexpr const char* kWriteParameters[] = {"dryRun", "fieldManager", "fieldValidation"};

std::string definition_name(const Type& type) {
    return type.package + "." + type.name;
}

/// Builds schemas; the two OpenAPI versions differ in where definitions live and in how a reference
/// can carry a description.
class SchemaWriter {
  public:
    explicit SchemaWriter(bool v3) : v3_(v3) {}

    Json definitions() const {
        Json all = Json::object();
        for (const auto& [name, type] : served_schema().types()) {
            if (!type->package.empty()) all[definition_name(*type)] = definition(*type);
        }
        for (const auto& kind : all_kinds()) {
            const auto* type = served_schema().find(kind.kind);
            all[definition_name(*type)][std::string(kGvk)] = {group_version_kind(kind)};
        }
        return all;
    }

    static Json group_version_kind(const Kind& kind) {
        return {{"group", kind.group}, {"version", kind.version}, {"kind", kind.kind}};
    }

  private:
    Json definition(const Type& type) const {
        Json properties = Json::object();
        Json required = Json::array();
        for (const auto& field : type.fields) {
            if (!field.exists_in(kMinor)) continue;
            properties[field.name] = property(field);
            if (field.required) required.push_back(field.name);
        }
        Json json = {{"type", "object"},
                     {"description", type.description},
                     {"properties", std::move(properties)}};
        if (!required.empty()) json["required"] = std::move(required);
        return json;
    }

    Json property(const Field& field) const {
        auto json = schema(*field.type);
        json["description"] = field.description;
        if (!field.allowed.empty()) json["enum"] = field.allowed;
        if (!field.merge_key.empty()) {
            json["x-kubernetes-patch-strategy"] = "merge";
            json["x-kubernetes-patch-merge-key"] = field.merge_key;
        } else if (field.set) {
            json["x-kubernetes-patch-strategy"] = "merge";
        }
        if (field.type->shape == Shape::kList)
            json["x-kubernetes-list-type"] = field.set            ? "set"
                                             : field.keys.empty() ? "atomic"
                                                                  : "map";
        if (!field.keys.empty()) json["x-kubernetes-list-map-keys"] = field.keys;
        return json;
    }

    Json schema(const Type& type) const {
        switch (type.shape) {
            case Shape::kString:
            case Shape::kQuantity:
                return {{"type", "string"}};
            case Shape::kInt:
                return {{"type", "integer"}, {"format", type.name == "int" ? "int64" : "int32"}};
            case Shape::kBool:
                return {{"type", "boolean"}};
            case Shape::kTime:
                return {{"type", "string"}, {"format", "date-time"}};
            case Shape::kRaw:
                return {{"x-kubernetes-preserve-unknown-fields", true}};
            case Shape::kList:
                return {{"type", "array"}, {"items", schema(*type.element)}};
            case Shape::kMap:
                return {{"type", "object"}, {"additionalProperties", schema(*type.element)}};
            case Shape::kObject:
                break;
        }
        const Json reference = {
            {"$ref", (v3_ ? "#/components/schemas/" : "#/definitions/") + definition_name(type)}};
        return v3_ ? Json{{"allOf", {reference}}} : reference;
    }

    bool v3_;
};

Json operation(const Kind& kind, std::string_view action, bool writes, bool v3) {
    Json parameters = Json::array();
    if (writes) {
        for (const auto* name : kWriteParameters) {
            Json parameter = {{"name", name}, {"in", "query"}};
            if (v3)
                parameter["schema"] = {{"type", "string"}};
            else
                parameter["type"] = "string";
            parameters.push_back(std::move(parameter));
        }
    }
    return {{"operationId", std::string(action) + std::string(kind.kind)},
            {"parameters", std::move(parameters)},
            {"responses", {{"200", {{"description", "OK"}}}}},
            {"x-kubernetes-action", action},
            {std::string(kGvk), SchemaWriter::group_version_kind(kind)}};
}

void add_paths(const Kind& kind, bool v3, Json& paths) {
    const auto base = (kind.group.empty() ? "/api/" : "/apis/") + kind.api_version();
    const auto collection =
        base + (kind.namespaced ? "/namespaces/{namespace}/" : "/") + std::string(kind.plural);
    paths[collection] = {{"get", operation(kind, "list", false, v3)},
                         {"post", operation(kind, "post", true, v3)}};
    paths[collection + "/{name}"] = {{"get", operation(kind, "get", false, v3)},
                                     {"put", operation(kind, "put", true, v3)},
                                     {"patch", operation(kind, "patch", true, v3)},
                                     {"delete", operation(kind, "delete", true, v3)}};
}

/// Protocol buffer fields, as far as gnostic's OpenAPI v2 messages need them.
class Message {
  public:
    Message& text(unsigned field, std::string_view value) {
        varint(field << 3 | 2);
        varint(value.size());
        bytes_.append(value);
        return *this;
    }
    Message& text(unsigned field, const Json& json, std::string_view key) {
        if (json.contains(key)) text(field, json_string(json, key));
        return *this;
    }
    Message& message(unsigned field, const Message& value) { return text(field, value.bytes_); }
    const std::string& bytes() const { return bytes_; }

  private:
    void varint(std::size_t value) {
        for (; value > 0x7f; value >>= 7)
            bytes_ += static_cast<char>((value & 0x7f) | 0x80);
        bytes_ += static_cast<char>(value);
    }
    std::string bytes_;
};

/// NamedAny for every extension of the object.
void add_extensions(Message& message, unsigned field, const Json& json) {
    for (const auto& [key, value] : json.items()) {
        if (key.rfind("x-", 0) != 0) continue;
        message.message(field,
                        Message().text(1, key).message(2, Message().text(2, to_text(value))));
    }
}

Message encode_schema(const Json& json) {
    Message out;
    out.text(1, json, "$ref").text(2, json, "format").text(4, json, "description");
    for (const auto& name : json_at(json, "required"))
        out.text(19, name.get_ref<const std::string&>());
    for (const auto& value : json_at(json, "enum"))
        out.message(20, Message().text(2, to_text(value)));
    if (json.contains("additionalProperties"))
        out.message(21, Message().message(1, encode_schema(json["additionalProperties"])));
    if (json.contains("type")) out.message(22, Message().text(1, json_string(json, "type")));
    if (json.contains("items")) out.message(23, Message().message(1, encode_schema(json["items"])));
    if (json.contains("properties")) {
        Message properties;
        for (const auto& [name, property] : json["properties"].items())
            properties.message(1, Message().text(1, name).message(2, encode_schema(property)));
        out.message(25, properties);
    }
    add_extensions(out, 31, json);
    return out;
}

Message encode_operation(const Json& json) {
    Message out;
    out.text(5, json, "operationId");
    for (const auto& parameter : json["parameters"]) {
        Message query;
        query.text(2, "query").text(4, parameter, "name").text(6, "string");
        out.message(8, Message().message(1, Message().message(2, Message().message(3, query))));
    }
    const auto ok = Message().message(1, Message().text(1, "OK"));
    out.message(9, Message().message(1, Message().text(1, "200").message(2, ok)));
    add_extensions(out, 13, json);
    return out;
}

Message encode_path(const Json& json) {
    constexpr std::pair<const char*, unsigned> kMethods[] = {
        {"get", 2}, {"put", 3}, {"post", 4}, {"delete", 5}, {"patch", 8}};
    Message out;
    for (const auto& [method, field] : kMethods) {
        if (json.contains(method)) out.message(field, encode_operation(json[method]));
    }
    return out;
}

}  // namespace

Json openapi_v3(std::string_view group, std::string_view version) {
    Json paths = Json::object();
    for (const auto& kind : all_kinds()) {
        if (kind.group == group) add_paths(kind, true, paths);
    }
    return {{"openapi", "3.0.0"},
            {"info", {{"title", "Kubernetes"}, {"version", version}}},
            {"paths", std::move(paths)},
            {"components", {{"schemas", SchemaWriter(true).definitions()}}}};
}

Json openapi_v2(std::string_view version) {
    Json paths = Json::object();
    for (const auto& kind : all_kinds())
        add_paths(kind, false, paths);
    return {{"swagger", "2.0"},
            {"info", {{"title", "Kubernetes"}, {"version", version}}},
            {"paths", std::move(paths)},
            {"definitions", SchemaWriter(false).definitions()}};
}

std::string openapi_v2_protobuf(std::string_view version) {
    const auto json = openapi_v2(version);
    Message paths;
    for (const auto& [path, item] : json["paths"].items())
        paths.message(2, Message().text(1, path).message(2, encode_path(item)));
    Message definitions;
    for (const auto& [name, definition] : json["definitions"].items())
        definitions.message(1, Message().text(1, name).message(2, encode_schema(definition)));
    Message document;
    document.text(1, "2.0")
        .message(2, Message().text(1, "Kubernetes").text(2, version))
        .message(8, paths)
        .message(9, definitions);
    return document.bytes();
}

}  // namespace knd::api
