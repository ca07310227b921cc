// SPDX-License-Identifier: Apache-2.0
//
// The certificate authority of a local cluster, and the certificate of its API server.
#pragma once

#include <string>
#include <vector>

#include <knd/cpp/result.hpp>

namespace knd::api {

/// A certificate and its private key, both PEM.
struct Credential {
    std::string certificate;
    std::string key;
};

/// A self-signed CA, good for ten years.
Result<Credential> make_authority();

/// A server certificate signed by `authority`, good for a year, for localhost, 127.0.0.1, ::1 and
/// `addresses` (IP addresses or DNS names).
Result<Credential> issue_certificate(const Credential& authority,
                                     const std::vector<std::string>& addresses);

std::string base64(const std::string& bytes);

}  // namespace knd::api
