// SPDX-License-Identifier: Apache-2.0
//
// The Kubernetes REST paths over a Store, free of sockets: a request goes in, a response or a watch
// comes out.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "tools/local/api/present.hpp"
#include "tools/local/api/store.hpp"

namespace knd::api {

struct Request {
    std::string method;
    std::string path;  ///< decoded, without the query
    std::map<std::string, std::string, std::less<>> query;
    std::string accept;
    std::string content_type;
    std::string user_agent;
    std::string body;

    std::string parameter(std::string_view name) const;
    bool flag(std::string_view name) const;  ///< "true" and "1" are true

    /// Splits and decodes a request target such as "/api/v1/pods?watch=1".
    void set_target(std::string_view target);
};

struct Response {
    int status = 200;
    std::string body;
    std::string content_type = "application/json";
    std::vector<std::string> warnings;
};

/// A watch that is to be streamed: a line or a frame per event.
struct WatchRequest {
    const Kind& kind;
    std::string ns;
    ObjectSelector selector;
    Presenter presenter;
    MediaType media;
    std::uint64_t since;  ///< 0: what exists comes first
    std::int64_t timeout_seconds;
    bool bookmarks;
    bool mark_initial_end;  ///< a bookmark says where what existed ends

    /// The event as this watcher sees it: an object that begins or ceases to match is added or
    /// deleted for it. Empty when it does not concern it.
    std::string text(const Event& event) const;
    std::string bookmark(std::uint64_t revision, bool initial_end) const;
};

/// The last event of a stream that ends with an error.
std::string error_event(MediaType media, const Status& status);
Response respond(const Status& status, MediaType media = MediaType::kJson);

using Reply = std::variant<Response, WatchRequest>;

class Rest {
  public:
    explicit Rest(Store& store) : store_(store) {}
    Reply handle(const Request& request);

  private:
    struct Target {
        const Kind* kind = nullptr;
        std::string ns, name, subresource;
    };
    static std::optional<Target> find_target(std::string_view path);

    Answer<Reply> dispatch(const Request& request, const Target& target);
    Answer<Reply> read(const Request& request, const Target& target);
    Answer<Reply> list(const Request& request, const Target& target);
    Answer<Reply> watch(const Request& request, const Target& target);
    Answer<Reply> create(const Request& request, const Target& target);
    Answer<Reply> bind(const Request& request, const Target& target);
    Answer<Reply> update(const Request& request, const Target& target);
    Answer<Reply> patch(const Request& request, const Target& target);
    Answer<Reply> remove(const Request& request, const Target& target);
    Answer<Reply> remove_all(const Request& request, const Target& target);

    Store& store_;
};

}  // namespace knd::api
