// SPDX-License-Identifier: Apache-2.0
#include "host/kube/http.hpp"

#include <curl/curl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <charconv>
#include <map>
#include <vector>

namespace knd::kube {
namespace {

using Clock = std::chrono::steady_clock;

/// No object of Kubernetes is larger than a few MB; a list of everything in a cluster may be.
constexpr std::size_t kMaxBody = 256u << 20;
constexpr std::size_t kMaxLine = 16u << 20;
/// Handles that are kept for reuse; their buffers are what they cost.
constexpr std::size_t kIdleHandles = 8;
/// A peer that does not acknowledge for so long is dead, and all its streams with it.
constexpr unsigned kTcpUserTimeoutMs = 15'000;

struct EasyDelete {
    void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct MultiDelete {
    void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
};
struct SlistDelete {
    void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
struct UrlDelete {
    void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
using Easy = std::unique_ptr<CURL, EasyDelete>;
using Slist = std::unique_ptr<curl_slist, SlistDelete>;

void append(Slist& list, const std::string& line) {
    if (auto* grown = curl_slist_append(list.get(), line.c_str())) {
        (void)list.release();
        list.reset(grown);
    }
}

/// One exchange, from send() to its Done.
struct Transfer {
    Http::Id id = 0;
    HttpRequest request;
    Http::Done done;
    Easy easy;
    Slist headers;
    HttpResponse response;
    std::string line;     ///< the unfinished line of a stream
    std::string refusal;  ///< why we stopped reading
    Clock::time_point last_byte;
    char error[CURL_ERROR_SIZE] = {};
};

/// curl's own sockets lack CLOEXEC and would leak into what backends execute.
curl_socket_t open_socket(void*, curlsocktype, curl_sockaddr* address) {
    const int fd = ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    if (fd < 0) return CURL_SOCKET_BAD;
    if (address->family == AF_INET || address->family == AF_INET6)
        ::setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &kTcpUserTimeoutMs,
                     sizeof kTcpUserTimeoutMs);
    return fd;
}

bool feed_lines(Transfer& transfer, std::string_view chunk) {
    while (true) {
        const auto end = chunk.find('\n');
        if (end == std::string_view::npos) break;
        if (transfer.line.empty()) {
            transfer.request.on_line(chunk.substr(0, end));
        } else {
            transfer.line.append(chunk.substr(0, end));
            transfer.request.on_line(transfer.line);
            transfer.line.clear();
        }
        chunk.remove_prefix(end + 1);
    }
    if (transfer.line.size() + chunk.size() > kMaxLine) {
        transfer.refusal = "a line of the stream is over 16 MiB long";
        return false;
    }
    transfer.line.append(chunk);
    return true;
}

std::size_t on_body(char* data, std::size_t, std::size_t size, void* user) {
    auto& transfer = *static_cast<Transfer*>(user);
    transfer.last_byte = Clock::now();
    long status = 0;
    curl_easy_getinfo(transfer.easy.get(), CURLINFO_RESPONSE_CODE, &status);
    if (transfer.request.on_line && status >= 200 && status < 300)
        return feed_lines(transfer, {data, size}) ? size : 0;
    if (transfer.response.body.size() + size > kMaxBody) {
        transfer.refusal = "the answer is over 256 MiB long";
        return 0;
    }
    transfer.response.body.append(data, size);
    return size;
}

std::string_view header_value(std::string_view line, std::string_view lower_name) {
    if (line.size() <= lower_name.size() || line[lower_name.size()] != ':') return {};
    const auto same = [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b; };
    if (!std::equal(lower_name.begin(), lower_name.end(), line.begin(),
                    [&](char b, char a) { return same(a, b); }))
        return {};
    line.remove_prefix(lower_name.size() + 1);
    const auto first = line.find_first_not_of(' ');
    const auto last = line.find_last_not_of(" \r\n");
    return first == std::string_view::npos ? std::string_view()
                                           : line.substr(first, last - first + 1);
}

std::size_t on_header(char* data, std::size_t, std::size_t size, void* user) {
    auto& transfer = *static_cast<Transfer*>(user);
    transfer.last_byte = Clock::now();
    const std::string_view line(data, size);
    if (const auto value = header_value(line, "retry-after"); !value.empty()) {
        long seconds = 0;
        const auto parsed = std::from_chars(value.data(), value.data() + value.size(), seconds);
        if (parsed.ec == std::errc()) transfer.response.retry_after = std::chrono::seconds(seconds);
    }
    if (const auto value = header_value(line, "warning"); !value.empty())
        transfer.response.warning = value;
    return size;
}

void set_blob(CURL* easy, CURLoption option, const std::string& text) {
    curl_blob blob{const_cast<char*>(text.data()), text.size(), CURL_BLOB_COPY};
    curl_easy_setopt(easy, option, &blob);
}

/// Without curl's " after 3 ms": the same failure would be news each time.
std::string without_duration(std::string text) {
    const std::string_view before = " after ";
    const auto begin = text.find(before);
    if (begin == std::string::npos) return text;
    const auto end = text.find_first_not_of("0123456789", begin + before.size());
    if (end != std::string::npos && text.compare(end, 3, " ms") == 0)
        text.erase(begin, end + 3 - begin);
    return text;
}

}  // namespace

class Http::Impl : public std::enable_shared_from_this<Impl> {
  public:
    static Result<std::shared_ptr<Impl>> open(boost::asio::io_context& domain, const Config& config,
                                              std::string user_agent) {
        KND_TRY_ASSIGN(auto credentials, Credentials::open(config));
        if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
            return Error(Code::kInternal, "libcurl does not initialise");
        auto impl =
            std::make_shared<Impl>(domain, config, std::move(credentials), std::move(user_agent));
        if (!impl->multi_) return Error(Code::kResourceExhausted, "no memory for libcurl");
        KND_TRY(impl->read_url());
        return impl;
    }

