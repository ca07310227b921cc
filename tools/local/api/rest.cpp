// SPDX-License-Identifier: Apache-2.0
#include "tools/local/api/rest.hpp"

#include <algorithm>

#include "host/model/yaml.hpp"
#include "tools/local/api/discovery.hpp"
#include "tools/local/api/intake.hpp"
#include "tools/local/api/patch.hpp"
#include "tools/local/api/protobuf.hpp"
#include "tools/local/api/schema.hpp"

namespace knd::api {
namespace {

constexpr std::int64_t kWatchSeconds = 3600;

Response respond(MediaType media, const Json& json, int status = 200) {
    Response response;
    response.status = status;
    response.body = body_text(media, json);
    response.content_type = content_type(media);
    return response;
}

/// Of a request that was let through: it accepts something.
Representation representation(const Request& request) {
    return negotiate(request.accept).value_or(Representation{});
}

Presenter presenter(const Kind& kind, const Request& request) {
    return {kind, representation(request).form, request.parameter("includeObject")};
}

std::string decoded(std::string_view text, bool plus_is_space) {
    const auto digit = [](char c) { return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10; };
    std::string plain;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool escape = text[i] == '%' && i + 2 < text.size() &&
                            std::isxdigit(static_cast<unsigned char>(text[i + 1])) != 0 &&
                            std::isxdigit(static_cast<unsigned char>(text[i + 2])) != 0;
        if (escape) {
            plain += static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2]));
            i += 2;
        } else {
            plain += plus_is_space && text[i] == '+' ? ' ' : text[i];
        }
    }
    return plain;
}

std::vector<std::string> segments_of(std::string_view path) {
    std::vector<std::string> segments;
    while (!path.empty()) {
        const auto slash = std::min(path.find('/'), path.size());
        if (slash != 0) segments.emplace_back(path.substr(0, slash));
        path.remove_prefix(std::min(slash + 1, path.size()));
    }
    return segments;
}

std::uint64_t number(const std::string& text) {
    return std::strtoull(text.c_str(), nullptr, 10);
}

/// The body as JSON; a body in protobuf that does not name its kind is a `name` of `kind`'s group.
Answer<Json> parse_body(const Request& request, const Kind& kind, std::string_view name) {
    const auto is = [&](std::string_view type) {
        return request.content_type.find(type) != std::string::npos;
    };
    const auto& type = request.content_type;
    if (!type.empty() && !is("json") && !is("yaml") && !is("application/vnd.kubernetes.protobuf"))
        return Status{415, "UnsupportedMediaType",
                      "the body of the request was in an unknown format - accepted media types "
                      "include: application/json, application/yaml, "
                      "application/vnd.kubernetes.protobuf",
                      Json::object()};
    auto json = is("protobuf")
                    ? decode_protobuf(request.body, kind.api_version(), std::string(name))
                : is("yaml") ? parse_yaml(request.body)
                             : parse_json(request.body);
    if (!json.ok()) return bad_request(json.error().message());
    return *std::move(json);
}

/// An object out of a body, as it is stored.
Answer<Json> parse_object(const Request& request, const Kind& kind) {
    KND_TRY_ASSIGN(auto object, parse_body(request, kind, kind.kind));
    if (kind.to_stored == nullptr) return object;
    const auto version = json_string(object, "apiVersion", kind.api_version());
    if (version != kind.api_version())
        return bad_request("the API version in the data (" + version +
                           ") does not match the expected API version (" + kind.api_version() +
                           ")");
    return kind.to_stored(std::move(object));
}

/// Whether nothing is to be stored. `asked` lists stages, of which there is one: All.
Answer<bool> dry_run(const Json& asked, std::string_view options) {
    if (!asked.is_array()) return bad_request("dryRun is no list");
    for (const auto& stage : asked) {
        if (stage != "All")
            return invalid(options, "", {field_unsupported("dryRun", asked, {"All"})});
    }
    return !asked.empty();
}

