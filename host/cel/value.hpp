// SPDX-License-Identifier: Apache-2.0
//
// Values of CEL at run time: 16 bytes, trivially copied, payloads in an Arena that lives as long as
// one evaluation (or point at what the caller passed in). An error is a value too, because `&&`,
// `||`, all() and exists() may absorb it.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "host/cel/device_view.hpp"
#include "host/model/json.hpp"

namespace knd::cel {

/// Memory of one evaluation: grows in blocks, is freed as a whole, refuses to pass its limit.
class Arena {
  public:
    static constexpr std::size_t kDefaultLimit = 64u << 20;
    explicit Arena(std::size_t limit = kDefaultLimit) : limit_(limit) {}
    ~Arena() { release(); }
    Arena(const Arena&) = delete;
    Arena& operator=(const Arena&) = delete;

    /// Aligned for anything; null when the limit would be passed.
    void* allocate(std::size_t size);
    /// Forgets everything, keeps the first block.
    void reset();

    /// Constructs a T that is destroyed with the arena, or null.
    template <class T, class... Args>
    T* make(Args&&... args);

  private:
    struct Destructor {
        void (*run)(void*);
        void* object;
    };
    void release();

    alignas(16) char first_[1024];
    char* next_ = first_;
    char* end_ = first_ + sizeof first_;
    std::size_t used_ = 0;
    std::size_t limit_;
    std::vector<std::unique_ptr<char[]>> blocks_;
    std::vector<Destructor> destructors_;
};

enum class Kind : std::uint8_t {
    kNull,
    kBool,
    kInt,
    kUint,
    kDouble,
    kString,
    kBytes,
    kList,
    kMap,
    kType,
    kDuration,
    kTimestamp,
    kOptional,
    kQuantity,
    kSemver,
    kUrl,
    kIp,
    kCidr,
    kFormat,
    kDevice,   ///< the `device` variable, which is a map to all but the checker
    kDomains,  ///< device.attributes or device.capacity: domain -> names
    kDomain,   ///< one domain of them: id -> value
    kMessage,  ///< MessageData, see message.hpp
    kError,
};

class Value;
struct MapData;

struct ListData {
    const Value* items = nullptr;
    std::size_t size = 0;
};

/// One level below kDomains: which device, attributes or capacity, which domain.
struct DomainData {
    const DeviceView* device = nullptr;
    bool capacity = false;
    std::string_view domain;
};

class Value {
  public:
    Value() = default;  ///< null
    static Value boolean(bool value);
    static Value integer(std::int64_t value);
    static Value unsigned_integer(std::uint64_t value);
    static Value floating(double value);
    /// Borrows the text.
    static Value string(std::string_view text);
    static Value bytes(std::string_view data);
    static Value type(std::string_view name);
    static Value duration(std::int64_t nanoseconds);
    /// The zone, in minutes east of UTC, is only how the time is written as text.
    static Value timestamp(std::int64_t seconds, std::uint32_t nanoseconds, std::int16_t zone = 0);
    static Value list(const ListData* list) { return pointer(Kind::kList, list); }
    static Value map(const MapData* map) { return pointer(Kind::kMap, map); }
    /// Null: optional.none().
    static Value optional(const Value* value) { return pointer(Kind::kOptional, value); }
    static Value quantity(const Quantity* value) { return pointer(Kind::kQuantity, value); }
    /// What add() and sub() return, see is_computed().
    static Value computed_quantity(const Quantity* value);
    static Value semver(const Semver* value) { return pointer(Kind::kSemver, value); }
    /// `knows_sharing`: it has a key allowMultipleAllocations, as since Kubernetes 1.34.
    static Value device(const DeviceView* device, bool knows_sharing);
    static Value domains(const DeviceView* device, bool capacity);
    static Value domain(const DomainData* data) { return pointer(Kind::kDomain, data); }
    static Value object(Kind kind, const void* data) { return pointer(kind, data); }
    /// `message` is borrowed.
    static Value error(std::string_view message);

