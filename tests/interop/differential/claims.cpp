// SPDX-License-Identifier: Apache-2.0
#include "tests/interop/differential/claims.hpp"

#include <algorithm>

#include "tests/interop/differential/attributes.hpp"
#include "tests/interop/differential/expressions.hpp"

namespace knd::differential {
namespace {

Json selector(std::string expression) {
    return {{"cel", {{"expression", std::move(expression)}}}};
}

Json random_selectors(Random& random, const Scope& scope) {
    auto out = Json::array();
    while (random.chance(25)) {
        ExpressionOptions options{.driver = random.pick(driver_names()), .lists = scope.lists};
        options.plain = random.chance(scope.broken ? 80 : 98);
        options.depth = options.plain ? 2 : 3;
        options.garbage = scope.broken ? 1 : 0;
        auto text = random_expression(random, options);
        // As people do it: what a foreign device lacks would end the whole allocation.
        if (!random.chance(scope.broken ? 30 : 3))
            text = "device.driver == '" + options.driver + "' && (" + text + ")";
        out.push_back(selector(std::move(text)));
    }
    return out;
}

Json random_config(Random& random) {
    return {{"opaque",
             {{"driver", random.pick(driver_names())},
              {"parameters", {{"mtu", random.between(1400, 9000)}}}}}};
}

/// One claim: requests, then constraints and configurations about them.
class ClaimMaker {
  public:
    ClaimMaker(Random& random, const Scope& scope) : random_(random), scope_(scope) {
        distinct_ = scope.distinct && random.chance(30);
    }

    Json make(std::size_t number) {
        Json devices = {{"requests", Json::array()}};
        for (auto n = random_.chance(50) ? 1 : random_.between(2, 3); n > 0; --n)
            devices["requests"].push_back(request("r" + std::to_string(names_.size())));
        while (random_.chance(20))
            devices["constraints"].push_back(constraint());
        while (random_.chance(15)) {
            auto config = random_config(random_);
            if (random_.chance(60)) config["requests"] = some_names();
            devices["config"].push_back(std::move(config));
        }
        return {{"metadata", {{"name", "claim-" + std::to_string(number)}, {"namespace", "ns"}}},
                {"spec", {{"devices", devices}}}};
    }

  private:
    Json request(const std::string& name) {
        names_.push_back(name);
        Json out = {{"name", name}};
        if (!scope_.first_available || !random_.chance(35)) {
            out["exactly"] = exact(false);
            return out;
        }
        for (std::int64_t i = random_.between(1, 3); i > 0; --i) {
            auto sub = exact(true);
            sub["name"] = "s" + std::to_string(i);
            names_.push_back(name + "/s" + std::to_string(i));
            out["firstAvailable"].push_back(std::move(sub));
        }
        return out;
    }

    Json exact(bool is_sub) {
        Json out = {{"deviceClassName", random_class()},
                    {"allocationMode", "ExactCount"},
                    {"count", random_count()}};
        if (random_.chance(15) && !distinct_) {
            out["allocationMode"] = "All";
            out.erase("count");
        }
        if (auto selectors = random_selectors(random_, scope_); !selectors.empty())
            out["selectors"] = std::move(selectors);
        if (scope_.admin && !is_sub && random_.chance(15)) out["adminAccess"] = true;
        while (scope_.taints && random_.chance(25))
            out["tolerations"].push_back(toleration());
        if (scope_.capacity && random_.chance(25))
            for (auto n = random_.between(1, 2); n > 0; --n)
                out["capacity"]["requests"][random_.pick(capacity_names())] =
                    random_.chance(80)
                        ? std::to_string(random_.between(0, 20))
                        : std::string(random_.pick({"100m", "1500m", "1Ki", "1.5Gi", "0", "3G"}));
        while (scope_.derived && random_.chance(15))
            out["derivedAttributes"].push_back(
                {{"name", "derived.example.com/" + std::string(random_.pick({"a", "b"}))},
                 {"expression", derived_expression()}});
        if (scope_.broken && random_.chance(1)) break_request(out);
        return out;
    }

