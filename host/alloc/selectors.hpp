// SPDX-License-Identifier: Apache-2.0
//
// The selectors that one Allocator has met: compiled at first use, numbered, so that what they say
// of devices can be kept by number. Internal to alloc.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>

#include "host/alloc/inventory.hpp"
#include "host/alloc/program_cache.hpp"

namespace knd::alloc {

/// Whether attributes may be lists, in slices and in stored expressions.
bool knows_lists(const Features& features);

inline bool is_list(const AttributeValue& value) {
    return !std::holds_alternative<std::int64_t>(value) && !std::holds_alternative<bool>(value) &&
           !std::holds_alternative<std::string>(value) && !std::holds_alternative<Version>(value);
}

class Selector {
  public:
    Selector(std::string expression, std::uint32_t number)
        : expression_(std::move(expression)), number_(number) {}

    std::uint32_t number() const { return number_; }
    /// The error is CEL's.
    Result<void> compile(ProgramCache& programs, const cel::Environment& environment);
    /// Only after compile(). The error is CEL's, about this device. With `hides_sharing` no device
    /// has allowMultipleAllocations.
    Result<bool> matches(const Inventory::Data& data, DeviceIndex device, bool hides_sharing) const;

  private:
    const std::string expression_;
    const std::uint32_t number_;
    std::shared_ptr<const cel::Program> program_;  // shared with the cache, which may drop it
};

class SelectorCache {
  public:
    SelectorCache(const Features& features, std::shared_ptr<ProgramCache> programs)
        : environment_(selector_environment(features)), programs_(std::move(programs)) {}

    /// Valid until trim().
    Selector& get(const std::string& expression);
    Result<void> compile(Selector& selector) { return selector.compile(*programs_, environment_); }
    /// Forgets everything when it has become too much, and says so: numbers begin anew. Not while a
    /// search runs.
    bool trim();

  private:
    const cel::Environment environment_;
    const std::shared_ptr<ProgramCache> programs_;  // shared with other allocators
    std::unordered_map<std::string, Selector> selectors_;
};

}  // namespace knd::alloc
