// SPDX-License-Identifier: Apache-2.0
#include "host/validation/shape.hpp"

#include <algorithm>
#include <charconv>
#include <ctime>
#include <limits>

#include "host/model/quantity.hpp"
#include "host/validation/field_error.hpp"
#include "host/validation/schema.hpp"

namespace knd::validation {
namespace {

std::string go_name(const Type& type) {
    switch (type.shape) {
        case Shape::kString:
        case Shape::kBool:
            return type.name;
        case Shape::kInt:
            return "int64";
        case Shape::kTime:
            return "v1.Time";
        case Shape::kQuantity:
            return "resource.Quantity";
        case Shape::kRaw:
            return "runtime.RawExtension";
        case Shape::kObject:
            return "v1." + type.name;
        case Shape::kList:
            return "[]" + go_name(*type.element);
        case Shape::kMap:
            return "map[string]" + go_name(*type.element);
    }
    return type.name;
}

std::string json_kind(const Json& value) {
    if (value.is_number()) return "number";
    if (value.is_boolean()) return "bool";
    return value.type_name();
}

Json zero(Shape shape) {
    switch (shape) {
        case Shape::kString:
            return "";
        case Shape::kInt:
            return 0;
        case Shape::kBool:
            return false;
        case Shape::kQuantity:
            return "0";
        case Shape::kObject:
            return Json::object();
        case Shape::kTime:
        case Shape::kRaw:
        case Shape::kList:
        case Shape::kMap:
            break;
    }
    return nullptr;
}

int two_digits(std::string_view text, std::size_t at) {
    return (text[at] - '0') * 10 + text[at + 1] - '0';
}

int days_in(int year, int month) {
    constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return month == 2 && leap ? 29 : kDays[month - 1];
}

/// Z or +hh:mm
bool is_zone(std::string_view zone) {
    if (zone == "Z") return true;
    if (zone.size() != 6 || (zone[0] != '+' && zone[0] != '-') || zone[3] != ':') return false;
    for (const std::size_t at : {1, 2, 4, 5})
        if (zone[at] < '0' || zone[at] > '9') return false;
    return two_digits(zone, 1) <= 24 && two_digits(zone, 4) <= 60;
}

constexpr std::string_view kTimePattern = "dddd-dd-ddTdd:dd:dd";

/// RFC 3339: 2006-01-02T15:04:05[.frac](Z|+hh:mm)
bool is_time(std::string_view text) {
    if (text.size() <= kTimePattern.size()) return false;
    for (std::size_t i = 0; i < kTimePattern.size(); ++i) {
        const bool digit = text[i] >= '0' && text[i] <= '9';
        if (kTimePattern[i] == 'd' ? !digit : text[i] != kTimePattern[i]) return false;
    }
    const int year = two_digits(text, 0) * 100 + two_digits(text, 2);
    const int month = two_digits(text, 5);
    const int day = two_digits(text, 8);
    if (month < 1 || month > 12 || day < 1 || day > days_in(year, month)) return false;
    if (two_digits(text, 11) > 23 || two_digits(text, 14) > 59 || two_digits(text, 17) > 59)
        return false;
    auto rest = text.substr(kTimePattern.size());
    if (rest[0] == '.' || rest[0] == ',') {
        const auto end = rest.find_first_not_of("0123456789", 1);
        if (end == 1 || end == std::string_view::npos) return false;
        rest.remove_prefix(end);
    }
    return is_zone(rest);
}

/// A time that is one, with another zone or with a fraction.
std::string in_utc(std::string_view text) {
    std::tm time = {};
    time.tm_year = two_digits(text, 0) * 100 + two_digits(text, 2) - 1900;
    time.tm_mon = two_digits(text, 5) - 1;
    time.tm_mday = two_digits(text, 8);
    time.tm_hour = two_digits(text, 11);
    time.tm_min = two_digits(text, 14);
    time.tm_sec = two_digits(text, 17);
    if (text.back() != 'Z') {
        const auto zone = text.substr(text.size() - 6);
        const int minutes = two_digits(zone, 1) * 60 + two_digits(zone, 4);
        time.tm_min -= zone[0] == '-' ? -minutes : minutes;
    }
    const auto seconds = ::timegm(&time);
    ::gmtime_r(&seconds, &time);
    char out[40];
    std::strftime(out, sizeof out, "%Y-%m-%dT%H:%M:%SZ", &time);
    return out;
}

/// Kubernetes keeps a spelling that looks canonical: "+1" and "1.500" stay, "1000m" does not.
bool keeps_spelling(std::string_view text) {
    constexpr std::string_view kDigits = "0123456789";
    if (text == "0") return true;
    text.remove_prefix(text.starts_with('+') || text.starts_with('-') ? 1 : 0);
    text.remove_prefix(std::min(text.find_first_not_of('0'), text.size()));
    const auto point = std::min(text.find_first_not_of(kDigits), text.size());
    std::string digits(text.substr(0, point));
    if (digits.empty()) digits = "0";
    auto suffix = text.substr(point);
    int fraction = 0;
    if (suffix.starts_with('.')) {
        const auto end = std::min(suffix.find_first_not_of(kDigits, 1), suffix.size());
        digits += suffix.substr(1, end - 1);
        fraction = static_cast<int>(end) - 1;
        suffix.remove_prefix(end);
    }
    if (digits.size() > 18) return false;
    if (suffix.ends_with('i')) {
        // Only whole numbers, and not those that the next larger suffix could say.
        const auto power = static_cast<int>(std::string_view("KMGTPE").find(suffix[0])) + 1;
        if (fraction > 0 || 15 - static_cast<int>(digits.size()) - power * 3 - 1 < 0) return false;
        return (std::stoll(digits) & 7) != 0;
    }
    int scale = 0;
    if (suffix.size() > 1) {
        const auto number = suffix.substr(suffix[1] == '+' ? 2 : 1);
        std::from_chars(number.data(), number.data() + number.size(), scale);
    } else if (!suffix.empty()) {
        scale = (static_cast<int>(std::string_view("num kMGTPE").find(suffix[0])) - 3) * 3;
    }
    scale -= fraction;
    return scale >= -9 && scale % 3 == 0 && !digits.ends_with("000") && digits[0] != '0';
}

/// Where a value is, spelled only when it has to be told.
struct Place {
    const Place* parent = nullptr;
    std::string_view key;  ///< empty: an element of a list
    std::size_t index = 0;

