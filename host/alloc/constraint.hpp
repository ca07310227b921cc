// SPDX-License-Identifier: Apache-2.0
//
// matchAttribute and distinctAttribute: what the devices picked so far allow for the next one.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "host/alloc/inventory.hpp"

namespace knd::alloc {

/// Lets a device in and takes it out again, in the order of a stack.
class Constraint {
  public:
    enum class Kind { kMatch, kDistinct };
    /// `attribute` is fully qualified. `requests` lives as long as the constraint.
    Constraint(Kind kind, std::string_view attribute, const std::vector<std::string>& requests,
               const cel::Vocabulary& vocabulary);

    /// Whether it speaks about "base" or "base/sub".
    bool concerns(std::string_view base, std::string_view sub) const;
    /// True: the device fits with those let in before, and is one of them now.
    bool add(const cel::DeviceView& device);
    /// False when add() would refuse the device; true does not promise that it would not.
    bool may_add(const cel::DeviceView& device) const;
    /// Undoes the last successful add().
    void remove();

  private:
    /// One value of an attribute, comparable. Versions compare by their text.
    struct Element {
        cel::Slot::Type type = cel::Slot::Type::kInt;
        std::int64_t number = 0;
        std::string text;
        bool operator==(const Element&) const = default;
    };
    /// What is remembered of a device: its value, or for lists the values still in common.
    struct Seen {
        cel::Slot scalar;
        std::vector<Element> list;  ///< used when any value so far was a list
    };
    static std::vector<Element> elements(const cel::Slot& slot);
    static bool same(const cel::Slot& a, const cel::Slot& b);
    bool add_match(const cel::Slot& slot);
    bool add_distinct(const cel::Slot& slot);

    Kind kind_;
    std::optional<cel::NameId> name_;  ///< empty: no device has the attribute
    const std::vector<std::string>& requests_;
    std::vector<Seen> seen_;
};

}  // namespace knd::alloc