    Impl(boost::asio::io_context& domain, const Config& config, Credentials credentials,
         std::string user_agent)
        : domain_(domain),
          config_(config),
          credentials_(std::move(credentials)),
          user_agent_(std::move(user_agent)),
          timer_(domain),
          silence_(domain),
          multi_(curl_multi_init()) {
        auto* multi = multi_.get();
        curl_multi_setopt(multi, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
        curl_multi_setopt(multi, CURLMOPT_MAX_HOST_CONNECTIONS, 64L);
        curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
        curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, this);
        curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer);
        curl_multi_setopt(multi, CURLMOPT_TIMERDATA, this);
    }

    ~Impl() {
        idle_.clear();
        multi_.reset();
        curl_global_cleanup();
    }

    Id send(HttpRequest request, Done done);
    void cancel(Id id);
    void close();
    bool token_rejected() { return credentials_.token_rejected(Clock::now()); }

  private:
    /// A socket of curl's, which opens and closes it, while curl wants to hear of it.
    struct Socket {
        boost::asio::posix::stream_descriptor descriptor;
        int wanted = CURL_POLL_NONE;
        int awaited = 0;  ///< CURL_POLL_IN, CURL_POLL_OUT: a wait is under way
    };
    using SocketPtr = std::shared_ptr<Socket>;  ///< shared with its waits

    static int on_socket(CURL* easy, curl_socket_t fd, int what, void* self, void* socket);
    static int on_timer(CURLM* multi, long timeout_ms, void* self);
    void watch(curl_socket_t fd, int what);
    void await(curl_socket_t fd, const SocketPtr& socket);
    void await(curl_socket_t fd, const SocketPtr& socket, int what);
    void act(curl_socket_t fd, int events);

    Result<> read_url();
    bool begin(const std::shared_ptr<Transfer>& transfer);
    void set_options(Transfer& transfer);
    void set_tls(CURL* easy, const CredentialSet& secrets);
    void collect_finished();
    void await_silence();
    void end_silent();
    Result<HttpResponse> outcome(Transfer& transfer, CURLcode code);
    Done take(const std::shared_ptr<Transfer>& transfer);

