// SPDX-License-Identifier: Apache-2.0
#include "tools/local/api/discovery.hpp"

#include <sys/utsname.h>

#include <set>

#include "tools/local/api/openapi.hpp"
#include "tools/local/api/schema.hpp"

namespace knd::api {
namespace {

constexpr std::string_view kAggregated = "g=apidiscovery.k8s.io";
constexpr std::string_view kProtobufV2 = "application/com.github.proto-openapi.spec.v2";

/// In protobuf where that is asked for and exists: nobody is refused a document.
Response document(const Request& request, const Json& json) {
    auto media = negotiate(request.accept).value_or(Representation{}).media;
    Response response;
    response.body = body_text(media, json);
    response.content_type = content_type(media);
    return response;
}

Response plain(std::string text, std::string type = "text/plain; charset=utf-8") {
    Response response;
    response.body = std::move(text);
    response.content_type = std::move(type);
    return response;
}

Json verbs(std::string_view subresource) {
    if (subresource == "status") return {"get", "patch", "update"};
    if (subresource == "binding") return {"create"};
    return {"create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"};
}

std::string git_version() {
    return "v1." + std::to_string(kMinor) + ".0";
}

Json version() {
    utsname system{};
    uname(&system);
    const bool arm = std::string_view(system.machine) == "aarch64";
    return {{"major", "1"},
            {"minor", std::to_string(kMinor)},
            {"gitVersion", git_version()},
            {"gitCommit", ""},
            {"gitTreeState", "clean"},
            {"buildDate", "1970-01-01T00:00:00Z"},
            {"goVersion", ""},
            {"compiler", ""},
            {"platform", arm ? "linux/arm64" : "linux/amd64"}};
}

Json resource_list(std::string_view group, std::string_view group_version) {
    Json resources = Json::array();
    for (const auto& kind : served_kinds()) {
        if (kind.group != group) continue;
        Json row = {{"name", kind.plural},
                    {"singularName", kind.singular},
                    {"namespaced", kind.namespaced},
                    {"kind", kind.kind},
                    {"verbs", verbs("")}};
        if (!kind.short_names.empty()) row["shortNames"] = kind.short_names;
        if (kind.id == Resource::kPods) row["categories"] = {"all"};
        resources.push_back(std::move(row));
        for (const auto part : kind.subresources) {
            resources.push_back({{"name", std::string(kind.plural) + "/" + std::string(part)},
                                 {"singularName", ""},
                                 {"namespaced", kind.namespaced},
                                 {"kind", part == "binding" ? "Binding" : kind.kind},
                                 {"verbs", verbs(part)}});
        }
    }
    return {{"apiVersion", "v1"},
            {"kind", "APIResourceList"},
            {"groupVersion", group_version},
            {"resources", std::move(resources)}};
}

Json group_entry(std::string_view group) {
    const Json version = {{"groupVersion", std::string(group) + "/v1"}, {"version", "v1"}};
    return {{"name", group}, {"versions", {version}}, {"preferredVersion", version}};
}

Json response_kind(const Kind& kind, std::string_view name) {
    return {{"group", kind.group}, {"version", kind.version}, {"kind", name}};
}

Json aggregated_group(std::string_view group) {
    Json resources = Json::array();
    for (const auto& kind : served_kinds()) {
        if (kind.group != group) continue;
        Json parts = Json::array();
        for (const auto part : kind.subresources) {
            parts.push_back(
                {{"subresource", part},
                 {"responseKind", response_kind(kind, part == "binding" ? "Binding" : kind.kind)},
                 {"verbs", verbs(part)}});
        }
        Json row = {{"resource", kind.plural},
                    {"responseKind", response_kind(kind, kind.kind)},
                    {"scope", kind.namespaced ? "Namespaced" : "Cluster"},
                    {"singularResource", kind.singular},
                    {"verbs", verbs("")}};
        if (!kind.short_names.empty()) row["shortNames"] = kind.short_names;
        if (kind.id == Resource::kPods) row["categories"] = {"all"};
        if (!parts.empty()) row["subresources"] = std::move(parts);
        resources.push_back(std::move(row));
    }
    Json metadata = {{"creationTimestamp", nullptr}};
    if (!group.empty()) metadata["name"] = group;
    return {{"metadata", std::move(metadata)},
            {"versions",
             {{{"version", "v1"}, {"resources", std::move(resources)}, {"freshness", "Current"}}}}};
}

std::set<std::string_view> groups() {
    std::set<std::string_view> names;
    for (const auto& kind : served_kinds())
        names.insert(kind.group);
    return names;
}

/// The list of groups below /api (core alone) or /apis (all others).
Response root(const Request& request, bool core) {
    if (request.accept.find(kAggregated) != std::string::npos) {
        const bool v2 = request.accept.find("v=v2;") != std::string::npos ||
                        request.accept.find("v=v2,") != std::string::npos;
        const std::string form = v2 ? "v2" : "v2beta1";
        Json items = Json::array();
        for (const auto group : groups()) {
            if (group.empty() == core) items.push_back(aggregated_group(group));
        }
        return plain(
            to_text({{"apiVersion", "apidiscovery.k8s.io/" + form},
                     {"kind", "APIGroupDiscoveryList"},
                     {"metadata", Json::object()},
                     {"items", std::move(items)}}),
            "application/json;g=apidiscovery.k8s.io;v=" + form + ";as=APIGroupDiscoveryList");
    }
    if (core) return document(request, {{"kind", "APIVersions"}, {"versions", {"v1"}}});
    Json list = Json::array();
    for (const auto group : groups()) {
        if (!group.empty()) list.push_back(group_entry(group));
    }
    return document(request,
                    {{"apiVersion", "v1"}, {"kind", "APIGroupList"}, {"groups", std::move(list)}});
}

std::optional<Response> group_document(const Request& request, std::string_view path) {
    for (const auto group : groups()) {
        if (group.empty()) continue;
        const auto base = "/apis/" + std::string(group);
        if (path == base) {
            auto entry = group_entry(group);
            entry["apiVersion"] = "v1";
            entry["kind"] = "APIGroup";
            return document(request, entry);
        }
        if (path == base + "/v1")
            return document(request, resource_list(group, std::string(group) + "/v1"));
    }
    return std::nullopt;
}

std::optional<Response> openapi_document(const Request& request) {
    if (request.path == "/openapi/v2") {
        if (request.accept.find("proto-openapi.spec.v2") != std::string::npos)
            return plain(openapi_v2_protobuf(git_version()),
                         std::string(kProtobufV2) + ".v1.0+protobuf");
        return document(request, openapi_v2(git_version()));
    }
    Json paths = Json::object();
    for (const auto group : groups()) {
        const auto key = group.empty() ? "api/v1" : "apis/" + std::string(group) + "/v1";
        const auto url = "/openapi/v3/" + key;
        if (request.path == url) return document(request, openapi_v3(group, git_version()));
        paths[key] = {{"serverRelativeURL", url}};
    }
    if (request.path == "/openapi/v3") return document(request, {{"paths", std::move(paths)}});
    return std::nullopt;
}

}  // namespace

bool is_public(std::string_view path) {
    return path == "/version" || path == "/healthz" || path.rfind("/livez", 0) == 0 ||
           path.rfind("/readyz", 0) == 0;
}

std::optional<Response> serve_document(const Request& request) {
    std::string_view path = request.path;
    if (path.size() > 1 && path.back() == '/') path.remove_suffix(1);
    if (path == "/version") return document(request, version());
    if (is_public(path)) return plain("ok");
    if (path == "/api") return root(request, true);
    if (path == "/apis") return root(request, false);
    if (path == "/api/v1") return document(request, resource_list("", "v1"));
    if (path.rfind("/openapi/", 0) == 0) return openapi_document(request);
    return group_document(request, path);
}

}  // namespace knd::api
