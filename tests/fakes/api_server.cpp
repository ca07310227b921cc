// SPDX-License-Identifier: Apache-2.0
#include "tests/fakes/api_server.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <charconv>

namespace knd::fakes {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using tcp = asio::ip::tcp;

std::string decode(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        int byte = 0;
        if (text[i] == '%' && i + 2 < text.size() &&
            std::from_chars(&text[i + 1], &text[i + 3], byte, 16).ec == std::errc()) {
            out += static_cast<char>(byte);
            i += 2;
        } else {
            out += text[i];
        }
    }
    return out;
}

/// The value of a parameter in a decoded query, whose values hold no '&'.
std::string parameter(const std::string& query, const std::string& name) {
    const auto whole = "&" + query;
    const auto at = whole.find("&" + name + "=");
    if (at == std::string::npos) return {};
    const auto begin = at + name.size() + 2;
    return whole.substr(begin, whole.find('&', begin) - begin);
}

std::int64_t number(const std::string& text) {
    return std::atoll(text.c_str());
}

std::int64_t version_of(const Json& object) {
    return number(json_string(json_at(object, "metadata"), "resourceVersion"));
}

/// "spec.driver=a,spec.nodeName=b" against an object.
bool selected(const Json& object, std::string selector) {
    while (!selector.empty()) {
        const auto comma = selector.find(',');
        const auto term = selector.substr(0, comma);
        selector = comma == std::string::npos ? "" : selector.substr(comma + 1);
        const auto equals = term.find('=');
        auto path = term.substr(0, equals);
        std::replace(path.begin(), path.end(), '.', '/');
        const Json::json_pointer pointer("/" + path);
        if (!object.contains(pointer) || object[pointer] != term.substr(equals + 1)) return false;
    }
    return true;
}

Json status(int code, const std::string& reason, const std::string& message) {
    return {{"kind", "Status"}, {"apiVersion", "v1"}, {"status", "Failure"},
            {"code", code},     {"reason", reason},   {"message", message}};
}

std::string parent(const std::string& path);
std::string last_of(const std::string& path);

/// Names the kind, as a real server does for an object that is missing.
Json object_not_found(const std::string& path) {
    auto json = status(404, "NotFound", "\"" + last_of(path) + "\" not found");
    json["details"] = {{"name", last_of(path)}, {"kind", last_of(parent(path))}};
    return json;
}

std::string parent(const std::string& path) {
    return path.substr(0, path.rfind('/'));
}
std::string last_of(const std::string& path) {
    return path.substr(path.rfind('/') + 1);
}

/// Whether the path is a collection: its last segment is a plural, not a name.
bool is_collection(const std::string& path) {
    static const std::set<std::string> kPlurals = {"nodes", "events", "pods", "resourceclaims",
                                                   "resourceslices"};
    return kPlurals.contains(last_of(path));
}

}  // namespace

struct FakeApiServer::Connection {
    explicit Connection(asio::io_context& io) : socket(io) {}
    void cut() { ::shutdown(socket.native_handle(), SHUT_RDWR); }
    tcp::socket socket;
    std::thread thread;
};

FakeApiServer::FakeApiServer() : acceptor_(io_) {
    listen();
}

FakeApiServer::~FakeApiServer() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    go_away();
    for (auto& connection : connections_)
        connection->thread.join();
}

void FakeApiServer::listen() {
    boost::system::error_code ec;
    const tcp::endpoint where(asio::ip::address_v4::loopback(), port_);
    acceptor_ = tcp::acceptor(io_);
    acceptor_.open(where.protocol(), ec);
    acceptor_.set_option(tcp::acceptor::reuse_address(true), ec);
    acceptor_.bind(where, ec);
    acceptor_.listen(128, ec);
    port_ = acceptor_.local_endpoint(ec).port();
    accept_thread_ = std::thread([this] { accept_loop(); });
}

void FakeApiServer::go_away() {
    ::shutdown(acceptor_.native_handle(), SHUT_RDWR);
    if (accept_thread_.joinable()) accept_thread_.join();
    boost::system::error_code ec;
    acceptor_.close(ec);
    const std::lock_guard lock(mutex_);
    for (auto& connection : connections_)
        connection->cut();
    ++watch_round_;
    changed_.notify_all();
}

