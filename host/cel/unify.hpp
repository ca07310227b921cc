// SPDX-License-Identifier: Apache-2.0
//
// Which type may stand where which is wanted, and what that says about type variables.
#pragma once

#include <span>
#include <vector>

#include "host/cel/types.hpp"

namespace knd::cel {

class Unifier {
  public:
    explicit Unifier(TypeTable& types) : types_(types) {}

    /// A type variable that nothing is known about.
    TypeIndex fresh();
    std::uint32_t made() const { return next_; }
    /// As if that many had been made; within bounds, as every number takes memory.
    void skip(std::uint32_t count) {
        constexpr std::uint32_t kMost = 4096;
        if (count < kMost && next_ < kMost) next_ += count;
    }
    /// Learns from success; failure changes nothing.
    bool assignable(TypeIndex from, TypeIndex to);
    bool assignable(std::span<const TypeIndex> from, std::span<const TypeIndex> to);
    /// Replaces what is known; unknown variables become dyn if asked.
    TypeIndex substitute(TypeIndex type, bool unknown_to_dyn = false);
    /// Replaces the variables A..Z of a signature by fresh ones; `fresh_ones` starts as 26 zeroes.
    TypeIndex instantiate(TypeIndex type, std::vector<TypeIndex>& fresh_ones);
    TypeIndex most_general(TypeIndex a, TypeIndex b) const;

  private:
    static constexpr TypeIndex kUnbound = ~TypeIndex{0};

    bool unify(TypeIndex from, TypeIndex to);
    bool unify_variable(TypeIndex type, TypeIndex variable, bool& bound);
    bool less_specific(TypeIndex a, TypeIndex b) const;
    bool occurs(TypeIndex variable, TypeIndex within) const;
    TypeIndex binding(TypeIndex variable) const;
    void bind(TypeIndex variable, TypeIndex type);

    TypeTable& types_;
    std::vector<TypeIndex> bindings_;  ///< by number of the variable
    std::uint32_t next_ = kNamedVariables;
};

}  // namespace knd::cel
