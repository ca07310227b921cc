// SPDX-License-Identifier: Apache-2.0
//
// A device as CEL and the allocator look at it: flat arrays of small slots, names and strings
// interned, nothing copied per evaluation.
//
// A Vocabulary belongs to a set of devices (an inventory of a whole cluster, or one device) and
// owns every string they use; equal strings have equal addresses within it. Slots point into it, so
// it must outlive them. It only grows.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "host/model/device.hpp"
#include "host/model/quantity.hpp"
#include "host/model/semver.hpp"

#include <knd/cpp/result.hpp>

namespace knd::cel {

/// Number of a (domain, id) pair in a Vocabulary.
using NameId = std::uint32_t;

/// A qualified name split at its first "/"; without one the domain is the driver's name.
struct QualifiedName {
    std::string_view domain;
    std::string_view id;
};
QualifiedName split_qualified_name(std::string_view name, std::string_view driver);

class Vocabulary {
  public:
    Vocabulary() = default;
    Vocabulary(const Vocabulary&) = delete;
    Vocabulary& operator=(const Vocabulary&) = delete;

    NameId intern_name(QualifiedName name);
    std::optional<NameId> find_name(QualifiedName name) const;
    QualifiedName name(NameId id) const { return names_[id]; }

    /// The one copy of this text; its address identifies it.
    const std::string& intern(std::string_view text);
    /// Null: never interned.
    const std::string* find_text(std::string_view text) const;
    /// The one copy of a version written like this.
    Result<const Semver*> version(std::string_view text);
    const Quantity& keep(const Quantity& quantity);
    const AttributeValue& keep(const AttributeValue& list);

  private:
    struct NameHash {
        using is_transparent = void;
        std::size_t operator()(const QualifiedName& name) const;
    };
    struct NameEqual {
        using is_transparent = void;
        bool operator()(const QualifiedName& a, const QualifiedName& b) const {
            return a.id == b.id && a.domain == b.domain;
        }
    };
    std::vector<QualifiedName> names_;
    std::unordered_map<QualifiedName, NameId, NameHash, NameEqual> name_ids_;
    std::size_t place_of(std::string_view text) const;
    void make_room();

    std::deque<std::string> texts_;
    /// Open addressing, because a cluster has a string or two per device. Null: free.
    std::vector<const std::string*> text_places_;
    std::unordered_map<const std::string*, Semver> versions_;  ///< by their text
    std::deque<Quantity> quantities_;
    std::unordered_multimap<std::int64_t, const Quantity*> quantity_ids_;  ///< by whole value
    std::deque<AttributeValue> lists_;
};

/// One attribute or capacity: 16 bytes.
struct Slot {
    enum class Type : std::uint8_t { kInt, kBool, kString, kVersion, kList, kQuantity };
    NameId name = 0;
    Type type = Type::kInt;
    bool qualified =
        false;  ///< written with its domain; requests for capacity must say it the same
    union {
        std::int64_t integer = 0;
        bool boolean;
        const std::string* string;
        const Semver* version;
        const AttributeValue* list;
        const Quantity* quantity;
    };
};
static_assert(sizeof(Slot) == 16);

/// Appends one slot per attribute. INVALID_ARGUMENT: a version is not semver ("attribute NAME:
/// ...").
Result<void> append_attributes(Vocabulary& vocabulary, std::string_view driver,
                               const std::map<std::string, AttributeValue>& attributes,
                               std::vector<Slot>& slots);
void append_capacity(Vocabulary& vocabulary, std::string_view driver, std::string_view name,
                     const Quantity& value, std::vector<Slot>& slots);

/// Borrowed; cheap to copy.
struct DeviceView {
    const Vocabulary* vocabulary = nullptr;
    std::string_view driver;
    std::span<const Slot> attributes;
    std::span<const Slot> capacity;
    bool allow_multiple_allocations = false;

    const Slot* attribute(NameId name) const { return find(attributes, name); }
    const Slot* capacity_of(NameId name) const { return find(capacity, name); }

  private:
    static const Slot* find(std::span<const Slot> slots, NameId name) {
        for (const auto& slot : slots)
            if (slot.name == name) return &slot;
        return nullptr;
    }
};

/// A single device with a vocabulary of its own, for those who have no inventory.
class OwnedDevice {
  public:
    /// Attribute and capacity names without a domain belong to `driver`.
    static Result<OwnedDevice> make(std::string_view driver,
                                    const std::map<std::string, AttributeValue>& attributes,
                                    const std::map<std::string, std::string>& capacity,
                                    bool allow_multiple_allocations = false);
    /// The device of the inventory as the API server will show it.
    static Result<OwnedDevice> make(std::string_view driver, const Device& device) {
        return make(driver, device.attributes, device.capacity);
    }
    /// Valid as long as this object lives and is not moved.
    DeviceView view() const;

  private:
    std::unique_ptr<Vocabulary> vocabulary_;
    std::string driver_;
    std::vector<Slot> attributes_;
    std::vector<Slot> capacity_;
    bool allow_multiple_allocations_ = false;
};

}  // namespace knd::cel
