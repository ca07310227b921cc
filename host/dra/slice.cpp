// SPDX-License-Identifier: Apache-2.0
#include "host/dra/slice.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <set>

#include "host/kube/resource_api.hpp"

namespace knd::dra {
namespace {

constexpr std::size_t kMaxNamed = 3;  // devices that a log line names

std::string node_owner_uid(const Json& metadata) {
    const auto& owners = json_at(metadata, "ownerReferences");
    if (!owners.is_array() || owners.size() != 1) return {};
    return json_string(owners.front(), "uid");
}

bool has_foreign_members(const Json& spec) {
    for (const auto key : {"nodeSelector", "allNodes", "perDeviceNodeSelection"}) {
        const auto& value = json_at(spec, key);
        if (!value.is_null() && !(value.is_structured() && value.empty())) return true;
    }
    return false;
}

/// For each index the slice to keep: of duplicates the one of the newest generation.
std::map<std::size_t, const StoredSlice*> keepers(const std::vector<StoredSlice>& stored) {
    std::map<std::size_t, const StoredSlice*> chosen;
    for (const auto& slice : stored) {
        if (!slice.index || slice.foreign) continue;
        auto& kept = chosen[*slice.index];
        if (kept == nullptr || slice.generation > kept->generation) kept = &slice;
    }
    return chosen;
}

bool equal_text(const std::string& wanted, const std::string& stored, const Adopted& adopted) {
    if (wanted == stored) return true;
    const auto found = adopted.find(wanted);
    return found != adopted.end() && found->second == stored;
}

bool equal_devices(const std::vector<SliceDevice>& wanted, const std::vector<SliceDevice>& stored,
                   const Adopted& adopted) {
    return std::equal(wanted.begin(), wanted.end(), stored.begin(), stored.end(),
                      [&](const SliceDevice& want, const SliceDevice& have) {
                          return equal_text(want.text, have.text, adopted);
                      });
}

bool equal_content(const SliceWrite& wanted, const StoredSlice& stored, const Adopted& adopted) {
    return equal_devices(wanted.devices, stored.devices, adopted) &&
           equal_text(counters_text(wanted.counters), counters_text(stored.counters), adopted);
}

Json metadata_for(const SliceWrite& write, const SliceOwner& owner) {
    Json metadata = {{"generateName", generate_name(write.index, owner)}};
    if (!write.name.empty()) {
        metadata["name"] = write.name;
        metadata["uid"] = write.uid;
        metadata["resourceVersion"] = write.resource_version;
    }
    Json node = {{"apiVersion", "v1"},
                 {"kind", "Node"},
                 {"name", owner.node},
                 {"uid", owner.node_uid},
                 {"controller", true}};
    metadata["ownerReferences"] = Json::array({std::move(node)});
    return metadata;
}

/// Names of what `sent` has and `stored` has not, "dra.net/mtu" or "taints".
std::set<std::string> missing_members(const Json& sent, const Json& stored) {
    std::set<std::string> missing;
    for (const auto& [key, value] : sent.items()) {
        if (json_at(stored, key) == value) continue;
        if (!value.is_object()) {
            missing.insert(key);
            continue;
        }
        for (const auto& [inner, inner_value] : value.items())
            if (json_at(json_at(stored, key), inner) != inner_value) missing.insert(inner);
    }
    return missing;
}

}  // namespace

bool StoredSlice::same_content(const StoredSlice& other) const {
    return uid == other.uid && pool == other.pool && generation == other.generation &&
           slice_count == other.slice_count && owner_uid == other.owner_uid &&
           devices == other.devices && counters == other.counters && foreign == other.foreign;
}

Result<StoredSlice> parse_slice(const Json& object, std::string_view version) {
    const auto& metadata = json_at(object, "metadata");
    const auto& spec = json_at(object, "spec");
    const auto& pool = json_at(spec, "pool");
    StoredSlice slice;
    slice.name = json_string(metadata, "name");
    if (slice.name.empty() || !spec.is_object())
        return Error(Code::kDataLoss, "an object without name or spec was sent as ResourceSlice");
    slice.uid = json_string(metadata, "uid");
    slice.resource_version = json_string(metadata, "resourceVersion");
    slice.owner_uid = node_owner_uid(metadata);
    slice.index = index_of_name(slice.name);
    slice.pool = json_string(pool, "name");
    slice.generation = json_int(pool, "generation");
    slice.slice_count = json_int(pool, "resourceSliceCount");
    slice.foreign = has_foreign_members(spec);
    if (const auto& devices = json_at(spec, "devices"); devices.is_array())
        for (const auto& device : devices) {
            auto flat = kube::ResourceApi::device_from(version, device);
            collect_taint_times(flat, slice.taint_times);
            slice.devices.push_back(canonical_device(std::move(flat)));
        }
    if (const auto& sets = json_at(spec, "sharedCounters"); sets.is_array())
        for (const auto& set : sets)
            slice.counters.push_back(canonical_counters(set));
    return slice;
}

std::string counters_text(const std::vector<SliceCounters>& counters) {
    std::string text = "[";
    for (const auto& set : counters)
        text += (text.size() == 1 ? "" : ",") + set.text;
    return text + "]";
}

std::vector<std::vector<SliceDevice>> shard(const SlicePool& pool,
                                            const std::vector<StoredSlice>& stored) {
    const auto& devices = pool.devices;
    // Until 1.34 no device makes its slice smaller.
    const bool rich =
        !pool.together && std::any_of(devices.begin(), devices.end(),
                                      [](const SliceDevice& device) { return device.rich; });
    const auto limit = rich ? kRichDevicesPerSlice : kDevicesPerSlice;
    const auto count = std::max<std::size_t>(1, (devices.size() + limit - 1) / limit);

    std::map<std::string_view, std::size_t> home;
    for (const auto& [index, slice] : keepers(stored))
        for (const auto& device : slice->devices)
            home.emplace(device.name, index);

    std::vector<std::size_t> place(devices.size(), count);
    std::vector<std::size_t> load(count, 0);
    const auto put = [&](std::size_t device, std::size_t slice) {
        place[device] = slice;
        ++load[slice];
    };
    if (pool.together)
        for (std::size_t i = 0; i < devices.size(); ++i)
            if (devices[i].consumes) put(i, 0);
    for (std::size_t i = 0; i < devices.size(); ++i) {
        const auto found = home.find(devices[i].name);
        if (place[i] != count || found == home.end() || found->second >= count ||
            load[found->second] >= limit)
            continue;
        put(i, found->second);
    }
    std::size_t open = 0;
    std::vector<std::vector<SliceDevice>> slices(count);
    for (std::size_t i = 0; i < devices.size(); ++i) {
        if (place[i] == count) {
            while (load[open] >= limit)
                ++open;
            put(i, open);
        }
        slices[place[i]].push_back(devices[i]);
    }
    return slices;
}

namespace {

/// The pool as slices that are not written yet, one for each index.
std::vector<SliceWrite> deal(const SlicePool& pool, const std::vector<StoredSlice>& stored) {
    std::vector<SliceWrite> slices;
    for (auto& devices : shard(pool, stored)) {
        SliceWrite slice;
        slice.devices = std::move(devices);
        slices.push_back(std::move(slice));
    }
    if (pool.together) {
        slices.front().counters = pool.counters;
    } else {
        for (std::size_t i = 0; i < pool.counters.size(); ++i) {
            if (i % kCounterSetsPerSlice == 0) slices.emplace_back();
            slices.back().counters.push_back(pool.counters[i]);
        }
    }
    for (std::size_t i = 0; i < slices.size(); ++i)
        slices[i].index = i;
    return slices;
}

}  // namespace

PoolPlan plan_pool(const SlicePool& pool, const std::vector<StoredSlice>& stored,
                   const SliceOwner& owner, const Adopted& adopted) {
    PoolPlan plan;
    auto slices = deal(pool, stored);
    const auto keep = keepers(stored);
    plan.slice_count = slices.size();
    for (const auto& slice : stored) {
        plan.generation = std::max(plan.generation, slice.generation);
        plan.taint_times.insert(slice.taint_times.begin(), slice.taint_times.end());
        const bool kept = slice.index && *slice.index < slices.size() &&
                          keep.contains(*slice.index) && keep.at(*slice.index) == &slice;
        if (!kept) plan.deletes.push_back(slice);
    }

    std::vector<SliceWrite> matched;
    std::vector<std::size_t> changed;
    for (auto& slice : slices) {
        const auto found = keep.find(slice.index);
        if (found == keep.end()) {
            plan.creates.push_back(std::move(slice));
            continue;
        }
        const auto& have = *found->second;
        const bool same = have.generation == plan.generation && have.owner_uid == owner.node_uid &&
                          have.slice_count == static_cast<std::int64_t>(plan.slice_count) &&
                          equal_content(slice, have, adopted);
        if (!same) changed.push_back(matched.size());
        slice.name = have.name;
        slice.uid = have.uid;
        slice.resource_version = have.resource_version;
        matched.push_back(std::move(slice));
    }
    // One update is atomic as it is. More than that needs a new generation, or consumers might take
    // the old half of a pool together with its new one.
    if (plan.creates.empty() && changed.size() <= 1) {
        if (!changed.empty()) plan.updates.push_back(std::move(matched[changed.front()]));
        return plan;
    }
    ++plan.generation;
    plan.updates = std::move(matched);
    return plan;
}

std::string slice_body(const SliceWrite& write, const PoolPlan& plan, const SliceOwner& owner,
                       std::string_view pool, std::string_view version) {
    const Json head = {{"apiVersion", kube::ResourceApi::group_version(version)},
                       {"kind", "ResourceSlice"},
                       {"metadata", metadata_for(write, owner)}};
    const Json spec = {{"driver", owner.driver},
                       {"nodeName", owner.node},
                       {"pool",
                        {{"name", pool},
                         {"generation", plan.generation},
                         {"resourceSliceCount", plan.slice_count}}}};
    auto body = to_text(head);
    auto spec_text = to_text(spec);
    body.pop_back();  // the closing braces, to go on inside
    spec_text.pop_back();
    body += ",\"spec\":" + spec_text;
    if (!write.counters.empty()) body += ",\"sharedCounters\":" + counters_text(write.counters);
    if (!write.counters.empty() && write.devices.empty()) return body + "}}";
    body += ",\"devices\":[";
    for (std::size_t i = 0; i < write.devices.size(); ++i) {
        if (i > 0) body += ',';
        const auto& text = write.devices[i].text;
        const bool flat = version == "v1" || version == "v1beta2";
        // Without taints there is nothing to read the text again for.
        const bool stamped =
            !plan.taint_times.empty() && text.find("\"taints\":") != std::string::npos;
        if (flat && !stamped) {
            body += text;
        } else if (auto device = parse_json(text)) {
            set_taint_times(*device, plan.taint_times);
            body += to_text(kube::ResourceApi::device_to(version, *std::move(device)));
        }
    }
    return body + "]}}";
}

std::string generate_name(std::size_t index, const SliceOwner& owner) {
    char prefix[24];
    std::snprintf(prefix, sizeof prefix, "%05zx-", index);
    return prefix + owner.driver + "-" + owner.node + "-";
}

std::optional<std::size_t> index_of_name(std::string_view name) {
    const auto dash = name.find('-');
    if (dash == std::string_view::npos || dash < 5 || dash > 8) return std::nullopt;
    for (const char c : name.substr(0, dash))
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) return std::nullopt;
    std::size_t index = 0;
    std::from_chars(name.data(), name.data() + dash, index, 16);
    return index;
}

std::string describe_dropped(const std::vector<SliceDevice>& sent,
                             const std::vector<SliceDevice>& stored) {
    std::string text;
    std::size_t named = 0, affected = 0;
    for (std::size_t i = 0; i < sent.size(); ++i) {
        const auto want = parse_json(sent[i].text);
        const auto have = i < stored.size() ? parse_json(stored[i].text) : Result<Json>(Json());
        if (!want || !have || sent[i].text == to_text(*have)) continue;
        ++affected;
        if (named == kMaxNamed) continue;
        ++named;
        text += (text.empty() ? "" : "; ") + sent[i].name + ":";
        for (const auto& member : missing_members(*want, *have))
            text += " " + member;
    }
    if (affected > named) text += "; and " + std::to_string(affected - named) + " more devices";
    return text;
}

}  // namespace knd::dra
