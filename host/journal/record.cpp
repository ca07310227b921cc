// SPDX-License-Identifier: Apache-2.0
#include "host/journal/record.hpp"

#include <array>
#include <limits>
#include <utility>

#include "host/model/attribute_json.hpp"

namespace knd {
namespace {

constexpr std::array<std::pair<BindingState, std::string_view>, 6> kStateNames = {{
    {BindingState::kPrepared, "prepared"},
    {BindingState::kAttaching, "attaching"},
    {BindingState::kAttached, "attached"},
    {BindingState::kDetaching, "detaching"},
    {BindingState::kFailed, "failed"},
    {BindingState::kReleasing, "releasing"},
}};

/// Bytes that may be no text, as text: JSON strings must be UTF-8.
std::string to_hex(std::string_view bytes) {
    constexpr char kDigits[] = "0123456789abcdef";
    std::string text;
    text.reserve(bytes.size() * 2);
    for (const char c : bytes) {
        const auto byte = static_cast<unsigned char>(c);
        text += kDigits[byte >> 4];
        text += kDigits[byte & 15];
    }
    return text;
}

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
}

bool from_hex(std::string_view text, std::string& bytes) {
    if (text.size() % 2 != 0) return false;
    bytes.clear();
    for (std::size_t i = 0; i < text.size(); i += 2) {
        const int high = hex_digit(text[i]);
        const int low = hex_digit(text[i + 1]);
        if (high < 0 || low < 0) return false;
        bytes += static_cast<char>(high << 4 | low);
    }
    return true;
}

/// Reads typed members and remembers the first that is wrong.
class Fields {
  public:
    Fields(const Json& object, std::string path) : object_(object), path_(std::move(path)) {
        if (!object.is_object()) fail("", "is not an object");
    }

    Fields& read(const char* key, std::string& out) {
        const auto& value = json_at(object_, key);
        if (value.is_string())
            out = value.get<std::string>();
        else
            fail(key, "is not a string");
        return *this;
    }
    Fields& read(const char* key, bool& out) {
        const auto& value = json_at(object_, key);
        if (value.is_boolean())
            out = value.get<bool>();
        else
            fail(key, "is not true or false");
        return *this;
    }
    Fields& read(const char* key, std::int64_t& out) {
        const auto& value = json_at(object_, key);
        if (value.is_number_integer())
            out = value.get<std::int64_t>();
        else
            fail(key, "is not a whole number");
        return *this;
    }
    template <std::integral Small>
    requires(sizeof(Small) == 4) Fields& read(const char* key, Small& out) {
        std::int64_t wide = 0;
        read(key, wide);
        if (std::in_range<Small>(wide))
            out = static_cast<Small>(wide);
        else
            fail(key, "is out of range");
        return *this;
    }
    Fields& read(const char* key, std::uint64_t& out) {
        const auto& value = json_at(object_, key);
        if (value.is_number_integer() && (value.is_number_unsigned() || value >= 0))
            out = value.get<std::uint64_t>();
        else
            fail(key, "is not a whole number of 0 or more");
        return *this;
    }
    Fields& read(const char* key, std::vector<std::string>& out) {
        for (const auto* item : list(key)) {
            if (!item->is_string()) {
                fail(key, "holds something that is not a string");
                return *this;
            }
            out.push_back(item->get<std::string>());
        }
        return *this;
    }
    Fields& read(const char* key, std::map<std::string, std::string>& out) {
        const auto& value = json_at(object_, key);
        if (!value.is_object()) {
            fail(key, "is not an object");
            return *this;
        }
        for (const auto& [name, member] : value.items()) {
            if (member.is_string())
                out[name] = member.get<std::string>();
            else
                fail(key, "holds something that is not a string");
        }
        return *this;
    }

    std::vector<const Json*> list(const char* key) {
        std::vector<const Json*> items;
        const auto& value = json_at(object_, key);
        if (!value.is_array()) {
            fail(key, "is not a list");
            return items;
        }
        for (const auto& item : value)
            items.push_back(&item);
        return items;
    }
    const Json& at(const char* key) const { return json_at(object_, key); }

