// SPDX-License-Identifier: Apache-2.0
#include "host/plugin/effects_sink.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "host/plugin/made_link.hpp"
#include "host/plugin/names.hpp"

#include <knd/cpp/abi.hpp>

namespace knd::plugin {
namespace {

Error invalid(std::string text) {
    return {Code::kInvalidArgument, std::move(text)};
}

template <class List>
Result<void> check_room(const List& list) {
    if (list.size() < EffectsCollector::kMaxOfEach) return {};
    return invalid("more than " + std::to_string(EffectsCollector::kMaxOfEach) +
                   " effects of one kind");
}

/// The other side's struct as this host knows it. `least`: its size when it was new; fields that
/// came later may be missing.
template <class T>
Result<T> read_struct(const T* theirs, std::size_t least, const char* name) {
    if (theirs != nullptr && theirs->size >= least) return copy_in(theirs);
    return invalid(std::string(name) + " is missing or too short");
}

bool is_rdma_name(std::string_view text) {
    return !text.empty() && text.size() <= 63 && text == printable(text) &&
           text.find('/') == std::string_view::npos;
}

/// True when one of `list` has the same `field`.
template <class List, class Field, class Value>
bool contains(const List& list, Field field, const Value& value) {
    return std::any_of(list.begin(), list.end(),
                       [&](const auto& one) { return std::invoke(field, one) == value; });
}

/// Letters of the device cgroup in their order; empty when there are others.
std::string read_access(std::string_view text) {
    if (text.empty()) return "rw";
    if (text.find_first_not_of("rwm") != std::string_view::npos) return "";
    std::string access;
    for (const char letter : {'r', 'w', 'm'}) {
        if (text.find(letter) != std::string_view::npos) access += letter;
    }
    return access.size() == text.size() ? access : "";
}

Result<std::pair<std::int64_t, std::int64_t>> read_owner(std::uint32_t flags, std::uint32_t uid,
                                                         std::uint32_t gid) {
    const bool has_uid = (flags & KND_OWNER_UID) != 0;
    const bool has_gid = (flags & KND_OWNER_GID) != 0;
    if ((flags & ~static_cast<std::uint32_t>(KND_OWNER_UID | KND_OWNER_GID)) != 0) {
        return invalid("owner has flags that this host does not know");
    }
    // chown() reads the highest number as "leave it".
    constexpr auto kNone = std::numeric_limits<std::uint32_t>::max();
    if ((has_uid && uid == kNone) || (has_gid && gid == kNone)) {
        return invalid("the owner's number is none");
    }
    if ((!has_uid && uid != 0) || (!has_gid && gid != 0)) {
        return invalid("there is an owner's number without its flag in `owner`");
    }
    return std::pair(has_uid ? std::int64_t{uid} : -1, has_gid ? std::int64_t{gid} : -1);
}

Result<std::vector<std::string>> read_options(std::string_view text) {
    constexpr std::string_view kFlags[] = {"nosuid", "nodev", "noexec", "nodiratime"};
    constexpr std::string_view kAtimes[] = {"noatime", "relatime", "strictatime"};
    std::vector<std::string> options;
    bool has_atime = false;
    while (!text.empty()) {
        const auto end = std::min(text.find(','), text.size());
        const auto option = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        const bool is_atime =
            std::find(std::begin(kAtimes), std::end(kAtimes), option) != std::end(kAtimes);
        if (!is_atime &&
            std::find(std::begin(kFlags), std::end(kFlags), option) == std::end(kFlags)) {
            return invalid("option " + quoted(option) +
                           " must be nosuid, nodev, noexec, nodiratime, noatime, relatime or "
                           "strictatime");
        }
        if ((is_atime && std::exchange(has_atime, true)) ||
            std::find(options.begin(), options.end(), option) != options.end()) {
            return invalid("option " + quoted(option) + " after another of its kind");
        }
        options.emplace_back(option);
    }
    return options;
}

bool is_rlimit(std::string_view type) {
    constexpr std::string_view kTypes[] = {
        "RLIMIT_AS",     "RLIMIT_CORE",   "RLIMIT_CPU",        "RLIMIT_DATA",
        "RLIMIT_FSIZE",  "RLIMIT_LOCKS",  "RLIMIT_MEMLOCK",    "RLIMIT_MSGQUEUE",
        "RLIMIT_NICE",   "RLIMIT_NOFILE", "RLIMIT_NPROC",      "RLIMIT_RSS",
        "RLIMIT_RTPRIO", "RLIMIT_RTTIME", "RLIMIT_SIGPENDING", "RLIMIT_STACK"};
    return std::find(std::begin(kTypes), std::end(kTypes), type) != std::end(kTypes);
}

}  // namespace

/// `always`: also when nobody waits any more, for what the undoing has to know.
template <class Add>
knd_status EffectsCollector::answer(const knd_effects* face, Add add, bool always) noexcept {
    auto& self = *static_cast<EffectsCollector*>(face->host_data);
    if (self.cancelled_ && !always) return KND_CANCELLED;
    try {
        Result<void> result = add(self);
        if (result.ok()) return self.cancelled_ ? KND_CANCELLED : KND_OK;
        const auto status = to_status(result.code());
        if (!self.refusal_) self.refusal_ = std::move(result).error();
        return status;
    } catch (const std::exception&) {  // out of memory; nothing else throws above
        return KND_RESOURCE_EXHAUSTED;
    }
}

EffectsCollector::EffectsCollector(std::string domain, const std::atomic<bool>& cancelled)
    : domain_(std::move(domain)), cancelled_(cancelled) {
    fill_face();
}

void EffectsCollector::fill_face() {
    using Sink = const knd_effects*;
    using Self = EffectsCollector;
    face_.size = sizeof face_;
    face_.host_data = this;
    face_.netdev = [](Sink e, const knd_netdev* n) noexcept {
        return answer(e, [&](Self& self) { return self.add_netdev(n); });
    };
    face_.rdma_link = [](Sink e, const char* name) noexcept {
        return answer(e, [&](Self& self) { return self.add_rdma_link(name); });
    };
    face_.device_node = [](Sink e, const knd_node* n) noexcept {
        return answer(e, [&](Self& self) { return self.add_node(n); });
    };
    face_.mount = [](Sink e, const knd_mount* m) noexcept {
        return answer(e, [&](Self& self) { return self.add_mount(m); });
    };
    face_.env = [](Sink e, const char* key, const char* value) noexcept {
        return answer(e, [&](Self& self) { return self.add_env(key, value); });
    };
    face_.state = [](Sink e, const void* data, std::uint64_t size) noexcept {
        return answer(
            e, [&](Self& self) { return self.set_state(data, size); }, true);
    };
    face_.link = [](Sink e, const knd_link* l) noexcept {
        return answer(e, [&](Self& self) { return self.add_link(l); });
    };
    face_.rlimit = [](Sink e, const knd_rlimit* r) noexcept {
        return answer(e, [&](Self& self) { return self.add_rlimit(r); });
    };
    face_.rdma_limit = [](Sink e, const knd_rdma_limit* r) noexcept {
        return answer(e, [&](Self& self) { return self.add_rdma_limit(r); });
    };
    face_.attribute = [](Sink e, const char* name, const char* value) noexcept {
        return answer(e, [&](Self& self) { return self.add_attribute(name, value); });
    };
    face_.network_data = [](Sink e, const knd_network_data* n) noexcept {
        return answer(e, [&](Self& self) { return self.set_network_data(n); });
    };
}

void EffectsCollector::finish() {
    if (refusal_ || !effects_.network_data || effects_.netdevs.empty()) return;
    refusal_ = invalid("network data: of a device with an interface the host tells itself");
}

Result<void> EffectsCollector::add_netdev(const knd_netdev* theirs) {
    KND_TRY_ASSIGN(const auto netdev, read_struct(theirs, sizeof(knd_netdev), "knd_netdev"));
    const auto name = view(netdev.name);
    const auto where = "netdev " + quoted(name);
    if (!is_interface_name(name)) return invalid(where + ": no name of an interface");
    if (netdev.ifindex <= 0) {
        return invalid(where + ": ifindex " + std::to_string(netdev.ifindex) + " is no interface");
    }
    const auto mac = view(netdev.mac);
    if (!mac.empty() && !is_hardware_address(mac)) {
        return invalid(where + ": " + quoted(mac) + " is no hardware address");
    }
    const auto in_pod = view(netdev.name_in_pod);
    if (!in_pod.empty() && !is_interface_name(in_pod)) {
        return invalid(where + ": name in the pod " + quoted(in_pod) +
                       " is no name of an interface");
    }
    KND_TRY(check_room(effects_.netdevs).wrap(where));
    if (contains(effects_.netdevs, &NetdevEffect::ifindex, netdev.ifindex)) {
        return invalid(where + ": given twice");
    }
    effects_.netdevs.push_back(
        {netdev.ifindex, std::string(name), std::string(mac), std::string(in_pod)});
    return {};
}

Result<void> EffectsCollector::add_link(const knd_link* theirs) {
    KND_TRY_ASSIGN(const auto link, read_struct(theirs, sizeof(knd_link), "knd_link"));
    const auto where = "link " + quoted(view(link.name_in_pod));
    KND_TRY_ASSIGN(auto made, read_link(link).wrap(where));
    KND_TRY(check_room(effects_.netdevs).wrap(where));
    if (contains(effects_.netdevs, &NetdevEffect::name_in_pod, made.name_in_pod)) {
        return invalid(where + ": there is another interface of that name");
    }
    effects_.netdevs.push_back(std::move(made));
    return {};
}

Result<void> EffectsCollector::add_rdma_link(const char* name) {
    const auto text = view(name);
    const auto where = "RDMA link " + quoted(text);
    if (!is_rdma_name(text)) return invalid(where + ": no name of an RDMA device");
    KND_TRY(check_room(effects_.rdma_links).wrap(where));
    if (std::find(effects_.rdma_links.begin(), effects_.rdma_links.end(), text) !=
        effects_.rdma_links.end()) {
        return invalid(where + ": given twice");
    }
    effects_.rdma_links.emplace_back(text);
    return {};
}

Result<void> EffectsCollector::add_node(const knd_node* theirs) {
    constexpr auto kLeast = offsetof(knd_node, container_path);
    KND_TRY_ASSIGN(const auto node, read_struct(theirs, kLeast, "knd_node"));
    const auto path = view(node.path);
    const auto where = "device node " + quoted(path);
    if (!is_clean_path(path)) return invalid(where + ": must be an absolute path without `..`");
    if (node.mode > 0777) return invalid(where + ": mode has more than permission bits");
    const auto inside = view(node.container_path).empty() ? path : view(node.container_path);
    if (!is_clean_path(inside)) {
        return invalid(where + ": container path " + quoted(inside) +
                       " must be an absolute path without `..`");
    }
    const auto access = read_access(view(node.access));
    if (access.empty()) {
        return invalid(where + ": access " + quoted(view(node.access)) +
                       " must be of the letters r, w and m");
    }
    KND_TRY_ASSIGN(const auto owner, read_owner(node.owner, node.uid, node.gid).wrap(where));
    KND_TRY(check_room(effects_.nodes).wrap(where));
    const bool taken =
        std::any_of(effects_.nodes.begin(), effects_.nodes.end(), [&](const NodeEffect& other) {
            return (other.container_path.empty() ? other.path : other.container_path) == inside;
        });
    if (taken) return invalid(where + ": there is another node at that place in the container");
    effects_.nodes.push_back({std::string(path), node.mode == 0 ? 0660 : node.mode,
                              std::string(view(node.container_path)), access, owner.first,
                              owner.second});
    return {};
}

Result<void> EffectsCollector::add_mount(const knd_mount* theirs) {
    constexpr auto kLeast = offsetof(knd_mount, options);
    KND_TRY_ASSIGN(const auto mount, read_struct(theirs, kLeast, "knd_mount"));
    const auto source = view(mount.source);
    const auto destination = view(mount.destination);
    const auto where = "mount " + quoted(destination);
    if (!is_clean_path(source) || !is_clean_path(destination)) {
        return invalid(where + ": source and destination must be absolute paths without `..`");
    }
    KND_TRY_ASSIGN(auto options, read_options(view(mount.options)).wrap(where));
    KND_TRY_ASSIGN(const auto owner, read_owner(mount.owner, mount.uid, mount.gid).wrap(where));
    KND_TRY(check_room(effects_.mounts).wrap(where));
    const bool taken = std::any_of(
        effects_.mounts.begin(), effects_.mounts.end(),
        [&](const MountEffect& other) { return other.mount.destination == destination; });
    if (taken) return invalid(where + ": there is another mount at that place");
    effects_.mounts.push_back(
        {{std::string(source), std::string(destination), mount.read_only != 0, std::move(options)},
         owner.first,
         owner.second});
    return {};
}

Result<void> EffectsCollector::add_env(const char* key, const char* value) {
    const auto where = "environment variable " + quoted(view(key));
    if (!is_c_identifier(view(key))) return invalid(where + ": no name of a variable");
    if (view(value).size() > kMaxEnvValue || !is_utf8(view(value))) {
        return invalid(where + ": value must be at most 32 KiB of UTF-8");
    }
    KND_TRY(check_room(effects_.env).wrap(where));
    if (!effects_.env.emplace(view(key), view(value)).second) {
        return invalid(where + ": given twice");
    }
    return {};
}

Result<void> EffectsCollector::add_rlimit(const knd_rlimit* theirs) {
    KND_TRY_ASSIGN(const auto limit, read_struct(theirs, sizeof(knd_rlimit), "knd_rlimit"));
    const auto type = view(limit.type);
    const auto where = "limit " + quoted(type);
    if (!is_rlimit(type)) return invalid(where + ": no limit of setrlimit(2)");
    if (limit.soft > limit.hard) return invalid(where + ": soft is more than hard");
    if (contains(effects_.rlimits, &Rlimit::type, type)) return invalid(where + ": given twice");
    effects_.rlimits.push_back({std::string(type), limit.soft, limit.hard});
    return {};
}

Result<void> EffectsCollector::add_rdma_limit(const knd_rdma_limit* theirs) {
    KND_TRY_ASSIGN(const auto limit, read_struct(theirs, sizeof(knd_rdma_limit), "knd_rdma_limit"));
    const auto device = view(limit.device);
    const auto where = "limits of RDMA device " + quoted(device);
    if (!is_rdma_name(device) || device.find(' ') != std::string_view::npos) {
        return invalid(where + ": no name of an RDMA device");
    }
    constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max();
    for (const auto count : {limit.hca_handles, limit.hca_objects}) {
        if (count < -1 || count > kMost) {
            return invalid(where + ": " + std::to_string(count) + " must be 0 to 2147483647, or " +
                           "-1 for none");
        }
    }
    if (limit.hca_handles < 0 && limit.hca_objects < 0) return invalid(where + ": there is none");
    KND_TRY(check_room(effects_.rdma_limits).wrap(where));
    if (contains(effects_.rdma_limits, &RdmaLimit::device, device)) {
        return invalid(where + ": given twice");
    }
    effects_.rdma_limits.push_back({std::string(device), limit.hca_handles, limit.hca_objects});
    return {};
}

Result<void> EffectsCollector::add_attribute(const char* name, const char* value) {
    const auto where = "attribute " + quoted(view(name));
    const auto key = qualified_name(view(name), domain_);
    if (!key.ok()) return Error(key.error()).wrap(where);
    if (view(value).size() > kMaxMetadataText || !is_utf8(view(value))) {
        return invalid(where + ": value must be at most 256 bytes of UTF-8");
    }
    if (effects_.attributes.size() >= kMaxMetadata) {
        return invalid(where + ": there are more than 32");
    }
    if (!effects_.attributes.emplace(*key, view(value)).second) {
        return invalid(where + ": given twice");
    }
    return {};
}

Result<void> EffectsCollector::set_network_data(const knd_network_data* theirs) {
    constexpr std::size_t kMaxInterfaceName = 256;
    KND_TRY_ASSIGN(const auto data,
                   read_struct(theirs, sizeof(knd_network_data), "knd_network_data"));
    const std::string where = "network data";
    if (effects_.network_data) return invalid(where + ": given twice");
    NetworkData result;
    result.interface_name = view(data.interface_name);
    result.hardware_address = view(data.hardware_address);
    if (result.interface_name.size() > kMaxInterfaceName ||
        result.interface_name != printable(result.interface_name)) {
        return invalid(where + ": interface_name must be at most 256 bytes of printable UTF-8");
    }
    if (!result.hardware_address.empty() && !is_hardware_address(result.hardware_address)) {
        return invalid(where + ": " + quoted(view(data.hardware_address)) +
                       " is no hardware address");
    }
    if (data.address_count > kMaxAddresses || (data.address_count > 0 && !data.addresses)) {
        return invalid(where + ": there must be at most 16 addresses");
    }
    for (std::uint32_t i = 0; i < data.address_count; ++i) {
        const auto text = view(data.addresses[i]);
        auto address = canonical_cidr(text);
        if (address.empty()) {
            return invalid(where + ": " + quoted(text) + " is no address with a prefix length");
        }
        if (std::find(result.addresses.begin(), result.addresses.end(), address) !=
            result.addresses.end()) {
            return invalid(where + ": " + quoted(text) + " is there twice");
        }
        result.addresses.push_back(std::move(address));
    }
    effects_.network_data = std::move(result);
    return {};
}

Result<void> EffectsCollector::set_state(const void* data, std::uint64_t size) {
    if (size > kMaxState) {
        return invalid("state: " + std::to_string(size) + " bytes, at most 4096 are kept");
    }
    if (data == nullptr && size != 0) return invalid("state: no data");
    effects_.state = size == 0 ? "" : std::string(static_cast<const char*>(data), size);
    return {};
}

}  // namespace knd::plugin
