// SPDX-License-Identifier: Apache-2.0
//
// Tests of the promises in sdk/README.md: versions, memory and behaviour.
#include <algorithm>

#include "host/plugin/params.hpp"
#include "sdk/check/check.hpp"
#include "sdk/check/subject.hpp"

#include <knd/cpp/abi.hpp>

namespace knd::check {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr const char* kUid = "00000000-0000-4000-8000-000000000001";

/// Runs `judge` on a started instance. A test that cannot begin is skipped: the test of starting
/// says why, once.
template <class Judge>
auto on_running(Judge judge) {
    return [judge](const Target& target) -> Outcome {
        auto subject = Subject::running(target);
        if (!subject.ok()) return skip("not started");
        return judge(**subject, target);
    };
}

template <class Judge>
auto on_device(Judge judge) {
    return on_running([judge](Subject& subject, const Target& target) -> Outcome {
        const auto names = subject.device_names();
        if (names.empty()) return skip("it lists no device here");
        return judge(subject, target, names.front());
    });
}

bool done_or_gone(const Result<void>& result) {
    return result.ok() || result.code() == Code::kNotFound;
}

Outcome knows_only_its_extensions(const Target& target) {
    auto subject = Subject::make(target);
    if (!subject.ok()) return fail(subject.error().message());
    const auto* backend = (*subject)->backend();
    for (const char* id : {"knd.nothing/1", "knd.prepare/9", "", "knd.prepare", "KND.PREPARE/1"}) {
        if (backend->extension(backend, id) != nullptr) {
            return fail("offers `" + std::string(id) + "`, which does not exist");
        }
    }
    return pass();
}

Outcome answers_the_same_tables(const Target& target) {
    auto subject = Subject::make(target);
    if (!subject.ok()) return skip("not created");
    const auto* backend = (*subject)->backend();
    for (const auto& id : (*subject)->tables().offered) {
        if (backend->extension(backend, id.c_str()) != backend->extension(backend, id.c_str())) {
            return fail("gives another table for " + id + " at the second time");
        }
    }
    return pass();
}

Outcome creates_without_the_host(const Target& target) {
    auto subject = Subject::make(target);
    if (!subject.ok()) return skip("not created");
    const auto calls = (*subject)->host().calls();
    return calls == 0 ? pass() : fail("create or extension calls the host");
}

Outcome makes_two_instances(const Target& target) {
    auto first = Subject::make(target);
    auto second = Subject::make(target);
    if (!first.ok() || !second.ok()) return skip("not created");
    if ((*first)->backend() != (*second)->backend()) return pass();
    return fail("create gives the same instance twice");
}

Outcome is_destroyed_without_start(const Target& target) {
    for (int i = 0; i < 100; ++i) {
        if (auto subject = Subject::make(target); !subject.ok()) return skip("not created");
    }
    return pass();
}

Outcome starts(const Target& target) {
    const auto subject = Subject::running(target);
    return subject.ok() ? pass() : fail(subject.error().message() + "; see --config");
}

Outcome reads_its_configuration(const Target& target) {
    auto subject = Subject::make(target);
    if (!subject.ok()) return skip("not created");
    const plugin::Params config(target.config);
    if (auto started = (*subject)->start(config.face()); !started.ok()) return skip("not started");
    const auto read = config.check_all_read();
    return read.ok() ? pass() : fail(read.error().message());
}

/// A configuration in which every key has the wrong type.
class WrongParams {
  public:
    WrongParams() {
        using P = const knd_params*;
        face_.size = sizeof face_;
        face_.string = [](P p, const char*, const char*, const char**, knd_error* err) noexcept {
            return refuse(p, err);
        };
        face_.integer = [](P p, const char*, std::int64_t, std::int64_t*, knd_error* err) noexcept {
            return refuse(p, err);
        };
        face_.boolean = [](P p, const char*, bool, bool*, knd_error* err) noexcept {
            return refuse(p, err);
        };
        face_.length = [](P p, const char*, std::int64_t*, knd_error* err) noexcept {
            return refuse(p, err);
        };
        face_.host_data = this;
    }
    WrongParams(const WrongParams&) = delete;
    WrongParams& operator=(const WrongParams&) = delete;
    const knd_params* face() const { return &face_; }
    int reads() const { return reads_; }