void FakeApiServer::resume() {
    listen();
}

void FakeApiServer::accept_loop() {
    while (true) {
        auto connection = std::make_shared<Connection>(io_);
        boost::system::error_code ec;
        acceptor_.accept(connection->socket, ec);
        if (ec) return;
        connection->socket.set_option(tcp::no_delay(true), ec);
        const std::lock_guard lock(mutex_);
        connections_.push_back(connection);
        connection->thread = std::thread([this, connection] { serve(connection); });
    }
}

std::string FakeApiServer::url() const {
    return "http://127.0.0.1:" + std::to_string(port_);
}

void FakeApiServer::serve(const std::shared_ptr<Connection>& connection) {
    beast::flat_buffer buffer;
    while (true) {
        http::request<http::string_body> message;
        beast::error_code ec;
        http::read(connection->socket, buffer, message, ec);
        if (ec) break;
        const std::string target(message.target());
        const auto mark = target.find('?');
        Request request{std::string(message.method_string()),
                        decode(target.substr(0, mark)),
                        mark == std::string::npos ? "" : decode(target.substr(mark + 1)),
                        std::string(message[http::field::content_type]),
                        std::string(message[http::field::authorization]),
                        std::string(message[http::field::user_agent]),
                        parse_json(message.body()).value_or(Json())};
        const auto reply = handle(request);
        if (reply.hang_up) break;
        if (reply.status == 200 && parameter(request.query, "watch") == "1") {
            watch(request, connection);
            break;
        }
        http::response<http::string_body> answer(static_cast<http::status>(reply.status), 11);
        answer.set(http::field::content_type, reply.text ? "text/plain" : "application/json");
        if (reply.retry_after_s >= 0)
            answer.set(http::field::retry_after, std::to_string(reply.retry_after_s));
        answer.body() = reply.text ? *reply.text : to_text(reply.body);
        answer.prepare_payload();
        http::write(connection->socket, answer, ec);
        if (ec) break;
    }
    connection->cut();
}

FakeApiServer::Reply FakeApiServer::handle(Request& request) {
    Fault fault;
    bool faulty = false;
    {
        const std::lock_guard lock(mutex_);
        request.watch_round = watch_round_;
        request.bookmark_round = bookmark_round_;
        requests_.push_back(request);
        faulty = take_fault(request, fault);
        if (!token_.empty() && request.authorization != "Bearer " + token_)
            return {401, status(401, "Unauthorized", "Unauthorized")};
    }
    if (!faulty) return dispatch(request);
    if (fault.delay.count() > 0) std::this_thread::sleep_for(fault.delay);
    if (fault.after_effect) dispatch(request);
    if (fault.hang_up) return {.body = {}, .hang_up = true};
    if (fault.status == 0) return dispatch(request);
    if (fault.text) return {.status = fault.status, .body = {}, .text = fault.text};
    return {fault.status, status(fault.status, fault.reason, fault.message), fault.retry_after_s};
}

bool FakeApiServer::take_fault(const Request& request, Fault& fault) {
    for (auto at = faults_.begin(); at != faults_.end(); ++at) {
        if (!at->method.empty() && at->method != request.method) continue;
        if (!request.path.starts_with(at->path_prefix)) continue;
        fault = *at;
        if (--at->times == 0) faults_.erase(at);
        return true;
    }
    return false;
}

bool FakeApiServer::serves(const std::string& path) const {
    const std::string group = "/apis/resource.k8s.io/";
    if (!path.starts_with(group)) return true;
    const auto rest = path.substr(group.size());
    return versions_.contains(rest.substr(0, rest.find('/')));
}

