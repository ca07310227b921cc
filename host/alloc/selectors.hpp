// SPDX-License-Identifier: Apache-2.0
//
// Selectors, compiled once and evaluated once per device: an expression says the same of the same
// device for ever. Internal to alloc.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "host/alloc/inventory.hpp"
#include "host/cel/cel.hpp"

namespace knd::alloc {

class Selector {
  public:
    Selector(std::string expression, const Inventory::Data& data, const Features& features);

    /// Compiles at first use. The error is CEL's.
    Result<void> compile();
    /// Only after compile(). The error is CEL's, about this device.
    Result<bool> matches(DeviceIndex device);

  private:
    enum class Verdict : std::uint8_t { kUnknown, kFalse, kTrue };

    std::string expression_;
    const Inventory::Data& data_;
    const Features& features_;
    std::optional<Result<cel::Program>> program_;
    std::vector<Verdict> verdicts_;  ///< by device
};

class SelectorCache {
  public:
    SelectorCache(const Inventory::Data& data, const Features& features)
        : data_(data), features_(features) {}

    /// Valid until trim().
    Selector& get(const std::string& expression);
    /// Forgets everything when it has become too much. Not while a search runs.
    void trim();

  private:
    const Inventory::Data& data_;
    const Features& features_;
    std::unordered_map<std::string, std::unique_ptr<Selector>> selectors_;
};

}  // namespace knd::alloc