  private:
    static knd_status refuse(const knd_params* p, knd_error* err) noexcept {
        ++static_cast<WrongParams*>(p->host_data)->reads_;
        fill_error(err, "`key` is wrong", 0);
        return KND_INVALID_ARGUMENT;
    }
    knd_params face_{};
    int reads_ = 0;
};

Outcome refuses_a_wrong_configuration(const Target& target) {
    auto subject = Subject::make(target);
    if (!subject.ok()) return skip("not created");
    const WrongParams wrong;
    const auto started = (*subject)->start(wrong.face());
    if (wrong.reads() == 0) return skip("it reads no configuration");
    if (started.ok()) return fail("starts although a key has the wrong type");
    if (!(*subject)->error_misuse().empty()) return fail((*subject)->error_misuse());
    if (started.code() == Code::kInvalidArgument) return pass();
    return warn("answers " + std::string(code_name(started.code())) +
                " to a wrong configuration instead of INVALID_ARGUMENT");
}

Outcome starts_after_a_failure(const Target& target) {
    auto subject = Subject::make(target);
    if (!subject.ok()) return skip("not created");
    const WrongParams wrong;
    if ((*subject)->start(wrong.face()).ok()) return skip("it reads no configuration");
    const plugin::Params config(target.config);
    const auto started = (*subject)->start(config.face());
    if (started.ok()) return pass();
    return fail("does not start after a start that failed: " + started.error().message());
}

Outcome lists_within_the_limits(Subject& subject, const Target&) {
    const auto listing = subject.list();
    if (!listing.result.ok()) return fail(listing.result.error().message());
    if (listing.refusals.empty()) return pass();
    const auto& first = listing.refusals.front();
    return fail("device " + first.device + ": " + first.reason);
}

Outcome lists_the_same_again(Subject& subject, const Target&) {
    const auto first = subject.list();
    const auto second = subject.list();
    if (!first.result.ok() || !second.result.ok()) return skip("list fails");
    const auto by_name = [](const Device& a, const Device& b) { return a.name < b.name; };
    auto a = first.devices;
    auto b = second.devices;
    std::sort(a.begin(), a.end(), by_name);
    std::sort(b.begin(), b.end(), by_name);
    if (a == b) return pass();
    for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
        if (!(a[i] == b[i])) return warn("device " + a[i].name + " differs between two lists");
    }
    return fail("two lists have " + std::to_string(a.size()) + " and " + std::to_string(b.size()) +
                " devices");
}

Outcome gives_devices_hardware_keys(Subject& subject, const Target&) {
    std::vector<std::string> keys;
    for (const auto& device : subject.list().devices) {
        if (device.withheld.empty()) keys.push_back(device.hardware_key);
    }
    std::sort(keys.begin(), keys.end());
    const auto twice = std::adjacent_find(keys.begin(), keys.end());
    if (twice == keys.end()) return pass();
    return warn("two devices have the hardware key " + *twice + ", so the host takes them for one");
}

Outcome ends_a_list_that_is_refused(Subject& subject, const Target&) {
    constexpr int kMost = 200;
    for (int k = 1; k <= kMost; ++k) {
        const auto listing = subject.list({}, k);
        if (listing.result.code() == Code::kResourceExhausted) continue;
        if (!listing.result.ok()) {
            return fail("answers " + std::string(code_name(listing.result.code())) +
                        " when the sink says RESOURCE_EXHAUSTED at call " + std::to_string(k));
        }
        // Fewer than k calls were made; or the refusal was ignored.
        const auto all = subject.list();
        if (listing.devices == all.devices) return pass();
        return warn("ignores RESOURCE_EXHAUSTED of the sink at call " + std::to_string(k));
    }
    return pass();
}

Outcome notices_cancellation(Subject& subject, const Target&) {
    const auto began = Clock::now();
    const auto listing = subject.list({.cancelled = true});
    const auto took = std::chrono::duration_cast<milliseconds>(Clock::now() - began);
    if (took > milliseconds(100)) {
        return fail("a cancelled list takes " + std::to_string(took.count()) + " ms");
    }
    if (listing.result.ok() || listing.result.code() == Code::kCancelled) return pass();
    return fail("a cancelled list answers " + std::string(code_name(listing.result.code())));
}

Outcome notices_a_past_deadline(Subject& subject, const Target&) {
    const auto began = Clock::now();
    const auto listing = subject.list({.time = milliseconds(-1000)});
    const auto took = std::chrono::duration_cast<milliseconds>(Clock::now() - began);
    if (took > milliseconds(1000)) {
        return fail("a list whose deadline is past takes " + std::to_string(took.count()) + " ms");
    }
    const auto code = listing.result.code();
    if (code == Code::kOk || code == Code::kDeadlineExceeded) return pass();
    return fail("a list whose deadline is past answers " + std::string(code_name(code)));
}

Outcome prepares_and_unprepares(Subject& subject, const Target& target, const std::string& device) {
    const auto prepared = subject.prepare(device, kUid, target.claim);
    if (!prepared.result.ok()) {
        return fail("prepare of " + device + ": " + prepared.result.error().message());
    }
    if (prepared.refusal) return fail("impossible effect: " + prepared.refusal->message());
    const auto undone = subject.unprepare(device, kUid, prepared.effects.state);
    if (done_or_gone(undone)) return pass();
    return fail("unprepare of " + device + ": " + undone.error().message());
}