    boost::asio::io_context& domain_;
    const Config config_;
    std::string base_url_;
    Slist connect_to_;
    Credentials credentials_;
    const std::string user_agent_;
    boost::asio::steady_timer timer_;    ///< curl's own
    boost::asio::steady_timer silence_;  ///< for streams that say nothing
    bool awaiting_silence_ = false;
    std::map<curl_socket_t, SocketPtr> sockets_;
    std::unique_ptr<CURLM, MultiDelete> multi_;
    /// Shared with the loops that end them.
    std::map<Id, std::shared_ptr<Transfer>> running_;
    std::vector<Easy> idle_;
    Id next_id_ = 0;
    unsigned timer_round_ = 0;
};

/// The name to verify goes into the URL, and the host to connect to beside it.
Result<> Http::Impl::read_url() {
    base_url_ = config_.server;
    if (config_.tls_server_name.empty()) return {};
    const std::unique_ptr<CURLU, UrlDelete> url(curl_url());
    char* host = nullptr;
    char* port = nullptr;
    char* whole = nullptr;
    const bool fine =
        curl_url_set(url.get(), CURLUPART_URL, base_url_.c_str(), 0) == CURLUE_OK &&
        curl_url_get(url.get(), CURLUPART_HOST, &host, 0) == CURLUE_OK &&
        curl_url_get(url.get(), CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK &&
        curl_url_set(url.get(), CURLUPART_HOST, config_.tls_server_name.c_str(), 0) == CURLUE_OK &&
        curl_url_get(url.get(), CURLUPART_URL, &whole, 0) == CURLUE_OK;
    if (fine) {
        append(connect_to_, std::string("::") + host + ":" + port);
        base_url_ = whole;
        while (base_url_.ends_with('/'))
            base_url_.pop_back();
    }
    curl_free(host);
    curl_free(port);
    curl_free(whole);
    if (!fine) return Error(Code::kInvalidArgument, "server " + config_.server + " is no URL");
    return {};
}

// --- curl's sockets and timer --------------------------------------------------------------------

int Http::Impl::on_socket(CURL*, curl_socket_t fd, int what, void* self, void*) {
    static_cast<Impl*>(self)->watch(fd, what);
    return 0;
}

void Http::Impl::watch(curl_socket_t fd, int what) {
    if (what == CURL_POLL_REMOVE) {
        const auto found = sockets_.find(fd);
        if (found == sockets_.end()) return;
        found->second->descriptor.release();
        found->second->wanted = CURL_POLL_NONE;
        sockets_.erase(found);
        return;
    }
    auto& socket = sockets_[fd];
    if (!socket) {
        socket = std::make_shared<Socket>(boost::asio::posix::stream_descriptor(domain_));
        boost::system::error_code ec;
        socket->descriptor.assign(fd, ec);
        // Never seen: epoll takes every socket. The exchange would end at its time limit.
        if (ec) return;
    }
    socket->wanted = what;
    await(fd, socket);
}

void Http::Impl::await(curl_socket_t fd, const SocketPtr& socket) {
    if (!socket->descriptor.is_open()) return;
    for (const int what : {CURL_POLL_IN, CURL_POLL_OUT})
        if ((socket->wanted & what) != 0 && (socket->awaited & what) == 0) await(fd, socket, what);
}

void Http::Impl::await(curl_socket_t fd, const SocketPtr& socket, int what) {
    using Descriptor = boost::asio::posix::stream_descriptor;
    socket->awaited |= what;
    socket->descriptor.async_wait(
        what == CURL_POLL_IN ? Descriptor::wait_read : Descriptor::wait_write,
        [weak = weak_from_this(), fd, socket, what](const boost::system::error_code& ec) {
            socket->awaited &= ~what;
            const auto self = weak.lock();
            // Not wanted any more: perhaps the number is another socket's by now.
            if (ec || !self || (socket->wanted & what) == 0) return;
            self->act(fd, what == CURL_POLL_IN ? CURL_CSELECT_IN : CURL_CSELECT_OUT);
            self->await(fd, socket);
        });
}

int Http::Impl::on_timer(CURLM*, long timeout_ms, void* user) {
    auto& self = *static_cast<Impl*>(user);
    const auto round = ++self.timer_round_;
    const auto expired = [weak = self.weak_from_this(), round] {
        const auto impl = weak.lock();
        if (impl && impl->timer_round_ == round) impl->act(CURL_SOCKET_TIMEOUT, 0);
    };
    self.timer_.cancel();
    if (timeout_ms < 0) return 0;
    if (timeout_ms == 0) {
        boost::asio::post(self.domain_, expired);
        return 0;
    }
    self.timer_.expires_after(std::chrono::milliseconds(timeout_ms));
    self.timer_.async_wait([expired](const boost::system::error_code& ec) {
        if (!ec) expired();
    });
    return 0;
}

/// The one place where curl works.
void Http::Impl::act(curl_socket_t fd, int events) {
    int running = 0;
    curl_multi_socket_action(multi_.get(), fd, events, &running);
    collect_finished();
}

// --- exchanges -----------------------------------------------------------------------------------

Http::Id Http::Impl::send(HttpRequest request, Done done) {
    auto transfer = std::make_shared<Transfer>();
    transfer->request = std::move(request);
    transfer->done = std::move(done);
    const auto id = transfer->id = ++next_id_;
    running_[id] = transfer;
    if (!begin(transfer)) {
        boost::asio::post(domain_, [done = take(transfer)] {
            done(Error(Code::kResourceExhausted, "no memory for a request"));
        });
    }
    if (transfer->request.idle_timeout.count() > 0) await_silence();
    return id;
}

void Http::Impl::cancel(Id id) {
    const auto found = running_.find(id);
    if (found != running_.end()) take(std::shared_ptr(found->second));
}

void Http::Impl::close() {
    while (!running_.empty())
        cancel(running_.begin()->first);
    timer_.cancel();
    silence_.cancel();
}

bool Http::Impl::begin(const std::shared_ptr<Transfer>& transfer) {
    if (idle_.empty()) {
        transfer->easy.reset(curl_easy_init());
    } else {
        transfer->easy = std::move(idle_.back());
        idle_.pop_back();
        curl_easy_reset(transfer->easy.get());
    }
    if (!transfer->easy) return false;
    transfer->last_byte = Clock::now();
    set_options(*transfer);
    return curl_multi_add_handle(multi_.get(), transfer->easy.get()) == CURLM_OK;
}

void Http::Impl::set_options(Transfer& transfer) {
    CURL* easy = transfer.easy.get();
    const auto& request = transfer.request;
    const auto& secrets = credentials_.current(Clock::now());
    append(transfer.headers, "Accept: application/json");
    append(transfer.headers, "Expect:");  // no 100-continue round trip before a body
    if (!secrets.token.empty()) append(transfer.headers, "Authorization: Bearer " + secrets.token);
    if (request.method != "GET")
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request.method.c_str());
    if (!request.body.empty()) {
        append(transfer.headers, "Content-Type: " + request.content_type);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                         static_cast<curl_off_t>(request.body.size()));
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request.body.data());
    }
    curl_easy_setopt(easy, CURLOPT_URL, (base_url_ + request.target).c_str());
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer.headers.get());
    curl_easy_setopt(easy, CURLOPT_USERAGENT, user_agent_.c_str());
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
    curl_easy_setopt(easy, CURLOPT_PIPEWAIT, 1L);
    curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "gzip");
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, 10'000L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(request.timeout.count()));
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, 30L);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, 5L);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer.error);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &transfer);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, &transfer);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, &transfer);
    if (!config_.proxy_url.empty())
        curl_easy_setopt(easy, CURLOPT_PROXY, config_.proxy_url.c_str());
    set_tls(easy, secrets);
}

