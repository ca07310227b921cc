// SPDX-License-Identifier: Apache-2.0
//
// What the devices of all cases are made of, so that expressions and constraints find something.
#pragma once

#include <string>
#include <vector>

#include "host/model/json.hpp"
#include "tests/interop/differential/random.hpp"

namespace knd::differential {

/// One attribute: its type is a member's name in a slice ("int", "strings").
struct AttributeName {
    std::string id;
    std::string type;
};

/// The names that every device of a driver may have.
const std::vector<AttributeName>& attribute_names();
/// Those only used with list attributes.
const std::vector<AttributeName>& list_attribute_names();
const std::vector<std::string>& capacity_names();
const std::vector<std::string>& driver_names();
/// Of attributes that have nothing to do with the driver.
std::string_view standard_domain();

/// {"int": 3} and the like, from few values, so that equal ones are frequent.
Json random_attribute(Random& random, const std::string& type);
std::string random_quantity(Random& random);

struct DeviceOptions {
    bool lists = false;
    bool sharing = false;
    unsigned missing = 10;   ///< per cent of attributes that a device lacks
    bool fractions = false;  ///< policies in milli-units
};

/// The attributes, capacity and allowMultipleAllocations of a slice's device.
Json random_device(Random& random, const std::string& driver, const DeviceOptions& options);

}  // namespace knd::differential
