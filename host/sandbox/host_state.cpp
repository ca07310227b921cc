// SPDX-License-Identifier: Apache-2.0
#include "host/sandbox/host_state.hpp"

#include <concepts>
#include <optional>

namespace knd {

namespace {

/// One list of the fields of a struct serves writing and reading: `Archive` is a Writer or a
/// Reader.
class Writer {
  public:
    template <class T>
    void field(const char* key, const T& value) {
        json_[key] = value;
    }
    template <class T, class Fields>
    void list(const char* key, const std::vector<T>& values, Fields fields) {
        auto array = Json::array();
        for (const auto& value : values) {
            Writer writer;
            fields(writer, const_cast<T&>(value));
            array.push_back(std::move(writer.json_));
        }
        json_[key] = std::move(array);
    }
    template <class T>
    void later_field(const char* key, const T& value) {
        field(key, value);
    }
    void field(const char* key, const std::optional<int>& value) {
        json_[key] = value ? Json(*value) : Json();
    }
    void field(const char* key, const std::map<int, std::uint32_t>& values) {
        auto object = Json::object();
        for (const auto& [number, value] : values)
            object[std::to_string(number)] = value;
        json_[key] = std::move(object);
    }
    Json take() { return std::move(json_); }

  private:
    Json json_ = Json::object();
};

class Reader {
  public:
    Reader(const Json& json, std::string where) : json_(json), where_(std::move(where)) {}

    template <std::integral T>
    void field(const char* key, T& value) {
        const auto& found = json_at(json_, key);
        if constexpr (std::same_as<T, bool>) {
            if (!found.is_boolean()) return fail(key, "true or false");
            value = found.template get<bool>();
        } else {
            if (!found.is_number_integer()) return fail(key, "a number");
            const auto number = found.template get<std::int64_t>();
            if (!std::in_range<T>(number)) return fail(key, "a smaller number");
            value = static_cast<T>(number);
        }
    }
    void field(const char* key, std::string& value) {
        const auto& found = json_at(json_, key);
        if (!found.is_string()) return fail(key, "a string");
        value = found.get<std::string>();
    }
    /// One that older journals do not have.
    template <class T>
    void later_field(const char* key, T& value) {
        if (!json_at(json_, key).is_null()) field(key, value);
    }
    void field(const char* key, std::vector<std::string>& values) {
        const auto& found = json_at(json_, key);
        if (!found.is_array()) return fail(key, "a list");
        for (const auto& value : found) {
            if (!value.is_string()) return fail(key, "a list of strings");
            values.push_back(value.get<std::string>());
        }
    }
    void field(const char* key, std::optional<int>& value) {
        if (json_at(json_, key).is_null()) return;
        field(key, value.emplace());
    }
    void field(const char* key, std::map<int, std::uint32_t>& values) {
        const auto& found = json_at(json_, key);
        if (!found.is_object()) return fail(key, "an object");
        for (const auto& [number, value] : found.items()) {
            const int metric = std::atoi(number.c_str());
            if (metric <= 0 || !value.is_number_unsigned()) return fail(key, "numbers");
            values[metric] = value.get<std::uint32_t>();
        }
    }
    template <class T, class Fields>
    void list(const char* key, std::vector<T>& values, Fields fields) {
        const auto& found = json_at(json_, key);
        if (!found.is_array()) return fail(key, "a list");
        for (const auto& json : found) {
            Reader reader(json, where_ + key + "[" + std::to_string(values.size()) + "].");
            fields(reader, values.emplace_back());
            if (reader.error_ && !error_) error_ = std::move(reader.error_);
        }
    }
    const std::optional<Error>& error() const { return error_; }

