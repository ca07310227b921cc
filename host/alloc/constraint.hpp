// SPDX-License-Identifier: Apache-2.0
//
// matchAttribute and distinctAttribute: what the devices picked so far allow for the next one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/alloc/inventory.hpp"

namespace knd::alloc {

/// Lets a device in and takes it out again, in the order of a stack.
class Constraint {
  public:
    enum class Kind : std::uint8_t { kMatch, kDistinct };
    struct Rules {
        bool sets = false;  ///< list attributes are on: a scalar is a list of one
        bool distinct_per_request = false;
        bool keeps_intersection = false;
    };
    /// `attribute` is fully qualified. `requests` lives as long as the constraint.
    Constraint(Kind kind, std::string_view attribute, const std::vector<std::string>& requests,
               const cel::Vocabulary& vocabulary, Rules rules);

    /// Whether it speaks about "base" or "base/sub".
    bool concerns(std::string_view base, std::string_view sub) const;
    /// True: the device, for request `base`, fits with those let in before, and is one of them now.
    bool add(const cel::DeviceView& device, std::string_view base);
    /// False when add() would refuse the device; true does not promise that it would not.
    bool may_add(const cel::DeviceView& device) const;
    /// Undoes the last successful add(), which was for that request.
    void remove(std::string_view base);

  private:
    /// One value of an attribute, comparable. Versions compare by their text.
    struct Element {
        cel::Slot::Type type = cel::Slot::Type::kInt;
        std::int64_t number = 0;
        std::string text;
        bool operator==(const Element&) const = default;
    };
    using Elements = std::vector<Element>;
    /// What is remembered of a device; `common` only with Rules::sets.
    struct Seen {
        cel::Slot slot;
        std::string_view base;
        Elements common;  ///< of this device and all before it
    };
    static Elements elements(const cel::Slot& slot);
    static bool same(const cel::Slot& a, const cel::Slot& b);
    bool collide(const cel::Slot& a, const cel::Slot& b) const;
    bool add_match(const cel::Slot& slot, std::string_view base);
    bool add_distinct(const cel::Slot& slot, std::string_view base);

    Kind kind_;
    Rules rules_;
    std::optional<cel::NameId> name_;  ///< empty: no device has the attribute
    const std::vector<std::string>& requests_;
    std::vector<Seen> seen_;
    std::size_t count_ = 0;
    Elements kept_;  ///< with Rules::keeps_intersection, instead of Seen::common
};

}  // namespace knd::alloc
