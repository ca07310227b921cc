// SPDX-License-Identifier: Apache-2.0
//
// matchAttribute and distinctAttribute: what the devices picked so far allow for the next one.
// Internal to alloc.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/alloc/node_pools.hpp"

namespace knd::alloc {

/// One value of an attribute, comparable. Versions compare by their text.
struct Element {
    cel::Slot::Type type = cel::Slot::Type::kInt;
    std::int64_t number = 0;
    std::string text;
    bool operator==(const Element&) const = default;
};
using Elements = std::vector<Element>;

/// An attribute of one device.
struct ElementList {
    bool is_list = false;
    Elements elements;  ///< one, unless it is a list
};

/// Lets candidates in and takes them out again, in the order of a stack.
class Constraint {
  public:
    enum class Kind : std::uint8_t { kMatch, kDistinct };
    struct Rules {
        bool sets = false;  ///< list attributes are on: a scalar is a list of one
        bool distinct_per_request = false;
        bool distinct_by_device = false;
        bool keeps_intersection = false;
    };
    /// `attribute` is fully qualified. `pools` lives as long as the constraint.
    Constraint(Kind kind, std::string_view attribute, const cel::Vocabulary& vocabulary,
               NodePools& pools, Rules rules);

    /// True: the candidate, for request `base`, fits with those let in before, and is one of them.
    bool add(CandidateIndex candidate, std::string_view base);
    /// As add(), for an attribute that some requests compute: null is the device's own. A
    /// constraint is always asked in the same one of the two ways.
    bool add_value(CandidateIndex candidate, std::string_view base, const ElementList* computed);
    /// False when add() would refuse the candidate; true does not promise that it would not.
    bool may_add(CandidateIndex candidate) const;
    /// Undoes the last successful add(), which was for that request.
    void remove(std::string_view base);

    Kind kind() const { return kind_; }
    /// For counting: numbers of which one or, kDistinct, each may be had once. Null when the value
    /// is decided already, or nothing can be counted.
    const ValueNumbers* countable_values() const;
    /// True: nothing that the constraint looks at tells the two apart.
    bool same_value(CandidateIndex a, CandidateIndex b) const {
        return value(a) == value(b) && value(a) != kListValue;
    }
    /// Whom a refused candidate does not go with; empty: it lacks the attribute.
    std::optional<CandidateIndex> rival(CandidateIndex candidate) const;
    /// The attribute's value for messages; empty: it has none.
    std::string value_text(CandidateIndex candidate) const;

  private:
    /// What is remembered of a device; `common` only with Rules::sets.
    struct Seen {
        CandidateIndex candidate = 0;
        std::string_view base;
        Elements common;  ///< of this device and all before it
        ElementList own;  ///< only from add_value()
    };
    std::uint32_t value(CandidateIndex candidate) const {
        return values_ == nullptr ? kNoValue : (*values_)[candidate];
    }
    Elements elements(CandidateIndex candidate) const;
    bool collide(CandidateIndex a, CandidateIndex b) const;
    bool fits(const ElementList& value, Elements& common) const;
    bool add_match(CandidateIndex candidate, std::string_view base);
    bool add_distinct(CandidateIndex candidate, std::string_view base);

    Kind kind_;
    Rules rules_;
    const NodePools* pools_;
    std::optional<cel::NameId> name_;  ///< empty: no device has the attribute
    const ValueNumbers* values_ = nullptr;
    std::vector<Seen> seen_;
    std::size_t count_ = 0;
    Elements kept_;  ///< with Rules::keeps_intersection, instead of Seen::common
};

/// Whether a constraint with these requests speaks about "base" or "base/sub".
bool concerns(const std::vector<std::string>& requests, std::string_view base,
              std::string_view sub);

}  // namespace knd::alloc