Answer<WriteOptions> write_options(const Request& request, const std::string& subresource,
                                   std::vector<std::string>& warnings) {
    const auto* kind = request.method == "POST"  ? "CreateOptions.meta.k8s.io"
                       : request.method == "PUT" ? "UpdateOptions.meta.k8s.io"
                                                 : "PatchOptions.meta.k8s.io";
    WriteOptions options;
    options.subresource = subresource;
    Json stages = Json::array();
    if (const auto text = request.parameter("dryRun"); !text.empty()) stages.push_back(text);
    KND_TRY_ASSIGN(options.dry_run, dry_run(stages, kind));
    options.force = request.flag("force");
    options.field_manager = request.parameter("fieldManager");
    const auto validation = request.parameter("fieldValidation");
    options.field_validation = validation == "Strict"   ? FieldValidation::kStrict
                               : validation == "Ignore" ? FieldValidation::kIgnore
                                                        : FieldValidation::kWarn;
    options.warnings = &warnings;
    return options;
}

Reply written(const Kind& kind, const Request& request, const Json& object, int status,
              std::vector<std::string> warnings) {
    auto response =
        respond(representation(request).media, presenter(kind, request).object(object), status);
    response.warnings = std::move(warnings);
    return response;
}

}  // namespace

void Request::set_target(std::string_view target) {
    const auto mark = std::min(target.find('?'), target.size());
    path = decoded(target.substr(0, mark), false);
    target.remove_prefix(std::min(mark + 1, target.size()));
    while (!target.empty()) {
        const auto pair = target.substr(0, target.find('&'));
        const auto equals = std::min(pair.find('='), pair.size());
        query[decoded(pair.substr(0, equals), true)] =
            decoded(pair.substr(std::min(equals + 1, pair.size())), true);
        target.remove_prefix(std::min(pair.size() + 1, target.size()));
    }
}

std::string Request::parameter(std::string_view name) const {
    const auto found = query.find(name);
    return found == query.end() ? "" : found->second;
}

bool Request::flag(std::string_view name) const {
    const auto text = parameter(name);
    return text == "true" || text == "1";
}

Response respond(const Status& status, MediaType media) {
    return respond(media, status.json(), status.code);
}

std::string error_event(MediaType media, const Status& status) {
    return event_text(media, "ERROR", status.json());
}

std::string WatchRequest::text(const Event& event) const {
    const auto concerns = [this](const Object& object) {
        return object != nullptr && (ns.empty() || object_namespace(*object) == ns) &&
               selector.matches(*object);
    };
    const bool was = concerns(event.previous);
    const bool is = event.type != EventType::kDeleted && concerns(event.object);
    if (!was && !is) return "";
    const auto* type = !is ? "DELETED" : was ? "MODIFIED" : "ADDED";
    return event_text(media, type, presenter.object(*event.object));
}

std::string WatchRequest::bookmark(std::uint64_t revision, bool initial_end) const {
    Json metadata = {{"resourceVersion", std::to_string(revision)}, {"creationTimestamp", nullptr}};
    if (initial_end) metadata["annotations"] = {{"k8s.io/initial-events-end", "true"}};
    return event_text(
        media, "BOOKMARK",
        {{"apiVersion", kind.api_version()}, {"kind", kind.kind}, {"metadata", metadata}});
}

std::optional<Rest::Target> Rest::find_target(std::string_view path) {
    auto parts = segments_of(path);
    const bool core = !parts.empty() && parts[0] == "api";
    const std::size_t head = core ? 2 : 3;
    if (parts.size() <= head || (!core && parts[0] != "apis")) return std::nullopt;
    const auto group = core ? std::string() : parts[1];
    const auto version = parts[head - 1];
    parts.erase(parts.begin(), parts.begin() + static_cast<std::ptrdiff_t>(head));
    Target target;
    if (parts[0] == "namespaces" && parts.size() >= 3 && parts[2] != "status") {
        target.ns = parts[1];
        parts.erase(parts.begin(), parts.begin() + 2);
    }
    target.kind = find_kind(group, version, parts[0]);
    if (target.kind == nullptr || parts.size() > 3) return std::nullopt;
    if (parts.size() > 1) target.name = parts[1];
    if (parts.size() > 2) target.subresource = parts[2];
    const bool known_part =
        target.subresource.empty() || target.kind->has_subresource(target.subresource);
    const bool scope_fits =
        target.kind->namespaced ? target.name.empty() || !target.ns.empty() : target.ns.empty();
    if (!known_part || !scope_fits) return std::nullopt;
    return target;
}

