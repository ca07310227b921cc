// SPDX-License-Identifier: Apache-2.0
#include "host/daemon/control.hpp"

#include "host/model/nearest.hpp"
#include "host/model/time.hpp"

namespace knd {
namespace {

Json to_json(const AttributeValue& value) {
    return std::visit(
        [](const auto& v) -> Json {
            using T = std::decay_t<decltype(v)>;
            if constexpr (std::is_same_v<T, Version>) {
                return v.text;
            } else if constexpr (std::is_same_v<T, std::vector<Version>>) {
                Json list = Json::array();
                for (const auto& version : v)
                    list.push_back(version.text);
                return list;
            } else {
                return v;
            }
        },
        value);
}

std::string time_text(std::int64_t epoch_ms) {
    return epoch_ms == 0 ? "" : rfc3339(epoch_ms / 1000);
}

const BindingRecord* holder(const std::vector<BindingRecord>& records,
                            const Inventory::Entry& entry) {
    for (const auto& record : records) {
        const auto& device = *entry.device;
        if (record.pool == entry.pool && record.device.name == device.name &&
            record.device.backend == device.backend)
            return &record;
    }
    return nullptr;
}

std::string device_state(const Inventory::Entry& entry) {
    if (entry.held) return entry.present ? "held" : "in a pod";
    return entry.offered ? "offered" : "withheld";
}

Json devices(const ControlView& view) {
    const auto records = view.claims.snapshot();
    Json list = Json::array();
    for (const auto& entry : view.inventory.entries()) {
        const auto* record = holder(records, entry);
        Json attributes = Json::object();
        for (const auto& [name, value] : entry.device->attributes) {
            attributes[name] = to_json(value);
        }
        list.push_back({{"name", entry.device->name},
                        {"backend", entry.device->backend},
                        {"pool", entry.pool},
                        {"state", device_state(entry)},
                        {"netdev", entry.device->netdev},
                        {"hardwareKey", entry.device->hardware_key},
                        {"claim", record != nullptr ? record->claim.text() : ""},
                        {"reason", entry.reason},
                        {"health", entry.health ? health_name(entry.health->health) : ""},
                        {"healthMessage", entry.health ? entry.health->message : ""},
                        {"attributes", std::move(attributes)},
                        {"capacity", entry.device->capacity}});
    }
    return {{"devices", std::move(list)}};
}

Json claims(const ControlView& view) {
    Json list = Json::array();
    for (const auto& record : view.claims.snapshot()) {
        std::string interfaces;
        Json addresses = Json::array();
        for (const auto& facts : record.attached) {
            interfaces += (interfaces.empty() ? "" : ",") + facts.interface_name;
            for (const auto& address : facts.addresses)
                addresses.push_back(address);
        }
        list.push_back({{"claim", record.claim.text()},
                        {"uid", record.claim.uid},
                        {"device", record.device.name},
                        {"backend", record.device.backend},
                        {"pool", record.pool},
                        {"state", state_name(record.state)},
                        {"pod", record.pod},
                        {"sandbox", record.sandbox_id},
                        {"interface", interfaces},
                        {"addresses", std::move(addresses)},
                        {"share", record.share_id},
                        {"reason", record.reason},
                        {"prepared", time_text(record.prepared_ms)},
                        {"changed", time_text(record.changed_ms)}});
    }
    return {{"claims", std::move(list)}};
}

Json journal(const ControlView& view) {
    const auto info = view.journal.info();
    auto answer = claims(view);
    answer["journal"] = {{"path", info.path},
                         {"schema", info.schema},
                         {"flushes", info.flushes},
                         {"lastError", info.last_error}};
    Json records = Json::array();
    for (const auto& record : view.claims.snapshot())
        records.push_back(to_json(record));
    answer["records"] = std::move(records);
    return answer;
}

Json backends(const ControlView& view) {
    Json list = Json::array();
    for (const auto* backend : view.backends) {
        const auto info = backend->info();
        list.push_back({{"name", info.name},
                        {"library", info.library},
                        {"id", info.id},
                        {"version", info.version},
                        {"vendor", info.vendor},
                        {"extensions", info.extensions},
                        {"state", state_name(info.state)},
                        {"reason", info.reason},
                        {"crashes", info.crashes},
                        {"lastCrash", info.last_crash}});
    }
    return {{"backends", std::move(list)}};
}

void explain_entry(const ControlView& view, const Inventory::Entry& entry, Json& lines) {
    const auto say = [&](const std::string& line) { lines.push_back(line); };
    say("device " + entry.device->name + " of backend " + entry.device->backend + ", pool " +
        entry.pool);
    say("  hardware " + entry.device->hardware_key +
        (entry.device->netdev.empty() ? "" : ", interface " + entry.device->netdev));
    if (!entry.offered) {
        say("  not offered: " + entry.reason);
        return;
    }
    say(entry.present ? "  offered: its backend reports it, and nothing speaks against it"
                      : "  offered, though its backend does not see it now: a claim holds it");
    const auto records = view.claims.snapshot();
    if (const auto* record = holder(records, entry)) {
        say("  in the hands of claim " + record->claim.text() + ": " + explain(*record));
    } else {
        say("  free: no claim has prepared it");
    }
}

ops::HttpResponse json_response(const Json& json, int status = 200) {
    return {status, to_text(json) + "\n", "application/json"};
}

ops::HttpResponse explain_device(const ControlView& view, const std::string& name) {
    Json lines = Json::array();
    std::vector<std::string> names;
    for (const auto& entry : view.inventory.entries()) {
        names.push_back(entry.device->name);
        if (entry.device->name == name || entry.device->netdev == name) {
            explain_entry(view, entry, lines);
        }
    }
    if (!lines.empty()) return json_response({{"device", name}, {"lines", lines}});
    return json_response(
        {{"error", "no backend reports a device or interface " + name + did_you_mean(name, names)}},
        404);
}

std::string unescaped(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%' && i + 2 < text.size()) {
            const std::string hex(text.substr(i + 1, 2));
            char* end = nullptr;
            const auto value = std::strtol(hex.c_str(), &end, 16);
            if (*end == '\0') {
                out += static_cast<char>(value);
                i += 2;
                continue;
            }
        }
        out += text[i];
    }
    return out;
}

}  // namespace

std::string_view state_name(BackendState state) {
    switch (state) {
        case BackendState::kLoaded:
            return "loaded";
        case BackendState::kRunning:
            return "running";
        case BackendState::kDegraded:
            return "degraded";
        case BackendState::kStuck:
            return "stuck";
        case BackendState::kFailed:
            return "failed";
        case BackendState::kStopped:
            return "stopped";
    }
    return "unknown";
}

ops::HttpResponse answer_control(const ControlView& view, std::string_view target) {
    constexpr std::string_view kExplainDevice = "/explain/device/";
    if (target == "/devices") return json_response(devices(view));
    if (target == "/claims") return json_response(claims(view));
    if (target == "/backends") return json_response(backends(view));
    if (target == "/journal") return json_response(journal(view));
    if (target == "/version") return json_response({{"version", KND_VERSION}});
    if (target.starts_with(kExplainDevice)) {
        return explain_device(view, unescaped(target.substr(kExplainDevice.size())));
    }
    return json_response({{"error", "nothing at " + std::string(target)}}, 404);
}

}  // namespace knd
