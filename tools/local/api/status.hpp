// SPDX-License-Identifier: Apache-2.0
//
// How this API server says no: metav1.Status with the reasons, codes and wording that Kubernetes
// uses, because kubectl and every client decide by them. Answer<T> is Result<T> with such a Status
// in place of an Error; KND_TRY works with both.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "host/validation/field_error.hpp"

#include <knd/cpp/result.hpp>

namespace knd::api {

struct Status {
    int code = 500;
    std::string reason;
    std::string message;
    Json details;  ///< null or metav1.StatusDetails

    /// The metav1.Status object that goes over the wire.
    Json json() const;
    /// For in-process callers that speak Result: same sentence, nearest gRPC code.
    Error error() const;
};

/// `resource` is "pods" or "resourceclaims.resource.k8s.io", as Kubernetes prints it.
Status not_found(std::string_view resource, std::string_view name);
Status already_exists(std::string_view resource, std::string_view name);
Status conflict(std::string_view resource, std::string_view name, std::string_view why);
/// `kind` is "Pod" or "ResourceClaim.resource.k8s.io".
Status invalid(std::string_view kind, std::string_view name, const FieldErrors& errors);
Status bad_request(std::string message);
Status forbidden(std::string_view resource, std::string_view name, std::string_view why);
Status method_not_allowed();
Status expired(std::string message);
Status internal_error(std::string_view message);

template <class T>
class [[nodiscard]] Answer {
  public:
    Answer(T value) : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT: implicit
    Answer(Status status)
        : state_(std::in_place_index<1>, std::move(status)) {}  // NOLINT: implicit

    bool ok() const { return state_.index() == 0; }
    explicit operator bool() const { return ok(); }
    T& operator*() & { return *std::get_if<0>(&state_); }
    const T& operator*() const& { return *std::get_if<0>(&state_); }
    T&& operator*() && { return std::move(*std::get_if<0>(&state_)); }
    T* operator->() { return std::get_if<0>(&state_); }
    const T* operator->() const { return std::get_if<0>(&state_); }
    const Status& error() const& { return *std::get_if<1>(&state_); }
    Status&& error() && { return std::move(*std::get_if<1>(&state_)); }
    /// The same answer for callers that speak Result.
    Result<T> result() && {
        if (!ok()) return error().error();
        return std::move(**this);
    }

  private:
    std::variant<T, Status> state_;
};

}  // namespace knd::api