void Http::Impl::set_tls(CURL* easy, const CredentialSet& secrets) {
    if (!secrets.ca.empty()) {
        // Without these two, curl would trust the roots of the system besides the cluster's.
        curl_easy_setopt(easy, CURLOPT_CAINFO, nullptr);
        curl_easy_setopt(easy, CURLOPT_CAPATH, nullptr);
        set_blob(easy, CURLOPT_CAINFO_BLOB, secrets.ca);
    }
    if (!secrets.client_cert.empty()) set_blob(easy, CURLOPT_SSLCERT_BLOB, secrets.client_cert);
    if (!secrets.client_key.empty()) set_blob(easy, CURLOPT_SSLKEY_BLOB, secrets.client_key);
    if (config_.insecure_skip_tls_verify) {
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
    }
    if (connect_to_) curl_easy_setopt(easy, CURLOPT_CONNECT_TO, connect_to_.get());
}

void Http::Impl::collect_finished() {
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi_.get(), &left)) {
        if (message->msg != CURLMSG_DONE) continue;
        const auto code = message->data.result;
        void* owner = nullptr;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &owner);
        const auto found = running_.find(static_cast<Transfer*>(owner)->id);
        const auto transfer = found->second;
        auto result = outcome(*transfer, code);
        take(transfer)(std::move(result));
    }
}

