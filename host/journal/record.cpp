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
    return {{"name", device.name},         {"backend", device.backend},
            {"netdev", device.netdev},     {"hardwareKey", device.hardware_key},
            {"capacity", device.capacity}, {"attributes", attributes_to_json(device.attributes)}};
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
    return device;
}

Json to_json(const Effects& effects) {
    Json netdevs = Json::array();
    for (const auto& n : effects.netdevs)
        netdevs.push_back({{"ifindex", n.ifindex},
                           {"name", n.name},
                           {"mac", n.mac},
                           {"nameInPod", n.name_in_pod}});
    Json nodes = Json::array();
    for (const auto& node : effects.nodes)
        nodes.push_back({{"path", node.path}, {"mode", node.mode}});
    Json mounts = Json::array();
    for (const auto& m : effects.mounts)
        mounts.push_back(
            {{"source", m.source}, {"destination", m.destination}, {"readOnly", m.read_only}});
    return {{"netdevs", std::move(netdevs)},
            {"rdmaLinks", effects.rdma_links},
            {"nodes", std::move(nodes)},
            {"mounts", std::move(mounts)},
            {"env", effects.env},
            {"stateHex", to_hex(effects.state)}};
}

Result<Effects> effects_from_json(const Json& json) {
    Effects effects;
    Fields fields(json, "effects");
    std::string state_hex;
    fields.read("rdmaLinks", effects.rdma_links).read("env", effects.env);
    fields.read("stateHex", state_hex);
    if (!from_hex(state_hex, effects.state)) fields.fail("stateHex", "is not hexadecimal");
    for (const auto* item : fields.list("netdevs")) {
        NetdevEffect netdev;
        Fields members(*item, "effects.netdevs");
        members.read("ifindex", netdev.ifindex).read("name", netdev.name).read("mac", netdev.mac);
        KND_TRY(members.read("nameInPod", netdev.name_in_pod).verdict());
        effects.netdevs.push_back(std::move(netdev));
    }
    for (const auto* item : fields.list("nodes")) {
        NodeEffect node;
        Fields members(*item, "effects.nodes");
        KND_TRY(members.read("path", node.path).read("mode", node.mode).verdict());
        effects.nodes.push_back(std::move(node));
    }
    for (const auto* item : fields.list("mounts")) {
        Mount mount;
        Fields members(*item, "effects.mounts");
        members.read("source", mount.source).read("destination", mount.destination);
        KND_TRY(members.read("readOnly", mount.read_only).verdict());
        effects.mounts.push_back(std::move(mount));
    }
    KND_TRY(fields.verdict());
    return effects;
}

Json to_json(const AttachedFacts& facts) {
    return {{"interface", facts.interface_name},
            {"hardwareAddress", facts.hardware_address},
            {"addresses", facts.addresses},
            {"ifindex", facts.ifindex}};
}

Json place_json(const BindingRecord& record) {
    return {{"sandbox", record.sandbox_id},
            {"podUID", record.pod_uid},
            {"pod", record.pod},
            {"netns", record.netns_path},
            {"netnsID", record.netns_id},
            {"hostState", record.host_state},
            {"attached", to_json(record.attached)}};
}

Result<void> read_place(const Json& json, BindingRecord& record) {
    Fields fields(json, "place");
    fields.read("sandbox", record.sandbox_id).read("podUID", record.pod_uid);
    fields.read("pod", record.pod).read("netns", record.netns_path);
    fields.read("netnsID", record.netns_id);
    record.host_state = fields.at("hostState");
    KND_TRY(fields.verdict());
    Fields facts(fields.at("attached"), "place.attached");
    facts.read("interface", record.attached.interface_name);
    facts.read("hardwareAddress", record.attached.hardware_address);
    facts.read("ifindex", record.attached.ifindex);
    return facts.read("addresses", record.attached.addresses).verdict();
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
    if (!fields.at("podClaimName").is_null())  // missing in older journals
        fields.read("podClaimName", record.pod_claim_name);
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
    record.config = fields.at("config");  // of any type, and missing in older journals
    return record;
}

}  // namespace knd
