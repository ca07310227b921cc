// SPDX-License-Identifier: Apache-2.0
//
// What the host tells a backend and makes of its answers, with a backend that is a class of this
// file.
#include "host/plugin/instance_core.hpp"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <functional>
#include <knd/cpp/backend.hpp>

namespace knd::plugin {
namespace {

using std::chrono::milliseconds;

/// What the backend does and was told.
struct Script {
    std::function<Result<void>(const knd::PrepareRequest&, EffectsSink&)> prepare;
    std::function<Result<void>(const knd::PrepareRequest&)> validate;
    std::function<void(HealthSink&)> check;
    std::function<void(std::span<const knd::Binding>, LostSink&)> reconcile;
    std::vector<std::string> calls;
    bool undo_was_cancelled = false;
    std::chrono::steady_clock::time_point undo_deadline;
};
Script* g_script = nullptr;

class Plain {
  public:
    explicit Plain(Host) {}
    Result<void> start(const knd::Params&) { return {}; }
    void stop() {}
    Result<void> list(const knd::Call&, DeviceSink& sink) {
        sink.device({.name = "a", .hardware_key = "x"});
        return {};
    }
    Result<void> prepare(const knd::Call&, const knd::PrepareRequest& request,
                         EffectsSink& effects) {
        g_script->calls.emplace_back("prepare");
        return g_script->prepare ? g_script->prepare(request, effects) : Result<void>();
    }
    Result<void> unprepare(const knd::Call& call, const knd::Binding& binding) {
        g_script->calls.push_back("unprepare " + std::string(binding.device) + " " +
                                  std::string(binding.share_id) + " " + std::string(binding.state));
        g_script->undo_was_cancelled = call.cancelled();
        g_script->undo_deadline = call.deadline();
        return {};
    }
};

class Full : public Plain {
  public:
    using Plain::Plain;
    Result<void> validate(const knd::Call&, const knd::PrepareRequest& request) {
        g_script->calls.emplace_back("validate");
        return g_script->validate ? g_script->validate(request) : Result<void>();
    }
    Result<void> check(const knd::Call&, HealthSink& sink) {
        if (g_script->check) g_script->check(sink);
        return {};
    }
    Result<void> reconcile(const knd::Call&, std::span<const knd::Binding> live, LostSink& sink) {
        if (g_script->reconcile) g_script->reconcile(live, sink);
        return {};
    }
};

constexpr knd_descriptor kDescriptor{.size = sizeof(knd_descriptor),
                                     .flags = 0,
                                     .id = "example.com/scripted",
                                     .vendor = "Example",
                                     .version = "1.0.0",
                                     .summary = "Does what a test says"};

class InstanceCoreTest : public ::testing::Test {
  protected:
    InstanceCoreTest() { g_script = &script_; }
    ~InstanceCoreTest() override { core_.reset(); }

    template <class Class>
    InstanceCore& make() {
        static constexpr knd_entry kEntry{KND_ABI_MAJOR, KND_ABI_MINOR, &kDescriptor,
                                          &Exported<Class>::create};
        return make(kEntry);
    }
    InstanceCore& make(const knd_entry& entry) {
        Library library;
        library.entry = &entry;
        auto core = InstanceCore::make(
            library, "scripted", "knd.dev",
            std::make_shared<HostServices>(
                io_, HostServices::Names{"scripted", "knd.dev", "node-1"}, milliseconds(1)));
        EXPECT_TRUE(core.ok());
        core_ = *core;
        EXPECT_TRUE(core_->start(Json::object()).ok());
        return *core_;
    }
    static Backend::PrepareRequest request(std::string state = "") {
        return {.binding = {{"uid-1", "a", "share-1"}, "default/claim", std::move(state)},
                .config = Json::object(),
                .class_config = Json::object()};
    }
    static std::string message(const auto& result) {
        return result.ok() ? "" : result.error().message();
    }

