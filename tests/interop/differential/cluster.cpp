// SPDX-License-Identifier: Apache-2.0
#include "tests/interop/differential/cluster.hpp"

#include <algorithm>

#include "tests/interop/differential/attributes.hpp"
#include "tests/interop/differential/claims.hpp"

namespace knd::differential {
namespace {

constexpr std::size_t kNodesTried = 3;

std::string numbered(std::string_view text, std::size_t n) {
    return std::string(text) + std::to_string(n);
}

Json random_node(Random& random, std::size_t n, bool operations) {
    Json labels = {{"kubernetes.io/hostname", numbered("node-", n)},
                   {"zone", random.pick({"a", "b"})}};
    if (random.chance(50)) labels["gpus"] = std::to_string(random.between(0, 8));
    Json out = {{"apiVersion", "v1"},
                {"kind", "Node"},
                {"metadata", {{"name", numbered("node-", n)}, {"labels", labels}}}};
    if (operations && random.chance(60))
        out["status"]["declaredFeatures"] = Json::array({"DRAOptionalNodeOperations"});
    return out;
}

Json requirement(std::string_view key, std::string_view op, Json values) {
    Json out = {{"key", key}, {"operator", op}};
    if (!values.empty()) out["values"] = std::move(values);
    return out;
}

Json random_node_selector(Random& random, std::size_t nodes) {
    Json term = Json::object();
    std::vector<Json> labels;
    switch (random.below(5)) {
        case 0:
            labels = {requirement("zone", "In", Json::array({random.pick({"a", "b"})}))};
            break;
        case 1:
            labels = {requirement("gpus", random.pick({"Gt", "Lt"}), Json::array({"3"}))};
            break;
        case 2:
            labels = {requirement("gpus", random.pick({"Exists", "DoesNotExist"}), {}),
                      requirement("zone", "NotIn", Json::array({"c", random.pick({"a", "b"})}))};
            break;
        default:
            term["matchFields"] = Json::array({requirement(
                "metadata.name", "In", Json::array({numbered("node-", random.below(nodes))}))});
    }
    if (!labels.empty()) term["matchExpressions"] = labels;
    return {{"nodeSelectorTerms", Json::array({term})}};
}

Json random_taint(Random& random) {
    return {{"key", random.pick({"broken", "dedicated"})},
            {"value", random.pick({"", "yes", "no"})},
            {"effect", random.pick({"NoSchedule", "NoExecute", "None"})}};
}

/// One pool of one driver, written into its slices.
class PoolMaker {
  public:
    PoolMaker(Random& random, const Scope& scope, std::string driver, std::string pool,
              std::size_t nodes)
        : random_(random),
          scope_(scope),
          driver_(std::move(driver)),
          pool_(std::move(pool)),
          nodes_(nodes),
          generation_(random.between(1, 3)) {
        counted_ = scope.counters && random.chance(40);
        big_ = counted_ && random.chance(30);
        per_device_ = scope.per_device && random.chance(15);
        binding_ = scope.binding && random.chance(25);
        grouped_ = scope.groups && random.chance(50);
        skips_ = scope.operations && random.chance(30);
        // 1.35 takes the counters of two drivers' pools of one name for the same.
        if (counted_ && scope.release == 35) pool_ += "-" + driver_.substr(0, 3);
    }

    /// `node` empty: reached over the network.
    std::vector<Json> make(const std::string& node, std::size_t devices) {
        const auto slices = static_cast<std::size_t>(random_.between(1, 3));
        reach(node);
        std::vector<Json> out;
        for (std::size_t i = 0; i < slices; ++i)
            out.push_back(slice(i));
        for (std::size_t i = 0; i < devices; ++i)
            out[random_.below(slices)]["spec"]["devices"].push_back(device(i));
        // Before 1.35 counters are those of the slice.
        if (counted_ && scope_.release >= 35) out.push_back(counter_slice());
        if (counted_ && scope_.release < 35)
            for (auto& one : out)
                if (random_.chance(90))
                    one["spec"]["sharedCounters"] = counter_slice()["spec"]["sharedCounters"];
        for (auto& one : out)
            one["spec"]["pool"]["resourceSliceCount"] = out.size();
        if (scope_.broken && random_.chance(15)) break_pool(out);
        return out;
    }

