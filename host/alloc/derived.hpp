// SPDX-License-Identifier: Apache-2.0
//
// Attributes that requests compute of devices with an expression. Internal to alloc.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>

#include "host/alloc/constraint.hpp"
#include "host/cel/cel.hpp"

namespace knd::alloc {

/// Each expression is compiled once and evaluated once per device.
class DerivedValues {
  public:
    DerivedValues(const Inventory::Data& data, const Features& features)
        : data_(data), features_(features) {}

    /// The value for a device; valid as long as this object. The errors are Kubernetes'.
    Result<const ElementList*> get(const api::DerivedAttribute& attribute, DeviceIndex device);

  private:
    const Result<cel::Program>& program(const std::string& expression);
    Result<ElementList> evaluate(const cel::Program& program, DeviceIndex device) const;

    const Inventory::Data& data_;
    const Features& features_;
    std::map<std::string, Result<cel::Program>> programs_;
    std::map<std::pair<std::string, DeviceIndex>, ElementList> values_;
};

}  // namespace knd::alloc
