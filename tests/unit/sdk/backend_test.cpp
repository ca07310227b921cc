// SPDX-License-Identifier: Apache-2.0
//
// The C face that the C++ layer gives to a class, called as a host would.
#include <gtest/gtest.h>

#include <algorithm>
#include <knd/cpp/backend.hpp>

namespace {

constexpr knd_descriptor kDescriptor{.size = sizeof(knd_descriptor),
                                     .flags = KND_CONCURRENT,
                                     .id = "example.com/full",
                                     .vendor = "Example",
                                     .version = "1.2.3",
                                     .summary = "Has every method"};

/// What the backend under test was told, readable from outside.
struct Seen {
    std::vector<std::string> calls;
    std::vector<std::string> live;
    std::vector<std::string> seen;  ///< of a prepare request
    std::string state;
    int fd = -1;
};
Seen* g_seen = nullptr;

class Full {
  public:
    explicit Full(knd::Host host) : host_(host) {}
    ~Full() { g_seen->calls.push_back("destroy"); }
    knd::Result<void> start(const knd::Params&) {
        g_seen->calls.push_back("start");
        return knd::Error(knd::Code::kUnavailable, "no firmware", ENOENT);
    }
    void stop() { g_seen->calls.push_back("stop"); }
    knd::Result<void> list(const knd::Call& call, knd::DeviceSink&) { return call.check(); }
    knd::Result<void> prepare(const knd::Call&, const knd::PrepareRequest& request,
                              knd::EffectsSink& effects) {
        g_seen->state = request.binding.state;
        note(request);
        effects.env("A", "1").env("B", "2");
        return {};
    }
    knd::Result<void> validate(const knd::Call&, const knd::PrepareRequest& request) {
        note(request);
        return {};
    }
    knd::Result<void> unprepare(const knd::Call&, const knd::Binding&) { throw 1; }
    knd::Result<void> attach(const knd::Call&, const knd::AttachRequest& request) {
        g_seen->fd = request.netns_fd;
        return {};
    }
    knd::Result<void> detach(const knd::Call&, const knd::AttachRequest&) { return {}; }
    knd::Result<void> check(const knd::Call&, knd::HealthSink& sink) {
        sink.unhealthy("a", "it smokes");
        return {};
    }
    knd::Result<void> reconcile(const knd::Call&, std::span<const knd::Binding> live,
                                knd::LostSink& sink) {
        for (const auto& binding : live) {
            g_seen->live.emplace_back(std::string(binding.device) + "/" +
                                      std::string(binding.share_id));
            if (binding.device == "second") sink.lost(binding, "it melted");
        }
        return {};
    }
    void on_ready(int fd) { g_seen->fd = fd; }

  private:
    static void note(const knd::PrepareRequest& request) {
        auto& seen = g_seen->seen;
        seen.emplace_back(request.request);
        if (request.admin_access) seen.emplace_back("admin");
        for (const auto& one : request.consumed)
            seen.push_back(std::string(one.capacity) + "=" + std::string(one.quantity));
        for (const auto& pod : request.pods)
            seen.emplace_back(pod.name);
        if (const auto amount = request.amount("bandwidth"))
            seen.push_back(std::to_string(*amount));
        seen.push_back(*request.class_config.string("trusted", "no"));
    }

    knd::Host host_;
};

class Small {
  public:
    explicit Small(knd::Host) {}
    knd::Result<void> start(const knd::Params&) { return {}; }
    void stop() {}
    knd::Result<void> list(const knd::Call&, knd::DeviceSink&) { return {}; }
    knd::Result<void> prepare(const knd::Call&, const knd::PrepareRequest&, knd::EffectsSink&) {
        return {};
    }
    knd::Result<void> unprepare(const knd::Call&, const knd::Binding&) { return {}; }
};

}  // namespace

KND_EXPORT_BACKEND(Full, kDescriptor)

namespace knd {
namespace {

class BackendTest : public ::testing::Test {
  protected:
    BackendTest() {
        g_seen = &seen_;
        backend_ = knd_entry_v1.create(&host_);
    }
    ~BackendTest() override {
        if (backend_ != nullptr) backend_->destroy(backend_);
    }
    template <class Table>
    const Table& table(const char* id) const {
        return *static_cast<const Table*>(backend_->extension(backend_, id));
    }

