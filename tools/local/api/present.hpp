// SPDX-License-Identifier: Apache-2.0
//
// How an object looks to the client that asked: as it is, as rows of a Table for `kubectl get`, or
// as PartialObjectMetadata; and in which format it goes over the wire.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tools/local/api/store.hpp"

namespace knd::api {

/// JSON is YAML as well, so that there is nothing to write but another content type.
enum class MediaType { kJson, kYaml, kProtobuf };

enum class Form { kObject, kTable, kMetadata };

struct Representation {
    MediaType media = MediaType::kJson;
    Form form = Form::kObject;
};

/// The first part of an Accept header, in order of preference, that can be met; nothing when there
/// is none. A Table has no form in protobuf.
std::optional<Representation> negotiate(std::string_view accept);

std::string_view content_type(MediaType media);
/// The same of a stream of watch events.
std::string_view watch_content_type(MediaType media);
/// What has no form in protobuf is JSON all the same.
std::string body_text(MediaType& media, const Json& document);
/// One event of a watch: a line, or a frame of protobuf.
std::string event_text(MediaType media, std::string_view type, const Json& object);

class Presenter {
  public:
    /// `include` is the request's includeObject parameter.
    Presenter(const Kind& kind, Form form, std::string_view include);

    Json object(const Json& object) const;
    /// `metadata` is that of the list: resourceVersion, continue, remainingItemCount.
    Json list(const std::vector<Object>& objects, Json metadata) const;

  private:
    /// As the kind shows it, whatever it is stored as.
    Json whole(const Json& object) const;
    Json table(const std::vector<Object>& objects, Json metadata) const;
    Json row(const Json& object) const;

    const Kind& kind_;
    Form form_;
    std::string include_;
};

/// apiVersion, kind and metadata of an object, as metav1.PartialObjectMetadata.
Json partial_metadata(const Json& object);

}  // namespace knd::api
