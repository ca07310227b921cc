// SPDX-License-Identifier: Apache-2.0
//
// Result<T>: a value or an Error, the way every fallible function of the project answers.
// An Error is a gRPC code, an errno and a sentence for a person; each caller prepends its context:
//   "claim a/b: device vf3: set MAC address: Device or resource busy".
#pragma once

#include <cassert>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace knd {

/// Same numbers as knd_status and as gRPC, so that a code needs no translation on its way out.
enum class Code : std::int32_t {
    kOk = 0,
    kCancelled = 1,
    kUnknown = 2,
    kInvalidArgument = 3,
    kDeadlineExceeded = 4,
    kNotFound = 5,
    kAlreadyExists = 6,
    kPermissionDenied = 7,
    kResourceExhausted = 8,
    kFailedPrecondition = 9,
    kAborted = 10,
    kOutOfRange = 11,
    kUnimplemented = 12,
    kInternal = 13,
    kUnavailable = 14,
    kDataLoss = 15,
    kUnauthenticated = 16,
};

/// "INVALID_ARGUMENT" and so on, for logs and tools.
constexpr std::string_view code_name(Code code) {
    constexpr std::string_view kNames[] = {"OK",
                                           "CANCELLED",
                                           "UNKNOWN",
                                           "INVALID_ARGUMENT",
                                           "DEADLINE_EXCEEDED",
                                           "NOT_FOUND",
                                           "ALREADY_EXISTS",
                                           "PERMISSION_DENIED",
                                           "RESOURCE_EXHAUSTED",
                                           "FAILED_PRECONDITION",
                                           "ABORTED",
                                           "OUT_OF_RANGE",
                                           "UNIMPLEMENTED",
                                           "INTERNAL",
                                           "UNAVAILABLE",
                                           "DATA_LOSS",
                                           "UNAUTHENTICATED"};
    const auto index = static_cast<std::size_t>(code);
    return index < std::size(kNames) ? kNames[index] : "UNKNOWN";
}

class [[nodiscard]] Error {
  public:
    Error(Code code, std::string message, int os_error = 0)
        : code_(code), os_error_(os_error), message_(std::move(message)) {
        assert(code != Code::kOk);
    }

    /// From errno: "what: Permission denied", with the code that fits the errno.
    static Error from_errno(std::string_view what, int os_error);

    Code code() const { return code_; }
    int os_error() const { return os_error_; }
    const std::string& message() const { return message_; }

    /// The same failure seen one level higher: "context: message".
    Error wrap(std::string_view context) && {
        message_.insert(0, ": ").insert(0, context);
        return std::move(*this);
    }
    Error wrap(std::string_view context) const& { return Error(*this).wrap(context); }

  private:
    Code code_;
    int os_error_;
    std::string message_;
};

/// What an errno means. INTERNAL is for those that only a bug of the caller makes (a descriptor or
/// a pointer that is none): a host counts INTERNAL and UNKNOWN as bugs, and a driver that is busy
/// or a cable that is out is none. One that is not listed here tells nothing: FAILED_PRECONDITION.
constexpr Code code_of_errno(int os_error) {
    switch (os_error) {
        case ENOENT:
        case ENODEV:
        case ENXIO:
        case ESRCH:
            return Code::kNotFound;
        case EEXIST:
            return Code::kAlreadyExists;
        case EACCES:
        case EPERM:
            return Code::kPermissionDenied;
        case ENOKEY:
        case EKEYEXPIRED:
        case EKEYREVOKED:
        case EKEYREJECTED:
            return Code::kUnauthenticated;
        case EINVAL:
        case E2BIG:
        case ENAMETOOLONG:
        case ENOTDIR:
        case EISDIR:
        case ELOOP:
        case EXDEV:
        case EMSGSIZE:
        case EDESTADDRREQ:
        case EILSEQ:
            return Code::kInvalidArgument;
        case EDOM:
        case ERANGE:
        case EFBIG:
        case EOVERFLOW:
        case ECHRNG:
            return Code::kOutOfRange;
        // What is so now may be otherwise soon: hardware, links, peers, locks.
        case EIO:
        case EBUSY:
        case EAGAIN:
        case EINTR:
        case ERESTART:
        case EALREADY:
        case EINPROGRESS:
        case ETXTBSY:
        case ENOBUFS:
        case EADDRINUSE:
        case ENETDOWN:
        case ENETUNREACH:
        case ENETRESET:
        case EHOSTDOWN:
        case EHOSTUNREACH:
        case ECONNREFUSED:
        case ECONNRESET:
        case ECONNABORTED:
        case ENOTCONN:
        case ESHUTDOWN:
        case EPIPE:
        case ENOLINK:
        case ECOMM:
        case EREMOTEIO:
        case ESTALE:
        case EOWNERDEAD:
            return Code::kUnavailable;
        case EDEADLK:
            return Code::kAborted;
        case ECANCELED:
            return Code::kCancelled;
        case ETIMEDOUT:
        case ETIME:
            return Code::kDeadlineExceeded;
        case EOPNOTSUPP:
        case ENOSYS:
        case ENOTTY:
        case EPROTONOSUPPORT:
        case ESOCKTNOSUPPORT:
        case EPFNOSUPPORT:
        case EAFNOSUPPORT:
        case ENOPROTOOPT:
        case EPROTOTYPE:
            return Code::kUnimplemented;
        case ENOSPC:
        case ENOMEM:
        case EMFILE:
        case ENFILE:
        case EDQUOT:
        case EMLINK:
        case EUSERS:
        case ENOLCK:
        case ENOSR:
        case ETOOMANYREFS:
            return Code::kResourceExhausted;
        case EUCLEAN:
        case EBADMSG:
            return Code::kDataLoss;
        case EFAULT:
        case EBADF:
        case EBADFD:
        case ENOTSOCK:
            return Code::kInternal;
        default:  // EROFS, ENOTEMPTY, ENOMEDIUM, ...
            return Code::kFailedPrecondition;
    }
}