    void fail(std::string_view key, std::string_view what) {
        if (!message_.empty()) return;
        message_ = path_;
        if (!key.empty()) message_.append(path_.empty() ? "" : ".").append(key);
        message_.append(" ").append(what);
    }
    Result<void> verdict() const {
        if (message_.empty()) return {};
        return Error(Code::kDataLoss, message_);
    }

  private:
    const Json& object_;
    std::string path_;
    std::string message_;
};

Result<AttributeValue> attribute_from_json(const Json& json, const std::string& path) {
    const Error bad(Code::kDataLoss, path + " is not an attribute value");
    if (!json.is_object() || json.size() != 1) return bad;
    const auto& key = json.begin().key();
    const auto& value = json.begin().value();
    if (key == "int" && value.is_number_integer()) return AttributeValue(value.get<std::int64_t>());
    if (key == "bool" && value.is_boolean()) return AttributeValue(value.get<bool>());
    if (key == "string" && value.is_string()) return AttributeValue(value.get<std::string>());
    if (key == "version" && value.is_string())
        return AttributeValue(Version{value.get<std::string>()});
    if (!value.is_array()) return bad;
    const auto all = [&](bool (Json::*is)() const noexcept) {
        for (const auto& item : value)
            if (!(item.*is)()) return false;
        return true;
    };
    if (key == "ints" && all(&Json::is_number_integer))
        return AttributeValue(value.get<std::vector<std::int64_t>>());
    if (key == "bools" && all(&Json::is_boolean))
        return AttributeValue(value.get<std::vector<bool>>());
    if (key == "strings" && all(&Json::is_string))
        return AttributeValue(value.get<std::vector<std::string>>());
    if (key != "versions" || !all(&Json::is_string)) return bad;
    std::vector<Version> versions;
    for (const auto& item : value)
        versions.push_back({item.get<std::string>()});
    return AttributeValue(std::move(versions));
}

Json to_json(const Device& device) {
    Json policies = Json::object();
    for (const auto& [name, policy] : device.policies)
        policies[name] = {{"default", policy.default_value},
                          {"min", policy.min},
                          {"max", policy.max},
                          {"step", policy.step},
                          {"validValues", policy.valid_values}};
    Json taints = Json::array();
    for (const auto& taint : device.taints)
        taints.push_back({{"key", taint.key}, {"value", taint.value}, {"effect", taint.effect}});
    return {{"name", device.name},
            {"backend", device.backend},
            {"netdev", device.netdev},
            {"hardwareKey", device.hardware_key},
            {"capacity", device.capacity},
            {"attributes", attributes_to_json(device.attributes)},
            {"parentKey", device.parent_key},
            {"shareable", device.shareable},
            {"policies", std::move(policies)},
            {"consumes", device.consumes},
            {"taints", std::move(taints)}};
}

Result<void> read_policies(const Json& json, Device& device) {
    for (const auto& [name, value] : json.items()) {
        auto& policy = device.policies[name];
        Fields members(value, "device.policies." + name);
        members.read("default", policy.default_value).read("min", policy.min);
        members.read("max", policy.max).read("step", policy.step);
        KND_TRY(members.read("validValues", policy.valid_values).verdict());
    }
    return {};
}

/// What a device may have since shares, counters and taints are known.
Result<void> read_sharing(Fields& fields, Device& device) {
    fields.read("parentKey", device.parent_key).read("shareable", device.shareable);
    for (const auto* key : {"policies", "consumes"})
        if (!fields.at(key).is_object()) fields.fail(key, "is not an object");
    KND_TRY(fields.verdict());
    KND_TRY(read_policies(fields.at("policies"), device));
    for (const auto& [set, counters] : fields.at("consumes").items()) {
        Fields members(fields.at("consumes"), "device.consumes");
        KND_TRY(members.read(set.c_str(), device.consumes[set]).verdict());
    }
    for (const auto* item : fields.list("taints")) {
        DeviceTaint taint;
        Fields members(*item, "device.taints");
        members.read("key", taint.key).read("value", taint.value).read("effect", taint.effect);
        KND_TRY(members.verdict());
        device.taints.push_back(std::move(taint));
    }
    return fields.verdict();
}

Result<Device> device_from_json(const Json& json) {
    Device device;
    Fields fields(json, "device");
    fields.read("name", device.name).read("backend", device.backend).read("netdev", device.netdev);
    fields.read("hardwareKey", device.hardware_key).read("capacity", device.capacity);
    if (!fields.at("attributes").is_object()) fields.fail("attributes", "is not an object");
    KND_TRY(fields.verdict());
    for (const auto& [name, value] : fields.at("attributes").items()) {
        KND_TRY_ASSIGN(device.attributes[name],
                       attribute_from_json(value, "device.attributes." + name));
    }
    if (!fields.at("shareable").is_null())  // missing in older journals
        KND_TRY(read_sharing(fields, device));
    return device;
}

Json to_json(const NetdevEffect& netdev) {
    Json json = {{"ifindex", netdev.ifindex},
                 {"name", netdev.name},
                 {"mac", netdev.mac},
                 {"nameInPod", netdev.name_in_pod}};
    if (!netdev.made) return json;
    const auto& made = *netdev.made;
    json["made"] = {{"byBackend", made.by_backend},
                    {"kind", made.kind},
                    {"parentIfindex", made.parent_ifindex},
                    {"parent", made.parent},
                    {"mode", made.mode},
                    {"vlanId", made.vlan_id},
                    {"peer", made.peer},
                    {"mtu", made.mtu},
                    {"mac", made.mac}};
    return json;
}

Result<NetdevEffect> netdev_from_json(const Json& json) {
    NetdevEffect netdev;
    Fields members(json, "effects.netdevs");
    members.read("ifindex", netdev.ifindex).read("name", netdev.name).read("mac", netdev.mac);
    KND_TRY(members.read("nameInPod", netdev.name_in_pod).verdict());
    if (members.at("made").is_null()) return netdev;
    auto& made = netdev.made.emplace();
    Fields fields(members.at("made"), "effects.netdevs.made");
    fields.read("byBackend", made.by_backend).read("kind", made.kind);
    fields.read("parentIfindex", made.parent_ifindex).read("parent", made.parent);
    fields.read("mode", made.mode).read("vlanId", made.vlan_id).read("peer", made.peer);
    KND_TRY(fields.read("mtu", made.mtu).read("mac", made.mac).verdict());
    return netdev;
}

Json to_json(const MountEffect& effect) {
    return {{"source", effect.mount.source},
            {"destination", effect.mount.destination},
            {"readOnly", effect.mount.read_only},
            {"options", effect.mount.options},
            {"uid", effect.uid},
            {"gid", effect.gid}};
}

Result<MountEffect> mount_from_json(const Json& json) {
    MountEffect effect;
    auto& mount = effect.mount;
    Fields members(json, "effects.mounts");
    members.read("source", mount.source).read("destination", mount.destination);
    members.read("readOnly", mount.read_only);
    if (!members.at("options").is_null())  // missing in older journals
        members.read("options", mount.options).read("uid", effect.uid).read("gid", effect.gid);
    KND_TRY(members.verdict());
    return effect;
}

Json to_json(const NodeEffect& node) {
    return {{"path", node.path},     {"mode", node.mode}, {"containerPath", node.container_path},
            {"access", node.access}, {"uid", node.uid},   {"gid", node.gid}};
}

Result<NodeEffect> node_from_json(const Json& json) {
    NodeEffect node;
    Fields members(json, "effects.nodes");
    members.read("path", node.path).read("mode", node.mode);
    if (!members.at("access").is_null()) {  // missing in older journals
        members.read("containerPath", node.container_path).read("access", node.access);
        members.read("uid", node.uid).read("gid", node.gid);
    }
    KND_TRY(members.verdict());
    return node;
}

Json to_json(const Rlimit& limit) {
    return {{"type", limit.type}, {"soft", limit.soft}, {"hard", limit.hard}};
}

Result<Rlimit> rlimit_from_json(const Json& json) {
    Rlimit limit;
    Fields members(json, "effects.rlimits");
    members.read("type", limit.type).read("soft", limit.soft).read("hard", limit.hard);
    KND_TRY(members.verdict());
    return limit;
}

Json to_json(const RdmaLimit& limit) {
    return {{"device", limit.device},
            {"hcaHandles", limit.hca_handles},
            {"hcaObjects", limit.hca_objects}};
}

Result<RdmaLimit> rdma_limit_from_json(const Json& json) {
    RdmaLimit limit;
    Fields members(json, "effects.rdmaLimits");
    members.read("device", limit.device).read("hcaHandles", limit.hca_handles);
    KND_TRY(members.read("hcaObjects", limit.hca_objects).verdict());
    return limit;
}

Json to_json(const AttachedFacts& facts) {
    return {{"interface", facts.interface_name},
            {"hardwareAddress", facts.hardware_address},
            {"addresses", facts.addresses},
            {"ifindex", facts.ifindex}};
}

Result<AttachedFacts> facts_from_json(const Json& json) {
    AttachedFacts facts;
    Fields fields(json, "place.attached");
    fields.read("interface", facts.interface_name);
    fields.read("hardwareAddress", facts.hardware_address).read("ifindex", facts.ifindex);
    KND_TRY(fields.read("addresses", facts.addresses).verdict());
    return facts;
}

template <class T>
Json list_json(const std::vector<T>& items) {
    Json list = Json::array();
    for (const auto& item : items)
        list.push_back(to_json(item));
    return list;
}

template <class T, class Read>
Result<std::vector<T>> read_list(Fields& fields, const char* key, Read read) {
    std::vector<T> items;
    for (const auto* item : fields.list(key)) {
        KND_TRY_ASSIGN(auto value, read(*item));
        items.push_back(std::move(value));
    }
    return items;
}

Json to_json(const Effects& effects) {
    Json json = {{"netdevs", list_json(effects.netdevs)},
                 {"rdmaLinks", effects.rdma_links},
                 {"nodes", list_json(effects.nodes)},
                 {"mounts", list_json(effects.mounts)},
                 {"env", effects.env},
                 {"stateHex", to_hex(effects.state)},
                 {"rlimits", list_json(effects.rlimits)},
                 {"rdmaLimits", list_json(effects.rdma_limits)},
                 {"attributes", effects.attributes}};
    if (const auto& data = effects.network_data)
        json["networkData"] = {{"interface", data->interface_name},
                               {"hardwareAddress", data->hardware_address},
                               {"addresses", data->addresses}};
    return json;
}

/// What effects may have since limits and metadata are known.
Result<void> read_later_effects(Fields& fields, Effects& effects) {
    fields.read("attributes", effects.attributes);
    KND_TRY_ASSIGN(effects.rlimits, read_list<Rlimit>(fields, "rlimits", rlimit_from_json));
    KND_TRY_ASSIGN(effects.rdma_limits,
                   read_list<RdmaLimit>(fields, "rdmaLimits", rdma_limit_from_json));
    if (fields.at("networkData").is_null()) return {};
    auto& data = effects.network_data.emplace();
    Fields members(fields.at("networkData"), "effects.networkData");
    members.read("interface", data.interface_name).read("addresses", data.addresses);
    return members.read("hardwareAddress", data.hardware_address).verdict();
}

Result<Effects> effects_from_json(const Json& json) {
    Effects effects;
    Fields fields(json, "effects");
    std::string state_hex;
    fields.read("rdmaLinks", effects.rdma_links).read("env", effects.env);
    fields.read("stateHex", state_hex);
    if (!from_hex(state_hex, effects.state)) fields.fail("stateHex", "is not hexadecimal");
    KND_TRY_ASSIGN(effects.netdevs, read_list<NetdevEffect>(fields, "netdevs", netdev_from_json));
    KND_TRY_ASSIGN(effects.nodes, read_list<NodeEffect>(fields, "nodes", node_from_json));
    KND_TRY_ASSIGN(effects.mounts, read_list<MountEffect>(fields, "mounts", mount_from_json));
    if (!fields.at("attributes").is_null())  // missing in older journals
        KND_TRY(read_later_effects(fields, effects));
    KND_TRY(fields.verdict());
    return effects;
}

Json place_json(const BindingRecord& record) {
    return {{"sandbox", record.sandbox_id},
            {"podUID", record.pod_uid},
            {"pod", record.pod},
            {"netns", record.netns_path},
            {"netnsID", record.netns_id},
            {"hostState", record.host_state},
            {"attached", list_json(record.attached)}};
}

Result<void> read_place(const Json& json, BindingRecord& record) {
    Fields fields(json, "place");
    fields.read("sandbox", record.sandbox_id).read("podUID", record.pod_uid);
    fields.read("pod", record.pod).read("netns", record.netns_path);
    fields.read("netnsID", record.netns_id);
    record.host_state = fields.at("hostState");
    KND_TRY(fields.verdict());
    if (const auto& one = fields.at("attached"); one.is_object()) {  // in older journals
        KND_TRY_ASSIGN(auto facts, facts_from_json(one));
        if (!facts.interface_name.empty()) record.attached.push_back(std::move(facts));
        return {};
    }
    KND_TRY_ASSIGN(record.attached, read_list<AttachedFacts>(fields, "attached", facts_from_json));
    return fields.verdict();
}

}  // namespace

