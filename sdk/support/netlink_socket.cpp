// SPDX-License-Identifier: Apache-2.0
#include "sdk/support/netlink_socket.hpp"

#include <linux/netlink.h>
#include <sys/socket.h>
#include <sys/time.h>

namespace knd {

namespace {

/// A table that changes faster than it can be read is taken as it came: the events of those changes
/// make the reader look again.
constexpr int kDumpTries = 8;
constexpr time_t kReplySeconds = 10;

Error kernel_error(int os_error, std::string_view explanation) {
    auto plain = Error::from_errno("", os_error);
    auto text = plain.message().substr(2);
    if (!explanation.empty()) text.append(" (").append(explanation).append(")");
    return {plain.code(), std::move(text), os_error};
}

/// The kernel's explanation beside an error number (NLMSGERR_ATTR_MSG), if it gave one.
std::string explanation_in(const nlmsghdr* message, const nlmsgerr* error) {
    if ((message->nlmsg_flags & NLM_F_ACK_TLVS) == 0) return {};
    auto skip = sizeof(nlmsgerr);
    // Unless capped, the request is repeated between the number and the attributes.
    if ((message->nlmsg_flags & NLM_F_CAPPED) == 0) {
        skip += NLMSG_ALIGN(error->msg.nlmsg_len) - NLMSG_HDRLEN;
    }
    return Attributes::of(message, skip).text(NLMSGERR_ATTR_MSG);
}

}  // namespace

Netlink::Socket::Socket(Fd fd, std::size_t buffer)
    : fd_(std::move(fd)),
      buffer_size_(buffer),
      buffer_(std::make_unique_for_overwrite<char[]>(buffer)) {}

Result<std::unique_ptr<Netlink::Socket>> Netlink::Socket::open(int protocol, std::size_t buffer) {
    Fd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol));
    if (!fd) return Error::from_errno("open a netlink socket", errno);
    const int on = 1;
    const timeval timeout{kReplySeconds, 0};
    // Each is a comfort: without strict checking (before 4.20) dumps are filtered on this side,
    // without extended acknowledgements (before 4.12) errors are bare numbers.
    ::setsockopt(fd.get(), SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof on);
    ::setsockopt(fd.get(), SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on);
    ::setsockopt(fd.get(), SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof on);
    ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    return std::unique_ptr<Socket>(new Socket(std::move(fd), buffer));
}

Result<void> Netlink::Socket::send(Message& message) {
    if (!message.ok()) {
        return Error(Code::kInvalidArgument, "the request is malformed or too long for netlink");
    }
    nlmsghdr* const raw = message.raw();
    raw->nlmsg_seq = ++sequence_;
    raw->nlmsg_pid = 0;
    sockaddr_nl kernel{};
    kernel.nl_family = AF_NETLINK;
    // The kernel carries the request out within this call.
    ssize_t sent = 0;
    do {
        sent = ::sendto(fd_.get(), raw, raw->nlmsg_len, 0, reinterpret_cast<sockaddr*>(&kernel),
                        sizeof kernel);
    } while (sent < 0 && errno == EINTR);
    if (sent < 0) return Error::from_errno("send to netlink", errno);
    return {};
}

Result<std::size_t> Netlink::Socket::receive() {
    ssize_t size = 0;
    do {
        size = ::recv(fd_.get(), buffer_.get(), buffer_size_, MSG_TRUNC);
    } while (size < 0 && errno == EINTR);
    if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
        return Error(Code::kDeadlineExceeded, "netlink did not answer", ETIMEDOUT);
    }
    if (size < 0) return Error::from_errno("receive from netlink", errno);
    if (static_cast<std::size_t>(size) > buffer_size_) {
        return Error(Code::kInternal, "netlink answered with more than " +
                                          std::to_string(buffer_size_) + " bytes at once");
    }
    return static_cast<std::size_t>(size);
}

Result<Netlink::Socket::Progress> Netlink::Socket::read(const nlmsghdr* message,
                                                        Answer& answer) const {
    if (message->nlmsg_seq != sequence_) return Progress::kMore;  // late, of a call that timed out
    if ((message->nlmsg_flags & NLM_F_DUMP_INTR) != 0) answer.interrupted = true;
    if (message->nlmsg_type == NLMSG_DONE) {
        const int* const status = message_header<int>(message);
        if (status != nullptr && *status < 0) return kernel_error(-*status, {});
        return Progress::kDone;
    }
    if (message->nlmsg_type == NLMSG_ERROR) {
        const auto* const error = message_header<nlmsgerr>(message);
        if (error == nullptr) return Error(Code::kInternal, "netlink sent a torn error");
        if (error->error == 0) return Progress::kDone;
        return kernel_error(-error->error, explanation_in(message, error));
    }
    answer.visit(message);
    return Progress::kMore;
}

Result<void> Netlink::Socket::collect(Answer& answer) {
    while (true) {
        KND_TRY_ASSIGN(const auto size, receive());
        auto left = static_cast<unsigned>(size);
        for (auto* message = reinterpret_cast<nlmsghdr*>(buffer_.get()); NLMSG_OK(message, left);
             message = NLMSG_NEXT(message, left)) {
            KND_TRY_ASSIGN(const auto progress, read(message, answer));
            if (progress == Progress::kDone) return {};
        }
    }
}

Result<void> Netlink::Socket::request(Message& message, const Visit& visit) {
    // The acknowledgement ends the answer, so every request asks for one.
    if (message.ok()) message.raw()->nlmsg_flags |= NLM_F_ACK;
    KND_TRY(send(message));
    Answer answer{visit};
    return collect(answer);
}

Result<void> Netlink::Socket::request(Message& message) {
    return request(message, [](const nlmsghdr*) {});
}

Result<void> Netlink::Socket::dump(Message& message, const std::function<void()>& begin,
                                   const Visit& visit) {
    for (int attempt = 1;; ++attempt) {
        begin();
        if (message.ok()) message.raw()->nlmsg_flags |= NLM_F_DUMP;
        KND_TRY(send(message));
        Answer answer{visit};
        KND_TRY(collect(answer));
        if (!answer.interrupted || attempt == kDumpTries) return {};
    }
}

}  // namespace knd
