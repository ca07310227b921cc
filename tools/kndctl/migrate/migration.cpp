// SPDX-License-Identifier: Apache-2.0
#include "tools/kndctl/migrate/migration.hpp"

#include <algorithm>
#include <cctype>

#include "tools/kndctl/migrate/sources.hpp"

namespace knd::migrate {
namespace {

/// A DNS label of what a resource is called: Intel_SRIOV -> intel-sriov.
std::string label(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) {
        const auto low = static_cast<char>(std::tolower(c));
        return std::isalnum(static_cast<unsigned char>(low)) != 0 ? low : '-';
    });
    return text;
}

/// JSON's and TOML's basic strings have the same escapes.
std::string toml_value(const Json& value) {
    if (!value.is_array()) {
        if (!value.is_object()) return to_text(value);
        std::string text;
        for (const auto& [key, item] : value.items())
            text += (text.empty() ? "{ " : ", ") + key + " = " + toml_value(item);
        return text + " }";
    }
    std::string text = "[";
    for (const auto& item : value)
        text += (text.size() > 1 ? ", " : "") + toml_value(item);
    return text + "]";
}

std::string toml_table(const std::string& header, const Json& table) {
    std::string text = "\n[[" + header + "]]\n";
    for (const auto& [key, value] : table.items())
        text += key + " = " + toml_value(value) + "\n";
    return text;
}

}  // namespace

void take(const Json& from, const char* key, Json& to, const char* as) {
    const auto& value = json_at(from, key);
    const bool nothing = value.is_null() || (value.is_array() && value.empty()) || value == "";
    if (!nothing) to[as] = value;
}

Result<void> Migration::add(const Json& object) {
    const auto kind = json_string(object, "kind");
    const auto& metadata = json_at(object, "metadata");
    const auto name = json_string(metadata, "name");
    const auto context = kind + " " + name;
    const auto& spec = json_at(object, "spec");
    if (kind == "SriovNetworkNodePolicy") return Policy(*this, name).read(spec).wrap(context);
    if (kind == "SriovNetwork") return Network(*this, name).read_network(spec, false).wrap(context);
    if (kind == "SriovIBNetwork")
        return Network(*this, name).read_network(spec, true).wrap(context);
    if (kind == "NetworkAttachmentDefinition") {
        const auto resource =
            json_string(json_at(metadata, "annotations"), "k8s.v1.cni.cncf.io/resourceName");
        return Network(*this, name).read_attachment(spec, resource).wrap(context);
    }
    if (kind != "ConfigMap") return {};
    // The operator has one key per node.
    for (const auto& [key, text] : json_at(object, "data").items()) {
        if (!text.is_string()) continue;
        auto config = parse_json(text.get<std::string>());
        const bool names_it = key.ends_with(".json");
        if (!config.ok() && names_it) return std::move(config).error().wrap(context + ", " + key);
        if (!config.ok() || !json_at(*config, "resourceList").is_array()) continue;
        KND_TRY(DevicePlugin(*this, context).read(*config).wrap(context + ", " + key));
    }
    return {};
}

std::string Migration::toml() const {
    std::string text =
        "[[backend]]\nname = \"sriov\"\nlibrary = \"knd-sriov.so\"\n\n[backend.config]\n";
    for (const auto& card : cards_)
        text += toml_table("backend.config.cards", card);
    for (const auto& pool : pools_)
        text += toml_table("backend.config.pools", pool);
    return text;
}

void Migration::note(const std::string& text) {
    if (std::find(notes_.begin(), notes_.end(), text) == notes_.end()) notes_.push_back(text);
}

std::string Migration::class_of(const std::string& resource) const {
    const auto slash = resource.find('/');
    if (slash == std::string::npos) return label(resource);
    return label(resource.substr(slash + 1)) + "." + resource.substr(0, slash);
}

void Migration::add_pool(const std::string& resource, Json pool) {
    pool["name"] = class_of(resource);
    pool["attributes"] = Json::array({{{"name", "resourceName"}, {"value", resource}}});
    // The operator writes a ConfigMap from its policies: whoever gives both means one pool.
    if (std::find(pools_.begin(), pools_.end(), pool) == pools_.end())
        pools_.push_back(std::move(pool));
    if (!classes_.insert(resource).second) return;
    const auto attributes = "device.attributes[\"" + options_.driver + "\"]";
    const auto selector = "device.driver == \"" + options_.driver + "\" && " + attributes +
                          ".?resourceName.orValue(\"\") == \"" + resource + "\"";
    add_object({{"apiVersion", "resource.k8s.io/v1"},
                {"kind", "DeviceClass"},
                {"metadata", {{"name", class_of(resource)}}},
                {"spec",
                 {{"extendedResourceName", resource},
                  {"selectors", Json::array({{{"cel", {{"expression", selector}}}}})}}}});
}

void Migration::add_card(Json card) {
    if (std::find(cards_.begin(), cards_.end(), card) == cards_.end())
        cards_.push_back(std::move(card));
}

void Migration::add_object(Json object) {
    objects_.push_back(std::move(object));
}

}  // namespace knd::migrate
