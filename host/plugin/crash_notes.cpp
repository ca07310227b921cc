// SPDX-License-Identifier: Apache-2.0
#include "host/plugin/crash_notes.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <new>
#include <system_error>
#include <utility>

#include "host/plugin/names.hpp"

namespace knd::plugin {

/// In the file as it is in memory. Names that are too long are cut.
struct CrashNotes::Slot {
    enum State : std::uint32_t { kFree, kWriting, kInCall };

    std::atomic<std::uint32_t> state;
    std::atomic<std::int32_t> mark;  ///< a signal, or kEnded
    char instance[64];
    char operation[16];
    char claim_uid[64];
    char claim[320];  ///< a namespace, '/', a name of 253
    char device[64];
};

namespace {

using Slot = CrashNotes::Slot;
static_assert(std::atomic<std::uint32_t>::is_always_lock_free);

constexpr std::size_t kSlots = 64;
constexpr std::int32_t kEnded = -1;
/// Another layout, another number.
constexpr char kMagic[8] = {'k', 'n', 'd', 'c', 'a', 'l', 'l', '1'};

struct Page {
    char magic[8];
    Slot slots[kSlots];
};

constexpr std::array kSignals = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS, SIGTRAP};

/// The note of the call that this thread is in.
thread_local Slot* t_slot = nullptr;
struct sigaction g_previous[NSIG];
pid_t g_process = 0;

void put(char* to, std::size_t room, std::string_view text) {
    const auto size = std::min(text.size(), room - 1);
    std::memcpy(to, text.data(), size);
    to[size] = '\0';
}

template <std::size_t N>
std::string get(const char (&from)[N]) {
    return printable(std::string_view(from, ::strnlen(from, N)));
}

/// Async-signal-safe. Children of this process share the memory and are not meant.
void mark(std::int32_t how) {
    if (t_slot != nullptr && ::getpid() == g_process) t_slot->mark.store(how);
}

/// The instruction that failed is run again after this, or the signal is sent again, for whoever
/// handled it before: a sanitizer, or the kernel, which writes the core file.
void on_fatal_signal(int signal, siginfo_t* info, void*) {
    const bool was_sent = info->si_code <= 0;  // by kill(), raise(), abort()
    if (!was_sent || info->si_pid == g_process) mark(signal);
    ::sigaction(signal, &g_previous[signal], nullptr);
    if (was_sent) ::raise(signal);
}

std::vector<CrashNote> read_notes(const Page& page) {
    std::vector<CrashNote> notes;
    if (std::memcmp(page.magic, kMagic, sizeof kMagic) != 0) return notes;
    for (const auto& slot : page.slots) {
        const auto mark = slot.mark.load();
        if (slot.state.load() != Slot::kInCall || mark == 0) continue;
        notes.push_back({get(slot.instance), get(slot.operation), get(slot.claim_uid),
                         get(slot.claim), get(slot.device), std::max(mark, 0)});
    }
    return notes;
}

}  // namespace

std::string CrashNote::text() const {
    std::string text = "an exit by the library";
    if (signal != 0) {
        const char* name = ::sigabbrev_np(signal);
        text = name != nullptr ? std::string("SIG") + name : "signal " + std::to_string(signal);
    }
    text += " in " + operation;
    if (!device.empty()) text += " of device " + device;
    if (!claim.empty()) text += " for claim " + claim;
    return text;
}

Result<std::shared_ptr<CrashNotes>> CrashNotes::open(const std::string& directory) {
    std::error_code failed;
    std::filesystem::create_directories(directory, failed);
    if (failed) return Error::from_errno("make directory " + directory, failed.value());
    const auto path = directory + "/backend-calls";
    Fd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file) return Error::from_errno("open " + path, errno);
    // Of this process alone: a child of the last one, which it may have left behind, holds nothing.
    struct flock lock {};
    lock.l_type = F_WRLCK;
    if (::fcntl(file.get(), F_SETLK, &lock) != 0) {
        if (errno != EAGAIN && errno != EACCES) return Error::from_errno("lock " + path, errno);
        return Error(Code::kUnavailable, path + " is in use by another process");
    }
    // With room for all of it: memory that the file system has none for is SIGBUS.
    if (const int full = ::posix_fallocate(file.get(), 0, sizeof(Page)); full != 0)
        return Error::from_errno("make room for " + path, full);
    void* memory = ::mmap(nullptr, sizeof(Page), PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
    if (memory == MAP_FAILED) return Error::from_errno("map " + path, errno);
    auto crashes = read_notes(*static_cast<const Page*>(memory));
    std::memset(memory, 0, sizeof(Page));
    auto* page = new (memory) Page{};
    std::memcpy(page->magic, kMagic, sizeof kMagic);
    return std::shared_ptr<CrashNotes>(new CrashNotes(std::move(file), memory, std::move(crashes)));
}

CrashNotes::CrashNotes(Fd file, void* memory, std::vector<CrashNote> crashes)
    : file_(std::move(file)), memory_(memory), crashes_(std::move(crashes)) {}

CrashNotes::~CrashNotes() {
    ::munmap(memory_, sizeof(Page));
}

CrashNotes::Slot* CrashNotes::take() {
    for (auto& slot : static_cast<Page*>(memory_)->slots) {
        std::uint32_t free = Slot::kFree;
        if (slot.state.load(std::memory_order_relaxed) == Slot::kFree &&
            slot.state.compare_exchange_strong(free, Slot::kWriting))
            return &slot;
    }
    return nullptr;
}

CrashNotes::Scope::Scope(CrashNotes* notes, std::string_view instance, const Call& call)
    : slot_(notes != nullptr ? notes->take() : nullptr) {
    if (slot_ == nullptr) return;
    slot_->mark = 0;
    put(slot_->instance, sizeof slot_->instance, instance);
    put(slot_->operation, sizeof slot_->operation, call.operation());
    put(slot_->claim_uid, sizeof slot_->claim_uid, call.claim().uid);
    put(slot_->claim, sizeof slot_->claim, call.claim().name);
    put(slot_->device, sizeof slot_->device, call.device());
    slot_->state = Slot::kInCall;
    previous_ = std::exchange(t_slot, slot_);
}

CrashNotes::Scope::~Scope() {
    if (slot_ == nullptr) return;
    t_slot = previous_;
    slot_->state = Slot::kFree;
}

void install_crash_handlers() {
    g_process = ::getpid();
    struct sigaction action {};
    action.sa_sigaction = on_fatal_signal;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigemptyset(&action.sa_mask);
    for (const int signal : kSignals)
        ::sigaction(signal, &action, &g_previous[signal]);
    std::atexit(note_exit);
}

void note_exit() {
    mark(kEnded);
}

SignalStack::SignalStack() : memory_(new char[static_cast<std::size_t>(SIGSTKSZ)]) {
    stack_t stack{};
    stack.ss_sp = memory_.get();
    stack.ss_size = static_cast<std::size_t>(SIGSTKSZ);
    ::sigaltstack(&stack, &previous_);
}

SignalStack::~SignalStack() {
    ::sigaltstack(&previous_, nullptr);
}

}  // namespace knd::plugin