  private:
    void reach(const std::string& node) {
        if (per_device_)
            reach_ = {{"perDeviceNodeSelection", true}};
        else if (!node.empty())
            reach_ = {{"nodeName", node}};
        else if (random_.chance(50))
            reach_ = {{"allNodes", true}};
        else
            reach_ = {{"nodeSelector", random_node_selector(random_, nodes_)}};
    }

    Json slice(std::size_t i) const {
        Json spec = reach_;
        spec["driver"] = driver_;
        if (skips_) spec["skipNodeOperations"] = Json::array({"NodePrepareResources"});
        spec["pool"] = {{"name", pool_}, {"generation", generation_}};
        return {{"metadata", {{"name", slice_name(i)}}}, {"spec", spec}};
    }

    std::string slice_name(std::size_t i) const {
        // Neither in the order of the drivers nor in that of their making.
        return numbered(pool_ + "-" + driver_.substr(0, 3) + "-", (i * 7 + pool_.size()) % 10) +
               numbered("-", i);
    }

    Json device(std::size_t i) {
        auto out = random_device(random_, driver_,
                                 {scope_.lists, scope_.capacity, random_.chance(70) ? 0u : 15u,
                                  scope_.fractions && random_.chance(40)});
        out["name"] = numbered("dev-", i);
        if (per_device_) {
            if (random_.chance(60))
                out["nodeName"] = numbered("node-", random_.below(nodes_));
            else if (random_.chance(50))
                out["allNodes"] = true;
            else
                out["nodeSelector"] = random_node_selector(random_, nodes_);
        }
        if (scope_.taints && random_.chance(30)) out["taints"] = random_taints();
        if (counted_ && random_.chance(70)) out["consumesCounters"] = consumption();
        if (binding_ && random_.chance(60)) {
            out["bindingConditions"] = Json::array({"ready"});
            out["bindingFailureConditions"] = Json::array({"failed"});
            if (random_.chance(50)) out["bindsToNode"] = true;
        }
        return out;
    }

    Json random_taints() {
        auto out = Json::array();
        for (auto n = random_.between(1, 2); n > 0; --n)
            out.push_back(random_taint(random_));
        return out;
    }

    Json consumption() {
        Json counters = {{"memory", {{"value", amount(1, 4)}}}};
        if (random_.chance(50)) counters["cores"] = {{"value", "1"}};
        auto out = Json::array({{{"counterSet", "set-0"}, {"counters", counters}}});
        if (random_.chance(20))
            out.push_back(
                {{"counterSet", "set-1"}, {"counters", {{"memory", {{"value", amount(1, 1)}}}}}});
        if (grouped_)
            for (auto& one : out)
                for (const auto* group : {"red", "green", "blue"})
                    if (random_.chance(40)) one["compatibilityGroups"].push_back(group);
        return out;
    }

    /// Of a counter; some are such that Kubernetes holds them as big decimals.
    std::string amount(int least, int most) {
        const auto count = random_.between(least, most);
        if (!big_) return std::to_string(count);
        if (random_.chance(30)) return std::to_string(count * 512);
        return std::to_string(count / 2) + (count % 2 == 0 ? ".0Ki" : ".5Ki");
    }

    Json counter_slice() {
        auto out = slice(9);
        auto sets = Json::array();
        for (const auto* name : {"set-0", "set-1"})
            sets.push_back({{"name", name},
                            {"counters",
                             {{"memory", {{"value", amount(2, 8)}}},
                              {"cores", {{"value", std::to_string(random_.between(1, 4))}}}}}});
        out["spec"]["sharedCounters"] = sets;
        return out;
    }