  private:
    void fail(const char* key, const char* wanted) {
        if (error_) return;
        error_ = Error(Code::kDataLoss, "state of the device on the host: " + where_ + key +
                                            " holds " + to_text(json_at(json_, key)) + " where " +
                                            wanted + " belongs");
    }
    const Json& json_;
    std::string where_;
    std::optional<Error> error_;
};

template <class Archive>
void link_fields(Archive& archive, LinkInfo& link) {
    archive.field("ifindex", link.ifindex);
    archive.field("name", link.name);
    archive.field("altnames", link.altnames);
    archive.field("kind", link.kind);
    archive.field("mac", link.mac);
    archive.field("permanentMac", link.permanent_mac);
    archive.field("mtu", link.mtu);
    archive.field("flags", link.flags);
    archive.field("type", link.type);
    archive.field("alias", link.alias);
    archive.field("master", link.master);
    archive.field("parent", link.parent);
    archive.field("gsoMaxSize", link.gso_max_size);
    archive.field("groMaxSize", link.gro_max_size);
    archive.field("gsoIpv4MaxSize", link.gso_ipv4_max_size);
    archive.field("groIpv4MaxSize", link.gro_ipv4_max_size);
    archive.field("txqlen", link.txqlen);
    archive.field("bus", link.bus);
    archive.field("device", link.device);
    archive.field("physPortName", link.phys_port_name);
}

template <class Archive>
void address_fields(Archive& archive, AddressInfo& address) {
    archive.field("ifindex", address.ifindex);
    archive.field("address", address.address);
    archive.field("prefixLength", address.prefix_length);
    archive.field("peer", address.peer);
    archive.field("broadcast", address.broadcast);
    archive.field("label", address.label);
    archive.field("scope", address.scope);
    archive.field("flags", address.flags);
    archive.field("metric", address.metric);
    archive.field("validSeconds", address.valid_s);
    archive.field("preferredSeconds", address.preferred_s);
}

template <class Archive>
void nexthop_fields(Archive& archive, NexthopInfo& hop) {
    archive.field("ifindex", hop.ifindex);
    archive.field("gateway", hop.gateway);
    archive.field("weight", hop.weight);
    archive.field("flags", hop.flags);
}

template <class Archive>
void route_fields(Archive& archive, RouteInfo& route) {
    archive.field("destination", route.destination);
    archive.field("source", route.source);
    archive.list("nexthops", route.nexthops, nexthop_fields<Archive>);
    archive.field("table", route.table);
    archive.field("metric", route.metric);
    archive.field("tos", route.tos);
    archive.field("scope", route.scope);
    archive.field("protocol", route.protocol);
    archive.field("type", route.type);
    archive.field("preference", route.preference);
    archive.field("metrics", route.metrics);
}

template <class Archive>
void neighbor_fields(Archive& archive, NeighborInfo& neighbor) {
    archive.field("ifindex", neighbor.ifindex);
    archive.field("address", neighbor.address);
    archive.field("mac", neighbor.mac);
    archive.field("state", neighbor.state);
    archive.field("flags", neighbor.flags);
}

template <class Archive>
void netdev_fields(Archive& archive, LinkState& state) {
    link_fields(archive, state.link);
    archive.list("addresses", state.addresses, address_fields<Archive>);
    archive.list("routes", state.routes, route_fields<Archive>);
    archive.list("neighbors", state.neighbors, neighbor_fields<Archive>);
}

template <class Archive>
void rdma_fields(Archive& archive, RdmaState& state) {
    archive.field("index", state.link.index);
    archive.field("name", state.link.name);
    archive.later_field("nodeGuid", state.link.node_guid);
    archive.later_field("bus", state.bus);
    archive.later_field("device", state.device);
}

}  // namespace

Json to_json(const HostState& state) {
    Writer writer;
    writer.list("netdevs", state.netdevs, netdev_fields<Writer>);
    writer.list("rdma", state.rdma, rdma_fields<Writer>);
    return writer.take();
}

Result<HostState> host_state_from_json(const Json& json) {
    HostState state;
    if (json.is_null()) return state;
    Reader reader(json, "");
    reader.list("netdevs", state.netdevs, netdev_fields<Reader>);
    if (!json_at(json, "rdma").is_null())  // missing in older journals
        reader.list("rdma", state.rdma, rdma_fields<Reader>);
    if (reader.error()) return *reader.error();
    return state;
}

}  // namespace knd