Outcome prepares_twice_alike(Subject& subject, const Target& target, const std::string& device) {
    const auto first = subject.prepare(device, kUid, target.claim);
    const auto second = subject.prepare(device, kUid, target.claim);
    static_cast<void>(subject.unprepare(device, kUid, first.effects.state));
    if (!first.result.ok()) return skip("prepare fails");
    if (!second.result.ok()) {
        return fail("the second prepare of a live binding fails: " +
                    second.result.error().message());
    }
    return first.effects == second.effects
               ? pass()
               : fail("two prepares of one binding describe different effects");
}

Outcome unprepares_twice(Subject& subject, const Target& target, const std::string& device) {
    const auto prepared = subject.prepare(device, kUid, target.claim);
    if (!prepared.result.ok()) return skip("prepare fails");
    static_cast<void>(subject.unprepare(device, kUid, prepared.effects.state));
    const auto again = subject.unprepare(device, kUid, prepared.effects.state);
    if (done_or_gone(again)) return pass();
    return fail("the second unprepare fails: " + again.error().message());
}

Outcome unprepares_the_unknown(Subject& subject, const Target&) {
    const auto undone = subject.unprepare("no-such-device", kUid);
    if (done_or_gone(undone)) return pass();
    return fail("unprepare of an unknown binding: " + undone.error().message());
}

Outcome refuses_an_unknown_device(Subject& subject, const Target& target) {
    const auto prepared = subject.prepare("no-such-device", kUid, target.claim);
    if (prepared.result.ok()) return fail("prepares a device that it does not list");
    if (!subject.error_misuse().empty()) return fail(subject.error_misuse());
    if (prepared.result.code() == Code::kNotFound) return pass();
    return warn("answers " + std::string(code_name(prepared.result.code())) +
                " for a device that is not there; NOT_FOUND makes the host look again");
}

Outcome survives_strange_strings(Subject& subject, const Target& target) {
    const std::string accent = "\xc3\xa9\xf0\x9f\x94\xa5";
    std::string pile;
    for (int i = 0; i < 1000; ++i)
        pile += accent;
    for (const auto& device : {pile, std::string(5000, 'x'), std::string(), std::string("../..")}) {
        const auto prepared = subject.prepare(device, device + kUid, target.claim);
        if (prepared.result.ok()) return fail("prepares a device with an impossible name");
        const auto undone = subject.unprepare(device, device + kUid);
        if (!done_or_gone(undone) && undone.code() != Code::kInvalidArgument) {
            return fail("unprepare with an impossible name: " + undone.error().message());
        }
    }
    const auto& misuse = subject.error_misuse();
    return misuse.empty() ? pass() : fail(misuse);
}

Outcome reconciles_nothing(Subject& subject, const Target&) {
    if (!subject.tables().offers(KND_EXT_RECOVER)) return skip("it does not offer knd.recover/2");
    const auto first = subject.reconcile({}).result;
    const auto second = subject.reconcile({}).result;
    if (first.ok() && second.ok()) return pass();
    return fail("reconcile with an empty list: " + (first.ok() ? second : first).error().message());
}

}  // namespace

std::vector<Test> contract_tests() {
    return {
        {"KND-V2", "knows-only-its-extensions", false, knows_only_its_extensions},
        {"KND-V2", "answers-the-same-tables", false, answers_the_same_tables},
        {"KND-B2", "creates-without-the-host", false, creates_without_the_host},
        {"KND-B2", "makes-two-instances", false, makes_two_instances},
        {"KND-B2", "is-destroyed-without-start", false, is_destroyed_without_start},
        {"KND-B3", "starts", true, starts},
        {"KND-B9", "reads-its-configuration", true, reads_its_configuration},
        {"KND-B9", "refuses-a-wrong-configuration", true, refuses_a_wrong_configuration},
        {"KND-B3", "starts-after-a-failure", true, starts_after_a_failure},
        {"KND-B5", "lists-within-the-limits", true, on_running(lists_within_the_limits)},
        {"KND-B4", "lists-the-same-again", true, on_running(lists_the_same_again)},
        {"KND-B4", "hardware-keys-differ", true, on_running(gives_devices_hardware_keys)},
        {"KND-M1", "ends-a-list-that-is-refused", true, on_running(ends_a_list_that_is_refused)},
        {"KND-B7", "notices-cancellation", true, on_running(notices_cancellation)},
        {"KND-B7", "notices-a-past-deadline", true, on_running(notices_a_past_deadline)},
        {"KND-B6", "prepares-and-unprepares", true, on_device(prepares_and_unprepares)},
        {"KND-B6", "prepares-twice-alike", true, on_device(prepares_twice_alike)},
        {"KND-B6", "unprepares-twice", true, on_device(unprepares_twice)},
        {"KND-B6", "unprepares-the-unknown", true, on_running(unprepares_the_unknown)},
        {"KND-B6", "refuses-an-unknown-device", true, on_running(refuses_an_unknown_device)},
        {"KND-M2", "survives-strange-strings", true, on_running(survives_strange_strings)},
        {"KND-B6", "reconciles-nothing", true, on_running(reconciles_nothing)},
    };
}

}  // namespace knd::check
