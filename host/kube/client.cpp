// SPDX-License-Identifier: Apache-2.0
#include "host/kube/client.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <optional>

#include "host/kube/backoff.hpp"
#include "host/kube/http.hpp"
#include "host/kube/uri.hpp"

namespace knd::kube {
namespace {

using Clock = std::chrono::steady_clock;
using Ms = std::chrono::milliseconds;

/// A GET that meets a restarting server is repeated this often.
constexpr int kGetAttempts = 5;

struct Outcome {
    int status = 0;
    std::optional<std::chrono::seconds> retry_after;
    Result<Json> result = Json();
};

std::string with_query(std::string path, const Query& query) {
    char separator = '?';
    for (const auto& [key, value] : query) {
        path.append(1, separator).append(key).append("=").append(uri_escape(value));
        separator = '&';
    }
    return path;
}

/// What a 404 means. Only an API server that names the kind of what it has not got has said that an
/// object is gone: other programs answer 404, too, a load balancer without an API server behind it
/// among them, and claims of running pods must not be given up for that.
Error error_of_404(const std::string& what, const std::string& plural, const Json& status,
                   std::string_view body) {
    const auto kind = json_string(json_at(status, "details"), "kind");
    const bool from_api =
        json_string(status, "kind") == "Status" && json_string(status, "reason") == "NotFound";
    // A namespace that is gone takes its objects along.
    if (from_api && !kind.empty() && (plural.empty() || kind == plural || kind == "namespaces"))
        return Error(Code::kNotFound, what + ": " + json_string(status, "message"));
    while (!body.empty() && (body.back() == '\n' || body.back() == '\r'))
        body.remove_suffix(1);
    // The words of Go's HTTP server for a path that nobody has registered.
    if ((from_api && kind.empty()) || body == "404 page not found")
        return Error(Code::kUnimplemented,
                     what + ": the server answered HTTP 404: it does not serve this path");
    return Error(Code::kUnavailable,
                 what +
                     ": the server answered HTTP 404, but not as an API server does that misses "
                     "an object; is it a load balancer or proxy without an API server?");
}

/// "GET /api/v1/nodes/n1: nodes "n1" not found"
Error error_of(const std::string& what, const std::string& plural, int status,
               const std::string& body) {
    auto parsed = parse_json(body);
    const Json object = parsed ? *std::move(parsed) : Json();
    if (status == 404) return error_of_404(what, plural, object, body);
    auto message = json_string(object, "message");
    if (message.empty()) message = "the server answered HTTP " + std::to_string(status);
    return Error(code_of_status(status, json_string(object, "reason")), what + ": " + message);
}

Outcome interpret(const std::string& what, const std::string& plural, Result<HttpResponse> answer) {
    Outcome outcome;
    if (!answer) {
        outcome.result = std::move(answer).error().wrap(what);
        return outcome;
    }
    outcome.status = answer->status;
    outcome.retry_after = answer->retry_after;
    if (answer->status < 200 || answer->status > 299) {
        outcome.result = error_of(what, plural, answer->status, answer->body);
    } else if (!answer->body.empty()) {
        outcome.result = parse_json(answer->body).wrap(what);
    }
    return outcome;
}

std::optional<WatchEvent::Type> event_type(std::string_view name) {
    if (name == "ADDED") return WatchEvent::Type::kAdded;
    if (name == "MODIFIED") return WatchEvent::Type::kModified;
    if (name == "DELETED") return WatchEvent::Type::kDeleted;
    if (name == "BOOKMARK") return WatchEvent::Type::kBookmark;
    return std::nullopt;
}

Result<WatchEvent> parse_event(std::string_view line) {
    KND_TRY_ASSIGN(auto json, parse_json(line));
    const auto name = json_string(json, "type");
    if (name == "ERROR") {
        const auto& status = json_at(json, "object");
        return Error(code_of_status(static_cast<int>(json_int(status, "code", 500)),
                                    json_string(status, "reason")),
                     json_string(status, "message", "the server gives no reason"));
    }
    const auto type = event_type(name);
    if (!type || !json_at(json, "object").is_object())
        return Error(Code::kDataLoss, "unknown watch event \"" + name + "\"");
    return WatchEvent{*type, std::move(json["object"])};
}

}  // namespace

Code code_of_status(int status, std::string_view reason) {
    switch (status) {
        case 400:
        case 405:
        case 406:
        case 415:
        case 422:
            return Code::kInvalidArgument;
        case 401:
            return Code::kUnauthenticated;
        case 403:
            return Code::kPermissionDenied;
        case 404:
            return Code::kNotFound;
        case 409:
            return reason == "AlreadyExists" ? Code::kAlreadyExists : Code::kAborted;
        case 410:
            return Code::kOutOfRange;
        case 412:
            return Code::kFailedPrecondition;
        case 429:
            return Code::kResourceExhausted;
        case 504:
            return Code::kDeadlineExceeded;
        default:
            return status >= 500 ? Code::kUnavailable : Code::kUnknown;
    }
}

std::string Resource::path(std::string_view name, std::string_view subresource) const {
    std::string path = group_version.find('/') == std::string::npos ? "/api/" : "/apis/";
    path += group_version;
    if (!ns.empty()) path.append("/namespaces/").append(uri_escape(ns));
    path.append("/").append(plural);
    if (!name.empty()) path.append("/").append(uri_escape(name));
    if (!subresource.empty()) path.append("/").append(subresource);
    return path;
}

Watch& Watch::operator=(Watch&& other) noexcept {
    if (this != &other) {
        stop();
        stop_ = std::exchange(other.stop_, nullptr);
    }
    return *this;
}

void Watch::stop() {
    if (const auto stop = std::exchange(stop_, nullptr)) stop();
}

class Client::Impl : public std::enable_shared_from_this<Impl> {
  public:
    /// One request with its retries.
    struct Call {
        HttpRequest request;
        std::string plural;
        Done<Json> done;
        Clock::time_point started;
        Clock::time_point deadline;
        int attempts = 0;
        bool token_retried = false;
        Backoff backoff{Ms(50), Ms(2'000)};
        std::optional<boost::asio::steady_timer> timer;
        std::string what() const { return request.method + " " + request.target; }
    };
    struct Paging {
        Resource resource;
        Query query;
        List list;
        std::string token;
        std::size_t limit = 0;
        Done<List> done;
    };
    struct Stream {
        std::string what;
        Http::Id id = 0;
        bool over = false;  ///< domain thread only
        std::function<void(WatchEvent)> event;
        std::function<void(Result<>)> ended;
    };

    Impl(boost::asio::io_context& domain, std::unique_ptr<Http> http, Options options)
        : domain_(domain), options_(std::move(options)), http_(std::move(http)) {
        reachability_.since = Clock::now();
        reachability_.error = "the API server has not been asked yet";
    }

    void begin(HttpRequest request, std::string plural, Ms timeout, Done<Json> done);
    void send(const std::shared_ptr<Call>& call);
    void answered(const std::shared_ptr<Call>& call, Outcome outcome);
    bool retry(const std::shared_ptr<Call>& call, const Outcome& outcome);
    void next_page(const std::shared_ptr<Paging>& paging);
    void take_page(const std::shared_ptr<Paging>& paging, Result<Json> page);
    Watch watch(std::string target, std::function<void(WatchEvent)> event,
                std::function<void(Result<>)> ended);
    void end_stream(const std::shared_ptr<Stream>& stream, Result<> result);
    void stream_line(const std::shared_ptr<Stream>& stream, std::string_view line);
    void stream_done(const std::shared_ptr<Stream>& stream, Result<HttpResponse> answer);
    void note(int status, const std::string& error);

    boost::asio::io_context& domain_;
    const Options options_;
    Reachability reachability_;
    std::function<void(const CallReport&)> observer_;
    std::minstd_rand random_{std::random_device{}()};
    std::unique_ptr<Http> http_;
};

void Client::Impl::begin(HttpRequest request, std::string plural, Ms timeout, Done<Json> done) {
    auto call = std::make_shared<Call>();
    call->request = std::move(request);
    call->plural = std::move(plural);
    call->done = std::move(done);
    call->started = Clock::now();
    call->deadline = call->started + (timeout.count() > 0 ? timeout : options_.timeout);
    send(call);
}

void Client::Impl::send(const std::shared_ptr<Call>& call) {
    ++call->attempts;
    auto request = call->request;
    const auto left = std::chrono::ceil<Ms>(call->deadline - Clock::now());
    request.timeout = std::max(left, Ms(1));
    http_->send(std::move(request), [weak = weak_from_this(), call](Result<HttpResponse> answer) {
        const auto self = weak.lock();
        if (self) self->answered(call, interpret(call->what(), call->plural, std::move(answer)));
    });
}

void Client::Impl::answered(const std::shared_ptr<Call>& call, Outcome outcome) {
    note(outcome.status, outcome.result ? "" : outcome.result.error().message());
    if (observer_)
        observer_(
            {call->request.method, call->plural, outcome.status, Clock::now() - call->started});
    if (outcome.status == 401 && !std::exchange(call->token_retried, true) &&
        http_->token_rejected())
        return send(call);
    if (retry(call, outcome)) return;
    call->done(std::move(outcome.result));
}

/// Whether another attempt was scheduled.
bool Client::Impl::retry(const std::shared_ptr<Call>& call, const Outcome& outcome) {
    if (outcome.result.ok()) return false;
    Ms wait{0};
    if (outcome.retry_after && (outcome.status == 429 || outcome.status >= 500)) {
        wait = std::max<Ms>(*outcome.retry_after, Ms(100));
    } else if (call->request.method == "GET" && call->attempts < kGetAttempts &&
               outcome.result.code() == Code::kUnavailable) {
        wait = call->backoff.next();
    } else {
        return false;
    }
    if (Clock::now() + wait >= call->deadline) return false;
    call->timer.emplace(domain_, wait);
    call->timer->async_wait([weak = weak_from_this(), call](const boost::system::error_code& ec) {
        const auto self = weak.lock();
        if (!ec && self) self->send(call);
    });
    return true;
}

void Client::Impl::note(int status, const std::string& error) {
    const bool reachable = status != 0;
    if (reachable != reachability_.reachable) reachability_.since = Clock::now();
    reachability_.reachable = reachable;
    reachability_.error = reachable ? "" : error;
}

void Client::Impl::next_page(const std::shared_ptr<Paging>& paging) {
    Query query = paging->query;
    if (paging->limit > 0) query.emplace_back("limit", std::to_string(paging->limit));
    if (!paging->token.empty()) {
        // The token fixes the version; the server refuses both.
        std::erase_if(query, [](const auto& entry) { return entry.first == "resourceVersion"; });
        query.emplace_back("continue", paging->token);
    }
    HttpRequest request;
    request.target = with_query(paging->resource.path(), query);
    begin(std::move(request), paging->resource.plural, {},
          [weak = weak_from_this(), paging](Result<Json> page) {
              if (const auto self = weak.lock()) self->take_page(paging, std::move(page));
          });
}

void Client::Impl::take_page(const std::shared_ptr<Paging>& paging, Result<Json> page) {
    if (!page && page.code() == Code::kOutOfRange && !paging->token.empty()) {
        paging->token.clear();
        paging->limit = 0;
        paging->list = {};
        return next_page(paging);
    }
    if (!page) return paging->done(std::move(page).error());
    if (auto items = page->find("items"); items != page->end() && items->is_array())
        for (auto& item : *items)
            paging->list.items.push_back(std::move(item));
    const auto& metadata = json_at(*page, "metadata");
    paging->list.resource_version = json_string(metadata, "resourceVersion");
    paging->token = json_string(metadata, "continue");
    if (!paging->token.empty()) return next_page(paging);
    paging->done(std::move(paging->list));
}

Watch Client::Impl::watch(std::string target, std::function<void(WatchEvent)> event,
                          std::function<void(Result<>)> ended) {
    auto stream = std::make_shared<Stream>();
    stream->what = "watch " + target.substr(0, target.find('?'));
    stream->event = std::move(event);
    stream->ended = std::move(ended);
    HttpRequest request;
    request.target = std::move(target);
    request.idle_timeout = options_.watch_idle;
    // `this` outlives both: they end with http_.
    request.on_line = [this, stream](std::string_view line) { stream_line(stream, line); };
    stream->id = http_->send(std::move(request), [this, stream](Result<HttpResponse> answer) {
        stream_done(stream, std::move(answer));
    });
    return Watch([weak = weak_from_this(), stream] {
        if (std::exchange(stream->over, true)) return;
        if (const auto self = weak.lock()) self->http_->cancel(stream->id);
    });
}

/// Whoever hears of an event may end the watch, and a transport that is reading must not be told
/// so: events and the end come by post, in order.
void Client::Impl::stream_line(const std::shared_ptr<Stream>& stream, std::string_view line) {
    if (line.empty()) return;
    auto event = parse_event(line);
    boost::asio::post(domain_,
                      [weak = weak_from_this(), stream, event = std::move(event)]() mutable {
                          const auto self = weak.lock();
                          if (!self || stream->over) return;
                          self->note(200, "");
                          if (event) return stream->event(*std::move(event));
                          self->http_->cancel(stream->id);
                          self->end_stream(stream, std::move(event).error().wrap(stream->what));
                      });
}

void Client::Impl::stream_done(const std::shared_ptr<Stream>& stream, Result<HttpResponse> answer) {
    auto outcome = interpret(stream->what, "", std::move(answer));
    // The next watch shows the token that is there by then.
    if (outcome.status == 401) http_->token_rejected();
    boost::asio::post(
        domain_, [weak = weak_from_this(), stream, outcome = std::move(outcome)]() mutable {
            const auto self = weak.lock();
            if (!self || stream->over) return;
            self->note(outcome.status, outcome.result ? "" : outcome.result.error().message());
            if (outcome.result) return self->end_stream(stream, {});
            self->end_stream(stream, std::move(outcome.result).error());
        });
}

void Client::Impl::end_stream(const std::shared_ptr<Stream>& stream, Result<> result) {
    if (std::exchange(stream->over, true)) return;
    stream->ended(std::move(result));
}

Client::Client(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
Client::~Client() = default;

Result<std::unique_ptr<Client>> Client::open(boost::asio::io_context& domain, const Config& config,
                                             Options options) {
    KND_TRY_ASSIGN(auto http, Http::open(domain, config, options.user_agent));
    return std::unique_ptr<Client>(
        new Client(std::make_shared<Impl>(domain, std::move(http), std::move(options))));
}

void Client::get(const std::string& path, const std::string& plural, Done<Json> done, Ms timeout) {
    HttpRequest request;
    request.target = path;
    impl_->begin(std::move(request), plural, timeout, std::move(done));
}

void Client::get(const Resource& resource, std::string_view name, Done<Json> done, Ms timeout) {
    get(resource.path(name), resource.plural, std::move(done), timeout);
}

void Client::list(const Resource& resource, Query query, Done<List> done) {
    auto paging = std::make_shared<Impl::Paging>();
    paging->resource = resource;
    paging->query = std::move(query);
    paging->limit = impl_->options_.page_size;
    paging->done = std::move(done);
    impl_->next_page(paging);
}

void Client::create(const Resource& resource, std::string body, Done<Json> done,
                    const Query& query) {
    HttpRequest request;
    request.method = "POST";
    request.target = with_query(resource.path(), query);
    request.body = std::move(body);
    impl_->begin(std::move(request), resource.plural, {}, std::move(done));
}

void Client::update(const Resource& resource, std::string_view name, std::string body,
                    Done<Json> done) {
    HttpRequest request;
    request.method = "PUT";
    request.target = resource.path(name);
    request.body = std::move(body);
    impl_->begin(std::move(request), resource.plural, {}, std::move(done));
}

void Client::patch(const Resource& resource, std::string_view name, const Patch& patch,
                   std::string body, Done<Json> done) {
    HttpRequest request;
    request.method = "PATCH";
    Query query;
    if (patch.type == PatchType::kApply) {
        request.content_type = "application/apply-patch+yaml";
        query = {{"fieldManager", patch.field_manager}, {"force", "true"}};
    } else {
        request.content_type = "application/merge-patch+json";
    }
    request.target = with_query(resource.path(name, patch.subresource), query);
    request.body = std::move(body);
    impl_->begin(std::move(request), resource.plural, {}, std::move(done));
}

void Client::remove(const Resource& resource, std::string_view name, const std::string& uid,
                    const std::string& resource_version, Done<> done) {
    Json preconditions = Json::object();
    if (!uid.empty()) preconditions["uid"] = uid;
    if (!resource_version.empty()) preconditions["resourceVersion"] = resource_version;
    HttpRequest request;
    request.method = "DELETE";
    request.target = resource.path(name);
    request.body = to_text({{"kind", "DeleteOptions"},
                            {"apiVersion", "v1"},
                            {"preconditions", std::move(preconditions)}});
    impl_->begin(std::move(request), resource.plural, {}, [done](Result<Json> answer) {
        if (!answer) return done(std::move(answer).error());
        done({});
    });
}

Watch Client::watch(const Resource& resource, Query query, const std::string& resource_version,
                    std::function<void(WatchEvent)> event, std::function<void(Result<>)> ended) {
    // Different ends for different nodes, so that they do not all come back together.
    const auto seconds = std::uniform_int_distribution<int>(300, 600)(impl_->random_);
    query.emplace_back("watch", "1");
    query.emplace_back("allowWatchBookmarks", "true");
    query.emplace_back("resourceVersion", resource_version);
    query.emplace_back("timeoutSeconds", std::to_string(seconds));
    return impl_->watch(with_query(resource.path(), query), std::move(event), std::move(ended));
}

const Reachability& Client::reachability() const {
    return impl_->reachability_;
}

void Client::set_observer(std::function<void(const CallReport&)> observer) {
    impl_->observer_ = std::move(observer);
}

boost::asio::io_context& Client::domain() {
    return impl_->domain_;
}

}  // namespace knd::kube
