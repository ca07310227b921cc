// SPDX-License-Identifier: Apache-2.0
#include "host/model/class_policy.hpp"

#include <algorithm>
#include <functional>
#include <optional>

#include "host/model/nearest.hpp"
#include "host/model/quantity.hpp"

namespace knd {
namespace {

constexpr const char* kPolicy = "policy";
constexpr std::size_t kLongestShown = 80;

std::string shown(const Json& value) {
    auto text = to_text(value);
    if (text.size() > kLongestShown) text = text.substr(0, kLongestShown) + "...";
    return text;
}

void merge(Json& into, const Json& from) {
    if (!from.is_object()) {
        into = from;
        return;
    }
    if (!into.is_object()) into = Json::object();
    for (const auto& [key, value] : from.items())
        if (!value.is_null()) merge(into[key], value);
}

Result<Json> merge_all(const std::vector<Json>& configs) {
    Json merged = Json::object();
    for (const auto& config : configs) {
        if (!config.is_object() && !config.is_null())
            return Error(Code::kInvalidArgument,
                         "the opaque parameters must be an object, found " + shown(config));
        merge(merged, config.is_null() ? Json::object() : config);
    }
    return merged;
}

/// The value at a dotted path, null when there is none.
const Json& at_path(const Json& object, std::string_view path) {
    const auto dot = path.find('.');
    const auto& value = json_at(object, path.substr(0, dot));
    return dot == std::string_view::npos ? value : at_path(value, path.substr(dot + 1));
}

/// A number, or a quantity as Kubernetes writes it.
std::optional<Quantity> amount(const Json& value) {
    if (value.is_number_integer() && !value.is_number_unsigned())
        return Quantity(value.get<std::int64_t>());
    const auto parsed = Quantity::parse(value.is_string()   ? value.get<std::string>()
                                        : value.is_number() ? to_text(value)
                                                            : std::string());
    return parsed ? std::optional(*parsed) : std::nullopt;
}

class Policy {
  public:
    explicit Policy(const std::string& device_class)
        : class_("DeviceClass" + (device_class.empty() ? "" : " " + device_class)) {}

    /// One `policy` object: is it understood?
    void read(const Json& policy) {
        static const std::vector<std::string> kKnown = {"lock", "forbid", "maximum", "minimum"};
        if (!policy.is_object()) return complain(kPolicy, "must be an object");
        for (const auto& [key, value] : policy.items()) {
            if (std::find(kKnown.begin(), kKnown.end(), key) == kKnown.end())
                complain(key, "unknown key" + did_you_mean(key, kKnown));
            else if (key == "lock" || key == "forbid")
                read_paths(key, value);
            else
                read_bounds(key, value);
        }
    }

    void check(const Json& of_class, const Json& of_claim, const Json& merged) {
        for (const auto& path : lock_) {
            const auto& locked = at_path(of_class, path);
            const auto& asked = at_path(of_claim, path);
            if (asked.is_null() || at_path(merged, path) == locked) continue;
            refuse(path, asked,
                   locked.is_null() ? "locks it, unset" : "locks it to " + shown(locked));
        }
        for (const auto& path : forbid_) {
            const auto& asked = at_path(of_claim, path);
            if (!asked.is_null()) refuse(path, asked, "forbids it");
        }
        for (const auto& bound : bounds_)
            check_bound(bound, at_path(of_claim, bound.path));
    }

    Result<void> verdict() const {
        if (complaints_.empty()) return {};
        return Error(Code::kInvalidArgument, complaints_);
    }

  private:
    struct Bound {
        std::string path;
        Quantity limit;
        bool is_maximum;
        std::string text;
    };

    void read_paths(const std::string& key, const Json& paths) {
        const bool right =
            paths.is_array() && std::all_of(paths.begin(), paths.end(), [](const Json& path) {
                return path.is_string() && path != "";
            });
        if (!right) return complain(key, "must be a list of keys, such as [\"interface.mtu\"]");
        auto& into = key == "lock" ? lock_ : forbid_;
        for (const auto& path : paths)
            into.push_back(path.get<std::string>());
    }

    void read_bounds(const std::string& key, const Json& bounds) {
        if (!bounds.is_object()) return complain(key, "must be an object of keys and amounts");
        for (const auto& [path, value] : bounds.items()) {
            const auto limit = amount(value);
            if (!limit)
                complain(key + "." + path, "must be a number or a quantity, found " + shown(value));
            else
                bounds_.push_back({path, *limit, key == "maximum", shown(value)});
        }
    }

    void check_bound(const Bound& bound, const Json& asked) {
        if (asked.is_null()) return;
        const auto value = amount(asked);
        if (!value)
            return refuse(bound.path, asked,
                          "bounds it, so that it must be a number or a quantity");
        if (bound.is_maximum ? *value > bound.limit : *value < bound.limit)
            refuse(
                bound.path, asked,
                std::string("allows at ") + (bound.is_maximum ? "most " : "least ") + bound.text);
    }

    void complain(const std::string& key, const std::string& what) {
        add(class_ + ": policy" + (key == kPolicy ? "" : "." + key) + ": " + what);
    }
    void refuse(const std::string& path, const Json& asked, const std::string& rule) {
        add(path + ": the claim sets " + shown(asked) + ", and its " + class_ + " " + rule);
    }
    /// Both bounds of one key may say the same.
    void add(const std::string& complaint) {
        if (complaints_.find(complaint) != std::string::npos) return;
        complaints_.append(complaints_.empty() ? "" : "; ").append(complaint);
    }

    std::string class_;
    std::vector<std::string> lock_, forbid_;
    std::vector<Bound> bounds_;
    std::string complaints_;
};

}  // namespace

Result<ClassAndClaimConfig> merge_configs(const std::vector<Json>& of_class,
                                          const std::vector<Json>& of_claim,
                                          const std::string& device_class) {
    Policy policy(device_class);
    // Before the merge: a later entry of the class must not take an earlier one's policy away.
    for (const auto& config : of_class)
        if (const auto& found = json_at(config, kPolicy); !found.is_null()) policy.read(found);
    KND_TRY_ASSIGN(auto class_config, merge_all(of_class));
    KND_TRY_ASSIGN(const auto claim_config, merge_all(of_claim));
    if (!json_at(claim_config, kPolicy).is_null())
        return Error(Code::kInvalidArgument,
                     "policy: only a DeviceClass may have one, remove it from the claim");
    class_config.erase(kPolicy);
    ClassAndClaimConfig config{class_config, std::move(class_config)};
    merge(config.merged, claim_config);
    policy.check(config.of_class, claim_config, config.merged);
    KND_TRY(policy.verdict());
    return config;
}

}  // namespace knd
