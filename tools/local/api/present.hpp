// SPDX-License-Identifier: Apache-2.0
//
// How an object looks to the client that asked: as it is, as rows of a Table for `kubectl get`, or
// as PartialObjectMetadata.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tools/local/api/store.hpp"

namespace knd::api {

class Presenter {
  public:
    /// `accept` is the request's Accept header, `include` its includeObject parameter.
    Presenter(const Kind& kind, std::string_view accept, std::string_view include);

    Json object(const Json& object) const;
    /// `metadata` is that of the list: resourceVersion, continue, remainingItemCount.
    Json list(const std::vector<Object>& objects, Json metadata) const;

  private:
    enum class Form { kObject, kTable, kMetadata };
    Json table(const std::vector<Object>& objects, Json metadata) const;
    Json row(const Json& object) const;

    const Kind& kind_;
    Form form_ = Form::kObject;
    std::string include_;
};

/// apiVersion, kind and metadata of an object, as metav1.PartialObjectMetadata.
Json partial_metadata(const Json& object);

}  // namespace knd::api