    boost::asio::io_context io_;
    Script script_;
    std::shared_ptr<InstanceCore> core_;
    Call call_{"c-1", "prepare", "a", std::chrono::steady_clock::now() + std::chrono::seconds(5)};
};

TEST_F(InstanceCoreTest, HandsOverAllThatIsKnownOfAClaim) {
    auto& core = make<Full>();
    auto asked = request();
    asked.config = {{"vlan", 7}};
    asked.class_config = {{"trusted", true}, {"nobody reads", 1}};
    asked.request = "nic";
    asked.consumed = {{"knd.dev/bandwidth", "1500m"}};
    asked.pods = {{"pod-uid", "web-0"}};
    std::vector<std::string> seen;
    script_.prepare = [&](const knd::PrepareRequest& r, EffectsSink&) -> Result<void> {
        KND_TRY_ASSIGN(const auto vlan, r.config.integer("vlan"));
        KND_TRY_ASSIGN(const auto trusted, r.class_config.boolean("trusted"));
        seen = {std::string(r.binding.claim_uid), std::string(r.binding.share_id),
                std::string(r.request),           std::to_string(vlan),
                trusted ? "trusted" : "",         std::to_string(*r.amount("bandwidth")),
                std::string(r.pods.at(0).name),   std::string(r.consumed.at(0).quantity)};
        return {};
    };
    script_.validate = [](const knd::PrepareRequest& r) -> Result<void> {
        return r.config.integer("vlan").ok() ? Result<void>()
                                             : Error(Code::kInvalidArgument, "vlan");
    };
    const auto prepared = core.prepare(call_, asked);
    ASSERT_TRUE(prepared.ok()) << message(prepared);
    EXPECT_EQ(seen, (std::vector<std::string>{"uid-1", "share-1", "nic", "7", "trusted", "2",
                                              "web-0", "1500m"}));
}

TEST_F(InstanceCoreTest, FindsATypingErrorBeforeAnythingIsDone) {
    auto& core = make<Full>();
    auto asked = request();
    asked.config = {{"vlna", 7}};
    script_.validate = [](const knd::PrepareRequest& r) -> Result<void> {
        KND_TRY(r.config.integer("vlan"));
        return {};
    };
    const auto prepared = core.prepare(call_, asked);
    EXPECT_EQ(message(prepared), "unknown key `vlna`; did you mean `vlan`?");
    EXPECT_EQ(prepared.code(), Code::kInvalidArgument);
    EXPECT_EQ(script_.calls, std::vector<std::string>{"validate"});
}

TEST_F(InstanceCoreTest, PassesOnWhatValidateSays) {
    auto& core = make<Full>();
    script_.validate = [](const knd::PrepareRequest&) -> Result<void> {
        return Error(Code::kInvalidArgument, "`vlan` is 5000, must be 1 to 4094");
    };
    EXPECT_EQ(message(core.prepare(call_, request())), "`vlan` is 5000, must be 1 to 4094");
    EXPECT_EQ(script_.calls, std::vector<std::string>{"validate"});
}

TEST_F(InstanceCoreTest, RefusesAdminAccessForABackendThatWasNotAsked) {
    auto& core = make<Plain>();
    auto asked = request();
    asked.admin_access = true;
    EXPECT_EQ(core.prepare(call_, asked).code(), Code::kFailedPrecondition);
    EXPECT_TRUE(script_.calls.empty());
}

TEST_F(InstanceCoreTest, GrantsAdminAccessThatValidateAgreesTo) {
    auto& core = make<Full>();
    auto asked = request();
    asked.admin_access = true;
    bool seen = false;
    script_.validate = [&](const knd::PrepareRequest& r) -> Result<void> {
        seen = r.admin_access;
        return {};
    };
    EXPECT_TRUE(core.prepare(call_, asked).ok());
    EXPECT_TRUE(seen);
}

TEST_F(InstanceCoreTest, UndoesWithTheStateThatThePrepareLeft) {
    auto& core = make<Plain>();
    auto asked = request();
    asked.config = {{"unknown", 1}};
    script_.prepare = [](const knd::PrepareRequest&, EffectsSink& effects) -> Result<void> {
        effects.state("vf=3");
        return {};
    };
    EXPECT_EQ(message(core.prepare(call_, asked)), "unknown key `unknown`; it has no keys");
    EXPECT_EQ(script_.calls, (std::vector<std::string>{"prepare", "unprepare a share-1 vf=3"}));
}

TEST_F(InstanceCoreTest, UndoesByACallThatIsNotCancelled) {
    auto& core = make<Plain>();
    script_.prepare = [&](const knd::PrepareRequest&, EffectsSink& effects) -> Result<void> {
        effects.state("vf=3");
        call_.cancel();  // its caller gives up while it works
        return {};
    };
    const auto prepared = core.prepare(call_, request());
    EXPECT_EQ(prepared.code(), Code::kCancelled);
    EXPECT_EQ(script_.calls, (std::vector<std::string>{"prepare", "unprepare a share-1 vf=3"}));
    EXPECT_FALSE(script_.undo_was_cancelled);
    EXPECT_GT(script_.undo_deadline, std::chrono::steady_clock::now() + std::chrono::seconds(5));
}

TEST_F(InstanceCoreTest, UndoesAfterAnEffectThatTheCppLayerTurnsIntoAFailure) {
    auto& core = make<Plain>();
    script_.prepare = [](const knd::PrepareRequest&, EffectsSink& effects) -> Result<void> {
        effects.state("vf=3").env("not a name", "");
        return {};  // the backend believes that all is well
    };
    EXPECT_EQ(message(core.prepare(call_, request())),
              "it asks for an impossible effect: environment variable `not a name`: no name of a "
              "variable");
    EXPECT_EQ(script_.calls, (std::vector<std::string>{"prepare", "unprepare a share-1 vf=3"}));
}

TEST_F(InstanceCoreTest, UndoesWithAStateThatCameAfterItsCallerGaveUp) {
    auto& core = make<Plain>();
    script_.prepare = [&](const knd::PrepareRequest&, EffectsSink& effects) -> Result<void> {
        call_.cancel();
        effects.state("vf=3").env("A", "1");
        return {};
    };
    EXPECT_EQ(core.prepare(call_, request()).code(), Code::kCancelled);
    EXPECT_EQ(script_.calls, (std::vector<std::string>{"prepare", "unprepare a share-1 vf=3"}));
}

TEST_F(InstanceCoreTest, UndoesNothingAfterAPrepareThatFailed) {
    auto& core = make<Plain>();
    script_.prepare = [](const knd::PrepareRequest&, EffectsSink&) -> Result<void> {
        return Error(Code::kUnavailable, "firmware is busy");
    };
    EXPECT_EQ(core.prepare(call_, request()).code(), Code::kUnavailable);
    EXPECT_EQ(script_.calls, (std::vector<std::string>{"prepare"}));
}

TEST_F(InstanceCoreTest, NeverUndoesABindingThatIsInForce) {
    auto& core = make<Plain>();
    ASSERT_TRUE(core.prepare(call_, request()).ok());
    auto again = request();
    again.config = {{"unknown", 1}};
    EXPECT_FALSE(core.prepare(call_, again).ok());
    EXPECT_EQ(script_.calls, (std::vector<std::string>{"prepare", "prepare"}));
}

TEST_F(InstanceCoreTest, NeverUndoesABindingThatWasInForceBeforeARestart) {
    auto& core = make<Plain>();
    core.hold({request("vf=3").binding});
    script_.prepare = [&](const knd::PrepareRequest&, EffectsSink&) -> Result<void> {
        call_.cancel();
        return {};
    };
    EXPECT_FALSE(core.prepare(call_, request()).ok());
    EXPECT_EQ(script_.calls, (std::vector<std::string>{"prepare"}));
}

TEST_F(InstanceCoreTest, UnpreparesWithTheStateThatItsCallerNeverHeardOf) {
    auto& core = make<Plain>();
    script_.prepare = [](const knd::PrepareRequest&, EffectsSink& effects) -> Result<void> {
        effects.state("vf=3");
        return {};
    };
    ASSERT_TRUE(core.prepare(call_, request()).ok());
    ASSERT_TRUE(core.unprepare(call_, request().binding).ok());
    ASSERT_TRUE(core.unprepare(call_, request().binding).ok());
    EXPECT_EQ(script_.calls, (std::vector<std::string>{"prepare", "unprepare a share-1 vf=3",
                                                       "unprepare a share-1 "}));
}

TEST_F(InstanceCoreTest, AnswersWhichBindingsAreLost) {
    auto& core = make<Full>();
    std::vector<Backend::Binding> live = {{{"uid-1", "a", ""}, "ns/one", ""},
                                          {{"uid-1", "a", "share"}, "ns/one", ""},
                                          {{"uid-2", "b", ""}, "ns/two", ""}};
    script_.reconcile = [&](std::span<const knd::Binding> bindings, LostSink& sink) {
        sink.lost(bindings[1], "the port\nwas pulled out").lost(bindings[2], "");
    };
    const auto lost = core.reconcile(call_, live);
    ASSERT_TRUE(lost.ok()) << message(lost);
    ASSERT_EQ(lost->size(), 2u);
    EXPECT_EQ((*lost)[0].key, live[1].key);
    EXPECT_EQ((*lost)[0].why, "the port was pulled out");
    EXPECT_EQ((*lost)[1].key, live[2].key);
    EXPECT_EQ((*lost)[1].why, "it does not say why");
}

TEST_F(InstanceCoreTest, RefusesALostBindingThatIsNotLive) {
    auto& core = make<Full>();
    script_.reconcile = [](std::span<const knd::Binding>, LostSink& sink) {
        sink.lost({.claim_uid = "other", .claim = "", .device = "a", .state = "", .share_id = ""},
                  "why");
    };
    EXPECT_EQ(core.reconcile(call_, {}).code(), Code::kNotFound);
}

TEST_F(InstanceCoreTest, KeepsTheHealthOfDevicesThatItKnows) {
    auto& core = make<Full>();
    ASSERT_TRUE(core.list(call_).ok());
    core.hold({{{"uid", "away", ""}, "ns/c", ""}});
    script_.check = [](HealthSink& sink) {
        sink.unhealthy("a", "it\nsmokes").unknown("away", "").unhealthy("stranger", "who?");
    };
    const auto health = core.check(call_);
    ASSERT_TRUE(health.ok()) << message(health);
    EXPECT_EQ(*health, (std::map<std::string, HealthReport>{
                           {"a", {Health::kUnhealthy, "it smokes"}},
                           {"away", {Health::kUnknown, "its health is not known"}}}));
}

TEST_F(InstanceCoreTest, KnowsNoDeviceBeforeTheFirstList) {
    auto& core = make<Full>();
    script_.check = [](HealthSink& sink) { sink.unhealthy("a", "it smokes"); };
    const auto health = core.check(call_);
    ASSERT_TRUE(health.ok());
    EXPECT_TRUE(health->empty());
}

TEST_F(InstanceCoreTest, TakesTheLastWordOnADevice) {
    auto& core = make<Full>();
    ASSERT_TRUE(core.list(call_).ok());
    script_.check = [](HealthSink& sink) { sink.unhealthy("a", "it smokes").healthy("a"); };
    EXPECT_TRUE(core.check(call_)->empty());
}

/// The C++ layer knows no such number, so the backend is the C table alone.
TEST_F(InstanceCoreTest, RefusesAHealthThatIsNone) {
    static knd_status seen = KND_OK;
    static const auto check = [](knd_backend*, const knd_call*, const knd_health_sink* sink,
                                 knd_error*) noexcept -> knd_status {
        seen = sink->device(sink, "a", 99, nullptr);
        return KND_OK;
    };
    static constexpr knd_health kHealth{sizeof(knd_health), 0, check};
    static knd_backend* inner = nullptr;
    static const auto create = [](const knd_host* host) noexcept -> knd_backend* {
        inner = Exported<Plain>::create(host);
        static const auto extension = inner->extension;
        inner->extension = [](const knd_backend* b, const char* id) noexcept -> const void* {
            return std::string_view(id) == KND_EXT_HEALTH ? &kHealth : extension(b, id);
        };
        return inner;
    };
    static constexpr knd_entry kEntry{KND_ABI_MAJOR, KND_ABI_MINOR, &kDescriptor, create};
    auto& core = make(kEntry);
    ASSERT_TRUE(core.list(call_).ok());
    EXPECT_TRUE(core.check(call_)->empty());
    EXPECT_EQ(seen, KND_INVALID_ARGUMENT);
}

}  // namespace
}  // namespace knd::plugin
