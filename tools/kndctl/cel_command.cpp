// SPDX-License-Identifier: Apache-2.0
#include "tools/kndctl/cel_command.hpp"

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <utility>

#include "host/alloc/allocator.hpp"
#include "host/cel/cel.hpp"
#include "host/cel/explain.hpp"
#include "host/manifest/manifest.hpp"
#include "host/model/nearest.hpp"
#include "host/model/resource.hpp"
#include "host/model/yaml.hpp"
#include "tools/kndctl/simulate/gates.hpp"

namespace knd::ctl {
namespace {

struct Options {
    std::string expression;
    std::string device;
    std::string driver;
    std::string name;
    std::string kubernetes = "1.36";
    std::string features;
};

struct Answer {
    std::string type;
    Json result;
    std::string error;
    std::uint64_t cost = 0;
    std::uint64_t estimated_cost = 0;  ///< the most it can be on any device
    std::vector<std::string> reasons;
};

Error invalid(std::string message) {
    return {Code::kInvalidArgument, std::move(message)};
}

/// A slice around a device, so that the one reader of slices reads it.
Json slice_around(const Json& device, const std::string& driver) {
    return {{"metadata", {{"name", "slice"}}},
            {"spec", {{"driver", driver}, {"devices", Json::array({device})}}}};
}

/// The slices of the file, or one around the device that it is.
Result<std::vector<api::ResourceSlice>> read_slices(const Options& options) {
    KND_TRY_ASSIGN(const auto source, manifest::read_source(options.device));
    KND_TRY_ASSIGN(const auto document, parse_yaml(source.text, {source.name, 1}));
    std::vector<api::ResourceSlice> out;
    const auto take = [&](const Json& object) -> Result<void> {
        if (json_string(object, "kind") != "ResourceSlice") return {};
        KND_TRY_ASSIGN(auto slice, api::read_resource_slice(object));
        out.push_back(std::move(slice));
        return {};
    };
    if (document.is_object() && !document.contains("kind")) {
        auto slice = api::read_resource_slice(slice_around(document, options.driver));
        if (!slice.ok()) return std::move(slice).error().wrap(source.name);
        out.push_back(*std::move(slice));
        return out;
    }
    KND_TRY(manifest::for_each_object(
        source, [&](const Json& object, const Origin&) { return take(object); }));
    return out;
}

struct ChosenDevice {
    std::string driver;
    api::SliceDevice device;
};

/// The one device that is meant.
Result<ChosenDevice> choose_device(const Options& options) {
    KND_TRY_ASSIGN(auto slices, read_slices(options));
    std::vector<ChosenDevice> found;
    std::vector<std::string> names;
    for (auto& slice : slices) {
        const auto& driver = options.driver.empty() ? slice.driver : options.driver;
        if (!slice.driver.empty() && driver != slice.driver) continue;
        for (auto& device : slice.devices) {
            names.push_back(device.name);
            if (options.name.empty() || device.name == options.name)
                found.push_back({driver, std::move(device)});
        }
    }
    if (found.empty())
        return invalid(options.device + " has no device" +
                       (options.name.empty() ? "" : " \"" + options.name + "\"") +
                       did_you_mean(options.name, names));
    if (found.size() > 1)
        return invalid(options.device + " has " + std::to_string(found.size()) +
                       " devices that may be meant; choose one with --name and --driver, or give "
                       "the one alone");
    if (found.front().driver.empty())
        return invalid("the driver is not known; name it with --driver, or give the whole slice");
    return std::move(found.front());
}

Result<cel::OwnedDevice> owned(const ChosenDevice& chosen, const alloc::Features& features) {
    const auto& device = chosen.device;
    KND_TRY(alloc::check_attributes(device, features));
    std::map<std::string, std::string> capacity;
    for (const auto& [name, value] : device.capacity)
        capacity[name] = value.value.text();
    return cel::OwnedDevice::make(chosen.driver, device.attributes, capacity,
                                  device.allow_multiple_allocations);
}

Answer evaluate(const cel::Program& program, const cel::DeviceView& view) {
    Answer answer;
    answer.type = program.result_type();
    answer.estimated_cost = program.estimated_cost();
    cel::Arena arena;
    const auto value = program.evaluate(view, arena, {}, &answer.cost);
    if (value.ok())
        answer.result = cel::to_json(*value);
    else
        answer.error = value.error().message();
    for (const auto& decision : cel::explain(program, view).decisions)
        answer.reasons.push_back(decision.text());
    return answer;
}

Json document_of(const Options& options, const Answer& answer) {
    Json out = {{"expression", options.expression},
                {"type", answer.type},
                {"result", answer.result},
                {"cost", answer.cost},
                {"estimatedCost", answer.estimated_cost},
                {"because", answer.reasons}};
    out["error"] = answer.error.empty() ? Json() : Json(answer.error);
    return out;
}

std::string text_of(const Answer& answer) {
    std::string text;
    if (answer.type.empty()) return "error: " + answer.error + "\n";  // it does not compile
    if (answer.error.empty())
        text = "result: " + to_text(answer.result) + "\n";
    else
        text = "error: " + answer.error + "\n";
    text += "cost: " + std::to_string(answer.cost) + ", at most " +
            std::to_string(answer.estimated_cost) + " on any device; the limit is " +
            std::to_string(cel::kDefaultCostLimit) + "\n";
    for (const auto& reason : answer.reasons)
        text += "because: " + reason + "\n";
    return text;
}

Result<int> run(const Options& options, const std::string& output) {
    KND_TRY_ASSIGN(const auto gates, Gates::make(options.kubernetes, options.features));
    KND_TRY_ASSIGN(const auto chosen, choose_device(options));
    const auto features = simulate::features_of(gates);
    KND_TRY_ASSIGN(const auto device, owned(chosen, features));
    Answer answer;
    const auto program = cel::compile(options.expression, alloc::selector_environment(features));
    if (program.ok())
        answer = evaluate(*program, device.view());
    else
        answer.error = program.error().message();
    std::cout << (is_structured(output) ? structured_text(output, document_of(options, answer))
                                        : text_of(answer));
    if (!answer.error.empty()) return 2;
    return answer.result == Json(false) ? 1 : 0;
}

}  // namespace

void add_cel_command(CLI::App& app, Shared& shared) {
    auto& command = *app.add_subcommand("cel", "evaluates a selector on one device");
    const auto options = std::make_shared<Options>();
    command.add_option("-e,--expression", options->expression, "the selector, CEL")->required();
    command
        .add_option("-d,--device", options->device,
                    "a device as it stands in a slice, or a ResourceSlice; YAML or JSON, - for "
                    "stdin")
        ->type_name("FILE")
        ->required();
    command.add_option("--driver", options->driver, "its driver; default: the slice's")
        ->type_name("NAME");
    command.add_option("--name", options->name, "which device of the slice")->type_name("NAME");
    command.add_option("--kubernetes", options->kubernetes, "version, 1.32 to 1.37")
        ->type_name("1.NN")
        ->capture_default_str();
    command.add_option("--features", options->features, "feature gates, +A,-B")->type_name("+A,-B");
    add_output_option(command, shared);
    command.footer("Exit code: 0 true, 1 false, 2 error. A value that is no bool counts as 0.");
    command.group(kClusterGroup)->callback([&shared, options] {
        const auto status = run(*options, shared.output);
        shared.status = status.ok() ? *status : complain(status.error());
    });
}

}  // namespace knd::ctl