    std::string text() const {
        auto out = parent == nullptr ? std::string() : parent->text();
        if (parent == nullptr) return out;
        if (key.data() == nullptr) return out + "[" + std::to_string(index) + "]";
        if (!out.empty()) out += '.';
        return out.append(key);
    }
};

class Reader {
  public:
    Reader(bool v1beta1, int minor) : v1beta1_(v1beta1), minor_(minor) {}

    Result<void> read(const Type& type, Json& value, const Place& place) {
        switch (type.shape) {
            case Shape::kRaw:
                return {};
            case Shape::kString:
                return value.is_string() ? Result<void>() : wrong(type, value, place);
            case Shape::kBool:
                return value.is_boolean() ? Result<void>() : wrong(type, value, place);
            case Shape::kInt:
                return integer(type, value, place);
            case Shape::kTime:
                return time(type, value, place);
            case Shape::kQuantity:
                return quantity(type, value, place);
            case Shape::kObject:
                return object(v1beta1_ ? Schema::instance().in_v1beta1(type) : type, value, place);
            case Shape::kList:
                return list(type, value, place);
            case Shape::kMap:
                return map(type, value, place);
        }
        return {};
    }
    std::vector<std::string> take_unknown() { return std::move(unknown_); }

  private:
    static Error wrong(const Type& type, const Json& value, const Place& place) {
        return {Code::kInvalidArgument, "json: cannot unmarshal " + json_kind(value) + " into " +
                                            place.text() + " of type " + go_name(type)};
    }

    static Result<void> integer(const Type& type, const Json& value, const Place& place) {
        const bool fits =
            value.is_number_integer() &&
            (!value.is_number_unsigned() ||
             value.get<std::uint64_t>() <= std::uint64_t{std::numeric_limits<std::int64_t>::max()});
        return fits ? Result<void>() : wrong(type, value, place);
    }

