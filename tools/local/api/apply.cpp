// SPDX-License-Identifier: Apache-2.0
//
// Server-side apply. A set of fields is kept in the notation of metadata.managedFields (FieldsV1):
// an object whose keys are "f:name" for a field, "k:{...}" for an item of a keyed list, "v:..." for
// a value of a set, and "." for the thing itself. Only applies are recorded; a plain write is not
// an entry of its own but takes away ownership of what it changes.
#include <algorithm>

#include "host/model/time.hpp"
#include "tools/local/api/patch.hpp"

namespace knd::api {
namespace {

const Json kLeaf = Json::object();

bool is_keyed(const Field& field) {
    return field.type->shape == Shape::kList && !field.keys.empty();
}
bool is_struct(const Type& type) {
    return type.shape == Shape::kObject || type.shape == Shape::kMap;
}

std::string item_key(const Field& field, const Json& item) {
    Json key = Json::object();
    for (const auto& name : field.keys) {
        if (item.contains(name)) key[name] = item[name];
    }
    return "k:" + to_text(key);
}

/// The field behind the name in an object, or one made up for a value of a map.
Field child_field(const Type& type, const std::string& name) {
    if (const auto* field = type.field(name, kMinor)) return *field;
    Field field;
    field.name = name;
    field.type = type.shape == Shape::kMap ? type.element : served_schema().find("raw");
    return field;
}

/// Identity and server-owned parts of metadata belong to nobody.
bool is_owned(const Type& type, const std::string& name) {
    if (type.name == "ObjectMeta")
        return name == "labels" || name == "annotations" || name == "finalizers" ||
               name == "ownerReferences";
    return name != "apiVersion" && name != "kind";
}

Json fields_of(const Type& type, const Json& value);

Json fields_below(const Field& field, const Json& value) {
    if (is_keyed(field) && value.is_array()) {
        Json set = Json::object();
        for (const auto& item : value) {
            auto below = fields_of(*field.type->element, item);
            below["."] = kLeaf;
            set[item_key(field, item)] = std::move(below);
        }
        return set;
    }
    if (field.set && value.is_array()) {
        Json set = Json::object();
        for (const auto& item : value)
            set["v:" + to_text(item)] = kLeaf;
        return set;
    }
    if (is_struct(*field.type) && value.is_object()) return fields_of(*field.type, value);
    return kLeaf;
}

/// The fields that `value` sets.
Json fields_of(const Type& type, const Json& value) {
    Json set = Json::object();
    for (const auto& [name, child] : value.items()) {
        const bool owned = type.shape == Shape::kMap || is_owned(type, name);
        if (!owned || child.is_null()) continue;
        auto below = fields_below(child_field(type, name), child);
        if (name != "metadata" || !below.empty()) set["f:" + name] = std::move(below);
    }
    return set;
}

/// `a` without `b`; branches that become empty go too.
Json minus(const Json& a, const Json& b) {
    Json rest = Json::object();
    for (const auto& [key, below] : a.items()) {
        if (!b.contains(key)) {
            rest[key] = below;
        } else if (!below.empty()) {
            auto left = minus(below, b[key]);
            if (!left.empty()) rest[key] = std::move(left);
        }
    }
    return rest;
}

const Json& item_at(const Field& field, const Json& list, const std::string& key) {
    static const Json kNone;
    for (const auto& item : list) {
        if (item_key(field, item) == key) return item;
    }
    return kNone;
}

/// Takes the leaves of `set` out of `value`, and what is empty afterwards.
void take_away(const Type& type, Json& value, const Json& set) {
    for (const auto& [key, below] : set.items()) {
        const auto name = key.substr(std::min<std::size_t>(2, key.size()));
        if (key.rfind("f:", 0) != 0 || !value.contains(name)) continue;
        const auto field = child_field(type, name);
        auto& child = value[name];
        if (below.empty()) {
            value.erase(name);
            continue;
        }
        if ((is_keyed(field) || field.set) && child.is_array()) {
            auto& items = child.get_ref<Json::array_t&>();
            for (const auto& [item, inner] : below.items()) {
                // "." says that the item itself was applied: then it goes as a whole.
                const bool whole = item.rfind("v:", 0) == 0 || inner.contains(".");
                if (whole)
                    std::erase_if(items, [&item = item, &field](const Json& one) {
                        return item == (field.set ? "v:" + to_text(one) : item_key(field, one));
                    });
                for (auto& one : items) {
                    if (!whole && item_key(field, one) == item)
                        take_away(*field.type->element, one, inner);
                }
            }
        } else if (child.is_object()) {
            take_away(*field.type, child, below);
        }
        if (child.empty()) value.erase(name);
    }
}

Json merge(const Type& type, Json live, const Json& intent);

Json merge_field(const Field& field, const Json& live, const Json& intent) {
    if (is_keyed(field) && live.is_array() && intent.is_array()) {
        Json merged = live;
        for (const auto& item : intent) {
            const auto key = item_key(field, item);
            const auto found = std::find_if(merged.begin(), merged.end(), [&](const Json& one) {
                return item_key(field, one) == key;
            });
            if (found == merged.end())
                merged.push_back(item);
            else
                *found = merge(*field.type->element, *found, item);
        }
        return merged;
    }
    if (field.set && live.is_array() && intent.is_array()) {
        Json merged = live;
        for (const auto& item : intent) {
            if (std::find(merged.begin(), merged.end(), item) == merged.end())
                merged.push_back(item);
        }
        return merged;
    }
    if (is_struct(*field.type) && live.is_object() && intent.is_object())
        return merge(*field.type, live, intent);
    return intent;
}

Json merge(const Type& type, Json live, const Json& intent) {
    if (!live.is_object()) return intent;
    for (const auto& [name, value] : intent.items()) {
        if (!value.is_null())
            live[name] = merge_field(child_field(type, name), json_at(live, name), value);
    }
    return live;
}

std::string path_of_field(const std::string& path, const std::string& name) {
    return path + "." + name;
}

std::string path_of_item(const std::string& path, const std::string& item) {
    return path + "[" + item + "]";
}

/// Paths of `owned` at which `a` and `b` differ, as fields of FieldsV1 that are in both sets.
void collect_differences(const Type& type, const Json& owned, const Json& a, const Json& b,
                         const std::string& path, std::vector<std::string>& paths) {
    for (const auto& [key, below] : owned.items()) {
        if (key.rfind("f:", 0) != 0) continue;
        const auto name = key.substr(2);
        const auto field = child_field(type, name);
        const auto& in_a = json_at(a, name);
        const auto& in_b = json_at(b, name);
        const auto at = path_of_field(path, name);
        if (in_b.is_null()) continue;
        if (is_keyed(field)) {
            for (const auto& [item, inner] : below.items())
                collect_differences(*field.type->element, inner, item_at(field, in_a, item),
                                    item_at(field, in_b, item), path_of_item(at, item), paths);
        } else if (is_struct(*field.type) && in_b.is_object()) {
            collect_differences(*field.type, below, in_a, in_b, at, paths);
        } else if (!field.set && in_a != in_b) {
            paths.push_back(at);
        }
    }
}

Status apply_conflict(const std::vector<std::string>& managers,
                      const std::vector<std::string>& paths) {
    Json causes = Json::array();
    for (std::size_t i = 0; i < paths.size(); ++i) {
        causes.push_back({{"reason", "FieldManagerConflict"},
                          {"message", "conflict with \"" + managers[i] + "\""},
                          {"field", paths[i]}});
    }
    const bool one = paths.size() == 1;
    std::string text = "Apply failed with " + std::to_string(paths.size()) +
                       (one ? " conflict" : " conflicts") + ": conflict" + (one ? "" : "s") +
                       " with \"" + managers[0] + "\":";
    if (one)
        text += " " + paths[0];
    else
        for (const auto& path : paths)
            text += "\n- " + path;
    return {409, "Conflict", text, {{"causes", causes}}};
}

/// The entry of the manager in the list, or null.
Json* entry_of(Json& managed, const std::string& manager, const std::string& subresource) {
    for (auto& entry : managed) {
        if (json_string(entry, "manager") == manager &&
            json_string(entry, "operation") == "Apply" &&
            json_string(entry, "subresource") == subresource)
            return &entry;
    }
    return nullptr;
}

void drop_empty_entries(Json& managed) {
    std::erase_if(managed.get_ref<Json::array_t&>(),
                  [](const Json& entry) { return json_at(entry, "fieldsV1").empty(); });
}

}  // namespace

Answer<Json> apply_patch(const Type& type, const Json& live, const Json& intent,
                         const std::string& manager, const std::string& subresource, bool force) {
    const auto set = fields_of(type, intent);
    Json managed = json_path(live, {"metadata", "managedFields"});
    if (!managed.is_array()) managed = Json::array();
    auto* own = entry_of(managed, manager, subresource);
    std::vector<std::string> paths;
    std::vector<std::string> owners;
    Json others = Json::object();
    for (auto& entry : managed) {
        if (&entry == own) continue;
        std::vector<std::string> here;
        collect_differences(type, json_at(entry, "fieldsV1"), live, intent, "", here);
        if (!here.empty() && force) entry["fieldsV1"] = minus(entry["fieldsV1"], set);
        owners.insert(owners.end(), here.size(), json_string(entry, "manager"));
        paths.insert(paths.end(), here.begin(), here.end());
        others.merge_patch(json_at(entry, "fieldsV1"));
    }
    if (!paths.empty() && !force) return apply_conflict(owners, paths);
    auto result = live;
    if (own != nullptr) {
        const auto given_up = minus(minus(json_at(*own, "fieldsV1"), set), others);
        take_away(type, result, given_up);
    }
    result = merge(type, std::move(result), intent);
    Json entry = {{"manager", manager},
                  {"operation", "Apply"},
                  {"apiVersion", json_at(intent, "apiVersion")},
                  {"time", rfc3339_now()},
                  {"fieldsType", "FieldsV1"},
                  {"fieldsV1", set}};
    if (!subresource.empty()) entry["subresource"] = subresource;
    if (own == nullptr)
        managed.push_back(std::move(entry));
    else if (json_at(*own, "fieldsV1") != set)
        *own = std::move(entry);
    drop_empty_entries(managed);
    result["metadata"]["managedFields"] = std::move(managed);
    return result;
}

namespace {

/// The part of `owned` whose values are the same in both.
Json unchanged(const Type& type, const Json& owned, const Json& before, const Json& after) {
    Json kept = Json::object();
    for (const auto& [key, below] : owned.items()) {
        if (key.rfind("f:", 0) != 0) {
            kept[key] = below;
            continue;
        }
        const auto name = key.substr(2);
        const auto field = child_field(type, name);
        const auto& old_value = json_at(before, name);
        const auto& new_value = json_at(after, name);
        if (old_value == new_value) {
            kept[key] = below;
        } else if (is_keyed(field) && new_value.is_array()) {
            Json items = Json::object();
            for (const auto& [item, inner] : below.items()) {
                const auto& now = item_at(field, new_value, item);
                if (now.is_null()) continue;
                items[item] =
                    unchanged(*field.type->element, inner, item_at(field, old_value, item), now);
            }
            if (!items.empty()) kept[key] = std::move(items);
        } else if (is_struct(*field.type) && new_value.is_object() && !below.empty()) {
            auto inner = unchanged(*field.type, below, old_value, new_value);
            if (!inner.empty()) kept[key] = std::move(inner);
        }
    }
    return kept;
}

}  // namespace

void release_changed_fields(const Type& type, const Json& before, Json& after) {
    auto& metadata = after["metadata"];
    if (!json_at(metadata, "managedFields").is_array()) return;
    for (auto& entry : metadata["managedFields"]) {
        if (entry.contains("fieldsV1"))
            entry["fieldsV1"] = unchanged(type, entry["fieldsV1"], before, after);
    }
    drop_empty_entries(metadata["managedFields"]);
    if (metadata["managedFields"].empty()) metadata.erase("managedFields");
}

}  // namespace knd::api