Reply Rest::handle(const Request& request) {
    if (request.method == "GET") {
        if (auto document = serve_document(request)) return *std::move(document);
    }
    const auto accepted = negotiate(request.accept);
    if (!accepted)
        return respond(Status{406, "NotAcceptable",
                              "only the following media types are accepted: application/json, "
                              "application/yaml, application/vnd.kubernetes.protobuf",
                              Json::object()});
    const auto media = accepted->media;
    const auto target = find_target(request.path);
    if (!target) {
        return respond(Status{404, "NotFound", "the server could not find the requested resource",
                              Json::object()},
                       media);
    }
    try {
        auto reply = dispatch(request, *target);
        return reply.ok() ? *std::move(reply) : Reply(respond(reply.error(), media));
    } catch (const Json::exception& e) {
        // The rules read only what the schema has let through, so this is a mistake of ours; it
        // costs one request, not the cluster.
        return respond(internal_error(e.what()), media);
    }
}

Answer<Reply> Rest::dispatch(const Request& request, const Target& target) {
    const bool collection = target.name.empty();
    const auto& method = request.method;
    if (target.subresource == "binding") {
        if (method == "POST") return bind(request, target);
    } else if (method == "GET") {
        if (!collection) return read(request, target);
        return request.flag("watch") ? watch(request, target) : list(request, target);
    } else if (method == "POST" && collection) {
        return create(request, target);
    } else if (method == "PUT" && !collection) {
        return update(request, target);
    } else if (method == "PATCH" && !collection) {
        return patch(request, target);
    } else if (method == "DELETE" && target.subresource.empty()) {
        return collection ? remove_all(request, target) : remove(request, target);
    }
    return method_not_allowed();
}

Answer<Reply> Rest::read(const Request& request, const Target& target) {
    KND_TRY_ASSIGN(const auto object, store_.get(target.kind->id, target.ns, target.name));
    return written(*target.kind, request, *object, 200, {});
}

Answer<Reply> Rest::list(const Request& request, const Target& target) {
    const auto& kind = *target.kind;
    KND_TRY_ASSIGN(const auto selector,
                   ObjectSelector::parse(kind, request.parameter("labelSelector"),
                                         request.parameter("fieldSelector")));
    auto objects = store_.list(kind.id, target.ns, selector);
    auto revision = store_.revision();
    // A continue token is the revision of the first page and the last key given out. Later pages
    // show what exists now; a watch from the first page's revision tells the difference.
    if (const auto token = request.parameter("continue"); !token.empty()) {
        revision = number(token);
        const auto colon = token.find(':');
        const auto slash = token.find('/', colon);
        if (slash == std::string::npos) return bad_request("continue key is not valid: " + token);
        if (!store_.can_resume(revision))
            return expired(
                "The provided continue parameter is too old to display a consistent list "
                "result. You must start a new list without the continue parameter.");
        const auto last =
            std::pair(token.substr(colon + 1, slash - colon - 1), token.substr(slash + 1));
        std::erase_if(objects, [&](const Object& o) {
            return std::pair(object_namespace(*o), object_name(*o)) <= last;
        });
    }
    Json metadata = {{"resourceVersion", std::to_string(revision)}};
    const auto limit = number(request.parameter("limit"));
    if (limit > 0 && objects.size() > limit) {
        const auto& last = *objects[limit - 1];
        metadata["continue"] =
            std::to_string(revision) + ":" + object_namespace(last) + "/" + object_name(last);
        metadata["remainingItemCount"] = objects.size() - limit;
        objects.resize(limit);
    }
    return Reply(respond(representation(request).media,
                         presenter(kind, request).list(objects, std::move(metadata))));
}