    void break_pool(std::vector<Json>& slices) {
        auto& one = slices[random_.below(slices.size())];
        switch (random_.below(7)) {
            case 0:
                one["spec"]["pool"]["generation"] = generation_ + random_.between(-1, 1);
                break;
            case 1:
                slices.pop_back();
                break;
            case 2:
                for (auto& each : slices)
                    each["spec"]["pool"]["resourceSliceCount"] = slices.size() + 1;
                break;
            case 3:
                if (json_path(one, {"spec", "devices"}).size() > 1)
                    one["spec"]["devices"][0]["name"] = one["spec"]["devices"][1]["name"];
                break;
            case 4:
                slices.push_back(outdated(one));
                break;
            case 5:
                if (!json_path(one, {"spec", "devices"}).empty() && scope_.counters)
                    one["spec"]["devices"][0]["consumesCounters"] =
                        Json::array({{{"counterSet", "nowhere"},
                                      {"counters", {{"memory", {{"value", "1"}}}}}}});
                break;
            default:
                // A newer generation that this node may not see.
                slices.push_back(outdated(one));
                slices.back()["spec"]["pool"]["generation"] = generation_ + 1;
                if (slices.back()["spec"].contains("nodeName"))
                    slices.back()["spec"]["nodeName"] = numbered("node-", random_.below(nodes_));
        }
    }

    Json outdated(Json slice) const {
        slice["metadata"]["name"] = "old-" + json_string(slice["metadata"], "name");
        slice["spec"]["pool"]["generation"] = generation_ - 1;
        return slice;
    }