FakeApiServer::Reply FakeApiServer::dispatch(const Request& request) {
    const std::lock_guard lock(mutex_);
    auto path = request.path;
    if (!serves(path)) return {.status = 404, .body = {}, .text = "404 page not found\n"};
    if (path == "/version")
        return {200, {{"gitVersion", git_version_}, {"major", "1"}, {"minor", minor_}}};
    if (std::count(path.begin(), path.end(), '/') == 3 && path.starts_with("/apis/"))
        return discovery(path);
    std::string subresource;
    if (path.ends_with("/status")) {
        subresource = "status";
        path = parent(path);
    }
    if (is_collection(path)) {
        if (request.method == "GET") return list(request, path);
        if (request.method == "POST") return create(request, path);
        return {405, status(405, "MethodNotAllowed", "not on a collection")};
    }
    const auto found = objects_.find(path);
    if (found == objects_.end()) return {404, object_not_found(path)};
    if (request.method == "GET") return {200, found->second};
    if (request.method == "PUT") return update(request, path);
    if (request.method == "PATCH") return patch(request, path, subresource);
    if (request.method == "DELETE") return remove(request, path);
    return {405, status(405, "MethodNotAllowed", "no such method")};
}

FakeApiServer::Reply FakeApiServer::discovery(const std::string& path) const {
    Json resources = Json::array({{{"name", "resourceclaims"}}, {{"name", "resourceslices"}}});
    return {200,
            {{"kind", "APIResourceList"},
             {"groupVersion", path.substr(6)},
             {"resources", std::move(resources)}}};
}

FakeApiServer::Reply FakeApiServer::list(const Request& request, const std::string& collection) {
    if (parameter(request.query, "watch") == "1") {
        if (number(parameter(request.query, "resourceVersion")) >= oldest_) return {};
        return {410, status(410, "Expired", "too old resource version")};
    }
    Json items = Json::array();
    for (const auto& [path, object] : objects_)
        if (parent(path) == collection &&
            selected(object, parameter(request.query, "fieldSelector")))
            items.push_back(object);
    Json metadata = {{"resourceVersion", std::to_string(version_)}};
    const auto limit = static_cast<std::size_t>(number(parameter(request.query, "limit")));
    const auto token = parameter(request.query, "continue");
    const auto start = static_cast<std::size_t>(number(token.substr(token.find(':') + 1)));
    if (!token.empty() && number(token) != page_round_)
        return {410, status(410, "Expired", "the continue token has expired")};
    items.erase(items.begin(), items.begin() + static_cast<long>(std::min(start, items.size())));
    if (limit > 0 && items.size() > limit) {
        items.erase(items.begin() + static_cast<long>(limit), items.end());
        metadata["continue"] = std::to_string(page_round_) + ":" + std::to_string(start + limit);
    }
    return {200, {{"kind", "List"}, {"metadata", metadata}, {"items", std::move(items)}}};
}

void FakeApiServer::store(const std::string& collection, Json& object, const std::string& type) {
    if (admission_ && type != "DELETED") admission_(collection, object);
    object["metadata"]["resourceVersion"] = std::to_string(++version_);
    const auto path = collection + "/" + json_string(object["metadata"], "name");
    if (type == "DELETED")
        objects_.erase(path);
    else
        objects_[path] = object;
    history_.push_back({version_, type, collection, object});
    changed_.notify_all();
}

FakeApiServer::Reply FakeApiServer::create(const Request& request, const std::string& collection) {
    auto object = request.body;
    auto& metadata = object["metadata"];
    const auto prefix = json_string(metadata, "generateName");
    char random[16];
    std::snprintf(random, sizeof random, "%05llx", static_cast<unsigned long long>(version_));
    if (json_string(metadata, "name").empty()) metadata["name"] = prefix.substr(0, 58) + random;
    const auto path = collection + "/" + json_string(metadata, "name");
    if (objects_.contains(path))
        return {409, status(409, "AlreadyExists", "\"" + last_of(path) + "\" already exists")};
    metadata["uid"] = "uid-" + std::to_string(version_ + 1);
    if (const auto refusal = judge_ ? judge_(collection, Json(), object) : ""; !refusal.empty())
        return {422, status(422, "Invalid", refusal)};
    if (parameter(request.query, "dryRun") == "All") {
        if (admission_) admission_(collection, object);
        return {201, object};
    }
    store(collection, object, "ADDED");
    return {201, object};
}