Result<HttpResponse> Http::Impl::outcome(Transfer& transfer, CURLcode code) {
    if (code == CURLE_OK) {
        long status = 0;
        curl_easy_getinfo(transfer.easy.get(), CURLINFO_RESPONSE_CODE, &status);
        transfer.response.status = static_cast<int>(status);
        return std::move(transfer.response);
    }
    const std::string text = !transfer.refusal.empty()   ? transfer.refusal
                             : transfer.error[0] != '\0' ? transfer.error
                                                         : curl_easy_strerror(code);
    const auto kind =
        code == CURLE_OPERATION_TIMEDOUT ? Code::kDeadlineExceeded : Code::kUnavailable;
    return Error(kind, config_.server + ": " + without_duration(text));
}

/// curl's own low-speed check would wake us every second for each watch. Ours looks when the first
/// stream might have been silent for too long.
void Http::Impl::await_silence() {
    if (std::exchange(awaiting_silence_, true)) return;
    auto first = Clock::time_point::max();
    for (const auto& [id, transfer] : running_)
        if (const auto limit = transfer->request.idle_timeout; limit.count() > 0)
            first = std::min(first, transfer->last_byte + limit);
    silence_.expires_at(first);
    silence_.async_wait([weak = weak_from_this()](const boost::system::error_code& ec) {
        const auto self = weak.lock();
        if (ec || !self) return;
        self->awaiting_silence_ = false;
        self->end_silent();
    });
}

void Http::Impl::end_silent() {
    const auto now = Clock::now();
    std::vector<std::shared_ptr<Transfer>> silent;
    bool others = false;
    for (const auto& [id, transfer] : running_) {
        const auto limit = transfer->request.idle_timeout;
        if (limit.count() == 0) continue;
        if (now - transfer->last_byte >= limit)
            silent.push_back(transfer);
        else
            others = true;
    }
    if (others) await_silence();
    for (const auto& transfer : silent) {
        if (!running_.contains(transfer->id)) continue;  // another one's Done has cancelled it
        const auto seconds = transfer->request.idle_timeout.count();
        take(transfer)(Error(
            Code::kDeadlineExceeded,
            config_.server + ": the stream was silent for " + std::to_string(seconds) + " s"));
    }
}

/// The exchange is over; what is left of it is its Done.
Http::Done Http::Impl::take(const std::shared_ptr<Transfer>& transfer) {
    running_.erase(transfer->id);
    if (transfer->easy) {
        curl_multi_remove_handle(multi_.get(), transfer->easy.get());
        if (idle_.size() < kIdleHandles) idle_.push_back(std::move(transfer->easy));
        transfer->easy.reset();
    }
    return std::move(transfer->done);
}

Http::Http(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

Http::~Http() {
    impl_->close();
}

Result<std::unique_ptr<Http>> Http::open(boost::asio::io_context& domain, const Config& config,
                                         std::string user_agent) {
    KND_TRY_ASSIGN(auto impl, Impl::open(domain, config, std::move(user_agent)));
    return std::unique_ptr<Http>(new Http(std::move(impl)));
}

Http::Id Http::send(HttpRequest request, Done done) {
    return impl_->send(std::move(request), std::move(done));
}

void Http::cancel(Id id) {
    impl_->cancel(id);
}

bool Http::token_rejected() {
    return impl_->token_rejected();
}

}  // namespace knd::kube