Answer<Reply> Rest::watch(const Request& request, const Target& target) {
    const auto& kind = *target.kind;
    KND_TRY_ASSIGN(auto selector, ObjectSelector::parse(kind, request.parameter("labelSelector"),
                                                        request.parameter("fieldSelector")));
    const bool initial = request.flag("sendInitialEvents");
    if (initial && request.parameter("resourceVersionMatch") != "NotOlderThan")
        return invalid(
            "ListOptions.meta.k8s.io", "",
            {field_forbidden("resourceVersionMatch",
                             "sendInitialEvents requires setting resourceVersionMatch to "
                             "NotOlderThan")});
    auto since = initial ? 0 : number(request.parameter("resourceVersion"));
    if (request.parameter("sendInitialEvents") == "false" && since == 0) since = store_.revision();
    const auto timeout = std::min<std::uint64_t>(number(request.parameter("timeoutSeconds")),
                                                 static_cast<std::uint64_t>(kWatchSeconds));
    return Reply(WatchRequest{kind, target.ns, std::move(selector), presenter(kind, request),
                              representation(request).media, since,
                              timeout == 0 ? kWatchSeconds : static_cast<std::int64_t>(timeout),
                              request.flag("allowWatchBookmarks"),
                              initial && request.flag("allowWatchBookmarks")});
}

Answer<Reply> Rest::create(const Request& request, const Target& target) {
    KND_TRY_ASSIGN(auto object, parse_object(request, *target.kind));
    auto ns = target.ns;
    if (ns.empty() && target.kind->namespaced) ns = object_namespace(object);
    std::vector<std::string> warnings;
    KND_TRY_ASSIGN(const auto options, write_options(request, "", warnings));
    KND_TRY_ASSIGN(const auto stored,
                   store_.create(target.kind->id, ns, std::move(object), options));
    return written(*target.kind, request, *stored, 201, std::move(warnings));
}

Answer<Reply> Rest::bind(const Request& request, const Target& target) {
    KND_TRY_ASSIGN(const auto binding, parse_body(request, *target.kind, "Binding"));
    const auto node = json_string(json_at(binding, "target"), "name");
    std::vector<std::string> warnings;
    KND_TRY_ASSIGN(const auto options, write_options(request, "binding", warnings));
    KND_TRY(store_.bind(target.ns, target.name, node, options.dry_run));
    return Reply(respond(
        representation(request).media,
        {{"apiVersion", "v1"}, {"kind", "Status"}, {"status", "Success"}, {"code", 201}}, 201));
}

Answer<Reply> Rest::update(const Request& request, const Target& target) {
    KND_TRY_ASSIGN(auto object, parse_object(request, *target.kind));
    if (object_name(object) != target.name)
        return bad_request("the name of the object (" + object_name(object) +
                           ") does not match the name on the URL (" + target.name + ")");
    if (const auto ns = object_namespace(object); !ns.empty() && ns != target.ns)
        return bad_request("the namespace of the object (" + ns +
                           ") does not match the namespace on the request (" + target.ns + ")");
    std::vector<std::string> warnings;
    KND_TRY_ASSIGN(const auto options, write_options(request, target.subresource, warnings));
    KND_TRY_ASSIGN(const auto stored,
                   store_.update(target.kind->id, target.ns, std::move(object), options));
    return written(*target.kind, request, *stored, 200, std::move(warnings));
}

