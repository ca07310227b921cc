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

inline Error Error::from_errno(std::string_view what, int os_error) {
    auto code = Code::kInternal;
    switch (os_error) {
        case ENOENT:
        case ENODEV:
        case ENXIO:
        case ESRCH:
            code = Code::kNotFound;
            break;
        case EEXIST:
            code = Code::kAlreadyExists;
            break;
        case EACCES:
        case EPERM:
            code = Code::kPermissionDenied;
            break;
        case EINVAL:
            code = Code::kInvalidArgument;
            break;
        case EBUSY:
        case EAGAIN:
        case ECONNREFUSED:
            code = Code::kUnavailable;
            break;
        case EOPNOTSUPP:
        case ENOSYS:
            code = Code::kUnimplemented;
            break;
        case ENOSPC:
        case ENOMEM:
        case EMFILE:
            code = Code::kResourceExhausted;
            break;
        case ETIMEDOUT:
            code = Code::kDeadlineExceeded;
            break;
        default:
            break;
    }
    char buffer[128];
    std::string text(what);
    text.append(": ").append(strerror_r(os_error, buffer, sizeof buffer));
    return {code, std::move(text), os_error};
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
#define KND_TRY_NAME_(line) KND_TRY_CONCAT_(knd_try_, line)
/// `KND_TRY_ASSIGN(auto x, f())`: x gets the value, or the function leaves with the error.
#define KND_TRY_ASSIGN(target, expression)                                                \
    auto KND_TRY_NAME_(__LINE__) = (expression);                                          \
    if (!KND_TRY_NAME_(__LINE__).ok()) return std::move(KND_TRY_NAME_(__LINE__)).error(); \
    target = *std::move(KND_TRY_NAME_(__LINE__))  // NOLINT(bugprone-macro-parentheses)