    /// Kept in UTC and whole seconds, as Kubernetes does.
    static Result<void> time(const Type& type, Json& value, const Place& place) {
        if (!value.is_string()) return wrong(type, value, place);
        const auto& text = value.get_ref<const std::string&>();
        if (is_time(text)) {
            if (text.size() != kTimePattern.size() + 1) value = in_utc(text);
            return {};
        }
        return Error(Code::kInvalidArgument,
                     place.text() + ": parsing time " + to_text(value) +
                         " as \"2006-01-02T15:04:05Z07:00\": cannot parse " + to_text(value));
    }

    /// Kept in its canonical spelling, or in what Kubernetes takes for that.
    static Result<void> quantity(const Type& type, Json& value, const Place& place) {
        if (value.is_number()) value = to_text(value);
        if (!value.is_string()) return wrong(type, value, place);
        std::string_view text = value.get_ref<const std::string&>();
        constexpr std::string_view kSpace = " \t\n\v\f\r";
        text.remove_prefix(std::min(text.find_first_not_of(kSpace), text.size()));
        text = text.substr(0, text.find_last_not_of(kSpace) + 1);
        auto parsed = Quantity::parse(text);
        if (!parsed.ok()) return std::move(parsed).error().wrap(place.text());
        value = keeps_spelling(text) ? std::string(text) : parsed->text();
        return {};
    }

    Result<void> object(const Type& type, Json& value, const Place& place) {
        if (!value.is_object()) return wrong(type, value, place);
        for (auto it = value.begin(); it != value.end();) {
            const Place at{&place, it.key()};
            const auto* field = type.field(it.key(), minor_);
            if (field == nullptr) unknown_.push_back("unknown field " + api::go_quoted(at.text()));
            if (field == nullptr || it->is_null()) {
                it = value.erase(it);
                continue;
            }
            KND_TRY(read(*field->type, *it, at));
            ++it;
        }
        for (const auto& field : type.fields)
            if (field.type->shape == Shape::kQuantity && !field.pointer &&
                !value.contains(field.name))
                value[field.name] = "0";
        return {};
    }

    Result<void> element(const Type& type, Json& value, const Place& place) {
        if (value.is_null()) value = zero(type.shape);
        return value.is_null() ? Result<void>() : read(type, value, place);
    }

    Result<void> list(const Type& type, Json& value, const Place& place) {
        if (!value.is_array()) return wrong(type, value, place);
        for (std::size_t i = 0; i < value.size(); ++i)
            KND_TRY(element(*type.element, value[i], Place{&place, {}, i}));
        return {};
    }

    Result<void> map(const Type& type, Json& value, const Place& place) {
        if (!value.is_object()) return wrong(type, value, place);
        for (auto& [key, one] : value.items())
            KND_TRY(element(*type.element, one, Place{&place, key}));
        return {};
    }

