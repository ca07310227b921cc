// SPDX-License-Identifier: Apache-2.0
#include "host/plugin/device_sink.hpp"

#include <utility>

#include "host/model/quantity.hpp"
#include "host/model/semver.hpp"
#include "host/plugin/capacity_policy.hpp"
#include "host/plugin/names.hpp"

#include <knd/cpp/abi.hpp>

namespace knd::plugin {
namespace {

Error invalid(std::string text) {
    return {Code::kInvalidArgument, std::move(text)};
}

/// Whether enough of the other side's struct is there for the fields that it began with.
template <class T>
bool has_fields(const T* theirs, std::size_t size) {
    return theirs != nullptr && theirs->size >= size;
}

Result<Quantity> read_quantity(const char* text) {
    auto parsed = Quantity::parse(view(text));
    if (!parsed.ok()) return invalid(quoted(view(text)) + " is no quantity");
    return parsed;
}

std::string name_of_counter(std::string_view set, std::string_view counter) {
    return "counter " + quoted(std::string(set) + "/" + std::string(counter));
}

/// Of a counter and of what a device takes of it.
Result<void> check_counter(std::string_view set, std::string_view counter, const char* quantity) {
    const auto where = name_of_counter(set, counter);
    if (!is_dns_label(set) || !is_dns_label(counter)) {
        return invalid(where + ": set and counter must be DNS labels");
    }
    KND_TRY_ASSIGN(const auto amount, read_quantity(quantity).wrap(where));
    if (amount.sign() < 0) return invalid(where + ": " + quoted(quantity) + " is negative");
    return {};
}

Result<void> check_text(std::string_view text) {
    if (text.size() > kMaxAttributeText) {
        return invalid("value is " + std::to_string(text.size()) + " bytes long, at most " +
                       std::to_string(kMaxAttributeText) + " are allowed");
    }
    if (!is_utf8(text)) return invalid("value is not UTF-8");
    return {};
}

}  // namespace

template <class Add>
knd_status DeviceCollector::answer(const knd_device_sink* face, Add add) noexcept {
    auto& self = *static_cast<DeviceCollector*>(face->host_data);
    if (self.cancelled_) return KND_CANCELLED;
    try {
        const Result<void> result = add(self);
        if (result.ok()) return KND_OK;
        if (result.code() == Code::kInvalidArgument) self.refuse(result.error());
        return to_status(result.code());
    } catch (const std::exception&) {  // out of memory; nothing else throws above
        return KND_RESOURCE_EXHAUSTED;
    }
}

DeviceCollector::DeviceCollector(std::string backend, std::string domain,
                                 const std::atomic<bool>& cancelled)
    : backend_(std::move(backend)), domain_(std::move(domain)), cancelled_(cancelled) {
    using Sink = const knd_device_sink*;
    face_.size = sizeof face_;
    face_.device = [](Sink s, const knd_device* d) noexcept {
        return answer(s, [&](DeviceCollector& self) { return self.begin(d); });
    };
    face_.attr_string = [](Sink s, const char* name, const char* value) noexcept {
        return answer(s, [&](DeviceCollector& self) { return self.add_text(name, value); });
    };
    face_.attr_int = [](Sink s, const char* name, std::int64_t value) noexcept {
        return answer(s, [&](DeviceCollector& self) { return self.add_attribute(name, value); });
    };
    face_.attr_bool = [](Sink s, const char* name, bool value) noexcept {
        return answer(s, [&](DeviceCollector& self) { return self.add_attribute(name, value); });
    };
    face_.attr_version = [](Sink s, const char* name, const char* semver) noexcept {
        return answer(s, [&](DeviceCollector& self) { return self.add_version(name, semver); });
    };
    face_.capacity = [](Sink s, const char* name, const char* quantity) noexcept {
        return answer(s, [&](DeviceCollector& self) { return self.add_capacity(name, quantity); });
    };
    face_.host_data = this;
    face_.attr_strings = [](Sink s, const char* name, const char* const* values,
                            std::uint64_t count) noexcept {
        return answer(s,
                      [&](DeviceCollector& self) { return self.add_texts(name, values, count); });
    };
    face_.attr_ints = [](Sink s, const char* name, const std::int64_t* values,
                         std::uint64_t count) noexcept {
        return answer(s,
                      [&](DeviceCollector& self) { return self.add_numbers(name, values, count); });
    };
    face_.policy = [](Sink s, const char* capacity, const knd_capacity_policy* policy) noexcept {
        return answer(s, [&](DeviceCollector& self) { return self.set_policy(capacity, policy); });
    };
    face_.counter = &DeviceCollector::counter;
    face_.consumes = [](Sink s, const char* set, const char* counter,
                        const char* quantity) noexcept {
        return answer(s, [&](DeviceCollector& self) {
            return self.consume(view(set), view(counter), quantity);
        });
    };
    face_.taint = [](Sink s, const char* key, const char* value, const char* effect) noexcept {
        return answer(s, [&](DeviceCollector& self) { return self.add_taint(key, value, effect); });
    };
}

DeviceListing DeviceCollector::take() {
    finish_current();
    DeviceListing listing;
    for (auto& device : std::exchange(devices_, {})) {
        if (auto missing = missing_counter(device); !missing.empty()) {
            refusals_.push_back({device.name, std::move(missing)});
            continue;
        }
        listing.devices.push_back(std::move(device));
    }
    listing.counters = std::exchange(counters_, {});
    return listing;
}

std::string DeviceCollector::missing_counter(const Device& device) const {
    for (const auto& [set, taken] : device.consumes) {
        const auto known = counters_.find(set);
        for (const auto& [counter, quantity] : taken) {
            if (known != counters_.end() && known->second.contains(counter)) continue;
            return "it takes " + quantity + " of " + name_of_counter(set, counter) +
                   ", which was not reported, or refused";
        }
    }
    return "";
}

void DeviceCollector::finish_current() {
    if (!open_) return;
    open_ = false;
    devices_.push_back(std::move(current_));
}

void DeviceCollector::refuse(const Error& error) {
    open_ = false;
    // Calls that go on describing a refused device come without a message: one reason is enough.
    if (!error.message().empty()) refusals_.push_back({current_.name, error.message()});
}

Result<void> DeviceCollector::begin(const knd_device* theirs) {
    finish_current();
    current_ = {};
    values_ = 0;
    if (devices_.size() >= kMaxDevices) {
        return Error(Code::kResourceExhausted, "too many devices");
    }
    if (!has_fields(theirs, offsetof(knd_device, withheld))) {
        return invalid("knd_device is missing or too short");
    }
    const auto device = copy_in(theirs);
    const auto name = view(device.name);
    current_.name = is_utf8(name) ? std::string(cut_utf8(name, 80)) : "(not UTF-8)";
    if (!is_dns_label(name)) {
        return invalid("name must be a DNS label: at most 63 lower-case letters, digits and '-'");
    }
    const auto key = view(device.hardware_key);
    if (key.empty() || key.size() > 255 || !is_utf8(key)) {
        return invalid("hardware_key " + quoted(key) + " must be 1 to 255 bytes of UTF-8");
    }
    const auto parent = view(device.parent_key);
    if (parent.size() > 255 || !is_utf8(parent) || parent == key) {
        return invalid("parent_key " + quoted(parent) +
                       " must be another key of at most 255 bytes of UTF-8");
    }
    const auto netdev = view(device.netdev);
    if (!netdev.empty() && !is_interface_name(netdev)) {
        return invalid("netdev " + quoted(netdev) + " is no name of an interface");
    }
    if ((device.flags & ~KND_DEVICE_SHAREABLE) != 0) {
        return invalid("it has flags that this host does not know");
    }
    if (!names_.insert(current_.name).second) {
        return invalid("reported twice; the first one stands");
    }
    current_.backend = backend_;
    current_.hardware_key = key;
    current_.parent_key = parent;
    current_.netdev = netdev;
    current_.shareable = (device.flags & KND_DEVICE_SHAREABLE) != 0;
    current_.withheld = printable(cut_utf8(view(device.withheld), kMaxReason));
    open_ = true;
    return {};
}

Result<void> DeviceCollector::check_room(std::size_t values) const {
    if (current_.attributes.size() + current_.capacity.size() >= kMaxAttributes) {
        return invalid("there are more than " + std::to_string(kMaxAttributes) +
                       " attributes and capacities");
    }
    if (values > kMaxAttributeValues - values_) {
        return invalid("there are more than " + std::to_string(kMaxAttributeValues) +
                       " values in all attributes");
    }
    return {};
}

Result<void> DeviceCollector::add_attribute(const char* name, AttributeValue value) {
    if (!open_) return invalid("");
    const auto where = "attribute " + quoted(view(name));
    auto key = qualified_name(view(name), domain_);
    if (!key.ok()) return std::move(key).error().wrap(where);
    std::size_t values = 1;
    if (const auto* texts = std::get_if<std::vector<std::string>>(&value)) values = texts->size();
    if (const auto* numbers = std::get_if<std::vector<std::int64_t>>(&value))
        values = numbers->size();
    KND_TRY(check_room(values).wrap(where));
    if (!current_.attributes.emplace(*key, std::move(value)).second) {
        return invalid(where + ": set twice");
    }
    values_ += values;
    return {};
}

Result<void> DeviceCollector::add_text(const char* name, const char* value) {
    if (open_) KND_TRY(check_text(view(value)).wrap("attribute " + quoted(view(name))));
    return add_attribute(name, std::string(view(value)));
}

Result<void> DeviceCollector::add_texts(const char* name, const char* const* values,
                                        std::uint64_t count) {
    if (!open_) return invalid("");
    const auto where = "attribute " + quoted(view(name));
    if (count == 0 || values == nullptr) return invalid(where + ": the list is empty");
    KND_TRY(check_room(count).wrap(where));
    std::vector<std::string> texts;
    for (std::uint64_t i = 0; i < count; ++i) {
        KND_TRY(check_text(view(values[i])).wrap(where));
        texts.emplace_back(view(values[i]));
    }
    return add_attribute(name, std::move(texts));
}

Result<void> DeviceCollector::add_numbers(const char* name, const std::int64_t* values,
                                          std::uint64_t count) {
    if (!open_) return invalid("");
    const auto where = "attribute " + quoted(view(name));
    if (count == 0 || values == nullptr) return invalid(where + ": the list is empty");
    KND_TRY(check_room(count).wrap(where));
    return add_attribute(name, std::vector<std::int64_t>(values, values + count));
}

Result<void> DeviceCollector::add_version(const char* name, const char* semver) {
    if (open_) {
        const auto where = "attribute " + quoted(view(name));
        KND_TRY(check_text(view(semver)).wrap(where));
        if (!Semver::parse(view(semver)).ok()) {
            return invalid(where + ": " + quoted(view(semver)) + " is no semantic version");
        }
    }
    return add_attribute(name, Version{std::string(view(semver))});
}

Result<void> DeviceCollector::add_capacity(const char* name, const char* quantity) {
    if (!open_) return invalid("");
    const auto where = "capacity " + quoted(view(name));
    auto key = qualified_name(view(name), domain_);
    if (!key.ok()) return std::move(key).error().wrap(where);
    KND_TRY(check_room().wrap(where));
    KND_TRY(read_quantity(quantity).wrap(where));
    if (!current_.capacity.emplace(*key, view(quantity)).second) {
        return invalid(where + ": set twice");
    }
    return {};
}

Result<void> DeviceCollector::set_policy(const char* capacity, const knd_capacity_policy* theirs) {
    if (!open_) return invalid("");
    const auto where = "policy of capacity " + quoted(view(capacity));
    if (!has_fields(theirs, sizeof(knd_capacity_policy))) {
        return invalid(where + ": knd_capacity_policy is missing or too short");
    }
    if (!current_.shareable) return invalid(where + ": the device is not shareable");
    const auto key = qualified_name(view(capacity), domain_);
    const auto total = key.ok() ? current_.capacity.find(*key) : current_.capacity.end();
    if (total == current_.capacity.end()) {
        return invalid(where + ": the capacity has not been reported");
    }
    KND_TRY_ASSIGN(auto policy, read_policy(copy_in(theirs), total->second).wrap(where));
    if (!current_.policies.emplace(*key, std::move(policy)).second) {
        return invalid(where + ": set twice");
    }
    return {};
}

Result<void> DeviceCollector::consume(std::string_view set, std::string_view counter,
                                      const char* quantity) {
    if (!open_) return invalid("");
    KND_TRY(check_counter(set, counter, quantity));
    const auto where = name_of_counter(set, counter);
    auto& consumes = current_.consumes;
    if (!consumes.contains(std::string(set)) && consumes.size() >= kMaxConsumedSets) {
        return invalid(where + ": it takes of more than " + std::to_string(kMaxConsumedSets) +
                       " sets");
    }
    auto& taken = consumes[std::string(set)];
    if (taken.size() >= kMaxCounters) {
        return invalid(where + ": it takes of more than " + std::to_string(kMaxCounters) +
                       " counters");
    }
    if (!taken.emplace(counter, quantity).second) return invalid(where + ": taken of twice");
    return {};
}

Result<void> DeviceCollector::add_taint(const char* key, const char* value, const char* effect) {
    if (!open_) return invalid("");
    const auto where = "taint " + quoted(view(key));
    const auto kind = view(effect);
    if (!is_label_key(view(key))) return invalid(where + ": the key is no label key");
    if (!is_label_value(view(value))) {
        return invalid(where + ": " + quoted(view(value)) + " is no label value");
    }
    if (kind != "None" && kind != "NoSchedule" && kind != "NoExecute") {
        return invalid(where + ": effect " + quoted(kind) +
                       " must be None, NoSchedule or NoExecute");
    }
    if (current_.taints.size() >= kMaxTaints) {
        return invalid(where + ": there are more than " + std::to_string(kMaxTaints));
    }
    for (const auto& other : current_.taints) {
        if (other.key == view(key) && other.effect == kind) return invalid(where + ": given twice");
    }
    current_.taints.push_back(
        {std::string(view(key)), std::string(view(value)), std::string(kind)});
    return {};
}

Result<void> DeviceCollector::add_counter(std::string_view set, std::string_view counter,
                                          const char* quantity) {
    KND_TRY(check_counter(set, counter, quantity));
    if (!counters_.contains(std::string(set)) && counters_.size() >= kMaxCounterSets) {
        return invalid("there are more than " + std::to_string(kMaxCounterSets) + " sets");
    }
    auto& counters = counters_[std::string(set)];
    if (counters.size() >= kMaxCounters) return invalid("there are too many counters in the set");
    if (!counters.emplace(counter, quantity).second) return invalid("the counter is there already");
    return {};
}

/// It describes no device, so it is no reason to leave out the last one.
knd_status DeviceCollector::counter(const knd_device_sink* face, const char* set,
                                    const char* counter, const char* quantity) noexcept {
    auto& self = *static_cast<DeviceCollector*>(face->host_data);
    if (self.cancelled_) return KND_CANCELLED;
    try {
        return to_status(self.add_counter(view(set), view(counter), quantity).code());
    } catch (const std::exception&) {  // out of memory; nothing else throws above
        return KND_RESOURCE_EXHAUSTED;
    }
}

}  // namespace knd::plugin
