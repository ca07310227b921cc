// SPDX-License-Identifier: Apache-2.0
#include "host/kube/http.hpp"

#include <curl/curl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <csignal>
#include <map>
#include <mutex>
#include <thread>
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

}  // namespace

class Http::Impl {
  public:
    static Result<std::unique_ptr<Impl>> open(const Config& config, std::string user_agent) {
        KND_TRY_ASSIGN(auto credentials, Credentials::open(config));
        if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
            return Error(Code::kInternal, "libcurl does not initialise");
        auto impl = std::make_unique<Impl>(config, std::move(credentials), std::move(user_agent));
        if (!impl->multi_) return Error(Code::kResourceExhausted, "no memory for libcurl");
        KND_TRY(impl->read_url());
        impl->start();
        return impl;
    }

    Impl(const Config& config, Credentials credentials, std::string user_agent)
        : config_(config),
          credentials_(std::move(credentials)),
          user_agent_(std::move(user_agent)),
          multi_(curl_multi_init()) {
        curl_multi_setopt(multi_.get(), CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
        curl_multi_setopt(multi_.get(), CURLMOPT_MAX_HOST_CONNECTIONS, 64L);
    }

    ~Impl() {
        if (thread_.joinable()) {
            post([this] { stopping_ = true; });
            thread_.join();
        }
        idle_.clear();
        multi_.reset();
        curl_global_cleanup();
    }

    Id send(HttpRequest request, Done done) {
        auto transfer = std::make_shared<Transfer>();
        transfer->request = std::move(request);
        transfer->done = std::move(done);
        const auto id = transfer->id = ++next_id_;
        post([this, transfer] { begin(transfer); });
        return id;
    }

    /// Runs `command` on the transport's thread.
    void post(std::function<void()> command) {
        {
            const std::lock_guard lock(mutex_);
            inbox_.push_back(std::move(command));
        }
        curl_multi_wakeup(multi_.get());
    }

    void cancel(Id id) {
        const auto found = running_.find(id);
        if (found != running_.end())
            finish(found->second, Error(Code::kCancelled, "the request was cancelled"));
    }

    Credentials& credentials() { return credentials_; }

  private:
    Result<> read_url();
    void start();
    void run();
    void run_commands();
    void begin(const std::shared_ptr<Transfer>& transfer);
    void set_options(Transfer& transfer);
    void set_tls(CURL* easy, const CredentialSet& secrets);
    void collect_finished();
    void end_silent();
    int wait_ms() const;
    Result<HttpResponse> outcome(Transfer& transfer, CURLcode code);
    void finish(std::shared_ptr<Transfer> transfer, Result<HttpResponse> result);

    const Config config_;
    std::string base_url_;
    Slist connect_to_;
    Credentials credentials_;
    const std::string user_agent_;
    std::unique_ptr<CURLM, MultiDelete> multi_;
    /// Shared with the closure that carries a transfer into the thread.
    std::map<Id, std::shared_ptr<Transfer>> running_;
    std::vector<Easy> idle_;
    bool stopping_ = false;

    std::atomic<Id> next_id_{0};
    std::mutex mutex_;
    std::vector<std::function<void()>> inbox_;  ///< guarded by mutex_
    std::thread thread_;
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

void Http::Impl::start() {
    // Signals are the domain thread's business, and a connection that closes under OpenSSL must not
    // raise SIGPIPE here.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    thread_ = std::thread([this] { run(); });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void Http::Impl::run() {
    pthread_setname_np(pthread_self(), "knd-http");
    while (!stopping_) {
        run_commands();
        int running = 0;
        curl_multi_perform(multi_.get(), &running);
        collect_finished();
        end_silent();
        if (!stopping_) curl_multi_poll(multi_.get(), nullptr, 0, wait_ms(), nullptr);
    }
    run_commands();
    while (!running_.empty())
        cancel(running_.begin()->first);
}

void Http::Impl::run_commands() {
    std::vector<std::function<void()>> commands;
    {
        const std::lock_guard lock(mutex_);
        commands.swap(inbox_);
    }
    for (auto& command : commands)
        command();
}

void Http::Impl::begin(const std::shared_ptr<Transfer>& transfer) {
    if (stopping_) return transfer->done(Error(Code::kCancelled, "the daemon is stopping"));
    if (idle_.empty()) {
        transfer->easy.reset(curl_easy_init());
    } else {
        transfer->easy = std::move(idle_.back());
        idle_.pop_back();
        curl_easy_reset(transfer->easy.get());
    }
    running_[transfer->id] = transfer;
    if (!transfer->easy)
        return finish(transfer, Error(Code::kResourceExhausted, "no memory for a request"));
    transfer->last_byte = Clock::now();
    set_options(*transfer);
    if (const auto code = curl_multi_add_handle(multi_.get(), transfer->easy.get());
        code != CURLM_OK)
        finish(transfer, Error(Code::kInternal, curl_multi_strerror(code)));
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
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
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
        auto transfer = found->second;
        auto result = outcome(*transfer, code);
        finish(std::move(transfer), std::move(result));
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
    return Error(kind, config_.server + ": " + text);
}

/// curl's own low-speed check would wake us every second for each watch.
void Http::Impl::end_silent() {
    const auto now = Clock::now();
    std::vector<std::shared_ptr<Transfer>> silent;
    for (const auto& [id, transfer] : running_) {
        const auto limit = transfer->request.idle_timeout;
        if (limit.count() > 0 && now - transfer->last_byte >= limit) silent.push_back(transfer);
    }
    for (auto& transfer : silent) {
        const auto seconds = transfer->request.idle_timeout.count();
        finish(transfer,
               Error(Code::kDeadlineExceeded, config_.server + ": the stream was silent for " +
                                                  std::to_string(seconds) + " s"));
    }
}

int Http::Impl::wait_ms() const {
    auto wait = std::chrono::milliseconds(60'000);
    const auto now = Clock::now();
    for (const auto& [id, transfer] : running_) {
        if (transfer->request.idle_timeout.count() == 0) continue;
        const auto left = transfer->last_byte + transfer->request.idle_timeout - now;
        wait = std::min(wait, std::chrono::ceil<std::chrono::milliseconds>(left));
    }
    return static_cast<int>(std::max<std::int64_t>(wait.count(), 0));
}

void Http::Impl::finish(std::shared_ptr<Transfer> transfer, Result<HttpResponse> result) {
    running_.erase(transfer->id);
    if (transfer->easy) {
        curl_multi_remove_handle(multi_.get(), transfer->easy.get());
        if (idle_.size() < kIdleHandles) idle_.push_back(std::move(transfer->easy));
        transfer->easy.reset();
    }
    transfer->done(std::move(result));
}

Http::Http(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Http::~Http() = default;

Result<std::unique_ptr<Http>> Http::open(const Config& config, std::string user_agent) {
    KND_TRY_ASSIGN(auto impl, Impl::open(config, std::move(user_agent)));
    return std::unique_ptr<Http>(new Http(std::move(impl)));
}

Http::Id Http::send(HttpRequest request, Done done) {
    return impl_->send(std::move(request), std::move(done));
}

void Http::cancel(Id id) {
    impl_->post([impl = impl_.get(), id] { impl->cancel(id); });
}

void Http::token_rejected(std::function<void(bool)> changed) {
    impl_->post([impl = impl_.get(), changed = std::move(changed)] {
        changed(impl->credentials().token_rejected(Clock::now()));
    });
}

}  // namespace knd::kube