FakeApiServer::Reply FakeApiServer::update(const Request& request, const std::string& path) {
    const auto& old = objects_[path];
    auto object = request.body;
    const auto version = json_string(json_at(object, "metadata"), "resourceVersion");
    if (!version.empty() && version != std::to_string(version_of(old)))
        return {409, status(409, "Conflict", "the object has been modified")};
    object["metadata"]["uid"] = json_path(old, {"metadata", "uid"});
    object["metadata"]["resourceVersion"] = json_path(old, {"metadata", "resourceVersion"});
    if (const auto refusal = judge_ ? judge_(parent(path), old, object) : ""; !refusal.empty())
        return {422, status(422, "Invalid", refusal)};
    if (object != old) store(parent(path), object, "MODIFIED");
    return {200, object};
}

FakeApiServer::Reply FakeApiServer::patch(const Request& request, const std::string& path,
                                          const std::string& subresource) {
    auto object = objects_[path];
    const auto uid = json_string(json_at(request.body, "metadata"), "uid");
    if (!uid.empty() && uid != json_string(object["metadata"], "uid"))
        return {409, status(409, "Conflict", "Precondition failed: UID in precondition")};
    const auto manager = parameter(request.query, "fieldManager");
    if (request.content_type == "application/apply-patch+yaml" && subresource == "status") {
        Json devices = Json::array();
        for (const auto& device : json_path(object, {"status", "devices"}))
            if (json_string(device, "driver") != manager) devices.push_back(device);
        for (const auto& device : json_path(request.body, {"status", "devices"}))
            devices.push_back(device);
        object["status"]["devices"] = std::move(devices);
    } else {
        object.merge_patch(request.body);
    }
    store(parent(path), object, "MODIFIED");
    return {200, object};
}

FakeApiServer::Reply FakeApiServer::remove(const Request& request, const std::string& path) {
    auto object = objects_[path];
    const auto& preconditions = json_at(request.body, "preconditions");
    for (const auto key : {"uid", "resourceVersion"}) {
        const auto wanted = json_string(preconditions, key);
        if (!wanted.empty() && wanted != json_string(object["metadata"], key))
            return {409, status(409, "Conflict", "Precondition failed")};
    }
    store(parent(path), object, "DELETED");
    return {200, {{"kind", "Status"}, {"status", "Success"}}};
}

Json FakeApiServer::bookmark() const {
    return {{"type", "BOOKMARK"},
            {"object", {{"metadata", {{"resourceVersion", std::to_string(version_)}}}}}};
}

void FakeApiServer::watch(const Request& request, const std::shared_ptr<Connection>& connection) {
    beast::error_code ec;
    const auto write = [&](const std::string& text) {
        asio::write(connection->socket, asio::buffer(text), ec);
        return !ec;
    };
    const auto chunk = [&](const Json& json) {
        const auto line = to_text(json) + "\n";
        char size[16];
        std::snprintf(size, sizeof size, "%zx\r\n", line.size());
        return write(size + line + "\r\n");
    };
    if (!write("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
               "Transfer-Encoding: chunked\r\n\r\n"))
        return;
    auto seen = number(parameter(request.query, "resourceVersion"));
    const auto selector = parameter(request.query, "fieldSelector");
    std::unique_lock lock(mutex_);
    auto bookmarks = request.bookmark_round;
    while (request.watch_round == watch_round_ && !stopping_) {
        std::vector<Json> out;
        for (const auto& event : history_) {
            if (stalled_ || event.version <= seen) continue;
            seen = event.version;
            if (event.collection == request.path && selected(event.object, selector))
                out.push_back({{"type", event.type}, {"object", event.object}});
        }
        if (std::exchange(bookmarks, bookmark_round_) != bookmark_round_) out.push_back(bookmark());
        if (out.empty()) {
            changed_.wait(lock);
            continue;
        }
        lock.unlock();
        for (const auto& event : out)
            chunk(event);
        lock.lock();
        if (ec) return;
    }
    const bool expired = seen < oldest_;
    lock.unlock();
    if (expired) chunk({{"type", "ERROR"}, {"object", status(410, "Expired", "too old")}});
    write("0\r\n\r\n");
}