inline Error Error::from_errno(std::string_view what, int os_error) {
    char buffer[128];
    std::string text(what);
    text.append(": ").append(strerror_r(os_error, buffer, sizeof buffer));
    return {code_of_errno(os_error), std::move(text), os_error};
}

template <class T = void>
class [[nodiscard]] Result {
  public:
    Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT: implicit
    Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: implicit

    bool ok() const { return state_.index() == 0; }
    explicit operator bool() const { return ok(); }

    T& value() & {
        assert(ok());
        return *std::get_if<0>(&state_);
    }
    const T& value() const& {
        assert(ok());
        return *std::get_if<0>(&state_);
    }
    T&& value() && {
        assert(ok());
        return std::move(*std::get_if<0>(&state_));
    }
    T& operator*() & { return value(); }
    const T& operator*() const& { return value(); }
    T&& operator*() && { return std::move(*this).value(); }
    T* operator->() { return &value(); }
    const T* operator->() const { return &value(); }
    T value_or(T fallback) && { return ok() ? std::move(*this).value() : std::move(fallback); }

    const Error& error() const& {
        assert(!ok());
        return *std::get_if<1>(&state_);
    }
    Error&& error() && {
        assert(!ok());
        return std::move(*std::get_if<1>(&state_));
    }
    Code code() const { return ok() ? Code::kOk : error().code(); }

    Result wrap(std::string_view context) && {
        if (ok()) return std::move(*this);
        return std::move(*this).error().wrap(context);
    }

  private:
    std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
  public:
    Result() = default;
    Result(Error error) : error_(std::move(error)) {}  // NOLINT: implicit

    bool ok() const { return !error_; }
    explicit operator bool() const { return ok(); }
    const Error& error() const& {
        assert(!ok());
        return *error_;
    }
    Error&& error() && {
        assert(!ok());
        return std::move(*error_);
    }
    Code code() const { return ok() ? Code::kOk : error_->code(); }

    Result wrap(std::string_view context) && {
        if (error_) return std::move(*error_).wrap(context);
        return {};
    }

  private:
    std::optional<Error> error_;
};

}  // namespace knd

/// Leaves the function with the error of `expression`, if it has one.
#define KND_TRY(expression)                                           \
    do {                                                              \
        if (auto knd_try_result = (expression); !knd_try_result.ok()) \
            return std::move(knd_try_result).error();                 \
    } while (false)

#define KND_TRY_CONCAT_(a, b) a##b
#define KND_TRY_NAME_(number) KND_TRY_CONCAT_(knd_try_, number)
/// `KND_TRY_ASSIGN(auto x, f())`: x gets the value, or the function leaves with the error. It is
/// three statements, because x is to live on: behind an `if` without braces it does not compile.
#define KND_TRY_ASSIGN(target, expression) \
    KND_TRY_ASSIGN_(KND_TRY_NAME_(__COUNTER__), target, expression)
#define KND_TRY_ASSIGN_(result, target, expression)     \
    auto result = (expression);                         \
    if (!result.ok()) return std::move(result).error(); \
    target = *std::move(result)  // NOLINT(bugprone-macro-parentheses)
