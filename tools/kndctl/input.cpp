// SPDX-License-Identifier: Apache-2.0
#include "tools/kndctl/input.hpp"

#include <CLI/CLI.hpp>
#include <utility>

#include "host/manifest/manifest.hpp"
#include "host/validation/validation.hpp"
#include "tools/kndctl/live.hpp"
#include "tools/kndctl/output.hpp"

namespace knd::ctl {
namespace {

constexpr char kInputGroup[] = "Where the cluster comes from";
constexpr char kRulesGroup[] = "Which Kubernetes decides";

/// A cluster is asked when it is named, or when there is nothing else.
bool wants_live(const InputOptions& options) {
    return options.files.empty() || !options.kubeconfig.empty() || !options.context.empty();
}

Result<Gates> make_gates(const std::string& version, const std::string& features) {
    return Gates::make(version.empty() ? "1.36" : version, features);
}

/// As kubectl asks for it: also that there are no unknown fields.
Result<void> validate(Json object, const Gates& gates) {
    std::vector<std::string> unknown;
    KND_TRY(validation::validate_object(std::move(object), gates, &unknown));
    std::string text;
    for (const auto& field : unknown)
        text.append(text.empty() ? "strict decoding error: " : ", ").append(field);
    if (text.empty()) return {};
    return Error(Code::kInvalidArgument, text);
}

/// What an API server would not take is told of in its words. Not refused unless asked for: another
/// version may take it, and kube-scheduler decides about what is stored. An API server that is
/// asked has validated its objects itself.
Result<void> collect_files(const InputOptions& options, const Gates& gates,
                           simulate::Collector& collector) {
    const auto take = [&](Json object, const Origin& origin) -> Result<void> {
        // First, as the object is given away below. Strict reading ends with the first that is
        // wrong.
        auto added = collector.add(object, origin.text());
        if (options.validate != "ignore") {
            const auto valid = validate(std::move(object), gates);
            if (!valid && options.validate == "strict") return valid.error();
            if (!valid) remark(origin.text() + ": " + valid.error().message());
        }
        return added;
    };
    return manifest::for_each_object(options.files, take);
}

}  // namespace

void add_input_options(CLI::App& command, InputOptions& options) {
    command
        .add_option("-f,--filename", options.files,
                    "manifests: files, directories, or - for stdin; YAML or JSON, also what "
                    "`kubectl get ... -o json` prints")
        ->type_name("FILE")
        ->group(kInputGroup);
    command
        .add_option(
            "--validate", options.validate,
            "manifests that no API server of that version would take: strict refuses them, warn "
            "says so, ignore does not look")
        ->check(CLI::IsMember({"strict", "warn", "ignore"}))
        ->capture_default_str()
        ->group(kInputGroup);
    command
        .add_option("--kubeconfig", options.kubeconfig,
                    "ask this cluster; without -f: $KUBECONFIG, the pod's service account, or "
                    "~/.kube/config")
        ->type_name("FILE")
        ->group(kInputGroup);
    command.add_option("--context", options.context, "context of the kubeconfig")
        ->type_name("NAME")
        ->group(kInputGroup);
    command
        .add_option("--node", options.nodes,
                    "look at these nodes only; default: every Node, or without any every nodeName "
                    "of the slices")
        ->type_name("NAME")
        ->group(kInputGroup);
    command
        .add_option("--kubernetes", options.kubernetes,
                    "version whose rules hold, 1.32 to 1.37; default: the cluster's own, 1.36 for "
                    "manifests")
        ->type_name("1.NN")
        ->group(kRulesGroup);
    command
        .add_option("--features", options.features,
                    "feature gates that differ from the version's defaults")
        ->type_name("+A,-B")
        ->group(kRulesGroup);
    command
        .add_flag("--compat", options.compat,
                  "decide as kube-scheduler does also where it is known to be wrong")
        ->group(kRulesGroup);
}

Result<std::unique_ptr<simulate::Cluster>> read_cluster(const InputOptions& options) {
    // Before anything is read, so that a typing error is heard at once.
    KND_TRY_ASSIGN(auto gates, make_gates(options.kubernetes, options.features));
    simulate::Collector collector;
    KND_TRY(collect_files(options, gates, collector));
    if (wants_live(options)) {
        const auto role =
            options.files.empty() ? simulate::Role::kAsked : simulate::Role::kBackground;
        KND_TRY_ASSIGN(const auto live,
                       collect_live({options.kubeconfig, options.context}, collector, role));
        if (options.kubernetes.empty() && live.kubernetes_minor != 0) {
            KND_TRY_ASSIGN(
                gates, make_gates("1." + std::to_string(live.kubernetes_minor), options.features));
        }
    }
    return simulate::Cluster::make(collector.take(),
                                   {std::move(gates), options.compat, options.nodes});
}

}  // namespace knd::ctl
