// SPDX-License-Identifier: Apache-2.0
//
// What a backend is asked when a device is prepared, the first time and any later one.
#pragma once

#include "host/journal/record.hpp"
#include "host/plugin/backend.hpp"

namespace knd {

/// Of what is known of a binding: also its state, where it was prepared before. Pods have their
/// names where the record knows them.
inline Backend::PrepareRequest prepare_request(const BindingRecord& record) {
    Backend::PrepareRequest request{
        .binding = {record.binding_key(), record.claim.text(), record.effects.state},
        .config = record.config,
        .class_config = record.class_config,
        .request = record.request,
        .admin_access = record.admin_access,
        .consumed = record.consumed,
        .pods = {}};
    for (const auto& uid : record.pods) {
        const auto slash = record.pod.find('/');
        const bool known = uid == record.pod_uid && slash != std::string::npos;
        request.pods.push_back({uid, known ? record.pod.substr(slash + 1) : std::string()});
    }
    return request;
}

}  // namespace knd
