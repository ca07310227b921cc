// SPDX-License-Identifier: Apache-2.0
//
// Tests of the promises in sdk/README.md that need more than one call: claims that share a device,
// restarts, validation, health.
#include <net/if.h>

#include <algorithm>
#include <set>

#include "sdk/check/check.hpp"
#include "sdk/check/subject.hpp"

namespace knd::check {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr const char* kUid = "00000000-0000-4000-8000-000000000003";
constexpr const char* kOtherUid = "00000000-0000-4000-8000-000000000004";

/// Runs `judge` on a started instance that offers `extension`, if that is not empty.
template <class Judge>
auto on_running(const char* extension, Judge judge) {
    return [extension = std::string(extension), judge](const Target& target) -> Outcome {
        auto subject = Subject::running(target);
        if (!subject.ok()) return skip("not started");
        if (!extension.empty() && !(*subject)->tables().offers(extension)) {
            return skip("it does not offer " + extension);
        }
        return judge(**subject, target);
    };
}

/// The same with a device that it lists.
template <class Judge>
auto on_device(const char* extension, Judge judge) {
    return on_running(extension, [judge](Subject& subject, const Target& target) -> Outcome {
        const auto names = subject.device_names();
        if (names.empty()) return skip("it lists no device here");
        return judge(subject, target, names.front());
    });
}

std::set<std::string> interfaces() {
    std::set<std::string> names;
    auto* all = ::if_nameindex();
    for (auto* one = all; one != nullptr && one->if_index != 0; ++one)
        names.insert(one->if_name);
    ::if_freenameindex(all);
    return names;
}

Outcome validates_what_it_prepares(Subject& subject, const Target& target,
                                   const std::string& device) {
    const auto validated = subject.validate(device, kUid, target.claim);
    const auto prepared = subject.prepare(device, kUid, target.claim);
    static_cast<void>(subject.unprepare(device, kUid, prepared.effects.state));
    if (validated.result.ok() && !prepared.result.ok()) {
        return warn("validate agrees, and prepare says: " + prepared.result.error().message());
    }
    if (!validated.result.ok() && prepared.result.ok()) {
        return fail("prepare works, but validate says: " + validated.result.error().message());
    }
    for (const auto& key : prepared.keys) {
        if (validated.keys.contains(key)) continue;
        return fail("prepare reads `" + key + "` and validate does not, so a claim that sets it " +
                    "is refused");
    }
    return pass();
}

Outcome refuses_admin_access_or_knows_it(Subject& subject, const Target& target,
                                         const std::string& device) {
    const auto validated = subject.validate(device, kUid, target.claim, KND_REQUEST_ADMIN);
    const auto code = validated.result.code();
    if (code == Code::kFailedPrecondition) return pass();
    if (code == Code::kOk) return warn("grants administrative access; is that meant?");
    return fail("answers " + std::string(code_name(code)) +
                " to administrative access; FAILED_PRECONDITION says that there is none");
}

Outcome shares_a_shareable_device(Subject& subject, const Target& target) {
    const auto devices = subject.list().devices;
    const auto found = std::find_if(devices.begin(), devices.end(), [](const Device& device) {
        return device.shareable && device.withheld.empty();
    });
    if (found == devices.end()) return skip("it lists no shareable device here");
    const auto first = subject.prepare(found->name, kUid, target.claim);
    const auto second = subject.prepare(found->name, kOtherUid, target.claim);
    static_cast<void>(subject.unprepare(found->name, kUid, first.effects.state));
    static_cast<void>(subject.unprepare(found->name, kOtherUid, second.effects.state));
    if (!first.result.ok()) return skip("prepare fails");
    if (!second.result.ok()) {
        return fail("a second claim for the shareable " + found->name +
                    " fails: " + second.result.error().message());
    }
    if (!first.effects.exclusive()) return pass();
    return fail("the shareable " + found->name + " has an effect that only one pod can have");
}

Outcome leaves_no_interface(Subject& subject, const Target& target, const std::string& device) {
    const auto before = interfaces();
    const auto prepared = subject.prepare(device, kUid, target.claim);
    static_cast<void>(subject.unprepare(device, kUid, prepared.effects.state));
    for (const auto& name : interfaces()) {
        if (before.contains(name)) continue;
        const auto text = "interface " + name + " is there after unprepare";
        return target.isolated ? fail(text) : warn(text + "; did anyone else make it?");
    }
    return pass();
}

Outcome recovers_if_it_must(Subject& subject, const Target& target, const std::string& device) {
    if (subject.tables().offers(KND_EXT_RECOVER)) return pass();
    const auto before = interfaces();
    const auto prepared = subject.prepare(device, kUid, target.claim);
    const bool made = interfaces() != before;
    static_cast<void>(subject.unprepare(device, kUid, prepared.effects.state));
    if (!made && prepared.effects.state.empty()) return pass();
    return warn("prepare " + std::string(made ? "makes an interface" : "leaves state") +
                ", and it does not offer knd.recover/2: what is prepared when the host dies is "
                "never freed");
}

/// What a restart of the host means. Bindings are longer than the backend knows them.
Outcome takes_over_live_bindings(const Target& target) {
    auto first = Subject::running(target);
    if (!first.ok()) return skip("not started");
    if (!(*first)->tables().offers(KND_EXT_RECOVER)) {
        return skip("it does not offer knd.recover/2");
    }
    const auto names = (*first)->device_names();
    if (names.empty()) return skip("it lists no device here");
    std::vector<Live> live;
    std::vector<Effects> effects;
    for (const auto& name : names) {
        if (live.size() == 2) break;
        auto prepared = (*first)->prepare(name, kUid, target.claim);
        if (!prepared.result.ok()) continue;
        live.push_back({name, kUid, prepared.effects.state});
        effects.push_back(std::move(prepared.effects));
    }
    if (live.empty()) return skip("prepare fails");
    first->reset();
    auto second = Subject::running(target, live);
    if (!second.ok()) return fail("with live bindings: " + second.error().message());
    Outcome outcome = pass();
    const auto lost = (*second)->reconcile(live).lost;
    if (!lost.empty()) outcome = warn("says that the live " + lost.front() + " is lost");
    for (std::size_t i = 0; i < live.size(); ++i) {
        const auto again = (*second)->prepare(live[i].device, kUid, target.claim);
        if (!again.result.ok()) {
            outcome = fail("prepare of a binding that was live before a restart fails: " +
                           again.result.error().message());
        } else if (again.effects != effects[i]) {
            outcome = fail(
                "prepare of a binding that was live before a restart describes other "
                "effects");
        }
        static_cast<void>((*second)->unprepare(live[i].device, kUid, live[i].state));
    }
    return outcome;
}

Outcome notices_cancellation(Subject& subject, const Target& target, const std::string& device) {
    const auto began = Clock::now();
    const auto prepared = subject.prepare(device, kUid, target.claim, {.cancelled = true});
    const auto took = std::chrono::duration_cast<milliseconds>(Clock::now() - began);
    if (prepared.result.ok())
        static_cast<void>(subject.unprepare(device, kUid, prepared.effects.state));
    if (took <= milliseconds(100)) return pass();
    return fail("a cancelled prepare takes " + std::to_string(took.count()) + " ms");
}

Outcome checks_its_own_devices(Subject& subject, const Target&) {
    const auto checked = subject.check();
    if (!checked.misuse.empty()) return fail(checked.misuse);
    return checked.result.ok() ? pass() : fail("check: " + checked.result.error().message());
}

}  // namespace

std::vector<Test> extension_tests() {
    return {
        {"KND-B6", "leaves-no-interface", true, on_device("", leaves_no_interface)},
        {"KND-B7", "notices-cancellation-in-prepare", true, on_device("", notices_cancellation)},
        {"KND-B10", "recovers-if-it-must", true, on_device("", recovers_if_it_must)},
        {"KND-B10", "takes-over-live-bindings", true, takes_over_live_bindings},
        {"KND-B11", "validates-what-it-prepares", true,
         on_device(KND_EXT_VALIDATE, validates_what_it_prepares)},
        {"KND-B11", "knows-administrative-access", true,
         on_device(KND_EXT_VALIDATE, refuses_admin_access_or_knows_it)},
        {"KND-B12", "shares-a-shareable-device", true, on_running("", shares_a_shareable_device)},
        {"KND-B13", "checks-its-own-devices", true,
         on_running(KND_EXT_HEALTH, checks_its_own_devices)},
    };
}

}  // namespace knd::check
