// SPDX-License-Identifier: Apache-2.0
//
// The objects that a question is about, typed, each with where it was written. They come from
// manifests or from an API server; what is made of them does not depend on that.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "host/model/core.hpp"
#include "host/model/resource.hpp"

#include <knd/cpp/result.hpp>

namespace knd::simulate {

/// Whether the question is about an object, or it is only there.
enum class Role { kAsked, kBackground };

/// An object whose place matters: for messages, or because the order is the user's.
template <class T>
struct Placed {
    T object;
    std::string origin;        ///< "cluster.yaml:12", or the API server's name
    std::size_t position = 0;  ///< in the order of everything read
    Role role = Role::kAsked;
};

/// Objects of one kind, found by namespace and name; the empty namespace is "default".
template <class T>
class Shelf {
  public:
    void add(Placed<T> item) {
        index_.emplace(key(item.object.meta.ns, item.object.meta.name), items_.size());
        items_.push_back(std::move(item));
    }
    const std::vector<Placed<T>>& items() const { return items_; }
    /// Null: there is none.
    const Placed<T>* find(const std::string& ns, const std::string& name) const {
        const auto found = index_.find(key(ns, name));
        return found == index_.end() ? nullptr : &items_[found->second];
    }

  private:
    static std::pair<std::string, std::string> key(const std::string& ns, const std::string& name) {
        return {ns.empty() ? "default" : ns, name};
    }
    std::vector<Placed<T>> items_;
    std::map<std::pair<std::string, std::string>, std::size_t> index_;
};

struct Objects {
    std::vector<api::ResourceSlice> slices;
    std::map<std::string, api::DeviceClass, std::less<>> classes;
    Shelf<api::ResourceClaim> claims;
    Shelf<api::ResourceClaimTemplate> templates;
    Shelf<api::Pod> pods;  ///< without those that are over
    std::vector<api::Node> nodes;
    std::vector<api::DeviceTaintRule> taint_rules;
    std::vector<std::string> pod_makers;  ///< "Deployment ns/name": passed over, yet they make pods
};

/// Collects objects and refuses what would make an answer meaningless: an object that is not valid,
/// or one that is given twice.
class Collector {
  public:
    /// Kinds that do not matter here are passed over. What is in the background gives way to what
    /// was added before it. `origin` is for later messages; this one's caller says it itself.
    Result<void> add(const Json& object, const std::string& origin, Role role = Role::kAsked);
    Objects take() { return std::move(objects_); }

  private:
    Result<void> add_known(const std::string& kind, const Json& object, const std::string& origin,
                           Role role);
    /// Empty: it is new. Else where the object of that name was given first.
    const std::string* given_before(const std::string& kind, const Json& object,
                                    const std::string& origin);

    Objects objects_;
    std::map<std::string, std::string> origins_;  ///< "Kind namespace/name" -> origin
    std::size_t position_ = 0;
};

}  // namespace knd::simulate
