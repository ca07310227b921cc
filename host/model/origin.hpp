// SPDX-License-Identifier: Apache-2.0
//
// Where a piece of text comes from, so that a message about it can say so.
#pragma once

#include <string>

namespace knd {

struct Origin {
    std::string file;  ///< empty: a text that has no name, such as a request's body
    int line = 1;
    /// "slices.yaml:12", as editors and compilers spell it; "line 12" without a file.
    std::string text() const {
        return file.empty() ? "line " + std::to_string(line) : file + ":" + std::to_string(line);
    }
};

}  // namespace knd
