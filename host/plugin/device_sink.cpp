// SPDX-License-Identifier: Apache-2.0
#include "host/plugin/device_sink.hpp"

#include <utility>

#include "host/model/quantity.hpp"
#include "host/model/semver.hpp"
#include "host/plugin/names.hpp"

#include <knd/cpp/abi.hpp>

namespace knd::plugin {
namespace {

Error invalid(std::string text) {
    return {Code::kInvalidArgument, std::move(text)};
}

/// A backend's string for a message: cut, and free of bytes that are no UTF-8.
std::string quoted(std::string_view text) {
    if (!is_utf8(text)) return "`(not UTF-8)`";
    const auto shown = cut_utf8(text, 80);
    return "`" + std::string(shown) + (shown.size() < text.size() ? "...`" : "`");
}

std::string_view view(const char* text) {
    return text != nullptr ? text : "";
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
}

std::vector<Device> DeviceCollector::take() {
    finish_current();
    return std::exchange(devices_, {});
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
    if (devices_.size() >= kMaxDevices) {
        return Error(Code::kResourceExhausted, "too many devices");
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
    const auto netdev = view(device.netdev);
    if (!netdev.empty() && !is_interface_name(netdev)) {
        return invalid("netdev " + quoted(netdev) + " is no name of an interface");
    }
    if (!names_.insert(current_.name).second) {
        return invalid("reported twice; the first one stands");
    }
    current_.backend = backend_;
    current_.hardware_key = key;
    current_.netdev = netdev;
    current_.withheld = printable(cut_utf8(view(device.withheld), kMaxReason));
    open_ = true;
    return {};
}

Result<void> DeviceCollector::check_room() const {
    if (current_.attributes.size() + current_.capacity.size() < kMaxAttributes) return {};
    return invalid("there are more than " + std::to_string(kMaxAttributes) +
                   " attributes and capacities");
}

Result<std::string> DeviceCollector::qualified(const char* name) const {
    const auto text = view(name);
    const auto slash = text.find('/');
    const bool has_domain = slash != std::string_view::npos;
    const auto domain = has_domain ? text.substr(0, slash) : std::string_view(domain_);
    const auto identifier = has_domain ? text.substr(slash + 1) : text;
    if (!is_c_identifier(identifier) || identifier.size() > kMaxIdentifier) {
        return invalid(
            "name must be a C identifier of at most 32 characters, or domain/identifier");
    }
    if (!is_domain(domain)) return invalid("the part before '/' must be a domain name");
    return std::string(domain) + "/" + std::string(identifier);
}

Result<void> DeviceCollector::add_attribute(const char* name, AttributeValue value) {
    if (!open_) return invalid("");
    const auto where = "attribute " + quoted(view(name));
    auto key = qualified(name);
    if (!key.ok()) return std::move(key).error().wrap(where);
    KND_TRY(check_room().wrap(where));
    if (!current_.attributes.emplace(*key, std::move(value)).second) {
        return invalid(where + ": set twice");
    }
    return {};
}

Result<void> DeviceCollector::add_text(const char* name, const char* value) {
    if (open_) KND_TRY(check_text(view(value)).wrap("attribute " + quoted(view(name))));
    return add_attribute(name, std::string(view(value)));
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
    auto key = qualified(name);
    if (!key.ok()) return std::move(key).error().wrap(where);
    KND_TRY(check_room().wrap(where));
    if (auto parsed = Quantity::parse(view(quantity)); !parsed.ok()) {
        return invalid(where + ": " + quoted(view(quantity)) + " is no quantity");
    }
    if (!current_.capacity.emplace(*key, view(quantity)).second) {
        return invalid(where + ": set twice");
    }
    return {};
}

}  // namespace knd::plugin