Answer<Reply> Rest::patch(const Request& request, const Target& target) {
    const auto type = request.content_type.substr(0, request.content_type.find(';'));
    const auto& kind = *target.kind;
    std::vector<std::string> warnings;
    KND_TRY_ASSIGN(const auto options, write_options(request, target.subresource, warnings));
    if (type == "application/apply-patch+yaml") {
        KND_TRY_ASSIGN(auto intent, parse_object(request, kind));
        KND_TRY_ASSIGN(const auto applied,
                       store_.apply(kind.id, target.ns, target.name, std::move(intent), options));
        return written(kind, request, *applied.first, applied.second ? 201 : 200,
                       std::move(warnings));
    }
    const bool known = type == "application/json-patch+json" ||
                       type == "application/merge-patch+json" ||
                       type == "application/strategic-merge-patch+json";
    if (!known)
        return Status{415, "UnsupportedMediaType",
                      "the body of the request was in an unknown format - accepted media types "
                      "include: application/json-patch+json, application/merge-patch+json, "
                      "application/strategic-merge-patch+json, application/apply-patch+yaml",
                      Json::object()};
    KND_TRY_ASSIGN(const auto change, parse_body(request, kind, kind.kind));
    const auto changed = [&](const Json& current) -> Answer<Json> {
        if (type == "application/json-patch+json") return json_patch(current, change);
        if (type == "application/merge-patch+json") return merge_patch(current, change);
        return strategic_merge_patch(*served_schema().find(kind.kind), current, change);
    };
    const auto edit = [&](const Json& current) -> Answer<Json> {
        if (kind.to_stored == nullptr) return changed(current);
        KND_TRY_ASSIGN(auto shown, changed(kind.from_stored(current)));
        return kind.to_stored(std::move(shown));
    };
    KND_TRY_ASSIGN(const auto stored,
                   store_.modify(kind.id, target.ns, target.name, edit, options));
    return written(kind, request, *stored, 200, std::move(warnings));
}

namespace {

Answer<DeleteOptions> delete_options(const Request& request, const Kind& kind) {
    Json body = Json::object();
    if (!request.body.empty()) {
        KND_TRY_ASSIGN(body, parse_body(request, kind, "DeleteOptions"));
    }
    DeleteOptions options;
    const auto& preconditions = json_at(body, "preconditions");
    options.uid = json_string(preconditions, "uid");
    options.resource_version = json_string(preconditions, "resourceVersion");
    options.propagation =
        json_string(body, "propagationPolicy", request.parameter("propagationPolicy"));
    const auto grace = request.parameter("gracePeriodSeconds");
    if (!grace.empty()) options.grace_seconds = static_cast<std::int64_t>(number(grace));
    if (body.contains("gracePeriodSeconds"))
        options.grace_seconds = json_int(body, "gracePeriodSeconds");
    auto asked = json_at(body, "dryRun");
    if (asked.is_null()) asked = Json::array();
    if (const auto text = request.parameter("dryRun"); !text.empty()) asked.push_back(text);
    KND_TRY_ASSIGN(options.dry_run, dry_run(asked, "DeleteOptions.meta.k8s.io"));
    return options;
}

}  // namespace

Answer<Reply> Rest::remove(const Request& request, const Target& target) {
    KND_TRY_ASSIGN(const auto options, delete_options(request, *target.kind));
    const auto& kind = *target.kind;
    KND_TRY_ASSIGN(const auto object, store_.remove(kind.id, target.ns, target.name, options));
    const bool stays = store_.get(kind.id, target.ns, target.name).ok() && !options.dry_run;
    if (stays || kind.id == Resource::kPods) return written(kind, request, *object, 200, {});
    Json details = {{"name", target.name},
                    {"kind", kind.plural},
                    {"uid", json_path(*object, {"metadata", "uid"})}};
    if (!kind.group.empty()) details["group"] = kind.group;
    return Reply(respond(representation(request).media, {{"apiVersion", "v1"},
                                                         {"kind", "Status"},
                                                         {"metadata", Json::object()},
                                                         {"status", "Success"},
                                                         {"details", std::move(details)}}));
}

Answer<Reply> Rest::remove_all(const Request& request, const Target& target) {
    const auto& kind = *target.kind;
    KND_TRY_ASSIGN(const auto options, delete_options(request, *target.kind));
    KND_TRY_ASSIGN(const auto selector,
                   ObjectSelector::parse(kind, request.parameter("labelSelector"),
                                         request.parameter("fieldSelector")));
    std::vector<Object> removed;
    for (const auto& object : store_.list(kind.id, target.ns, selector)) {
        auto result =
            store_.remove(kind.id, object_namespace(*object), object_name(*object), options);
        if (result.ok()) removed.push_back(*result);
    }
    return Reply(
        respond(representation(request).media,
                presenter(kind, request)
                    .list(removed, {{"resourceVersion", std::to_string(store_.revision())}})));
}

}  // namespace knd::api
