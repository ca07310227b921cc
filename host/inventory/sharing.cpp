// SPDX-License-Identifier: Apache-2.0
#include "host/inventory/sharing.hpp"

#include <algorithm>
#include <set>
#include <tuple>

#include "host/model/quantity.hpp"

namespace knd {
namespace {

class Sharing {
  public:
    Sharing(const std::vector<Sharer>& sharers, const std::map<std::string, Counters>& counters,
            const SharingRules& rules)
        : sharers_(sharers), counters_(counters), rules_(rules), reasons_(sharers.size()) {}

    std::vector<std::string> judge() {
        for (std::size_t i = 0; i < sharers_.size(); ++i)
            check_counters(i);
        find_families();
        // Whoever is a whole or a part in the beginning counts, so that of a whole, its parts and
        // the parts of those only one kind is left.
        const auto reasons = reasons_;
        for (const auto& [whole, part] : families_) {
            if (reasons[whole].empty() && reasons[part].empty()) separate(whole, part);
        }
        if (!rules_.counters) deal_counters();
        return std::move(reasons_);
    }

  private:
    const Counters& counters_of(const std::string& pool) const {
        static const Counters kNone;
        const auto found = counters_.find(pool);
        return found == counters_.end() ? kNone : found->second;
    }

    void refuse(std::size_t i, std::string reason) {
        if (!sharers_[i].held && reasons_[i].empty()) reasons_[i] = std::move(reason);
    }

    void check_counters(std::size_t i) {
        const auto& sharer = sharers_[i];
        const auto missing = missing_counter(sharer.consumes, counters_of(sharer.pool));
        if (!missing.empty())
            refuse(i, "it takes of " + missing + ", which its backend does not report");
    }

    void find_families() {
        std::map<std::string_view, std::size_t> by_key;
        for (std::size_t i = 0; i < sharers_.size(); ++i) {
            const auto& key = sharers_[i].device->hardware_key;
            if (!key.empty()) by_key.emplace(key, i);
        }
        for (std::size_t part = 0; part < sharers_.size(); ++part) {
            std::set<std::size_t> wholes = {part};  // they may name each other in a circle
            auto whole = by_key.find(sharers_[part].device->parent_key);
            while (whole != by_key.end() && wholes.insert(whole->second).second) {
                families_.emplace_back(whole->second, part);
                whole = by_key.find(sharers_[whole->second].device->parent_key);
            }
        }
    }

    /// Whether the scheduler keeps the two apart.
    bool share_a_counter(const Sharer& a, const Sharer& b) const {
        if (!rules_.counters || a.pool != b.pool) return false;
        return std::any_of(a.consumes.begin(), a.consumes.end(), [&](const auto& set) {
            const auto other = b.consumes.find(set.first);
            return other != b.consumes.end() &&
                   std::any_of(set.second.begin(), set.second.end(), [&](const auto& counter) {
                       return other->second.contains(counter.first);
                   });
        });
    }

    void separate(std::size_t whole, std::size_t part) {
        const auto& w = sharers_[whole];
        const auto& p = sharers_[part];
        if (share_a_counter(w, p)) return;
        const auto why = rules_.counters
                             ? std::string("; they share no counter that the scheduler could go by")
                             : std::string(
                                   "; the API server keeps no counters, and "
                                   "`publish.without_counters` is \"") +
                                   (rules_.wholes ? "whole" : "parts") + "\"";
        if (w.held) return refuse(part, "a claim has " + w.device->name + ", whose part it is");
        if (p.held) return refuse(whole, "a claim has its part " + p.device->name);
        if (rules_.wholes)
            refuse(part, w.device->name + ", whose part it is, is offered as a whole" + why);
        else
            refuse(whole, "its parts are offered, " + p.device->name + " among them" + why);
    }

    /// Each set is given away here and now, to those that are held first.
    void deal_counters() {
        std::map<std::tuple<std::string, std::string, std::string>, Quantity> left;
        for (const auto& [pool, sets] : counters_)
            for (const auto& [set, values] : sets)
                for (const auto& [counter, value] : values)
                    left[{pool, set, counter}] = Quantity::parse(value).value_or(Quantity());
        for (const bool held : {true, false}) {
            for (std::size_t i = 0; i < sharers_.size(); ++i)
                if (sharers_[i].held == held && reasons_[i].empty()) take(i, left);
        }
    }

    void take(std::size_t i,
              std::map<std::tuple<std::string, std::string, std::string>, Quantity>& left) {
        const auto& sharer = sharers_[i];
        const auto each = [&](const auto& visit) {
            for (const auto& [set, values] : sharer.consumes)
                for (const auto& [counter, value] : values)
                    visit(set, counter, Quantity::parse(value).value_or(Quantity()),
                          left[{sharer.pool, set, counter}]);
        };
        std::string lack;
        each([&](const auto& set, const auto& counter, const Quantity& wanted, Quantity& rest) {
            if (lack.empty() && wanted > rest) lack = counter + " of counter set " + set;
        });
        if (!lack.empty() && !sharer.held)
            return refuse(i, "others take all " + lack +
                                 ", and the API server keeps no counters that would say who may");
        each([](const auto&, const auto&, const Quantity& wanted, Quantity& rest) {
            rest -= wanted;
        });
    }

    const std::vector<Sharer>& sharers_;
    const std::map<std::string, Counters>& counters_;
    const SharingRules& rules_;
    std::vector<std::string> reasons_;
    std::vector<std::pair<std::size_t, std::size_t>> families_;  ///< whole, part
};

}  // namespace

std::string missing_counter(const Counters& consumes, const Counters& counters) {
    for (const auto& [set, values] : consumes) {
        const auto known = counters.find(set);
        if (known == counters.end()) return "counter set " + set;
        for (const auto& [counter, value] : values)
            if (!known->second.contains(counter)) return "counter " + counter + " of set " + set;
    }
    return "";
}

std::vector<std::string> sharing_reasons(const std::vector<Sharer>& sharers,
                                         const std::map<std::string, Counters>& counters,
                                         const SharingRules& rules) {
    return Sharing(sharers, counters, rules).judge();
}

}  // namespace knd
