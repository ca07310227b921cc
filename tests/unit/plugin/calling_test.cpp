// SPDX-License-Identifier: Apache-2.0
//
// Calls to backends that answer late, wrongly or not at all.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/plugin/plugin_fixture.hpp"

#include <knd/cpp/fd.hpp>

namespace knd::plugin {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::vector<std::string> names(const std::vector<Device>& devices) {
    std::vector<std::string> all;
    for (const auto& device : devices)
        all.push_back(device.name);
    return all;
}

/// Devices of a list by `library`, and how many were left out.
struct Listed {
    std::vector<std::string> devices;
    std::uint64_t refused = 0;
};
Listed list_of(const std::string& library) {
    PluginFixture host;
    auto& backend = host.run(library);
    const auto devices = host.list(backend);
    EXPECT_TRUE(devices.ok()) << message_of(devices);
    if (!devices.ok()) return {};
    return {names(*devices), host.registry->counters()[0].counters.refused_devices};
}

TEST(Calling, ListsDevicesWithQualifiedAttributes) {
    PluginFixture host;
    auto& backend = host.run("bad-nothing.so");
    const auto devices = host.list(backend);
    ASSERT_TRUE(devices.ok());
    ASSERT_EQ(devices->size(), 1u);
    const Device& device = devices->front();
    EXPECT_EQ(device.name, "good-0");
    EXPECT_EQ(device.backend, "bad");
    EXPECT_EQ(device.hardware_key, "bad:0");
    EXPECT_EQ(device.attributes,
              (std::map<std::string, AttributeValue>{{"knd.dev/kind", std::string("bad")}}));
}

TEST(Calling, LeavesOutDevicesWithGarbageNames) {
    const auto listed = list_of("bad-garbage-names.so");
    EXPECT_EQ(listed.devices, std::vector<std::string>{"good-0"});
    EXPECT_EQ(listed.refused, 4u);
}

TEST(Calling, LeavesOutADeviceWithTooManyAttributes) {
    const auto listed = list_of("bad-many-attributes.so");
    EXPECT_EQ(listed.devices, std::vector<std::string>{"good-0"});
    EXPECT_EQ(listed.refused, 1u);
}

TEST(Calling, LeavesOutDevicesWithBadAttributes) {
    const auto listed = list_of("bad-attributes.so");
    EXPECT_EQ(listed.devices, std::vector<std::string>{"good-0"});
    EXPECT_EQ(listed.refused, 5u);
}

TEST(Calling, KeepsTheFirstOfTwoDevicesWithOneName) {
    const auto listed = list_of("bad-duplicates.so");
    EXPECT_EQ(listed.devices, std::vector<std::string>{"good-0"});
    EXPECT_EQ(listed.refused, 1u);
}

TEST(Calling, EndsAnEndlessList) {
    PluginFixture host;
    auto& backend = host.run("bad-endless.so");
    const auto devices = host.list(backend);
    EXPECT_EQ(devices.code(), Code::kResourceExhausted);
}

TEST(Calling, ChecksHealthAfterEachList) {
    PluginFixture host;
    auto& backend = host.run("bad-health.so");
    EXPECT_TRUE(host.list(backend).ok());
    host.run_for(milliseconds(100));
    const auto counters = host.registry->counters()[0].counters;
    EXPECT_EQ(counters.operations.at("check").calls, 1u);
    EXPECT_EQ(counters.unhealthy_devices, 1u);
}

TEST(Calling, SaysWhyStartFailed) {
    PluginFixture host;
    auto& backend = host.load("bad-start-fails.so");
    const auto started = host.start(backend);
    EXPECT_EQ(message_of(started), "backend bad: the hardware is on holiday");
    EXPECT_EQ(started.error().os_error(), ENODEV);
    EXPECT_EQ(backend.info().state, BackendState::kFailed);
    EXPECT_EQ(backend.info().reason, "the hardware is on holiday");
}

TEST(Calling, StartsAgainAfterAFailedStart) {
    PluginFixture host;
    auto& backend = host.load("bad-start-fails.so");
    EXPECT_FALSE(host.start(backend).ok());
    EXPECT_EQ(message_of(host.start(backend)), "backend bad: the hardware is on holiday");
}

/// A start that takes longer than its caller waits: bad-start-blocks.so waits for a file to go.
class LateStart : public ::testing::Test {
  protected:
    LateStart() {
        char name[] = "/tmp/knd-blocker-XXXXXX";
        Fd(::mkstemp(name));
        blocker = name;
        host.options.start_timeout = milliseconds(50);
    }
    ~LateStart() override { unblock(); }
    Backend& load() {
        auto& backend = host.load("bad-start-blocks.so", {{"file", blocker}});
        backend.on_state_changed = [&] { states.push_back(backend.info().state); };
        return backend;
    }
    void unblock() { ::unlink(blocker.c_str()); }

