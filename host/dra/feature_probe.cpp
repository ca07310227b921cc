// SPDX-License-Identifier: Apache-2.0
#include "host/dra/feature_probe.hpp"

#include <algorithm>
#include <charconv>

#include "host/kube/resource_api.hpp"

namespace knd::dra {
namespace {

/// "36" of "36" or "36+".
int minor_of(const Json& version) {
    const auto text = json_string(version, "minor");
    int minor = 0;
    std::from_chars(text.data(), text.data() + text.size(), minor);
    return minor;
}

bool is_list(const AttributeValue& value) {
    return std::visit(
        [](const auto& v) {
            using T = std::decay_t<decltype(v)>;
            return std::is_same_v<T, std::vector<std::int64_t>> ||
                   std::is_same_v<T, std::vector<bool>> ||
                   std::is_same_v<T, std::vector<std::string>> ||
                   std::is_same_v<T, std::vector<Version>>;
        },
        value);
}

/// Whether the server itself has decided; anything else may be otherwise in a moment.
bool is_refusal(Code code) {
    return code == Code::kInvalidArgument || code == Code::kPermissionDenied ||
           code == Code::kNotFound || code == Code::kUnimplemented ||
           code == Code::kFailedPrecondition || code == Code::kUnknown;
}

bool not_empty(const Json& value) {
    return value.is_structured() && !value.empty();
}

}  // namespace

FeatureNeeds feature_needs(const DeviceListing& listing) {
    FeatureNeeds needs;
    for (const auto& device : listing.devices) {
        const bool lists =
            std::any_of(device.attributes.begin(), device.attributes.end(),
                        [](const auto& attribute) { return is_list(attribute.second); });
        needs.lists = needs.lists || lists;
        needs.any = needs.any || lists || device.shareable || !device.consumes.empty() ||
                    !device.taints.empty();
    }
    needs.any = needs.any || !listing.counters.empty();
    return needs;
}

struct FeatureProbe::Question {
    std::string version;
    bool lists = false;
    bool tried_other = false;  ///< form of counters
    Done<ProbeAnswer> done;
    ProbeAnswer answer;
};

void FeatureProbe::ask_version(Done<std::string> done) {
    client_.get("/version", "", [done = std::move(done)](const Result<Json>& version) {
        if (!version) return done(version.error());
        done(json_string(*version, "gitVersion"));
    });
}

void FeatureProbe::ask(const std::string& version, bool lists, Done<ProbeAnswer> done) {
    auto question = std::make_shared<Question>();
    question->version = version;
    question->lists = lists;
    question->done = std::move(done);
    question->answer.features = {false, false, false, false};
    client_.get("/version", "",
                [this, weak = std::weak_ptr(alive_), question](const Result<Json>& release) {
                    if (weak.expired()) return;
                    if (!release && !is_refusal(release.code()))
                        return question->done(release.error());
                    if (release) {
                        question->answer.minor = minor_of(*release);
                        question->answer.git_version = json_string(*release, "gitVersion");
                    }
                    const bool old = question->answer.minor != 0 && question->answer.minor < 35;
                    try_slice(question, old ? Form::kTogether : Form::kApart);
                });
}

Json FeatureProbe::slice(const Question& question, Form form) const {
    Json device = {{"name", "probe"}};
    Json spec = {{"driver", options_.driver},
                 {"nodeName", options_.node},
                 {"pool", {{"name", options_.node}, {"generation", 1}, {"resourceSliceCount", 1}}}};
    if (form == Form::kLists) {
        device["attributes"]["probe"] = {{"strings", {"a", "b"}}};
    } else {
        const Json counters = {{"probe", {{"value", "1"}}}};
        device["allowMultipleAllocations"] = true;
        device["capacity"]["probe"] = {
            {"value", "2"}, {"requestPolicy", {{"default", "1"}, {"validRange", {{"min", "1"}}}}}};
        device["consumesCounters"] =
            Json::array({{{"counterSet", "probe"}, {"counters", counters}}});
        device["taints"] = Json::array({{{"key", "probe"}, {"effect", "NoSchedule"}}});
        if (form == Form::kTogether)
            spec["sharedCounters"] = Json::array({{{"name", "probe"}, {"counters", counters}}});
    }
    spec["devices"] =
        Json::array({kube::ResourceApi::device_to(question.version, std::move(device))});
    return {{"apiVersion", kube::ResourceApi::group_version(question.version)},
            {"kind", "ResourceSlice"},
            {"metadata", {{"generateName", "probe-" + options_.driver + "-"}}},
            {"spec", std::move(spec)}};
}

void FeatureProbe::try_slice(const std::shared_ptr<Question>& question, Form form) {
    client_.create(
        kube::ResourceApi::slices(question->version), to_text(slice(*question, form)),
        [this, weak = std::weak_ptr(alive_), question, form](const Result<Json>& stored) {
            if (!weak.expired()) take(question, form, stored);
        },
        {{"dryRun", "All"}});
}

void FeatureProbe::take(const std::shared_ptr<Question>& question, Form form,
                        const Result<Json>& stored) {
    if (!stored && !is_refusal(stored.code())) return question->done(stored.error());
    auto& answer = question->answer;
    auto& features = answer.features;
    Json device;
    if (stored) {
        const auto& devices = json_path(*stored, {"spec", "devices"});
        if (devices.is_array() && !devices.empty())
            device = kube::ResourceApi::device_from(question->version, devices.front());
    }
    if (form == Form::kLists) {
        // A server without lists refuses an attribute that has nothing else.
        answer.lists_tried = true;
        features.lists = not_empty(json_path(device, {"attributes", "probe", "strings"}));
        return question->done(answer);
    }
    // A server may follow other rules than those of the release that it says it is.
    if (stored.code() == Code::kInvalidArgument && !std::exchange(question->tried_other, true))
        return try_slice(question, form == Form::kApart ? Form::kTogether : Form::kApart);
    if (!stored) {
        answer.refused = stored.error().message();
        return question->done(answer);
    }
    answer.together = form == Form::kTogether;
    features.counters = not_empty(json_at(device, "consumesCounters"));
    features.taints = not_empty(json_at(device, "taints"));
    features.consumable = json_bool(device, "allowMultipleAllocations") &&
                          not_empty(json_path(device, {"capacity", "probe", "requestPolicy"}));
    if (!question->lists) return question->done(answer);
    try_slice(question, Form::kLists);
}

}  // namespace knd::dra
