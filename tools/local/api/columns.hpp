// SPDX-License-Identifier: Apache-2.0
//
// The columns of `kubectl get`, per kind, as Kubernetes' own printers have them.
#pragma once

#include <vector>

#include "tools/local/api/kinds.hpp"

namespace knd::api {

std::vector<Column> plain_columns();  ///< NAME AGE
std::vector<Column> namespace_columns();
std::vector<Column> node_columns();
std::vector<Column> pod_columns();
std::vector<Column> event_columns();
std::vector<Column> claim_columns();
std::vector<Column> slice_columns();

}  // namespace knd::api