    bool v1beta1_;
    int minor_;
    std::vector<std::string> unknown_;
};

// --- defaults and conversion -------------------------------------------------------------------

Json* member(Json& object, std::string_view key) {
    if (!object.is_object()) return nullptr;
    const auto found = object.find(key);
    return found == object.end() ? nullptr : &*found;
}

template <class Visit>
void each_of(Json* list, Visit visit) {
    if (list == nullptr || !list->is_array()) return;
    for (auto& one : *list)
        visit(one);
}

void complete_tolerations(Json* tolerations) {
    each_of(tolerations, [](Json& one) {
        if (json_string(one, "operator").empty()) one["operator"] = "Equal";
    });
}

void complete_request(Json& request) {
    if (json_string(request, "allocationMode").empty()) request["allocationMode"] = "ExactCount";
    if (request["allocationMode"] == "ExactCount" && json_int(request, "count") == 0)
        request["count"] = 1;
}

/// v1beta1 has the fields of an exact request beside its name; zeros are as good as absent. In 1.32
/// there were no other requests.
void nest_exact_request(Json& request, int minor) {
    complete_tolerations(member(request, "tolerations"));
    bool any = minor < 33;
    if (any || !json_string(request, "deviceClassName").empty()) complete_request(request);
    Json exactly = Json::object();
    for (const auto& field : Schema::instance().find("ExactDeviceRequest")->fields) {
        const auto* value = member(request, field.name);
        if (value == nullptr) continue;
        const bool is_zero = same(*field.type, false, *value, Json());
        any = any || field.pointer || value->is_array() || !is_zero;
        // An empty list of tolerations is not converted, other ones are.
        if (field.pointer || !is_zero || field.name == "selectors") exactly[field.name] = *value;
        request.erase(field.name);
    }
    if (any) request["exactly"] = std::move(exactly);
}

void complete_claim(Json* spec, bool v1beta1, int minor) {
    if (spec == nullptr) return;
    auto* devices = member(*spec, "devices");
    if (devices == nullptr) return;
    each_of(member(*devices, "requests"), [&](Json& request) {
        if (v1beta1) nest_exact_request(request, minor);
        if (auto* exactly = member(request, "exactly"); exactly != nullptr && !v1beta1) {
            complete_request(*exactly);
            complete_tolerations(member(*exactly, "tolerations"));
        }
        each_of(member(request, "firstAvailable"), [](Json& alternative) {
            complete_request(alternative);
            complete_tolerations(member(alternative, "tolerations"));
        });
    });
}

void complete_results(Json& claim) {
    auto* at = member(claim, "status");
    for (const auto* key : {"allocation", "devices", "results"})
        at = at == nullptr ? nullptr : member(*at, key);
    each_of(at, [](Json& result) { complete_tolerations(member(result, "tolerations")); });
}

void complete_slice(Json* spec, bool v1beta1, int minor) {
    if (spec == nullptr) return;
    if (v1beta1 && json_string(*spec, "nodeName").empty()) spec->erase("nodeName");
    if (v1beta1 && !json_bool(*spec, "allNodes")) spec->erase("allNodes");
    each_of(member(*spec, "devices"), [&](Json& device) {
        if (v1beta1) {
            auto body = json_at(device, "basic");
            device.erase("basic");
            if (body.is_object())
                device.update(body);
            else if (minor < 33)
                device["basic"] = nullptr;  // so that it is missed
            // What is empty is not converted.
            for (const auto* key : {"attributes", "capacity", "consumesCounters", "taints"})
                if (json_at(device, key).empty()) device.erase(key);
        }
        auto* mappings = member(device, "nodeAllocatableResourceMappings");
        if (mappings == nullptr) return;
        for (auto& mapping : *mappings)
            if (!mapping.contains("allocationMultiplier")) mapping["allocationMultiplier"] = "1";
    });
}

}  // namespace

void complete_claim_spec(Json& spec) {
    complete_claim(&spec, false, kNewestMinor);
}

Result<Shaped> shape_object(Json object, const Gates& gates) {
    constexpr std::string_view kGroup = "resource.k8s.io/";
    const auto version = json_string(object, "apiVersion", "resource.k8s.io/v1");
    const auto kind = json_string(object, "kind");
    const auto* type = Schema::instance().find(kind);
    const int minor = gates.kubernetes_minor();
    const bool is_kind = type != nullptr && type->field("apiVersion", minor) != nullptr &&
                         type->field("metadata", minor) != nullptr;
    if (!version.starts_with(kGroup) || !is_kind) return Shaped{std::move(object), {}};
    const bool v1beta1 = version == "resource.k8s.io/v1beta1";
    Reader reader(v1beta1, minor);
    KND_TRY(reader.read(*type, object, Place())
                .wrap(kind + " in version \"" + version.substr(kGroup.size()) +
                      "\" cannot be handled as a " + kind));
    object["apiVersion"] = "resource.k8s.io/v1";
    auto* spec = member(object, "spec");
    if (kind == "ResourceClaim") {
        complete_claim(spec, v1beta1, minor);
        complete_results(object);
    }
    if (kind == "ResourceClaimTemplate" && spec != nullptr)
        complete_claim(member(*spec, "spec"), v1beta1, minor);
    if (kind == "ResourceSlice") complete_slice(spec, v1beta1, minor);
    return Shaped{std::move(object), reader.take_unknown()};
}

}  // namespace knd::validation
