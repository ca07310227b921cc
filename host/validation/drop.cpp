// SPDX-License-Identifier: Apache-2.0
#include <set>

#include "host/validation/schema.hpp"
#include "host/validation/shape.hpp"

namespace knd::validation {
namespace {

/// Binding conditions are reported in the status of devices, which has a gate of its own.
bool is_on(const std::string& gate, const Json& object, const Gates& gates) {
    if (!gates.enabled(gate)) return false;
    if (gate != "DRADeviceBindingConditions" || gates.enabled("DRAResourceClaimDeviceStatus"))
        return true;
    return json_string(object, "kind") != "ResourceSlice" && gates.kubernetes_minor() >= 35;
}

/// The gates whose fields an object has. An empty list uses nothing.
void collect_used(const Type& type, const Json& value, int minor,
                  std::set<std::string, std::less<>>& used) {
    if (type.shape == Shape::kList || type.shape == Shape::kMap) {
        for (const auto& element : value)
            collect_used(*type.element, element, minor, used);
    } else if (type.shape == Shape::kObject) {
        for (const auto& field : type.fields) {
            const auto& member = json_at(value, field.name);
            if (member.is_null()) continue;
            if (!field.gate.empty() && minor <= field.gated_until &&
                !(member.is_array() && member.empty()))
                used.insert(field.gate);
            collect_used(*field.type, member, minor, used);
        }
    }
}

/// `is_dropped(field)` is asked for those that have a gate.
template <class IsDropped>
void drop_fields(const Type& type, Json& value, const IsDropped& is_dropped) {
    if (type.shape == Shape::kList || type.shape == Shape::kMap) {
        for (auto& element : value)
            drop_fields(*type.element, element, is_dropped);
    } else if (type.shape == Shape::kObject && value.is_object()) {
        for (const auto& field : type.fields) {
            const auto member = value.find(field.name);
            if (member == value.end()) continue;
            if (!field.gate.empty() && is_dropped(field))
                value.erase(member);
            else
                drop_fields(*field.type, *member, is_dropped);
        }
    }
}

/// What names a device in a claim's status, as one comparable value.
Json identity(const Json& entry) {
    return {json_at(entry, "driver"), json_at(entry, "pool"), json_at(entry, "device"),
            json_at(entry, "shareID")};
}

std::set<Json> allocated_devices(const Json& object) {
    std::set<Json> devices;
    for (const auto& result : json_path(object, {"status", "allocation", "devices", "results"}))
        devices.insert(identity(result));
    return devices;
}

void copy_member(const Json& from, Json& to, const char* key) {
    if (from.contains(key))
        to[key] = from[key];
    else
        to.erase(key);
}

/// A write of the status changes no more of the metadata than who applied what.
void keep_for_status(const Json& before, Json& after) {
    copy_member(before, after, "spec");
    auto& metadata = after["metadata"];
    if (!metadata.is_object()) metadata = Json::object();
    const auto& had = json_at(before, "metadata");
    for (const auto* key : {"deletionTimestamp", "generation", "selfLink", "labels", "annotations",
                            "finalizers", "ownerReferences"})
        copy_member(had.is_object() ? had : Json::object(), metadata, key);
}

}  // namespace

void drop_deallocated(const Json& before, Json& after) {
    if (!json_path(after, {"status", "devices"}).is_array()) return;
    const auto had = allocated_devices(before);
    const auto has = allocated_devices(after);
    auto& devices = after["status"]["devices"].get_ref<Json::array_t&>();
    std::erase_if(devices, [&](const Json& device) {
        const auto one = identity(device);
        return had.contains(one) && !has.contains(one);
    });
    if (devices.empty()) after["status"].erase("devices");
}

void drop_unwritable(Operation operation, const Json& before, Json& after, const Gates& gates) {
    const auto kind = json_string(after, "kind");
    const auto* type = Schema::instance().find(kind);
    if (type == nullptr || !after.is_object()) return;
    if (operation == Operation::kCreate && type->field("status", gates.kubernetes_minor()))
        after.erase("status");
    if (operation == Operation::kUpdate) copy_member(before, after, "status");
    if (operation == Operation::kStatus) keep_for_status(before, after);
    std::set<std::string, std::less<>> used;
    collect_used(*type, before, gates.kubernetes_minor(), used);
    drop_fields(*type, after, [&](const Field& field) {
        const auto minor = gates.kubernetes_minor();
        if (minor < field.gated_since || minor > field.gated_until) return false;
        return !is_on(field.gate, after, gates) && !used.contains(field.gate);
    });
    if (operation == Operation::kStatus && kind == "ResourceClaim") drop_deallocated(before, after);
}

}  // namespace knd::validation