    Kind kind() const { return kind_; }
    bool is(Kind kind) const { return kind_ == kind; }
    bool is_error() const { return kind_ == Kind::kError; }
    bool is_true() const { return kind_ == Kind::kBool && payload_.boolean; }

    bool as_bool() const { return payload_.boolean; }
    std::int64_t as_int() const { return payload_.integer; }
    std::uint64_t as_uint() const { return payload_.unsigned_integer; }
    double as_double() const { return payload_.floating; }
    /// Of a string, bytes, a type's name or an error's message.
    std::string_view text() const { return {payload_.text, size_}; }
    /// Duration in nanoseconds, or a timestamp's seconds since 1970.
    std::int64_t time() const { return payload_.integer; }
    std::uint32_t nanoseconds() const { return size_; }
    std::int16_t zone() const { return zone_; }
    const ListData& as_list() const { return *static_cast<const ListData*>(payload_.pointer); }
    const MapData& as_map() const { return *static_cast<const MapData*>(payload_.pointer); }
    const Value* as_optional() const { return static_cast<const Value*>(payload_.pointer); }
    const Quantity& as_quantity() const { return *static_cast<const Quantity*>(payload_.pointer); }
    const Semver& as_semver() const { return *static_cast<const Semver*>(payload_.pointer); }
    const DeviceView& as_device() const {
        return *static_cast<const DeviceView*>(payload_.pointer);
    }
    const DomainData& as_domain() const {
        return *static_cast<const DomainData*>(payload_.pointer);
    }
    /// Of a quantity: the result of add() or sub(). Kubernetes refuses to compare anything with
    /// such a one on the right side of "==".
    bool is_computed() const { return size_ != 0; }
    /// Of kDevice, see device().
    bool knows_sharing() const { return size_ != 0; }
    /// Of kDomains: capacity, not attributes.
    bool is_capacity() const { return size_ != 0; }
    /// The address of what it points at.
    const void* identity() const { return payload_.pointer; }
    template <class T>
    const T& as_object() const {
        return *static_cast<const T*>(payload_.pointer);
    }

  private:
    static Value pointer(Kind kind, const void* pointer);
    static Value textual(Kind kind, std::string_view text);

    Kind kind_ = Kind::kNull;
    std::int16_t zone_ = 0;
    std::uint32_t size_ = 0;
    union {
        bool boolean;
        std::int64_t integer;
        std::uint64_t unsigned_integer = 0;
        double floating;
        const char* text;
        const void* pointer;
    } payload_;
};
static_assert(sizeof(Value) == 16);

struct MapEntry {
    Value key;
    Value value;
};

/// In the order it was written.
struct MapData {
    const MapEntry* entries = nullptr;
    std::size_t size = 0;
    /// Out of a google.protobuf.Struct: any value may be looked for, though only texts are found.
    bool of_json = false;
};

/// The run-time type's name: "int", "kubernetes.Quantity", ...
std::string_view type_name(const Value& value);
/// The same with parameters, as Go prints some: "list(dyn)".
std::string parameterized_name(const Value& value);
/// What Go calls the type of such a value, which some messages show.
std::string_view native_name(const Value& value);
/// As an operator wants to see it; not CEL syntax for every kind.
std::string to_text(const Value& value);
/// JSON for what has a JSON form, else the text.
Json to_json(const Value& value);

template <class T, class... Args>
T* Arena::make(Args&&... args) {
    void* memory = allocate(sizeof(T));
    if (memory == nullptr) return nullptr;
    auto* object = new (memory) T{std::forward<Args>(args)...};
    if constexpr (!std::is_trivially_destructible_v<T>)
        destructors_.push_back({[](void* p) { static_cast<T*>(p)->~T(); }, object});
    return object;
}

}  // namespace knd::cel
