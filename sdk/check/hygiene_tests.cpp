// SPDX-License-Identifier: Apache-2.0
//
// Tests of what a backend leaves behind in the process that runs it.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "host/plugin/call.hpp"
#include "sdk/check/check.hpp"
#include "sdk/check/process.hpp"
#include "sdk/check/subject.hpp"

#include <knd/cpp/fd.hpp>

namespace knd::check {
namespace {

constexpr const char* kUid = "00000000-0000-4000-8000-000000000002";

/// Everything that can be asked of a started instance, once.
void use(Subject& subject, const Target& target) {
    const auto& tables = subject.tables();
    if (tables.offers(KND_EXT_HEALTH)) static_cast<void>(subject.check());
    for (const auto& device : subject.device_names()) {
        if (tables.offers(KND_EXT_VALIDATE))
            static_cast<void>(subject.validate(device, kUid, target.claim));
        const auto prepared = subject.prepare(device, kUid, target.claim);
        static_cast<void>(subject.unprepare(device, kUid, prepared.effects.state));
    }
    static_cast<void>(subject.prepare("no-such-device", kUid, target.claim));
    if (tables.offers(KND_EXT_RECOVER)) static_cast<void>(subject.reconcile({}));
}

Outcome reports_by_the_rules(const Target& target) {
    auto subject = Subject::running(target);
    if (!subject.ok()) return skip("not started");
    use(**subject, target);
    const auto bad = (*subject)->host().bad_reports();
    return bad == 0 ? pass()
                    : fail(std::to_string(bad) +
                           " events or metrics are not as knd/host/report.h "
                           "says");
}

Outcome leaves_the_thread_as_it_was(const Target& target) {
    const auto before = plugin::ThreadState::capture();
    {
        auto subject = Subject::running(target);
        if (!subject.ok()) return skip("not started");
        use(**subject, target);
    }
    const auto changed = before.difference_and_restore();
    return changed ? fail("leaves " + *changed + " changed") : pass();
}

Outcome ends_its_threads(const Target& target) {
    const auto before = thread_count();
    auto subject = Subject::running(target);
    if (!subject.ok()) return skip("not started");
    use(**subject, target);
    (*subject)->stop();
    const auto left = thread_count() - before;
    return left == 0 ? pass() : fail(std::to_string(left) + " threads are left after stop");
}

Outcome closes_its_descriptors(const Target& target) {
    // The first instance may open what the library keeps for ever.
    if (auto first = Subject::running(target); !first.ok()) return skip("not started");
    const auto before = open_descriptors();
    {
        auto subject = Subject::running(target);
        if (!subject.ok()) return skip("does not start a second time");
        use(**subject, target);
    }
    for (const auto& descriptor : open_descriptors()) {
        if (std::find(before.begin(), before.end(), descriptor) == before.end()) {
            return fail("leaves a descriptor open: " + descriptor);
        }
    }
    return pass();
}

Outcome keeps_its_memory(const Target& target) {
#ifdef __SANITIZE_ADDRESS__
    return skip("this knd-check is built with ASan, which keeps what is freed");
#endif
    auto subject = Subject::running(target);
    if (!subject.ok()) return skip("not started");
    const auto began = std::chrono::steady_clock::now();
    const auto rounds = [&](int count) {
        int done = 0;
        while (done < count && std::chrono::steady_clock::now() - began < std::chrono::seconds(4)) {
            use(**subject, target);
            ++done;
        }
        return done;
    };
    rounds(100);
    const auto before = resident_kib();
    const auto done = rounds(1000);
    const auto grown = resident_kib() - before;
    if (grown <= 1024) return pass();
    return fail("grows by " + std::to_string(grown) + " KiB in " + std::to_string(done) +
                " rounds of list, prepare and unprepare");
}

Outcome says_nothing(const Target& target) {
    char name[] = "/tmp/knd-check-XXXXXX";
    const Fd file(::mkostemp(name, O_CLOEXEC));
    if (!file) return skip("no temporary file");
    ::unlink(name);
    std::fflush(nullptr);
    const Fd output(::fcntl(1, F_DUPFD_CLOEXEC, 3));
    const Fd errors(::fcntl(2, F_DUPFD_CLOEXEC, 3));
    ::dup2(file.get(), 1);
    ::dup2(file.get(), 2);
    bool started = false;
    if (auto subject = Subject::running(target); subject.ok()) {
        started = true;
        use(**subject, target);
    }
    std::fflush(nullptr);
    ::dup2(output.get(), 1);
    ::dup2(errors.get(), 2);
    struct stat info {};
    ::fstat(file.get(), &info);
    if (info.st_size == 0) return started ? pass() : skip("not started");
    char text[81] = {};
    const auto got = ::pread(file.get(), text, sizeof text - 1, 0);
    return fail("writes to stdout or stderr: " +
                std::string(text, got > 0 ? static_cast<std::size_t>(got) : 0));
}

}  // namespace

std::vector<Test> hygiene_tests() {
    return {
        {"KND-T3", "leaves-the-thread-as-it-was", true, leaves_the_thread_as_it_was},
        {"KND-T4", "ends-its-threads", true, ends_its_threads},
        {"KND-M4", "closes-its-descriptors", true, closes_its_descriptors},
        {"KND-M2", "keeps-its-memory", true, keeps_its_memory},
        {"KND-B1", "says-nothing", true, says_nothing},
        {"KND-B13", "reports-by-the-rules", true, reports_by_the_rules},
    };
}

}  // namespace knd::check