std::string_view state_name(BindingState state) {
    for (const auto& [known, name] : kStateNames)
        if (known == state) return name;
    return "unknown";
}

Result<BindingState> state_from_name(std::string_view name) {
    for (const auto& [state, known] : kStateNames)
        if (known == name) return state;
    return Error(Code::kDataLoss, "state \"" + std::string(name) + "\" is not known");
}

Json to_json(const BindingRecord& record) {
    return {
        {"claim",
         {{"namespace", record.claim.ns}, {"name", record.claim.name}, {"uid", record.claim.uid}}},
        {"podClaimName", record.pod_claim_name},
        {"pods", record.pods},
        {"request", record.request},
        {"pool", record.pool},
        {"shareID", record.share_id},
        {"device", to_json(record.device)},
        {"network", to_json(record.network)},
        {"config", record.config},
        {"classConfig", record.class_config},
        {"consumed", record.consumed},
        {"adminAccess", record.admin_access},
        {"effects", to_json(record.effects)},
        {"bootID", record.boot_id},
        {"state", state_name(record.state)},
        {"ending", record.ending},
        {"reason", record.reason},
        {"place", place_json(record)},
        {"preparedMs", record.prepared_ms},
        {"changedMs", record.changed_ms}};
}

Result<BindingRecord> record_from_json(const Json& json) {
    BindingRecord record;
    std::string state;
    Fields fields(json, "");
    fields.read("pods", record.pods).read("request", record.request).read("pool", record.pool);
    fields.read("shareID", record.share_id).read("bootID", record.boot_id).read("state", state);
    fields.read("reason", record.reason).read("preparedMs", record.prepared_ms);
    fields.read("ending", record.ending);
    // Both are missing in older journals.
    if (!fields.at("podClaimName").is_null()) fields.read("podClaimName", record.pod_claim_name);
    if (!fields.at("consumed").is_null())
        fields.read("consumed", record.consumed).read("adminAccess", record.admin_access);
    KND_TRY(fields.read("changedMs", record.changed_ms).verdict());
    Fields claim(fields.at("claim"), "claim");
    claim.read("namespace", record.claim.ns).read("name", record.claim.name);
    KND_TRY(claim.read("uid", record.claim.uid).verdict());
    KND_TRY_ASSIGN(record.state, state_from_name(state));
    KND_TRY_ASSIGN(record.device, device_from_json(fields.at("device")));
    KND_TRY_ASSIGN(record.effects, effects_from_json(fields.at("effects")));
    KND_TRY(read_place(fields.at("place"), record));
    auto network = network_config_from_json(fields.at("network"));
    if (!network) return Error(Code::kDataLoss, "network: " + network.error().message());
    record.network = *std::move(network);
    record.config = fields.at("config");  // of any type
    record.class_config = fields.at("classConfig");
    return record;
}

}  // namespace knd
