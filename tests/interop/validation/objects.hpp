// SPDX-License-Identifier: Apache-2.0
//
// Valid objects that use every field, to be spoiled; and the limits that have to be met.
#pragma once

#include <string>
#include <vector>

#include "host/model/json.hpp"

namespace knd::differential {

/// A valid write: the fields of a case of main.go.
struct Base {
    std::string name;
    Json write;
    /// Versions it can be asked in.
    std::vector<std::string> versions;
    /// The releases that have what it is about.
    int since = 32;
    int until = 37;
};
std::vector<Base> valid_writes(int release);

/// A list, map or text of at most `limit`, at `pointer` in the object of the base of that name.
struct Limit {
    std::string base;
    std::string pointer;
    std::size_t limit;
    /// What the list is made of, '#' standing for a number; of a map, the value.
    Json element;
};
std::vector<Limit> limits();

/// The object in v1beta1, whose devices and requests look different.
Json in_v1beta1(Json object);

}  // namespace knd::differential