    PluginFixture host;
    std::string blocker;
    std::vector<BackendState> states;
};

TEST_F(LateStart, CountsWhenItComesBackInItsGraceTime) {
    host.options.grace = milliseconds(20'000);
    auto& backend = load();
    EXPECT_EQ(host.start(backend).code(), Code::kDeadlineExceeded);
    EXPECT_EQ(backend.info().state, BackendState::kLoaded);
    const auto second = host.start(backend);
    EXPECT_EQ(second.code(), Code::kUnavailable);
    EXPECT_EQ(message_of(second), "backend bad: its last start has not come back yet");
    unblock();
    host.run_for(milliseconds(200));
    EXPECT_EQ(states, std::vector{BackendState::kRunning});
    EXPECT_TRUE(host.list(backend).ok());
}

TEST_F(LateStart, CountsWhenItWasStuck) {
    auto& backend = load();
    EXPECT_EQ(host.start(backend).code(), Code::kDeadlineExceeded);
    host.run_for(milliseconds(300));
    EXPECT_EQ(backend.info().state, BackendState::kStuck);
    EXPECT_EQ(host.start(backend).code(), Code::kUnavailable);
    unblock();
    host.run_for(milliseconds(200));
    EXPECT_EQ(states, (std::vector{BackendState::kStuck, BackendState::kRunning}));
    EXPECT_EQ(backend.info().reason, "");
    EXPECT_TRUE(host.list(backend).ok());
}

TEST_F(LateStart, TakesCallsFromTheOneWhoHearsThatItCameBack) {
    auto& backend = load();
    std::optional<Result<DeviceListing>> listed;
    backend.on_state_changed = [&] {
        if (backend.info().state == BackendState::kRunning)
            backend.list([&](Result<DeviceListing> devices) { listed = std::move(devices); });
    };
    EXPECT_FALSE(host.start(backend).ok());
    host.run_for(milliseconds(300));
    unblock();
    host.run_for(milliseconds(200));
    ASSERT_TRUE(listed.has_value());
    EXPECT_TRUE(listed->ok()) << message_of(*listed);
}

TEST(Calling, NamesAKeyOfTheWrongType) {
    PluginFixture host;
    auto& backend = host.load("bad-start-reads-count.so", {{"count", "three"}});
    EXPECT_EQ(message_of(host.start(backend)),
              "backend bad: `count` is the string \"three\", must be an integer");
}

TEST(Calling, NamesAnUnknownKeyAndTheNearestKnown) {
    PluginFixture host;
    auto& backend = host.load("bad-start-reads-count.so", {{"cuont", 3}});
    EXPECT_EQ(message_of(host.start(backend)),
              "backend bad: unknown key `cuont`; did you mean `count`?");
    EXPECT_EQ(backend.info().state, BackendState::kFailed);
}

TEST(Calling, AnswersNothingBeforeStart) {
    PluginFixture host;
    auto& backend = host.load("bad-nothing.so");
    EXPECT_EQ(message_of(host.list(backend)), "backend bad: not started yet");
}

TEST(Calling, AnswersNothingAfterStop) {
    PluginFixture host;
    auto& backend = host.run("bad-nothing.so");
    EXPECT_TRUE(host.stop(backend).ok());
    EXPECT_EQ(backend.info().state, BackendState::kStopped);
    EXPECT_EQ(message_of(host.list(backend)), "backend bad: has been stopped");
}

TEST(Calling, GivesUpAtTheDeadline) {
    PluginFixture host;
    host.options.list_timeout = milliseconds(100);
    auto& backend = host.run("bad-ignores-cancel.so");
    const auto before = std::chrono::steady_clock::now();
    const auto devices = host.list(backend);
    EXPECT_LT(std::chrono::steady_clock::now() - before, milliseconds(250));
    EXPECT_EQ(devices.code(), Code::kDeadlineExceeded);
    EXPECT_THAT(message_of(devices), StartsWith("backend bad: list did not return within 10"));
}

TEST(Calling, IsStuckWhenACallDoesNotReturnAfterItsDeadline) {
    PluginFixture host;
    host.options.list_timeout = milliseconds(50);
    auto& backend = host.run("bad-hangs.so");
    EXPECT_EQ(host.list(backend).code(), Code::kDeadlineExceeded);
    host.run_for(milliseconds(200));
    EXPECT_EQ(backend.info().state, BackendState::kStuck);
    EXPECT_EQ(backend.info().reason, "stuck in list, which does not return");
    const auto prepared = host.prepare(backend);
    EXPECT_EQ(prepared.code(), Code::kUnavailable);
    EXPECT_EQ(message_of(prepared), "backend bad: stuck in list, which does not return");
    EXPECT_TRUE(host.registry->busy());
}

TEST(Calling, RecoversWhenTheStuckCallReturns) {
    PluginFixture host;
    host.options.list_timeout = milliseconds(50);
    auto& backend = host.run("bad-hangs.so");
    EXPECT_FALSE(host.list(backend).ok());
    host.run_for(milliseconds(1300));
    EXPECT_EQ(backend.info().state, BackendState::kRunning);
    EXPECT_TRUE(host.prepare(backend).ok());
}

TEST(Calling, FailsACallThatWaitedTooLongBehindAnother) {
    PluginFixture host;
    auto& backend = host.run("bad-ignores-cancel.so");
    backend.list([](const auto&) {});
    const auto prepared = host.prepare(backend, Json::object(), milliseconds(50));
    EXPECT_EQ(prepared.code(), Code::kDeadlineExceeded);
    EXPECT_THAT(message_of(prepared), StartsWith("backend bad: prepare waited for "));
    EXPECT_THAT(message_of(prepared), HasSubstr("behind list"));
}

TEST(Calling, TriesAgainWhatIsUnavailable) {
    PluginFixture host;
    auto& backend = host.run("bad-flapping.so");
    EXPECT_TRUE(host.prepare(backend).ok());
    EXPECT_EQ(host.registry->counters()[0].counters.operations.at("prepare").retries, 3u);
}

TEST(Calling, PassesOnTheLastReasonWhenTheTimeForRetriesIsUp) {
    PluginFixture host;
    auto& backend = host.run("bad-flapping.so");
    const auto prepared = host.prepare(backend, Json::object(), milliseconds(140));
    EXPECT_EQ(prepared.code(), Code::kUnavailable);
    EXPECT_EQ(message_of(prepared), "backend bad: firmware is busy");
}

TEST(Calling, TakesABackendOutOfServiceAfterFiveInternalErrors) {
    PluginFixture host;
    auto& backend = host.run("bad-always-internal.so");
    for (int i = 0; i < 4; ++i)
        EXPECT_EQ(host.list(backend).code(), Code::kInternal);
    EXPECT_EQ(backend.info().state, BackendState::kRunning);
    EXPECT_EQ(host.list(backend).code(), Code::kInternal);
    EXPECT_EQ(backend.info().state, BackendState::kFailed);
    EXPECT_THAT(backend.info().reason,
                StartsWith("out of service after 5 internal errors in 10 minutes, the last one in "
                           "list: index out of range; it is tried again at 2"));
    EXPECT_EQ(host.list(backend).code(), Code::kUnavailable);
}

TEST(Calling, TakesABackendBackIntoServiceAfterAWhile) {
    PluginFixture host;
    host.options.bugs.first_pause = milliseconds(100);
    auto& backend = host.run("bad-always-internal.so");
    std::vector<BackendState> states;
    backend.on_state_changed = [&] { states.push_back(backend.info().state); };
    for (int i = 0; i < 5; ++i)
        EXPECT_EQ(host.list(backend).code(), Code::kInternal);
    host.run_for(milliseconds(200));
    EXPECT_EQ(states, (std::vector{BackendState::kFailed, BackendState::kRunning}));
    EXPECT_EQ(backend.info().reason, "");
    EXPECT_TRUE(host.prepare(backend).ok());
    // It has one try, and then twice the time.
    EXPECT_EQ(host.list(backend).code(), Code::kInternal);
    EXPECT_EQ(backend.info().state, BackendState::kFailed);
    host.run_for(milliseconds(120));
    EXPECT_EQ(backend.info().state, BackendState::kFailed);
    host.run_for(milliseconds(150));
    EXPECT_EQ(backend.info().state, BackendState::kRunning);
}

Result<Effects> prepare_for(PluginFixture& host, Backend& backend, const std::string& uid) {
    return host.wait<Effects>([&](Done<Effects> done) {
        backend.prepare({.binding = {{uid, "good-0"}, "default/" + uid, ""}},
                        std::chrono::steady_clock::now() + milliseconds(5000), std::move(done));
    });
}

TEST(Calling, KeepsOutAClaimAfterFiveInternalErrorsAndServesTheOthers) {
    PluginFixture host;
    auto& backend = host.run("bad-picky.so");
    for (int i = 0; i < 5; ++i)
        EXPECT_EQ(prepare_for(host, backend, "odd").code(), Code::kInternal);
    EXPECT_EQ(backend.info().state, BackendState::kRunning);
    const auto refused = prepare_for(host, backend, "odd");
    EXPECT_EQ(refused.code(), Code::kUnavailable);
    EXPECT_THAT(message_of(refused),
                StartsWith("backend bad: does not serve this claim after 5 internal errors in 10 "
                           "minutes, the last one in prepare: stoi; it is tried again at 2"));
    EXPECT_EQ(host.registry->counters()[0].counters.operations.at("prepare").calls, 5u);
    EXPECT_TRUE(prepare_for(host, backend, "even").ok());
    EXPECT_TRUE(host.list(backend).ok());
    const auto unprepared = host.wait<void>([&](Done<> done) {
        backend.unprepare({{"odd", "good-0"}, "default/odd", ""}, Backend::Deadline::max(),
                          std::move(done));
    });
    EXPECT_TRUE(unprepared.ok()) << message_of(unprepared);
}

TEST(Calling, TriesAClaimAgainThatWasKeptOut) {
    PluginFixture host;
    host.options.bugs.first_pause = milliseconds(50);
    auto& backend = host.run("bad-picky.so");
    for (int i = 0; i < 5; ++i)
        EXPECT_EQ(prepare_for(host, backend, "odd").code(), Code::kInternal);
    EXPECT_EQ(prepare_for(host, backend, "odd").code(), Code::kUnavailable);
    host.run_for(milliseconds(60));
    EXPECT_EQ(prepare_for(host, backend, "odd").code(), Code::kInternal);
    EXPECT_EQ(prepare_for(host, backend, "odd").code(), Code::kUnavailable);
}

TEST(Calling, TakesABackendOutOfServiceForTheBugsOfThreeClaims) {
    PluginFixture host;
    auto& backend = host.run("bad-picky.so");
    for (const auto* uid : {"odd-1", "odd-1", "odd-2", "odd-2"})
        EXPECT_EQ(prepare_for(host, backend, uid).code(), Code::kInternal);
    EXPECT_EQ(backend.info().state, BackendState::kRunning);
    EXPECT_EQ(prepare_for(host, backend, "odd-3").code(), Code::kInternal);
    EXPECT_EQ(backend.info().state, BackendState::kFailed);
}

TEST(Calling, WaitsWithAReadableDescriptorUntilAStuckBackendAnswers) {
    PluginFixture host;
    host.options.list_timeout = milliseconds(50);
    host.options.grace = milliseconds(50);
    auto& backend = host.run("bad-readable.so");
    backend.list([](const auto&) {});  // takes a second, while the descriptor is readable
    host.run_for(milliseconds(200));
    ASSERT_EQ(backend.info().state, BackendState::kStuck);
    std::size_t handlers = 0;
    for (int i = 0; i < 40; ++i) {
        host.io.restart();
        handlers += host.io.run_for(milliseconds(5));
    }
    EXPECT_LT(handlers, 20u);
    host.run_for(milliseconds(1500));
    EXPECT_EQ(host.registry->counters()[0].counters.operations["on_ready"].calls, 1u);
}

TEST(Calling, StillUndoesWhenABackendIsOutOfService) {
    PluginFixture host;
    auto& backend = host.run("bad-always-internal.so");
    for (int i = 0; i < 5; ++i)
        EXPECT_FALSE(host.list(backend).ok());
    EXPECT_EQ(host.prepare(backend).code(), Code::kUnavailable);
    EXPECT_TRUE(host.unprepare(backend).ok());
}

TEST(Calling, TreatsAnUnlistedStatusAsUnknown) {
    PluginFixture host;
    auto& backend = host.run("bad-status.so");
    const auto devices = host.list(backend);
    EXPECT_EQ(devices.code(), Code::kUnknown);
    EXPECT_EQ(message_of(devices), "backend bad: failed without a message (UNKNOWN)");
}

TEST(Calling, SurvivesAnErrorTextWithoutEnd) {
    PluginFixture host;
    auto& backend = host.run("bad-error-text.so");
    EXPECT_EQ(message_of(host.list(backend)), "backend bad: ?" + std::string(503, 'x'));
}

TEST(Calling, IsDegradedAfterPermissionDeniedUntilItWorksAgain) {
    PluginFixture host;
    auto& backend = host.run("bad-silent-error.so");
    EXPECT_EQ(host.list(backend).code(), Code::kPermissionDenied);
    EXPECT_EQ(backend.info().state, BackendState::kDegraded);
    EXPECT_EQ(backend.info().reason, "list: failed without a message (PERMISSION_DENIED)");
    EXPECT_TRUE(host.prepare(backend).ok());
    EXPECT_EQ(backend.info().state, BackendState::kDegraded);
}

TEST(Calling, FailsAPrepareWithAnImpossibleEffect) {
    PluginFixture host;
    auto& backend = host.run("bad-effects.so");
    const auto prepared = host.prepare(backend);
    EXPECT_EQ(prepared.code(), Code::kInternal);
    EXPECT_EQ(message_of(prepared),
              "backend bad: it asks for an impossible effect: netdev `eth0`: ifindex 0 is no "
              "interface");
}

TEST(Calling, FailsAPrepareWithTooMuchState) {
    PluginFixture host;
    auto& backend = host.run("bad-state.so");
    EXPECT_EQ(message_of(host.prepare(backend)),
              "backend bad: it asks for an impossible effect: state: 5000 bytes, at most 4096 are "
              "kept");
}

TEST(Calling, RefusesAClaimWithUnknownKeys) {
    PluginFixture host;
    auto& backend = host.run("bad-nothing.so");
    const auto prepared = host.prepare(backend, {{"vlan", 7}});
    EXPECT_EQ(prepared.code(), Code::kInvalidArgument);
    EXPECT_EQ(message_of(prepared), "backend bad: unknown key `vlan`; it has no keys");
}

TEST(Calling, CountsAnUnknownBindingAsUnprepared) {
    PluginFixture host;
    EXPECT_TRUE(host.unprepare(host.run("bad-nothing.so")).ok());
}

TEST(Calling, SkipsAttachOfABackendWithoutIt) {
    PluginFixture host;
    auto& backend = host.run("bad-nothing.so");
    const auto attached = host.wait<void>([&](Done<> done) {
        backend.attach({PluginFixture::binding(), -1, 0}, Backend::Deadline::max(),
                       std::move(done));
    });
    EXPECT_TRUE(attached.ok());
}

TEST(Calling, KeepsThePodsNamespaceOpenForACallThatWasGivenUp) {
    PluginFixture host;
    auto& backend = host.run("bad-attach-waits.so");
    const Fd netns(::memfd_create("netns", MFD_CLOEXEC));
    Fd lent(::fcntl(netns.get(), F_DUPFD_CLOEXEC, 0));
    const int number = lent.get();
    const auto attached = host.wait<void>([&](Done<> done) {
        backend.attach({PluginFixture::binding(), number, 0},
                       std::chrono::steady_clock::now() + milliseconds(50), std::move(done));
    });
    ASSERT_EQ(attached.code(), Code::kDeadlineExceeded);
    lent.reset();
    const Fd other(::memfd_create("other", MFD_CLOEXEC));
    ASSERT_EQ(other.get(), number) << "the number is in use again";
    host.run_for(milliseconds(700));
    EXPECT_EQ(::lseek(netns.get(), 0, SEEK_END), 1);
    EXPECT_EQ(::lseek(other.get(), 0, SEEK_END), 0);
}

TEST(Calling, StopsAllBackendsOfARegistry) {
    PluginFixture host;
    host.load_all({{"a", "bad-nothing.so", "", {}}, {"b", "bad-nothing.so", "", {}}});
    EXPECT_TRUE(host.start(*host.registry->find("a")).ok());
    EXPECT_TRUE(host.wait<void>([&](Done<> done) { host.registry->stop(std::move(done)); }).ok());
    EXPECT_EQ(host.registry->find("a")->info().state, BackendState::kStopped);
    EXPECT_EQ(host.registry->find("b")->info().state, BackendState::kStopped);
    EXPECT_FALSE(host.registry->busy());
}

std::string hygiene_error(const std::string& library) {
    PluginFixture host;
    host.options.check_locale = false;  // as in the build that users have
    auto& backend = host.run(library);
    const auto message = message_of(host.list(backend));
    EXPECT_EQ(host.registry->counters()[0].counters.breaches, 1u);
    // Not even the next call of the same backend meets it.
    EXPECT_TRUE(host.unprepare(backend).ok());
    EXPECT_EQ(host.registry->counters()[0].counters.breaches, 1u);
    return message;
}

TEST(Hygiene, NoticesAChangedWorkingDirectoryAndPutsItBack) {
    char before[4096];
    ASSERT_NE(::getcwd(before, sizeof before), nullptr);
    EXPECT_EQ(hygiene_error("bad-cwd.so"),
              "backend bad: list changed the working directory of its thread and did not put it "
              "back");
    char after[4096];
    ASSERT_NE(::getcwd(after, sizeof after), nullptr);
    EXPECT_STREQ(before, after);
}

TEST(Hygiene, NoticesAChangedUmaskAndPutsItBack) {
    const auto before = ::umask(0027);
    EXPECT_EQ(hygiene_error("bad-umask.so"),
              "backend bad: list changed the umask of its thread and did not put it back");
    EXPECT_EQ(::umask(before), 0027u);
}

TEST(Hygiene, UndoesAPrepareThatLeftItsThreadChanged) {
    PluginFixture host;
    auto& backend = host.run("bad-umask.so");
    const auto prepared = host.prepare(backend);
    EXPECT_EQ(prepared.code(), Code::kInternal);
    EXPECT_EQ(message_of(prepared),
              "backend bad: prepare changed the umask of its thread and did not put it back");
    EXPECT_EQ(host.registry->counters()[0].counters.operations["unprepare"].calls, 1u);
}

TEST(Hygiene, NoticesAChangedSignalMask) {
    EXPECT_EQ(hygiene_error("bad-signals.so"),
              "backend bad: list changed the signal mask of its thread and did not put it back");
}

TEST(Hygiene, NoticesAChangedNetworkNamespace) {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can make a network namespace";
    EXPECT_EQ(hygiene_error("bad-netns.so"),
              "backend bad: list changed the network namespace of its thread and did not put it "
              "back");
}

TEST(CppLayer, TurnsWhatIsThrownIntoAStatusAndASentence) {
    PluginFixture host;
    auto& backend = host.run("bad-throws.so", {{"where", "list"}});
    const auto devices = host.list(backend);
    EXPECT_EQ(devices.code(), Code::kInternal);
    EXPECT_EQ(message_of(devices), "backend bad: no element 7 in list");
}

TEST(CppLayer, TurnsAnExceptionOfAnyTypeIntoAStatus) {
    PluginFixture host;
    auto& backend = host.run("bad-throws.so", {{"where", "prepare-int"}});
    EXPECT_EQ(message_of(host.prepare(backend)), "backend bad: an exception of an unknown type");
}

TEST(CppLayer, SurvivesAThrowInStop) {
    PluginFixture host;
    auto& backend = host.run("bad-throws.so", {{"where", "stop"}});
    EXPECT_TRUE(host.stop(backend).ok());
}

TEST(CppLayer, ReportsAThrowInTheConstructorFromStart) {
    PluginFixture host;
    auto& backend = host.load("bad-constructor-throws.so");
    EXPECT_EQ(message_of(host.start(backend)),
              "backend bad: the backend's constructor threw: no hardware of this kind");
}

}  // namespace
}  // namespace knd::plugin
