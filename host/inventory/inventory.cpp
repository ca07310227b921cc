// SPDX-License-Identifier: Apache-2.0
#include "host/inventory/inventory.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include "host/inventory/sharing.hpp"
#include "host/model/text.hpp"

namespace knd {
namespace {

constexpr std::size_t kMaxLabel = 63;
/// Far more than are on their way at any time.
constexpr std::size_t kMaxTransitNames = 10'000;

/// As the way home makes them: "knd" and 12 hexadecimal digits.
bool is_transit_name(const std::string& name) {
    return name.size() == 15 && name.starts_with("knd") &&
           name.find_first_not_of("0123456789abcdef", 3) == std::string::npos;
}

std::string join(std::string a, const std::string& separator, const std::string& b) {
    if (!b.empty()) a += separator + b;
    return a;
}

std::string held_key(const Device& device) {
    return device.backend + "/" + device.name;
}

/// Adds `devices`; one that has not changed stays the object that it is.
void put(std::map<std::string, Inventory::DevicePtr>& held, std::vector<Device> devices,
         const std::map<std::string, Inventory::DevicePtr>& before) {
    for (auto& device : devices) {
        auto key = held_key(device);
        const auto known = before.find(key);
        const bool same = known != before.end() && *known->second == device;
        held.insert_or_assign(
            std::move(key),
            same ? known->second : std::make_shared<const Device>(std::move(device)));
    }
}

/// Whether both offer the same. Entries are sorted.
bool same_offer(const std::vector<Inventory::Entry>& a, const std::vector<Inventory::Entry>& b) {
    const auto next = [](auto at, const auto& entries) {
        return std::find_if(at, entries.end(), [](const auto& entry) { return entry.offered; });
    };
    auto left = next(a.begin(), a);
    auto right = next(b.begin(), b);
    while (left != a.end() && right != b.end()) {
        const bool same = left->pool == right->pool && left->taints == right->taints &&
                          left->consumes == right->consumes &&
                          (left->device == right->device || *left->device == *right->device);
        if (!same) return false;
        left = next(left + 1, a);
        right = next(right + 1, b);
    }
    return left == a.end() && right == b.end();
}

}  // namespace

Inventory::Inventory(Options options) : options_(std::move(options)) {
    for (const auto& name : options_.backends) {
        Source source;
        source.name = name;
        sources_.push_back(std::move(source));
    }
}

Inventory::Source* Inventory::source(const std::string& backend) {
    const auto found = std::find_if(sources_.begin(), sources_.end(),
                                    [&](const Source& s) { return s.name == backend; });
    return found == sources_.end() ? nullptr : &*found;
}

const Inventory::Source* Inventory::source(const std::string& backend) const {
    return const_cast<Inventory*>(this)->source(backend);
}

void Inventory::set_devices(const std::string& backend, DeviceListing listing) {
    auto* from = source(backend);
    if (from == nullptr) return;
    from->available = true;
    from->listed = true;
    from->reason.clear();
    from->counters = std::move(listing.counters);
    const auto before = std::exchange(from->devices, {});
    for (auto& device : listing.devices) {
        auto name = device.name;
        const auto known = before.find(name);
        const bool same = known != before.end() && *known->second == device;
        from->devices.emplace(
            std::move(name),
            same ? known->second : std::make_shared<const Device>(std::move(device)));
    }
    rebuild();
}

void Inventory::set_health(const std::string& backend,
                           std::map<std::string, HealthReport> reports) {
    auto* from = source(backend);
    if (from == nullptr || (from->tells_health && from->health == reports)) return;
    from->tells_health = true;
    from->health = std::move(reports);
    rebuild();
    if (on_health_changed) on_health_changed();
}

void Inventory::set_features(const SliceFeatures& features) {
    if (features_ == features) return;
    features_ = features;
    rebuild();
}

void Inventory::set_unavailable(const std::string& backend, const std::string& reason) {
    auto* from = source(backend);
    if (from == nullptr) return;
    from->available = false;
    from->reason = reason;
    rebuild();
}

void Inventory::set_protected(std::map<std::string, std::string> netdevs) {
    if (protected_ == netdevs) return;
    protected_ = std::move(netdevs);
    rebuild();
}

void Inventory::set_bound(std::map<std::string, std::string> netdevs,
                          std::map<std::string, std::string> hardware) {
    if (bound_netdevs_ == netdevs && bound_hardware_ == hardware) return;
    bound_netdevs_ = std::move(netdevs);
    bound_hardware_ = std::move(hardware);
    if (transit_names_.size() > kMaxTransitNames) transit_names_.clear();
    for (const auto& [name, who] : bound_netdevs_)
        if (is_transit_name(name)) transit_names_.insert(name);
    rebuild();
}

void Inventory::set_held(const std::string& backend, std::vector<Device> devices) {
    auto held = held_;
    std::erase_if(held, [&](const auto& item) { return item.second->backend == backend; });
    std::erase_if(devices, [&](const Device& device) { return device.backend != backend; });
    put(held, std::move(devices), held_);
    replace_held(std::move(held));
}

void Inventory::add_held(std::vector<Device> devices) {
    auto held = held_;
    put(held, std::move(devices), held_);
    replace_held(std::move(held));
}

void Inventory::replace_held(Held held) {
    // put() keeps the objects that have not changed.
    if (held == held_) return;
    held_ = std::move(held);
    rebuild();
}

std::set<std::string> Inventory::backends_releasing(const std::vector<Device>& devices) const {
    std::set<std::string> still;
    for (const auto& device : devices)
        still.insert(held_key(device));
    std::set<std::string> backends;
    for (const auto& [key, device] : held_) {
        if (!still.contains(key)) backends.insert(device->backend);
    }
    return backends;
}

std::string Inventory::uplink_reason(const std::string& netdev) const {
    const auto guard = protected_.find(netdev);
    return guard == protected_.end() ? "" : guard->second;
}

std::string Inventory::pool_of(const std::string& backend) const {
    auto pool = options_.pool;
    replace_all(pool, "{backend}", backend);
    return pool;
}

std::string Inventory::bound_reason(const Device& device) const {
    if (const auto user = bound_netdevs_.find(device.netdev); user != bound_netdevs_.end())
        return join("interface " + device.netdev + " is in use", ": ", user->second);
    if (transit_names_.contains(device.netdev))
        return "interface " + device.netdev + " was on its way home to its own name";
    if (const auto user = bound_hardware_.find(device.hardware_key); user != bound_hardware_.end())
        return join("hardware " + device.hardware_key + " is in use", ": ", user->second);
    return "";
}

/// A taint that the API server would drop keeps nobody away.
std::string Inventory::taint_reason(const Entry& entry) const {
    if (features_.taints) return "";
    for (const auto& taint : entry.taints) {
        if (taint.effect == "None") continue;
        const auto& health = entry.health;
        const bool ill = health && health->health != Health::kHealthy &&
                         taint.key == options_.driver + "/health";
        const auto what =
            ill ? join("it is " + std::string(health_name(health->health)), ": ", health->message)
                : "it has the taint " + taint.key + "=" + taint.value + ":" + taint.effect;
        return what + "; the API server keeps no taints that would keep claims away";
    }
    return "";
}

std::string Inventory::filter_reason(const DevicePtr& device) {
    if (!options_.filter) return "";
    if (const auto known = filtered_before_.find(device); known != filtered_before_.end())
        return filtered_[device] = known->second;
    const auto passes = options_.filter(*device);
    auto reason = !passes   ? "inventory.filter failed: " + passes.error().message()
                  : *passes ? ""
                            : std::string("inventory.filter is false");
    return filtered_[device] = std::move(reason);
}

std::string Inventory::withheld_reason(const Entry& entry, const Source& source,
                                       const std::set<std::string>& names, const Owners& owners) {
    // What a claim holds was offered once; withdrawing it now would only hide it from the
    // scheduler, which has allocated it already.
    if (entry.held) return "";
    if (!source.available) return "backend " + source.name + " does not serve: " + source.reason;
    const auto& device = *entry.device;
    if (const auto owner = owners.find(device.hardware_key); owner != owners.end()) {
        const auto& other = *owner->second;
        const auto what = other.backend == device.backend
                              ? "device " + other.name + " of the same backend is"
                              : "backend " + other.backend + " offers";
        return what + " the same hardware (" + device.hardware_key + ")";
    }
    if (names.contains(entry.pool + "/" + device.name)) {
        return "another device of pool " + entry.pool + " has the same name";
    }
    if (auto reason = uplink_reason(device.netdev); !reason.empty()) return reason;
    if (auto reason = bound_reason(device); !reason.empty()) return reason;
    if (!device.withheld.empty()) return device.withheld;
    for (const auto& [set, counters] : device.consumes) {
        const auto known = source.set_names.find(set);
        if (known != source.set_names.end() && known->second.empty())
            return "another backend of pool " + entry.pool + " has a counter set " + set +
                   ", and with its backend's name in front the name is too long";
    }
    if (auto reason = taint_reason(entry); !reason.empty()) return reason;
    return filter_reason(entry.device);
}

/// What is published besides the device itself: it changes while a claim holds the device.
void Inventory::describe(Entry& entry, const Source& source) const {
    const auto listed = source.devices.find(entry.device->name);
    const bool current = entry.present && listed != source.devices.end();
    entry.taints = (current ? *listed->second : *entry.device).taints;
    if (source.tells_health) {
        const auto report = source.health.find(entry.device->name);
        entry.health = report == source.health.end() ? HealthReport() : report->second;
        const auto health = entry.health->health;
        const auto& effect = health == Health::kHealthy     ? "none"
                             : health == Health::kUnhealthy ? options_.health.unhealthy
                                                            : options_.health.unknown;
        if (effect != "none")
            entry.taints.push_back(
                {options_.driver + "/health", std::string(health_name(health)), effect});
    }
    for (const auto& [set, counters] : entry.device->consumes) {
        const auto known = source.set_names.find(set);
        const bool named = known != source.set_names.end() && !known->second.empty();
        entry.consumes[named ? known->second : set] = counters;
    }
}

void Inventory::add_source(const Source& source, std::set<std::string>& names, Owners& owners) {
    std::map<std::string, Entry> found;
    for (const auto& [name, device] : source.devices) {
        found[name] = {device, pool_of(source.name), false, source.available, false, {}};
    }
    for (const auto& [key, device] : held_) {
        if (device->backend != source.name) continue;
        // The attributes of when it was prepared: what the scheduler decided by, and what is left
        // to know while the device is away.
        auto& entry = found[device->name];
        entry.present = entry.present && entry.device->hardware_key == device->hardware_key;
        entry.device = device;
        entry.pool = pool_of(source.name);
        entry.held = true;
    }
    for (auto& [name, entry] : found) {
        if (!entry.device->parent_key.empty())
            parents_[entry.device->hardware_key] = entry.device->parent_key;
        describe(entry, source);
        entry.reason = withheld_reason(entry, source, names, owners);
        entry.offered = entry.reason.empty();
        if (entry.offered) {
            names.insert(entry.pool + "/" + name);
            if (!entry.device->hardware_key.empty()) {
                owners.emplace(entry.device->hardware_key, entry.device);
            }
        }
        entries_.push_back(std::move(entry));
    }
}

/// A set that is renamed is one that nobody but the scheduler reads; a device that is withheld for
/// its name would be lost. The first keeps its name, so that one backend alone is seen as it is.
void Inventory::name_counter_sets() {
    counters_.clear();
    for (auto& source : sources_) {
        source.set_names.clear();
        auto& pool = counters_[pool_of(source.name)];
        for (const auto& [set, counters] : source.counters) {
            auto name = set;
            if (pool.contains(name)) name = source.name + "-" + set;
            if (pool.contains(name) || name.size() > kMaxLabel) name.clear();
            source.set_names[set] = name;
            if (!name.empty()) pool[name] = counters;
        }
    }
}

void Inventory::share() {
    std::vector<Sharer> sharers;
    std::vector<Entry*> offered;
    for (auto& entry : entries_) {
        if (!entry.offered) continue;
        // Its set went with its backend; a name that nothing stands for would spoil the pool.
        if (entry.held && !missing_counter(entry.consumes, counters_[entry.pool]).empty())
            entry.consumes.clear();
        offered.push_back(&entry);
        sharers.push_back({entry.device.get(), entry.pool, entry.held, entry.consumes});
    }
    auto reasons =
        sharing_reasons(sharers, counters_, {features_.counters, options_.wholes_without_counters});
    for (std::size_t i = 0; i < offered.size(); ++i) {
        offered[i]->offered = reasons[i].empty();
        offered[i]->reason = std::move(reasons[i]);
    }
}

void Inventory::rebuild() {
    const auto before = std::exchange(entries_, {});
    const auto counters_before = counters_;
    filtered_before_ = std::exchange(filtered_, {});
    parents_.clear();
    name_counter_sets();
    std::set<std::string> names;
    Owners owners;
    // Hardware that a claim holds stays with the backend that prepared it, whatever the order.
    for (const auto& [key, device] : held_) {
        if (!device->hardware_key.empty()) owners.emplace(device->hardware_key, device);
        names.insert(pool_of(device->backend) + "/" + device->name);
    }
    for (const auto& source : sources_)
        add_source(source, names, owners);
    filtered_before_.clear();
    std::sort(entries_.begin(), entries_.end(), [](const Entry& a, const Entry& b) {
        return std::tie(a.device->name, a.device->backend) <
               std::tie(b.device->name, b.device->backend);
    });
    share();
    auto pools = pool_names();
    if (pools == published_pools_ && counters_ == counters_before && same_offer(before, entries_))
        return;
    published_pools_ = std::move(pools);
    if (on_changed) on_changed();
}

std::vector<std::string> Inventory::wholes_of(const Device& device) const {
    std::vector<std::string> wholes;
    for (auto key = device.parent_key; !key.empty();) {
        // Backends may name each other's devices in a circle.
        if (std::find(wholes.begin(), wholes.end(), key) != wholes.end()) break;
        wholes.push_back(key);
        const auto parent = parents_.find(key);
        key = parent == parents_.end() ? "" : parent->second;
    }
    return wholes;
}

std::optional<Device> Inventory::find(const std::string& pool, const std::string& name) const {
    for (const auto& entry : entries_) {
        if (entry.offered && entry.pool == pool && entry.device->name == name) return *entry.device;
    }
    return std::nullopt;
}

std::set<std::string> Inventory::pool_names() const {
    std::set<std::string> names;
    for (const auto& source : sources_) {
        // A backend that never listed has no pool yet: an empty one would look like "no devices".
        if (source.available || source.listed) names.insert(pool_of(source.name));
    }
    return names;
}

std::map<std::string, DeviceListing> Inventory::pools() const {
    std::map<std::string, DeviceListing> pools;
    for (const auto& name : pool_names()) {
        const auto counters = counters_.find(name);
        if (counters != counters_.end()) pools[name].counters = counters->second;
        pools[name];
    }
    for (const auto& entry : entries_) {
        if (!entry.offered) continue;
        auto device = *entry.device;
        device.taints = entry.taints;
        device.consumes = entry.consumes;
        pools[entry.pool].devices.push_back(std::move(device));
    }
    return pools;
}

}  // namespace knd
