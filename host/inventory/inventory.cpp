// SPDX-License-Identifier: Apache-2.0
#include "host/inventory/inventory.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include "host/model/text.hpp"

namespace knd {
namespace {

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
        const bool same = left->pool == right->pool &&
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

void Inventory::set_devices(const std::string& backend, std::vector<Device> devices) {
    auto* from = source(backend);
    if (from == nullptr) return;
    from->available = true;
    from->listed = true;
    from->reason.clear();
    from->devices.clear();
    for (auto& device : devices) {
        auto name = device.name;
        from->devices.emplace(std::move(name), std::make_shared<const Device>(std::move(device)));
    }
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

std::string Inventory::withheld_reason(const Entry& entry, const Source& source,
                                       const std::set<std::string>& names,
                                       const Owners& owners) const {
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
    if (!device.withheld.empty()) return device.withheld;
    if (!options_.filter) return "";
    const auto passes = options_.filter(device);
    if (!passes) return "inventory.filter failed: " + passes.error().message();
    return *passes ? "" : "inventory.filter is false";
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

void Inventory::rebuild() {
    const auto before = std::exchange(entries_, {});
    std::set<std::string> names;
    Owners owners;
    // Hardware that a claim holds stays with the backend that prepared it, whatever the order.
    for (const auto& [key, device] : held_) {
        if (!device->hardware_key.empty()) owners.emplace(device->hardware_key, device);
        names.insert(pool_of(device->backend) + "/" + device->name);
    }
    for (const auto& source : sources_)
        add_source(source, names, owners);
    std::sort(entries_.begin(), entries_.end(), [](const Entry& a, const Entry& b) {
        return std::tie(a.device->name, a.device->backend) <
               std::tie(b.device->name, b.device->backend);
    });
    auto pools = pool_names();
    if (pools == published_pools_ && same_offer(before, entries_)) return;
    published_pools_ = std::move(pools);
    if (on_changed) on_changed();
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

std::map<std::string, std::vector<Device>> Inventory::pools() const {
    std::map<std::string, std::vector<Device>> pools;
    for (const auto& name : pool_names())
        pools[name];
    for (const auto& entry : entries_) {
        if (entry.offered) pools[entry.pool].push_back(*entry.device);
    }
    return pools;
}

}  // namespace knd
