// SPDX-License-Identifier: Apache-2.0
//
// The function tables of a backend, complete: what a backend does not offer is filled with
// functions that answer UNIMPLEMENTED, so that nobody tests for NULL. A table with a hole is
// refused here.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <knd/cpp/result.hpp>

#include <knd/knd.h>

namespace knd::plugin {

struct Tables {
    knd_discovery discovery;
    knd_prepare prepare;
    knd_attach attach;
    knd_health health;
    knd_recover recover;
    knd_validate validate;
    knd_poll poll;
    std::vector<std::string> offered;  ///< ids, in the order of this struct

    bool offers(std::string_view id) const;
};

/// Up to `extension`, with which it began. A later host must do without what a backend lacks.
inline constexpr std::size_t kLeastBackend =
    offsetof(knd_backend, extension) + sizeof(knd_backend::extension);

/// Checks the ABI version, the descriptor and create. Reads nothing behind an unknown version.
Result<void> check_entry(const knd_entry& entry);

/// Checks `backend` and everything that it offers.
Result<Tables> read_tables(const knd_backend& backend);

}  // namespace knd::plugin
