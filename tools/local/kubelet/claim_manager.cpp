// SPDX-License-Identifier: Apache-2.0
#include "tools/local/kubelet/claim_manager.hpp"

#include <algorithm>
#include <utility>

#include "host/model/text_file.hpp"
#include "tools/local/api/intake.hpp"
#include "tools/local/kubelet/runtime.hpp"
#include "tools/local/support/pod_claims.hpp"

namespace knd::local {
namespace {

bool reserved_for(const Json& claim, const std::string& pod_uid) {
    const auto& consumers = json_path(claim, {"status", "reservedFor"});
    return std::any_of(consumers.begin(), consumers.end(), [&](const Json& consumer) {
        return json_string(consumer, "resource") == "pods" &&
               json_string(consumer, "uid") == pod_uid;
    });
}

Json devices_json(const std::vector<PreparedDevice>& devices) {
    Json list = Json::array();
    for (const auto& device : devices)
        list.push_back({{"requests", device.requests},
                        {"pool", device.pool},
                        {"device", device.device},
                        {"shareID", device.share_id},
                        {"cdi", device.cdi_ids}});
    return list;
}

std::string uid_of(const Json& object) {
    return json_string(json_at(object, "metadata"), "uid");
}

/// "namespace/name" of the pod's claims that exist.
std::vector<std::string> keys_of(const Json& pod) {
    std::vector<std::string> keys;
    for (const auto& entry : json_path(pod, {"spec", "resourceClaims"}))
        keys.push_back(api::object_namespace(pod) + "/" + claim_name(pod, entry));
    return keys;
}

}  // namespace

/// One prepare or unprepare under way: the drivers are called one after the other.
struct ClaimManager::Round {
    bool preparing = true;
    std::string pod_uid;
    std::vector<std::pair<std::string, std::vector<ClaimRef>>> batches;
    std::size_t next = 0;
    std::vector<std::string> keys;  ///< of the claims concerned
    Done<> done;
};

Result<std::unique_ptr<ClaimManager>> ClaimManager::open(std::filesystem::path checkpoint,
                                                         api::Store& store,
                                                         PluginManager& plugins) {
    std::unique_ptr<ClaimManager> manager(new ClaimManager(std::move(checkpoint), store, plugins));
    KND_TRY(manager->load());
    return manager;
}

Result<> ClaimManager::load() {
    auto text = read_text_file(checkpoint_);
    if (!text.ok()) {
        if (text.code() == Code::kNotFound) return {};
        return std::move(text).error();
    }
    auto json = parse_json(*text);
    if (!json.ok()) return std::move(json).error().wrap(checkpoint_.string());
    for (const auto& entry : *json) {
        Prepared claim;
        claim.ref = {json_string(entry, "namespace"), json_string(entry, "name"),
                     json_string(entry, "uid")};
        for (const auto& pod : json_strings(json_at(entry, "pods")))
            claim.pods.insert(pod);
        for (const auto& [driver, devices] : json_at(entry, "drivers").items()) {
            auto& list = claim.devices[driver];
            for (const auto& device : devices)
                list.push_back({json_strings(json_at(device, "requests")),
                                json_string(device, "pool"), json_string(device, "device"),
                                json_string(device, "shareID"),
                                json_strings(json_at(device, "cdi"))});
        }
        claims_[claim.ref.text()] = std::move(claim);
    }
    return {};
}

Result<> ClaimManager::save() const {
    Json all = Json::array();
    for (const auto& [key, claim] : claims_) {
        Json drivers = Json::object();
        for (const auto& [driver, devices] : claim.devices)
            drivers[driver] = devices_json(devices);
        all.push_back({{"namespace", claim.ref.ns},
                       {"name", claim.ref.name},
                       {"uid", claim.ref.uid},
                       {"pods", claim.pods},
                       {"drivers", drivers}});
    }
    return replace_text_file(checkpoint_, to_text(all), 0600);
}

Result<> ClaimManager::admit_claim(const Json& pod, const Json& entry, Batches& batches) {
    const auto name = claim_name(pod, entry);
    if (name.empty())
        return Error(Code::kNotFound, "ResourceClaim " + json_string(entry, "name") +
                                          " of the pod has not been created yet");
    const auto& meta = json_at(pod, "metadata");
    const auto ns = json_string(meta, "namespace");
    const auto stored = store_.get(api::Resource::kResourceClaims, ns, name);
    if (!stored.ok())
        return Error(Code::kNotFound, "failed to fetch ResourceClaim " + name +
                                          " referenced by pod " + json_string(meta, "name") + ": " +
                                          stored.error().message);
    const Json& claim = **stored;
    const ClaimRef ref{ns, name, uid_of(claim)};
    const auto known = claims_.find(ref.text());
    if (known != claims_.end() && known->second.ref.uid != ref.uid)
        return Error(Code::kFailedPrecondition, "old ResourceClaim with same name " + name +
                                                    " and different UID " + known->second.ref.uid +
                                                    " still exists");
    KND_TRY(check_owner(pod, entry, claim));
    if (!reserved_for(claim, uid_of(pod)))
        return Error(Code::kPermissionDenied,
                     "pod " + json_string(meta, "name") + " (" + uid_of(pod) +
                         ") is not allowed to use ResourceClaim " + name + " (" + ref.uid + ")");
    const auto& results = json_path(claim, {"status", "allocation", "devices", "results"});
    if (!results.is_array())
        return Error(Code::kFailedPrecondition, "ResourceClaim " + name + " is not allocated");
    auto& prepared = claims_[ref.text()];
    prepared.ref = ref;
    prepared.pods.insert(uid_of(pod));
    for (const auto& result : results)
        prepared.devices.try_emplace(json_string(result, "driver"));
    if (prepared.prepared) return {};
    for (const auto& [driver, devices] : prepared.devices) {
        if (plugins_.plugin(driver) == nullptr)
            return Error(Code::kUnavailable, "DRA driver " + driver + " is not registered");
        batches[driver].push_back(ref);
    }
    return {};
}

Result<ClaimManager::Batches> ClaimManager::admit(const Json& pod) {
    Batches batches;
    for (const auto& entry : json_path(pod, {"spec", "resourceClaims"}))
        KND_TRY(admit_claim(pod, entry, batches));
    return batches;
}

/// True when `again` will be called later, as one of the claims is in use now.
bool ClaimManager::wait_for(const std::vector<std::string>& keys, std::function<void()> again) {
    const bool busy = std::any_of(keys.begin(), keys.end(),
                                  [&](const std::string& key) { return busy_.contains(key); });
    if (busy) waiting_.push_back(std::move(again));
    return busy;
}

void ClaimManager::prepare(const Json& pod, Done<> done) {
    if (wait_for(keys_of(pod), [this, pod, done] { prepare(pod, done); })) return;
    auto batches = admit(pod);
    if (!batches.ok()) return done(std::move(batches).error().wrap("prepare dynamic resources"));
    if (batches->empty()) return done({});
    if (auto saved = save(); !saved.ok()) return done(std::move(saved).error());
    auto round = std::make_shared<Round>();
    round->pod_uid = uid_of(pod);
    for (auto& [driver, claims] : *batches) {
        for (const auto& claim : claims)
            round->keys.push_back(claim.text());
        round->batches.emplace_back(driver, std::move(claims));
    }
    round->done = [done = std::move(done)](Result<> answer) {
        done(std::move(answer).wrap("prepare dynamic resources"));
    };
    begin(std::move(round));
}

void ClaimManager::unprepare(const std::string& pod_uid, Done<> done) {
    auto round = std::make_shared<Round>();
    round->preparing = false;
    round->pod_uid = pod_uid;
    Batches batches;
    for (auto& [key, claim] : claims_) {
        if (!claim.pods.contains(pod_uid)) continue;
        round->keys.push_back(key);
        if (claim.pods.size() > 1) continue;
        for (const auto& [driver, devices] : claim.devices)
            batches[driver].push_back(claim.ref);
    }
    if (wait_for(round->keys, [this, pod_uid, done] { unprepare(pod_uid, done); })) return;
    round->done = [done](Result<> answer) {
        done(std::move(answer).wrap("unprepare dynamic resources"));
    };
    for (auto& [driver, claims] : batches)
        round->batches.emplace_back(driver, std::move(claims));
    begin(std::move(round));
}

void ClaimManager::begin(std::shared_ptr<Round> round) {
    busy_.insert(round->keys.begin(), round->keys.end());
    next_batch(std::move(round));
}

void ClaimManager::end(const std::shared_ptr<Round>& round, Result<> result) {
    for (const auto& key : round->keys)
        busy_.erase(key);
    for (const auto& again : std::exchange(waiting_, {}))
        again();
    round->done(std::move(result));
}

void ClaimManager::next_batch(std::shared_ptr<Round> round) {
    if (round->next == round->batches.size())
        return end(round, round->preparing ? finish_prepare(*round) : finish_unprepare(*round));
    const auto& [driver, claims] = round->batches[round->next++];
    auto* plugin = plugins_.plugin(driver);
    if (plugin == nullptr)
        return end(round, Error(Code::kUnavailable, "DRA driver " + driver + " is not registered"));
    auto answered = [this, alive = alive_, round](Result<ClaimAnswers> answers) {
        if (!*alive) return;
        const auto& [asked_driver, asked] = round->batches[round->next - 1];
        const std::string_view call =
            round->preparing ? "NodePrepareResources" : "NodeUnprepareResources";
        if (!answers.ok()) return end(round, std::move(answers).error().wrap(call));
        if (auto accepted = accept(asked_driver, asked, *answers, round->preparing); !accepted.ok())
            return end(round, std::move(accepted));
        next_batch(round);
    };
    if (round->preparing) return plugin->prepare(claims, std::move(answered));
    plugin->unprepare(claims, std::move(answered));
}

Result<> ClaimManager::accept(const std::string& driver, const std::vector<ClaimRef>& asked,
                              const ClaimAnswers& answers, bool preparing) {
    const std::string call = preparing ? "NodePrepareResources" : "NodeUnprepareResources";
    for (const auto& [uid, answer] : answers) {
        const auto ref = std::find_if(asked.begin(), asked.end(),
                                      [&](const ClaimRef& claim) { return claim.uid == uid; });
        if (ref == asked.end())
            return Error(Code::kInternal, call + " returned result for unknown claim UID " + uid);
        if (!answer.error.empty())
            return Error(Code::kUnknown,
                         call + " failed for ResourceClaim " + ref->name + ": " + answer.error);
        if (const auto known = claims_.find(ref->text()); preparing && known != claims_.end())
            known->second.devices[driver] = answer.devices;
    }
    if (answers.size() < asked.size())
        return Error(
            Code::kInternal,
            call + " skipped " + std::to_string(asked.size() - answers.size()) + " ResourceClaims");
    return {};
}

Result<> ClaimManager::finish_prepare(const Round& round) {
    for (const auto& key : round.keys) {
        if (const auto claim = claims_.find(key); claim != claims_.end())
            claim->second.prepared = true;
    }
    return save();
}

Result<> ClaimManager::finish_unprepare(const Round& round) {
    for (const auto& key : round.keys) {
        const auto claim = claims_.find(key);
        if (claim == claims_.end()) continue;
        claim->second.pods.erase(round.pod_uid);
        if (claim->second.pods.empty()) claims_.erase(claim);
    }
    if (round.keys.empty()) return {};
    return save();
}

std::vector<std::string> ClaimManager::cdi_ids(const Json& pod, const Json& container) const {
    std::vector<std::string> ids;
    const auto ns = api::object_namespace(pod);
    for (const auto& used : json_path(container, {"resources", "claims"})) {
        const auto request = json_string(used, "request");
        for (const auto& entry : json_path(pod, {"spec", "resourceClaims"})) {
            if (json_string(entry, "name") != json_string(used, "name")) continue;
            const auto claim = claims_.find(ns + "/" + claim_name(pod, entry));
            if (claim == claims_.end()) continue;
            for (const auto& [driver, devices] : claim->second.devices) {
                for (const auto& device : devices) {
                    const auto& names = device.requests;
                    const bool wanted =
                        request.empty() || names.empty() ||
                        std::find(names.begin(), names.end(), request) != names.end();
                    if (wanted) ids.insert(ids.end(), device.cdi_ids.begin(), device.cdi_ids.end());
                }
            }
        }
    }
    return ids;
}

std::set<std::string> ClaimManager::pods() const {
    std::set<std::string> all;
    for (const auto& [key, claim] : claims_)
        all.insert(claim.pods.begin(), claim.pods.end());
    return all;
}

}  // namespace knd::local