    Random& random_;
    const Scope& scope_;
    std::string driver_;
    std::string pool_;
    std::size_t nodes_;
    std::int64_t generation_;
    Json reach_;
    bool counted_ = false;
    bool big_ = false;
    bool grouped_ = false;
    bool skips_ = false;
    bool per_device_ = false;
    bool binding_ = false;
};

std::size_t random_device_count(Random& random) {
    if (random.chance(80)) return static_cast<std::size_t>(random.between(1, 6));
    return static_cast<std::size_t>(random.chance(70) ? random.between(4, 12)
                                                      : random.between(12, 64));
}

Json random_slices(Random& random, const Scope& scope, std::size_t nodes) {
    std::vector<Json> all;
    const auto drivers = static_cast<std::size_t>(random.between(1, 3));
    for (std::size_t d = 0; d < drivers; ++d) {
        const auto& driver = driver_names()[d];
        const bool networked = random.chance(30);
        const auto pools = networked ? static_cast<std::size_t>(random.between(1, 3)) : nodes;
        for (std::size_t p = 0; p < pools; ++p) {
            const auto node = networked ? std::string() : numbered("node-", p);
            PoolMaker maker(random, scope, driver, networked ? numbered("fabric-", p) : node,
                            nodes);
            for (auto& slice : maker.make(node, random_device_count(random)))
                all.push_back(std::move(slice));
        }
    }
    // The order in which a list gives them must not matter.
    for (auto i = all.size(); i > 1; --i)
        std::swap(all[i - 1], all[random.below(i)]);
    return all;
}

/// Some of the devices, and one that has gone since.
Json random_allocated(Random& random, const Json& slices) {
    auto out = Json::array();
    const unsigned share = random.chance(40) ? 0 : random.chance(60) ? 20 : 60;
    const auto add = [&](const Json& spec, const std::string& device) -> Json& {
        out.push_back({{"request", "r"},
                       {"driver", spec["driver"]},
                       {"pool", spec["pool"]["name"]},
                       {"device", device}});
        return out.back();
    };
    for (const auto& slice : slices) {
        const auto& spec = slice["spec"];
        for (const auto& device : json_at(spec, "devices")) {
            if (!random.chance(share)) continue;
            auto& result = add(spec, json_string(device, "name"));
            if (!json_bool(device, "allowMultipleAllocations") || random.chance(10)) continue;
            result["shareID"] = numbered("share-", out.size());
            for (const auto& item : json_at(device, "capacity").items())
                result["consumedCapacity"][item.key()] = std::to_string(random.between(0, 8));
        }
        if (random.chance(3)) add(spec, "gone");
    }
    return out;
}

/// Taints for some of the devices: by driver, pool, name, all of them, or none of these.
Json random_rules(Random& random, std::size_t nodes) {
    auto out = Json::array();
    for (auto n = random.between(1, 3); n > 0; --n) {
        Json spec = {{"taint", random_taint(random)}};
        if (!random.chance(5)) {
            auto& selector = spec["deviceSelector"] = Json::object();
            if (random.chance(50)) selector["driver"] = random.pick(driver_names());
            if (random.chance(40)) selector["pool"] = numbered("node-", random.below(nodes));
            if (random.chance(40)) selector["device"] = numbered("dev-", random.below(4));
        }
        out.push_back({{"metadata", {{"name", numbered("rule-", out.size())}}}, {"spec", spec}});
    }
    return out;
}

Json random_features(Random& random, const Scope& scope) {
    Json out = {{"adminAccess", true},          {"prioritizedList", true},
                {"partitionableDevices", true}, {"deviceTaints", true},
                {"consumableCapacity", true},   {"deviceBinding", true},
                {"listAttributes", scope.lists}};
    if (scope.release >= 37) {
        out["fractionalRange"] = scope.fractions && random.chance(80);
        out["compatibilityGroups"] = scope.groups && random.chance(40);
        out["derivedAttributes"] = scope.derived && random.chance(75);
        out["optionalNodeOperations"] = scope.operations && random.chance(40);
    }
    if (scope.toggled && random.chance(25))
        for (auto& item : out.items())
            if (random.chance(30)) item.value() = false;
    return out;
}

}  // namespace

bool Scope::parse(std::string_view text) {
    const std::pair<std::string_view, bool*> kNames[] = {{"firstAvailable", &first_available},
                                                         {"distinct", &distinct},
                                                         {"admin", &admin},
                                                         {"taints", &taints},
                                                         {"counters", &counters},
                                                         {"perDevice", &per_device},
                                                         {"capacity", &capacity},
                                                         {"binding", &binding},
                                                         {"lists", &lists},
                                                         {"flaws", &flaws},
                                                         {"rules", &rules},
                                                         {"fractions", &fractions},
                                                         {"groups", &groups},
                                                         {"derived", &derived},
                                                         {"operations", &operations}};
    while (!text.empty()) {
        const auto end = std::min(text.find(','), text.size());
        const auto name = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        bool known = name == "all" || name == "basic";
        for (const auto& [known_name, value] : kNames) {
            const bool meant = name == known_name || (name == "all");
            if (meant) *value = known = true;
        }
        if (!known) return false;
    }
    return true;
}

void Scope::limit() {
    if (release < 37) fractions = groups = derived = operations = false;
    if (release < 36) lists = false;
    // 1.34 compares requests with the capacity of another device than the one it takes.
    if (release < 35) capacity = false;
    if (release < 34) distinct = binding = false;
    if (release < 33) first_available = counters = per_device = taints = rules = false;
}

Json random_cluster(Random& random, const Scope& scope) {
    const auto count =
        static_cast<std::size_t>(random.chance(70) ? random.between(1, 3) : random.between(4, 20));
    Json out = {{"kind", "alloc"}, {"nodes", Json::array()}};
    out["features"] = random_features(random, scope);
    Scope used = scope;
    used.lists = scope.lists && random.chance(40);
    used.broken = scope.broken && random.chance(30);
    out["features"]["listAttributes"] = used.lists;
    if (scope.release != 36) out["features"]["kubernetes"] = scope.release;
    const auto first = random.below(count);
    for (std::size_t i = 0; i < std::min(count, kNodesTried); ++i)
        out["nodes"].push_back(random_node(random, (first + i) % count, scope.operations));
    if (scope.release < 35) out["features"]["consumableCapacity"] = false;
    out["slices"] = random_slices(random, used, count);
    out["classes"] = random_classes(random, used);
    out["claims"] = random_claims(random, used);
    if (scope.rules && random.chance(20)) out["taintRules"] = random_rules(random, count);
    out["allocated"] = random_allocated(random, out["slices"]);
    return out;
}

}  // namespace knd::differential
