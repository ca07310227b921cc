// SPDX-License-Identifier: Apache-2.0
//
// Network and mount namespaces for a whole test program, so that nothing of the machine is seen or
// touched.
#pragma once

namespace knd::testing {

/// Needs root and a process with one thread. False with errno set.
bool enter_own_namespaces();

}  // namespace knd::testing
