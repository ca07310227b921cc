// SPDX-License-Identifier: Apache-2.0
#include "host/model/text.hpp"

namespace knd {

void replace_all(std::string& text, std::string_view what, std::string_view with) {
    for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size()))
        text.replace(at, what.size(), with);
}

}  // namespace knd