    Seen seen_;
    knd_host host_{sizeof host_, 0, nullptr, nullptr, nullptr, "full-a", "knd.dev", "node-1"};
    knd_backend* backend_ = nullptr;
    knd_error err_ = empty_error();
    knd_call call_{sizeof call_,
                   0,
                   0,
                   "c-1",
                   [](const knd_call* call) noexcept { return call->host_data != nullptr; },
                   nullptr};
    knd_binding binding_{sizeof binding_, 0, "uid", "ns/claim", "dev", "a\0b", 3, "share"};
};

TEST_F(BackendTest, CanBeReadWithoutCallingAnything) {
    EXPECT_EQ(knd_entry_v1.abi_major, KND_ABI_MAJOR);
    EXPECT_STREQ(knd_entry_v1.descriptor->id, "example.com/full");
}

TEST_F(BackendTest, OffersWhatTheClassHasMethodsFor) {
    for (const char* id : {KND_EXT_DISCOVERY, KND_EXT_PREPARE, KND_EXT_ATTACH, KND_EXT_HEALTH,
                           KND_EXT_RECOVER, KND_EXT_POLL, KND_EXT_VALIDATE}) {
        EXPECT_NE(backend_->extension(backend_, id), nullptr) << id;
        EXPECT_EQ(backend_->extension(backend_, id), backend_->extension(backend_, id)) << id;
    }
    EXPECT_EQ(backend_->extension(backend_, "knd.prepare/2"), nullptr);
}

TEST_F(BackendTest, OffersNothingThatTheClassLacks) {
    auto* small = Exported<Small>::create(&host_);
    EXPECT_NE(small->extension(small, KND_EXT_DISCOVERY), nullptr);
    EXPECT_EQ(small->extension(small, KND_EXT_ATTACH), nullptr);
    EXPECT_EQ(small->extension(small, KND_EXT_POLL), nullptr);
    EXPECT_EQ(small->extension(small, KND_EXT_VALIDATE), nullptr);
    small->destroy(small);
}

TEST_F(BackendTest, ReturnsCodeErrnoAndSentenceOfAnError) {
    EXPECT_EQ(backend_->start(backend_, nullptr, &err_), KND_UNAVAILABLE);
    EXPECT_EQ(err_.os_error, ENOENT);
    EXPECT_STREQ(err_.message, "no firmware");
}

TEST_F(BackendTest, IsDestroyedWithoutHavingBeenStarted) {
    backend_->destroy(backend_);
    backend_ = nullptr;
    EXPECT_EQ(seen_.calls, std::vector<std::string>{"destroy"});
}

TEST_F(BackendTest, TurnsAThrowIntoInternal) {
    const auto& prepare = table<knd_prepare>(KND_EXT_PREPARE);
    EXPECT_EQ(prepare.unprepare(backend_, &call_, &binding_, &err_), KND_INTERNAL);
    EXPECT_STREQ(err_.message, "an exception of an unknown type");
}

TEST_F(BackendTest, FailsAPrepareWhoseEffectWasRefused) {
    knd_effects effects{};
    effects.size = sizeof effects;
    effects.env = [](const knd_effects*, const char* key, const char*) noexcept -> knd_status {
        return key[0] == 'B' ? KND_INVALID_ARGUMENT : KND_OK;
    };
    knd_prepare_request request{};
    request.size = offsetof(knd_prepare_request, class_config);  // of an older host
    request.binding = &binding_;
    const auto& prepare = table<knd_prepare>(KND_EXT_PREPARE);
    EXPECT_EQ(prepare.prepare(backend_, &call_, &request, &effects, &err_), KND_INVALID_ARGUMENT);
    EXPECT_STREQ(err_.message, "the host refused the environment variable `B`");
    EXPECT_EQ(seen_.state, std::string("a\0b", 3));
    EXPECT_EQ(seen_.seen, (std::vector<std::string>{"", "no"}));
}

TEST_F(BackendTest, HandsOverAllOfARequestWithTheStrideOfANewerHost) {
    struct Longer {
        knd_consumed known;
        std::uint64_t newer;
    };
    const Longer consumed[2] = {
        {{sizeof(Longer), 0, "knd.dev/queues", "2", 2}, 7},
        {{sizeof(Longer), 0, "knd.dev/bandwidth", "25G", 25'000'000'000}, 7}};
    const knd_pod pod{sizeof pod, 0, "uid", "web-0"};
    knd_prepare_request request{};
    request.size = sizeof request;
    request.flags = KND_REQUEST_ADMIN;
    request.binding = &binding_;
    request.request = "nic";
    request.consumed = &consumed[0].known;
    request.consumed_count = 2;
    request.pods = &pod;
    request.pod_count = 1;
    const auto& validate = table<knd_validate>(KND_EXT_VALIDATE);
    EXPECT_EQ(validate.validate(backend_, &call_, &request, &err_), KND_OK);
    EXPECT_EQ(seen_.seen,
              (std::vector<std::string>{"nic", "admin", "knd.dev/queues=2", "knd.dev/bandwidth=25G",
                                        "web-0", "25000000000", "no"}));
}

TEST_F(BackendTest, SeesCancellationAndDeadline) {
    const auto& discovery = table<knd_discovery>(KND_EXT_DISCOVERY);
    EXPECT_EQ(discovery.list(backend_, &call_, nullptr, &err_), KND_OK);
    call_.deadline_ns = 1;
    EXPECT_EQ(discovery.list(backend_, &call_, nullptr, &err_), KND_DEADLINE_EXCEEDED);
    call_.host_data = &call_;
    EXPECT_EQ(discovery.list(backend_, &call_, nullptr, &err_), KND_CANCELLED);
}

TEST_F(BackendTest, ReportsHealth) {
    static std::string reported;
    const knd_health_sink sink{sizeof sink, 0,
                               [](const knd_health_sink*, const char* device, std::int32_t health,
                                  const char* message) noexcept -> knd_status {
                                   reported = std::string(device) + " " + std::to_string(health) +
                                              " " + message;
                                   return KND_OK;
                               },
                               nullptr};
    EXPECT_EQ(table<knd_health>(KND_EXT_HEALTH).check(backend_, &call_, &sink, &err_), KND_OK);
    EXPECT_EQ(reported, "a 2 it smokes");
}

TEST_F(BackendTest, WalksBindingsWithTheStrideOfANewerHost) {
    struct Longer {
        knd_binding known;
        std::uint64_t newer;
    };
    Longer bindings[2] = {{binding_, 7}, {binding_, 7}};
    for (auto& binding : bindings)
        binding.known.size = sizeof(Longer);
    bindings[1].known.device = "second";
    const auto& recover = table<knd_recover>(KND_EXT_RECOVER);
    std::string lost;
    const knd_recover_sink sink{sizeof sink, 0,
                                [](const knd_recover_sink* s, const knd_binding* binding,
                                   const char* why) noexcept -> knd_status {
                                    *static_cast<std::string*>(s->host_data) =
                                        std::string(binding->claim_uid) + " " + binding->device +
                                        " " + binding->share_id + ": " + why;
                                    return KND_OK;
                                },
                                &lost};
    EXPECT_EQ(recover.reconcile(backend_, &call_, &bindings[0].known, 2, &sink, &err_), KND_OK);
    EXPECT_EQ(seen_.live, (std::vector<std::string>{"dev/share", "second/share"}));
    EXPECT_EQ(lost, "uid second share: it melted");
}

TEST_F(BackendTest, KnowsWhoItIs) {
    const Host host(&host_);
    EXPECT_EQ(host.instance(), "full-a");
    EXPECT_EQ(host.driver(), "knd.dev");
    EXPECT_EQ(host.node(), "node-1");
    auto older = host_;
    older.size = offsetof(knd_host, instance);
    EXPECT_EQ(Host(&older).instance(), "");
}

TEST(HealthSink, GoesOnAfterADeviceThatTheHostDoesNotKnow) {
    static std::vector<std::string> reported;
    const knd_health_sink sink{sizeof sink, 0,
                               [](const knd_health_sink*, const char* device, std::int32_t,
                                  const char*) noexcept -> knd_status {
                                   reported.emplace_back(device);
                                   return device[0] == 'x' ? KND_NOT_FOUND : KND_OK;
                               },
                               nullptr};
    HealthSink health(&sink);
    health.unhealthy("x", "gone").unhealthy("a", "it smokes");
    EXPECT_TRUE(health.status().ok());
    EXPECT_EQ(reported, (std::vector<std::string>{"x", "a"}));
}

TEST_F(BackendTest, PassesTheNamespaceAndTheReadyDescriptor) {
    const knd_attach_request request{sizeof request, 42, &binding_, 7, 0};
    EXPECT_EQ(table<knd_attach>(KND_EXT_ATTACH).attach(backend_, &call_, &request, &err_), KND_OK);
    EXPECT_EQ(seen_.fd, 42);
    table<knd_poll>(KND_EXT_POLL).on_ready(backend_, 43);
    EXPECT_EQ(seen_.fd, 43);
}

TEST(CopyIn, FillsWhatAnOlderSideDidNotHaveWithZero) {
    knd_binding older{};
    older.size = offsetof(knd_binding, state);
    older.device = "dev";
    older.state = "must not be read";
    const auto mine = copy_in(&older);
    EXPECT_STREQ(mine.device, "dev");
    EXPECT_EQ(mine.state, nullptr);
    EXPECT_EQ(mine.size, sizeof(knd_binding));
}

TEST(FillError, CutsAtACharacterAndEndsWithNul) {
    auto err = empty_error();
    std::string text(502, 'x');
    text += "\xc3\xa9";  // its second byte would be the last one of the buffer
    fill_error(&err, text, 5);
    EXPECT_EQ(std::string(err.message), std::string(502, 'x'));
    EXPECT_EQ(err.os_error, 5);
}

TEST(FillError, StaysInsideOfAShorterBuffer) {
    auto err = empty_error();
    std::fill(std::begin(err.message), std::end(err.message), '#');
    err.size = offsetof(knd_error, message) + 4;
    fill_error(&err, "long text", 0);
    EXPECT_STREQ(err.message, "lon");
    EXPECT_EQ(err.message[4], '#');
}

TEST(FillError, TakesNoBufferAtAll) {
    fill_error(nullptr, "text", 0);
}

TEST(ReadError, SurvivesATextWithoutEnd) {
    auto err = empty_error();
    std::fill(std::begin(err.message), std::end(err.message), 'x');
    EXPECT_EQ(read_error(KND_INTERNAL, err).message(), std::string(504, 'x'));
}

TEST(ReadError, SaysSomethingWhenNothingWasSaid) {
    EXPECT_EQ(read_error(1234, empty_error()).message(), "failed without a message (UNKNOWN)");
}

}  // namespace
}  // namespace knd
