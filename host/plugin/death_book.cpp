// SPDX-License-Identifier: Apache-2.0
#include "host/plugin/death_book.hpp"

#include <algorithm>
#include <utility>

#include "host/model/json.hpp"
#include "host/model/log.hpp"
#include "host/model/text_file.hpp"
#include "host/model/time.hpp"

namespace knd::plugin {
namespace {

/// More say nothing new.
constexpr std::size_t kMostDeaths = 100;

std::string died(std::size_t times, const std::string& where, const std::string& last) {
    return "kndd died " + std::to_string(times) + (times == 1 ? " time " : " times ") + where +
           ", the last time of " + last;
}

Json to_json(const CrashNote& note) {
    return {{"operation", note.operation},
            {"claimUid", note.claim_uid},
            {"claim", note.claim},
            {"device", note.device},
            {"signal", note.signal}};
}

CrashNote to_note(const std::string& instance, const Json& json) {
    return {instance,
            json_string(json, "operation"),
            json_string(json, "claimUid"),
            json_string(json, "claim"),
            json_string(json, "device"),
            static_cast<int>(json_int(json, "signal"))};
}

}  // namespace

DeathBook::DeathBook(std::string path, const Options& options)
    : path_(std::move(path)), options_(options) {
    read();
}

void DeathBook::add(const CrashNote& crash, const std::string& sha256, std::int64_t now_ms) {
    use_library(crash.instance, sha256);
    auto& record = records_[crash.instance];
    record.sha256 = sha256;
    ++record.total;
    record.last = crash.text() + " at " + rfc3339(now_ms / 1000);
    record.deaths.push_back({crash, now_ms});
    if (record.deaths.size() > kMostDeaths) record.deaths.erase(record.deaths.begin());
    judge(record, Death(record.deaths.back()));
    write();
}

void DeathBook::judge(Record& record, const Death& death) const {
    const auto window = options_.window.count();
    // Long after it was tried again, another death is the first one.
    if (record.trips > 0 && death.at_ms > record.kept_out.until_ms + window) record.trips = 0;
    std::size_t all = 0;
    std::size_t without_claim = 0;
    for (const auto& other : record.deaths) {
        if (death.at_ms - other.at_ms > window) continue;
        ++all;
        if (other.note.claim_uid.empty()) ++without_claim;
    }
    const bool too_many = all >= options_.of_instance || without_claim >= options_.without_claim;
    if (!too_many && record.trips == 0) return;
    record.kept_out.reason = died(all, "in calls to this backend",
                                  death.note.text() + " at " + rfc3339(death.at_ms / 1000));
    record.kept_out.until_ms = death.at_ms + pause(record.trips++).count();
}

DeathBook::Milliseconds DeathBook::pause(std::size_t relapses) const {
    auto pause = options_.first_pause;
    for (std::size_t i = 0; i < relapses && pause < options_.last_pause; ++i)
        pause *= 2;
    return std::min(pause, options_.last_pause);
}

void DeathBook::use_library(const std::string& instance, const std::string& sha256) {
    const auto found = records_.find(instance);
    if (found == records_.end() || sha256.empty() || found->second.sha256 == sha256) return;
    records_.erase(found);
    write();
}

void DeathBook::worked(const std::string& instance, const std::string& claim_uid,
                       std::string_view operation) {
    const auto found = records_.find(instance);
    if (found == records_.end()) return;
    const auto erased = std::erase_if(found->second.deaths, [&](const Death& death) {
        return death.note.claim_uid == claim_uid && death.note.operation == operation;
    });
    if (erased > 0) write();
}

std::optional<DeathBook::KeptOut> DeathBook::claim_kept_out(const std::string& instance,
                                                            const std::string& claim_uid,
                                                            std::int64_t now_ms) const {
    const auto found = records_.find(instance);
    if (found == records_.end() || claim_uid.empty()) return std::nullopt;
    std::size_t times = 0;
    const Death* last = nullptr;
    for (const auto& death : found->second.deaths) {
        if (death.note.claim_uid != claim_uid) continue;
        ++times;
        last = &death;
    }
    if (times < options_.of_claim) return std::nullopt;
    const auto until = last->at_ms + pause(times - options_.of_claim).count();
    if (now_ms >= until) return std::nullopt;
    return KeptOut{died(times, "in calls for this claim",
                        last->note.text() + " at " + rfc3339(last->at_ms / 1000)),
                   until};
}

std::optional<DeathBook::KeptOut> DeathBook::instance_kept_out(const std::string& instance,
                                                               std::int64_t now_ms) const {
    const auto found = records_.find(instance);
    if (found == records_.end() || now_ms >= found->second.kept_out.until_ms) return std::nullopt;
    return found->second.kept_out;
}

bool DeathBook::died_in(const std::string& instance, std::string_view operation) const {
    const auto found = records_.find(instance);
    return found != records_.end() &&
           std::any_of(found->second.deaths.begin(), found->second.deaths.end(),
                       [&](const Death& death) { return death.note.operation == operation; });
}

std::uint64_t DeathBook::deaths(const std::string& instance) const {
    const auto found = records_.find(instance);
    return found == records_.end() ? 0 : found->second.total;
}

std::string DeathBook::last_death(const std::string& instance) const {
    const auto found = records_.find(instance);
    return found == records_.end() ? "" : found->second.last;
}

void DeathBook::read() {
    const auto text = read_text_file(path_);
    if (!text) return;
    const auto json = parse_json(*text);
    if (!json || !json->is_object()) {
        log::warn("what is known of crashes cannot be read", {{"path", path_}});
        return;
    }
    for (const auto& [instance, entry] : json->items()) {
        Record record;
        record.sha256 = json_string(entry, "sha256");
        record.total = static_cast<std::uint64_t>(json_int(entry, "total"));
        record.last = json_string(entry, "last");
        record.trips = static_cast<std::uint32_t>(json_int(entry, "trips"));
        record.kept_out = {json_string(entry, "reason"), json_int(entry, "untilMs")};
        for (const auto& death : json_at(entry, "deaths"))
            record.deaths.push_back({to_note(instance, death), json_int(death, "atMs")});
        records_.emplace(instance, std::move(record));
    }
}

void DeathBook::write() const {
    Json json = Json::object();
    for (const auto& [instance, record] : records_) {
        Json deaths = Json::array();
        for (const auto& death : record.deaths) {
            deaths.push_back(to_json(death.note));
            deaths.back()["atMs"] = death.at_ms;
        }
        json[instance] = {{"sha256", record.sha256},
                          {"total", record.total},
                          {"last", record.last},
                          {"trips", record.trips},
                          {"reason", record.kept_out.reason},
                          {"untilMs", record.kept_out.until_ms},
                          {"deaths", std::move(deaths)}};
    }
    if (auto written = replace_text_file(path_, to_text(json), 0600); !written)
        log::warn("crashes cannot be remembered", {{"error", written.error().message()}});
}

}  // namespace knd::plugin