Json FakeApiServer::put(const std::string& collection, Json object) {
    const std::lock_guard lock(mutex_);
    const auto path = collection + "/" + json_string(json_at(object, "metadata"), "name");
    const bool known = objects_.contains(path);
    if (!object["metadata"].contains("uid"))
        object["metadata"]["uid"] = "uid-" + std::to_string(version_ + 1);
    store(collection, object, known ? "MODIFIED" : "ADDED");
    return object;
}

void FakeApiServer::replace(const std::string& path, const std::function<void(Json&)>& change) {
    const std::lock_guard lock(mutex_);
    auto object = objects_[path];
    change(object);
    store(parent(path), object, "MODIFIED");
}

void FakeApiServer::erase(const std::string& path) {
    const std::lock_guard lock(mutex_);
    auto object = objects_[path];
    store(parent(path), object, "DELETED");
}

void FakeApiServer::erase_all(const std::string& collection) {
    for (const auto& object : objects(collection))
        erase(collection + "/" + json_string(object["metadata"], "name"));
}

std::vector<Json> FakeApiServer::objects(const std::string& collection) const {
    const std::lock_guard lock(mutex_);
    std::vector<Json> found;
    for (const auto& [path, object] : objects_)
        if (parent(path) == collection) found.push_back(object);
    return found;
}

std::vector<FakeApiServer::Request> FakeApiServer::requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
}

std::size_t FakeApiServer::count(const std::string& method, const std::string& prefix) const {
    const auto all = requests();
    return static_cast<std::size_t>(std::count_if(all.begin(), all.end(), [&](const Request& r) {
        return (method.empty() || r.method == method) && r.path.starts_with(prefix);
    }));
}

void FakeApiServer::forget_requests() {
    const std::lock_guard lock(mutex_);
    requests_.clear();
}

void FakeApiServer::inject(Fault fault) {
    const std::lock_guard lock(mutex_);
    faults_.push_back(std::move(fault));
}

void FakeApiServer::set_admission(std::function<void(const std::string&, Json&)> admission) {
    const std::lock_guard lock(mutex_);
    admission_ = std::move(admission);
}

void FakeApiServer::set_judge(Judge judge) {
    const std::lock_guard lock(mutex_);
    judge_ = std::move(judge);
}

void FakeApiServer::serve_versions(std::set<std::string> versions) {
    const std::lock_guard lock(mutex_);
    versions_ = std::move(versions);
}

void FakeApiServer::set_release(const std::string& minor, const std::string& patch) {
    const std::lock_guard lock(mutex_);
    minor_ = minor;
    git_version_ = "v1." + minor + "." + patch;
}

void FakeApiServer::accept_token(std::string token) {
    const std::lock_guard lock(mutex_);
    token_ = std::move(token);
}

void FakeApiServer::send_bookmarks() {
    const std::lock_guard lock(mutex_);
    ++version_;
    ++bookmark_round_;
    changed_.notify_all();
}

void FakeApiServer::end_watches() {
    const std::lock_guard lock(mutex_);
    ++watch_round_;
    changed_.notify_all();
}

void FakeApiServer::expire_history() {
    const std::lock_guard lock(mutex_);
    oldest_ = ++version_;
    ++watch_round_;
    changed_.notify_all();
}

void FakeApiServer::expire_continue_tokens() {
    const std::lock_guard lock(mutex_);
    ++page_round_;
}

FakeApiServer::Copy FakeApiServer::copy() const {
    const std::lock_guard lock(mutex_);
    return {objects_, version_};
}

void FakeApiServer::restore(const Copy& copy) {
    const std::lock_guard lock(mutex_);
    objects_ = copy.objects;
    version_ = copy.version;
    std::erase_if(history_, [&](const Event& event) { return event.version > copy.version; });
}

void FakeApiServer::stall_watches(bool stalled) {
    const std::lock_guard lock(mutex_);
    stalled_ = stalled;
    changed_.notify_all();
}

}  // namespace knd::fakes