    /// What devices of all drivers have, mostly; and what is no attribute at all.
    std::string derived_expression() {
        if (random_.chance(95))
            return std::string(random_.pick(
                {"device.driver", "size(device.attributes)", "device.driver == 'knd.dev'",
                 "device.attributes[device.driver].?numa.orValue(1)",
                 "device.attributes[device.driver].?fw.orValue(semver('1.0.0'))",
                 "device.attributes[device.driver].?model.orValue('a')",
                 "['a', device.attributes[device.driver].?model.orValue('b')]", "[device.driver]",
                 "has(device.attributes['knd.dev'].fw) ? [1, 2] : [2, 3]"}));
        return std::string(random_.pick({"device.capacity", "1.5", "device.attributes['a'].b",
                                         "device.driver +", "[[1]]", "{}", "[]"}));
    }

    std::string random_class() {
        if (scope_.broken && random_.chance(1)) return "missing";
        return std::string(
            random_.pick({"any", "any", "any", "any", "class-0", "class-1", "class-2"}));
    }

    std::int64_t random_count() {
        if (distinct_ && !scope_.flaws) return 1;
        if (scope_.broken && random_.chance(1)) return random_.between(30, 40);
        // Releases before 1.36 try devices in all orders, which takes them long.
        return random_.chance(60) ? 1 : random_.between(2, scope_.release < 36 ? 2 : 4);
    }

    void break_request(Json& request) {
        switch (random_.below(3)) {
            case 0:
                request["deviceClassName"] = "";
                break;
            case 1:
                request["allocationMode"] = "Some";
                break;
            default:
                request["selectors"].push_back(Json::object());
        }
    }

    Json toleration() {
        Json out = {{"operator", random_.pick({"Exists", "Equal"})}};
        if (out["operator"] == "Equal" || random_.chance(80))
            out["key"] = random_.pick({"broken", "dedicated"});
        if (out["operator"] == "Equal") out["value"] = random_.pick({"yes", "no"});
        if (random_.chance(40)) out["effect"] = random_.pick({"NoSchedule", "NoExecute"});
        if (random_.chance(10)) out["tolerationSeconds"] = 30;
        return out;
    }

    Json some_names() {
        auto out = Json::array();
        for (const auto& name : names_)
            if (random_.chance(40)) out.push_back(name);
        return out;
    }

    Json constraint() {
        Json out = Json::object();
        if (random_.chance(50)) out["requests"] = some_names();
        if (scope_.broken && random_.chance(2)) return out;
        const bool distinct = distinct_ && random_.chance(60);
        out[distinct ? "distinctAttribute" : "matchAttribute"] = attribute(distinct);
        return out;
    }

    std::string attribute(bool distinct) {
        if (scope_.derived && random_.chance(40))
            return "derived.example.com/" + std::string(random_.pick({"a", "b"}));
        if (random_.chance(30)) return std::string(standard_domain()) + "/pcieRoot";
        const auto driver = random_.pick(driver_names());
        // Upstream forgets what lists had in common before it went back (known flaw).
        if (scope_.lists && random_.chance(30) && (distinct || scope_.flaws))
            return driver + "/" + random_.pick(list_attribute_names()).id;
        return driver + "/" + random_.pick(attribute_names()).id;
    }

    Random& random_;
    const Scope& scope_;
    bool distinct_ = false;
    std::vector<std::string> names_;
};

}  // namespace

Json random_classes(Random& random, const Scope& scope) {
    auto out = Json::array({{{"metadata", {{"name", "any"}}}, {"spec", Json::object()}}});
    for (int i = 0; i < 3; ++i) {
        Json spec = Json::object();
        if (random.chance(70))
            spec["selectors"].push_back(
                selector("device.driver == '" + random.pick(driver_names()) + "'"));
        for (auto& more : random_selectors(random, scope))
            spec["selectors"].push_back(more);
        while (random.chance(30))
            spec["config"].push_back(random_config(random));
        out.push_back({{"metadata", {{"name", "class-" + std::to_string(i)}}}, {"spec", spec}});
    }
    return out;
}

Json random_claims(Random& random, const Scope& scope) {
    auto out = Json::array();
    const auto count = static_cast<std::size_t>(random.chance(60) ? 1 : random.between(2, 3));
    for (std::size_t i = 0; i < count; ++i)
        out.push_back(ClaimMaker(random, scope).make(i));
    return out;
}

}  // namespace knd::differential
